"""The ledger: what is claimed (claims.toml), and what a run found (a JSON file of evidence, written atomically)."""

import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .training_design import TRAINING, Boundaries

CLAIMS_FILE = Path(__file__).parents[1] / "claims.toml"
NEEDS = ("nothing", "GPU", "weights")
GROUPS = {
    "T1": "one gradient step",
    "T2": "gradient noise",
    "T3": "what attention learns",
    "T4": "linear associative memory",
    "B": "Birth of a Transformer",
    "E": "two-layer transformers",
    "P": "language models",
}
"""What the groups are about."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_REQUIRED = ("group", "source", "statement", "formal", "scope", "needs")
_OPTIONAL = ("not_run", "catches", "rule")


@dataclass(frozen=True)
class Rule:
    """What a claim about training says in numbers: thresholds by name, decided before the run.

    How many seeds are trained, and how many of them may be on the wrong side, is the design's (`training_design`), for
    at least `seeds` seeds. The shares of seeds that it tells apart are the design's too, unless the rule has thresholds
    `<name>_absent` and `<name>_stated`; of a fixed number of trainings `<name>_absent` alone.
    """

    thresholds: Mapping[str, float]
    seeds: int = TRAINING.looks[0]

    def boundaries(self, threshold: str) -> Boundaries:
        """When to look at the seeds of a statement, and how many may be on the wrong side then."""
        absent, stated = (self.thresholds.get(f"{threshold}_{share}") for share in ("absent", "stated"))
        if absent is None or stated is None:
            return TRAINING.boundaries(least=self.seeds)
        return TRAINING.boundaries(absent, stated, self.seeds)

    def of_all(self, threshold: str, count: int) -> Boundaries:
        """The same of a statement about all `count` trainings that there are."""
        return TRAINING.of_all(count, self.thresholds.get(f"{threshold}_absent", 0.5))


@dataclass(frozen=True)
class Stated:
    """What is claimed: a sentence, the same as LaTeX, and where it is said to hold."""

    id: str
    group: str
    source: str
    statement: str
    formal: str
    scope: str


@dataclass(frozen=True)
class Claim(Stated):
    """One line of the ledger. `not_run` is the reason why no check exists yet; a claim with a check has none. `catches`
    names mutants of the trainings that turn its checks red, as a test shows."""

    needs: str
    not_run: str | None = None
    catches: tuple[str, ...] = ()
    rule: Rule | None = None


def rule_of(claim: str) -> Rule:
    """The rule of a claim in the ledger of this project.

    Raises:
        ValueError: it has none.
    """
    rule = load_claims()[claim].rule
    if rule is None:
        raise ValueError(f"claim {claim} has no rule in the ledger")
    return rule


class _MalformedError(ValueError):
    """What is wrong with an entry, and with which key of it."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(problem)
        self.key = key


def load_claims(path: Path = CLAIMS_FILE) -> dict[str, Claim]:
    """All claims by id, in the file's order.

    Raises:
        ValueError: the file cannot be read as TOML, or a claim lacks a key, has an unknown one, or a value of the wrong
            kind; the message has the line, the claim and the key.
    """
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path.name}: {error}") from error
    if not table:
        raise ValueError(f"{path.name}: there must be at least one claim")
    claims = {}
    for name, entry in table.items():
        try:
            claims[name] = _claim(name, entry)
        except _MalformedError as error:
            line = line_of(text, name, error.key)
            raise ValueError(f"{path.name}, line {line}: claim {name!s:.60}: {error}") from error
    check_groups(path.name, claims, [claim.group for claim in claims.values()])
    return claims


def line_of(text: str, name: str, key: str) -> int:
    """The line, from 1, of a key in the table `name` of a TOML text, such as "scope" or "rule.seeds"; where it has no
    line of its own, that of the table, or of the rule, that it belongs to."""
    table, _, wanted = key.rpartition(".") if key.startswith("rule.") else ("", "", key)
    header = re.compile(rf"""\s*\[\s*["']?{re.escape(name)}["']?\s*(?:\.\s*(\w+)\s*)?\]""")
    nearest, section = 0, None
    for number, line in enumerate(text.splitlines(), 1):
        if at := header.match(line):
            section = at[1] or ""
            if not nearest or section in (table, wanted):
                nearest = number
        elif line.lstrip().startswith("["):
            section = None
        elif section == table and _assigns(line, wanted):
            return number
        elif (section == "" and table and _assigns(line, table)) or (not nearest and _assigns(line, name)):
            nearest = number
    return nearest or 1


