"""A run as it is kept: what `.evidence/claims.json` holds, and what table, badges and report are made of."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from .comparator import Evidence, verdict
from .ledger import Stated, check_groups, check_name
from .verdicts import VERDICTS

DESIGN_KEYS = ("false_alarm", "miss", "family", "critical_z", "comparisons")


@dataclass(frozen=True)
class Code:
    """The source of a check: file from the project's root, first line, text."""

    path: str
    line: int
    source: str


@dataclass(frozen=True)
class ClaimRecord(Stated):
    """What a run found about one claim; `reason` says why it was not run and what to do, empty if it was."""

    verdict: str
    reason: str
    recorded: str | None
    seconds: float
    checks: list[str]
    code: list[Code]
    evidence: list[Evidence]

    @property
    def headline(self) -> Evidence | None:
        """The comparison to show: one that failed, else the estimate with the largest |z|, else the weakest sign, a
        rate, the trainings with the fewest seeds to spare, or the first."""
        failed = next((item for item in self.evidence if not item.passed), None)
        if failed is not None:
            return failed
        estimates = [item for item in self.evidence if item.kind == "estimate" and item.z is not None]
        if estimates:
            return max(estimates, key=lambda item: abs(item.z or 0.0))
        signs = [item for item in self.evidence if item.kind == "sign"]
        rates = [item for item in self.evidence if item.kind == "rate"]
        trained = [item for item in self.evidence if item.kind == "replicated"]
        trained = sorted(trained, key=_to_spare)
        others = rates or trained or self.evidence
        return min(signs, key=lambda item: item.z or 0.0) if signs else next(iter(others), None)

    @property
    def numbers(self) -> int:
        """Numbers that were compared."""
        return sum(item.numbers for item in self.evidence)


@dataclass(frozen=True)
class Run:
    """A run of the checks.

    Attributes:
        written: when, ISO 8601.   seed: base seed.   command: what was typed.   commit: of the checkout, in words.
        code: sha256 of the code and the ledger.   options: besides the seed, those on which numbers depend.
        machine: in words.   versions: of Python and packages.   seconds: from the start of the session.
        design: error probabilities of the run, the critical z, and the comparisons allowed and used.
    """

    written: str
    seed: int
    command: str
    options: str
    commit: str
    code: str
    machine: str
    seconds: float
    versions: dict[str, str]
    design: dict[str, float]
    claims: list[ClaimRecord] = field(default_factory=list)

    def groups(self) -> dict[str, list[ClaimRecord]]:
        """The claims by group, in the ledger's order."""
        found: dict[str, list[ClaimRecord]] = {}
        for claim in self.claims:
            found.setdefault(claim.group, []).append(claim)
        return found

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


def _to_spare(item: Evidence) -> float:
    """Seeds on the right side beyond those needed; none if the details do not say."""
    holds, needed = item.details.get("holds"), item.details.get("needed")
    return holds - needed if isinstance(holds, int) and isinstance(needed, int) else 0


def read_run(path: Path) -> Run:
    """The run that a JSON record holds.

    Raises:
        ValueError: the file cannot be read, is no such record (the message names claim and key), or has a verdict that
            is not the one of its evidence: only a run sets verdicts.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        json.dumps(content, ensure_ascii=False, allow_nan=False).encode()  # NaN, and half characters
    except json.JSONDecodeError as error:
        raise ValueError(f"record {path.name}, line {error.lineno}: {error.msg}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"record {path} cannot be read: {error}") from error
    known = _known(path.name, content, Run)
    lacking = _without(DESIGN_KEYS, known["design"])
    if lacking:
        raise ValueError(f"{path.name}: design: missing keys {lacking}")
    used, family = known["design"]["comparisons"], known["design"]["family"]
    if used > family:
        raise ValueError(f"{path.name}: {used} comparisons exceed the family of {family}: the run has failed")
    claims = _list(f"{path.name}: claims", known["claims"])
    known["claims"] = [_claim(path.name, number, entry) for number, entry in enumerate(claims)]
    ids = [claim.id for claim in known["claims"]]
    if len(set(ids)) < len(ids):
        raise ValueError(f"{path.name}: claims must have different ids, got {', '.join(ids)}")
    check_groups(path.name, ids, [claim.group for claim in known["claims"]])
    return Run(**known)


def _claim(file: str, number: int, entry: Any) -> ClaimRecord:
    name = entry.get("id", number) if isinstance(entry, dict) else number
    where = f"{file}: claim {name}"
    known = _known(where, entry, ClaimRecord)
    known["evidence"] = [_evidence(where, item) for item in _list(f"{where}: evidence", known["evidence"])]
    known["code"] = [Code(**_known(f"{where}: code", item, Code)) for item in _list(f"{where}: code", known["code"])]
    claim = ClaimRecord(**known)
    for key, value in (("id", claim.id), ("group", claim.group)):
        check_name(f"{where}: {key}", value)
    if claim.verdict not in VERDICTS:
        raise ValueError(f"{where}: verdict must be one of {', '.join(VERDICTS)}, got {claim.verdict!r}")
    found = verdict(claim.evidence)
    supported = {"not run", "failed"} | (
        {"recorded"} if claim.recorded and found in ("verified", "bounded") else {found}
    )
    if claim.verdict not in supported:
        raise ValueError(f"{where}: verdict {claim.verdict!r} is not that of its evidence, which says {found!r}")
    return claim


def _evidence(where: str, entry: Any) -> Evidence:
    known = _known(f"{where}: evidence", entry, Evidence)
    try:
        return Evidence(**known)
    except ValueError as error:
        raise ValueError(f"{where}: evidence {known['name']!r}: {error}") from error


def _list(where: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{where} must be a list, got {value!r:.60}")
    return value


_Test = Callable[[Any], bool]


def _number(value: Any) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an integer beyond the floats
        return False


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _mapping(value: Any, held: _Test) -> bool:
    return isinstance(value, dict) and all(map(held, value.values()))


_TESTS: Mapping[Any, tuple[str, _Test]] = {
    str: ("a string", lambda value: isinstance(value, str)),
    int: ("an integer", _whole),
    float: ("a finite number", _number),
    bool: ("true or false", lambda value: isinstance(value, bool)),
    str | None: ("a string or null", lambda value: value is None or isinstance(value, str)),
    float | None: ("a finite number or null", lambda value: value is None or _number(value)),
    list[str]: ("a list of strings", lambda value: isinstance(value, list) and all(isinstance(x, str) for x in value)),
    dict[str, str]: ("a table of strings", lambda value: _mapping(value, lambda held: isinstance(held, str))),
    dict[str, float]: ("a table of numbers", lambda value: _mapping(value, _number)),
    dict[str, Any]: ("a table", lambda value: isinstance(value, dict)),
}


def _known(where: str, entry: Any, kind: type) -> dict[str, Any]:
    """The entry as keywords of a dataclass; lists of dataclasses are looked at by the caller."""
    if not isinstance(entry, dict):
        raise ValueError(f"{where} must be a table, got {entry!r:.60}")
    expected = {one.name: one.type for one in fields(kind)}
    missing, unknown = _without(expected, entry), _without(entry, expected)
    if missing or unknown:
        raise ValueError(f"{where}: missing keys {missing}, unknown keys {unknown}")
    for name, value in entry.items():
        accepted, test = _TESTS.get(expected[name], ("", lambda value: True))
        if not test(value):
            raise ValueError(f"{where}: {name} must be {accepted}, got {value!r:.60}")
    return dict(entry)


def _without(names: Iterable[str], others: Iterable[str]) -> list[str]:
    return [name for name in names if name not in set(others)]
