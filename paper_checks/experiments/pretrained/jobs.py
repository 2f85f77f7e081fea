"""What SmolLM2 answers, as jobs: whole, and with the matrices of its last layers truncated.

Recall and facts are asked of the whole model first. The sweep is about those prompts on which " the" competes with the
answer, by that baseline alone (`simulate.prompts.competing`), at most MOST of a set, spread over its clusters.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from paper_checks.evidence import experiment_seed
from paper_checks.experiments.rise import CLAIMED
from paper_checks.experiments.sweeps import Subject, joined, loaded
from paper_checks.jobs import Job, job, results
from simulate.language.pretrained import PRETRAINED, pretrained_folder
from simulate.laser.roles import Role
from simulate.laser.runner import measure_packed
from simulate.laser.sweeps import Cell, Sweep, sweep
from simulate.prompts.real import Part, real_fact_prompts, real_recall_prompts
from simulate.prompts.sets import Prompt
from simulate.prompts.splits import clusters_of, competing, spread_over_clusters
from simulate.prompts.tokens import Readings, encode, one_token
from simulate.runtime.arrays import Integers

NAME, LAYERS = "smollm2", 30
LATE = tuple(range(LAYERS - 6, LAYERS))
"""The layers of the sweep."""
RECALL_PROMPTS = 240
MOST = {"recall": 100, "facts": 120}
MLP: tuple[Role, ...] = ("mlp_in", "mlp_gate", "mlp_up", "mlp_out")
ATTENTION: tuple[Role, ...] = ("attention_qkv", "query", "key", "value", "attention_out")
FRACTIONS, WITHOUT = (0.1, 0.25, 0.5), (4,)
REMOVED: tuple[Role, ...] = ("mlp_in", "attention_qkv")
"""Roles at rank 0 too, where they are gone: the single matrices of a part come to the same."""


def subject() -> Subject | None:
    """SmolLM2 after its document separator; None where its weights are not in the cache."""
    known = PRETRAINED[NAME]
    folder = pretrained_folder(NAME)
    if folder is None:
        return None
    from simulate.language.fingerprints import description_digest  # needs torch

    return Subject(NAME, known.weights_sha256, LAYERS, known.start, description=description_digest(folder))


def late_cells(roles: Sequence[Role] = (*MLP, *ATTENTION), layers: Sequence[int] = LATE) -> tuple[Cell, ...]:
    """The cells of the sweep, or those of some roles and layers."""
    found = [
        cell
        for layer in layers
        for role in roles
        for cell in (
            *([Cell(layer, role, 0)] if role in REMOVED else []),
            *(Cell(layer, role, fraction=fraction) for fraction in FRACTIONS),
            *(Cell(layer, role, without=number) for number in WITHOUT),
        )
    ]
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Baseline:
    """What the whole model says after one set of prompts.

    Attributes:
        prompts: those whose words are one token each.   left_out: how many others there were.
        readings: after each.   competing: places of those on which " the" competes.   asked: of those of the sweep.
    """

    prompts: tuple[Prompt, ...]
    left_out: int
    readings: Readings
    competing: Integers
    asked: Integers

    @property
    def swept(self) -> tuple[Prompt, ...]:
        """The prompts of the sweep."""
        return tuple(self.prompts[place] for place in self.asked)

    @property
    def clusters(self) -> tuple[str, ...]:
        """Of all its prompts."""
        return clusters_of(self.prompts)


def prompts_of(name: str, base_seed: int, part: Part) -> tuple[Prompt, ...]:
    """The prompts of a set for a run; `part` is "claim", or "pilot"."""
    seed = experiment_seed(base_seed, f"real {name} prompts")
    if name == "recall":
        return real_recall_prompts(RECALL_PROMPTS, seed=seed, part=part)
    return real_fact_prompts(seed=seed, part=part)


@job("language models", cost=12.0)
def baseline(model: Subject, name: str, base_seed: int, part: Part = "claim") -> Baseline:
    """One set of prompts, asked of the whole model."""
    found = loaded(model)
    kept = one_token(prompts_of(name, base_seed, part), found.tokenizer)
    encoded = encode(kept.prompts, found.tokenizer, model.start)
    readings = measure_packed(found.model, {name: encoded})[name]
    places = competing(readings)
    asked = spread_over_clusters(kept.prompts, places, MOST[name])
    return Baseline(kept.prompts, kept.left_out, readings, places, asked)


def _baselines(model: Subject, base_seed: int, part: Part, cells: Sequence[Cell]) -> list[Job]:
    return [baseline.of(model, name, base_seed, part) for name in CLAIMED]


def _sweep_cost(model: Subject, base_seed: int, part: Part, cells: Sequence[Cell]) -> float:
    above = model.layers - min(cell.layer for cell in cells)
    return 9.0 + 0.25 * len(cells) * (above + 0.5)


@job("sweeps of language models", cost=_sweep_cost, inputs=_baselines)
def layer(model: Subject, base_seed: int, part: Part, cells: tuple[Cell, ...]) -> Sweep:
    """The cells of one layer, on the prompts of the sweep of both sets."""
    found, known = loaded(model), {name: baseline(model, name, base_seed, part) for name in CLAIMED}
    encoded = {name: encode(one.swept, found.tokenizer, model.start) for name, one in known.items()}
    whole = {name: one.readings.at(one.asked) for name, one in known.items()}
    return sweep(found.model, encoded, cells, whole=whole, progress=False)


def baseline_jobs(base_seed: int, part: Part = "claim") -> list[Job]:
    """Both sets asked of the whole model; nothing without the weights."""
    model = subject()
    return [] if model is None else _baselines(model, base_seed, part, ())


def sweep_jobs(base_seed: int, part: Part = "claim") -> list[Job]:
    """The sweep, a job a layer, the lowest first, which takes longest; nothing without the weights."""
    model = subject()
    if model is None:
        return []
    return [layer.of(model, base_seed, part, late_cells(layers=(number,))) for number in LATE]


def baselines(base_seed: int, part: Part = "claim") -> dict[str, Baseline]:
    """What the whole model says, by set."""
    return dict(zip(CLAIMED, results(baseline_jobs(base_seed, part)), strict=True))


def smollm2_sweep(base_seed: int, part: Part = "claim") -> Sweep:
    """All cells on the prompts of the sweep, by set."""
    return joined(results(sweep_jobs(base_seed, part)))
