"""What the bytes of files that people write plainly say, by other means than our readers; and such files."""

import json
import tomllib
from dataclasses import fields
from decimal import Decimal
from typing import Any

import numpy as np

from paper_checks.evidence.ledger.claim import Claim
from paper_checks.evidence.ledger.project import Ledger, Project

ROWS = [f"{first},{second},{3 + first * second % 11}" for first in (97, 98, 99, 10) for second in (97, 98, 99, 10)]
PROMPTS = [
    '{"text": "The Eiffel Tower is in", "answer": " Paris", "distractor": " Rome"}',
    '{"text": "Mary and John: John went to", "answer": " Mary", "set": "two", "cluster": "c"}',
    '{"text": "Zürich lies in", "answer": " Switzerland", "distributional": " a", "distractor": null}',
]
PROBLEMS = [
    '{"question": "Two and two?", "answer": "2 + 2 = 4\\n#### 4", "split": "problems"}',
    '{"question": "Ten less 7.5?", "answer": "It is 2.5.\\n#### 2.5"}',
    '{"question": "None?", "answer": "no\\n#### 0", "split": "examples"}',
]
SETTINGS = {"text", "answer", "distractor", "distributional", "set", "cluster"}


def plain(found: Ledger) -> Any:
    """A ledger that was read, in plain values."""
    claims = {name: {one.name: _plain(getattr(claim, one.name)) for one in fields(Claim)}
              for name, claim in found.claims.items()}  # fmt: skip
    project = {one.name: _plain(getattr(found.project, one.name)) for one in fields(Project)}
    return claims, dict(found.groups), project, dict(found.symbols)


def ledger(content: bytes) -> Any:
    """The same from the text: every key that stands there, and what a ledger has without it."""
    tables = tomllib.loads(content.decode())
    project, groups, symbols = (tables.pop(name, {}) for name in ("project", "groups", "symbols"))
    symbols |= {f"{name} in {group}": text for group, own in tables.pop("group_symbols", {}).items()
                for name, text in own.items()}  # fmt: skip
    claims = {name: _whole(Claim, {"id": name, **entry}) for name, entry in tables.items()}
    return claims, groups, _whole(Project, project), symbols


def bigrams(content: bytes) -> Any:
    """The characters and the shares of their successors."""
    lines = [line for line in content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").split("\n") if line]
    rows = [[int(number) for number in line.split(",")] for line in lines[1:]]
    points = sorted({point for *pair, _ in rows for point in pair})
    counts = np.zeros((len(points), len(points)))
    for first, second, count in rows:
        counts[points.index(first), points.index(second)] += count
    return tuple(map(chr, points)), (counts / counts.sum(axis=1, keepdims=True)).round(12).tolist()


def prompts(content: bytes) -> Any:
    """Every key of every line, by set."""
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in _objects(content.decode("utf-8-sig")):
        if not entry.keys() <= SETTINGS:
            raise ValueError(f"keys {entry.keys()}")
        generic = entry.get("distributional", " the")
        other = entry.get("distractor")
        found.setdefault(entry.get("set", "prompts"), []).append({
            "text": entry["text"], "answer": entry["answer"], "distractor": generic if other is None else other,
            "template": "", "distributional": generic, "cluster": entry.get("cluster", ""),
        })  # fmt: skip
    return found


def problems(content: bytes) -> Any:
    """Questions, reasoning and answers of the problems."""
    found = []
    for entry in _objects(content.decode()):
        if entry.get("split", "problems") == "problems":
            reasoning, _, last = entry["answer"].rpartition("####")
            number = Decimal(last.strip().replace(",", "").replace("$", "").rstrip("."))
            found.append((entry["question"].strip(), reasoning.strip(), number))
    return found


def _objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line, object_pairs_hook=_once) for line in text.split("\n") if line.strip()]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _whole(kind: type, entry: dict[str, Any]) -> dict[str, Any]:
    known = {one.name: one.default for one in fields(kind)}
    if not entry.keys() <= known.keys():
        raise ValueError(f"keys {entry.keys() - known.keys()}")
    return {name: _plain(value) for name, value in (known | entry).items()}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, list | tuple) else value
