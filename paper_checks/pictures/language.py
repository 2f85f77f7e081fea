"""The pictures of language models: a sweep of LASER as heat maps, and answers along training.

Every cell of a heat map has its number and the colours go from dark to light; markers, filled or empty, and line styles
carry the curves: both read without colour.
"""

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from paper_checks.experiments.language import Chosen, independent
from simulate.laser.roles import Role
from simulate.prompts.tokens import Readings, mean_and_error

from .file import Picture, Style
from .language_data import ERRORS, METRICS, Checkpoints, SweepCells, cell_in_words

PROMPTS = {"recall": "indirect object identification", "facts": "countries of cities"}
HEADINGS = {
    "mlp_in": "MLP input (mlp_in)",
    "mlp_out": "MLP output (mlp_out)",
    "attention_qkv": "query, key, value (attention_qkv)",
    "attention_out": "attention output (attention_out)",
}
FALLS_TO_RISES = LinearSegmentedColormap.from_list(
    "falls to rises", [(0, "#08183f"), (0.28, "#2f559e"), (0.5, "#a3a3a3"), (0.72, "#f1bd4f"), (1, "#fff8d2")]
)
"""Blue, grey, yellow; the lightness rises throughout."""
CELL = (0.4, 0.28)
"""Width and height in inches."""
NUMBER: Style = {"ha": "center", "va": "center", "fontsize": 7.5}
CHOSEN: Style = {"facecolor": "black", "edgecolor": "white", "linewidth": 0.6, "zorder": 4}

GENERIC: Style = {"color": "#a03000", "marker": "o", "linestyle": (0, (4, 2))}
ANSWER: Style = {"color": "#1f3f8f", "marker": "s", "linestyle": "-"}
STYLES = {"answer": ANSWER, "distributional": GENERIC}
DIAMOND: Style = {"marker": "D", "s": 130, "facecolors": "none", "edgecolors": "black", "linewidths": 1.1}


