"""Which checks a claim has: read from the files of checks, whatever a run selects of them."""

import ast
from collections.abc import Iterator
from pathlib import Path

from simulate.runtime.files import files_below


def check_files(folder: Path) -> list[Path]:
    """The files of checks in `folder` and in the folders in it."""
    return files_below(folder, "**/test_*.py")


def check_functions(folder: Path) -> dict[str, set[str]]:
    """By claim, the functions "test_x.py::test_y" that are decorated with @pytest.mark.claims("ID"), of the files in
    `folder` and in the folders in it.

    Raises:
        ValueError: two of the files have the same name.
    """
    found: dict[str, set[str]] = {}
    paths: dict[str, Path] = {}
    for path in check_files(folder):
        if paths.setdefault(path.name, path) != path:
            raise ValueError(f"files of checks must have different names, got {paths[path.name]} and {path}")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), path.name)):
            if isinstance(node, ast.FunctionDef):
                for claim in _claims(node):
                    found.setdefault(claim, set()).add(f"{path.name}::{node.name}")
    return found


def function_of(node: str) -> str:
    """The function of a check, as above, from its id in pytest, such as "claims/t1/test_x.py::test_y[1-2]"."""
    path, _, name = node.partition("[")[0].partition("::")
    return f"{Path(path).name}::{name.rpartition('::')[2]}"


def _claims(function: ast.FunctionDef) -> Iterator[str]:
    for mark in function.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith("mark.claims"):
            yield from (one.value for one in mark.args if isinstance(one, ast.Constant) and isinstance(one.value, str))
