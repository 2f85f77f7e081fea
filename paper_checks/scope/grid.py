"""A map of where a statement holds over noise level and size: exact signs of its cells, and the levels between them.

The sign of a cell is that of a quantity of theory, exact or rounded once. What else theory says about the cells, by
other formulas, judges them: thresholds in α, found by bisection or in closed form, and what is proved on a range.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.runtime.arrays import Floats

LENGTHS: dict[str, tuple[str, Callable[[int], int]]] = {
    "N": ("N", lambda N: N),
    "2N": ("2N", lambda N: 2 * N),
    "N^2": ("N²", lambda N: N**2),
    "N^3": ("N³", lambda N: N**3),
}
"""The rules for the sequence length, and how they are printed."""
MOST_T = 10**18
"""The largest N, 10⁶, by the steepest rule."""


class Threshold(NamedTuple):
    """An exact noise level of one row, in [low, high], and the sign of the quantity on either side; 0: nothing is said.

    A sign is meant up to the neighbouring threshold of the row. Without a name it is no level, but ends what is said.
    """

    name: str
    low: float | Fraction
    high: float | Fraction
    below: int
    above: int


def always(name: str, sign: int) -> Threshold:
    """The sign for every noise level in (0, 1)."""
    return Threshold(name, -np.inf, -np.inf, 0, sign)


def silence(level: float | Fraction) -> Threshold:
    """Nothing is said about noise levels between this one and the thresholds next to it on one side."""
    return Threshold("", level, level, 0, 0)


@dataclass(frozen=True)
class Statement:
    """What is mapped of a claim.

    Attributes:
        short: what holds, in the picture's heading.
        holds, fails, undecided: the three kinds of cells in a few words.
        measure: the quantity in a few words.
        quantity: of (size, setting, α), positive where the statement holds, NaN where theory leaves it open. Size and
            setting are N and T, or, for the associative memory, n and the time t, None for t → ∞.
        thresholds: of (size, setting): the row's exact levels.
        stated: of (size, setting, α): the sign that the claim or another formula states for this cell, or 0.
        estimates: asymptotic levels, of (size, setting), by name.
    """

    short: str
    holds: str
    fails: str
    measure: str
    quantity: Callable[[int, Any, Fraction], float]
    thresholds: Callable[[int, Any], Sequence[Threshold]] = lambda size, setting: ()
    stated: Callable[[int, Any, Fraction], int] = lambda size, setting, alpha: 0
    estimates: Mapping[str, Callable[[int, Any], float]] = field(default_factory=dict)
    undecided: str = "undecided"


@dataclass(frozen=True)
class Family:
    """The axes that a group of claims shares.

    Attributes:
        symbol, meaning: of the vertical axis.
        largest: the largest size that is mapped.
        setting: the option that says what else is fixed, "T" or "t".
        interior: whether α = 0 and α = 1 are no noise levels of the model.
    """

    symbol: str
    meaning: str
    largest: int
    setting: str
    interior: bool


SEQUENCES = Family("N", "vocabulary size N", 10**6, "T", interior=False)
MEMORIES = Family("n", "number of inputs n", 1000, "t", interior=True)


@dataclass(frozen=True)
class Mapped:
    """A claim with maps: its statements by name, the first one the default, and the default setting as it is written.

    `least` is the least T.
    """

    family: Family
    statements: Mapping[str, Statement]
    setting: str = "N^2"
    least: int = 2


@dataclass(frozen=True, eq=False)
class ScopeMap:
    """One map.

    Attributes:
        claim, part: which one.
        sizes, levels: the axes, N or n of the rows and α of the columns, ascending.
        setting: what else is fixed, in words, "T = N²".
        values: the quantity, shape (rows, columns).
        stated: signs stated cell by cell, or 0, of the same shape.
        thresholds, estimates: per row.
    """

    claim: str
    part: str
    family: Family
    statement: Statement
    sizes: tuple[int, ...]
    levels: tuple[Fraction, ...]
    setting: str
    values: Floats
    stated: NDArray[np.int64]
    thresholds: tuple[tuple[Threshold, ...], ...]
    estimates: Mapping[str, tuple[float, ...]]

    @property
    def holds(self) -> NDArray[np.bool_]:
        """Where the statement holds."""
        return self.values > 0

    @property
    def undecided(self) -> NDArray[np.bool_]:
        """Where theory leaves it open."""
        return np.isnan(self.values)

    @property
    def contradictions(self) -> list[str]:
        """Where a threshold, or what is stated, has the other sign: one line per row and source."""
        found = []
        for row, source, sign, wrong in self._wrong():
            where = [float(level) for level, bad in zip(self.levels, wrong, strict=True) if bad]
            verb = "holds" if sign < 0 else "does not hold"
            span = f"α = {where[0]:g}" + (f" to {where[-1]:g} ({len(where)} cells)" if len(where) > 1 else "")
            place = f"{self.family.symbol} = {self.sizes[row]}, {self.setting}"
            found.append(f"{self.claim}, {place}: at {span} it {verb}, against {source}")
        return found

    @property
    def contradicted(self) -> NDArray[np.bool_]:
        """The cells of `contradictions`."""
        found = np.zeros(self.values.shape, dtype=bool)
        for row, _, _, wrong in self._wrong():
            found[row] |= wrong
        return found

    def _wrong(self) -> Iterator[tuple[int, str, int, NDArray[np.bool_]]]:
        """(row, source, sign that the source gives, cells with the other one)."""
        for row in range(len(self.sizes)):
            for source, sign, meant in self._judgements(row):
                wrong = meant & ~self.undecided[row] & (self.holds[row] != (sign > 0))
                if wrong.any():
                    yield row, source, sign, wrong

    @property
    def judged(self) -> int:
        """Number of cells that a threshold or a statement says something about."""
        said = self.stated != 0
        for row in range(len(self.sizes)):
            for _, _, meant in self._judgements(row):
                said[row] |= meant
        return int((said & ~self.undecided).sum())

    def _judgements(self, row: int) -> Iterator[tuple[str, int, NDArray[np.bool_]]]:
        """(source, sign, the cells it is meant for) of one row."""
        for sign in (-1, 1):
            yield "what is stated there", sign, self.stated[row] == sign
        ordered = sorted(self.thresholds[row], key=lambda threshold: threshold.low)
        inside = np.array([0 < level < 1 for level in self.levels])
        for place, threshold in enumerate(ordered):
            low = ordered[place - 1].high if place else -np.inf
            high = ordered[place + 1].low if place + 1 < len(ordered) else np.inf
            below = np.array([low <= level <= threshold.low for level in self.levels]) & inside
            above = np.array([threshold.high <= level <= high for level in self.levels]) & inside
            name = threshold.name + (f" {float(threshold.high):.6g}" if np.isfinite(float(threshold.high)) else "")
            for sign, cells in ((threshold.below, below), (threshold.above, above)):
                if sign:
                    yield name, sign, cells


def sizes_between(low: int, high: int, rows: int) -> tuple[int, ...]:
    """At most `rows` integers from low to high, evenly spaced in logarithm, ends included; all if they are few."""
    if high - low < rows:
        return tuple(range(low, high + 1))
    if rows == 1:
        return (low,)
    ratio = high / low
    inner = (round(low * ratio ** (step / (rows - 1))) for step in range(1, rows - 1))
    return tuple(sorted({low, high, *inner}))


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
    if rule is None and not (text.isascii() and text.isdigit() and len(text) < 20):
        raise ValueError(f"T must be an integer or one of {', '.join(LENGTHS)}, got {text!r}")
    lengths = tuple(rule(size) if rule else int(text) for size in sizes)
    for size, length in zip(sizes, lengths, strict=True):
        if not least <= length <= MOST_T:
            raise ValueError(
                f"T must be an integer in {least}..{MOST_T}, got {text!r}, which is {length} at N = {size}"
            )
    return f"T = {said}", lengths


def fill(
    mapped: Mapped,
    claim: str,
    part: str,
    sizes: tuple[int, ...],
    levels: tuple[Fraction, ...],
    setting: tuple[str, tuple[Any, ...]],
    advance: Callable[[int], object],
) -> ScopeMap:
    """Compute the map of one statement; `advance` is called with the number of cells after each row."""
    statement, (said, settings) = mapped.statements[part], setting
    values = np.empty((len(sizes), len(levels)))
    stated = np.zeros(values.shape, dtype=np.int64)
    thresholds = []
    for row, (size, fixed) in enumerate(zip(sizes, settings, strict=True)):
        thresholds.append(tuple(statement.thresholds(size, fixed)))
        for column, level in enumerate(levels):
            values[row, column] = statement.quantity(size, fixed, level)
            stated[row, column] = statement.stated(size, fixed, level)
        advance(len(levels))
    estimates = {
        name: tuple(float(level(size, fixed)) for size, fixed in zip(sizes, settings, strict=True))
        for name, level in statement.estimates.items()
    }
    return ScopeMap(
        claim, part, mapped.family, statement, sizes, levels, said, values, stated, tuple(thresholds), estimates
    )
