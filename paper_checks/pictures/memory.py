"""The pictures of T4: singular values of the associative memory over time, and the map of the space on top.

Line styles, markers, hatches and shades that darken with t* carry everything, so that they read without colour.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from .file import Picture, Style, Table
from .memory_data import EXPONENTS, NEAR, Curves, Row, Stretch

CORRECT: Style = {"color": "#1f3f8f", "linestyle": "-", "linewidth": 1.8}
NOISE: Style = {"color": "#a03000", "linestyle": (0, (4, 2)), "linewidth": 1.8}
DOT: Style = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 4,
    "color": "black",
    "markerfacecolor": "white",
}
SHADES = matplotlib.colormaps["YlGnBu"]
"""Darker for larger values, in grey too."""
PLATE: Style = {"facecolor": "white", "edgecolor": "none", "boxstyle": "round,pad=0.2"}
"""Behind words; an outline would make paths of them."""


class SpectrumPicture(Picture):
    """Singular values over time at one noise level, one panel per n."""

    def __init__(self, alpha: Fraction, panels: Sequence[Curves]) -> None:
        self.panels = panels
        self.title = f"Singular values of the associative memory's logits, noise level α = {level(alpha)}"
        self.contradictions = [wrong for panel in panels for wrong in panel.contradictions()]
        self.caption = (
            f"Curves and t*: theory. Dots: numpy's decomposition of W(t), {sum(len(p.seen_times) for p in panels)} "
            f"matrices, {len(self.contradictions)} of them off theory by more than rounding."
        )

    def description(self) -> str:
        """Which space is on top when, panel by panel."""
        sizes = "; ".join(
            f"{heading(panel)}; at t = {number(panel.times[-1])} the values are {panel.correct[-1]:.2f} (correct) "
            f"and {panel.noise[-1]:.2f} (noise)"
            for panel in self.panels
        )
        return f"Time to the right, on a logarithmic scale, singular values upwards. {sizes}."

    def table(self) -> Table:
        """A row per panel and time: theory's values, then numpy's."""
        rows: list[tuple[object, ...]] = []
        for panel in self.panels:
            for t, correct, noise in zip(panel.times, panel.correct, panel.noise, strict=True):
                rows.append(("theory", panel.n, t, correct, noise))
            for t, several, noise in zip(panel.seen_times, panel.seen_correct, panel.seen_noise, strict=True):
                rows += [("numpy", panel.n, t, correct, noise) for correct in several]
        names = "t, units of 1/(learning rate)", "singular value, correct space", "singular value, noise direction"
        return Table(("source", "n", *names), rows)

    def figure(self) -> Figure:
        """One panel per n on common axes, t* as a vertical line, the later time shaded."""
        figure, axes = self.stacked(len(self.panels), 1.5, 0.52, above=0.85)
        largest = max(float(values.max()) for panel in self.panels for values in (panel.correct, panel.noise))
        for place, panel in zip(axes, self.panels, strict=True):
            _draw_curves(place, panel)
            place.set(ylabel="singular value", ylim=(-0.03 * largest, 1.05 * largest))
        axes[-1].set_xlabel("time t, in units of 1/(learning rate)")
        handles: list[Artist] = [
            Line2D([], [], **CORRECT, label="correct space: D, n-1 times"),
            Line2D([], [], **NOISE, label="noise direction: √(n+1) |s|"),
            Line2D([], [], **DOT, label="numpy's decomposition"),
        ]
        if any(panel.crossing for panel in self.panels):
            handles.append(Patch(facecolor="0.9", label="after t*"))
        top = figure.subplotpars.top + 0.3 / figure.get_size_inches()[1]
        figure.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.0, top), ncols=2, columnspacing=1)
        return figure


def _draw_curves(axes: Axes, panel: Curves) -> None:
    start, end = panel.times[0], panel.times[-1]
    axes.set(xscale="log", xlim=(start, end))
    axes.set_title(heading(panel), loc="left", x=-0.1)
    if panel.crossing:
        axes.axvspan(panel.crossing, end, color="0.9", linewidth=0)
        axes.axvline(panel.crossing, color="black", linewidth=1, linestyle=":")
        right = np.log(panel.crossing / start) < np.log(end / start) / 3  # of the line, in the first third of the panel
        axes.annotate(
            f" t* = {number(panel.crossing)} ",
            (panel.crossing, 0.94),
            xycoords=("data", "axes fraction"),
            ha="left" if right else "right",
            va="top",
        )
    axes.plot(panel.times, panel.correct, **CORRECT)
    axes.plot(panel.times, panel.noise, **NOISE)
    for column in (panel.seen_noise, *panel.seen_correct.T):
        axes.plot(panel.seen_times, column, **DOT)


def heading(panel: Curves) -> str:
    """Which space is on top when."""
    names = {"correct": "correct space", "noise": "noise direction"}
    if panel.late == "tie":
        return f"n = {panel.n}: all singular values equal at every time"
    if not panel.crossing:
        return f"n = {panel.n}: {names[panel.late]} on top at every t > 0"
    return f"n = {panel.n}: {names[panel.early]} on top before t*, {names[panel.late]} after"


class MapPicture(Picture):
    """The top space, early and late, over noise level and n."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.title = "Which singular space of the associative memory is on top, and from when"
        self.contradictions = [wrong for row in rows for wrong in row.contradictions]
        self.caption = (
            "Shades, lines and words: theory. Held against numpy's decomposition of W(t) at "
            f"{sum(row.checks for row in rows)} places, {NEAR:.0%} to either side of the lines t* = 10^k (at n = 3, of "
            f"α = 1/2): {len(self.contradictions)} disagree. Time in units of 1/(learning rate)."
        )

    def description(self) -> str:
        """The map, row by row."""
        found = []
        for row in self.rows:
            parts = (f"α from {s.left:.3g} to {s.right:.3g}: {words(s)}{_between(s)}" for s in _joined(row.stretches()))
            found.append(f"n = {row.n}: {', '.join(parts)}")
        return f"Noise level α to the right, one row per n. {'; '.join(found)}. All equal at n = 3, α = 1/2."

    def table(self) -> Table:
        """A row per n and stretch of noise levels."""
        rows = [(row.n, *stretch) for row in self.rows for stretch in row.stretches()]
        times = "t* from, units of 1/(learning rate)", "t* to"
        return Table(("n", "alpha from", "alpha to", "on top early", "on top late", *times), rows)

    def figure(self) -> Figure:
        """One bar per n, cut where t* is a power of ten and at 1/√(n+1)."""
        figure = self.framed(0.48 * len(self.rows), above=0.35, right=0.95, below=2.5)
        axes = figure.add_subplot()
        axes.set(xlim=(0, 1), ylim=(self.rows[-1].n + 0.5, 1.5), xlabel="noise level α", ylabel="number of inputs n")
        axes.set_yticks([row.n for row in self.rows])
        axes.tick_params(axis="y", length=0)
        for row in self.rows:
            _draw_row(axes, row)
        axes.text(1.02, 1.01, "on top late", transform=axes.transAxes)
        axes.plot(0.5, 3, marker="D", markersize=8, color="white", markeredgecolor="black", zorder=6)
        down = -0.6 / (0.48 * len(self.rows))
        options: Style = {"alignment": "left", "borderaxespad": 0, "borderpad": 0}
        options |= {"loc": "upper left", "handlelength": 1.6}
        axes.add_artist(axes.legend(handles=_early_key(), bbox_to_anchor=(-0.14, down), **options))
        title = "a, then b: it changes at\nthe time t*, which is"
        axes.legend(handles=_time_key(), title=title, bbox_to_anchor=(0.62, down), **options)
        return figure


