"""The picture of a scope map: a band of cells per integer N, the exact thresholds and the limits at these N, words.

Colours go from dark to light with zero in their middle, cells where the statement fails are hatched, and words say the
rest, so that it reads without colour. Nothing is drawn between the integers of the map.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import BoundaryNorm, ListedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import Normal, Stroke
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from paper_checks.pictures.file import ON_DARK, WIDTH, Picture, Style, Table, wrapped
from paper_checks.pictures.heat import FALLS_TO_RISES
from paper_checks.pictures.memory import PLATE
from simulate.runtime.arrays import Floats

from .grid import ScopeMap

EDGES = (-1, -0.3, -0.1, -0.03, 0, 0.03, 0.1, 0.3, 1)
"""Of the shades: of the quantity over its largest size in the row, 0 where its sign changes."""
SHADES = [to_hex(FALLS_TO_RISES(place)) for place in (0.06, 0.17, 0.28, 0.39, 0.61, 0.72, 0.83, 0.94)]
HOLDS: Style = {"facecolor": SHADES[6]}
FAILS: Style = {"facecolor": SHADES[1], "edgecolor": ON_DARK, "hatch": "////"}
UNDECIDED: Style = {"facecolor": "white", "edgecolor": "0.35", "hatch": ".."}
EXACT: Style = {"color": "black", "linewidth": 2, "linestyle": "-"}
POINTS: Style = {"linestyle": "none", "markerfacecolor": "white", "markersize": 5.5}
ESTIMATES: tuple[Style, ...] = (
    POINTS | {"color": "#a03000", "marker": "o"},
    POINTS | {"color": "#1f3f8f", "marker": "D"},
)
WRONG: Style = {"linestyle": "none", "marker": "x", "markersize": 5, "color": "black", "zorder": 5}
HALO = [Stroke(linewidth=4, foreground="white"), Normal()]

LEFT, RIGHT = 0.65, 0.2
"""Of the axes, inches."""
ROW, LEAST, MOST = 0.3, 1.2, 5.0
"""Height of a row, and of all rows at least and at most, inches."""
HALF, MANY = 0.43, 40
"""Of the height of a band, in rows; with more rows than so many there is no room between them."""
LETTER, LINE = 0.083, 0.3
"""Width of a letter and height of a line of a label, inches."""
TICK = 0.16
"""Least distance of labels at the axis, inches."""


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
        limits = f" Empty markers, levels in a limit: {limits}." if limits else ""
        self.caption = (
            f"{counts} of {len(shown.sizes)} × {len(shown.levels)} cells, {family.symbol} from {shown.sizes[0]} to "
            f"{shown.sizes[-1]}, α from {float(shown.levels[0]):g} to {float(shown.levels[-1]):g}, {shown.setting}. "
            f"Colours: {statement.measure}, positive where the statement holds, exact. {self._witnesses()}{limits}"
        )

    def _witnesses(self) -> str:
        names = " and ".join(self._names())
        line = f"Bars, exact, found by another route: {names}. " if names else ""
        return (
            f"{line}Contradictions: {len(self.contradictions)}, among {self.map.judged} cells about which "
            f"{'they, or ' if names else ''}what is proved or stated says something."
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

    def table(self) -> Table:
        """A row per cell, threshold (its bracket) and limit; a cell has the name of its kind."""
        shown, rows = self.map, list[tuple[Any, ...]]()
        for row, size in enumerate(shown.sizes):
            for kind, first, last in self._runs(row):
                cells = range(first, last + 1)
                rows += [("cell", kind.name, size, float(shown.levels[c]), "", shown.values[row, c]) for c in cells]
            levels = [t for t in shown.thresholds[row] if t.name and _is_level(t.low)]
            rows += [("exact threshold", t.name, size, float(t.low), float(t.high), "") for t in levels]
            rows += [("limit", name, size, found[row], "", "") for name, found in shown.estimates.items()]
        return Table(("what", "name", shown.family.symbol, "alpha", "alpha, upper end", "quantity"), rows)

    def figure(self) -> Figure:
        """A band of cells per size, bars and markers on it, and what they are below."""
        count = len(self.map.sizes)
        height = min(max(ROW * count, LEAST), MOST)
        handles = self._handles()
        lines = sum(str(handle.get_label()).count("\n") + 1 for handle in handles)
        figure = self.framed(height, left=LEFT, above=0.1, right=RIGHT, below=1.35 + 0.205 * lines)
        axes, x = figure.add_subplot(), self._edges()
        axes.set(xlim=(x[0], x[-1]), ylim=(-0.5, count - 0.5))
        axes.set(xlabel="noise level α", ylabel=self.map.family.meaning)
        step = int(np.ceil(TICK * count / height))
        axes.set_yticks(range(0, count, step), [str(size) for size in self.map.sizes[::step]])
        axes.tick_params(axis="y", length=0)
        self._draw_cells(axes, x)
        for style, _, levels in self._lines():
            axes.plot(*levels, **style, path_effects=HALO if style is EXACT else None, zorder=4)
        if self.contradictions:
            rows, columns = np.nonzero(self.map.contradicted)
            axes.plot([float(self.map.levels[column]) for column in columns], rows, **WRONG)
        for kind in self.kinds:
            self._label(axes, kind, x, height)
        self._draw_scale(axes, height)
        axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(-0.13, -1.3 / height), borderaxespad=0)
        return figure

    @property
    def half(self) -> float:
        """Of the height of a band, in rows."""
        return HALF if len(self.map.sizes) <= MANY else 0.5

    def _edges(self) -> Floats:
        """Of the cells: middles between levels."""
        return _between(np.array([float(level) for level in self.map.levels]), 0.005)

    def shades(self, row: int) -> NDArray[np.int64]:
        """The number of each cell's shade, -1 where it is undecided."""
        values = self.map.values[row]
        sizes = np.abs(values[np.isfinite(values)])
        largest = sizes.max() if sizes.size and sizes.max() > 0 else 1.0
        scaled = np.clip(np.nan_to_num(values / largest, nan=2.0), -1, 2)
        found = np.searchsorted(EDGES[1:-1], scaled, side="left")  # 0 is with what fails
        return np.where(np.isnan(values), -1, found)

    def _draw_cells(self, axes: Axes, x: Floats) -> None:
        """Runs of one shade as one rectangle; without antialiasing no seams between them; hatches on runs of a kind."""
        plain: Style = {"linewidth": 0, "antialiased": False}
        boxes: dict[int, list[Any]] = {}
        for row in range(len(self.map.sizes)):
            column = 0
            for shade, group in groupby(self.shades(row)):
                end = column + len(list(group))
                boxes.setdefault(int(shade), []).append(_box(x[column], x[end], row - self.half, row + self.half))
                column = end
        for shade in sorted(boxes.keys() - {-1}):
            axes.add_collection(PolyCollection(boxes[shade], facecolor=SHADES[shade], **plain))
        for kind in self.kinds[1:]:
            hatched = [_box(x[a], x[b + 1], row - self.half, row + self.half) for row in range(len(self.map.sizes))
                       for other, a, b in self._runs(row) if other is kind]  # fmt: skip
            ground = {"facecolor": "none"} if kind.filling is FAILS else {}
            axes.add_collection(PolyCollection(hatched, **(kind.filling | ground), **plain))

    def _lines(self) -> Iterator[tuple[Style, str, tuple[Any, Any]]]:
        """Thresholds as bars across their bands, and limits as points: style, name, places."""
        rows = range(len(self.map.sizes))
        for name in self._names():
            at = [(float(t.high), row) for row in rows for t in self.map.thresholds[row]
                  if t.name == name and _is_level(t.low)]  # fmt: skip
            levels = [value for level, _ in at for value in (level, level, np.nan)]
            yield (
                EXACT,
                f"{name}, exact",
                (levels, [v for _, row in at for v in (row - self.half, row + self.half, np.nan)]),
            )
        for style, (name, found) in zip(ESTIMATES, self.map.estimates.items(), strict=False):
            yield style, f"{name} (limit)", (list(found), list(rows))

    def _handles(self) -> list[Artist]:
        """The legend; a line says so where no part of it is within the axes."""
        x, letters = self._edges(), 52
        handles: list[Artist] = [
            Patch(**kind.filling, label="\n".join(wrapped(f"{kind.name}: {kind.share} of the cells", letters)))
            for kind in self.kinds
            if kind.cells.any()
        ]
        for style, name, (levels, _) in self._lines():
            seen = any(x[0] <= level <= x[-1] for level in levels)
            label = "\n".join(wrapped(name if seen else f"{name}: outside", letters))
            handles.append(Line2D([], [], **style, label=label))
        if self.contradictions:
            handles.append(Line2D([], [], **WRONG, label="contradiction"))
        return handles

    def _draw_scale(self, axes: Axes, height: float) -> None:
        """What the shades are, below the axis."""
        bar = axes.inset_axes((0, -0.72 / height, 1, 0.13 / height))
        edges = np.arange(len(EDGES))
        bar.pcolormesh(edges, [0, 1], [edges[:-1]], cmap=ListedColormap(SHADES), norm=BoundaryNorm(edges, len(SHADES)))
        bar.set_xticks(edges, [f"{edge:g}".replace("-", "−") for edge in EDGES])
        bar.set_yticks([])
        bar.set_xlabel(f"colour: quantity over its largest size at this {self.map.family.symbol}")

    def _label(self, axes: Axes, kind: Kind, x: Floats, height: float) -> None:
        """The kind's name where its region has most room, if it has enough, away from the lines."""
        free = np.repeat(np.repeat(np.pad(kind.cells & ~self._under_lines(x), 1), 3, axis=0), 3, axis=1)
        tall, wide = free.shape
        # distances in halves of the label, in either direction
        step = (2 * height / tall / LINE, 2 * (WIDTH - LEFT - RIGHT) / wide / (LETTER * len(kind.name) + 0.2))
        room = distance_transform_edt(free, sampling=step)
        row, column = np.unravel_index(int(room.argmax()), room.shape)
        if room[row, column] >= 1:
            level = np.interp((column - 2.5) / 3, np.arange(len(x)), x)
            axes.text(level, (row - 4) / 3, kind.name, ha="center", va="center", bbox=PLATE, zorder=6)

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


def _box(left: float, right: float, low: float, high: float) -> list[tuple[float, float]]:
    return [(left, low), (right, low), (right, high), (left, high)]


def _is_level(level: float | Fraction) -> bool:
    return bool(np.isfinite(float(level)))


def _between(places: Floats, alone: float) -> Floats:
    """Edges of cells around places; a single one gets `alone` to either side."""
    if len(places) == 1:
        return np.array([places[0] - alone, places[0] + alone])
    inner = (places[1:] + places[:-1]) / 2
    edges: Floats = np.concatenate([[2 * places[0] - inner[0]], inner, [2 * places[-1] - inner[-1]]])
    return edges
