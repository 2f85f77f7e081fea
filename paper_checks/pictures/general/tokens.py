"""The picture of G5: where the first key-query step looks, token by token, as the chain becomes that of a text.

Shapes and words tell what the marks are, so that it reads without colour.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_checks.pictures.file import Picture, Style, Table
from paper_checks.pictures.memory import raised

from .tokens_data import Panel, disagreements

HEIGHT, GAP = 1.75, 0.5
"""Of a panel, and between two, inches."""
TOKEN: Style = {"marker": "o", "color": "#1f3f8f", "linestyle": "none"}
PREVIOUS: Style = {"marker": "D", "color": "#a03000", "linestyle": "none"}
ORDINARY: Style = {"markersize": 4, "markerfacecolor": "none"}
NAMED_TOKEN = TOKEN | {"markersize": 6, "zorder": 4}
NAMED_PREVIOUS = PREVIOUS | {"markersize": 10, "markerfacecolor": "none", "markeredgewidth": 1.8, "zorder": 4}
"""A dot fits into the diamond: where both are in one place, both are seen."""
LEADER: Style = {"arrowstyle": "-", "color": "0.5", "linewidth": 0.7, "shrinkA": 0, "shrinkB": 6, "relpos": (1, 0.5)}
ALIKE = 0.01
"""Ordinary tokens whose frequencies differ by a smaller share than this are called the others."""
APART = 0.13
"""Least distance of two labels, in heights of the panel."""
BESIDE = 0.62
"""Of the labels' right end from the leftmost mark that they name, as a factor of its frequency."""


class TokensPicture(Picture):
    """K[E(a)] and K[P(a)] against the frequency of the token, a panel for each chain."""

    def __init__(self, panels: Sequence[Panel]) -> None:
        self.panels, one = panels, panels[0]
        self.title = f"Where the first key-query step looks, token by token: α = {one.alpha:g}, T = {one.length}"
        self.contradictions = disagreements(panels)
        named = f"Trigger q: {_quoted(one, one.trigger)}; noise token τ: {_quoted(one, one.noise)}"
        rest = ", ".join(f"{100 * panel.remainder:.2g} % at λ = {panel.share:.4g}" for panel in panels)
        self.caption = (
            "K at uniform output probabilities, exact, for every character a. A position's score is K[E(a)] of what "
            f"stands there plus K[P(a)] of what stands before it. {named}; answers uniform. K is what frequency gives, "
            f"κ C, to about {rest} of the largest mark."
        )

    def description(self) -> str:
        """The marks that are named, and the range of the others."""
        told = []
        for panel in self.panels:
            rest = panel.ordinary
            above = int((rest > panel.token[panel.noise]).sum())
            named = ", ".join(f"{name} {value:.2e}" for name, _, value, _ in _named(panel))
            told.append(
                f"{heading(panel)}: {named}; K[E(a)] of the {len(rest)} ordinary tokens from {rest.min():.2e} to "
                f"{rest.max():.2e}, {above} of them above the noise"
            )
        return f"Frequency of a token to the right, on a logarithmic scale, K upwards. {'. '.join(told)}."

    def table(self) -> Table:
        """A row per chain and token."""
        roles = {self.panels[0].trigger: "trigger", self.panels[0].noise: "noise"}
        rows = [
            (panel.share, name, roles.get(a, ""), panel.frequency[a], panel.token[a], panel.previous[a],
             panel.by_frequency[a], panel.by_frequency[len(panel.names) + a])
            for panel in self.panels
            for a, name in enumerate(panel.names)
        ]  # fmt: skip
        kept = "kappa C, E(a)", "kappa C, P(a)"
        return Table(("lambda", "token", "role", "frequency", "K[E(a)]", "K[P(a)]", *kept), rows)

    def figure(self) -> Figure:
        """One panel per chain, over common frequencies; each has its own unit of K."""
        figure, places = self.stacked(len(self.panels), HEIGHT, GAP, above=0.6, left=0.8)
        least = min(float(panel.frequency.min()) for panel in self.panels)
        for axes, panel in zip(places, self.panels, strict=True):
            axes.set(xscale="log", xlim=(least / 1.6, 0.3))
            _draw(axes, panel)
        places[-1].set_xlabel("frequency of the token a, share of the positions")
        marks = places[0].get_legend_handles_labels()
        top = figure.subplotpars.top + 0.28 / figure.get_size_inches()[1]
        figure.legend(*marks, loc="lower left", bbox_to_anchor=(0.0, top), ncols=2, columnspacing=1.5)
        return figure


