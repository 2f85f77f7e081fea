"""The one design of all claims about trainings: how many seeds are trained, and what their share says.

A statement about trainings is about the distribution over training seeds: a number of a training (its own first
weights, data and, where the statement is about chains, its own chain) lies beyond a threshold. Seeds are looked at in
the order of their numbers; at look j the statement stands if at most `allowed[j]` seeds are on the wrong side, and has
failed if `failing[j]` or more are. Ties, and numbers that are not finite ("never reached"), are on the wrong side. Both
error probabilities are exact sums over the paths of a binomial walk:

    P(stands | a share `absent` = 1/2 of all seeds lies beyond the threshold) <= miss = 0.05                         (1)
    P(fails  | a share `stated` = 0.9 of all seeds does) <= false_alarm / family = 10^-3 / 256                       (2)

So a statement whose median effect does not reach its threshold passes with probability at most 0.05, as does a coin;
and if every statement of a run holds for nine tenths of all seeds, all of them stand with probability 0.999 or more.

Thresholds come from pilot trainings on seeds that no run of the claims can use. A threshold that is at least three
standard deviations from the mean leaves, by Cantelli's inequality and whatever the law, at most a tenth of the seeds
beyond it: the stated share. `farthest` takes both from the pilot at their 95 % confidence limits (for a normal law).
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, stdtrit

PILOT_SEED = 20261128
"""Base seed of all pilot trainings; `--seed` refuses it."""
PILOT_COUNT = 16
"""Pilot trainings of a statement."""
DEVIATIONS = 3
"""Standard deviations from the mean that leave at most 1/(1 + 3²) = 1 - 0.9 beyond (Cantelli)."""
CONFIDENCE = 0.95
"""Of each of the two limits that a pilot gives: on the mean, and on the standard deviation."""


class Boundaries(NamedTuple):
    """When to look (numbers of seeds), with how many on the wrong side the statement stands then, and with how many it
    has failed, and the exact error probabilities."""

    looks: tuple[int, ...]
    allowed: tuple[int, ...]
    failing: tuple[int, ...]
    chance: float  # that it stands although a share `absent` alone is beyond the threshold
    false_alarm: float  # that it fails although a share `stated` is


@dataclass(frozen=True)
class TrainingDesign:
    """Error probabilities of all claims about trainings of a run, and what follows from them."""

    false_alarm: float = 1e-3  # family-wise, for the whole run
    miss: float = 0.05
    family: int = 256  # most statements about trainings in one run; the run fails beyond it
    looks: tuple[int, ...] = (6, 9, 14, 21, 32, 48)

    def boundaries(self, absent: float = 0.5, stated: float = 0.9, least: int = 1) -> Boundaries:
        """The boundaries of a statement with at least `least` seeds.

        Raises:
            ValueError: shares that are not 0 < absent < stated < 1, or that the looks cannot tell apart with these
                error probabilities.
        """
        _check_shares(absent, stated)
        looks = tuple(look for look in self.looks if look > least)
        alarm = self.false_alarm / self.family
        chosen = (least, *looks) if least >= self.looks[0] else self.looks
        found = _boundaries(chosen, absent, stated, self.miss, alarm / 2)
        if found.false_alarm > alarm:
            raise ValueError(
                f"shares {absent} and {stated} are not told apart by {chosen[-1]} seeds: a false alarm has "
                f"probability {found.false_alarm:.2g}, {alarm:.2g} is allowed"
            )
        return found

    def of_all(self, count: int, absent: float = 0.5) -> Boundaries:
        """The boundaries of a statement about a fixed number of trainings, all there are: one look.

        Raises:
            ValueError: a share that is not in (0, 0.9), or so few trainings that a share `absent` passes with
                probability above `miss` however they come out.
        """
        stated = 0.9
        _check_shares(absent, stated)
        found = _boundaries((count,), absent, stated, self.miss, 0.0)
        if found.allowed[0] < 0:
            raise ValueError(
                f"{count} trainings decide nothing: a share {absent} passes with probability {absent**count:.3g}"
            )
        return found


def _check_shares(absent: float, stated: float) -> None:
    if not 0 < absent < stated < 1:
        raise ValueError(f"shares must be 0 < absent < stated < 1, got {absent} and {stated}")


TRAINING = TrainingDesign()


@cache
def _boundaries(looks: tuple[int, ...], absent: float, stated: float, miss: float, early: float) -> Boundaries:
    """At each look the largest number of wrong sides that keeps (1) below miss √(n / last look) so far, and the
    smallest from which failing costs, with all earlier looks, at most `early` of (2); at the last look all the rest."""
    from scipy.stats import binom  # takes most of a second, and many runs need none of it

    walks = {absent: np.ones(1), stated: np.ones(1)}  # probability of each number of wrong sides while undecided
    stood, failed, allowed, failing, seen = dict.fromkeys(walks, 0.0), 0.0, [], [], 0
    for look in looks:
        for share, wrong in walks.items():
            steps = binom.pmf(np.arange(look - seen + 1), look - seen, 1 - share)
            walks[share] = np.convolve(wrong, steps)
        seen = look
        spent = stood[absent] + np.cumsum(walks[absent])
        most = int(np.searchsorted(spent, miss * math.sqrt(look / looks[-1]), side="right")) - 1
        tails = failed + np.cumsum(walks[stated][::-1])[::-1]  # of so many wrong sides or more
        least = most + 1 if look == looks[-1] else max(most + 1, int(np.sum(tails > early)))
        failed += float(walks[stated][least:].sum())
        for share, wrong in walks.items():
            stood[share] += float(wrong[: most + 1].sum())
            wrong[: most + 1] = wrong[least:] = 0
        allowed.append(most)
        failing.append(least)
    return Boundaries(looks, tuple(allowed), tuple(failing), stood[absent], failed)


class Path(NamedTuple):
    """How a statement came out: the values looked at, and [seeds, wrong sides, allowed] at every look."""

    values: np.ndarray
    looks: list[list[int]]
    stands: bool


def follow(values: Any, threshold: float, expected: int, boundaries: Boundaries) -> Path:
    """Look at `values(n)`, the numbers of the first n seeds, until the statement stands or has failed."""
    path = []
    for look, allowed, failing in zip(*boundaries[:3], strict=True):
        numbers = np.asarray(values(look), dtype=np.float64)
        if numbers.shape != (look,):
            raise ValueError(f"values({look}) must return one number per seed, got shape {numbers.shape}")
        wrong = look - beyond(numbers, threshold, expected)
        path.append([look, wrong, allowed])
        if wrong <= allowed or wrong >= failing:
            break
    return Path(numbers, path, wrong <= allowed)


def beyond(numbers: Any, threshold: float, expected: int) -> int:
    """How many numbers lie strictly above (+1) or below (-1) the threshold; none that is not finite."""
    values = np.asarray(numbers, dtype=np.float64)
    return int(np.sum(np.isfinite(values) & (expected * (values - threshold) > 0)))


def on_the_wrong_side(numbers: Any, expected: int) -> NDArray[np.float64]:
    """Numbers for a median: what is not finite stands at the end that is wrong, as it does in the count (`beyond`)."""
    values = np.asarray(numbers, dtype=np.float64)
    return np.where(np.isfinite(values), values, -expected * np.inf)


def median_interval(numbers: Any) -> tuple[float, float, float]:
    """The narrowest pair of order statistics, at equal places from both ends, that holds the median of the law with
    probability 0.95 or more, and that probability; of fewer than six numbers the whole range. Seeds whose number
    depends on how they came out (several looks) make it approximate."""
    from scipy.stats import binom

    ordered = np.sort(np.asarray(numbers, dtype=np.float64))
    n = len(ordered)
    place = max(int(binom.ppf(0.025, n, 0.5)), 1)
    while place > 1 and 2 * binom.cdf(place - 1, n, 0.5) > 0.05:
        place -= 1
    return float(ordered[place - 1]), float(ordered[n - place]), float(1 - 2 * binom.cdf(place - 1, n, 0.5))


def farthest(pilot: Any, expected: int) -> float:
    """The largest threshold (+1; for -1 the smallest) that a pilot allows.

    Raises:
        ValueError: fewer than PILOT_COUNT pilot trainings, or one without a finite number.
    """
    values = np.asarray(pilot, dtype=np.float64)
    n = values.size
    if n < PILOT_COUNT or not np.isfinite(values).all():
        raise ValueError(f"a threshold needs {PILOT_COUNT} finite pilot values, got {n}: {values.tolist()}")
    spread = float(values.std(ddof=1))
    largest = spread * math.sqrt((n - 1) / float(chdtri(n - 1, CONFIDENCE)))
    error = float(stdtrit(n - 1, CONFIDENCE)) * spread / math.sqrt(n)
    return float(values.mean()) - expected * (DEVIATIONS * largest + error)
