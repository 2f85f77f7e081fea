"""Families of random laws on which G5's criterion is tried."""

from dataclasses import dataclass, field
from itertools import product
from typing import Literal

import numpy as np

from theory.general import Criterion, criterion

from .laws import Answers, Noise, random_law

SIZES = ((12, 150), (20, 300))
CONCENTRATIONS = (0.2, 1.0, 5.0)


@dataclass(frozen=True)
class Looks:
    """Random laws of two sizes and three concentrations, and how often the criterion's leading order has the sign.

    Attributes:
        name: in the names of comparisons.
        levels, answers, noise: of the laws.
        each: laws of every combination; so many that in 40 pilots every share was on average more than 4.5 standard
            deviations beyond what is told.
        right: for noise and follower a share, and whether it is exceeded (+1) or not reached (-1).
        decided: for either a share that the bound decides more than.
        alone: a share that the follower's leading order without copying does not reach, or None.
    """

    name: str
    levels: tuple[float, ...]
    answers: tuple[Answers | Literal["zipf"], ...]
    noise: Noise
    each: int
    right: dict[str, tuple[float, int]]
    decided: dict[str, float] = field(default_factory=dict)
    alone: float | None = None


FAMILIES = (
    Looks("one noise token, α >= 1/2", (0.5, 0.8), ("uniform", "zipf"), "token", 25,
          {"noise": (0.9, 1), "follower": (0.9, 1)}, {"noise": 0.65, "follower": 0.5}),
    Looks("one noise token, α = 1/5", (0.2,), ("uniform", "zipf"), "token", 35,
          {"noise": (0.7, 1), "follower": (0.7, 1)}, alone=0.9),
    Looks("spread noise, α <= 1/2", (0.2, 0.5), ("uniform",), "spread", 65,
          {"noise": (0.9, -1), "follower": (0.8, 1)}, alone=0.9),
)  # fmt: skip


def looks_of(family: Looks, seed: int) -> list[Criterion]:
    """The criterion of every law of a family, in an order of its own."""
    combinations = list(product(SIZES, CONCENTRATIONS, family.levels, family.answers))
    seeds = np.random.SeedSequence(seed).generate_state(len(combinations) * family.each).tolist()
    return [
        criterion(random_law(M, T, one, alpha=level, concentration=concentration, answers=answers, noise=family.noise))
        for ((M, T), concentration, level, answers), one in zip(combinations * family.each, seeds, strict=True)
    ]
