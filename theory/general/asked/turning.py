"""Noise levels at which the key-query step of a law turns, found between levels on a grid.

`theory.general.turns` says of a range of levels that it has all changes of sign, or that it cannot tell. What is asked
here is less, and always has an answer: brackets at whose ends the signs are sure, between neighbours on the grid. Two
changes between the same two neighbours are not seen.
"""

from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from theory.arrays import Floats
from theory.general.criterion import follower_direction, gradient_rounding, noise_direction
from theory.general.key_query import key_query_gradient
from theory.law import Law

LEVELS = tuple(number / 33 for number in range(1, 33))
HALVINGS = 16
"""Of the distance of two neighbours."""


class Turn(NamedTuple):
    """A change of sign between two noise levels, from - to + if it rises."""

    low: float
    high: float
    rises: bool


class Turns(NamedTuple):
    """Changes of sign, and at how many of LEVELS the sign is beyond rounding."""

    found: list[Turn]
    sure: int


def turning_levels(law: Law) -> tuple[Turns, Turns]:
    """Where K[P(q)], and Σ_k ν_k K[E(k)], at uniform p change sign with the noise level; the law's own is not used."""
    signs = np.array([_signs(law, level) for level in LEVELS])
    follower, noise = (
        Turns(_turns(law, column, signs[:, column]), int(np.count_nonzero(signs[:, column]))) for column in (0, 1)
    )
    return follower, noise


def _signs(law: Law, level: float) -> Floats:
    """Those of both numbers, 0 where rounding may have made one."""
    at = replace(law, alpha=level)
    looks = np.array([follower_direction(at), noise_direction(at)]) @ key_query_gradient(at)
    return np.where(np.abs(looks) > gradient_rounding(at), np.sign(looks), 0)


def _turns(law: Law, column: int, signs: Floats) -> list[Turn]:
    found = []
    sure = np.flatnonzero(signs)
    for before, after in pairwise(sure.tolist()):
        if signs[before] == signs[after]:
            continue
        low, high = LEVELS[before], LEVELS[after]
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            side = _signs(law, middle)[column]
            if side == 0:
                break
            low, high = (middle, high) if side == signs[before] else (low, middle)
        found.append(Turn(low, high, bool(signs[after] > 0)))
    return found
