"""What the page says of the suite itself, from records of trust: false alarms, and z values against the normal law."""

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paper_checks.evidence.trust import TrustRecord

ALARMS = "false_alarms"
"""The record of `paper-checks alarms`."""
HEIGHT = 100.0
_BIN = re.compile(r"z from (\S+) to (\S+)")


@dataclass(frozen=True)
class Bar:
    """z values from `low` to `high`, the outermost with those beyond: how many there are, how many the normal law has,
    and the heights of both where the highest has `HEIGHT`, on a logarithmic scale."""

    low: float
    high: float
    count: float
    expected: float
    height: float
    law: float


@dataclass(frozen=True)
class Alarms:
    """The record, the bars of its z values, none if it has none, and the shares beyond 2, 3 and 4 by the normal law."""

    record: "TrustRecord"
    bars: list[Bar]
    beyond: dict[int, float]


def alarms_of(record: "TrustRecord") -> Alarms:
    """What the page says of a record of false alarms.

    Raises:
        ValueError: it lacks a number that the page says.
    """
    lacking = [name for name in _SAID if name not in record.numbers]
    if lacking:
        raise ValueError(f"the record of {ALARMS} lacks {', '.join(lacking)}: {record.command} makes it anew")
    found = ((_BIN.fullmatch(name), count) for name, count in record.numbers.items())
    counts = {(float(place[1]), float(place[2])): count for place, count in found if place is not None}
    return Alarms(record, _bars(counts), {beyond: math.erfc(beyond / math.sqrt(2)) for beyond in (2, 3, 4)})


_SAID = (
    *("base seeds", "base seeds of the checks that take longest", "comparisons", "false alarms", "z values"),
    *("variance", "variance, standard error", "independent z values", "p of Kolmogorov-Smirnov"),
    *("kinds of comparison", "kinds that deviate"),
    *(f"share beyond {beyond}{ending}" for beyond in (2, 3, 4) for ending in ("", ", standard error")),
)  # fmt: skip


def _bars(counts: dict[tuple[float, float], float]) -> list[Bar]:
    total, edges = sum(counts.values()), sorted(counts)
    if not total:
        return []
    largest = math.log1p(total)
    found = []
    for place, (low, high) in enumerate(edges):
        below = 0.0 if place == 0 else _normal(low)
        expected = total * ((1.0 if place == len(edges) - 1 else _normal(high)) - below)
        heights = (HEIGHT * math.log1p(one) / largest for one in (counts[low, high], expected))
        found.append(Bar(low, high, counts[low, high], expected, *heights))
    return found


def _normal(z: float) -> float:
    return math.erfc(-z / math.sqrt(2)) / 2