def _assigns(line: str, key: str) -> bool:
    return re.match(rf"""\s*["']?{re.escape(key)}["']?\s*=""", line) is not None


def _claim(name: str, entry: Any) -> Claim:
    if not isinstance(entry, dict):
        raise _MalformedError(name, f'[{name}] must be a table; an id with a dot is written ["T1.1"]')
    _named("id", name)
    missing = [key for key in _REQUIRED if key not in entry]
    unknown = [key for key in entry if key not in _REQUIRED + _OPTIONAL]
    if missing or unknown:
        raise _MalformedError((unknown or [""])[0], f"missing keys {missing}, unknown keys {unknown}")
    rule = _rule(entry["rule"]) if "rule" in entry else None
    catches = entry.get("catches", [])
    if not isinstance(catches, list) or not all(isinstance(one, str) and one.strip() for one in catches):
        raise _MalformedError("catches", f"catches must be a list of names of mutants, got {catches!r}")
    words = {key: value for key, value in entry.items() if key not in ("catches", "rule")}
    for key, value in words.items():
        if not isinstance(value, str) or not value.strip():
            raise _MalformedError(key, f"{key} must be a non-empty string, got {value!r}")
    _named("group", entry["group"])
    if entry["needs"] not in NEEDS:
        raise _MalformedError("needs", f"needs must be one of {NEEDS}, got {entry['needs']!r}")
    return Claim(id=name, **words, catches=tuple(catches), rule=rule)


def _named(key: str, name: str) -> None:
    try:
        check_name(key, name)
    except ValueError as error:
        raise _MalformedError(key, str(error)) from error


def check_name(where: str, name: Any) -> None:
    """ValueError unless `name` can be the id of a claim or the name of a group, and so of a file."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"{where} must be up to 40 letters, digits, '.', '_' and '-', got {name!r:.60}")


def check_groups(where: str, ids: Iterable[str], groups: Iterable[str]) -> None:
    """ValueError if a claim's id is the name of a group: badges of both would be one file."""
    both = sorted(set(ids) & set(groups))
    if both:
        raise ValueError(f"{where}: a claim's id must not be the name of a group, got {', '.join(both)}")


def _rule(entry: Any) -> Rule:
    if not isinstance(entry, dict):
        raise _MalformedError("rule", f"rule must be a table, got {entry!r}")
    thresholds = {name: value for name, value in entry.items() if name != "seeds"}
    for name, value in thresholds.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise _MalformedError(f"rule.{name}", f"rule: {name} must be a finite number, got {value!r}")
    rule = Rule(thresholds, _seeds(entry["seeds"])) if "seeds" in entry else Rule(thresholds)
    for name in thresholds:
        try:
            rule.boundaries(name)
            rule.of_all(name, TRAINING.looks[-1])  # so many that the shares alone can be wrong
        except ValueError as error:
            raise _MalformedError(f"rule.{name}", f"rule: {error}") from error
    return rule


def _seeds(value: Any) -> int:
    least = TRAINING.looks[0]
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise _MalformedError("rule.seeds", f"rule: seeds must be an integer >= {least}, got {value!r}")
    return value


def mismatches(claims: Mapping[str, Claim], checked: set[str]) -> list[str]:
    """What is wrong between the ledger and the set of ids that have a check: one sentence each."""
    problems = [f"check for {name}, which claims.toml does not have" for name in sorted(checked - claims.keys())]
    for name, claim in claims.items():
        if name in checked and claim.not_run:
            problems.append(f"claim {name} has a check, but claims.toml still says not_run = {claim.not_run!r}")
        if name not in checked and not claim.not_run:
            problems.append(f"claim {name} has no check and no not_run reason")
    return problems
