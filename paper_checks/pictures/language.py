"""The pictures of language models: a sweep of LASER as heat maps, and answers along training.

The colours of the heat maps go from dark to light, and the first of them have their numbers; markers, filled or empty,
and line styles carry the curves: both read without colour.
"""

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from paper_checks.experiments.language import Chosen, independent
from simulate.laser.roles import Role
from simulate.laser.sweeps import Cell
from simulate.prompts.tokens import Readings, mean_and_error

from . import heat
from .file import ON_DARK, ON_LIGHT, Picture, Style, Table
from .language_data import ERRORS, METRICS, Checkpoints, SweepCells, cell_in_words

PROMPTS = {"recall": "indirect object identification", "facts": "countries of cities"}
HEADINGS = {
    "mlp_in": "MLP input (mlp_in)",
    "mlp_out": "MLP output (mlp_out)",
    "attention_qkv": "query, key, value (attention_qkv)",
    "attention_out": "attention output (attention_out)",
}
SHORT = {"mlp_in": "MLP\nin", "mlp_out": "MLP\nout", "attention_qkv": "q, k, v", "attention_out": "att.\nout"}
TALL, LOW = 0.28, 0.17
"""Heights of a layer in the first heat maps and in the others, inches."""
NUMBER: Style = {"ha": "center", "va": "center", "fontsize": 10}
LATE: Style = {"color": ON_LIGHT, "linewidth": 1.2, "linestyle": (0, (1, 2)), "zorder": 2}

GENERIC: Style = {"color": "#a03000", "marker": "o", "linestyle": (0, (4, 2))}
ANSWER: Style = {"color": "#1f3f8f", "marker": "s", "linestyle": "-"}
STYLES = {"answer": ANSWER, "distributional": GENERIC}
DIAMOND: Style = {"marker": "D", "s": 130, "facecolors": "none", "edgecolors": "black", "linewidths": 1.1}


