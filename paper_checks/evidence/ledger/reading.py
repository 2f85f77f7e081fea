"""A ledger read from its file, held against its types; what is wrong has a line, the claim and the key.

[project]                                # optional, see `Project`
title = "A paper, verified"

[groups]
A = "what the group A is about"

[symbols]                                # optional
N = "number of ordinary tokens"

[group_symbols.A]                        # optional: in the claims of a group
N = "number of inputs"

["A1"]
group = "A"
source = "author and section"
statement = "one sentence"
formal = 'the same as \\LaTeX'
scope = "where it holds"
rule = { threshold = 0.5 }               # optional, as is what follows: see `Claim` and `Stated`
title = "at most six words"
found = "numbers of the run: {NAME OF A COMPARISON: STATISTIC}"
depends_on = ["B2"]
theory = ["package.module.function"]
proof = [{ test = "tests/test_x.py::test_y", by = "sympy", equations = [1] }]
"""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from paper_checks.evidence.training_design import TRAINING
from paper_checks.evidence.validation import MalformedError, Place, validated, words

from .claim import Claim, Rule
from .names import check_groups, check_name, circle_of, symbol_of
from .project import Ledger, Project

PROJECT, GROUPS, SYMBOLS, OWN = TABLES = "project", "groups", "symbols", "group_symbols"
MOST_WORDS = 6
"""Of a title."""


def read_ledger(path: Path) -> Ledger:
    """The ledger that a file holds.

    Raises:
        ValueError: the file cannot be read as TOML, an entry lacks a key, has an unknown one, or a value of the wrong
            kind, or a claim's group has no title; the message has the line, the claim and the key.
    """
    try:
        text = path.read_bytes().decode()  # line ends as they are: TOML has no single carriage return
        tables = tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path.name}: {error}") from error
    except RecursionError:
        raise ValueError(f"{path.name}: it has hundreds of levels within each other") from None

    def part(name: str, read: Any, *others: Any) -> Any:
        try:
            return read(name, tables[name], *others)
        except MalformedError as error:
            what = f"[{name}]" if name in TABLES else f"claim {name!s:.60}"
            line = line_of(text, name, ".".join(map(str, error.place)))
            raise ValueError(f"{path.name}, line {line}: {what}: {error}") from error

    project = part(PROJECT, _project) if PROJECT in tables else Project()
    groups = part(GROUPS, _groups) if GROUPS in tables else {}
    symbols = part(SYMBOLS, _texts) if SYMBOLS in tables else {}
    symbols |= part(OWN, _group_symbols, groups) if OWN in tables else {}
    ids = [name for name in tables if name not in TABLES]
    if not ids:
        raise ValueError(f"{path.name}: there must be at least one claim")
    check_groups(path.name, ids, groups)
    claims = {name: part(name, _claim, groups) for name in ids}
    depends_on = {name: claim.depends_on for name, claim in claims.items()}
    circle = circle_of(depends_on)
    for name in ids:
        part(name, _check_dependence, depends_on, circle)
    missing = [name for name in project.first if name not in claims]
    if missing:
        line = line_of(text, PROJECT, "first")
        raise ValueError(f"{path.name}, line {line}: [project]: first must be ids of claims, got {', '.join(missing)}")
    return Ledger(path, claims, groups, project, symbols)


def _claim(name: str, entry: Any, groups: Mapping[str, str]) -> Claim:
    if not isinstance(entry, dict):
        raise MalformedError((name,), f'[{name}] must be a table; an id with a dot is written ["T1.1"]')
    _check_name("id", name)
    if "id" in entry:
        raise MalformedError(("id",), "missing keys [], unknown keys ['id']")
    known = {**entry, "id": name}
    if isinstance(entry.get("rule"), dict):
        thresholds = {key: value for key, value in entry["rule"].items() if key != "seeds"}
        known["rule"] = {key: entry["rule"][key] for key in ("seeds",) if key in entry["rule"]}
        known["rule"]["thresholds"] = thresholds
    try:
        claim = validated(Claim, _json(known))
    except MalformedError as error:
        place = tuple(part for part in error.place if part != "thresholds")
        raise MalformedError(place[: 2 if place[:1] == ("rule",) else 1], _said(place, error)) from error
    _check_name("group", claim.group)
    if claim.group not in groups:
        accepted = ", ".join(groups) or "none"
        raise MalformedError(("group",), f"group must have a title in [groups] ({accepted}), got {claim.group!r}")
    if len(claim.title.split()) > MOST_WORDS:
        raise MalformedError(("title",), f"title must have at most {MOST_WORDS} words, got {claim.title!r:.60}")
    _check_rule(claim)
    return claim


def _check_dependence(name: str, _entry: Any, depends_on: Mapping[str, tuple[str, ...]], circle: Sequence[str]) -> None:
    """MalformedError if a claim rests on one that there is not, or in the end on itself."""
    missing = [one for one in depends_on[name] if one not in depends_on]
    if missing:
        raise MalformedError(("depends_on",), f"depends_on must be ids of claims, got {', '.join(missing)}")
    if name in circle:
        raise MalformedError(("depends_on",), f"depends_on must not lead back to the claim, {name} rests on itself")


def _check_rule(claim: Claim) -> None:
    rule = claim.rule or Rule({})
    for name in rule.thresholds:
        try:
            rule.boundaries(name)
            rule.of_all(name, TRAINING.looks[-1])  # so many that the shares alone can be wrong
        except ValueError as error:
            raise MalformedError(("rule", name), f"rule: {error}") from error


def _groups(name: str, entry: Any) -> dict[str, str]:
    for group in _texts(name, entry):
        _check_name(group, group)
    return entry  # type: ignore[no-any-return]


def _group_symbols(name: str, entry: Any, groups: Mapping[str, str]) -> dict[str, str]:
    """Meanings of a group's own by "x in T4"."""
    if not isinstance(entry, dict) or not entry.keys() <= groups.keys():
        accepted = ", ".join(groups) or "none"
        raise MalformedError((name,), f"must be tables by group ({accepted}), got {entry!r:.60}")
    return {
        symbol_of(symbol, group): text for group, own in entry.items() for symbol, text in _texts(group, own).items()
    }


def _texts(name: str, entry: Any) -> dict[str, str]:
    if not isinstance(entry, dict):
        raise MalformedError((name,), f"must be a table of strings, got {entry!r:.60}")
    for key, text in entry.items():
        if not isinstance(text, str) or not text.strip():
            raise MalformedError((key,), f"{key} must be a non-empty string, got {text!r:.60}")
    return entry


def _project(name: str, entry: Any) -> Project:
    try:
        return validated(Project, _json(entry))
    except MalformedError as error:
        raise MalformedError(error.place[:1] or (name,), _said(error.place, error)) from error


def _said(place: Place, error: MalformedError) -> str:
    """The problem with its place; of keys that are missing or unknown, which have themselves, that of their table."""
    if str(error).startswith("missing keys"):
        return f"{words(place[:-1])}: {error}" if place[:-1] else str(error)
    return f"{words(place)} {error}".strip()


def _check_name(key: str, name: str) -> None:
    try:
        check_name(key, name)
    except ValueError as error:
        raise MalformedError((key,), str(error)) from error


def _json(entry: Any) -> str:
    """TOML as JSON; dates, which JSON has not, as tables, which no key is."""
    return json.dumps(entry, default=lambda value: {"date": str(value)})


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
