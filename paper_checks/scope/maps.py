"""A map of where a statement holds over noise level and size: exact signs of its cells, and the levels between them.

The sign of a cell is that of a quantity of theory, exact or rounded once. What else theory says about the cells, by
other formulas, judges them: thresholds in α along a row, or in λ along a column, found by bisection or in closed form,
and what is proved on a range.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulate.runtime.arrays import Floats

from .grid import Extent, Family, Fixed


class Threshold(NamedTuple):
    """An exact level of one row or column, in [low, high], and the sign of the quantity on either side; 0: nothing is
    said.

    A sign is meant up to the neighbouring threshold. Without a name it is no level, but ends what is said.
    """

    name: str
    low: float | Fraction
    high: float | Fraction
    below: int
    above: int

    @property
    def is_level(self) -> bool:
        """Whether there is something to draw."""
        return bool(self.name) and bool(np.isfinite(float(self.low)))


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
        quantity: of (row, setting, α), positive where the statement holds, NaN where theory leaves it open. Row and
            setting are N and T, for the associative memory n and the time t, None for t → ∞, for mixtures λ and T.
        thresholds: of (row, setting): the row's exact levels of α.
        crossings: of (setting, α), where rows are continuous and share their setting: the column's exact levels of λ.
        stated: of (row, setting, α): the sign that the claim or another formula states for this cell, or 0.
        estimates: asymptotic levels of α, of (row, setting), by name.
        predictions: levels of λ to leading order, of (setting, α), by name; NaN where there is none.
        route: how the exact levels are found.
    """

    short: str
    holds: str
    fails: str
    measure: str
    quantity: Callable[[Any, Any, Fraction], float]
    thresholds: Callable[[Any, Any], Sequence[Threshold]] = lambda row, setting: ()
    stated: Callable[[Any, Any, Fraction], int] = lambda row, setting, alpha: 0
    estimates: Mapping[str, Callable[[Any, Any], float]] = field(default_factory=dict)
    undecided: str = "undecided"
    crossings: Callable[[Any, Fraction], Sequence[Threshold]] = lambda setting, alpha: ()
    predictions: Mapping[str, Callable[[Any, Fraction], float]] = field(default_factory=dict)
    route: str = "found by another route"


@dataclass(frozen=True)
class Mapped:
    """A claim with maps: its statements by name, the first one the default, and the default setting as it is written.

    `least` is the least T; `extent` and `small` are in the place of the family's.
    """

    family: Family
    statements: Mapping[str, Statement]
    setting: str = "N^2"
    least: int = 2
    extent: Extent | None = None
    small: Extent | None = None


class _Line(NamedTuple):
    """A row or a column: its cells' index, where it is, what runs along it, and what is said about its cells."""

    cells: tuple[Any, Any]
    place: str
    symbol: str
    along: Sequence[Any]
    thresholds: Sequence[Threshold]
    inside: NDArray[np.bool_]