def words(stretch: Stretch) -> str:
    """Which space is on top when."""
    return stretch.early if stretch.early == stretch.late else f"{stretch.early}, then {stretch.late}"


def _joined(stretches: Sequence[Stretch]) -> Iterator[Stretch]:
    """Neighbours on which the same space is on top early and late, as one."""
    for _, group in groupby(stretches, words):
        every = list(group)
        least, most = min(one.least for one in every), max(one.most for one in every)
        yield every[0]._replace(right=every[-1].right, least=least, most=most)


def _between(stretch: Stretch) -> str:
    """Bounds on t*, where it is not 0."""
    if stretch.early == stretch.late or (stretch.least, stretch.most) == (0, np.inf):
        return ""
    most = f"to {stretch.most:g}" if stretch.most < np.inf else "up"
    return f" from a t* of {stretch.least:g} {most} on"


def _draw_row(axes: Axes, row: Row) -> None:
    spans: dict[str, list[float]] = {}
    for stretch in row.stretches():
        width = stretch.right - stretch.left
        axes.add_patch(Rectangle((stretch.left, row.n - 0.42), width, 0.84, **_filling(stretch)))
        spans.setdefault(words(stretch), []).extend((stretch.left, stretch.right))
    for said, ends in spans.items():
        middle = (min(ends) + max(ends)) / 2
        axes.text(middle, row.n, said.replace(", ", ",\n"), ha="center", va="center", bbox=PLATE, zorder=5,
                  linespacing=0.95)  # fmt: skip
    axes.plot([row.edge, row.edge], [row.n - 0.42, row.n + 0.42], color="black", linewidth=2.5, zorder=4)
    late = list(dict.fromkeys(stretch.late for stretch in row.stretches()))
    axes.annotate(" |\n".join(late), (1.02, row.n), va="center", annotation_clip=False)


