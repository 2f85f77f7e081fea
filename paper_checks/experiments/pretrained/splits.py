"""Choose a cell on one half of the prompts, report it on the other: over several random splits, both ways.

A split gives whole clusters to one of two halves. The best cell of some is chosen on either half and reported on the
other, so that every prompt is reported once per split, with a cell that was chosen without it:

    d_i = m_i(cell chosen on the half that does not have i) - m_i(whole model),   i = 1 … prompts    (1)

for a metric m. The mean of (1) over prompts has the standard error of clustered prompts. Splits are fixed by the run's
seed before any cell is looked at; what is compared is the mean of (1) over the splits, prompt by prompt.

Whatever is chosen, a choice on one half costs the other nothing. As a second witness the cell that is best on all
prompts is held to the false-alarm level over the number of cells searched (Bonferroni): `best_of_all`.

Source: Chernozhukov et al. (2018), cross-fitting; Cameron, Gelbach and Miller (2008), clustered standard errors.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from paper_checks.evidence import experiment_seed
from paper_checks.experiments.language import METRICS, best_cell
from simulate.laser.sweeps import Cell, Sweep
from simulate.prompts.sets import Prompt
from simulate.prompts.splits import split_clusters
from simulate.prompts.tokens import mean_and_error
from simulate.runtime.arrays import Floats, Integers

SPLITS = 5


def splits(prompts: Sequence[Prompt], name: str, base_seed: int) -> list[tuple[Integers, Integers]]:
    """The halves of a set of prompts, SPLITS times: a function of the run's seed, the set's name and its clusters."""
    return [
        split_clusters(prompts, seed=experiment_seed(base_seed, f"split {number} of {name}"))
        for number in range(SPLITS)
    ]


@dataclass(frozen=True, eq=False)
class Reported:
    """What one split reports.

    Attributes:
        cells: chosen on the first half and on the second.
        changes: (1) by metric, float64 of shape (prompts,).
    """

    cells: tuple[Cell, Cell]
    changes: Mapping[str, Floats]


def reported(
    made: Sweep, cells: Sequence[Cell], name: str, halves: Iterable[tuple[Integers, Integers]]
) -> list[Reported]:
    """Per split the best of these cells on either half, reported on the other."""
    return [_reported(made, cells, name, *pair) for pair in halves]


def _reported(made: Sweep, cells: Sequence[Cell], name: str, first: Integers, second: Integers) -> Reported:
    chosen = best_cell(made, cells, name, first), best_cell(made, cells, name, second)
    changes: dict[str, Floats] = {}
    for metric in (*METRICS, "odds"):
        column = np.empty(len(first) + len(second))
        for cell, places in zip(chosen, (second, first), strict=True):
            column[places] = change(made, cell, name, metric)[places]
        changes[metric] = column
    return Reported(chosen, changes)


def change(made: Sweep, cell: Cell, name: str, metric: str) -> Floats:
    """Change of a metric, or of the "odds" log P(answer) - log P("the"), prompt by prompt."""
    if metric != "odds":
        return made.change(cell, name, metric)
    after, before = made.cells[cell][name], made.whole[name]
    found: Floats = np.log(after.answer / after.distributional) - np.log(before.answer / before.distributional)
    return found


def means(columns: Sequence[Floats], clusters: Sequence[str]) -> dict[str, Any]:
    """Means of numbers prompt by prompt as arguments of a comparison of their signs: "value", "standard_error",
    clustered, and "degrees" of freedom, clusters less one.

    A column that is the same everywhere has the error 1e-7, the rounding of float32.
    """
    pairs = [mean_and_error(column, clusters) for column in columns]
    errors = [max(error, 1e-7) for _, error in pairs]
    return {"value": [mean for mean, _ in pairs], "standard_error": errors, "degrees": len(set(clusters)) - 1}