class SweepPicture(Picture):
    """Changes of P(answer) above, of P("the") below, by layer and rank, one column of panels per role."""

    def __init__(self, shown: SweepCells) -> None:
        self.shown = shown
        self.title = f"{shown.model}: LASER on one matrix at a time, prompts: {PROMPTS[shown.name]}"
        self.contradictions = shown.contradictions()
        held = "The ledger's claims on pocket Pythia say nothing of this model."
        if shown.held:
            held = f"P4 and P5 on this seed: {len(self.contradictions)} of 3 means on the wrong side."
        whole = shown.whole
        answer, generic, accuracy = (part.mean() for part in (whole.answer, whole.distributional, whole.correct))
        self.caption = (
            f'{len(whole.answer)} prompts; whole model: P(answer) = {answer:.3f}, P("the") = {generic:.3f}, '
            f"accuracy = {accuracy:.3f}. Changes against it, means over the prompts. Frames: P(answer) rises and "
            f'P("the") falls, both by more than {ERRORS} standard errors. Corners: cells chosen on one half of the '
            f'prompts; late: above the dotted line. On the other half, change of P(answer) and of P("the"): '
            f"{'; '.join(_reported(shown.name, kind, found) for kind, found in shown.best.items())}. {held} "
            f"Weights: sha256 {shown.swept.sha256[:12]}…"
        )

    def description(self) -> str:
        """All means, layer by layer."""
        shown = self.shown
        parts = [
            f"{role}, change of {label}: "
            + "; ".join(
                f"layer {layer}: {', '.join(_signed(value) for value in row)}"
                for layer, row in enumerate(shown.changes(role, metric)[0])
            )
            for role in shown.roles
            for metric, label in METRICS.items()
        ]
        largest = max(shown.changes(role, metric)[1].max() for role in shown.roles for metric in METRICS)
        framed = [
            f"{role} of layer {layer} at rank {shown.ranks[column]}"
            for role in shown.roles
            for layer, column in np.argwhere(shown.marked(role))
        ]
        return (
            f"Heat maps, rank to the right, layer upwards. Changes at ranks {', '.join(map(str, shown.ranks))}: "
            f"{'. '.join(parts)}. Standard errors: at most {largest:.3f}. "
            f"Framed: {', '.join(framed) if framed else 'no cell'}."
        )

    def figure(self) -> Figure:
        """Heat maps on one scale, with its bar at the right."""
        roles, (width, height) = self.shown.roles, (len(self.shown.ranks) * CELL[0], self.shown.swept.layers * CELL[1])
        width, height = max(width, 2.3), max(height, 1.3)
        size = 0.75 + len(roles) * (width + 0.2) + 0.75
        below = 0.75 + 0.17 * math.ceil(len(self.caption) / (13.5 * size))
        figure = self.framed((size, 0.8 + 2 * height + 0.35 + below), left=0.7, above=0.8, right=0.95)
        gaps = {"wspace": 0.2 / width, "hspace": 0.35 / height}
        places = figure.subplots(len(METRICS), len(roles), sharex=True, sharey=True, squeeze=False, gridspec_kw=gaps)
        scale = self._scale()
        for row, (metric, label) in enumerate(METRICS.items()):
            for axes, role in zip(places[row], roles, strict=True):
                drawn = self._draw(axes, role, metric, scale)
                if row == 0:
                    axes.set_title(HEADINGS[role], loc="left", fontsize=10)
                else:
                    axes.set_xlabel("rank")
            places[row][0].set_ylabel(f"change of {label}\nlayer")
        edges = figure.subplotpars
        bar = figure.add_axes((1 - 0.8 / size, edges.bottom, 0.15 / size, edges.top - edges.bottom))
        figure.colorbar(drawn, cax=bar).ax.tick_params(labelsize=8)
        return figure

    def _scale(self) -> Normalize:
        """From -m to m, the largest change."""
        roles = self.shown.roles
        largest = max(float(abs(self.shown.changes(role, metric)[0]).max()) for role in roles for metric in METRICS)
        return Normalize(-max(largest, 0.005), max(largest, 0.005))

    def _draw(self, axes: Axes, role: Role, metric: str, scale: Normalize) -> Any:
        values, _ = self.shown.changes(role, metric)
        drawn = axes.pcolormesh(values, cmap=FALLS_TO_RISES, norm=scale, edgecolors="white", linewidth=0.4)
        for (layer, column), value in np.ndenumerate(values):
            dark = _luminance(FALLS_TO_RISES(scale(value))) < 0.18
            axes.text(column + 0.5, layer + 0.42, _signed(value), color="white" if dark else "black", **NUMBER)
        for layer, column in np.argwhere(self.shown.marked(role)):
            for colour, line in (("white", 2.8), ("black", 1.4)):
                at = (column + 0.04, layer + 0.06)
                axes.add_patch(Rectangle(at, 0.92, 0.88, fill=False, color=colour, linewidth=line, zorder=3))
        for found in self.shown.best.values():
            if found.cell.role == role:
                column = self.shown.ranks.index(found.cell.rank)
                right, top = column + 0.98, found.cell.layer + 0.98
                axes.add_patch(Polygon([(right, top), (right - 0.26, top), (right, top - 0.42)], **CHOSEN))
        if role.startswith("mlp"):
            axes.axhline(self.shown.swept.layers // 2, color="black", linewidth=1.2, linestyle=(0, (1, 2)), zorder=2)
        axes.set_xticks(np.arange(len(self.shown.ranks)) + 0.5, [str(rank) for rank in self.shown.ranks])
        axes.set_yticks(np.arange(len(values)) + 0.5, [str(layer) for layer in range(len(values))])
        axes.tick_params(labelsize=8, length=0)
        return drawn


class CheckpointsPicture(Picture):
    """P(answer) and P("the") over updates, one panel per set of prompts."""

    def __init__(self, shown: Checkpoints) -> None:
        self.shown = shown
        self.sets = tuple(PROMPTS)
        self.title = f'{shown.model}: P("the") and P(answer) over {max(shown.found)} updates'
        self.contradictions = shown.contradictions()
        counts = " and ".join(f"{len(self._readings(name).answer)} of {name}" for name in self.sets)
        risen = "; ".join(f"{name}: {self._risen(name)}" for name in self.sets)
        held = "The ledger's claims on pocket Pythia say nothing of this model."
        if shown.held:
            held = f"P3 on this seed: {len(self.contradictions)} of {len(self.sets)} orders the other way about."
        self.caption = (
            f"Means over prompts, {counts}; bars: one standard error. First checkpoint (in a diamond) with a third "
            f"of the last one's mean: {risen}. {self._others()}{held}"
        )
        if shown.repeated():
            self.caption += f" {shown.repeated()} of the checkpoints have the weights of an earlier one."

    def _readings(self, name: str) -> Readings:
        return next(iter(self.shown.found.values())).sets[name]

    def _risen(self, name: str) -> str:
        generic, answer = (self.shown.risen(name, metric) for metric in ("distributional", "answer"))
        return f'P("the") after {generic} updates, P(answer) after {answer}'

    def _others(self) -> str:
        seeds = [str(seed) for seed in self.shown.others]
        return "" if not seeds else f"Empty markers: training seed{'s' * (len(seeds) > 1)} {' and '.join(seeds)}. "

    def description(self) -> str:
        """All means, checkpoint by checkpoint."""
        trainings = {None: self.shown.found} | dict(self.shown.others)
        parts = []
        for seed, found in trainings.items():
            whose = "" if seed is None else f"training seed {seed}, "
            parts.append(f"{whose}after {', '.join(map(str, found))} updates")
            for name in self.sets:
                for metric, label in METRICS.items():
                    pairs = zip(*self.shown.curve(name, metric, seed), strict=True)
                    numbers = ", ".join(f"{mean:.3f} ± {error:.3f}" for mean, error in pairs)
                    parts.append(f"{name}, {label} {numbers}")
        return f"Updates to the right, 0 and then on a logarithmic scale. Means: {'; '.join(parts)}."

    def figure(self) -> Figure:
        """One panel per set of prompts."""
        figure = self.framed((11.6, 5.2), left=0.65, above=1.0, right=0.2)
        places = figure.subplots(1, len(self.sets), sharey=True, gridspec_kw={"wspace": 0.06}, squeeze=False)[0]
        for axes, name in zip(places, self.sets, strict=True):
            self._draw(axes, name)
            axes.set_title(f"{name}: {PROMPTS[name]}", loc="left", fontsize=10)
        places[0].set_ylabel("probability")
        handles, labels = places[0].get_legend_handles_labels()
        kept = dict(sorted(dict(zip(labels, handles, strict=True)).items()))
        figure.legend(
            kept.values(), kept.keys(), loc="upper left", bbox_to_anchor=(0.005, 0.945), ncols=5, frameon=False
        )
        return figure

    def _draw(self, axes: Axes, name: str) -> None:
        steps = list(self.shown.found)
        for metric, label in METRICS.items():
            style, (values, errors) = STYLES[metric], self.shown.curve(name, metric)
            axes.errorbar(steps, values, errors, label=label, linewidth=1.8, markersize=5, capsize=2.5, **style)
            for seed, found in self.shown.others.items():
                values, errors = self.shown.curve(name, metric, seed)
                apart = style | {"linestyle": "", "markerfacecolor": "white", "label": f"{label}, other seeds"}
                axes.errorbar(list(found), values, errors, markersize=7, elinewidth=1, capsize=2.5, zorder=1.8, **apart)
        risen = [(self.shown.risen(name, metric), metric) for metric in METRICS]
        heights = [self.shown.curve(name, metric)[0][steps.index(step)] for step, metric in risen]
        label = "first at a third of its last value"
        axes.scatter([step for step, _ in risen], heights, label=label, zorder=3, **DIAMOND)
        _over_updates(axes, sorted({*steps, *(step for found in self.shown.others.values() for step in found)}))


def _over_updates(axes: Axes, steps: list[int]) -> None:
    """0 at the left, then a logarithmic axis from the first update that was looked at; ticks that keep apart."""
    first, last = next((step for step in steps if step > 0), 1), max(steps[-1], 2)
    axes.set_xscale("symlog", base=2, linthresh=first, linscale=1)
    spread = math.log2(last / first) + 2
    axes.set(xlim=(-0.25 * first, last * 2 ** (0.05 * spread)), ylim=(-0.03, 1.03), xlabel="updates")
    ticks: list[int] = []
    for step in reversed(steps):
        if not ticks or step == 0 or math.log2(ticks[-1] / step) > 0.055 * spread:
            ticks.append(step)
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.grid(color="0.9", linewidth=0.6)


def _reported(name: str, kind: str, found: Chosen) -> str:
    pairs = []
    for metric in METRICS:
        change, error = mean_and_error(independent(name, found.changes[metric]))
        pairs.append(f"{_signed(change, 3)}\u00a0±\u00a0{error:.3f}")
    return f"{kind} ({cell_in_words(found.cell)}): {', '.join(pairs)}"


def _signed(value: float, decimals: int = 2) -> str:
    """Rounded, with no sign for what rounds to 0."""
    written = f"{value:+.{decimals}f}"
    return written[1:] if float(written) == 0 else written.replace("-", "−")


def _luminance(colour: tuple[float, ...]) -> float:
    """Relative luminance of sRGB, 0 to 1 (WCAG)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))
