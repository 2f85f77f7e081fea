"""Pilots on file: the numbers of the pilot trainings of every statement, from which its threshold comes.

They lie in the folder `pilots` beside the ledger; a run with --pilots draws those of its claims anew, on seeds that no
other run can use.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from simulate.runtime.alone import WAIT, alone
from simulate.runtime.files import read_json, write_json

from .training_design import PILOT_COUNT, PILOT_SEED, farthest

DIGITS = 6


@cache
def read_pilots(claim: str, folder: Path) -> dict[str, Any]:
    """What the file of a claim holds: by the name of the statement "threshold", "expected", "farthest" (the strongest
    threshold that they allow; None where one is not finite) and "values"; nothing without a file.

    Raises:
        ValueError: the file is none of pilots, not as it was written, or of another base seed than PILOT_SEED.
    """
    path = folder / f"{claim}.json"
    if not path.exists():
        return {}
    try:
        content = read_json(path, "a run with --pilots")
        seed, statements = content["seed"], dict[str, Any](content["statements"])
        for name, entry in statements.items():
            _check(name, entry)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path.name} must hold pilots of {claim}: {type(error).__name__}: {error}") from error
    if seed != PILOT_SEED:
        raise ValueError(f"{path.name} must be of base seed {PILOT_SEED}, got {seed!r}: delete it and use --pilots")
    return statements


def _check(name: str, entry: dict[str, Any]) -> None:
    """ValueError, KeyError or TypeError unless this is what `write_pilot` writes of a statement."""
    if set(entry) != {"threshold", "expected", "farthest", "values"} or entry["expected"] not in (-1, +1):
        raise ValueError(f"{name}: keys or side, got {entry!r:.80}")
    if len(entry["values"]) != PILOT_COUNT:
        raise ValueError(f"{name}: {PILOT_COUNT} values, got {len(entry['values'])}")
    if entry["farthest"] != _farthest(entry["values"], entry["expected"]):
        raise ValueError(f"{name}: farthest is not that of its values")


def _farthest(numbers: Sequence[float | None], expected: int) -> float | None:
    return None if None in numbers else float(f"{farthest(numbers, expected):.{DIGITS}g}")


def pilot_values(claim: str, name: str, folder: Path) -> list[float] | None:
    """The numbers of the pilot trainings of a statement, if there are."""
    found = read_pilots(claim, folder).get(name)
    return None if found is None else [np.nan if value is None else value for value in found["values"]]


def write_pilot(claim: str, name: str, threshold: str, expected: int, values: Any, folder: Path) -> None:
    """Keep the numbers of a pilot in the file of the claim, in place of those that it has under this name."""
    numbers = [float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None for value in values]
    limit = _farthest(numbers, expected)
    entry = {"threshold": threshold, "expected": expected, "farthest": limit, "values": numbers}
    path = folder / f"{claim}.json"
    with alone(path, WAIT):  # what another run adds meanwhile is not lost
        read_pilots.cache_clear()
        statements = read_pilots(claim, folder) | {name: entry}
        write_json(path, {"seed": PILOT_SEED, "statements": statements})
    read_pilots.cache_clear()
