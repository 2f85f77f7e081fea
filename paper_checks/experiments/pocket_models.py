"""What pocket Pythia answers, as jobs: as it is, and with one matrix truncated.

A model is named by its training seed and its number of updates. A cell that is the best of several is chosen on one
half of the prompts, on which all of them are tried, and reported on the other, on which it alone is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from paper_checks.jobs import Job, job
from simulate.laser.reduction import Choice
from simulate.laser.roles import Role, matrices
from simulate.laser.sweeps import Cell, Sweep, read_choices, sweep
from simulate.pocket.observed import observed_prompts
from simulate.pocket.shipped import pocket_folders, pocket_record
from simulate.prompts.sets import halves
from simulate.prompts.tokens import Encoded, Readings, encode, measure
from simulate.runtime.arrays import Floats

from .language import (
    ATTENTION,
    METRICS,
    SETS,
    Answers,
    Chosen,
    ModelSweep,
    Plan,
    Source,
    answers_of,
    attention_cells,
    best_cell,
    encoded_sets,
    load,
    sweep_model,
)
from .rise import CLAIMED
from .sweeps import joined as joined_cells

RANK = 8
"""Rank of the last MLP's matrices in P4. Of the input matrices of late layers at ranks 0, 1, 2, 4, … it has the largest
smallest effect over EXPLORED, recall and facts (0.174, the mean over three draws of prompts; rank 1 has 0.172)."""
RANKS = (1, RANK)
"""Ranks of the cells of which the best is chosen: of attention matrices, and of late input matrices for names."""
LAYERS = ("late", "early", "all")
"""Where the best cell of attention matrices is chosen, see `language.attention_cells`."""
OBSERVED = tuple((name, metric) for name in CLAIMED for metric in ("answer", "distributional"))
"""The recorded means that P3 rests on."""


def pocket_models(seeds: Iterable[int], step: int | None = None) -> list[tuple[int, int]]:
    """Training seed and updates of the models of these training seeds after so many updates, None for the last.

    Raises:
        ValueError: a training seed without such a checkpoint.
    """
    folders, found = pocket_folders(), []
    for seed in seeds:
        steps = folders.get(seed, {})
        chosen = max(steps, default=None) if step is None else step
        if chosen is None or chosen not in steps:
            when = "" if step is None else f" after {step} updates"
            raise ValueError(f"training seed {seed} of pocket Pythia{when} must be shipped, it is not")
        found.append((seed, chosen))
    return found


def checkpoints() -> list[tuple[int, int]]:
    """Training seed and updates of the checkpoints of the training seed that has most of them, updates increasing."""
    folders = pocket_folders()
    seed = max(folders, key=lambda one: len(folders[one]))
    return [(seed, step) for step in folders[seed]]


def model_label(seed: int, step: int) -> str:
    """The name of a model in the evidence."""
    return f"seed {seed}, {step} updates"


def source(seed: int, step: int) -> Source:
    """Where a model lies, and its name."""
    return Source(str(pocket_folders()[seed][step]), None, model_label(seed, step))


@job("language models", cost=lambda seed, step, base_seed, names: 0.2 + 0.2 * len(names))
def pocket_answers(seed: int, step: int, base_seed: int, names: tuple[str, ...] = SETS) -> Answers:
    """What one model answers to the prompts of these sets."""
    one = source(seed, step)
    return answers_of(load(one), one.label, base_seed, names)


@job("language models", cost=0.4)
def recorded_and_live(seed: int, step: int) -> list[list[float]]:
    """The means OBSERVED as recorded at training, and those of the shipped model on the same prompts."""
    found = load(source(seed, step))
    live = {
        name: measure(found.model, encode(prompts, found.tokenizer)) for name, prompts in observed_prompts().items()
    }
    (seen,) = (entry for entry in pocket_record()["history"][str(seed)] if entry["step"] == step)
    recorded = [seen[f"{name} {metric}"] for name, metric in OBSERVED]
    return [recorded, [float(getattr(live[name], metric).mean()) for name, metric in OBSERVED]]


def choices(model: Any) -> dict[str, Choice]:
    """The cuts of P4, in the last layer: the MLP's input matrix at RANK, its output matrix at RANK, and what is left of
    that one without them."""
    (matrix,) = matrices(model, "mlp_out", -1)
    return {
        "input": Choice("mlp_in", -1, RANK),
        "output": Choice("mlp_out", -1, RANK),
        "rest": Choice("mlp_out", -1, min(matrix.shape) - RANK, keep="bottom"),
    }


@dataclass(frozen=True, eq=False)
class Cuts:
    """What one model answers with one matrix truncated.

    Attributes:
        changes: of every metric, prompt by prompt, by the name of the cut (`choices`), set of prompts and metric.
        attention: the best cell of attention matrices at RANKS, by the set of prompts, one of CLAIMED, and LAYERS.
        names: the best one of the late MLP input matrices, on the prompts with names known from other sentences alone.
    """

    changes: Mapping[str, Mapping[str, Mapping[str, Floats]]]
    attention: Mapping[str, Mapping[str, Chosen]]
    names: Chosen


def whole(seed: int, step: int, base_seed: int) -> list[Job]:
    """What `pocket_cuts` asks for."""
    return [pocket_answers.of(seed, step, base_seed, SETS)]


@job("language models", cost=4.0, inputs=whole)
def pocket_cuts(seed: int, step: int, base_seed: int) -> Cuts:
    """One model cut."""
    found, before = load(source(seed, step)), pocket_answers(seed, step, base_seed, SETS).sets
    tried = Tried(found.model, encoded_sets(base_seed, found.tokenizer), before)
    wanted = choices(found.model)
    claimed = {name: tried.prompts[name] for name in CLAIMED}
    after = read_choices(found.model, claimed, list(wanted.values()), {name: before[name] for name in CLAIMED})
    changes = {label: {name: _changes(one[name], before[name]) for name in CLAIMED}
               for label, one in zip(wanted, after, strict=True)}  # fmt: skip
    attention = tried.on_one_half(CLAIMED, ATTENTION)
    best = {
        name: {where: tried.on_the_other(name, attention, attention_cells(attention, where)) for where in LAYERS}
        for name in CLAIMED
    }
    late = tried.on_one_half(("names",), ("mlp_in",), late=True)
    return Cuts(changes, best, tried.on_the_other("names", late, late.late("mlp_in")))


def _changes(after: Readings, before: Readings) -> dict[str, Floats]:
    return {metric: getattr(after, metric) - getattr(before, metric) for metric in METRICS}


@dataclass(frozen=True, eq=False)
class Tried:
    """A model, encoded prompts by set, and what the model says after them."""

    model: Any
    prompts: Mapping[str, Encoded]
    before: Mapping[str, Readings]

    def on_one_half(self, names: Sequence[str], roles: Sequence[Role], late: bool = False) -> ModelSweep:
        """The cells of these roles, all or those in the upper half of the layers, on the half to choose on."""
        count = self.model.config.num_hidden_layers
        half = {name: halves(self.prompts[name].count)[0] for name in names}
        layers = range(count // 2, count) if late else None
        return ModelSweep("", "", count, self._swept(half, roles, layers, RANKS))

    def on_the_other(self, name: str, tried: ModelSweep, cells: Sequence[Cell]) -> Chosen:
        """The best of these cells, and what it does on the half to report on."""
        cell = best_cell(tried.sweep, cells, name, slice(None))
        report = {name: halves(self.prompts[name].count)[1]}
        made = self._swept(report, (cell.role,), (cell.layer,), (cell.exact_rank,))
        return Chosen(cell, {metric: made.change(cell, name, metric) for metric in METRICS})

    def _swept(
        self, places: Mapping[str, Any], roles: Sequence[Role], layers: Iterable[int] | None, ranks: Iterable[int]
    ) -> Sweep:
        prompts = {name: self.prompts[name].at(some) for name, some in places.items()}
        known = {name: self.before[name].at(some) for name, some in places.items()}
        return sweep(self.model, prompts, roles=roles, layers=layers, ranks=ranks, whole=known, progress=False)


@job("sweeps", cost=6.0)
def sweep_of_role(seed: int, step: int, base_seed: int, names: tuple[str, ...], role: Role) -> ModelSweep:
    """One model with the matrices of a role truncated, in every layer to every rank."""
    return sweep_model(source(seed, step), base_seed, Plan(names, (role,), progress=False))


def joined(parts: Sequence[ModelSweep]) -> ModelSweep:
    """Sweeps of several roles of one model as one."""
    return replace(parts[0], sweep=joined_cells([part.sweep for part in parts]))
