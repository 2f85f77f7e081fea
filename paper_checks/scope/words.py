"""A scope map in words, in letters for a terminal, and as a table."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from paper_checks.pictures.file import Table

from .maps import ScopeMap

WIDE = 66
"""Cells of a row in letters, at most."""
HOLDS, FAILS, UNDECIDED, CONTRADICTION = "+-?x"


class Kind(NamedTuple):
    """One kind of cells: its name, which cells, and its letter."""

    name: str
    cells: NDArray[np.bool_]
    letter: str

    @property
    def share(self) -> str:
        """Of all cells; no rounding to all or nothing."""
        share = self.cells.mean()
        rounded = f"{share:.1%}"
        if 0 < share < 1 and rounded in ("0.0%", "100.0%"):
            return "under 0.1 %" if share < 1 / 2 else "over 99.9 %"
        return rounded.replace("%", " %")


class Run(NamedTuple):
    """Neighbouring cells of one kind in a row, with the first and last column."""

    kind: Kind
    first: int
    last: int


def kinds(shown: ScopeMap) -> list[Kind]:
    """The three of them: where the statement holds, fails, and is undecided."""
    statement = shown.statement
    return [
        Kind(statement.holds, shown.holds, HOLDS),
        Kind(statement.fails, ~shown.holds & ~shown.undecided, FAILS),
        Kind(statement.undecided, shown.undecided, UNDECIDED),
    ]


def runs(shown: ScopeMap, row: int) -> Iterator[Run]:
    """The kinds of cells of a row from left to right."""
    every = kinds(shown)
    which = [next(k for k, kind in enumerate(every) if kind.cells[row, c]) for c in range(len(shown.levels))]
    column = 0
    for k, group in groupby(which):
        count = len(list(group))
        yield Run(every[k], column, column + count - 1)
        column += count


def level_names(shown: ScopeMap) -> list[str]:
    """Of the thresholds and crossings that are levels."""
    lines = (*shown.thresholds, *shown.crossings)
    return list(dict.fromkeys(threshold.name for line in lines for threshold in line if threshold.is_level))


def caption(shown: ScopeMap) -> str:
    """Shares of the kinds, what colours, bars and markers are, and whether they agree."""
    statement, family = shown.statement, shown.family
    counts = ", ".join(f"{kind.name}: {kind.share}" for kind in kinds(shown) if kind.cells.any())
    sizes = f"{family.symbol} from {family.written(shown.sizes[0])} to {family.written(shown.sizes[-1])}"
    limits = ", ".join(name.replace(" ", "\u00a0") for name in shown.estimates)
    limits = f" Empty markers, levels in a limit: {limits}." if limits else ""
    predicted = ", ".join(shown.predictions)
    predicted = f" Dashed, to leading order: {predicted}." if predicted else ""
    return (
        f"{counts} of {len(shown.sizes)} × {len(shown.levels)} cells, {sizes}, α from {float(shown.levels[0]):g} to "
        f"{float(shown.levels[-1]):g}, {shown.setting}. Colours: {statement.measure}, positive where the statement "
        f"holds, exact. {_witnesses(shown)}{limits}{predicted}"
    )


def _witnesses(shown: ScopeMap) -> str:
    names = " and ".join(level_names(shown))
    line = f"Bars, exact, {shown.statement.route}: {names}. " if names else ""
    return (
        f"{line}Contradictions: {len(shown.contradictions)}, among {shown.judged} cells about which "
        f"{'they, or ' if names else ''}what is proved or stated says something."
    )


def description(shown: ScopeMap) -> str:
    """The map, row by row, then the levels of its columns."""
    found = []
    for row, size in enumerate(shown.sizes):
        said = ", ".join(
            f"α {float(shown.levels[run.first]):g} to {float(shown.levels[run.last]):g} {run.kind.name}"
            for run in runs(shown, row)
        )
        lines = "".join(f"; {t.name} {float(t.high):.5g}" for t in shown.thresholds[row] if t.is_level)
        found.append(f"{shown.family.symbol} = {shown.family.written(size)}: {said}{lines}")
    for column, crossings in enumerate(shown.crossings):
        lines = ", ".join(f"{t.name} {float(t.high):.5g}" for t in crossings if t.is_level)
        found += [f"α = {float(shown.levels[column]):g}: {lines}"] if lines else []
    return f"Noise level α to the right, {shown.family.meaning} upwards. {'. '.join(found)}."


def table(shown: ScopeMap) -> Table:
    """A row per cell, threshold or crossing (its bracket), limit and prediction; a cell has the name of its kind."""
    rows: list[tuple[Any, ...]] = []
    for row, size in enumerate(shown.sizes):
        at = float(size) if shown.family.continuous else size
        for kind, first, last in runs(shown, row):
            cells = range(first, last + 1)
            rows += [("cell", kind.name, at, float(shown.levels[c]), "", shown.values[row, c]) for c in cells]
        levels = [t for t in shown.thresholds[row] if t.is_level]
        rows += [("exact threshold", t.name, at, float(t.low), float(t.high), "") for t in levels]
        rows += [("limit", name, at, found[row], "", "") for name, found in shown.estimates.items()]
    columns = ("what", "name", shown.family.option, "alpha", "alpha, upper end", "quantity")
    if not (any(shown.crossings) or shown.predictions):
        return Table(columns, rows)
    rows = [(*row, "") for row in rows]
    for column, crossed in enumerate(shown.crossings):
        crossings, level = [t for t in crossed if t.is_level], float(shown.levels[column])
        rows += [("exact crossing", t.name, float(t.low), level, "", "", float(t.high)) for t in crossings]
        rows += [("prediction", name, found[column], level, "", "", "") for name, found in shown.predictions.items()]
    return Table((*columns, f"{shown.family.option}, upper end"), rows)


def letters(shown: ScopeMap) -> str:
    """A letter per cell, as the picture has them, with the exact levels of rows at the right, of columns below."""
    every = kinds(shown)
    grid = np.full(shown.values.shape, UNDECIDED)
    for kind in every:
        grid[kind.cells] = kind.letter
    grid[shown.contradicted] = CONTRADICTION
    step = -(-len(shown.levels) // WIDE)
    names = [f"{shown.family.option} = {shown.family.written(size)}" for size in shown.sizes]
    width = max(map(len, names))
    found = [_key(shown, every, step)]
    for row in reversed(range(len(names))):
        levels = ", ".join(f"{float(t.high):.5g}" for t in shown.thresholds[row] if t.is_level)
        found.append(f"{names[row]:>{width}} |{''.join(grid[row, ::step])}| {levels}".rstrip())
    ends = f"{float(shown.levels[0]):g}", f"{float(shown.levels[::step][-1]):g}"
    inner = len(shown.levels[::step]) + 2
    found.append(f"{'alpha':>{width}} {ends[0]}{ends[1]:>{max(inner - len(ends[0]), len(ends[1]) + 1)}}")
    for column, crossings in enumerate(shown.crossings):
        lines, level = ", ".join(f"{float(t.high):.5g}" for t in crossings if t.is_level), float(shown.levels[column])
        found += [f"alpha = {level:g}: sign changes at {shown.family.option} = {lines}"] if lines else []
    return "\n".join(found)


def _key(shown: ScopeMap, every: list[Kind], step: int) -> str:
    seen = [f"{kind.letter} {kind.name}" for kind in every if kind.cells.any()]
    seen += [f"{CONTRADICTION} contradiction"] if shown.contradictions else []
    every_so_many = f"; one noise level in {step}" if step > 1 else ""
    has_levels = any(t.is_level for line in shown.thresholds for t in line)
    rows = "; right of a row its exact threshold of alpha" if has_levels else ""
    return f"{', '.join(seen)}{every_so_many}{rows}:"
