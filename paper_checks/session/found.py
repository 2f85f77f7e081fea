"""Where the ledger of a run is: the nearest claims.toml at or above the paths that pytest is given."""

import re
import tomllib
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import pytest

LEDGER_FILE = pytest.StashKey[Path]()
NAME = "claims.toml"
_OURS = re.compile(r"^\s*\[\s*groups\s*\]", re.MULTILINE)
"""What tells a ledger from other files of the name."""


def find_ledger(places: Iterable[str], start: Path, pyargs: bool = False) -> Path | None:
    """The first ledger at or above one of these places, seen from the folder `start`: files and folders, with or
    without the names of tests (a.py::test_x), with `pyargs` packages too. None if there is none."""
    for place in places:
        name = place.partition("::")[0]
        path = start / name
        if pyargs and not path.exists():
            path = _package(name) or path
        for folder in (path, *path.parents):
            file = folder / NAME
            if is_ledger(file):
                return file
    return None


def is_ledger(file: Path) -> bool:
    """Whether a file can be read and has what tells a ledger from others of its name."""
    try:
        return file.is_file() and _OURS.search(file.read_text(encoding="utf-8", errors="replace")) is not None
    except OSError:
        return False


def _package(name: str) -> Path | None:
    """Where a package or module lies."""
    try:
        spec = find_spec(name)
    except Exception:  # of a package of others, whose code this runs
        return None
    return None if spec is None or spec.origin is None else Path(spec.origin)


def named_plugins(path: Path) -> list[str]:
    """The plugins that a ledger names; none if it is malformed, which is said when it is read."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))["project"]["plugins"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []
