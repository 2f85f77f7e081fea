"""What the pictures of language models show, as numbers, and the side on which the claims P3, P4 and P5 have them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from paper_checks.experiments.language import (
    Answers,
    Chosen,
    ModelSweep,
    Plan,
    Source,
    answered,
    attention_cells,
    chosen,
    first_risen,
    independent,
    means,
    repeated,
    sweep_model,
)
from paper_checks.experiments.pocket_models import joined, pocket_answers, pocket_models, sweep_of_role
from paper_checks.experiments.rise import CLAIMED
from paper_checks.jobs import results
from paper_checks.project import rule_of
from simulate.laser.roles import ROLES, Role
from simulate.laser.sweeps import Cell
from simulate.pocket.shipped import EXPLORED, pocket_folders
from simulate.prompts.tokens import Readings, mean_and_error
from simulate.runtime.arrays import Floats
from simulate.runtime.streaming import progress_bar

METRICS = {"answer": "P(answer)", "distributional": 'P("the")'}
ERRORS = 3
"""Standard errors by which both probabilities must change on their sides for a cell to be marked."""


@dataclass(frozen=True, eq=False)
class SweepCells:
    """A sweep of one model on the prompts of the set `name`.

    Attributes:
        model: the model in words.   held: whether it is pocket Pythia, of which P4 and P5 have this order of means.
    """

    swept: ModelSweep
    name: str
    model: str
    held: bool

    @property
    def whole(self) -> Readings:
        """What the whole model says."""
        return self.swept.sweep.whole[self.name]

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles, in the order of the sweep."""
        return tuple(dict.fromkeys(cell.role for cell in self.swept.sweep.cells))

    @property
    def ranks(self) -> list[int]:
        """The ranks, increasing."""
        return sorted({cell.exact_rank for cell in self.swept.sweep.cells})

    def changes(self, role: Role, metric: str) -> tuple[Floats, Floats]:
        """Mean change over the prompts and its standard error, one row per layer and one column per rank."""
        found = np.empty((2, self.swept.layers, len(self.ranks)))
        for layer in range(self.swept.layers):
            for column, rank in enumerate(self.ranks):
                change = self.swept.sweep.change(Cell(layer, role, rank), self.name, metric)
                found[:, layer, column] = mean_and_error(independent(self.name, change))
        return found[0], found[1]

    def marked(self, role: Role) -> NDArray[np.bool_]:
        """Where P(answer) rises and P("the") falls, both by more than ERRORS standard errors; shape as `changes`."""
        (answer, answer_error), (generic, generic_error) = (self.changes(role, metric) for metric in METRICS)
        where: NDArray[np.bool_] = (answer > ERRORS * answer_error) & (generic < -ERRORS * generic_error)
        return where

    @cached_property
    def best(self) -> dict[str, Chosen]:
        """The cells chosen on one half of the prompts, of late MLP inputs, late MLP outputs and all attention."""
        cells = {
            "late MLP inputs": self.swept.late("mlp_in"),
            "late MLP outputs": self.swept.late("mlp_out"),
            "attention": attention_cells(self.swept),
        }
        return {kind: chosen(self.swept, among, self.name) for kind, among in cells.items()}

    def contradictions(self) -> list[str]:
        """Means on the reported half of the prompts that P4 and P5 have on the other side."""
        if not self.held:
            return []
        late, attention = self.best["late MLP inputs"], self.best["attention"]
        numbers = [
            ("P4", f"change of P(answer) at {cell_in_words(late.cell)}", late.changes["answer"], 1),
            ("P4", f'change of P("the") at {cell_in_words(late.cell)}', late.changes["distributional"], -1),
            (
                "P5",
                f"rise of P(answer) at {cell_in_words(late.cell)} less that at {cell_in_words(attention.cell)}",
                late.changes["answer"] - attention.changes["answer"],
                1,
            ),
        ]
        found = []
        for claim, what, values, side in numbers:
            found_means = means(self.name, [values])
            (mean,), (error,) = found_means["value"], found_means["standard_error"]
            if not side * mean > 0:
                where = "above" if side > 0 else "below"
                found.append(f"{claim}: {self.name}: {what}: {mean:+.3g} ± {error:.2g}, not {where} 0")
        return found


def cell_in_words(cell: Cell) -> str:
    """A cell in words."""
    return str(cell)


def pocket_sweep(name: str, base_seed: int, training_seed: int) -> SweepCells:
    """A sweep as for P4 and P5, of every cell, on one set of prompts: the last checkpoint of one training seed.

    Raises:
        ValueError: a training seed that there is not.
    """
    require_training_seed(training_seed)
    return _swept((name,), name, base_seed, training_seed)


def require_training_seed(training_seed: int) -> None:
    """ValueError unless pocket Pythia was trained with this seed."""
    folders = pocket_folders()
    if training_seed not in folders:
        raise ValueError(f"training-seed must be one of {', '.join(map(str, folders))}, got {training_seed}")


def swept_pocket(name: str, base_seed: int) -> SweepCells:
    """The same of the first training seed on both sets of the claims, which are swept together."""
    return _swept(CLAIMED, name, base_seed, EXPLORED[0])


