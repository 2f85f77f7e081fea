"""What many base seeds show: comparisons, failures, z against the normal law; as a record and in words."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from scipy.stats import norm

from paper_checks.evidence.design import DESIGN
from paper_checks.evidence.trust import write_trust

from .observed import Observation
from .plan import Unit
from .scores import (
    LEVEL,
    Estimate,
    Normality,
    Scores,
    by_kind,
    claim_of,
    deviating,
    histogram,
    normality,
    scores_of,
    share,
    variance,
)

NAME = "false_alarms"
"""Of the record."""
BEYOND = (2, 3, 4)
APPROXIMATE = ("T4.1", "T4.2", "T4.3", "T4.5")
"""Sampled training is compared with leading orders in the step over the batch, moments or full-batch descent, so that z
has a mean of its own; it is measured, and what is held against the normal law is z less its mean over base seeds."""


@dataclass
class Part:
    """Units and what was found: by base seed a list of observations for each unit."""

    units: Sequence[Unit]
    seeds: Sequence[int]
    found: list[list[list[Observation]]] = field(default_factory=list)

    @property
    def comparisons(self) -> int:
        """Of all its base seeds."""
        return sum(one.comparisons for *_, one in self.observations())

    def observations(self, first: int = 0) -> Iterator[tuple[int, int, Observation]]:
        """Each with its base seed and the number of its unit."""
        for seed, found in zip(self.seeds, self.found, strict=False):
            for unit, observations in enumerate(found, first):
                yield from ((seed, unit, one) for one in observations)


@dataclass(frozen=True)
class Measured:
    """Two parts, the second one at fewer base seeds; the scores of all comparisons with exact numbers and of those of
    `APPROXIMATE`, the tests of the first ones, and of each kind."""

    common: Part
    rest: Part
    exact: Scores
    approximate: Scores
    tests: Normality
    kinds: dict[str, Normality]

    @property
    def parts(self) -> tuple[Part, Part]:
        """Both."""
        return self.common, self.rest

    @property
    def comparisons(self) -> int:
        """Of all base seeds."""
        return sum(part.comparisons for part in self.parts)

    @property
    def failures(self) -> list[str]:
        """A line for each failed comparison."""
        return [
            f"base seed {seed}: {one.claim}: {one.name}"
            for part in self.parts
            for seed, _, one in part.observations()
            if not one.passed
        ]

    @property
    def deviating(self) -> dict[str, float]:
        """See `scores.deviating`."""
        return deviating(self.kinds)

    @property
    def is_normal(self) -> bool:
        """Whether neither all exact comparisons together nor those of a kind deviate from the normal law."""
        return min(self.tests.each) >= LEVEL / 3 and not self.deviating

    @property
    def largest_mean(self) -> float:
        """The largest |mean z| of the approximate comparisons; 0 without any."""
        return float(np.abs(self.approximate.means).max(initial=0.0))

    @property
    def alarm_probability(self) -> float:
        """A bound on the probability that a run of these comparisons has a false alarm, by the normal law: the sum of
        those of all that have a z, with the mean z that approximate ones were found to have."""
        critical, exact = DESIGN.critical(), len(self.exact.means) * 2 * float(norm.sf(DESIGN.critical()))
        means = np.abs(self.approximate.means)
        return exact + float((norm.sf(critical - means) + norm.sf(critical + means)).sum())


def measured(common: Part, rest: Part) -> Measured:
    """Both parts, tested."""
    found = chain(common.observations(), rest.observations(len(common.units)))
    scores = scores_of((seed, unit, [one]) for seed, unit, one in found)
    exact, approximate = scores.of_claims(APPROXIMATE, other=True), scores.of_claims(APPROXIMATE)
    kinds = by_kind(exact) | by_kind(approximate.centred)
    return Measured(common, rest, exact, approximate, normality(exact), kinds)


def numbers(found: Measured) -> dict[str, float]:
    """By name, as a record of trust has them."""
    known: dict[str, float] = {
        "base seeds": len(found.common.found),
        "base seeds of the checks that take longest": len(found.rest.found),
        "comparisons": found.comparisons,
        "false alarms": len(found.failures),
        "z values": len(found.exact.values),
    }
    known |= _estimates("", found.exact) if len(found.exact.values) else {}
    known |= {"independent z values": found.tests.number, "p of Kolmogorov-Smirnov": found.tests.law}
    known |= {"p of the mean": found.tests.mean, "p of the variance": found.tests.variance}
    known |= {"kinds of comparison": len(found.kinds), "kinds that deviate": len(found.deviating)}
    known["smallest adjusted p of a kind"] = min(deviating(found.kinds, math.inf).values(), default=1.0)
    known["approximate comparisons: z values"] = len(found.approximate.values)
    known["approximate comparisons: largest mean z"] = found.largest_mean
    known["bound on the probability of a false alarm in a run"] = found.alarm_probability
    for claim, own in _by_claim(found):
        known |= {f"{claim}: z values": len(own.values)} | _estimates(f"{claim}: ", own)
    for (low, high), count in histogram(found.exact).items():
        known[f"z from {low} to {high}"] = count
    return known


def _by_claim(found: Measured) -> Iterator[tuple[str, Scores]]:
    """Scores of each claim, approximate ones about their means."""
    for claim in dict.fromkeys(map(claim_of, found.kinds)):
        yield claim, (found.approximate.centred if claim in APPROXIMATE else found.exact).of_claims({claim})


def _estimates(prefix: str, scores: Scores) -> dict[str, float]:
    found = {"variance": variance(scores)} | {f"share beyond {beyond}": share(scores, beyond) for beyond in BEYOND}
    return {
        f"{prefix}{name}{ending}": value
        for name, one in found.items()
        for ending, value in (("", one.value), (", standard error", one.error))
    }


def sentences(found: Measured) -> list[str]:
    """What stands out: checks that were run at fewer base seeds, what is approximate, failures, kinds that deviate."""
    said = [f"at {len(found.rest.found)} base seeds, as they take longest for a comparison: {', '.join(_named(found))}"]
    known = [f"{', '.join(APPROXIMATE)} compare with leading orders in the step over the batch: mean z up to "
             f"{found.largest_mean:.2f}, tested about its mean"]  # fmt: skip
    kinds = [f"not normal at level {LEVEL}: {name}, adjusted p {p:.1g}" for name, p in found.deviating.items()]
    return [*said[: len(found.rest.found)], *known[: len(found.approximate.values)], *found.failures, *kinds]


def _named(found: Measured) -> list[str]:
    """The checks that were run at fewer base seeds, and with how many of their sets of parameters."""
    here, every = (Counter(name for unit in units for name in _names(unit))
                   for units in (found.rest.units, [*found.common.units, *found.rest.units]))  # fmt: skip
    return [name if count == every[name] else f"{name} ({count} of {every[name]})" for name, count in here.items()]


def _names(unit: Unit) -> list[str]:
    return [f"{check.claim} {check.function.__name__}" for check in unit.checks]


def table(found: Measured) -> list[list[str]]:
    """Rows for all exact comparisons and for each claim: z values, variance, shares beyond 2, 3 and 4 in 100."""
    together = [_row("all exact", found.exact)] if len(found.exact.values) else []
    return [*together, *(_row(claim, scores) for claim, scores in _by_claim(found))]


def _row(name: str, scores: Scores) -> list[str]:
    shares = [_shown(share(scores, beyond), 100) for beyond in BEYOND]
    return [name, f"{len(scores.values)}", _shown(variance(scores)), *shares]


def _shown(one: Estimate, times: float = 1) -> str:
    return f"{times * one.value:.4g} ± {times * one.error:.2g}"


def write(found: Measured, command: str) -> str:
    """Write the record; the path of its file."""
    what = "Monte Carlo comparisons at many base seeds: how many failed, and z values against the normal law"
    return str(write_trust(NAME, what, command, numbers(found), sentences(found)))
