"""A run as it is kept: what `.evidence/claims.json` holds, and what table, badges and report are made of."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

from annotated_types import MinLen

from simulate.runtime.files import read_json
from simulate.runtime.outputs import has_keys

from .comparator import Evidence
from .ledger import Stated, check_groups, check_name, circle_of
from .validation import MalformedError, Number, validated, words
from .verdicts import VERDICTS, verdict

IS_RECORD = has_keys("written", "seed", "command", "code", "design", "claims")
"""Whether a file is the record of a run, of this version or another."""
COUNTED = {"comparisons": "family", "trainings": "training_family"}
"""What a run used of its two designs, Monte Carlo and trainings, and the key of how many it may use."""
DESIGN_KEYS = ("false_alarm", "miss", "critical_z", "training_false_alarm", "training_miss",
               *COUNTED, *COUNTED.values())  # fmt: skip

PROCESSOR = "processor"
"""Among the versions of a run: the kind of processor, on whose rounding the numbers of trainings depend."""
ROW = 5
"""Numbers of a row of evidence."""
_NUMBERS = ("scale", "detectable_error")
"""Details that are numbers."""


@dataclass(frozen=True)
class Code:
    """The source of a check: file from the project's root, first line, text."""

    path: str
    line: int
    source: str


@dataclass(frozen=True)
class JobRecord:
    """A result on which a claim rests: what kind of job gave it, the hash of its content, the processor seconds that it
    took when it was made, and when that was (ISO 8601), if an earlier run made it and this one reused it."""

    kind: str
    key: str
    seconds: Number
    reused: str | None


@dataclass(frozen=True)
class ClaimRecord(Stated):
    """What a run found about one claim; `reason` says why it was not run and what to do, empty if it was; `catches` are
    the ledger's: mutants of trainings that turn its checks red; `seconds` are the processor's, of its checks and all
    their jobs, those that it shares or reuses among them."""

    verdict: str
    reason: str
    recorded: str | None
    seconds: float
    checks: list[str]
    code: list[Code]
    evidence: list[Evidence]
    catches: list[str] = field(default_factory=list)
    jobs: list[JobRecord] = field(default_factory=list)

    @property
    def reused(self) -> int:
        """How many of the results on which it rests are from earlier runs."""
        return sum(job.reused is not None for job in self.jobs)

    @property
    def is_trained(self) -> bool:
        """Whether it has statements about trainings."""
        return any(item.kind == "replicated" for item in self.evidence)

    @property
    def headline(self) -> Evidence | None:
        """The comparison to show: one that failed, the one that the ledger names, or the first of `by_use`."""
        ranked = by_use(self.evidence)
        failed = (item for item in ranked if not item.passed)
        named = (item for item in ranked if item.name == self.shown)
        return next(chain(failed, named, ranked), None)

    @property
    def numbers(self) -> int:
        """Numbers that were compared."""
        return sum(item.numbers for item in self.evidence)


@dataclass(frozen=True)
class Origin:
    """The ledger that a run is of: its title, a sentence on it, the file and what runs it, both as typed where the run
    was started, the titles of its groups by name, what symbols stand for, and the claims of the first screen."""

    title: str
    about: str
    ledger: str
    command: str
    groups: dict[str, str]
    symbols: dict[str, str] = field(default_factory=dict)
    first: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """A run of the checks.

    Attributes:
        project: whose claims they are.
        written: when, ISO 8601.   seed: base seed.   command: what was typed.   commit: of the checkout, in words.
        code: sha256 of the code and the ledger.   options: besides the seed, those on which numbers depend.
        machine: in words.   versions: of Python and packages, and the kind of processor.
        seconds: from the start of the session.
        design: error probabilities of the run, the critical z, and the comparisons allowed and used; the same of its
            statements about trainings.
        work: results of jobs that the run "made" and "reused", "seconds" of processors that those made took, and
            "deaths" of workers that had a job.
    """

    written: str
    seed: int
    command: str
    options: str
    commit: str
    code: str
    machine: str
    seconds: Number
    versions: dict[str, str]
    design: dict[str, Number]
    project: Origin
    claims: list[ClaimRecord] = field(default_factory=list)
    work: dict[str, Number] = field(default_factory=dict)

    def groups(self) -> dict[str, list[ClaimRecord]]:
        """The claims by group, in the ledger's order."""
        found: dict[str, list[ClaimRecord]] = {}
        for claim in self.claims:
            found.setdefault(claim.group, []).append(claim)
        return found

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


def by_use(evidence: Iterable[Evidence]) -> list[Evidence]:
    """Comparisons in the order in which they are shown: failed ones, then those that used most of their tolerance, then
    those that have none; equals as they were made."""
    return sorted(evidence, key=lambda item: (item.passed, item.used is None, -(item.used or 0.0)))


