"""The picture of B3: the three matrices of an induction head after three steps, and its accuracy against width.

Shades darken with value, also in grey; marks tell right from wrong by shape.
"""

import textwrap
from fractions import Fraction
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, SymLogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from simulate.runtime.arrays import Floats

from .file import Picture, Style, Table
from .memory_data import ThreeSteps, found_rows

SHADES = matplotlib.colormaps["YlGnBu"]
AXES = {
    "W_O2[E]": ("W_O²[k, E(l)]", "token l as value", "output k", "logit, at step size 1"),
    "W_K2[E1, E]": ("W_K²[E1(k), E(l)]", "token l as query", "copied token k as key", "score"),
    "W_K2[E, E]": ("W_K²[E(k), E(l)]", "token l as query", "own token k as key", "score"),
    "W_K1[P, P]": ("W_K¹[P(s), P(t)]", "position t as query", "position s as key", "score"),
}
"""Heading, x, y and unit per block."""
SIDE = 2.1
"""Of a square, inches."""


class StepsPicture(Picture):
    """The three matrices of the head, and its accuracy against width where that was simulated."""

    def __init__(self, steps: ThreeSteps, samples: int, seed: int) -> None:
        self.steps, self.samples, task = steps, samples, steps.task
        keys = steps.keys.replace("+", " and ")
        self.title = f"An induction head after three gradient steps: N = {task.N}, T = {task.T}, keys read {keys}"
        self.contradictions = steps.contradictions()
        which = "" if steps.keys == "E1+E" else " that do not begin with the trigger"
        chance = steps.keys == "E1" and steps.widths
        self.caption = (
            f"{where_it_works(steps)} Simulated with these matrices: {steps.wrong} errors on {steps.looked_at} fresh "
            f"sequences{which}, seed {seed}.{' Noisy steps break ties by chance.' if chance else ''} "
            "Marks: the largest entry of a column, ○ where it is right, ✕ where not. Hatched: not attended to, s > t."
        )

    def description(self) -> str:
        """Every block by its values, and the accuracies."""
        parts = [
            f"{AXES[name][0]}: {', '.join(block_in_words(name, block))}" for name, block in self.steps.blocks.items()
        ]
        parts += [
            f"width {found.width or 'infinite'}: accuracy {found.mean:.4f}, standard error {found.standard_error:.4f}"
            for found in self.steps.widths
        ]
        return f"Matrices as shaded squares. {'; '.join(parts)}."

    def table(self) -> Table:
        """A row per entry of each block, keys as rows, and per simulated accuracy; tokens from 0, positions from 1."""
        rows: list[tuple[object, ...]] = []
        for name, block in self.steps.blocks.items():
            first = 1 if name == "W_K1[P, P]" else 0
            rows += [
                (AXES[name][0], AXES[name][3], i + first, j + first, value) for (i, j), value in np.ndenumerate(block)
            ]
        for found in self.steps.widths:
            rows += [
                ("accuracy", "share", found.width or "infinite", draw, value) for draw, value in enumerate(found.draws)
            ]
        return Table(("what", "unit", "row, or width d", "column, or draw", "value"), rows)

    def figure(self) -> Figure:
        """A square per block, rows keys, columns queries, and words at its right."""
        count = len(self.steps.blocks) + bool(self.steps.widths)
        figure, places = self.stacked(count, SIDE, 0.8, above=0.2, right=5.2 - 0.65 - SIDE)
        for place, (name, block) in zip(places, self.steps.blocks.items(), strict=False):
            _draw_block(place, name, block)
        if self.steps.widths:
            self._draw_widths(places[-1])
        return figure

    def _draw_widths(self, axes: Axes) -> None:
        *finite, infinite = self.steps.widths
        widths, draws = [found.width or 0 for found in finite], len(infinite.draws)
        for i in range(draws):
            cross: Style = {"linestyle": "none", "marker": "x", "color": "0.55", "markersize": 4}
            label = "one draw of embeddings" if i == 0 else None
            axes.plot(widths, [found.draws[i] for found in finite], label=label, **cross)
        means, errors = ([getattr(found, name) for found in finite] for name in ("mean", "standard_error"))
        label = f"mean of {draws} ± standard error"
        axes.errorbar(widths, means, errors, fmt="o-", markersize=4, capsize=4, color="#1f3f8f", label=label)
        axes.axhline(infinite.mean, color="black", linestyle=":", label=f"infinite width: {infinite.mean:.4f}")
        axes.set(xscale="log", xlabel="embedding width d", ylabel="accuracy on fresh sequences")
        axes.set_xticks(widths, [str(width) for width in widths])
        axes.minorticks_off()
        _beside(axes, ["Simulated steps,", "gradients from", f"{self.samples} sequences each"])
        axes.legend(loc="lower left", bbox_to_anchor=(1.02, -0.05), handlelength=1.2)


