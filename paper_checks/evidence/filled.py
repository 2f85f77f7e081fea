"""Numbers that README and the ledger show of a run, filled in from its evidence by claim, statement and statistic.

In README a number stands between comments that a page does not show, in the ledger a placeholder stands for it:

    <!--E2: P(τ) without F2: max-->0.134<!--/-->          in a table, | within a name is written \\|
    {P(τ) without F2: max}    {P(τ) without F2: max 2}    in the keys FILLED: three significant digits, or two

What is filled in is rounded outward: a least number down, a largest one up, others to the nearest.
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from typing import Any, NamedTuple

from .comparator import Evidence

MARKER = re.compile(r"<!--([A-Za-z0-9][\w.-]*): ((?:(?!-->)[^\n])+?): ([a-z]+)-->((?:(?!<!--)[^\n])*)<!--/-->")
"""Claim, statement, statistic, and what is shown."""
_LOOSE = re.compile(r"<!--(?:/|[A-Za-z0-9][\w.-]*: (?:(?!-->)[^\n])+?: [a-z]+)-->")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NAMED = re.compile(r"(.+): ([a-z]+)(?: ([1-9]))?(?P<percent> %)?")
_NUMBER = re.compile(r"-?\d+(?:\.(\d+))?(?P<power>·10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)|e([-+]?\d+))?")
_ANY_NUMBER = r"-?\d+(?:\.\d+)?(?:·10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+|e[-+]?\d+)?"
_RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_RAISING = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LONG = Context(prec=1000)
"""Decimals of the largest numbers in the digits of the smallest."""
_ROUNDING = {-1: ROUND_FLOOR, 0: ROUND_HALF_EVEN, +1: ROUND_CEILING}
FILLED = ("statement", "scope", "found")
"""Sentences of the ledger that may have placeholders."""
NOT_MEASURED = "…"
"""What stands for a number that the run has not measured."""


class Statistic(NamedTuple):
    """Which numbers of a comparison it is, None where there is none, how each is rounded (-1 down, 0, +1 up), what is
    written between two, and whether they are counts."""

    of: Callable[[Evidence], Sequence[float | None]]
    toward: tuple[int, ...] = (0,)
    between: str = ""
    counts: bool = False


def _values(item: Evidence) -> list[float | None]:
    return list(item.details["values"])


def _extreme(choose: Callable[[list[Any]], Any]) -> Callable[[Evidence], float | None]:
    """The least or largest number of all seeds; None if one of them has no finite number."""
    return lambda item: None if None in _values(item) else choose(_values(item))


_least, _largest = _extreme(min), _extreme(max)
TRAININGS = {
    "median": Statistic(lambda item: [item.estimate]),
    "min": Statistic(lambda item: [_least(item)], (-1,)),
    "max": Statistic(lambda item: [_largest(item)], (+1,)),
    "range": Statistic(lambda item: [_least(item), _largest(item)], (-1, +1), " to "),
    "low": Statistic(lambda item: item.details["interval"][:1], (-1,)),
    "high": Statistic(lambda item: item.details["interval"][1:2], (+1,)),
    "interval": Statistic(lambda item: item.details["interval"][:2], (-1, +1), " to "),
    "count": Statistic(lambda item: [item.details["holds"], item.numbers], (0, 0), " of ", True),
    "seeds": Statistic(lambda item: [item.numbers], counts=True),
    "share": Statistic(lambda item: [item.details["lower_limit"]], (-1,)),
    "pilot": Statistic(lambda item: [item.details.get("pilot", {}).get("median")]),
}
"""Of a statement about trainings: its seeds, and the interval of their median."""
ALL = {
    "exact": Statistic(lambda item: [item.exact]),
    "threshold": Statistic(lambda item: [item.exact]),
    "estimate": Statistic(lambda item: [item.estimate]),
    "error": Statistic(lambda item: [item.standard_error], (+1,)),
    "z": Statistic(lambda item: [item.z]),
    "detects": Statistic(lambda item: [item.detectable], (+1,)),
    "numbers": Statistic(lambda item: [item.numbers], counts=True),
}
"""Of any comparison: those of its worst number, and how many there are."""
_OF_SEEDS = (
    *(TRAININGS[name] for name in ("median", "min", "max", "range", "low", "high", "interval")),
    ALL["estimate"],
)
"""Statistics that lie among the numbers of the seeds."""


def statistics(item: Evidence) -> dict[str, Statistic]:
    """The statistics by name for which a comparison has numbers."""
    known = (TRAININGS if item.kind == "replicated" else {}) | ALL
    return {name: one for name, one in known.items() if None not in one.of(item)}


def look_up(evidence: Iterable[Evidence], name: str, statistic: str) -> tuple[Evidence, Statistic]:
    """The comparison of this name and its statistic.

    Raises:
        ValueError: no comparison, or more than one, has this name, or it has no such numbers.
    """
    found = [item for item in evidence if item.name == name]
    if len(found) != 1:
        raise ValueError(f"{name}: must be one statement of the record, got {len(found)}")
    known = statistics(found[0])
    if statistic not in known:
        raise ValueError(f"{name}: statistic must be one of {', '.join(known)}, got {statistic}")
    return found[0], known[statistic]


def written(item: Evidence, statistic: Statistic, digits: int = 3, percent: bool = False) -> str:
    """A statistic in so many significant digits; whole numbers and counts in full."""
    numbers = zip(statistic.of(item), statistic.toward, strict=True)
    words = (_new((100 if percent else 1) * _decimal(value), toward, digits) for value, toward in numbers)
    return statistic.between.join(words) + (" %" if percent else "")


def written_like(shown: str, item: Evidence, statistic: Statistic) -> str:
    """A statistic in the digits, percents and words of what is shown; anew if that has not as many numbers."""
    found = list(_NUMBER.finditer(shown))
    if len(found) != len(statistic.toward):
        return written(item, statistic)
    parts, end, factor = [], 0, 100 if "%" in shown else 1
    for match, value, toward in zip(found, statistic.of(item), statistic.toward, strict=True):
        new = str(value) if statistic.counts else _like(match, factor * _decimal(value), toward)
        parts += [shown[end : match.start()], new]
        end = match.end()
    return "".join(parts) + shown[end:]


def stale(shown: str, item: Evidence, statistic: Statistic) -> bool:
    """Whether a shown number is more than one unit of its last digit off what would be filled in (numbers of trainings
    depend a little on the rounding of the machine); a count must be the same."""
    old, new = (list(_NUMBER.finditer(text)) for text in (shown, written_like(shown, item, statistic)))
    if len(old) != len(statistic.toward):
        return True
    unit = 0 if statistic.counts else 1
    return any(abs(_read(one) - _read(other)) > unit * _unit(one) for one, other in zip(old, new, strict=True))


def same_numbers(shown: str, found: str) -> bool:
    """Whether two texts are the same but for the last digits of their numbers, which differ by a unit at most, that of
    the number with more digits: 0 is not the same as 0.134."""
    old, new = (list(_NUMBER.finditer(text)) for text in (shown, found))
    if _NUMBER.sub("", shown).split() != _NUMBER.sub("", found).split() or len(old) != len(new):
        return False
    return all(
        abs(_read(one) - _read(other)) <= min(_unit(one), _unit(other)) for one, other in zip(old, new, strict=True)
    )


def spread(item: Evidence, statistic: Statistic) -> tuple[float, float] | None:
    """Between what a number of trainings may lie that were made on another kind of processor: the range of all seeds
    here, and as much again on both sides. None for other numbers."""
    if item.kind != "replicated" or not any(statistic is one for one in _OF_SEEDS):
        return None
    known = [value for value in _values(item) if value is not None]
    wide = max(known) - min(known) if len(known) == item.numbers else math.inf
    return min(known, default=0.0) - wide, max(known, default=0.0) + wide


def within(shown: str, low: float, high: float) -> bool:
    """Whether all numbers of a text lie there."""
    unit = 100 if "%" in shown else 1
    return all(low * unit <= _read(match) <= high * unit for match in _NUMBER.finditer(shown))


def with_any_numbers(text: str) -> str:
    """A pattern of the texts that have numbers where this one has them."""
    parts, end = [], 0
    for match in _NUMBER.finditer(text):
        parts += [re.escape(text[end : match.start()]), _ANY_NUMBER]
        end = match.end()
    return "".join(parts) + re.escape(text[end:])


def placeholders(
    text: str, evidence: Sequence[Evidence], shown: Callable[[str, Evidence, Statistic], str] = lambda words, *_: words
) -> tuple[str, list[str]]:
    """The text with its placeholders filled in, "…" for numbers that there are not, what is filled in as `shown` makes
    it; and what is wrong, also with braces of another kind, which stay."""
    problems = []

    def fill(match: re.Match[str]) -> str:
        named = _NAMED.fullmatch(match[1])
        if named is None:
            problems.append(f"{match[0]} must be {{NAME: STATISTIC}}")
            return match[0]
        try:
            item, statistic = look_up(evidence, named[1], named[2])
        except ValueError as error:
            problems.append(str(error))
            return NOT_MEASURED
        return shown(written(item, statistic, int(named[3] or 3), named["percent"] is not None), item, statistic)

    return _PLACEHOLDER.sub(fill, text), problems


def has_placeholders(text: str) -> bool:
    """Whether numbers of a run are to be filled in."""
    return _PLACEHOLDER.search(text) is not None


def marker(claim: str, name: str, statistic: str, shown: str) -> str:
    """The marker of a number, as it is pasted into a table."""
    return f"<!--{claim}: {name.replace('|', chr(92) + '|')}: {statistic}-->{shown}<!--/-->"


def named_in(match: re.Match[str]) -> tuple[str, str, str, str]:
    """Claim, statement, statistic and what is shown, of a marker."""
    claim, name, statistic, shown = match.groups()
    return claim, name.replace("\\|", "|"), statistic, shown


def loose_markers(text: str) -> list[str]:
    """Comments of markers that have no partner."""
    return _LOOSE.findall(MARKER.sub("", text))


def _decimal(value: float | None) -> Decimal:
    return Decimal(repr(value) if isinstance(value, int) else repr(float(value or 0.0)))


def _new(value: Decimal, toward: int, digits: int) -> str:
    if value == value.to_integral_value():
        return f"{value:.0f}"
    size = value.adjusted()
    if -5 < size < 6:
        return _rounded(value, max(digits - 1 - size, 0), toward)
    return f"{_rounded(value.scaleb(-size), digits - 1, toward)}·10{str(size).translate(_RAISING)}"


def _like(match: re.Match[str], value: Decimal, toward: int) -> str:
    return _rounded(value.scaleb(-_exponent(match)), len(match[1] or ""), toward) + (match["power"] or "")


def _rounded(value: Decimal, decimals: int, toward: int) -> str:
    """Fixed decimals; a zero without a sign."""
    return f"{value.quantize(Decimal(1).scaleb(-decimals), _ROUNDING[toward], _LONG) + 0:f}"


def _exponent(match: re.Match[str]) -> int:
    return int(match[4] or (match[3] or "⁰").translate(_RAISED))


def _read(match: re.Match[str]) -> Decimal:
    return Decimal(match[0].removesuffix(match["power"] or "")).scaleb(_exponent(match))


def _unit(match: re.Match[str]) -> Decimal:
    return Decimal(1).scaleb(_exponent(match) - len(match[1] or ""))
