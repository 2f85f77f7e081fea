"""What the checks of P on SmolLM2 read: baselines, changes prompt by prompt, their means with clustered errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from paper_checks.experiments.language import METRICS, best_cell, over_distractor
from simulate.language.fingerprints import fingerprint
from simulate.language.pretrained import PRETRAINED
from simulate.laser.sweeps import Cell, Sweep
from simulate.prompts.real import Part
from simulate.prompts.splits import clusters_of
from simulate.runtime.arrays import Floats

from . import jobs
from .jobs import NAME, Baseline
from .splits import Reported, change, means, reported, splits
from .statements import ATTENDS, BREAKS, GONE, HELPS, competing_share, families

__all__ = ["ATTENDS", "BREAKS", "GONE", "HELPS", "competing_share", "means", "on", "over_distractor"]


def is_there() -> bool:
    """Whether the weights are in the cache."""
    return jobs.subject() is not None


def provenance(one: Baseline) -> dict[str, Any]:
    """The model and its weights, how many prompts there are, left out and used, for the evidence."""
    known = PRETRAINED[NAME]
    counts = {"prompts": len(one.prompts), "left out, no single token": one.left_out, "competing": len(one.competing)}
    asked = jobs.subject()
    prints = {known.title: fingerprint(known.weights_sha256, asked.description)} if asked else {}
    return {"models": {known.title: known.weights_sha256}, "fingerprints": prints, "start": known.start, **counts}


def baseline(base_seed: int, name: str) -> Baseline:
    """What the whole model says after a set of prompts."""
    return jobs.baselines(base_seed)[name]


@dataclass(frozen=True, eq=False)
class On:
    """One set of prompts of the sweep."""

    name: str
    base_seed: int
    made: Sweep
    known: Baseline

    @property
    def clusters(self) -> tuple[str, ...]:
        """The cluster of each prompt."""
        return clusters_of(self.known.swept)

    def changes(self, cell: Cell) -> Mapping[str, Floats]:
        """What a cell changes, prompt by prompt: the metrics, and "odds", log P(answer) - log P("the")."""
        return {metric: change(self.made, cell, self.name, metric) for metric in (*METRICS, "odds")}

    def searched(self, family: str) -> list[Reported]:
        """What every split reports of a family of cells, chosen on the other half."""
        return reported(self.made, families()[family], self.name, splits(self.known.swept, self.name, self.base_seed))

    def over_splits(self, several: Sequence[Reported]) -> dict[str, Floats]:
        """The mean of what the splits report, prompt by prompt, by metric."""
        return {key: np.mean([one.changes[key] for one in several], axis=0) for key in several[0].changes}

    def best_of_all(self, family: str) -> tuple[Cell, int]:
        """The best cell of a family on all prompts, and how many it is the best of."""
        cells = families()[family]
        return best_cell(self.made, cells, self.name, slice(None)), len(cells)

    def means(self, columns: Sequence[Floats]) -> dict[str, Any]:
        """Means of columns with clustered errors, and where they come from."""
        return means(columns, self.clusters) | provenance(self.known)


def on(base_seed: int, name: str, part: Part = "claim") -> On:
    """One set of prompts of the sweep of a run."""
    return On(name, base_seed, jobs.smollm2_sweep(base_seed, part), jobs.baselines(base_seed, part)[name])