def read_run(path: Path) -> Run:
    """The run that a JSON record holds.

    Raises:
        ValueError: the file cannot be read, is not as it was written, is no such record (the message names claim and
            key), or has a verdict that is not the one of its evidence: only a run sets verdicts.
    """
    try:
        content = read_json(path, "pytest FOLDER -m claims")
    except OSError as error:
        raise ValueError(f"record {path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ValueError(f"record {error}") from error
    try:
        run = validated(Run, json.dumps(content, ensure_ascii=False).encode())
    except MalformedError as error:
        raise ValueError(f"{path.name}{_said(content, error)}") from error
    _check(path.name, run)
    return run


def _said(content: Any, error: MalformedError) -> str:
    """What is wrong with a record, with the claim and the name of its evidence as far as it is in them."""
    place, where = error.place, ""
    if place[:1] == ("claims",) and len(place) > 1:
        claim, place = content["claims"][place[1]], place[1:]
        where += f": claim {claim.get('id', place[0]) if isinstance(claim, dict) else place[0]}"
        place = place[1:]
        if place[:1] in (("evidence",), ("code",)) and len(place) > 1:
            item, what, place = claim[place[0]][place[1]], place[0], place[2:]
            where += f": {what} {item['name']!r}" if isinstance(item, dict) and "name" in item else f": {what}"
    if str(error).startswith("missing keys"):
        return f"{where}: {error}"
    return f"{where}: {words(place)} {error}" if place else f"{where} {error}"


def _check(file: str, run: Run) -> None:
    """ValueError for what types do not say."""
    lacking = [key for key in DESIGN_KEYS if key not in run.design]
    if lacking:
        raise ValueError(f"{file}: design: missing keys {lacking}")
    for what, allowed in COUNTED.items():
        used, family = run.design[what], run.design[allowed]
        if used > family:
            raise ValueError(f"{file}: {used} {what} exceed the family of {family}: the run has failed")
    for claim in run.claims:
        _check_claim(f"{file}: claim {claim.id}", claim)
    ids = [claim.id for claim in run.claims]
    if len(set(ids)) < len(ids):
        raise ValueError(f"{file}: claims must have different ids, got {', '.join(ids)}")
    check_groups(file, ids, [claim.group for claim in run.claims])
    if circle := circle_of({claim.id: claim.depends_on for claim in run.claims}):
        raise ValueError(f"{file}: no claim must rest on itself, got {' for '.join(circle)}")


def _check_claim(where: str, claim: ClaimRecord) -> None:
    for key, value in (("id", claim.id), ("group", claim.group)):
        check_name(f"{where}: {key}", value)
    for item in claim.evidence:
        try:
            _check_evidence(item)
        except ValueError as error:
            raise ValueError(f"{where}: evidence {item.name!r}: {error}") from error
    if claim.verdict not in VERDICTS:
        raise ValueError(f"{where}: verdict must be one of {', '.join(VERDICTS)}, got {claim.verdict!r}")
    found = verdict(claim.evidence)
    supported = {"not run", "failed"} | (
        {"recorded"} if claim.recorded and found in ("verified", "bounded") else {found}
    )
    if claim.verdict not in supported:
        raise ValueError(f"{where}: verdict {claim.verdict!r} is not that of its evidence, which says {found!r}")


def _check_evidence(item: Evidence) -> None:
    if item.kind == "replicated":
        check_details(item.details)
    if item.rows and (len(item.rows) != item.numbers or any(len(row) != ROW for row in item.rows)):
        raise ValueError(f"rows must be {item.numbers} lists of {ROW} numbers, or none")
    for key in _NUMBERS:
        if not isinstance(item.details.get(key), int | float | None):
            raise ValueError(f"details: {key} must be a finite number, got {item.details[key]!r:.60}")


_Values = Annotated[list[float | None], MinLen(1)]
_Counts = Annotated[list[int], MinLen(1)]


@dataclass(frozen=True)
class _Boundaries:
    looks: _Counts
    allowed: _Counts
    failing: _Counts
    chance: float
    false_alarm: float


@dataclass(frozen=True)
class _Pilot:
    seed: int
    median: float | None
    values: _Values


@dataclass(frozen=True)
class _Trainings:
    """Details of trainings, as `comparator.replicated` writes them among others."""

    holds: int
    chance: float
    lower_limit: float
    interval: tuple[float | None, float | None, float | None]
    values: _Values
    looks: Annotated[list[tuple[int, int, int]], MinLen(1)]
    boundaries: _Boundaries
    pilot: _Pilot = field(default_factory=lambda: _Pilot(0, None, [None]))

    def __post_init__(self) -> None:
        planned = (self.boundaries.looks, self.boundaries.allowed, self.boundaries.failing)
        if min(map(len, planned)) < len(self.looks):
            raise ValueError(f"boundaries must have looks, allowed, failing of every look, got {self.boundaries!r:.60}")


_WRITTEN = {
    "interval": "three numbers",
    "values": "a list of numbers",
    "looks": "a list of three integers each",
    "boundaries": "a table of looks, allowed, failing, chance, false_alarm",
    "pilot": "a table of seed, median and a list of values",
}
"""Details that hold others, in words."""


def check_details(details: Mapping[str, Any]) -> None:
    """ValueError unless these are the details of trainings, as `comparator.replicated` writes them."""
    try:
        validated(_Trainings, json.dumps(details), extra="ignore")
    except MalformedError as error:
        key = error.place[0] if error.place else ""
        if key in _WRITTEN:
            raise ValueError(f"details: {key} must be {_WRITTEN[str(key)]}, got {details[str(key)]!r:.60}") from error
        raise ValueError(f"details: {words(error.place)} {error}".replace("  ", " ")) from error
