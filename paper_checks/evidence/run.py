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

COUNTED = {"comparisons": "family", "trainings": "training_family"}
"""What a run used of its two designs, Monte Carlo and trainings, and the key of how many it may use."""
DESIGN_KEYS = ("false_alarm", "miss", "critical_z", "training_false_alarm", "training_miss",
               *COUNTED, *COUNTED.values())  # fmt: skip


@dataclass(frozen=True)
class Code:
    """The source of a check: file from the project's root, first line, text."""

    path: str
    line: int
    source: str


@dataclass(frozen=True)
class ClaimRecord(Stated):
    """What a run found about one claim; `reason` says why it was not run and what to do, empty if it was; `catches` are
    the ledger's: mutants of trainings that turn its checks red."""

    verdict: str
    reason: str
    recorded: str | None
    seconds: float
    checks: list[str]
    code: list[Code]
    evidence: list[Evidence]
    catches: list[str] = field(default_factory=list)

    @property
    def headline(self) -> Evidence | None:
        """The comparison to show: the first of `by_use`."""
        return next(iter(by_use(self.evidence)), None)

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
        design: error probabilities of the run, the critical z, and the comparisons allowed and used; the same of its
            statements about trainings.
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


def by_use(evidence: Iterable[Evidence]) -> list[Evidence]:
    """Comparisons in the order in which they are shown: failed ones, then those that used most of their tolerance, then
    those that have none; equals as they were made."""
    return sorted(evidence, key=lambda item: (item.passed, item.used is None, -(item.used or 0.0)))


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
    for what, allowed in COUNTED.items():
        used, family = known["design"][what], known["design"][allowed]
        if used > family:
            raise ValueError(f"{path.name}: {used} {what} exceed the family of {family}: the run has failed")
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
        if known["kind"] == "replicated":
            check_details(known["details"])
        return Evidence(**known)
    except ValueError as error:
        raise ValueError(f"{where}: evidence {known['name']!r}: {error}") from error


def check_details(details: Mapping[str, Any]) -> None:
    """ValueError unless these are the details of trainings, as `comparator.replicated` writes them."""
    for key, (words, test) in _TRAININGS.items():
        if key not in details or not test(details[key]):
            raise ValueError(f"details: {key} must be {words}, got {details.get(key)!r:.60}")
    looks, boundaries = len(details["looks"]), details["boundaries"]
    if not all(_list_of(_whole)(boundaries.get(key)) and len(boundaries[key]) >= looks for key in _LOOKED):
        raise ValueError(f"details: boundaries must have {', '.join(_LOOKED)} of every look, got {boundaries!r:.60}")
    if "pilot" in details and not (isinstance(details["pilot"], dict) and _values(details["pilot"].get("values"))):
        raise ValueError(f"details: pilot must have a list of numbers, got {details['pilot']!r:.60}")


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


def _list_of(held: _Test) -> _Test:
    return lambda value: isinstance(value, list) and bool(value) and all(map(held, value))


def _number_or_none(value: Any) -> bool:
    return value is None or _number(value)


_values = _list_of(_number_or_none)
_LOOKED = ("looks", "allowed", "failing")
_TRAININGS: Mapping[str, tuple[str, _Test]] = {
    "holds": ("an integer", _whole),
    "chance": ("a finite number", _number),
    "lower_limit": ("a finite number", _number),
    "interval": ("three numbers", lambda value: _values(value) and len(value) == 3),
    "values": ("a list of numbers", _values),
    "looks": ("a list of three integers each", _list_of(lambda look: _list_of(_whole)(look) and len(look) == 3)),
    "boundaries": ("a table", lambda value: isinstance(value, dict)),
}
_TESTS: Mapping[Any, tuple[str, _Test]] = {
    str: ("a string", lambda value: isinstance(value, str)),
    int: ("an integer", _whole),
    float: ("a finite number", _number),
    bool: ("true or false", lambda value: isinstance(value, bool)),
    str | None: ("a string or null", lambda value: value is None or isinstance(value, str)),
    float | None: ("a finite number or null", _number_or_none),
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
