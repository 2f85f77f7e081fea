"""The picture of pocket Pythia beside SmolLM2: which matrix of which layer, and how much of its rank.

The colours of the heat maps go from dark to light; markers and line styles tell the two probabilities apart, filled and
empty markers the MLP's matrices and attention's: all read without colour.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import FuncNorm, Normalize
from matplotlib.figure import Figure

from paper_checks.pictures import heat
from paper_checks.pictures.file import ON_DARK, ON_LIGHT, Picture, Style, Table
from simulate.laser.sweeps import Cell
from simulate.runtime.arrays import Floats

from .beside_data import KINDS, Side
from .data import ERRORS, METRICS
from .style import DIAMOND, PROMPTS, STYLES, signed

SHORT = {
    "mlp_in": "MLP in", "mlp_gate": "gate", "mlp_up": "up", "mlp_out": "MLP out",
    "attention_qkv": "q, k, v", "query": "q", "key": "k", "value": "v", "attention_out": "att. out",
}  # fmt: skip
SIGNS = {"MLP": "●", "attention": "○"}
PANEL, BESIDE, HALF, LEFT = 1.6, 0.14, 3.88, 0.72
"""Width of a panel, room between the two of a model, from one model to the next, and left of the first, inches."""
HEAT, BAR, CURVES = 1.45, 2.05, 1.7
"""Heights: of a heat map, of what stands between these and the curves, and of the panels of curves, inches."""
TICKS = (0.0, 0.02, 0.1, 0.2, 0.4, 0.6, 0.8)
LEAST = 2.0**-7
"""Shares of the rank above this one are on a logarithmic scale."""
DOT: Style = {"marker": "o", "s": 16, "facecolors": ON_LIGHT, "edgecolors": ON_DARK, "linewidths": 0.8, "zorder": 3}


class BesidePicture(Picture):
    """Two models side by side: on top the changes by role and layer, below both probabilities over the rank."""

    width = 8.15

    def __init__(self, sides: Sequence[Side]) -> None:
        self.sides = tuple(sides)
        self.title = f"LASER on one matrix at a time: {' beside '.join(_name(side) for side in self.sides)}"
        self.contradictions = []
        notes = " ".join(f"{side.model}: {side.note}." for side in self.sides)
        sets = "; ".join(f"{name}: {words}" for name, words in PROMPTS.items())
        self.caption = (
            f"{sets}. Heat maps: changes against the whole model, means over all prompts, with the share of the rank "
            "at which the best cell of the MLP (in a corner) is. Best: of the cells that keep the top directions, on "
            f'one half of the prompts. Dots: P(answer) rises and P("the") falls, both by more than {ERRORS} standard '
            "errors; no colour: not tried; the scale is by the root of a change. Curves: the other half of the "
            "prompts, the best cell's role and layer at other shares of the rank; ● of the MLP, ○ of attention; "
            "diamonds: the best cell; at 1: the whole model; bars: one standard error, over independent prompts. "
            f"{self._without()}{notes}"
        )

    def _without(self) -> str:
        """What the best cells without their top directions do on the other half, in the caption."""
        said = []
        for side in self.sides:
            for name in side.sets:
                cell = side.best_without(name)
                if cell is not None:
                    pairs = " and ".join(self._change(side, cell, name, metric) for metric in METRICS)
                    said.append(f"{name}, {cell}: {pairs}")
        return f"Best cells without top directions, changes on the other half: {'; '.join(said)}. " if said else ""

    @staticmethod
    def _change(side: Side, cell: Cell, name: str, metric: str) -> str:
        (after, _), (before, _) = (side.reported(one, name, metric) for one in (cell, None))
        return f"{METRICS[metric]} {signed(after - before)}"

    def description(self) -> str:
        """The best cells with what they do on the other half, and the ends of every heat map."""
        parts = []
        for side in self.sides:
            for name in side.sets:
                best = [
                    f"{kind}: {cell}, " + ", ".join(
                        f"{METRICS[metric]} {side.reported(None, name, metric)[0]:.2f} to "
                        f"{side.reported(cell, name, metric)[0]:.2f}"
                        for metric in METRICS
                    )
                    for kind in KINDS
                    for cell in [side.best(name, kind)]
                ]  # fmt: skip
                ends = [
                    f"{label} {signed(float(np.nanmin(values)))} to {signed(float(np.nanmax(values)))}"
                    for metric, label in METRICS.items()
                    for values in [self._changes(side, name, metric)]
                ]
                shown = f"heat maps at {self._share(side, name):g} of the rank: {', '.join(ends)}"
                parts.append(f"{side.model}, {name}: best of {'; of '.join(best)}; {shown}")
        return f"Two models side by side, a column per set of prompts. {'. '.join(parts)}."

    @staticmethod
    def _share(side: Side, name: str) -> float:
        """The share of the rank at which the heat maps of a set are."""
        return side.share(side.best(name, "MLP"))

    def _changes(self, side: Side, name: str, metric: str) -> Floats:
        """Changes by layer and role at the share of the set; not a number where it was not tried."""
        share, found = self._share(side, name), np.full((len(side.swept_layers), len(side.roles)), np.nan)
        for row, layer in enumerate(side.swept_layers):
            for column, role in enumerate(side.roles):
                cell = side.shares.get((layer, role), {}).get(share)
                if cell is not None:
                    found[row, column] = side.change(cell, name, metric)[0]
        return found

    def table(self) -> Table:
        """A row per model, set of prompts, cell and probability; first the whole model."""
        rows: list[tuple[object, ...]] = []
        for side in self.sides:
            for name in side.sets:
                best = {side.best(name, kind): kind for kind in KINDS} | {side.best_without(name): "without"}
                for cell in [None, *sorted(side.sweep.cells)]:
                    where = ("", "whole", 1.0, "") if cell is None else self._where(side, cell)
                    for metric, label in METRICS.items():
                        change = (0.0, 0.0) if cell is None else side.change(cell, name, metric)
                        numbers = (*change, *side.reported(cell, name, metric))
                        marks = best.get(cell, "") if cell else "", int(cell is not None and side.marked(cell, name))
                        rows.append((side.model, name, *where, label, *numbers, *marks))
        columns = ("model", "prompts", "layer", "role", "share of the rank", "without top", "quantity")
        numbers_of = ("change, probability", "standard error", "other half, probability", "its standard error")
        return Table((*columns, *numbers_of, "best of", "dot"), rows)

    @staticmethod
    def _where(side: Side, cell: Cell) -> tuple[object, ...]:
        return cell.layer, cell.role, side.share(cell), "" if cell.without is None else cell.without

    def figure(self) -> Figure:
        """A column per model and set of prompts: two heat maps and the curves."""
        figure = self.framed(2 * HEAT + 0.1 + BAR + CURVES, above=0.7, below=0.5)
        top, scale = figure.get_size_inches()[1] * figure.subplotpars.top, self._scale()
        highest = 1.05 * max(self._highest(side, name) for side in self.sides for name in side.sets)
        for half, side in enumerate(self.sides):
            for place, name in enumerate(side.sets):
                left = LEFT + half * HALF + place * (PANEL + BESIDE)
                maps = [heat.placed(figure, left, top - row * (HEAT + 0.1), PANEL, HEAT) for row in (0, 1)]
                for axes, metric in zip(maps, METRICS, strict=True):
                    drawn = self._draw_map(axes, side, name, metric, scale)
                    axes.set_ylabel((f"change of {METRICS[metric]}\nlayer", "layer")[half] if place == 0 else "")
                maps[0].set_title(f"{name},\nat {self._share(side, name):.3g} of the rank", loc="left")
                maps[0].set_xticklabels([])
                curves = heat.placed(figure, left, top - 2 * HEAT - 0.1 - BAR, PANEL, CURVES)
                self._draw_curves(curves, side, name)
                curves.set_ylim(0, highest)
                curves.set_ylabel("probability" if place == half == 0 else "")
                if place:
                    for axes in (*maps, curves):
                        axes.set_yticklabels([])
            self._say(figure, LEFT + half * HALF, top + 0.45, side.model)
        self._between(figure, top - 2 * HEAT - 0.1, drawn)
        return figure

    @staticmethod
    def _say(figure: Figure, left: float, top: float, words: str) -> None:
        across, up = figure.get_size_inches()
        figure.text(left / across, top / up, words, fontsize=11, va="bottom", weight="bold")

    def _between(self, figure: Figure, top: float, drawn: Any) -> None:
        """The bar of colours and the key of the curves, below the names of the roles."""
        bar = heat.placed(figure, LEFT, top - 0.75, HALF + 2 * PANEL + BESIDE, 0.13)
        scale = figure.colorbar(
            drawn, cax=bar, orientation="horizontal", label="change of a probability, all heat maps"
        )
        ends = drawn.norm.vmax
        ticks = sorted({sign * part for part in TICKS if part <= ends for sign in (-1, 1)})
        scale.set_ticks(ticks, labels=[signed(tick) for tick in ticks])
        scale.set_ticks([], minor=True)
        handles, labels = figure.axes[2].get_legend_handles_labels()
        across, up = figure.get_size_inches()
        place = (LEFT - 0.1) / across, (top - BAR + 0.4) / up
        figure.legend(handles, labels, loc="lower left", bbox_to_anchor=place, ncols=2, borderaxespad=0)

    def _scale(self) -> Normalize:
        """From -m to m, the largest change, by the root of a change: one model's are much smaller than the other's."""
        shown = [self._changes(side, name, metric) for side in self.sides for name in side.sets for metric in METRICS]
        largest = max(*(float(np.nanmax(abs(values))) for values in shown), 0.005)
        return FuncNorm((_root, _square), -largest, largest)

    def _draw_map(self, axes: Axes, side: Side, name: str, metric: str, scale: Normalize) -> Any:
        """Role by layer at the share of the set."""
        drawn = heat.heat_map(axes, np.ma.masked_invalid(self._changes(side, name, metric)), scale)
        axes.set_yticks(np.arange(len(side.swept_layers)) + 0.5, [str(layer) for layer in side.swept_layers])
        axes.set_xticks(np.arange(len(side.roles)) + 0.5, [SHORT[role] for role in side.roles], rotation=90)
        share = self._share(side, name)
        here = {(side.roles.index(role), side.swept_layers.index(layer)): at[share]
                for (layer, role), at in side.shares.items() if share in at}  # fmt: skip
        dots = [place for place, cell in here.items() if side.marked(cell, name)]
        axes.scatter([x + 0.5 for x, _ in dots], [y + 0.45 for _, y in dots], **DOT)
        best = [side.best(name, kind) for kind in KINDS]
        heat.corner(axes, [place for place, cell in here.items() if cell in best])
        return drawn

    def _curve(self, side: Side, name: str, cell: Cell, metric: str) -> tuple[list[float], list[float], list[float]]:
        """Shares of the rank, means on the reported half and their standard errors, the whole model last."""
        at = side.shares[cell.layer, cell.role]
        found = [side.reported(one, name, metric) for one in (*at.values(), None)]
        return [*at, 1.0], [mean for mean, _ in found], [error for _, error in found]

    def _highest(self, side: Side, name: str) -> float:
        cells = [side.best(name, kind) for kind in KINDS]
        curves = [self._curve(side, name, cell, metric)[1:] for cell in cells for metric in METRICS]
        return max(mean + error for means, errors in curves for mean, error in zip(means, errors, strict=True))

    def _draw_curves(self, axes: Axes, side: Side, name: str) -> None:
        said = []
        for kind in KINDS:
            cell = side.best(name, kind)
            said.append(f"{SIGNS[kind]} {SHORT[cell.role]}, layer {cell.layer}")
            for metric, label in METRICS.items():
                shares, values, errors = self._curve(side, name, cell, metric)
                look = STYLES[metric] | {"linewidth": 1.8, "label": label}
                if kind == "attention":
                    look |= {"linewidth": 0.9, "markerfacecolor": "white", "label": "_"}
                axes.errorbar(shares, values, errors, markersize=4.5, elinewidth=0.9, capsize=2, **look)
                height = values[shares.index(side.share(cell))]
                axes.scatter([side.share(cell)], [height], zorder=3, **DIAMOND | {"s": 60, "linewidths": 0.8})
        axes.set_title("\n".join(said), loc="left")
        axes.set_xscale("symlog", base=2, linthresh=LEAST, linscale=0.8)
        axes.set_xlim(-0.2 * LEAST, 1.35)
        axes.set_xticks([0, 0.01, 0.1, 1], ["0", "0.01", "0.1", "1"])
        axes.minorticks_off()
        axes.grid(color="0.9", linewidth=0.6)
        axes.set_xlabel("share of the rank")


def _name(side: Side) -> str:
    """A model's name alone."""
    return side.model.partition(",")[0]


def _root(values: Floats) -> Floats:
    found: Floats = np.sign(values) * np.sqrt(abs(values))
    return found


def _square(values: Floats) -> Floats:
    found: Floats = np.sign(values) * values**2
    return found
