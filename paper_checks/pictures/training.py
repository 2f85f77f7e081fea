"""The pictures of training: recall and attention over updates, probabilities by rank, memory probes over updates.

Markers, filled or empty, and line styles carry everything, so that they read without colour.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_checks.experiments.trainings import recall as experiments
from paper_checks.experiments.trainings.recall import Observed
from paper_checks.experiments.trainings.settings import DESK_TASK, MARKS
from simulate.runtime.arrays import Floats
from simulate.transformer.plan import LossOn

from .file import Picture, Style
from .training_data import Held, ProbeCurves, RecallCurves, Truncation, contradictions, curves, steps

NOISE: Style = {"color": "#a03000", "marker": "o"}
CORRECT: Style = {"color": "#1f3f8f", "marker": "s"}
RECALL: Style = {"color": "0.35", "marker": "^"}
SOLID: Style = {"linestyle": "-"}
DASHED: Style = {"linestyle": (0, (4, 2)), "markerfacecolor": "white"}

ANSWERS = {"noise": ("P(τ)", NOISE), "correct": ("P(c)", CORRECT), "recall": ("recall", RECALL)}
PROBABILITIES = {name: ANSWERS[name] for name in ("noise", "correct")}
LOOKS: dict[str, tuple[str, Style]] = {
    "on (q,c)": ("2nd layer, on (q,c)", CORRECT | SOLID),
    "on (q,τ)": ("2nd layer, on (q,τ)", NOISE | SOLID),
    "previous": ("1st layer, on t-1, all t", {"color": "black", "marker": "D"} | DASHED),
    "after": ("1st layer, on t-1, t after a trigger", {"color": "0.45", "marker": "v", "linestyle": ":"}),
}
MEMORIES: dict[str, tuple[str, Style]] = {
    "W_O2": ("W_O²", CORRECT | SOLID),
    "W_K2": ("W_K²", NOISE | DASHED),
    "W_K1": ("W_K¹", RECALL | {"linestyle": ":"}),
}
BIGRAMS_FIRST: dict[str, tuple[str, Style]] = {
    "bigrams": ("KL on bigrams, in nats", {"color": "0.35", "marker": "D"} | SOLID),
    "recall": ("in-context recall", {"color": "#1f3f8f", "marker": "s"} | SOLID),
}
LOSSES: dict[LossOn, str] = {"every": "on every token", "recall": "at triggers that stood before"}
HEADINGS = {
    "F2.w1": "w1 of F2 (reads its input)",
    "F2.w2": "w2 of F2 (writes its output)",
    "W_OV2": "W_O² W_V², no feed-forward layers",
}
MEASURED = "Measured on fresh sequences, at the last trigger whose c was shown before."
TOLD = (0, 10, 50, 100, 200)
"""Numbers of updates at which a description has the numbers, besides the last."""


class CurvesPicture(Picture):
    """Answers with F2 and without, and attention of both layers, over training."""

    def __init__(self, shown: RecallCurves) -> None:
        self.shown = shown
        at, several = steps(shown.runs), "" if shown.triggers == 1 else "s"
        self.title = (
            f"Noisy recall over training: noise level α = {shown.alpha:g}, {shown.triggers} trigger{several}, "
            f"{at[-1]:g} updates"
        )
        self.contradictions, held = _held(shown.held())
        self.caption = f"{_lines(len(shown.runs))} {MEASURED} Recall: c ahead of all tokens but τ. {held}"

    def description(self) -> str:
        """The medians of every curve."""
        runs = self.shown.runs
        parts = [
            _told(f"{label}{which or ' of the full model'}", runs, name + which)
            for name, (label, _) in ANSWERS.items()
            for which in ("", " without F2")
        ]
        parts += [_told(f"attention of the {label}", runs, name) for name, (label, _) in LOOKS.items()]
        return f"Updates to the right, on a logarithmic scale. Medians {_when(runs)}: {'; '.join(parts)}."

    def figure(self) -> Figure:
        """Answers on the left, attention on the right."""
        figure, runs = self.framed((11.6, 5.7), left=0.65, above=1.2, right=0.2), self.shown.runs
        left, right = figure.subplots(1, 2, gridspec_kw={"wspace": 0.16})
        for which, style in (("", SOLID), (" without F2", DASHED)):
            for name, (label, colour) in ANSWERS.items():
                _draw_over_updates(left, runs, name + which, label + which, colour | style)
        for name, (label, style) in LOOKS.items():
            _draw_over_updates(right, runs, name, label, style)
        alpha = self.shown.alpha
        for value, said in {1 - alpha: "1 - α", alpha: "α"}.items() if alpha != 0.5 else [(0.5, "α = 1 - α")]:
            _level(left, value, said)
        for axes, label in ((left, "probability, share of sequences"), (right, "attention")):
            _over_updates(axes, runs, label)
            axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=2, frameon=False)
        return figure


class RanksPicture(Picture):
    """P(τ) and P(c) over the number of top singular directions that a matrix keeps, or loses."""

    def __init__(self, panels: Sequence[Truncation]) -> None:
        self.panels = panels
        self.title = f"Which singular directions hold the noise: N = {DESK_TASK.N} tokens, α = {DESK_TASK.alpha:g}"
        self.contradictions, held = _held([found for panel in panels for found in panel.held()])
        self.caption = (
            "One matrix of a trained model is replaced by the part of its top r singular directions, or by the other "
            f"part. {_lines(len(panels[0].kept['noise']))} {MEASURED} {held}"
        )

    def description(self) -> str:
        """The medians of every curve."""
        parts = [
            f"{HEADINGS[panel.matrix]}: {label} with the top r {part} "
            + ", ".join(f"{value:.2f}" for value in np.median(values[name], axis=0))
            for panel in self.panels
            for part, values in (("kept", panel.kept), ("removed", panel.removed))
            for name, (label, _) in PROBABILITIES.items()
        ]
        ranks = ", ".join(str(rank) for rank in self.panels[0].ranks)
        return f"Rank r to the right, on a logarithmic scale. Medians at r = {ranks}: {'; '.join(parts)}."

    def figure(self) -> Figure:
        """One panel per matrix."""
        figure = self.framed((12.6, 5.0), left=0.65, above=1.0, right=0.2)
        places = figure.subplots(1, len(self.panels), sharey=True, gridspec_kw={"wspace": 0.07})
        for axes, panel in zip(places, self.panels, strict=True):
            for part, values, style in (("kept", panel.kept, SOLID), ("removed", panel.removed, DASHED)):
                for name, (label, colour) in PROBABILITIES.items():
                    draw_seeds(axes, np.array(panel.ranks), values[name], f"{label}, top r {part}", colour | style)
            _bent(
                axes,
                panel.ranks[-1],
                2,
                [0, 1, 2, 4, 8, 16, 32, panel.ranks[-1]],
                "top singular directions r, kept or removed",
            )
            axes.set_title(HEADINGS[panel.matrix], loc="left", fontsize=10)
            if panel.matrix == "W_OV2":
                _mark(axes, DESK_TASK.N, f"N = {DESK_TASK.N}")
        places[0].set_ylabel("probability")
        _figure_key(figure, places[0])
        return figure


class ProbesPicture(Picture):
    """Memory recall of the three matrices by the loss, and global bigrams and recall, over training."""

    def __init__(self, shown: ProbeCurves) -> None:
        self.shown = shown
        last = steps(shown.runs["every"])[-1]
        self.title = f"The birth of an induction head: three random triggers, no noise, {last:g} updates"
        self.contradictions, held = _held(shown.held())
        self.caption = (
            "Memory recall: share of tokens (W_O², W_K²) or positions (W_K¹) whose association ranks first; B5 asks "
            "when each is half-way from its first value to 1. Recall: c ahead of all tokens, z_T made a trigger whose "
            "c was shown before. KL: from the chain's rows, away from triggers. Each training has its own chain. "
            f"{_lines(len(shown.runs['every']))} {held}"
        )

    def description(self) -> str:
        """The medians of every curve."""
        parts = [
            _told(f"memory recall of {label}, loss {LOSSES[loss_on]}", self.shown.runs[loss_on], name)
            for loss_on in LOSSES
            for name, (label, _) in MEMORIES.items()
        ]
        runs = self.shown.runs["every"]
        parts += [_told(f"{label}, loss {LOSSES['every']}", runs, name) for name, (label, _) in BIGRAMS_FIRST.items()]
        return f"Updates to the right, on a logarithmic scale. Medians {_when(runs)}: {'; '.join(parts)}."

    def figure(self) -> Figure:
        """Memory recall in two panels, KL above recall in a third column."""
        figure = self.framed((13.2, 5.5), left=0.65, above=0.95, right=0.2)
        grid = figure.add_gridspec(2, 3, wspace=0.23, hspace=0.12)
        for column, loss_on in enumerate(LOSSES):
            self._draw_memories(figure.add_subplot(grid[:, column]), loss_on)
        runs = self.shown.runs["every"]
        for row, (name, (label, style)) in enumerate(BIGRAMS_FIRST.items()):
            axes = figure.add_subplot(grid[row, 2])
            _draw_over_updates(axes, runs, name, label, style)
            _over_updates(axes, runs, label)
        upper = figure.axes[2]
        upper.set(xlabel="", xticklabels=[], ylim=(0, 1.05 * curves(runs, "bigrams").max()))
        upper.set_title(f"Loss {LOSSES['every']}", loc="left", fontsize=10)
        _figure_key(figure, figure.axes[0])
        return figure

    def _draw_memories(self, axes: Axes, loss_on: LossOn) -> None:
        runs = self.shown.runs[loss_on]
        for name, (label, style) in MEMORIES.items():
            _draw_over_updates(axes, runs, name, label, style)
        _over_updates(axes, runs, "memory recall")
        axes.set_title(f"Loss {LOSSES[loss_on]}", loc="left", fontsize=10)


def draw_seeds(axes: Axes, at: Floats, rows: Floats, label: str, style: Style, marked: Any = None) -> None:
    """Several seeds as thin lines, their median as a thick one with markers, at the places `marked` if given."""
    for row in rows if len(rows) > 1 else ():
        thin = {"color": style["color"], "linestyle": style["linestyle"], "linewidth": 0.7, "alpha": 0.7}
        axes.plot(at, row, label=f"_{label}", **thin)
    axes.plot(at, np.median(rows, axis=0), label=label, linewidth=1.8, markersize=4.5, markevery=marked, **style)


def _draw_over_updates(axes: Axes, runs: Sequence[Observed], name: str, label: str, style: Style) -> None:
    """A quantity over the steps, with markers at those of MARKS and the last."""
    at = steps(runs)
    marked = [place for place, step in enumerate(at) if step in MARKS or step == at[-1]]
    draw_seeds(axes, at, curves(runs, name), label, style, marked)


def _figure_key(figure: Figure, axes: Axes) -> None:
    """The lines of one panel, under the title."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper left", bbox_to_anchor=(0.005, 0.935), ncols=4, frameon=False)


