"""Who imports whom, read from the source: every import, those inside functions and for type checkers among them."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

Files = dict[str, list[Path]]
FOR_TYPES = ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def modules(root: Path, packages: Iterable[str]) -> Files:
    """The files of each module of these packages, by its name: its source, and the stub of a lazy face. A module that
    lies alone in `root` is a package too."""
    found: Files = {}
    for package in packages:
        for path in [root / f"{package}.py", *sorted((root / package).rglob("*.py*"))]:
            if path.suffix in (".py", ".pyi") and path.is_file():
                parts = path.relative_to(root).with_suffix("").parts
                name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
                found.setdefault(name, []).append(path)
    return found


def arrows(root: Path, packages: Iterable[str]) -> dict[str, set[str]]:
    """The modules of these packages that each of them imports. `from x import y` is an arrow to the module x.y if there
    is one, else to x."""
    files = modules(root, packages)
    return {name: {module for module, _ in _imports(name, files)} - {name} for name in files}


def closure(module: str, files: Files) -> set[str]:
    """The modules whose code `module` may run, itself among them: those that it imports, those that they import, and so
    on; what is for type checkers alone is not run. A name from a face, `from x import y`, leads to the module that
    defines y, and not to all that x has."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [_defined(base, imported, files) for base, imported in _imports(name, files, typed=False)]
    return found


def _imports(name: str, files: Files, typed: bool = True) -> Iterator[tuple[str, str]]:
    """Of a module: modules that it imports, each with the name that it takes from it, "" for all of it; those below
    `if TYPE_CHECKING` where `typed`."""
    for path in files[name]:
        package = name if path.stem == "__init__" else name.rpartition(".")[0]
        for base, imported in _statements(path.read_text(encoding="utf-8"), package, typed):
            whole = f"{base}.{imported}"
            if imported and whole in files:
                yield whole, ""
            elif known := _known(base, files):
                yield known, imported if known == base else ""


@cache
def _statements(source: str, package: str, typed: bool) -> tuple[tuple[str, str], ...]:
    """Modules by their whole name, each with a name that is taken from it."""
    found = []
    for node in _walk(ast.parse(source), typed):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found += [(base, "" if alias.name == "*" else alias.name) for alias in node.names]
    return tuple(found)


def _walk(tree: ast.AST, typed: bool) -> Iterator[ast.AST]:
    """The nodes of a tree."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if not typed and isinstance(node, ast.If) and ast.unparse(node.test) in FOR_TYPES:
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def _defined(module: str, name: str, files: Files) -> str:
    """The module that defines a name of `module`, through faces; `module` itself where no face has the name."""
    if name and files[module][0].stem == "__init__":
        for base, imported in _imports(module, files):
            if imported == name and base != module:
                return _defined(base, name, files)
            if not imported and base.rpartition(".")[2] == name:
                return base
    return module


def _known(name: str, files: Files) -> str | None:
    """The module, or the nearest one above that is ours; None for others' packages."""
    while name and name not in files:
        name = name.rpartition(".")[0]
    return name or None
