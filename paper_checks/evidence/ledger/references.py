"""What entries of a ledger refer to: functions that state a claim, tests that prove it."""

import ast
from collections.abc import Callable, Container, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

from .project import Ledger


def unfound(ledger: Ledger) -> list[str]:
    """The names in `theory` and `proof` that are not there, a sentence each. Tests are read, not imported; where the
    folder of the tests is not there at all, as in an installed package, nothing is said of them."""
    root = (ledger.folder / ledger.project.root).resolve()
    problems, known = [], cache(lambda file: frozenset(_functions(_tree(file))))
    for name, claim in ledger.claims.items():
        problems += [f"claim {name}: theory: no {one}" for one in claim.theory if not _is_there(one)]
        problems += [
            f"claim {name}: proof: no {one.test}" for one in claim.proof if not _is_test(root, one.test, known)
        ]
    return problems


def stating(dotted: str) -> object:
    """The module, class, method or function of a dotted name.

    Raises:
        LookupError: there is none, or it is no dotted name.
    """
    parts = dotted.split(".")
    if not all(part.isidentifier() for part in parts):
        raise LookupError(f"no dotted name: {dotted!r}")
    for count in range(len(parts), 0, -1):
        module = ".".join(parts[:count])
        try:
            found: object = import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise
            continue
        for attribute in parts[count:]:
            if not hasattr(found, attribute):
                raise LookupError(f"no {attribute} in {found}")
            found = getattr(found, attribute)
        return found
    raise LookupError(f"no module {parts[0]}")


def _is_there(dotted: str) -> bool:
    try:
        stating(dotted)
    except LookupError:
        return False
    return True


def _is_test(root: Path, test: str, known: Callable[[Path], Container[str]]) -> bool:
    path, _, wanted = test.partition("::")
    file = (root / path.replace("\0", "")).resolve()
    if "\0" in path or file == root or not file.is_relative_to(root):
        return False
    if not (root / file.relative_to(root).parts[0]).exists():
        return True
    return file.suffix == ".py" and file.is_file() and wanted in known(file)


def _tree(file: Path) -> ast.Module:
    """The source of a file of tests; empty where it cannot be read, which pytest says."""
    try:
        return ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return ast.Module([], [])


def _functions(tree: ast.Module) -> Iterator[str]:
    """Names of functions, those of classes as "Class::function"."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            yield from (f"{node.name}::{one.name}" for one in node.body if isinstance(one, ast.FunctionDef))
