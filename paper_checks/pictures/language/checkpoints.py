"""The picture of answers along training: markers, filled or empty, and line styles carry the curves, which read without
colour."""

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_checks.pictures.file import Picture, Table
from simulate.prompts.tokens import Readings

from .data import METRICS, Checkpoints
from .style import DIAMOND, PROMPTS, STYLES


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
