"""The experiments of P: what a language model answers, along training and under LASER.

A cell, or a checkpoint, is chosen on one half of the prompts and reported on the other (`simulate.prompts.halves`).
Standard errors are over independent prompts; the two prompts of one city count as one, by their mean.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from paper_checks.evidence import experiment_seed
from simulate.laser.roles import Role
from simulate.laser.sweeps import Cell, Places, Sweep, sweep
from simulate.prompts.sets import HeldOut, Prompt, fact_prompts, halves, recall_prompts
from simulate.prompts.tokens import Encoded, Readings, encode, mean_and_error, measure, one_token
from simulate.runtime.arrays import Floats

from .rise import CLAIMED

RECALL_PROMPTS = {"recall": 320, "names": 400}
HELD_OUT: dict[str, HeldOut] = {"recall": "templates", "names": "both"}
"""What the recall prompts of a set hold out of pocket Pythia's training: openings, or openings and names."""
PROMPTS_PER_CITY = 2
LEAST_SHARE = 0.5
"""Of a set's prompts: with fewer whose words are one token of a model's tokenizer, the set is not asked."""
SETS = ("recall", "names", "facts")
"""Sets of prompts: P3 to P5 are about CLAIMED, the names are a boundary of P4's."""
ATTENTION: tuple[Role, ...] = ("attention_qkv", "attention_out")
MLP: tuple[Role, ...] = ("mlp_in", "mlp_out")


@dataclass(frozen=True)
class Source:
    """Where a model comes from: a hub name or a folder, a revision, its name in the evidence, and the token that
    prompts begin with (`simulate.prompts.encode`)."""

    place: str
    revision: str | None = None
    label: str = ""
    start: str | None = None


def prompt_sets(base_seed: int) -> dict[str, tuple[Prompt, ...]]:
    """The prompts of a run: recall with held-out openings or names, and facts, held-out pairs of city and template."""
    recall = {
        name: recall_prompts(
            RECALL_PROMPTS[name], seed=experiment_seed(base_seed, f"{name} prompts"), held_out=held_out
        )
        for name, held_out in HELD_OUT.items()
    }
    return recall | {"facts": fact_prompts(seed=experiment_seed(base_seed, "fact prompts"))}


def encoded_sets(base_seed: int, tokenizer: Any, names: Iterable[str] = SETS) -> dict[str, Encoded]:
    """The prompts of a run as tokens of one tokenizer."""
    sets = prompt_sets(base_seed)
    return {name: encode(sets[name], tokenizer) for name in names}


@dataclass(frozen=True)
class Asked:
    """How a model was asked.

    Attributes:
        start: text of the token that prompts began with, "" for none.
        counts: by set, the number of its prompts whose words are one token each, and of all.
    """

    start: str
    counts: Mapping[str, tuple[int, int]]

    def too_few(self, name: str) -> str | None:
        """What to do where a set could not be asked; None where it was."""
        kept, count = self.counts[name]
        if kept >= LEAST_SHARE * count:
            return None
        return f"take a model whose tokenizer has the words of half of {name} as one token each, here {kept} of {count}"


def askable(
    base_seed: int, tokenizer: Any, names: Iterable[str], start: str | None
) -> tuple[dict[str, Encoded], Asked]:
    """As `encoded_sets`, of the prompts whose words are one token each, and of sets with enough of these alone."""
    sets, found, counts = prompt_sets(base_seed), dict[str, Encoded](), dict[str, tuple[int, int]]()
    for name in names:
        together = PROMPTS_PER_CITY if name == "facts" else 1  # of a city both or none, see `independent`
        groups = [sets[name][place : place + together] for place in range(0, len(sets[name]), together)]
        kept = [prompt for group in groups if not one_token(group, tokenizer).left_out for prompt in group]
        counts[name] = len(kept), len(sets[name])
        if len(kept) >= LEAST_SHARE * len(sets[name]):
            found[name] = encode(kept, tokenizer, start)
    return found, Asked(next((one.start for one in found.values()), ""), counts)


def load(source: Source, device: str = "cpu") -> Any:
    """The model and its tokenizer, see `simulate.load_language_model`."""
    from simulate.language.models import load_language_model  # needs the extra `language`, and takes a while

    return load_language_model(source.place, source.revision, device=device)


