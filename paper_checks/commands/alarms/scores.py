"""z values over base seeds, held against the normal law.

A z with a standard error of finite degrees of freedom is of Student's law, and goes in as the normal score of the same
probability. Numbers of one sample depend on each other: errors of shares and variances are those of base seeds, which
are independent, and tests are made on values that are independent by construction: one of each unit and base seed.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from simulate.runtime.arrays import Floats

from .observed import Observation

Integers = NDArray[np.int64]
GOLDEN = (math.sqrt(5) - 1) / 2
LEVEL = 1e-3
"""Level of all tests of a measurement together (Holm)."""


@dataclass(frozen=True)
class Scores:
    """Normal scores with the base seed, the unit, the kind and the comparison of each, arrays of one length; the names
    of the kinds. A comparison is the same one at every base seed."""

    values: Floats
    seeds: Integers
    units: Integers
    kinds: Integers
    comparisons: Integers
    names: tuple[str, ...]

    def where(self, chosen: NDArray[np.generic]) -> "Scores":
        """Some of them, by a mask or by their places."""
        seeds, units, kinds = self.seeds[chosen], self.units[chosen], self.kinds[chosen]
        return Scores(self.values[chosen], seeds, units, kinds, self.comparisons[chosen], self.names)

    def of_claims(self, claims: Collection[str], other: bool = False) -> "Scores":
        """Those of some claims, or all others."""
        own = [number for number, name in enumerate(self.names) if claim_of(name) in claims]
        return self.where(np.isin(self.kinds, own, invert=other))

    @property
    def means(self) -> Floats:
        """Of each comparison over base seeds."""
        _, places = np.unique(self.comparisons, return_inverse=True)
        found: Floats = np.bincount(places, weights=self.values) / np.bincount(places)
        return found

    @property
    def centred(self) -> "Scores":
        """Each less the mean of its comparison, with the variance that independent ones would have had; those of one
        base seed have none."""
        _, places, numbers = np.unique(self.comparisons, return_inverse=True, return_counts=True)
        count = numbers[places]
        values = (self.values - self.means[places]) * np.sqrt(count / np.maximum(count - 1, 1))
        return replace(self, values=values).where(count > 1)


@dataclass(frozen=True)
class Estimate:
    """A number, its standard error between base seeds, and what the normal law has."""

    value: float
    error: float
    expected: float


@dataclass(frozen=True)
class Normality:
    """Of independent scores: how many, and the p-values of their law (Kolmogorov-Smirnov), mean and variance."""

    number: int
    law: float
    mean: float
    variance: float

    @property
    def each(self) -> tuple[float, float, float]:
        """The three p-values."""
        return self.law, self.mean, self.variance


def claim_of(kind: str) -> str:
    """The claim of a kind."""
    return kind.partition(":")[0]


def kind_of(one: Observation) -> str:
    """The claim and what is compared, without where."""
    return f"{one.claim}: {one.name.split(', ')[0].split(' at ')[0]}"


def normal_scores(z: Floats, degrees: float) -> Floats:
    """z of Student's law as the normal score of the same probability."""
    if math.isinf(degrees):
        return z
    found: Floats = np.copysign(stats.norm.isf(stats.t.sf(np.abs(z), degrees)), z)
    return found


def scores_of(found: Iterable[tuple[int, int, Sequence[Observation]]]) -> Scores:
    """Of observations, each with its base seed and the number of its unit."""
    values, places = [np.empty(0)], [np.empty((0, 4), dtype=np.int64)]
    names, comparisons = dict[str, int](), dict[tuple[str, str, int], int]()
    for seed, unit, observations in found:
        for one in observations:
            own = np.flatnonzero(~np.isnan(one.z))
            kind = names.setdefault(kind_of(one), len(names))
            which = [comparisons.setdefault((one.claim, one.name, place), len(comparisons)) for place in own.tolist()]
            values.append(normal_scores(one.z[own], one.degrees))
            places.append(np.array([(seed, unit, kind, number) for number in which], dtype=np.int64).reshape(-1, 4))
    seeds, units, kinds, numbers = np.concatenate(places).T
    return Scores(np.concatenate(values), seeds, units, kinds, numbers, tuple(names))


def share(scores: Scores, beyond: float) -> Estimate:
    """Of |score| > beyond."""
    return _ratio(scores, np.abs(scores.values) > beyond, float(2 * stats.norm.sf(beyond)))


def variance(scores: Scores) -> Estimate:
    """About zero."""
    return _ratio(scores, scores.values**2, 1.0)


def _ratio(scores: Scores, values: NDArray[np.generic], expected: float) -> Estimate:
    """A mean over all scores; base seeds are the clusters."""
    _, places = np.unique(scores.seeds, return_inverse=True)
    sums, numbers = np.bincount(places, weights=values), np.bincount(places)
    mean, count = sums.sum() / numbers.sum(), len(numbers)
    spread = ((sums - mean * numbers) ** 2).sum() * count / max(count - 1, 1)
    return Estimate(float(mean), float(math.sqrt(spread) / numbers.sum()), expected)


def independent(scores: Scores) -> Scores:
    """One score of each unit and base seed: of n the one at place n·frac(seed·(√5-1)/2), so that each has its turn."""
    order = np.lexsort((scores.units, scores.seeds))
    sorted_ = scores.where(order)
    first = np.flatnonzero(np.diff(sorted_.seeds, prepend=-1) | np.diff(sorted_.units, prepend=-1))
    sizes = np.diff(np.append(first, len(sorted_.values)))
    turns = np.floor(sizes * (sorted_.seeds[first] * GOLDEN % 1.0)).astype(np.int64)
    return sorted_.where(first + turns)


def normality(scores: Scores) -> Normality:
    """Of the independent ones among these; nothing speaks against the law of none."""
    values = independent(scores).values
    number, squares = len(values), float((values**2).sum())
    if not number:
        return Normality(0, 1.0, 1.0, 1.0)
    law = float(stats.kstest(values, "norm").pvalue)
    mean = float(2 * stats.norm.sf(abs(values.sum()) / math.sqrt(number)))
    tails = float(stats.chi2.cdf(squares, number)), float(stats.chi2.sf(squares, number))
    return Normality(number, law, mean, min(1.0, 2 * min(tails)))


def by_kind(scores: Scores) -> dict[str, Normality]:
    """Tests of each kind that there is among these, by its name."""
    return {
        scores.names[kind]: normality(scores.where(scores.kinds == kind)) for kind in np.unique(scores.kinds).tolist()
    }


def deviating(kinds: dict[str, Normality], level: float = LEVEL) -> dict[str, float]:
    """The kinds whose scores are not normal, at this level of all tests together, with adjusted p-values (Holm)."""
    ranked = sorted((p, name) for name, found in kinds.items() for p in found.each)
    adjusted, largest, number = dict[str, float](), 0.0, len(ranked)
    for place, (p, name) in enumerate(ranked):
        largest = max(largest, min(1.0, (number - place) * p))
        adjusted.setdefault(name, largest)
    return {name: p for name, p in adjusted.items() if p < level}


def histogram(scores: Scores) -> dict[tuple[float, float], int]:
    """How many scores lie in each half unit from -5 to 5, those beyond in the outermost."""
    edges = np.arange(-5.0, 5.5, 0.5)
    counts, _ = np.histogram(np.clip(scores.values, edges[0], edges[-1]), edges)
    return {(float(low), float(high)): int(n) for low, high, n in zip(edges[:-1], edges[1:], counts, strict=True)}