def heading(panel: Panel) -> str:
    """Which chain it is."""
    names = {0.0: "Uniform chain", 1.0: "Shakespeare"}
    return names.get(panel.share, "Mixture") + f", λ = {panel.share:.4g}"


def _quoted(panel: Panel, token: int) -> str:
    return "the space" if panel.names[token] == " " else f"“{panel.names[token]}”"


def _named(panel: Panel) -> list[tuple[str, float, float, Style]]:
    """Label, frequency, K and mark of the four that are named."""
    places = (("noise", "τ", panel.noise), ("trigger", "q", panel.trigger))
    return [
        (f"{role} {block}({symbol})", float(panel.frequency[token]), float(values[token]), style)
        for role, symbol, token in places
        for block, values, style in (("E", panel.token, NAMED_TOKEN), ("P", panel.previous, NAMED_PREVIOUS))
    ]


def _draw(axes: Axes, panel: Panel) -> None:
    """All marks, in the unit of the largest."""
    values = np.concatenate([panel.token, panel.previous])
    exponent = int(np.floor(np.log10(np.abs(values).max())))
    unit = 10.0**exponent
    others = np.delete(np.arange(len(panel.names)), [panel.trigger, panel.noise])
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.plot(panel.frequency[others], panel.token[others] / unit, **TOKEN | ORDINARY, label="E(a), on a itself")
    axes.plot(
        panel.frequency[others], panel.previous[others] / unit, **PREVIOUS | ORDINARY, label="P(a), on what follows"
    )
    low, high = values.min() / unit, values.max() / unit
    room = 0.12 * (high - low)
    axes.set_ylim(low - room, high + room)
    axes.set_ylabel(f"K, in units of 10{raised(exponent)}")
    axes.set_title(heading(panel), loc="left")
    _draw_named(axes, [(name, frequency, value / unit, style) for name, frequency, value, style in _named(panel)])
    if np.ptp(panel.frequency[others]) < ALIKE * panel.frequency[others].max():
        at = float(panel.frequency[others].max()), float(panel.token[others].mean() / unit)
        axes.annotate(f"the {len(others)} others", at, (10, 10), textcoords="offset points")


def _draw_named(axes: Axes, named: Sequence[tuple[str, float, float, Style]]) -> None:
    """The marks that are named, and their names in a column left of them, lines from one to the other."""
    left = BESIDE * min(frequency for _, frequency, _, _ in named)
    low, high = axes.get_ylim()
    heights = _spread([(value - low) / (high - low) for _, _, value, _ in named])
    for (name, frequency, value, style), height in zip(named, heights, strict=True):
        axes.plot(frequency, value, **style)
        where = (left, low + height * (high - low))
        axes.annotate(name, (frequency, value), where, ha="right", va="center", arrowprops=LEADER, zorder=5)


def _spread(heights: Sequence[float]) -> list[float]:
    """Heights at least APART, inside the panel, in the order of those given."""
    order = np.argsort(heights, kind="stable")
    free = np.array([heights[k] for k in order])
    steps = APART * np.arange(len(free))
    lowest = np.maximum.accumulate(np.maximum(free, 0.07) - steps) + steps
    highest = np.minimum(lowest, 0.93 - APART * (len(free) - 1) + steps)
    found = np.empty(len(free))
    found[order] = highest
    return [float(height) for height in found]
