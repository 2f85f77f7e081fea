"""What the maps of general laws show: the signs of G2 and G5 over mixtures and noise levels, and their exact levels.

Arguments are the share λ of Shakespeare, T and α; the laws are those of the checks, `mixed_law`, with uniform answers
or those of the text. Cells are one evaluation of theory each. What judges those of G2 are bounds on the threshold that
hold for every chain, and the threshold itself, the margin bisected between them; those of G5 a bound on what frequency
leaves out, and every λ where an interpolant in λ changes its sign.
"""

from fractions import Fraction
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal

from theory.general.criterion import Criterion, criterion
from theory.general.margins import noise_threshold, smallest_margin, threshold_bounds
from theory.general.mixture import LookTurns, Turns, turns
from theory.law import Law

from .maps import Threshold

if TYPE_CHECKING:
    from paper_checks.experiments.general.laws import Answers

Look = Literal["noise", "follower"]
"""E(τ) or P(q)."""
KEPT = 2**12
"""Cells that are kept: the maps of both looks are made of the same ones."""


def _law(share: Fraction | float, T: int, alpha: Fraction | float, answers: "Answers" = "uniform") -> Law:
    from paper_checks.experiments.general.laws import mixed_law  # loads torch, which a map's help does not need

    return mixed_law(float(share), float(alpha), T, answers)


def margin(answers: "Answers", share: Fraction, T: int, alpha: Fraction) -> float:
    """G2: the smallest margin of the noise after one feed-forward step, over its size."""
    return float(smallest_margin(_law(share, T, alpha, answers)))


def noise_first(answers: "Answers", share: Fraction, T: int) -> list[Threshold]:
    """G2: not above, above the level where the noise comes first on every sequence."""
    low, high = noise_threshold(_law(share, T, Fraction(1, 2), answers))
    return [Threshold("threshold of G2", float(low), float(high), -1, 1)]


def proved_first(answers: "Answers", share: Fraction, T: int, alpha: Fraction) -> int:
    """G2: what the answers alone decide, whatever the chain, by (13) of `theory.general.margins`."""
    low, high = threshold_bounds(_law(share, T, alpha, answers))
    return -1 if alpha <= low else int(alpha > high)


def lead(answers: "Answers", share: Fraction, T: int) -> float:
    """The threshold at T = 2, where the chain has no part: odds α/(1-α) of the most likely answer's lead."""
    return float(threshold_bounds(_law(share, 2, Fraction(1, 2), answers))[0])


@lru_cache(maxsize=KEPT)
def _criterion(share: Fraction, T: int, alpha: Fraction) -> Criterion:
    return criterion(_law(share, T, alpha))


@cache
def _turns(T: int, alpha: Fraction) -> LookTurns | None:
    """None where they cannot be proved."""
    try:
        return turns(lambda share: _law(share, T, alpha), 0.0, 1.0)
    except ArithmeticError:
        return None


def attraction(look: Look, share: Fraction, T: int, alpha: Fraction) -> float:
    """G5: K[E(τ)] or K[P(q)] at uniform output probabilities."""
    return float(getattr(_criterion(share, T, alpha), look).gradient)


def proved_attraction(look: Look, share: Fraction, T: int, alpha: Fraction) -> int:
    """G5: the sign of frequency alone, where the rest is proved to be smaller."""
    found = getattr(_criterion(share, T, alpha), look)
    return (1 if found.frequency > 0 else -1) if found.is_decided else 0


def changes(look: Look, T: int, alpha: Fraction) -> list[Threshold]:
    """G5: every λ where the sign changes; without one nothing is said."""
    found = _turns_of(look, T, alpha)
    return [Threshold("level λ*", low, high, -sign, sign) for low, high, sign in (found.exact if found else ())]


def predicted(look: Look, T: int, alpha: Fraction) -> float:
    """G5: the λ of the criterion's leading order where there is one alone."""
    found = _turns_of(look, T, alpha)
    return float(found.predicted[0].high) if found and len(found.predicted) == 1 else float("nan")


def _turns_of(look: Look, T: int, alpha: Fraction) -> Turns | None:
    found = _turns(T, alpha)
    return getattr(found, look) if found else None
