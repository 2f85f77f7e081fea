"""The picture of a scope map: cells by sign, the exact thresholds and the asymptotic estimates on top, words for all.

Light and dark, hatches, line styles and words carry everything, so that it reads without colour.
"""

import textwrap
from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from paper_checks.pictures.file import Picture, Style
from paper_checks.pictures.memory import PLATE
from simulate.runtime.arrays import Floats

from .grid import ScopeMap

HOLDS: Style = {"facecolor": "#d7e9f7", "edgecolor": "0.35"}
FAILS: Style = {"facecolor": "#b98a66", "edgecolor": "0.2", "hatch": "//"}
UNDECIDED: Style = {"facecolor": "white", "edgecolor": "0.35", "hatch": ".."}
EXACT: Style = {"color": "black", "linewidth": 1.6, "linestyle": "-"}
ESTIMATES: tuple[Style, ...] = (
    {"color": "#a03000", "linewidth": 1.4, "linestyle": (0, (5, 2))},
    {"color": "#1f3f8f", "linewidth": 1.6, "linestyle": (0, (1, 1.5))},
)
WRONG: Style = {"linestyle": "none", "marker": "x", "markersize": 5, "color": "black", "zorder": 5}
HALO = [Stroke(linewidth=3.4, foreground="white"), Normal()]

WIDTH, HEIGHT, LEFT, ABOVE, RIGHT = 9.8, 6.4, 0.7, 0.55, 2.75
"""Of the figure and its margins, inches."""
PANEL = (WIDTH - LEFT - RIGHT, 4.3)
"""About the size of the axes, inches."""
LETTER, LINE = 0.075, 0.3
"""Width of a letter and height of a line of a label, inches."""
MOST_TICKS = 10
LEGEND = 26
"""Letters in a line of the legend."""


class Kind(NamedTuple):
    """One kind of cells: its name, which cells, and how they are drawn."""

    name: str
    cells: NDArray[np.bool_]
    filling: Style

    @property
    def share(self) -> str:
        """Of all cells; no rounding to all or nothing."""
        share = self.cells.mean()
        rounded = f"{share:.1%}"
        if 0 < share < 1 and rounded in ("0.0%", "100.0%"):
            return "under 0.1 %" if share < 1 / 2 else "over 99.9 %"
        return rounded.replace("%", " %")


