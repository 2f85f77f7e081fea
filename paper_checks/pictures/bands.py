"""Numbers of several trainings as a line and a band: the median, and the order statistics that hold it.

The band is the interval that the evidence of the claims has (`evidence.training_design.median_interval`).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from paper_checks.evidence.training_design import median_interval
from paper_checks.experiments.trainings.settings import MARKS
from simulate.runtime.arrays import Floats

from .file import Style, Table

BAND: Style = {"alpha": 0.22, "linewidth": 0}
ORDINALS = {1: "", 2: "second ", 3: "third "}


class Band(NamedTuple):
    """At each place the median over the trainings and the ends of its interval."""

    median: Floats
    low: Floats
    high: Floats


def band(rows: Floats) -> Band:
    """Of one row per training."""
    ends = np.array([median_interval(column)[:2] for column in rows.T])
    return Band(np.median(rows, axis=0), ends[:, 0], ends[:, 1])


def band_in_words(count: int) -> str:
    """What line and band of so many trainings are."""
    if count == 1:
        return "Lines: one training."
    least, _, coverage = median_interval(np.arange(count))
    which = ORDINALS.get(int(least) + 1, f"{int(least) + 1}th ")
    return (
        f"Lines: medians over {count} trainings; bands: from their {which}least to their {which}largest number, which "
        f"hold the median of all trainings with probability {coverage:.2f}."
    )


def draw_band(axes: Axes, at: Floats, rows: Floats, label: str, style: Style, marked: Any = None) -> None:
    """The median as a line with markers, at the places `marked` if given, and the band behind it."""
    found = band(rows)
    if len(rows) > 1:
        axes.fill_between(at, found.low, found.high, color=style["color"], label=f"_{label}", **BAND)
    axes.plot(at, found.median, label=label, linewidth=1.8, markersize=4.5, markevery=marked, **style)


def draw_over_updates(axes: Axes, at: Floats, rows: Floats, label: str, style: Style) -> None:
    """A quantity over the updates, with markers at those of MARKS and the last."""
    marked = [place for place, step in enumerate(at) if step in MARKS or step == at[-1]]
    draw_band(axes, at, rows, label, style, marked)


def update_axis(axes: Axes, last: int, label: str) -> None:
    """Updates to the right, `label` upwards."""
    bent_axis(axes, last, 10, [0, *(10**k for k in range(4) if 2 * 10**k < last), last])
    axes.set_ylabel(label)


def bent_axis(axes: Axes, last: int, base: int, ticks: list[int]) -> None:
    """0 at the left, then a logarithmic axis from 1 on; shares upwards."""
    axes.set_xscale("symlog", base=base, linthresh=1, linscale=0.6)
    axes.set(xlim=(-0.12, last * base**0.06), ylim=(-0.02, 1.02))
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.grid(color="0.9", linewidth=0.6)


def key_above(axes: Axes, columns: int, side: str = "right") -> None:
    """The lines of one panel, above it, at its left or right end."""
    options: Style = {"loc": f"lower {side}", "bbox_to_anchor": (-0.02 if side == "left" else 1.02, 1.0)}
    axes.legend(**options, ncols=columns, borderaxespad=0.1, columnspacing=1.4)


class Line(NamedTuple):
    """One line of a picture: what tells it from the others in the table, where, and one row per training."""

    names: Sequence[str]
    at: Sequence[float] | Floats
    rows: Floats


def table(names: Sequence[str], at: str, lines: Sequence[Line]) -> Table:
    """One row per line and place; `names` and `at` are the columns before the numbers."""
    trainings = [f"training {n}" for n in range(1, len(lines[0].rows) + 1)]
    return Table(
        [*names, at, "median", "low", "high", *trainings],
        [
            (*line.names, f"{place:g}", *numbers, *values)
            for line in lines
            for place, numbers, values in zip(line.at, zip(*band(line.rows), strict=True), line.rows.T, strict=True)
        ],
    )