@dataclass(frozen=True, eq=False)
class Answers:
    """What one model answers; its name in the evidence, sha256 of its weights; how it was asked, its fingerprint."""

    label: str
    sha256: str
    sets: Mapping[str, Readings]
    asked: Asked | None = None
    fingerprint: str = ""


@dataclass(frozen=True, eq=False)
class ModelSweep:
    """A sweep of one model: name in the evidence, sha256 of the weights, number of layers; how it was asked."""

    label: str
    sha256: str
    layers: int
    sweep: Sweep
    asked: Asked | None = None
    fingerprint: str = ""

    def late(self, role: Role) -> list[Cell]:
        """The cells of a role in the upper half of the layers."""
        return [cell for cell in self.everywhere(role) if cell.layer >= self.layers // 2]

    def early(self, role: Role) -> list[Cell]:
        """The other cells of a role."""
        return [cell for cell in self.everywhere(role) if cell.layer < self.layers // 2]

    def everywhere(self, role: Role) -> list[Cell]:
        """All cells of a role."""
        return [cell for cell in self.sweep.cells if cell.role == role]


@cache
def answered(source: Source, base_seed: int, device: str, names: tuple[str, ...] = SETS) -> Answers:
    """Load a model and ask it what can be asked, once per session."""
    found = load(source, device)
    sets, asked = askable(base_seed, found.tokenizer, names, source.start)
    readings = {name: measure(found.model, encoded) for name, encoded in sets.items()}
    return Answers(source.label, found.sha256, readings, asked, found.fingerprint)


def answers_of(found: Any, label: str, base_seed: int, names: Iterable[str]) -> Answers:
    """What a loaded model answers."""
    sets = encoded_sets(base_seed, found.tokenizer, names)
    readings = {name: measure(found.model, encoded) for name, encoded in sets.items()}
    return Answers(label, found.sha256, readings)


FRACTIONS = (0.0, 0.05, 0.1, 0.25, 0.5, 0.75)
"""Of the ranks of a model that is named."""


@dataclass(frozen=True)
class Plan:
    """What to sweep, where, and where to keep a record; `fractions` of the ranks in the upper half of the layers, or by
    default `doubling_ranks` in all."""

    names: tuple[str, ...] = CLAIMED
    roles: tuple[Role, ...] = (*MLP, *ATTENTION)
    fractions: tuple[float, ...] = ()
    device: str = "cpu"
    record: Path | None = None
    progress: bool | None = None


def sweep_model(source: Source, base_seed: int, plan: Plan) -> ModelSweep:
    """Load a model and sweep it on what can be asked; a finished record is removed.

    Raises:
        ValueError: no set of prompts can be asked.
    """
    found = load(source, plan.device)
    sets, asked = askable(base_seed, found.tokenizer, plan.names, source.start)
    if not sets:
        raise ValueError(f"too few prompts: {'; '.join(filter(None, map(asked.too_few, plan.names)))}")
    count = found.model.config.num_hidden_layers
    layers = range(count // 2, count) if plan.fractions else None
    cells = partial(sweep, roles=plan.roles, layers=layers, fractions=plan.fractions)
    made = cells(found.model, sets, record=plan.record, progress=plan.progress)
    if plan.record is not None:
        plan.record.unlink(missing_ok=True)
    return ModelSweep(source.label, found.sha256, count, made, asked, found.fingerprint)


@cache
def sweep_alone(source: Source, base_seed: int, device: str, folder: Path) -> list[ModelSweep]:
    """The sweep of what P4 and P5 read of one model, which may take long, once per session: with a record in `folder`
    from which it goes on after an interrupt."""
    name = f"sweep-{experiment_seed(base_seed, repr(source)):x}.safetensors"
    plan = Plan(roles=("mlp_in", *ATTENTION), fractions=FRACTIONS, device=device, record=folder / name)
    return [sweep_model(source, base_seed, plan)]


def both_changes(made: Sweep, cell: Cell, name: str, places: Places) -> float:
    """The smaller of: mean rise of P(answer), mean fall of P("the"); over the prompts `places`."""
    return _effect({metric: made.change(cell, name, metric, places) for metric in ("answer", "distributional")})


def _effect(changes: Mapping[str, Floats]) -> float:
    return float(min(changes["answer"].mean(), -changes["distributional"].mean()))


def best_cell(made: Sweep, cells: Iterable[Cell], name: str, places: Places) -> Cell:
    """The cell with the largest `both_changes` on these prompts; of equal ones the first."""
    return max(sorted(cells), key=lambda cell: both_changes(made, cell, name, places))


@dataclass(frozen=True, eq=False)
class Chosen:
    """The best cell of some, chosen on one half, and the changes by metric on the other half."""

    cell: Cell
    changes: Mapping[str, Floats]

    @property
    def effect(self) -> float:
        """As `both_changes`, on the reported half."""
        return _effect(self.changes)


METRICS = ("answer", "distributional", "correct")
"""Those whose changes are reported."""


def chosen(found: ModelSweep, cells: Iterable[Cell], name: str) -> Chosen:
    """Choose on one half of the prompts, report on the other."""
    choose, report = halves(len(found.sweep.whole[name].answer))
    cell = best_cell(found.sweep, cells, name, choose)
    return Chosen(cell, {metric: found.sweep.change(cell, name, metric, report) for metric in METRICS})


def means(name: str, columns: Sequence[Floats]) -> dict[str, Any]:
    """Means of numbers prompt by prompt of a set, one column per model, as arguments of a comparison of their signs:
    "value", "standard_error", "degrees" of freedom.

    A column that is the same everywhere has the error 1e-7, the rounding of float32.
    """
    pairs = [mean_and_error(independent(name, column)) for column in columns]
    count = len(independent(name, columns[0]))
    errors = [max(error, 1e-7) for _, error in pairs]
    return {"value": [mean for mean, _ in pairs], "standard_error": errors, "degrees": count - 1}


def independent(name: str, column: Floats) -> Floats:
    """One number per independent prompt: of facts, whose prompts come two to a city, the mean of each city's."""
    if name != "facts":
        return column
    cities: Floats = column.reshape(-1, PROMPTS_PER_CITY).mean(axis=1)
    return cities


def over_distractor(found: Readings) -> Floats:
    """P("the") less P(distractor), prompt by prompt."""
    difference: Floats = found.distributional - found.answer * np.exp(-found.difference)
    return difference


def attention_cells(found: ModelSweep, layers: str = "all") -> list[Cell]:
    """The cells of attention matrices in "all" layers, in the "late" ones, or in the "early" ones below."""
    chosen_layers = {"all": found.everywhere, "late": found.late, "early": found.early}[layers]
    return [cell for role in ATTENTION for cell in chosen_layers(role)]


def first_risen(found: Sequence[Answers], name: str, metric: str, parts: float) -> int:
    """Number, from 0, of the first checkpoint whose mean has reached one of so many parts of the last one's."""
    return first_at_share([float(getattr(answers.sets[name], metric).mean()) for answers in found], parts)


def first_at_share(values: Sequence[float], parts: float) -> int:
    """Number, from 0, of the first value that has reached one of so many parts of the last one."""
    return next(number for number, value in enumerate(values) if value >= values[-1] / parts)


def repeated(found: Sequence[Answers]) -> int:
    """How many of these models have the weights of an earlier one."""
    return len(found) - len({answers.sha256 for answers in found})


def provenance(found: Iterable[Answers | ModelSweep]) -> dict[str, Any]:
    """Names and weights of the models, and how they were asked where that differs, for the evidence."""
    models = list(found)
    asked = {one.label: one.asked for one in models if one.asked is not None}
    details: dict[str, Any] = {"models": {one.label: one.sha256 for one in models}}
    if fingerprints := {one.label: one.fingerprint for one in models if one.fingerprint}:
        details["fingerprints"] = fingerprints
    if asked:
        details["start"] = {label: one.start for label, one in asked.items()}
        details["asked"] = {
            label: {name: f"{kept} of {count}" for name, (kept, count) in one.counts.items()}
            for label, one in asked.items()
        }
    return details
