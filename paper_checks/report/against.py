"""Two records held against each other: verdicts that changed, and numbers that moved by more than their error."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from paper_checks.evidence.comparator import Evidence
from paper_checks.evidence.run import ClaimRecord, Run

from . import wording

ERRORS = 3.0
"""Combined standard errors beyond which an estimate has moved; by chance alone one in 370 does."""
ROUNDING = 1e-9
"""Relative difference beyond which numbers that are not drawn have moved: over rounding, under what is shown."""

_ARRAYS = ("exact", "close", "inequality", "estimate", "sign")
"""Kinds whose numbers are as many in every run; of trainings and rates there are as many as it took."""


class Move(NamedTuple):
    """A comparison whose number moved: its claim and name, both numbers in words, and by how much."""

    claim: str
    name: str
    before: str
    now: str
    by: str


class Changes(NamedTuple):
    """What is not as in a run of before.

    Attributes:
        written: when that was, ISO 8601.   compared: how many comparisons are in both.
        verdicts: claim, verdict before and now, of claims in both.   moves: numbers that moved.
        gone, new: claim and name of comparisons that are in one of both alone, of claims that both ran.
        claims_gone, claims_new: ids in one of both alone.
    """

    written: str
    compared: int
    verdicts: list[tuple[str, str, str]]
    moves: list[Move]
    gone: list[tuple[str, str]]
    new: list[tuple[str, str]]
    claims_gone: list[str]
    claims_new: list[str]

    @property
    def any(self) -> bool:
        """Whether anything changed."""
        return any((self.verdicts, self.moves, self.gone, self.new, self.claims_gone, self.claims_new))


def changes(before: Run, now: Run) -> Changes:
    """What changed from one run to another; comparisons are matched by claim, name and how often it came before."""
    old, new = ({claim.id: claim for claim in run.claims} for run in (before, now))
    both = [name for name in new if name in old]
    pairs = [
        (name, _by_name(old[name]), _by_name(new[name])) for name in both if old[name].evidence and new[name].evidence
    ]
    matched = [(name, key, one[key], other[key]) for name, one, other in pairs for key in other if key in one]
    moves = [Move(name, key[0], wording.found(one), wording.found(other), by)
             for name, key, one, other in matched if (by := moved(one, other))]  # fmt: skip
    return Changes(
        before.written,
        len(matched),
        [(name, old[name].verdict, new[name].verdict) for name in both if old[name].verdict != new[name].verdict],
        moves,
        [(name, key[0]) for name, one, other in pairs for key in one if key not in other],
        [(name, key[0]) for name, one, other in pairs for key in other if key not in one],
        [name for name in old if name not in new],
        [name for name in new if name not in old],
    )


def _by_name(claim: ClaimRecord) -> dict[tuple[str, int], Evidence]:
    found: dict[tuple[str, int], Evidence] = {}
    counts: dict[str, int] = {}
    for item in claim.evidence:
        counts[item.name] = counts.get(item.name, 0) + 1
        found[item.name, counts[item.name]] = item
    return found


def moved(before: Evidence, now: Evidence) -> str:
    """By how much a number moved beyond its error, or what about it is another, in words; empty if it did not."""
    if _is_judged_anew(before, now):
        return "judged in another way"
    if before.passed != now.passed:
        return "it failed" if before.passed else "it passed"
    if now.kind in _ARRAYS and before.numbers != now.numbers:
        return f"of {now.numbers} numbers, not {before.numbers}"
    if before.rows and now.rows:  # the worst number may be another one, with what is expected of it
        if any(_differ(one[0], other[0], ROUNDING) for one, other in zip(before.rows, now.rows, strict=True)):
            return "what is expected changed"
    elif _differ(before.exact, now.exact, ROUNDING):
        return "what is expected changed" + (", or another number is the worst" if now.numbers > 1 else "")
    if now.kind == "replicated":
        return _apart(before.details["interval"], now.details["interval"])
    if now.kind in ("estimate", "sign", "rate"):
        return _errors(before, now)
    tolerance = max(now.tolerance or 0.0, ROUNDING)
    scale = now.details.get("scale")
    return "by more than its tolerance" if _differ(before.estimate, now.estimate, tolerance, scale) else ""


def _is_judged_anew(before: Evidence, now: Evidence) -> bool:
    """Whether it is of another kind, or on another side; records of before relations were kept have none."""
    return before.kind != now.kind or (before.relation != now.relation and bool(before.relation and now.relation))


def _differ(one: float | None, other: float | None, tolerance: float, scale: float | None = None) -> bool:
    """By more than a tolerance relative to the larger of both, or to a scale."""
    if one is None or other is None:
        return one is not other
    return abs(one - other) > tolerance * (max(abs(one), abs(other)) if scale is None else scale)


def _apart(one: Sequence[float | None], other: Sequence[float | None]) -> str:
    """Whether two intervals of a median do not meet; one without ends, of numbers never reached, meets its like."""
    ends = [*one[:2], *other[:2]]
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):
        return "" if ends[:2] == ends[2:] else "the median is reached in one of them alone"
    return "intervals of the median do not meet" if max(known[0], known[2]) > min(known[1], known[3]) else ""


def _errors(before: Evidence, now: Evidence) -> str:
    """The largest move of an array's numbers, in standard errors of the difference."""
    ways = [way for pair in _pairs(before, now) if (way := _way(*pair)) is not None]
    largest = max(ways, default=0.0)
    return f"{largest:.1f} standard errors" if largest > ERRORS else ""


def _pairs(before: Evidence, now: Evidence) -> Iterator[tuple[float | None, ...]]:
    """Estimate and error, before and now, of each number; of a sign or rate of several, none is kept but the worst."""
    if before.rows and now.rows:
        for one, other in zip(before.rows, now.rows, strict=True):
            yield one[1], one[2], other[1], other[2]
    elif before.numbers == now.numbers == 1 or now.kind == "rate":
        yield before.estimate, before.standard_error, now.estimate, now.standard_error


def _way(one: float | None, error: float | None, other: float | None, spread: float | None) -> float | None:
    if one is None or other is None or error is None or spread is None:
        return None
    both = math.hypot(error, spread)
    return abs(one - other) / both if both else (math.inf if _differ(one, other, ROUNDING) else 0.0)
