"""What P1, P2, P4 and P5 `.smollm2` state of SmolLM2, in numbers prompt by prompt.

Cells that are named were chosen on the pilot's prompts, which share no word with those of a claim. Cells that are
searched are chosen on one half of the claim's prompts and reported on the other (`splits`).
"""

import numpy as np

from simulate.laser.sweeps import Cell
from simulate.runtime.arrays import Floats

from .jobs import ATTENTION, LATE, MLP, Baseline, late_cells

LAST, PENULTIMATE = LATE[-1], LATE[-2]
HELPS: dict[str, Cell] = {
    "recall": Cell(LAST, "mlp_up", without=4),
    "facts": Cell(PENULTIMATE, "mlp_up", fraction=0.5),
}
"""The MLP matrices of the pilot: of every set the best single one."""
GONE = Cell(PENULTIMATE, "mlp_in", 0)
"""The penultimate layer without its MLP."""
BREAKS: tuple[Cell, ...] = tuple(Cell(LAST, "mlp_up", fraction=fraction) for fraction in (0.1, 0.25, 0.5))
"""The last layer's same matrix at low rank."""
ATTENDS: dict[str, Cell] = {
    "recall": Cell(24, "attention_qkv", fraction=0.25),
    "facts": Cell(LAST, "attention_qkv", fraction=0.5),
}
"""The attention matrices of the pilot."""


def families() -> dict[str, tuple[Cell, ...]]:
    """The cells that are searched, by name."""
    return {"MLP": late_cells(MLP), "attention": late_cells(ATTENTION)}


def competing_share(one: Baseline) -> Floats:
    """1 for every prompt on which " the" competes with the answer, else 0."""
    found = np.zeros(len(one.prompts))
    found[one.competing] = 1.0
    return found
