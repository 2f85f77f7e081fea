"""Which checks are run at many base seeds, and at how many: those that compare with a standard error, by a run of each.

Checks that rest on the same sample are a unit; different units are independent, as each experiment has a seed of its
own. Units are taken in the order of comparisons for a second of the processor until they take so many seconds a seed;
the others are run at fewer base seeds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice

from paper_checks.evidence import DEFAULT_SEED
from paper_checks.evidence.ledger import Ledger
from paper_checks.evidence.training_design import PILOT_SEED
from paper_checks.jobs import Scheduler

from .observed import Check, Observation, Scouted, checks_of, observed, scouted


@dataclass(frozen=True)
class Unit:
    """Checks that rest on the same samples: their comparisons, and seconds a base seed."""

    checks: tuple[Check, ...]
    comparisons: int
    seconds: float

    @property
    def density(self) -> float:
        """Comparisons a second."""
        return self.comparisons / max(self.seconds, 1e-3)


def base_seeds(number: int) -> list[int]:
    """The first base seeds, from 1."""
    return list(islice((seed for seed in count(1) if seed not in (PILOT_SEED, DEFAULT_SEED)), number))


def units_of(ledger: Ledger, ids: frozenset[str], runner: Scheduler) -> list[Unit]:
    """The units of all checks of these claims that compare with a standard error and are about no training, by their
    yield, the highest first."""
    checks = checks_of(ledger, ids)
    jobs = [scouted.of(check, DEFAULT_SEED) for check in checks]
    found = [(check, one) for check, one in zip(checks, runner.results(jobs), strict=True) if is_sampled(one)]
    units = [_measured(unit, runner) for unit in joined(found)]
    return sorted(units, key=lambda unit: -unit.density)


def is_sampled(found: Scouted) -> bool:
    """Whether a check has comparisons with a standard error, none of them of trainings."""
    return found.comparisons > 0 and not found.trains


def joined(found: Sequence[tuple[Check, Scouted]]) -> list[tuple[Check, ...]]:
    """The checks in lists that share no sample."""
    units: list[tuple[set[str], list[Check]]] = []
    for check, one in found:
        samples, checks, apart = set(one.samples), [check], []
        for others, group in units:
            if others & samples:
                samples, checks = samples | others, group + checks
            else:
                apart.append((others, group))
        units = [*apart, (samples, checks)]
    return [tuple(checks) for _, checks in units]


def _measured(checks: tuple[Check, ...], runner: Scheduler) -> Unit:
    """A unit, and what it takes where it has been run before: its first base seed."""
    name, first = checks[0].name, observed.of(checks, DEFAULT_SEED)
    with runner.uses.asking(name):
        found = [one for kept in runner.result(first) for one in kept]
    seconds = next(used.seconds for used in runner.uses.of(name) if used.key == first.key)
    return Unit(checks, sum(one.comparisons for one in found), seconds)


def split(units: Sequence[Unit], seconds: float) -> tuple[list[Unit], list[Unit]]:
    """The first units that take at most so many seconds together, and the others."""
    total, place = 0.0, 0
    for place, unit in enumerate(units):
        total += unit.seconds
        if total > seconds:
            return list(units[:place]), list(units[place:])
    return list(units), []


def observations(units: Sequence[Unit], seeds: Sequence[int], runner: Scheduler) -> Iterator[list[list[Observation]]]:
    """By base seed, in order, what the checks of each unit found; each is kept by itself, for any other selection."""
    jobs = [[observed.of(unit.checks, seed) for unit in units] for seed in (seeds if units else ())]
    runner.declare([job for of_seed in jobs for job in of_seed])
    for of_seed in jobs:
        yield [[one for of_check in found for one in of_check] for found in runner.results(of_seed)]