class _Judgement(NamedTuple):
    """What a source says of some cells of a line."""

    line: _Line
    source: str
    sign: int
    meant: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ScopeMap:
    """One map.

    Attributes:
        claim, part: which one.
        sizes, levels: the axes, N, n or λ of the rows and α of the columns, ascending.
        setting: what else is fixed, in words, "T = N²".
        values: the quantity, shape (rows, columns).
        stated: signs stated cell by cell, or 0, of the same shape.
        thresholds, estimates: per row.
        crossings, predictions: per column; no crossings where rows are integers.
    """

    claim: str
    part: str
    family: Family
    statement: Statement
    sizes: tuple[Any, ...]
    levels: tuple[Fraction, ...]
    setting: str
    values: Floats
    stated: NDArray[np.int64]
    thresholds: tuple[tuple[Threshold, ...], ...]
    estimates: Mapping[str, tuple[float, ...]]
    crossings: tuple[tuple[Threshold, ...], ...]
    predictions: Mapping[str, tuple[float, ...]]

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
        """Where a threshold, or what is stated, has the other sign: one line per row or column, and source."""
        found = []
        for line, source, sign, wrong in self._wrong():
            where = [float(level) for level, bad in zip(line.along, wrong, strict=True) if bad]
            verb = "holds" if sign < 0 else "does not hold"
            several = f" to {where[-1]:g} ({len(where)} cells)" if len(where) > 1 else ""
            span = f"{line.symbol} = {where[0]:g}{several}"
            found.append(f"{self.claim}, {line.place}, {self.setting}: at {span} it {verb}, against {source}")
        return found

    @property
    def contradicted(self) -> NDArray[np.bool_]:
        """The cells of `contradictions`."""
        found = np.zeros(self.values.shape, dtype=bool)
        for line, _, _, wrong in self._wrong():
            found[line.cells] |= wrong
        return found

    def _wrong(self) -> Iterator[_Judgement]:
        """Judgements of the cells that have the other sign."""
        for judgement in self._judgements():
            cells, sign = judgement.line.cells, judgement.sign
            wrong = judgement.meant & ~self.undecided[cells] & (self.holds[cells] != (sign > 0))
            if wrong.any():
                yield judgement._replace(meant=wrong)

    @property
    def judged(self) -> int:
        """Number of cells that a threshold or a statement says something about."""
        said = np.zeros(self.values.shape, dtype=bool)
        for line, _, _, meant in self._judgements():
            said[line.cells] |= meant
        return int((said & ~self.undecided).sum())

    def _judgements(self) -> Iterator[_Judgement]:
        """Row by row, then column by column."""
        for row, line in enumerate(self._rows()):
            for sign in (-1, 1):
                yield _Judgement(line, "what is stated there", sign, self.stated[row] == sign)
            yield from _by_thresholds(line)
        for line in self._columns():
            yield from _by_thresholds(line)

    def _rows(self) -> Iterator[_Line]:
        inside = np.array([0 < level < 1 for level in self.levels])
        for row, size in enumerate(self.sizes):
            place = f"{self.family.symbol} = {self.family.written(size)}"
            yield _Line((row, slice(None)), place, "α", self.levels, self.thresholds[row], inside)

    def _columns(self) -> Iterator[_Line]:
        inside = np.ones(len(self.sizes), dtype=bool)
        for column, crossings in enumerate(self.crossings):
            place = f"α = {float(self.levels[column]):g}"
            yield _Line((slice(None), column), place, self.family.symbol, self.sizes, crossings, inside)


def _by_thresholds(line: _Line) -> Iterator[_Judgement]:
    """What the thresholds of a line say of its cells."""
    ordered = sorted(line.thresholds, key=lambda threshold: threshold.low)
    for place, threshold in enumerate(ordered):
        low = ordered[place - 1].high if place else -np.inf
        high = ordered[place + 1].low if place + 1 < len(ordered) else np.inf
        below = np.array([low <= level <= threshold.low for level in line.along]) & line.inside
        above = np.array([threshold.high <= level <= high for level in line.along]) & line.inside
        name = threshold.name + (f" {float(threshold.high):.6g}" if np.isfinite(float(threshold.high)) else "")
        for sign, cells in ((threshold.below, below), (threshold.above, above)):
            if sign:
                yield _Judgement(line, name, sign, cells)


def fill(
    mapped: Mapped,
    claim: str,
    part: str,
    sizes: tuple[Any, ...],
    levels: tuple[Fraction, ...],
    setting: Fixed,
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
    between = levels if mapped.family.continuous else ()
    crossings = tuple(tuple(statement.crossings(settings[0], level)) for level in between)
    predictions = {
        name: tuple(float(predicted(settings[0], level)) for level in levels)
        for name, predicted in statement.predictions.items()
    }
    return ScopeMap(
        claim, part, mapped.family, statement, sizes, levels, said, values, stated, tuple(thresholds), estimates,
        crossings, predictions,
    )  # fmt: skip
