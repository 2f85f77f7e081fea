"""The picture of a scope map: a band of cells per integer N, the exact thresholds and the limits at these N, words.

Colours go from dark to light with zero in their middle, cells where the statement fails are hatched, and words say the
rest, so that it reads without colour. Nothing is drawn between the integers of the map; where rows are mixtures, of
which there are all in between, bands touch, and bars also stand at the λ where a column changes its sign.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

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

from . import words
from .maps import ScopeMap
from .words import Kind

EDGES = (-1, -0.3, -0.1, -0.03, 0, 0.03, 0.1, 0.3, 1)
"""Of the shades: of the quantity over its largest size in the row, 0 where its sign changes."""
SHADES = [to_hex(FALLS_TO_RISES(place)) for place in (0.06, 0.17, 0.28, 0.39, 0.61, 0.72, 0.83, 0.94)]
HOLDS: Style = {"facecolor": SHADES[6]}
FAILS: Style = {"facecolor": SHADES[1], "edgecolor": ON_DARK, "hatch": "////"}
UNDECIDED: Style = {"facecolor": "white", "edgecolor": "0.35", "hatch": ".."}
FILLINGS = {words.HOLDS: HOLDS, words.FAILS: FAILS, words.UNDECIDED: UNDECIDED}
"""By the letter of a kind of cells."""
EXACT: Style = {"color": "black", "linewidth": 2, "linestyle": "-"}
POINTS: Style = {"linestyle": "none", "markerfacecolor": "white", "markersize": 5.5}
ESTIMATES: tuple[Style, ...] = (
    POINTS | {"color": "#a03000", "marker": "o"},
    POINTS | {"color": "#1f3f8f", "marker": "D"},
)
PREDICTED: tuple[Style, ...] = (
    {"color": "#a03000", "linestyle": (0, (4, 2)), "linewidth": 2},
    {"color": "#1f3f8f", "linestyle": (0, (1, 1)), "linewidth": 2},
)
WRONG: Style = {"linestyle": "none", "marker": "x", "markersize": 5, "color": "black", "zorder": 5}
HALO = [Stroke(linewidth=4, foreground="white"), Normal()]

LEFT, WIDER, RIGHT = 0.65, 0.9, 0.2
"""Of the axes, inches; `WIDER` where rows are shares, which have more digits."""
MARGIN = 0.0845
"""Of the legend, inches."""
ROW, LEAST, MOST = 0.3, 1.2, 5.0
"""Height of a row, and of all rows at least and at most, inches."""
HALF, MANY = 0.43, 40
"""Of the height of a band, in rows; with more rows than so many there is no room between them."""
LETTER, LINE = 0.083, 0.3
"""Width of a letter and height of a line of a label, inches."""
TICK = 0.16
"""Least distance of labels at the axis, inches."""


class ScopePicture(Picture):
    """One map."""

    def __init__(self, shown: ScopeMap) -> None:
        self.map = shown
        self.title = f"{shown.claim}: where {shown.statement.short}, {shown.setting}"
        self.contradictions = shown.contradictions
        self.kinds = words.kinds(shown)
        self.caption = words.caption(shown)
        self.letters = words.letters(shown)

    def description(self) -> str:
        """The map, row by row."""
        return words.description(self.map)

    def table(self) -> Table:
        """A row per cell and level."""
        return words.table(self.map)

    def figure(self) -> Figure:
        """A band of cells per size, bars and markers on it, and what they are below."""
        count = len(self.map.sizes)
        height = min(max(ROW * count, LEAST), MOST)
        handles = self._handles()
        lines = sum(str(handle.get_label()).count("\n") + 1 for handle in handles)
        figure = self.framed(height, left=self.left, above=0.1, right=RIGHT, below=1.35 + 0.205 * lines)
        axes, x = figure.add_subplot(), self._edges()
        axes.set(xlim=(x[0], x[-1]), ylim=(-0.5, count - 0.5))
        axes.set(xlabel="noise level α", ylabel=self.map.family.meaning)
        step = int(np.ceil(TICK * count / height))
        axes.set_yticks(range(0, count, step), [*map(self._tick, self.map.sizes[::step])])
        axes.tick_params(axis="y", length=0)
        self._draw_cells(axes, x)
        for style, _, levels in self._lines():
            axes.plot(*levels, **style, path_effects=None if style in ESTIMATES else HALO, zorder=4)
        if self.contradictions:
            rows, columns = np.nonzero(self.map.contradicted)
            axes.plot([float(self.map.levels[column]) for column in columns], rows, **WRONG)
        for kind in self.kinds:
            self._label(axes, kind, x, height)
        self._draw_scale(axes, height)
        side = -(self.left - MARGIN) / (WIDTH - self.left - RIGHT)
        axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(side, -1.3 / height), borderaxespad=0)
        return figure

    @property
    def left(self) -> float:
        """Of the axes, inches."""
        return WIDER if self.map.family.continuous else LEFT

    def _tick(self, size: Any) -> str:
        return f"{float(size):.2g}" if self.map.family.continuous else str(size)

    @property
    def half(self) -> float:
        """Of the height of a band, in rows."""
        apart = len(self.map.sizes) <= MANY and not self.map.family.continuous
        return HALF if apart else 0.5

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
                       for other, a, b in words.runs(self.map, row) if other.letter == kind.letter]  # fmt: skip
            filling = FILLINGS[kind.letter] | ({"facecolor": "none"} if kind.letter == words.FAILS else {})
            axes.add_collection(PolyCollection(hatched, **(filling | plain)))

    def _lines(self) -> Iterator[tuple[Style, str, tuple[Any, Any]]]:
        """Exact levels as bars across their band or column, limits as points, predictions: style, name, places."""
        rows = range(len(self.map.sizes))
        for name in words.level_names(self.map):
            bars = [*self._row_bars(name), *self._column_bars(name)]
            yield EXACT, f"{name}, exact", ([x for bar in bars for x in bar[0]], [y for bar in bars for y in bar[1]])
        for style, (name, found) in zip(ESTIMATES, self.map.estimates.items(), strict=False):
            yield style, f"{name} (limit)", (list(found), list(rows))
        levels = [float(level) for level in self.map.levels]
        for style, (name, found) in zip(PREDICTED, self.map.predictions.items(), strict=False):
            yield style, f"{name} (leading order)", (levels, [self._height(share) for share in found])

    def _row_bars(self, name: str) -> Iterator[tuple[tuple[float, ...], tuple[float, ...]]]:
        for row, thresholds in enumerate(self.map.thresholds):
            for t in thresholds:
                if t.name == name and t.is_level:
                    yield (float(t.high), float(t.high), np.nan), (row - self.half, row + self.half, np.nan)

    def _column_bars(self, name: str) -> Iterator[tuple[tuple[float, ...], tuple[float, ...]]]:
        x = self._edges()
        for column, crossings in enumerate(self.map.crossings):
            for t in crossings:
                if t.name == name and t.is_level:
                    height = self._height(float(t.high))
                    yield (x[column], x[column + 1], np.nan), (height, height, np.nan)

    def _height(self, share: float) -> float:
        """Of a λ, in rows; NaN for one that is not between the first and the last."""
        places = [float(size) for size in self.map.sizes]
        return float(np.interp(share, places, np.arange(len(places)), left=np.nan, right=np.nan))

    def _handles(self) -> list[Artist]:
        """The legend; a line says so where no part of it is within the axes."""
        x, top, letters = self._edges(), len(self.map.sizes) - 0.5, 52
        handles: list[Artist] = [
            Patch(**FILLINGS[kind.letter], label="\n".join(wrapped(f"{kind.name}: {kind.share} of the cells", letters)))
            for kind in self.kinds
            if kind.cells.any()
        ]
        for style, name, places in self._lines():
            seen = any(x[0] <= level <= x[-1] and -0.5 <= height <= top for level, height in zip(*places, strict=True))
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
        step = (2 * height / tall / LINE, 2 * (WIDTH - self.left - RIGHT) / wide / (LETTER * len(kind.name) + 0.2))
        room = distance_transform_edt(free, sampling=step)
        row, column = np.unravel_index(int(room.argmax()), room.shape)
        if room[row, column] >= 1:
            level = np.interp((column - 2.5) / 3, np.arange(len(x)), x)
            axes.text(level, (row - 4) / 3, kind.name, ha="center", va="center", bbox=PLATE, zorder=6)

    def _under_lines(self, x: Floats) -> NDArray[np.bool_]:
        """Cells through which a line goes, or that it touches."""
        covered = np.zeros(self.map.values.shape, dtype=bool)
        places = [(float(t.high), row) for row, line in enumerate(self.map.thresholds) for t in line if t.name]
        for found in self.map.estimates.values():
            places += [(level, row) for row, level in enumerate(found)]
        levels = [float(level) for level in self.map.levels]
        crossings = [(levels[column], t) for column, line in enumerate(self.map.crossings) for t in line]
        heights = [(level, self._height(float(t.high))) for level, t in crossings]
        for shares in self.map.predictions.values():
            heights += [(level, self._height(share)) for level, share in zip(levels, shares, strict=True)]
        places += [(level, end) for level, height in heights if height == height for end in _rows_beside(height)]
        for level, row in places:
            if x[0] <= level < x[-1]:
                covered[row, np.searchsorted(x, level, side="right") - 1] = True
        return covered


def _rows_beside(height: float) -> tuple[int, int]:
    return int(np.floor(height)), int(np.ceil(height))


def _box(left: float, right: float, low: float, high: float) -> list[tuple[float, float]]:
    return [(left, low), (right, low), (right, high), (left, high)]


def _between(places: Floats, alone: float) -> Floats:
    """Edges of cells around places; a single one gets `alone` to either side."""
    if len(places) == 1:
        return np.array([places[0] - alone, places[0] + alone])
    inner = (places[1:] + places[:-1]) / 2
    edges: Floats = np.concatenate([[2 * places[0] - inner[0]], inner, [2 * places[-1] - inner[-1]]])
    return edges
