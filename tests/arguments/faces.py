"""Public names: what the faces' `__all__` has, which of it takes arguments, and which table has its rows."""

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

from .rows import Row, Table

ROOTS = ("theory", "simulate")


def faces() -> list[str]:
    """The packages with an `__all__`, the deepest first: a name belongs to the face that is nearest to its module."""
    found = []
    for root in ROOTS:
        package = importlib.import_module(root)
        inner = [one.name for one in pkgutil.walk_packages(package.__path__, f"{root}.") if one.ispkg]
        found += [name for name in (root, *inner) if getattr(importlib.import_module(name), "__all__", ())]
    return sorted(found, key=lambda name: -name.count("."))


@functools.cache
def public() -> dict[str, dict[str, Any]]:
    """Functions and classes by face and name, each once."""
    seen: set[int] = set()
    found: dict[str, dict[str, Any]] = {}
    for face in faces():
        module = importlib.import_module(face)
        named = {name: getattr(module, name) for name in module.__all__}
        new = {name: one for name, one in named.items() if is_ours(one) and id(one) not in seen}
        seen |= {id(one) for one in new.values()}
        found[face] = new
    return found


def is_ours(one: Any) -> bool:
    """Whether it is a function or class of this project, rather than a constant, a type or a chapter."""
    is_code = inspect.isclass(one) or inspect.isfunction(inspect.unwrap(one)) if callable(one) else False
    return is_code and str(getattr(one, "__module__", "")).split(".")[0] in ROOTS


def methods(owner: type) -> dict[str, Callable[..., Any]]:
    """Its own public methods that take arguments."""
    found = {}
    for name, one in vars(owner).items():
        plain = one.__func__ if isinstance(one, classmethod | staticmethod) else one
        if name.startswith("_") or name in inspect.get_annotations(owner) or not inspect.isfunction(plain):
            continue
        if len(inspect.signature(plain).parameters) > (0 if isinstance(one, staticmethod) else 1):
            found[name] = getattr(owner, name)
    return found


def table_of(face: str) -> Table:
    """Its rows."""
    root, _, chapter = face.partition(".")
    name = chapter.replace(".", "_") or "face"
    found: Table = importlib.import_module(f"{__package__}.tables.{root}.{name}").TABLE
    return found


def parameters(target: Callable[..., Any], is_method: bool) -> dict[str, inspect.Parameter]:
    """Those that a caller gives, by name."""
    found = dict(inspect.signature(target).parameters)
    first = next(iter(found), None)
    if is_method and first == "self":
        del found[first]
    return found


def missing(face: str, named: dict[str, Any], table: Table) -> list[str]:
    """What the table lacks, a line each: names without rows, parameters without values, rows without names."""
    wanted: dict[str, tuple[Callable[..., Any], bool]] = {}
    for name, one in named.items():
        if name not in table.results:
            wanted[name] = (one, False)
        if inspect.isclass(one):
            wanted |= {f"{name}.{method}": (called, True) for method, called in methods(one).items()}
    lines = [f"{face}.{name} must say that it is unchecked" for name in table.inner if not _is_unchecked(wanted, name)]
    for name in table.inner:
        wanted.pop(name, None)
    lines += [f"{face}.{name} has no row in the table of its face" for name in wanted if name not in table.rows]
    lines += [f"{face}: a row for {name}, which is not public" for name in table.rows if name not in wanted]
    lines += [f"{face}: {name} is no class that it names" for name in table.results if name not in named]
    for name, (called, is_method) in wanted.items():
        lines += [f"{face}.{name}: no valid value of {one}" for one in lacking(called, is_method, table.rows.get(name))]
    return lines


def _is_unchecked(wanted: dict[str, tuple[Callable[..., Any], bool]], name: str) -> bool:
    return name in wanted and "unchecked" in (wanted[name][0].__doc__ or "")


def lacking(called: Callable[..., Any], is_method: bool, row: Row | None) -> list[str]:
    """Parameters that no valid call of the row gives a value."""
    if row is None:
        return []
    given = {name for call in row.calls for name, value in call.items() if value is not None}
    wanted = parameters(called, is_method)
    named = [name for name, one in wanted.items() if one.kind is not one.VAR_KEYWORD and name not in given]
    others = [name for name, one in wanted.items() if one.kind is one.VAR_KEYWORD and given <= wanted.keys()]
    return named + others