def _level(axes: Axes, value: float, said: str) -> None:
    axes.axhline(value, color="black", linewidth=0.8, linestyle=(0, (1, 3)))
    axes.annotate(said, (0.012, value), xycoords=("axes fraction", "data"), va="bottom", fontsize=9)


def _over_updates(axes: Axes, runs: Sequence[Observed], label: str) -> None:
    last = int(steps(runs)[-1])
    _bent(axes, last, 10, [0, *(10**k for k in range(4) if 2 * 10**k < last), last], "updates")
    axes.set_ylabel(label)


def _bent(axes: Axes, last: int, base: int, ticks: list[int], label: str) -> None:
    """0 at the left, then a logarithmic axis from 1 on; shares upwards."""
    axes.set_xscale("symlog", base=base, linthresh=1, linscale=0.6)
    axes.set(xlim=(-0.12, last * base**0.06), ylim=(-0.02, 1.02), xlabel=label)
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.grid(color="0.9", linewidth=0.6)


def _mark(axes: Axes, place: int, said: str) -> None:
    axes.axvline(place, color="black", linewidth=0.9, linestyle=":")
    axes.annotate(f" {said}", (place, 0.97), xycoords=("data", "axes fraction"), va="top", fontsize=9)


def _held(held: Sequence[Held]) -> tuple[list[str], str]:
    """What is on the wrong side of the ledger's thresholds, and a sentence on that."""
    if not held:
        return [], "The ledger has no claim on this setting."
    wrong, claims = contradictions(held), ", ".join(sorted({found.claim for found in held}))
    against = f"{len(held)} numbers held against the ledger's thresholds in {claims}"
    return wrong, f"{against}: {len(wrong)} on the wrong side in most trainings."


def _lines(count: int) -> str:
    return "Lines: one training." if count == 1 else f"Thick: medians over {count} trainings; thin: each of them."


def _when(runs: Sequence[Observed]) -> str:
    *first, last = [f"{step:g}" for step in _told_steps(runs)]
    return f"after {', '.join(first)} and {last} updates"


def _told_steps(runs: Sequence[Observed]) -> list[float]:
    at = steps(runs)
    return [float(step) for step in at if step in TOLD or step == at[-1]]


def _told(label: str, runs: Sequence[Observed], name: str) -> str:
    """The medians of one curve in words."""
    values = [float(np.median(experiments.at_step(runs, name, int(step)))) for step in _told_steps(runs)]
    return f"{label} {', '.join(f'{value:.2f}' for value in values)}"