class SweepPicture(Picture):
    """Changes of P(answer) and of P("the") by role and layer at the rank that is chosen for late MLP inputs; below, by
    layer and rank for each role."""

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
        """Every number of the first heat maps, the least and the largest change of the others, the frames."""
        shown, column = self.shown, self.shown.ranks.index(self.rank)
        first = [
            f"{role}, {label} " + ", ".join(_signed(value) for value in shown.changes(role, metric)[0][:, column])
            for role in shown.roles
            for metric, label in METRICS.items()
        ]
        others = [
            f"{role}, {label} {self._ends(role, metric)}" for role in shown.roles for metric, label in METRICS.items()
        ]
        largest = max(shown.changes(role, metric)[1].max() for role in shown.roles for metric in METRICS)
        framed = [
            f"{role} of layer {layer} at rank {shown.ranks[place]}"
            for role in shown.roles
            for layer, place in np.argwhere(shown.marked(role))
        ]
        return (
            f"Heat maps of changes, layer upwards. First every role at rank {self.rank}, layers from 0 on: "
            f"{'; '.join(first)}. Then rank to the right, {', '.join(map(str, shown.ranks))}, a row per role: "
            f"{'; '.join(others)}. Standard errors: at most {largest:.3f}. "
            f"Framed: {', '.join(framed) if framed else 'no cell'}."
        )

    def _ends(self, role: Role, metric: str) -> str:
        """The least and the largest change of one role, with their cells."""
        values = self.shown.changes(role, metric)[0]
        said = []
        for place in (values.argmin(), values.argmax()):
            layer, column = np.unravel_index(place, values.shape)
            said.append(f"{_signed(values[layer, column])} (layer {layer}, rank {self.shown.ranks[column]})")
        return " to ".join(said)

    @property
    def rank(self) -> int:
        """The rank of the first heat maps."""
        return self.shown.best["late MLP inputs"].cell.rank

    def table(self) -> Table:
        """A row per role, layer, rank and probability."""
        rows, chosen = [], {found.cell: kind for kind, found in self.shown.best.items()}
        for role in self.shown.roles:
            framed = self.shown.marked(role)
            for metric, label in METRICS.items():
                means, errors = self.shown.changes(role, metric)
                for (layer, column), mean in np.ndenumerate(means):
                    cell = Cell(layer, role, self.shown.ranks[column])
                    marks = int(framed[layer, column]), chosen.get(cell, "")
                    rows.append((role, layer, cell.rank, label, mean, errors[layer, column], *marks))
        changes = "change, probability", "standard error"
        return Table(("role", "layer", "rank", "quantity", *changes, "framed", "chosen of"), rows)

    def figure(self) -> Figure:
        """Role by layer at the chosen rank, with numbers; the bar; then layer by rank, a row per role."""
        roles, layers = self.shown.roles, self.shown.swept.layers
        first, other = max(TALL * layers, 0.6), max(LOW * layers, 0.5)
        figure = self.framed(first + 1.1 + len(roles) * (other + 0.3), above=0.55)
        top, scale = figure.get_size_inches()[1] * figure.subplotpars.top, self._scale()
        places = [heat.pair_of_axes(figure, top, first)]
        places += [
            heat.pair_of_axes(figure, top - first - 1.4 - row * (other + 0.3), other) for row in range(len(roles))
        ]
        for side, (metric, label) in enumerate(METRICS.items()):
            drawn = self._draw_first(places[0][side], metric, scale)
            places[0][side].set_title(f"change of {label}\nat rank {self.rank}", loc="left")
            for pair, role in zip(places[1:], roles, strict=True):
                self._draw(pair[side], role, metric, scale)
        for pair, role in zip(places[1:], roles, strict=True):
            pair[0].set_title(HEADINGS[role], loc="left")
        for pair in places:
            pair[0].set_ylabel("layer")
            pair[1].set_yticklabels([])
        for axes in (axes for pair in places[1:-1] for axes in pair):
            axes.set_xticklabels([])
        for axes in places[-1]:
            axes.set_xlabel("rank")
        bar = heat.placed(figure, 0.65, top - first - 0.6, 2 * heat.PANEL + heat.BESIDE, 0.13)
        figure.colorbar(drawn, cax=bar, orientation="horizontal", label="change of a probability, all heat maps")
        return figure

    def _scale(self) -> Normalize:
        """From -m to m, the largest change."""
        roles = self.shown.roles
        largest = max(float(abs(self.shown.changes(role, metric)[0]).max()) for role in roles for metric in METRICS)
        return Normalize(-max(largest, 0.005), max(largest, 0.005))

    def _draw_first(self, axes: Axes, metric: str, scale: Normalize) -> Any:
        """Role by layer at the chosen rank."""
        shown, roles = self.shown, self.shown.roles
        column = shown.ranks.index(self.rank)
        values = np.stack([shown.changes(role, metric)[0][:, column] for role in roles], axis=1)
        drawn = heat.heat_map(axes, values, scale)
        for (layer, place), value in np.ndenumerate(values):
            dark = heat.luminance(heat.FALLS_TO_RISES(scale(value))) < 0.18
            axes.text(place + 0.5, layer + 0.46, _signed(value), color=ON_DARK if dark else ON_LIGHT, **NUMBER)
        for place, role in enumerate(roles):
            heat.frame(axes, [(place, layer) for layer in np.flatnonzero(shown.marked(role)[:, column]).tolist()])
            if role.startswith("mlp"):
                axes.plot([place, place + 1], [shown.swept.layers // 2] * 2, **LATE)
        cells = [found.cell for found in shown.best.values() if found.cell.rank == self.rank]
        heat.corner(axes, [(roles.index(cell.role), cell.layer) for cell in cells])
        axes.set_xticks(np.arange(len(roles)) + 0.5, [SHORT[role] for role in roles])
        return drawn

    def _draw(self, axes: Axes, role: Role, metric: str, scale: Normalize) -> None:
        """Layer by rank of one role."""
        shown = self.shown
        heat.heat_map(axes, shown.changes(role, metric)[0], scale)
        heat.frame(axes, [(column, layer) for layer, column in np.argwhere(shown.marked(role))])
        cells = [found.cell for found in shown.best.values() if found.cell.role == role]
        heat.corner(axes, [(shown.ranks.index(cell.rank), cell.layer) for cell in cells])
        if role.startswith("mlp"):
            axes.axhline(shown.swept.layers // 2, **LATE)
        step = -(-len(shown.ranks) // 9)
        ticks = np.arange(len(shown.ranks))[::step]
        axes.set_xticks(ticks + 0.5, [str(shown.ranks[tick]) for tick in ticks])


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

    def table(self) -> Table:
        """A row per training, set of prompts, probability and number of updates."""
        rows: list[tuple[object, ...]] = []
        for seed, found in ({None: self.shown.found} | dict(self.shown.others)).items():
            for name in self.sets:
                for metric, label in METRICS.items():
                    numbers = zip(found, *self.shown.curve(name, metric, seed), strict=True)
                    rows += [("line" if seed is None else f"seed {seed}", name, label, *one) for one in numbers]
        return Table(("training", "prompts", "quantity", "updates", "mean, probability", "standard error"), rows)

    def figure(self) -> Figure:
        """One panel per set of prompts."""
        figure, places = self.stacked(len(self.sets), 2.1, 0.55, above=1.05)
        for axes, name in zip(places, self.sets, strict=True):
            self._draw(axes, name)
            axes.set_title(f"{name}: {PROMPTS[name]}", loc="left")
            axes.set_ylabel("probability")
        places[-1].set_xlabel("updates")
        handles, labels = places[0].get_legend_handles_labels()
        kept = dict(sorted(dict(zip(labels, handles, strict=True)).items()))
        top = figure.subplotpars.top + 0.25 / figure.get_size_inches()[1]
        figure.legend(kept.values(), kept.keys(), loc="lower left", bbox_to_anchor=(0.01, top), ncols=2)
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
    axes.set(xlim=(-0.25 * first, last * 2 ** (0.05 * spread)), ylim=(-0.03, 1.03))
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
