"""The axes of maps: rows that a group of claims shares, noise levels of the columns, and what else is fixed."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

from theory.scalars import as_count, as_probability
from theory.task import RealNumber

LENGTHS: dict[str, tuple[str, Callable[[int], int]]] = {
    "N": ("N", lambda N: N),
    "2N": ("2N", lambda N: 2 * N),
    "N^2": ("N²", lambda N: N**2),
    "N^3": ("N³", lambda N: N**3),
}
"""The rules for the sequence length, and how they are printed."""
MOST_T = 10**18
"""The largest N, 10⁶, by the steepest rule."""

Fixed = tuple[str, tuple[Any, ...]]
"""What else is fixed: in words, "T = N²", and the setting of each row."""


class Extent(NamedTuple):
    """How far a map goes: least and largest row, least and largest α, and how many rows and columns at most."""

    span: tuple[RealNumber, RealNumber]
    levels: tuple[RealNumber, RealNumber]
    rows: int
    columns: int


@dataclass(frozen=True)
class Family:
    """The axes that a group of claims shares.

    Attributes:
        symbol, option, meaning: of the vertical axis; `option` names it on the command line, in errors and in tables.
        accepted, spacing: which rows there can be, and which of them are taken, in a few words.
        setting: the option that says what else is fixed, "T" or "t".
        interior: whether α = 0 and α = 1 are no noise levels of the model.
        continuous: whether there is something between two rows, which are integers if not.
        as_row: one end of the rows as it is used, or a ValueError or TypeError.
        rows_between: of (least, largest, number), the rows.
        fix: of (a setting as it is written, the claim's own one, its least T, the rows), what else is fixed, or a
            ValueError.
        extent, small: of a map, and of a small one, unless something else is asked for.
    """

    symbol: str
    option: str
    meaning: str
    accepted: str
    spacing: str
    setting: str
    interior: bool
    continuous: bool
    as_row: Callable[[object], RealNumber]
    rows_between: Callable[[Any, Any, int], tuple[Any, ...]]
    fix: Callable[[str, str, int, Sequence[Any]], Fixed]
    extent: Extent
    small: Extent

    def written(self, row: RealNumber) -> str:
        """A row as it is printed."""
        return f"{float(row):.4g}" if self.continuous else str(row)


def sizes_between(low: int, high: int, rows: int) -> tuple[int, ...]:
    """At most `rows` integers from low to high, evenly spaced in logarithm, ends included; all if they are few."""
    if high - low < rows:
        return tuple(range(low, high + 1))
    if rows == 1:
        return (low,)
    ratio = high / low
    inner = (round(low * ratio ** (step / (rows - 1))) for step in range(1, rows - 1))
    return tuple(sorted({low, high, *inner}))


def shares_between(low: RealNumber, high: RealNumber, rows: int) -> tuple[Fraction, ...]:
    """`rows` shares from low to high, evenly spaced in their square root, ends included; one if they say so."""
    ends = Fraction(low), Fraction(high)
    if low == high or rows == 1:
        return ends[:1]
    first, last = math.sqrt(low), math.sqrt(high)
    roots = (first + (last - first) * step / (rows - 1) for step in range(1, rows - 1))
    return ends[0], *(Fraction(root * root) for root in roots), ends[1]


def levels_between(low: Fraction, high: Fraction, columns: int) -> tuple[Fraction, ...]:
    """`columns` noise levels from low to high, evenly spaced and exact; one if the ends or the count say so."""
    if low == high or columns == 1:
        return (low,)
    return tuple(low + (high - low) * step / (columns - 1) for step in range(columns))


def length_rule(text: str, least: int, sizes: Sequence[int]) -> tuple[str, tuple[int, ...]]:
    """A rule of LENGTHS or an integer as ("T = N²", T per size).

    Raises:
        ValueError: neither, or a length below `least` or beyond MOST_T.
    """
    said, rule = LENGTHS.get(text, (text, None))
    if rule is None and not _is_integer(text):
        raise ValueError(f"T must be an integer or one of {', '.join(LENGTHS)}, got {text!r}")
    lengths = tuple(rule(size) if rule else int(text) for size in sizes)
    for size, length in zip(sizes, lengths, strict=True):
        if not least <= length <= MOST_T:
            raise ValueError(
                f"T must be an integer in {least}..{MOST_T}, got {text!r}, which is {length} at N = {size}"
            )
    return f"T = {said}", lengths


def _is_integer(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20


def _same_length(text: str, default: str, least: int, shares: Sequence[Fraction]) -> Fixed:
    """One T for all rows."""
    if not _is_integer(text) or not least <= int(text) <= LONGEST:
        raise ValueError(f"T must be an integer in {least}..{LONGEST}, got {text!r}")
    return f"T = {int(text)}", (int(text),) * len(shares)


def _time(text: str, default: str, least: int, sizes: Sequence[int]) -> Fixed:
    """One t for all rows, `None` for t → ∞."""
    if text == "inf" and default == "inf":
        return "t → ∞", (None,) * len(sizes)
    accepted = "a positive number" + (" or inf" if default == "inf" else "")
    try:
        time = Fraction(text)
        inside = 0 < float(time) < math.inf
    except (ValueError, ZeroDivisionError, OverflowError):
        inside = False
    if not inside:
        raise ValueError(f"t must be {accepted}, got {text!r}")
    return f"t = {float(time):g}", (time,) * len(sizes)


def _as_size(symbol: str, largest: int, value: object) -> int:
    size = as_count(symbol, value, 2)
    if size > largest:
        raise ValueError(f"{symbol} must be an integer in 2..{largest}, got {value}")
    return size


MOST_N, MOST_INPUTS, LONGEST = 10**6, 1000, 10**6
WHOLE, INNER = (Fraction(1, 100), Fraction(99, 100)), (Fraction(1, 50), Fraction(49, 50))
TENTHS = Fraction(1, 10), Fraction(9, 10)
LOGARITHM = "sizes, evenly spaced in their logarithm"

SEQUENCES = Family(
    "N", "N", "vocabulary size N", f"2 to {MOST_N}", LOGARITHM, "T", interior=False, continuous=False,
    as_row=partial(_as_size, "N", MOST_N), rows_between=sizes_between,
    fix=lambda text, default, least, sizes: length_rule(text, least, sizes),
    extent=Extent((8, 512), WHOLE, 24, 99), small=Extent((8, 128), INNER, 9, 49),
)  # fmt: skip
MEMORIES = Family(
    "n", "n", "number of inputs n", f"2 to {MOST_INPUTS}", LOGARITHM, "t", interior=True, continuous=False,
    as_row=partial(_as_size, "n", MOST_INPUTS), rows_between=sizes_between, fix=_time,
    extent=Extent((2, 64), WHOLE, 24, 99), small=Extent((2, 32), INNER, 9, 49),
)  # fmt: skip
MIXTURES = Family(
    "λ", "lambda", "share λ of Shakespeare in the chain", "0 to 1", "shares, evenly spaced in their square root", "T",
    interior=False, continuous=True, as_row=partial(as_probability, "lambda"), rows_between=shares_between,
    fix=_same_length, extent=Extent((0, 1), TENTHS, 17, 9), small=Extent((0, 1), TENTHS, 9, 5),
)  # fmt: skip
"""Chains (1-λ) Unif + λ Shakespeare, over the 65 characters."""