class ScopePicture(Picture):
    """One map."""

    def __init__(self, shown: ScopeMap) -> None:
        self.map = shown
        statement, family = shown.statement, shown.family
        self.title = f"{shown.claim}: where {statement.short}, {shown.setting}"
        self.contradictions = shown.contradictions
        self.kinds = [
            Kind(statement.holds, shown.holds, HOLDS),
            Kind(statement.fails, ~shown.holds & ~shown.undecided, FAILS),
            Kind(statement.undecided, shown.undecided, UNDECIDED),
        ]
        counts = ", ".join(f"{kind.name}: {kind.share}" for kind in self.kinds if kind.cells.any())
        limits = ", ".join(name.replace(" ", "\u00a0") for name in shown.estimates)
        limits = f" Broken lines, levels in a limit: {limits}." if limits else ""
        self.caption = (
            f"{counts} of {len(shown.sizes)} × {len(shown.levels)} cells, {family.symbol} from {shown.sizes[0]} to "
            f"{shown.sizes[-1]}, α from {float(shown.levels[0]):g} to {float(shown.levels[-1]):g}, {shown.setting}. "
            f"Cells: the sign of theory's exact quantity. {self._witnesses()}{limits}"
        )

    def _witnesses(self) -> str:
        names = " and ".join(self._names())
        line = f"Solid line, exact, found by another route: {names}. " if names else ""
        return (
            f"{line}Contradictions: {len(self.contradictions)}, among {self.map.judged} cells about which "
            f"{'it, or ' if names else ''}what is proved or stated says something."
        )

    def _names(self) -> list[str]:
        """Of the thresholds that are levels."""
        return list(dict.fromkeys(t.name for row in self.map.thresholds for t in row if t.name and _is_level(t.low)))

    def description(self) -> str:
        """The map, row by row."""
        found = []
        for row, size in enumerate(self.map.sizes):
            said = ", ".join(
                f"α {float(self.map.levels[first]):g} to {float(self.map.levels[last]):g} {kind.name}"
                for kind, first, last in self._runs(row)
            )
            lines = "".join(
                f"; {t.name} {float(t.high):.5g}" for t in self.map.thresholds[row] if t.name and _is_level(t.low)
            )
            found.append(f"{self.map.family.symbol} = {size}: {said}{lines}")
        return f"Noise level α to the right, {self.map.family.meaning} upwards. {'. '.join(found)}."

    def _runs(self, row: int) -> Iterator[tuple[Kind, int, int]]:
        """The kinds of cells of a row from left to right, with the first and last column of each run."""
        which = [
            next(k for k, kind in enumerate(self.kinds) if kind.cells[row, c]) for c in range(len(self.map.levels))
        ]
        column = 0
        for k, group in groupby(which):
            count = len(list(group))
            yield self.kinds[k], column, column + count - 1
            column += count

    def figure(self) -> Figure:
        """The cells, lines through the rows' middles, and a legend at the right."""
        figure = self.framed((WIDTH, HEIGHT), left=LEFT, above=ABOVE, right=RIGHT)
        axes, (x, y) = figure.add_subplot(), self._edges()
        axes.set(xlim=(x[0], x[-1]), yscale="log", ylim=(y[0], y[-1]))
        axes.set(xlabel="noise level α", ylabel=self.map.family.meaning)
        step = -(-len(self.map.sizes) // MOST_TICKS)
        axes.set_yticks(self.map.sizes[::step], [str(size) for size in self.map.sizes[::step]])
        axes.yaxis.set_minor_locator(NullLocator())
        for kind in self.kinds:
            self._draw_cells(axes, kind, x, y)
        handles: list[Artist] = [
            Patch(**kind.filling, label=f"{_wrapped(kind.name)}\n{kind.share}")
            for kind in self.kinds
            if kind.cells.any()
        ]
        handles += self._draw_lines(axes, y)
        if self.contradictions:
            rows, columns = np.nonzero(self.map.contradicted)
            levels = [float(self.map.levels[column]) for column in columns]
            axes.plot(levels, [self.map.sizes[row] for row in rows], **WRONG)
            handles.append(Line2D([], [], **WRONG, label="contradiction"))
        for kind in self.kinds:
            self._label(axes, kind, x, y)
        axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False, borderaxespad=0,
                    labelspacing=0.9)  # fmt: skip
        return figure

    def _edges(self) -> tuple[Floats, Floats]:
        """Of the cells: middles between levels, and between logarithms of sizes."""
        levels = np.array([float(level) for level in self.map.levels])
        return _between(levels, 0.005), np.exp(_between(np.log(self.map.sizes), 0.1))

    def _draw_cells(self, axes: Axes, kind: Kind, x: Floats, y: Floats) -> None:
        """Runs of cells as one rectangle each; without antialiasing no seams between them."""
        boxes = [
            [(x[a], y[row]), (x[b + 1], y[row]), (x[b + 1], y[row + 1]), (x[a], y[row + 1])]
            for row in range(len(self.map.sizes))
            for other, a, b in self._runs(row)
            if other is kind
        ]
        axes.add_collection(PolyCollection(boxes, **kind.filling, linewidth=0, antialiased=False))

    def _draw_lines(self, axes: Axes, y: Floats) -> list[Artist]:
        """Thresholds, a step per row, and estimates, through the rows' middles; returns their part of the legend."""
        handles: list[Artist] = []
        for name in self._names():
            levels = [
                next((float(t.high) for t in row if t.name == name and _is_level(t.low)), np.nan)
                for row in self.map.thresholds
            ]
            handles.append(_draw_line(axes, np.repeat(levels, 2), np.repeat(y, 2)[1:-1], EXACT, f"{name}, exact"))
        for style, (name, found) in zip(ESTIMATES, self.map.estimates.items(), strict=False):
            middles = np.array(self.map.sizes) if len(found) > 1 else y
            levels = list(found) if len(found) > 1 else [found[0], found[0]]
            handles.append(_draw_line(axes, np.array(levels), middles, style, f"{name} (limit)"))
        return handles

    def _label(self, axes: Axes, kind: Kind, x: Floats, y: Floats) -> None:
        """The kind's name where its region has most room, if it has enough, away from the lines."""
        free = np.repeat(np.repeat(np.pad(kind.cells & ~self._under_lines(x), 1), 3, axis=0), 3, axis=1)
        height, width = free.shape
        # distances in halves of the label, in either direction
        step = (2 * PANEL[1] / height / LINE, 2 * PANEL[0] / width / (LETTER * len(kind.name) + 0.2))
        room = distance_transform_edt(free, sampling=step)
        row, column = np.unravel_index(int(room.argmax()), room.shape)
        if room[row, column] >= 1:
            level = np.interp((column - 2.5) / 3, np.arange(len(x)), x)
            size = np.exp(np.interp((row - 2.5) / 3, np.arange(len(y)), np.log(y)))
            axes.text(level, size, kind.name, ha="center", va="center", fontsize=9.5, bbox=PLATE, zorder=6)

    def _under_lines(self, x: Floats) -> NDArray[np.bool_]:
        covered = np.zeros(self.map.values.shape, dtype=bool)
        for row, thresholds in enumerate(self.map.thresholds):
            levels = [float(t.high) for t in thresholds if t.name] + [
                found[row] for found in self.map.estimates.values()
            ]
            for level in levels:
                if x[0] <= level < x[-1]:
                    covered[row, np.searchsorted(x, level, side="right") - 1] = True
        return covered


def _is_level(level: float | Fraction) -> bool:
    return bool(np.isfinite(float(level)))


def _draw_line(axes: Axes, levels: Floats, sizes: Floats, style: Style, label: str) -> Line2D:
    """Draw it; returns its entry of the legend, which says so where no part of it is within the axes."""
    axes.plot(levels, sizes, **style, path_effects=HALO, zorder=4)
    low, high = axes.get_xlim()
    known = levels[np.isfinite(levels)]
    seen = len(known) > 0 and known.min() <= high and known.max() >= low
    return Line2D([], [], **style, label=_wrapped(label if seen else f"{label}: outside"))


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text.replace(" = ", "\u00a0=\u00a0"), LEGEND))


def _between(places: Floats, alone: float) -> Floats:
    """Edges of cells around places; a single one gets `alone` to either side."""
    if len(places) == 1:
        return np.array([places[0] - alone, places[0] + alone])
    inner = (places[1:] + places[:-1]) / 2
    edges: Floats = np.concatenate([[2 * places[0] - inner[0]], inner, [2 * places[-1] - inner[-1]]])
    return edges
