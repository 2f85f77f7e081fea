"""Signs of the key-query step estimated over the (α, π) square, held against its certified regions."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from simulate import KeyQueryMoments, key_query_moments
from theory import Task, gradient_mean
from theory.certified import Regions
from theory.phase_diagram import CONTRASTS

from .comparator import DESIGN
from .key_query_experiments import direction, held_probabilities
from .recorder import experiment_seed

LEAST_SAMPLES = 1000
MOST_POINTS = 12
# 2 · 12² signs are a fourteenth of the family that DESIGN.critical allows for, which pays for skewness: the tail of a
# studentised mean may be off by a factor exp(|skewness| z³ / (3 √samples)), and 28 keeps the false-alarm probability.


@dataclass(frozen=True)
class EstimatedSign:
    """The sign of one contrast at one point of the square: as simulated, and as certified."""

    contrast: str
    alpha: Fraction
    absorption: Fraction
    seen: int
    """+1 or -1 if the estimate lies beyond `DESIGN.critical()` standard errors on that side of 0, else 0."""
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
    beyond = np.abs(found.mean) > DESIGN.critical() * found.standard_error
    signs = np.where(beyond & (found.standard_error > 0), np.sign(found.mean), 0).astype(int)
    return dict(zip(CONTRASTS, signs.tolist(), strict=True))


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
        f"{len(seen)} of {len(signs)} estimated signs lie beyond {DESIGN.critical():.2f} standard errors: "
        f"{agree} agree with the certified region, {disagree} disagree, {undecided} are in undecided boxes"
    )
