"""Checks of claims as jobs, without pytest: what they compare with a standard error, at any base seed.

A check is called with a `claim` that keeps its comparisons and fails none, so that many base seeds are done in one
process. What is kept of a job depends on the code of the checks alone: they are its arguments.
"""

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.comparator import Evidence
from paper_checks.evidence.ledger import Ledger
from paper_checks.evidence.ledger.checks import check_functions
from paper_checks.jobs import Job, current, job, running
from paper_checks.project import own_ledger
from simulate.runtime.arrays import Floats

FIXTURE = "claim"
"""The one fixture that a check may take to be done here."""


@dataclass(frozen=True)
class Check:
    """A check of a claim: its function, and which of its sets of parameters."""

    claim: str
    function: Callable[..., None]
    place: int

    @property
    def name(self) -> str:
        """In words."""
        return f"{self.claim} {self.function.__name__}[{self.place}]"

    def run(self, claim: Assertions) -> None:
        """Make its comparisons."""
        self.function(**{FIXTURE: claim}, **_parameters(self.function)[self.place])


@dataclass(frozen=True)
class Observation:
    """Comparisons of one assertion, those with a standard error.

    Attributes:
        kind: "estimate", "sign", "rate", or "stopped" where the check itself failed, which is then its name.
        z: of each number its distance from the expected one in standard errors, estimates alone; numbers whose
            standard error is 0, which are compared for equality, have nan.
        size: of each of them the expected number in standard errors: a formula that is off by 5 % moves z by 5 % of it.
        degrees: degrees of freedom of the standard errors, inf where they are taken for exact.
        samples, seed: of the sample, as far as the evidence says it.
    """

    claim: str
    name: str
    kind: str
    passed: bool
    comparisons: int
    z: Floats
    size: Floats
    degrees: float
    samples: int | None
    seed: int | None


@dataclass(frozen=True)
class Scouted:
    """What one run of a check shows: whether it makes statements about trainings, how many comparisons with a standard
    error it makes, and the samples on which they rest, by the identities of their jobs and their seeds."""

    trains: bool
    comparisons: int
    samples: tuple[str, ...]


class _TrainingError(Exception):
    """A check is about trainings."""


class Observing(Assertions):
    """Keeps comparisons, and fails none."""

    def __init__(self, claim: str, base_seed: int, ledger: Ledger) -> None:
        super().__init__(claim, base_seed, [], ledger)
        self.observed: list[Observation] = []

    def record(self, evidence: Evidence) -> None:
        """Keep what has a standard error."""
        self.evidence.append(evidence)
        if evidence.comparisons:
            rows = evidence.rows if evidence.kind == "estimate" else []
            z, size = (np.array([one(row) if row[2] else math.nan for row in rows]) for one in (_z, _size))
            kept = evidence.name, evidence.kind, evidence.passed, evidence.comparisons
            sample = (evidence.details.get(key) for key in ("samples", "seed"))
            self.observed.append(Observation(self.claim, *kept, z, size, math.inf, *sample))

    def estimate(
        self, name: str, exact: Any, value: Any, standard_error: Any, error: float | None, **details: Any
    ) -> None:
        """See `Assertions.estimate`; the degrees of freedom are not in the evidence."""
        super().estimate(name, exact, value, standard_error, error, **details)
        self.observed[-1] = replace(self.observed[-1], degrees=float(details.get("degrees", math.inf)))

    def replicated(self, name: str, threshold: str, expected: int, values: Any, **details: Any) -> None:
        """Trainings are not run at many base seeds."""
        raise _TrainingError(name)


def _z(row: Sequence[float | None]) -> float:
    return math.inf if row[3] is None else row[3]


def _size(row: Sequence[float | None]) -> float:
    return (row[0] or 0.0) / (row[2] or math.nan)


class _Noting:
    """Does jobs as another runner does, and notes which."""

    def __init__(self) -> None:
        self._runner, self.asked = current(), set[str]()

    def result(self, job: Job) -> Any:
        self.asked.add(job.identity)
        return self._runner.result(job)

    def results(self, jobs: Sequence[Job]) -> list[Any]:
        return [self.result(job) for job in jobs]


@job("scouted checks", cost=2.0)
def scouted(check: Check, base_seed: int) -> Scouted:
    """Run a check once; one that is about trainings is left there."""
    claim, noting, trains = Observing(check.claim, base_seed, own_ledger()), _Noting(), False
    with running(noting):
        try:
            check.run(claim)
        except _TrainingError:
            trains = True
    seeds = {f"seed {one.seed}" for one in claim.observed if one.seed is not None}
    return Scouted(trains, sum(one.comparisons for one in claim.observed), tuple(sorted(noting.asked | seeds)))


@job("checks at base seeds", cost=lambda checks, base_seed: 0.5 * len(checks))
def observed(checks: tuple[Check, ...], base_seed: int) -> list[list[Observation]]:
    """The comparisons of each of several checks at a base seed. One that raises is a failure, and its message told."""
    return [_observed(check, base_seed) for check in checks]


def _observed(check: Check, base_seed: int) -> list[Observation]:
    claim = Observing(check.claim, base_seed, own_ledger())
    try:
        check.run(claim)
    except Exception as error:
        what = f"{check.name}: {type(error).__name__}: {error}"
        nothing = np.empty(0)
        claim.observed.append(
            Observation(check.claim, what, "stopped", False, 0, nothing, nothing, math.inf, None, None)
        )
    return claim.observed


def checks_of(ledger: Ledger, ids: frozenset[str]) -> list[Check]:
    """The checks of these claims that take no fixture but `claim`, in the order of the ledger."""
    modules = {path.name: _module(ledger, path) for path in ledger.checks.rglob("test_*.py")}
    functions = check_functions(ledger.checks)
    found = []
    for claim in ledger.claims:
        for named in sorted(functions.get(claim, ())) if claim in ids else ():
            file, _, name = named.partition("::")
            function = getattr(import_module(modules[file]), name)
            with suppress(_OtherFixturesError):
                found += [Check(claim, function, place) for place, _ in enumerate(_parameters(function))]
    return found


def _module(ledger: Ledger, path: Path) -> str:
    parts = path.relative_to(ledger.checks.parents[1]).with_suffix("").parts
    return ".".join(parts)


class _OtherFixturesError(Exception):
    """A check takes fixtures besides `claim`."""


def _parameters(function: Callable[..., None]) -> list[dict[str, Any]]:
    """The sets of parameters with which pytest calls a check, in some order."""
    axes = [list(_sets(mark)) for mark in reversed(getattr(function, "pytestmark", [])) if mark.name == "parametrize"]
    sets = [dict(item for part in parts for item in part.items()) for parts in product(*axes)]
    wanted = set(inspect.signature(function).parameters) - {FIXTURE}
    if set(sets[0]) != wanted:
        raise _OtherFixturesError
    return sets


def _sets(mark: Any) -> Iterator[dict[str, Any]]:
    given, values = mark.args[:2]
    names = [name.strip() for name in given.split(",")] if isinstance(given, str) else list(given)
    for one in values:
        found = getattr(one, "values", None) if type(one).__name__ == "ParameterSet" else None
        parts = found if found is not None else [one] if len(names) == 1 else one
        yield dict(zip(names, parts, strict=True))
