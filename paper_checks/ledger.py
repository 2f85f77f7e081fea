"""The ledger: what is claimed (claims.toml), and what a run found (a JSON file of evidence, written atomically)."""

import json
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulate.files import write_whole

CLAIMS_FILE = Path(__file__).with_name("claims.toml")
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
_OPTIONAL = ("not_run", "rule")


@dataclass(frozen=True)
class Rule:
    """When a claim about training holds: on at least `needed` of so many `seeds` each number is on its side of a
    threshold. Decided before the run.
    """

    seeds: int
    needed: int
    thresholds: Mapping[str, float]


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
    """One line of the ledger. `not_run` is the reason why no check exists yet; a claim with a check has none."""

    needs: str
    not_run: str | None = None
    rule: Rule | None = None


def load_claims(path: Path = CLAIMS_FILE) -> dict[str, Claim]:
    """All claims by id, in the file's order.

    Raises:
        ValueError: the file cannot be read as TOML (the message has the line), or a claim lacks a key, has an unknown
            one, or a value of the wrong kind (the message names claim and key).
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path.name}: {error}") from error
    claims = {name: _claim(path.name, name, entry) for name, entry in table.items()}
    check_groups(path.name, claims, [claim.group for claim in claims.values()])
    return claims


def _claim(file: str, name: str, entry: Any) -> Claim:
    if not isinstance(entry, dict):
        raise ValueError(f'{file}: [{name}] must be a table; an id with a dot is written ["T1.1"]')
    check_name(f"{file}: [{name!r:.60}]: id", name)
    missing = [key for key in _REQUIRED if key not in entry]
    unknown = [key for key in entry if key not in _REQUIRED + _OPTIONAL]
    if missing or unknown:
        raise ValueError(f"{file}: claim {name}: missing keys {missing}, unknown keys {unknown}")
    rule = _rule(f"{file}: claim {name}: rule", entry["rule"]) if "rule" in entry else None
    words = {key: value for key, value in entry.items() if key != "rule"}
    for key, value in words.items():
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{file}: claim {name}: {key} must be a non-empty string, got {value!r}")
    check_name(f"{file}: claim {name}: group", entry["group"])
    if entry["needs"] not in NEEDS:
        raise ValueError(f"{file}: claim {name}: needs must be one of {NEEDS}, got {entry['needs']!r}")
    return Claim(id=name, **words, rule=rule)


def check_name(where: str, name: Any) -> None:
    """ValueError unless `name` can be the id of a claim or the name of a group, and so of a file."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"{where} must be up to 40 letters, digits, '.', '_' and '-', got {name!r:.60}")


def check_groups(where: str, ids: Iterable[str], groups: Iterable[str]) -> None:
    """ValueError if a claim's id is the name of a group: badges of both would be one file."""
    both = sorted(set(ids) & set(groups))
    if both:
        raise ValueError(f"{where}: a claim's id must not be the name of a group, got {', '.join(both)}")


def _rule(where: str, entry: Any) -> Rule:
    if not isinstance(entry, dict):
        raise ValueError(f"{where} must be a table, got {entry!r}")
    seeds, needed = (_count(where, name, entry.get(name)) for name in ("seeds", "needed"))
    thresholds = {name: value for name, value in entry.items() if name not in ("seeds", "needed")}
    if needed > seeds:
        raise ValueError(f"{where}: needed must be at most seeds = {seeds}, got {needed}")
    for name, value in thresholds.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"{where}: {name} must be a finite number, got {value!r}")
    return Rule(seeds, needed, thresholds)


def _count(where: str, name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{where}: {name} must be an integer >= 1, got {value!r}")
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


def write_json(path: Path, content: Any) -> None:
    """Write JSON so that the file is either the old one or the complete new one; missing folders are made."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.encode())