def _swept(names: tuple[str, ...], name: str, base_seed: int, training_seed: int) -> SweepCells:
    ((seed, step),) = pocket_models([training_seed])
    found = joined(results([sweep_of_role.of(seed, step, base_seed, names, role) for role in ROLES]))
    return SweepCells(found, name, f"Pocket Pythia, {found.label}", True)


def model_sweep(name: str, base_seed: int, model: str, revision: str | None) -> SweepCells:
    """The same sweep of a model of the hub or a folder, on a GPU if there is one."""
    source = Source(model, revision, model)
    shown = model_name(model) if revision is None else f"{model_name(model)} at {revision}"
    return SweepCells(sweep_model(source, base_seed, Plan((name,), ROLES, device="auto")), name, shown, False)


def model_name(model: str) -> str:
    """A hub name as it is, a folder by its own name alone."""
    place = Path(model).expanduser()
    return place.resolve().name if place.is_dir() else model


@dataclass(frozen=True, eq=False)
class Checkpoints:
    """What the checkpoints of one training answer, by their numbers of updates, increasing.

    Attributes:
        model: the training in words.   held: whether the claims are about it.
        others: checkpoints of other training seeds of the same model, by seed and updates.
    """

    found: Mapping[int, Answers]
    model: str
    held: bool
    others: Mapping[int, Mapping[int, Answers]]

    def curve(self, name: str, metric: str, seed: int | None = None) -> tuple[list[float], list[float]]:
        """Means over the prompts of the set `name` and their standard errors, of this training or another seed."""
        found = self.found if seed is None else self.others[seed]
        pairs = [mean_and_error(independent(name, getattr(answers.sets[name], metric))) for answers in found.values()]
        return [mean for mean, _ in pairs], [error for _, error in pairs]

    def risen(self, name: str, metric: str) -> int:
        """Updates of the first checkpoint whose mean has reached a third of the last one's."""
        parts = rule_of("P3").thresholds["parts"]
        return list(self.found)[first_risen(list(self.found.values()), name, metric, parts)]

    def repeated(self) -> int:
        """How many of the checkpoints have the weights of an earlier one."""
        return repeated(list(self.found.values()))

    def contradictions(self) -> list[str]:
        """Sets of prompts where P("the") does not reach a third of its last value before P(answer) does."""
        found = []
        for name in CLAIMED if self.held else ():
            generic, answer = self.risen(name, "distributional"), self.risen(name, "answer")
            if generic >= answer:
                found.append(
                    f'P3: {name}: P("the") reaches a third of its last value at {generic} updates, P(answer) at '
                    f"{answer}: not before"
                )
        return found


def pocket_checkpoints(base_seed: int) -> Checkpoints:
    """All checkpoints of the training seed that has most, and beside them those of the other seeds of EXPLORED, which
    have an early one."""
    folders = {seed: steps for seed, steps in pocket_folders().items() if seed in EXPLORED}
    chief = max(folders, key=lambda seed: len(folders[seed]))
    models = [(seed, step) for seed, steps in folders.items() for step in steps]
    answers = results([pocket_answers.of(seed, step, base_seed, CLAIMED) for seed, step in models])
    found: dict[int, dict[int, Answers]] = {seed: {} for seed in folders}
    for (seed, step), given in zip(models, answers, strict=True):
        found[seed][step] = given
    return Checkpoints(found.pop(chief), f"Pocket Pythia, seed {chief}", True, found)


def model_checkpoints(base_seed: int, model: str, revisions: Sequence[str]) -> Checkpoints:
    """Revisions of a model of the hub, on a GPU if there is one.

    Raises:
        ValueError: as for `updates_of`.
    """
    steps = updates_of(revisions)
    sources = [Source(model, revision, f"{model}@{revision}") for revision in steps.values()]
    found = dict(zip(steps, _asked(sources, base_seed), strict=True))
    return Checkpoints(found, model_name(model), False, {})


def updates_of(revisions: Sequence[str]) -> dict[int, str]:
    """Revisions by their numbers of updates, increasing.

    Raises:
        ValueError: fewer than two, one that is not "step" and a number, or two with the same number.
    """
    numbers = [revision.removeprefix("step") for revision in revisions]
    whole = all(number.isascii() and number.isdigit() for number in numbers)
    steps = {int(number): revision for number, revision in zip(numbers, revisions, strict=True)} if whole else {}
    if len(steps) < 2 or len(steps) < len(revisions):
        raise ValueError(
            f"checkpoints must be two or more different ones such as step16,step1000, got {','.join(revisions)!r}"
        )
    return dict(sorted(steps.items()))


def _asked(sources: Sequence[Source], base_seed: int) -> list[Answers]:
    found = []
    with progress_bar(len(sources), len(sources), None, "models", long=1) as advance:
        for source in sources:
            found.append(answered(source, base_seed, "auto", CLAIMED))
            if reasons := [why for name in CLAIMED if (why := found[-1].asked and found[-1].asked.too_few(name))]:
                raise ValueError(f"{source.label}: too few prompts: {'; '.join(reasons)}")
            advance(1)
    return found
