"""Signs of the key-query step estimated over the (α, π) square, held against its certified regions."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from paper_checks.evidence import experiment_seed
from paper_checks.evidence.design import DESIGN
from paper_checks.experiments.key_query import direction, held_probabilities
from simulate import KeyQueryMoments, key_query_moments
from theory import Task, gradient_mean
from theory.key_query.certified import Regions
from theory.key_query.phase_diagram import CONTRASTS

LEAST_SAMPLES = 1000
MOST_POINTS = 12
TAIL = DESIGN.family / MOST_POINTS**2
"""Factor by which the normal tail may be off: that of one sign is false_alarm / (2 family), of at most 2 · 12² signs.

To first order the tail of a studentised mean is off by exp(|skewness| z³ / (3 √samples)). The sample's skewness stands
in for the law's, which is unknown; where it is too large, the sign counts as not determined.
"""


@dataclass(frozen=True)
class EstimatedSign:
    """The sign of one contrast at one point of the square: as simulated, and as certified."""

    contrast: str
    alpha: Fraction
    absorption: Fraction
    seen: int
    """+1 or -1 if the estimate lies clearly on that side of 0, else 0: not determined."""
    certified: int
    """+1 or -1, or 0 in an undecided box."""

    @property
    def agrees(self) -> bool:
        """Whether it was seen to be what was certified."""
        return self.seen * self.certified == 1

    @property
    def disagrees(self) -> bool:
        """Whether it was seen to be the opposite of what was certified."""
        return self.seen * self.certified == -1

    def __str__(self) -> str:
        return f"{self.contrast} at α = {float(self.alpha):.4f}, π = {float(self.absorption):.4f}"


def estimated_signs(
    regions: Regions, points: int, samples: int, seed: int, advance: Callable[[], None]
) -> Iterator[EstimatedSign]:
    """Simulate the first key-query step at points × points places, the middles of the cells of a regular grid.

    Args:
        regions: the certified regions, whose N and T are simulated.
        points: places along each axis.
        samples: sequences per place, each place with a seed of its own.
        seed: base seed.
        advance: called after each place.

    Yields:
        a sign per place and contrast, by ascending α, then π.
    """
    middles = [Fraction(2 * i + 1, 2 * points) for i in range(points)]
    for alpha in middles:
        task = Task(regions.N, regions.T, alpha)
        for absorption in middles:
            for contrast, seen in _seen_signs(task, absorption, samples, seed).items():
                certified = certified_sign(regions, contrast, alpha, absorption)
                yield EstimatedSign(contrast, alpha, absorption, seen, certified)
            advance()


def check_size(N: int, T: int) -> None:
    """ValueError if this machine cannot simulate the step: two sequences are tried."""
    _simulated(Task(N, T, Fraction(1, 2)), Fraction(1, 2), 2, 0)


def _seen_signs(task: Task, absorption: Fraction, samples: int, seed: int) -> dict[str, int]:
    found = _simulated(task, absorption, samples, experiment_seed(seed, f"phase diagram {task} π={absorption}"))
    return dict(zip(CONTRASTS, _determined(found).tolist(), strict=True))


def _determined(found: KeyQueryMoments) -> NDArray[np.int64]:
    """Signs of means beyond `DESIGN.critical()` standard errors whose tail is off by at most TAIL, else 0."""
    critical = DESIGN.critical()
    beyond = (np.abs(found.mean) > critical * found.standard_error) & (found.standard_error > 0)
    normal = np.abs(found.skewness) * critical**3 / (3 * math.sqrt(found.samples)) <= math.log(TAIL)  # NaN is not
    signs: NDArray[np.int64] = np.where(beyond & normal, np.sign(found.mean), 0).astype(np.int64)
    return signs


def _simulated(task: Task, absorption: Fraction, samples: int, seed: int) -> KeyQueryMoments:
    """Moments of the contrasts, in the order of CONTRASTS, at W_V = G_V."""
    values, p = gradient_mean(task, "attention_value"), held_probabilities(task, absorption)
    directions = np.stack([direction(task, coefficients) for coefficients in CONTRASTS.values()])
    return key_query_moments(task, values, p, samples, seed=seed, directions=directions, progress=False)


def certified_sign(regions: Regions, contrast: str, alpha: Fraction, absorption: Fraction) -> int:
    """The sign proved on any box that holds the point (boxes are closed, and share edges), or 0."""
    for box in regions.boxes:
        if box.signs[contrast]:
            left, low = box.corner
            if left <= alpha <= left + box.width and low <= absorption <= low + box.width:
                return box.signs[contrast]
    return 0


def summary(signs: Sequence[EstimatedSign]) -> str:
    """How many of the estimated signs agree with the certified ones, as one sentence."""
    seen = [sign for sign in signs if sign.seen]
    agree, disagree = (sum(getattr(sign, name) for sign in seen) for name in ("agrees", "disagrees"))
    undecided = len(seen) - agree - disagree
    return (
        f"{len(seen)} of {len(signs)} estimated signs are determined, beyond {DESIGN.critical():.2f} standard errors: "
        f"{agree} agree with the certified region, {disagree} disagree, {undecided} are in undecided boxes"
    )