def where_it_works(steps: ThreeSteps) -> str:
    """On which sequences, with what accuracy, by what keys read."""
    both, copies = (share(steps.exact[keys]) for keys in ("E1+E", "E1"))
    return (
        "Theory: if keys read the copied and the own token (E1 and E), y is recalled on every sequence, accuracy "
        f"{both}; if the copied token alone (E1), q ties with y or wins on sequences that begin with q, unless two of "
        f"the free tokens repeat y, and the accuracy is {copies}."
    )


def block_in_words(name: str, block: Floats) -> list[str]:
    """What a block holds: where the largest entry of a column is right, and the values of a block over tokens."""
    right = found_rows(name, block)[2]
    if name == "W_K1[P, P]":
        return [f"largest at s = t-1 in {right.sum()} of {len(right)} columns"]
    values = f"diagonal {block[0, 0]:.3g}, elsewhere {block[0, 1]:.2g}"
    return [values] if name == "W_K2[E, E]" else [f"largest at k = l in {right.sum()} of {len(right)} columns", values]


def _draw_block(axes: Axes, name: str, block: Floats) -> None:
    heading, x, y, unit = AXES[name]
    positions, size = name == "W_K1[P, P]", len(block)
    first = 1 if positions else 0
    shown = np.ma.masked_where(np.tri(size, k=-1, dtype=bool) & positions, block)
    most = float(np.abs(block).max())
    bent = positions and most > 10
    norm = SymLogNorm(1.0, vmin=-most, vmax=most) if bent else Normalize(shown.min(), shown.max())
    ends = (first - 0.5, first + size - 0.5)
    axes.patch.set(facecolor="white", edgecolor="0.6", hatch="///")
    image = axes.imshow(shown, cmap=SHADES, norm=norm, extent=(*ends, *ends[::-1]), interpolation="nearest")
    axes.set(xlabel=x, ylabel=y)
    label = f"{unit} (logarithmic beyond ±1)" if bent else unit
    _beside(axes, [heading, *block_in_words(name, block), f"colour: {label}"])
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(6, integer=True))
    figure = axes.get_figure()
    assert figure is not None
    figure.colorbar(image, cax=axes.inset_axes((1.04, 0, 0.05, 1)))
    if name != "W_K2[E, E]":
        _mark(axes, first, *found_rows(name, block))


def _beside(axes: Axes, said: list[str]) -> None:
    """Words at the right of a square, lines that fit there."""
    lines = [line for part in said for line in textwrap.wrap(part, 22)]
    axes.text(1.42, 1, "\n".join(lines), transform=axes.transAxes, va="top")


def _mark(axes: Axes, first: int, columns: Any, rows: Any, right: Any) -> None:
    style: Style = {"linestyle": "none", "color": "white", "markeredgecolor": "black"}
    style["markersize"] = min(5.0, 90 / (len(columns) + 1))
    axes.plot(columns[right] + first, rows[right] + first, marker="o", gid="right", **style)
    axes.plot(columns[~right] + first, rows[~right] + first, marker="X", gid="wrong", **style)


def share(exact: Fraction) -> str:
    """Four digits, or how much is missing."""
    if exact == 1 or float(exact) < 0.99995:
        return "1" if exact == 1 else f"{float(exact):.4f}"
    return f"1 - {float(1 - exact):.1e}"