def _filling(stretch: Stretch) -> Style:
    """White: correct from the start; hatched: noise from the start; else the shade of t*."""
    common = {"edgecolor": "0.3", "linewidth": 0.6}
    if stretch.early == stretch.late:
        plain = stretch.late == "correct"
        return common | ({"facecolor": "white"} if plain else {"facecolor": "0.87", "hatch": "//"})
    return common | {"facecolor": shade(stretch.least)}


def shade(least: float) -> Any:
    """Of the stretch on which t* is at least this."""
    below = sum(10.0**k <= least for k in EXPONENTS)
    return SHADES(0.15 + 0.85 * below / len(EXPONENTS))


def _early_key() -> list[Artist]:
    line: Style = {"edgecolor": "0.3", "linewidth": 0.6}
    return [
        Patch(facecolor="white", label="correct at every t > 0", **line),
        Patch(facecolor="0.87", hatch="////", label="noise at every t > 0", **line),
        Line2D([], [], color="black", linewidth=2.5, label="α = 1/√(n+1), right of\nit noise is on top early"),
        Line2D([], [], linestyle="none", marker="D", markersize=8, color="white", markeredgecolor="black",
               label="all equal at every t"),
    ]  # fmt: skip


def _time_key() -> list[Artist]:
    labels = [f"10{raised(k)} to 10{raised(m)}" for k, m in pairwise(EXPONENTS)]
    labels = [f"less than {10 ** EXPONENTS[0]}", *labels, f"more than 10{raised(EXPONENTS[-1])}"]
    bounds = (0.0, *(10.0**k for k in EXPONENTS))
    return [
        Patch(facecolor=shade(least), edgecolor="0.3", linewidth=0.6, label=label)
        for least, label in zip(bounds, labels, strict=True)
    ]


def level(alpha: Fraction) -> str:
    """As a decimal where it is a short one."""
    return repr(float(alpha)) if Fraction(repr(float(alpha))) == alpha else str(alpha)


def number(value: float) -> str:
    """Three digits: 37.2, 233, 1.77·10⁵."""
    if 0.01 <= value < 9999.5:
        return f"{value:.0f}" if value >= 99.95 else f"{value:.3g}"
    digits, exponent = f"{value:.2e}".split("e")
    return f"{digits}·10{raised(int(exponent))}"


def raised(exponent: int) -> str:
    """10 to this power, without the 10."""
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
