"""A sample of the mutants of theory and of simulate's numerical core, drawn with a seed."""

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from .operators import Mutant, mutants

SEED = 20240603
FILES = {
    "theory": ("theory/**/*.py",),
    "simulate": (
        "simulate/one_layer/*.py", "simulate/induction/*.py", "simulate/memory/*.py", "simulate/sequences/*.py",
        "simulate/transformer/*.py", "simulate/truncation.py", "simulate/laser/reduction.py",
    ),
}  # fmt: skip
"""What is drawn from: all of theory, of simulate what computes numbers of claims."""
CHECKS = tuple(f"theory/{name}.py" for name in ("arguments", "arrays", "byte_limit", "containers", "rules", "scalars"))
"""Files of arguments' checks alone."""


@cache
def all_mutants(root: Path, package: str) -> tuple[Mutant, ...]:
    """All that there are of a package, by file and place."""
    paths = {path.relative_to(root).as_posix() for pattern in FILES[package] for path in root.glob(pattern)}
    return tuple(mutant for path in sorted(paths - {*CHECKS}) for mutant in mutants(root, path))


def drawn(root: Path, package: str, number: int, seed: int) -> list[Mutant]:
    """So many of a package, each as likely as another, by a hash of seed and mutant: a larger sample begins with a
    smaller one, and where code is edited the sample stays the same but for what was edited.

    Raises:
        ValueError: fewer mutants than are asked for.
    """
    found = list(all_mutants(root, package))
    if not 0 <= number <= len(found):
        raise ValueError(f"number must be between 0 and {len(found)}, the mutants of {package}, got {number}")
    return sorted(found, key=lambda one: hashlib.sha256(f"{seed} {one.key}".encode()).digest())[:number]


def sample(root: Path, numbers: dict[str, int], seed: int) -> Iterator[Mutant]:
    """Those of all packages, in turn, so that a run that is stopped has some of each."""
    left = {package: iter(drawn(root, package, number, seed)) for package, number in numbers.items()}
    while left:
        for package in list(left):
            mutant = next(left[package], None)
            if mutant is None:
                del left[package]
            else:
                yield mutant
