"""The picture of README: what a two-layer transformer learns first, and what is left without its last feed-forward
layer."""

from collections.abc import Iterable

import numpy as np
from matplotlib.figure import Figure

from simulate.runtime.arrays import Floats

from . import bands
from .bands import Line
from .file import Picture, Style, Table
from .training import CORRECT, DASHED, NOISE, RECALL, SOLID
from .training_data import RecallCurves, contradictions, curves, steps

PANELS: dict[str, dict[str, tuple[str, str, Style]]] = {
    "Full model": {
        "noise": ("P(τ)", "probability", NOISE | SOLID),
        "recall": ("recall", "share of sequences", RECALL | SOLID),
        "on (q,c)": ("attention on (q,c)", "share", {"color": "#1f3f8f", "marker": "D"} | SOLID),
    },
    "Without its last feed-forward layer": {
        "noise without F2": ("P(τ)", "probability", NOISE | DASHED),
        "correct without F2": ("P(c)", "probability", CORRECT | DASHED),
    },
}
"""By panel and name of the quantity: what it is called, its unit, how it is drawn."""
ROUNDING = {"median": 0.05, "low": 0.1, "high": 0.1}
"""How far trainings of the same seeds may be apart on two machines: with AVX2, or without vector instructions, in place
of AVX-512 they were off by at most 0.023 in a median and 0.048 in an end of a band."""


class OverviewPicture(Picture):
    """Noise, recall and attention of the full model, noise and correct token without the last feed-forward layer."""

    def __init__(self, shown: RecallCurves) -> None:
        self.shown = shown
        last = steps(shown.runs)[-1]
        self.title = f"What a two-layer transformer learns first: {last:g} updates, noise level α = {shown.alpha:g}"
        self.contradictions = contradictions(shown.held())
        self.caption = (
            f"{bands.band_in_words(len(shown.runs))} τ: the noise token; c: the correct one, which followed the "
            "trigger q before. Fresh sequences; recall: c ahead of all tokens but τ."
        )

    def description(self) -> str:
        """The medians of every curve, to one decimal."""
        at = steps(self.shown.runs)
        told = [place for place, step in enumerate(at) if step in (0, 10, 100, at[-1])]
        parts = [
            f"{panel}, {label} " + ", ".join(f"{np.median(rows[:, place]):.1f}" for place in told)
            for panel, label, _, rows in self._lines()
        ]
        when = ", ".join(f"{at[place]:g}" for place in told)
        return f"Updates to the right, on a logarithmic scale. Medians after {when} updates: {'; '.join(parts)}."

    def _lines(self) -> Iterable[tuple[str, str, str, Floats]]:
        for panel, quantities in PANELS.items():
            for name, (label, unit, _) in quantities.items():
                yield panel, label, unit, curves(self.shown.runs, name)

    def table(self) -> Table:
        """A row per curve and number of updates, to two decimals, beyond which machines differ."""
        at = steps(self.shown.runs)
        lines = [Line((panel, label, unit), at, rows) for panel, label, unit, rows in self._lines()]
        columns, rows = bands.table(("model", "quantity", "unit"), "updates", lines)[:2]
        kept = len(columns) - len(self.shown.runs)
        first = kept - len(ROUNDING)
        return Table(
            columns[:kept],
            [(*row[:first], *(f"{value:.2f}" for value in row[first:kept])) for row in rows],
            ROUNDING,
        )

    def figure(self) -> Figure:
        """Two panels below each other."""
        figure, places = self.stacked(len(PANELS), 1.8, 0.7, above=0.55)
        at = steps(self.shown.runs)
        for axes, (panel, quantities) in zip(places, PANELS.items(), strict=True):
            for name, (label, _, style) in quantities.items():
                bands.draw_over_updates(axes, at, curves(self.shown.runs, name), label, style)
            bands.update_axis(axes, int(at[-1]), "probability, share")
            axes.set_title(panel, loc="left", pad=23)
            bands.key_above(axes, len(quantities), "left")
        places[-1].set_xlabel("updates")
        return figure
