"""A sweep of pocket Pythia and one of SmolLM2 in one form, and which of their cells are the best.

A cell is chosen on one half of the prompts; what is drawn of it over the rank is the other half's.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from paper_checks.experiments.language import PROMPTS_PER_CITY, best_cell
from paper_checks.experiments.pocket_models import joined, model_label, pocket_models, sweep_of_role
from paper_checks.experiments.pretrained import jobs as pretrained
from paper_checks.experiments.pretrained.splits import splits
from paper_checks.experiments.rise import CLAIMED
from paper_checks.jobs import results
from simulate.language.pretrained import PRETRAINED
from simulate.laser.roles import ROLES, Role
from simulate.laser.sweeps import Cell, Sweep
from simulate.pocket.shipped import EXPLORED, pocket_folders
from simulate.prompts.sets import halves
from simulate.prompts.splits import clusters_of
from simulate.prompts.tokens import mean_and_error
from simulate.runtime.arrays import Integers

from .data import ERRORS, METRICS

Halves: TypeAlias = tuple[Integers, Integers]
KINDS: dict[str, tuple[Role, ...]] = {"MLP": pretrained.MLP, "attention": pretrained.ATTENTION}
"""Roles among which the best cell is looked for."""


@dataclass(frozen=True, eq=False)
class Side:
    """A sweep of one model.

    Attributes:
        model: in words.   note: what the caption says of it.
        full: rank of a whole matrix, where cells are at a rank other than 0.
        clusters: by set one name per prompt; prompts that share it are not independent.
        halves: by set the places of the prompts on which cells are chosen, and of those that are reported.
    """

    model: str
    note: str
    sweep: Sweep
    full: int | None
    clusters: Mapping[str, Sequence[str]]
    halves: Mapping[str, Halves]

    @property
    def sets(self) -> tuple[str, ...]:
        """Names of the sets of prompts."""
        return tuple(self.sweep.whole)

    @property
    def roles(self) -> list[Role]:
        """In the order of the sweep, those of the MLP first."""
        there = dict.fromkeys(cell.role for cell in self.sweep.cells)
        return [role for kind in KINDS.values() for role in there if role in kind]

    @property
    def swept_layers(self) -> list[int]:
        """Increasing."""
        return sorted({cell.layer for cell in self.sweep.cells})

    def share(self, cell: Cell) -> float:
        """What a cell keeps of the rank; not a number for one without its top directions."""
        if cell.without is not None:
            return float("nan")
        if cell.fraction is not None or cell.rank == 0:
            return cell.fraction or 0.0
        if self.full is None:
            raise ValueError(f"full must be the rank of a whole matrix for {cell}, got None")
        return cell.exact_rank / self.full

    @cached_property
    def shares(self) -> dict[tuple[int, Role], dict[float, Cell]]:
        """The cells of each layer and role that keep the top, by their share of the rank, increasing."""
        found: dict[tuple[int, Role], dict[float, Cell]] = {}
        for cell in sorted((cell for cell in self.sweep.cells if cell.without is None), key=self.share):
            found.setdefault((cell.layer, cell.role), {})[self.share(cell)] = cell
        return found

    def change(self, cell: Cell, name: str, metric: str) -> tuple[float, float]:
        """Mean over all prompts of the change, and its standard error."""
        return mean_and_error(self.sweep.change(cell, name, metric), self.clusters[name])

    def reported(self, cell: Cell | None, name: str, metric: str) -> tuple[float, float]:
        """Mean over the reported half of a metric, and its standard error; None is the whole model."""
        found, places = self.sweep.whole if cell is None else self.sweep.cells[cell], self.halves[name][1]
        return mean_and_error(getattr(found[name], metric)[places], [self.clusters[name][place] for place in places])

    def marked(self, cell: Cell, name: str) -> bool:
        """Whether P(answer) rises and P("the") falls, both by more than ERRORS standard errors."""
        (rise, error), (fall, other) = (self.change(cell, name, metric) for metric in METRICS)
        return rise > ERRORS * error and -fall > ERRORS * other

    def best(self, name: str, kind: str) -> Cell:
        """The cell of a kind of roles that keeps the top and has the largest smaller one of the two effects."""
        cells = [cell for cell in self.sweep.cells if cell.role in KINDS[kind] and cell.without is None]
        return best_cell(self.sweep, cells, name, self.halves[name][0])

    def best_without(self, name: str) -> Cell | None:
        """The best of the cells without their top directions; None where none was swept."""
        cells = [cell for cell in self.sweep.cells if cell.without is not None]
        return best_cell(self.sweep, cells, name, self.halves[name][0]) if cells else None


def pocket_side(base_seed: int, training_seed: int = EXPLORED[0]) -> Side:
    """Pocket Pythia of one training seed, swept as for the pictures beside P4 and P5, by the same jobs."""
    ((seed, step),) = pocket_models([training_seed])
    found = joined(results([sweep_of_role.of(seed, step, base_seed, CLAIMED, role) for role in ROLES]))
    counts = {name: len(readings.answer) for name, readings in found.sweep.whole.items()}
    clusters = {
        name: [str(place // PROMPTS_PER_CITY if name == "facts" else place) for place in range(count)]
        for name, count in counts.items()
    }
    seen = "one of those on which thresholds were decided" if seed in EXPLORED else "one of those of the claims"
    return Side(
        f"Pocket Pythia, {model_label(seed, step)}",
        f"training seed {seed} is {seen}",
        found.sweep,
        json.loads((pocket_folders()[seed][step] / "config.json").read_text(encoding="utf-8"))["hidden_size"],
        clusters,
        {name: halves(count) for name, count in counts.items()},
    )


def smollm2_side(base_seed: int) -> Side:
    """SmolLM2's last layers, swept by the jobs of the claims P*.smollm2; halves are those of their first split.

    Raises:
        ValueError: its weights are not in the cache.
    """
    if pretrained.subject() is None:
        raise ValueError("the weights of SmolLM2 are not here: paper-checks weights smollm2")
    asked = {name: found.swept for name, found in pretrained.baselines(base_seed).items()}
    return Side(
        PRETRAINED[pretrained.NAME].title,
        'the prompts are those on which " the" competes with the answer in the whole model',
        pretrained.smollm2_sweep(base_seed),
        None,
        {name: clusters_of(prompts) for name, prompts in asked.items()},
        {name: splits(prompts, name, base_seed)[0] for name, prompts in asked.items()},
    )
