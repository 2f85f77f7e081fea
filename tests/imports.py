"""Who imports whom, read from the source: every import, those inside functions and for type checkers among them."""

import ast
from functools import cache


def modules(root, buildings):
    """The files of each module of these packages, by its name: its source, and the stub of a lazy face."""
    found = {}
    for building in buildings:
        for path in sorted((root / building).rglob("*.py*")):
            if path.suffix in (".py", ".pyi"):
                parts = path.relative_to(root).with_suffix("").parts
                name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
                found.setdefault(name, []).append(path)
    return found


def arrows(root, buildings):
    """The modules of these packages that each of them imports. `from x import y` is an arrow to the module x.y if there
    is one, else to x."""
    files = modules(root, buildings)
    return {name: set().union(*(_imported(path, name, files) for path in paths)) for name, paths in files.items()}


def _imported(path, name, files):
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    found = set()
    for node in _import_statements(path.read_text(encoding="utf-8")):
        if isinstance(node, ast.Import):
            found |= {_known(alias.name, files) for alias in node.names}
        else:
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                found.add(whole if whole in files else _known(base, files))
    return found - {None, name}


@cache
def _import_statements(source):
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]


def _known(name, files):
    """The module, or the nearest one above that is ours; None for others' packages."""
    while name and name not in files:
        name = name.rpartition(".")[0]
    return name or None
