"""Laws and certified levels that the checks of G2, G3, G4 and G7 share."""

from fractions import Fraction

import numpy as np

from paper_checks.jobs import job
from theory.general.between_triggers import LawsAtLevels
from theory.general.copying import copying_levels
from theory.general.levels import Change
from theory.general.margins import margin_sign_changes
from theory.law import Law

from .agreement import ANSWERS
from .laws import shakespeare_law

Changes = tuple[list[Change] | None, list[list[Change] | None]]

NEVER_BACK = Law(
    np.eye(3, dtype=int)[[1, 1, 0]], T=12, trigger=0, alpha=Fraction(1, 2), first=[1, 0, 0], answers=[0, 1, 0], noise=2
)
"""Trigger 0, answer 1, noise 2: the noise leads back to the trigger, the answer to nothing but itself."""


@job("laws at every level", cost=3.5)
def changes_at_levels() -> dict[str, Changes]:
    """Changes of sign of the smallest margin, and of every copying entry, on both reference laws of Shakespeare.

    Their token laws are the same: only the answers differ.
    """
    laws = {name: shakespeare_law(0.5, answers) for name, answers in ANSWERS.items()}
    known = LawsAtLevels.of(next(iter(laws.values())))
    return {name: (margin_sign_changes(law, known), copying_levels(law, known)) for name, law in laws.items()}


def memoryless_law(
    M: int, T: int, answers: int, noise: int, trigger_share: Fraction | float, alpha: Fraction | float = 0.5
) -> Law:
    """Every token after another one than the trigger 0 is drawn alike: the trigger with a share of its own.

    Tokens 1 … `answers` are the answers, equally likely; the last `noise` ones the noise, spread evenly, which the
    chain itself never draws; all others share what the trigger leaves.
    """
    row = np.zeros(M)
    row[1 : M - noise] = (1 - float(trigger_share)) / (M - 1 - noise)
    row[0] = float(trigger_share)
    spread, correct = np.zeros(M), np.zeros(M)
    spread[M - noise :], correct[1 : 1 + answers] = 1 / noise, 1 / answers
    return Law(np.tile(row, (M, 1)), T=T, trigger=0, alpha=alpha, first=row, answers=correct, noise=spread)


def ordinary(law: Law) -> np.ndarray:
    """Tokens other than the trigger and the noise."""
    return np.array([token for token in range(law.M) if token != law.q and not law.noise[token]])
