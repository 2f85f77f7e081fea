"""The pictures of training: recall and attention over updates, probabilities by rank, memory probes over updates.

Markers, filled or empty, and line styles carry everything, so that they read without colour.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_checks.experiments.trainings import recall as experiments
from paper_checks.experiments.trainings.recall import Observed
from paper_checks.experiments.trainings.settings import DESK_TASK
from simulate.transformer.plan import LossOn

from . import bands
from .bands import Line
from .file import Picture, Style, Table
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
ANSWER_UNITS = {"noise": "probability", "correct": "probability", "recall": "share of sequences"}
WITHOUT = " without F2"
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
        self.caption = (
            f"{bands.band_in_words(len(shown.runs))} {MEASURED} Recall: c ahead of all tokens but τ. F2: the last "
            f"feed-forward layer. {held}"
        )

    def description(self) -> str:
        """The medians of every curve."""
        runs = self.shown.runs
        parts = [
            _told(f"{label}{which or ' of the full model'}", runs, name + which)
            for name, (label, _) in ANSWERS.items()
            for which in ("", WITHOUT)
        ]
        parts += [_told(f"attention of the {label}", runs, name) for name, (label, _) in LOOKS.items()]
        return f"Updates to the right, on a logarithmic scale. Medians {_when(runs)}: {'; '.join(parts)}."

    def table(self) -> Table:
        """A row per curve and number of updates."""
        runs = self.shown.runs
        answers = [
            (("without F2" if which else "full model", label, ANSWER_UNITS[name]), name + which)
            for which in ("", WITHOUT)
            for name, (label, _) in ANSWERS.items()
        ]
        looks = [(("full model", f"attention, {label}", "share"), name) for name, (label, _) in LOOKS.items()]
        lines = [Line(names, steps(runs), curves(runs, name)) for names, name in answers + looks]
        return bands.table(("model", "quantity", "unit"), "updates", lines)

    def figure(self) -> Figure:
        """Answers of the full model, those without F2, and attention, below each other."""
        (figure, places), runs = self.stacked(3, 1.75, 0.75, above=0.35), self.shown.runs
        for axes, which, style in ((places[0], "", SOLID), (places[1], WITHOUT, DASHED)):
            for name, (label, colour) in ANSWERS.items():
                _draw(axes, runs, name + which, label, colour | style)
        for name, (label, style) in LOOKS.items():
            _draw(places[2], runs, name, label, style)
        alpha = self.shown.alpha
        for value, said in {1 - alpha: "1 - α", alpha: "α"}.items() if alpha != 0.5 else [(0.5, "α = 1 - α")]:
            _level(places[0], value, said)
        for axes, heading in zip(places, ("Full model", "Without F2", ""), strict=True):
            axes.set_title(heading, loc="left")
            bands.update_axis(axes, int(steps(runs)[-1]), "probability, share" if heading else "attention")
            bands.key_above(axes, 3 if heading else 2)
        places[2].set_xlabel("updates")
        return figure


class RanksPicture(Picture):
    """P(τ) and P(c) over the number of top singular directions that a matrix keeps, or loses."""

    def __init__(self, panels: Sequence[Truncation]) -> None:
        self.panels = panels
        self.title = f"Which singular directions hold the noise: N = {DESK_TASK.N} tokens, α = {DESK_TASK.alpha:g}"
        self.contradictions, held = _held([found for panel in panels for found in panel.held()])
        self.caption = (
            "One matrix of a trained model is replaced by the part of its top r singular directions, or by the other "
            f"part. {bands.band_in_words(len(panels[0].kept['noise']))} {MEASURED} {held}"
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

    def table(self) -> Table:
        """A row per curve and rank."""
        lines = [
            Line((panel.matrix, part, label, "probability"), panel.ranks, values[name])
            for panel in self.panels
            for part, values in (("kept", panel.kept), ("removed", panel.removed))
            for name, (label, _) in PROBABILITIES.items()
        ]
        return bands.table(("matrix", "top directions", "quantity", "unit"), "rank", lines)

    def figure(self) -> Figure:
        """One panel per matrix."""
        figure, places = self.stacked(len(self.panels), 1.75, 0.55, above=0.85)
        for axes, panel in zip(places, self.panels, strict=True):
            for part, values, style in (("kept", panel.kept, SOLID), ("removed", panel.removed, DASHED)):
                for name, (label, colour) in PROBABILITIES.items():
                    at, said = np.array(panel.ranks), f"{label}, top r {part}"
                    bands.draw_band(axes, at, values[name], said, colour | style)
            bands.bent_axis(axes, panel.ranks[-1], 2, [0, 1, 2, 4, 8, 16, 32, panel.ranks[-1]])
            axes.set_ylabel("probability")
            axes.set_title(HEADINGS[panel.matrix], loc="left")
            if panel.matrix == "W_OV2":
                _mark(axes, DESK_TASK.N, f"N = {DESK_TASK.N}")
        places[-1].set_xlabel("top singular directions r, kept or removed")
        _key_of_all(figure, places[0], 2)
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
            f"{bands.band_in_words(len(shown.runs['every']))} {held}"
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

    def table(self) -> Table:
        """A row per curve and number of updates."""
        chosen = [
            ((LOSSES[loss_on], f"memory recall of {label}", "share"), loss_on, name)
            for loss_on in LOSSES
            for name, (label, _) in MEMORIES.items()
        ]
        chosen += [
            ((LOSSES["every"], label, "nats" if name == "bigrams" else "share of sequences"), "every", name)
            for name, (label, _) in BIGRAMS_FIRST.items()
        ]
        runs = self.shown.runs
        lines = [Line(names, steps(runs[loss]), curves(runs[loss], name)) for names, loss, name in chosen]
        return bands.table(("loss", "quantity", "unit"), "updates", lines)

    def figure(self) -> Figure:
        """Memory recall in two panels, then KL and recall."""
        figure, places = self.stacked(4, 1.6, 0.55, above=0.6)
        for axes, loss_on in zip(places, LOSSES, strict=False):
            for name, (label, style) in MEMORIES.items():
                _draw(axes, self.shown.runs[loss_on], name, label, style)
            bands.update_axis(axes, int(steps(self.shown.runs[loss_on])[-1]), "memory recall")
            axes.set_title(f"Loss {LOSSES[loss_on]}", loc="left")
        runs = self.shown.runs["every"]
        for axes, (name, (label, style)) in zip(places[2:], BIGRAMS_FIRST.items(), strict=True):
            _draw(axes, runs, name, label, style)
            bands.update_axis(axes, int(steps(runs)[-1]), label)
            axes.set_title(f"Loss {LOSSES['every']}", loc="left")
        places[2].set(ylim=(0, 1.05 * curves(runs, "bigrams").max()))
        places[3].set_xlabel("updates")
        _key_of_all(figure, places[0], 3)
        return figure


def _draw(axes: Axes, runs: Sequence[Observed], name: str, label: str, style: Style) -> None:
    bands.draw_over_updates(axes, steps(runs), curves(runs, name), label, style)


def _key_of_all(figure: Figure, axes: Axes, columns: int) -> None:
    """The lines of every panel, above the first one's heading."""
    height = figure.get_size_inches()[1]
    where = (0.02, figure.subplotpars.top + 0.25 / height)
    figure.legend(*axes.get_legend_handles_labels(), loc="lower left", bbox_to_anchor=where, ncols=columns)


def _level(axes: Axes, value: float, said: str) -> None:
    axes.axhline(value, color="black", linewidth=0.8, linestyle=(0, (1, 3)))
    axes.annotate(said, (0.012, value), xycoords=("axes fraction", "data"), va="bottom")


def _mark(axes: Axes, place: int, said: str) -> None:
    axes.axvline(place, color="black", linewidth=0.9, linestyle=":")
    axes.annotate(f" {said}", (place, 0.97), xycoords=("data", "axes fraction"), va="top")


def _held(held: Sequence[Held]) -> tuple[list[str], str]:
    """What is on the wrong side of the ledger's thresholds, and a sentence on that."""
    if not held:
        return [], "The ledger has no claim on this setting."
    wrong, claims = contradictions(held), ", ".join(sorted({found.claim for found in held}))
    against = f"{len(held)} numbers held against the ledger's thresholds in {claims}"
    return wrong, f"{against}: {len(wrong)} on the wrong side in most trainings."


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
