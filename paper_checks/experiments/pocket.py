"""What P1 to P5 ask of pocket Pythia: one number per training seed, a mean over its prompts.

The unit is the training seed. Cells, ranks and thresholds were chosen on the training seeds EXPLORED, which had been
seen; the claims are about CONFIRMING, trained afterwards by the same code. A threshold is half of the smallest effect
of the three (`test_pocket_thresholds.py` has all of them). Where a cell is the best of several it is chosen on one half
of the prompts and reported on the other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy import stats

from paper_checks.experiments.trainings.runs import in_processes
from simulate.language.models import load_language_model
from simulate.laser.reduction import Choice, truncated
from simulate.laser.roles import matrices
from simulate.pocket.observed import observed_prompts
from simulate.pocket.shipped import pocket_folders, pocket_record
from simulate.prompts.sets import halves
from simulate.prompts.tokens import METRICS, encode, mean_and_error, measure
from simulate.runtime.arrays import Floats

from .language import (
    ATTENTION,
    Answers,
    Chosen,
    ModelSweep,
    Plan,
    Source,
    attention_cells,
    checkpoint_sources,
    chosen,
    encoded_sets,
    first_at_share,
    independent,
    means,
    over_distractor,
    sweep_model,
)
from .rise import CLAIMED

RANK = 8
"""Rank of the last MLP's matrices in P4. Of the input matrices of late layers at ranks 0, 1, 2, 4, … it has the largest
smallest effect over EXPLORED, recall and facts (0.174, the mean over three draws of prompts; rank 1 has 0.172)."""
RANKS = (1, RANK)
"""Ranks of the cells of which the best is chosen: of attention matrices, and of late input matrices for names."""
ROUNDING = 0.002
"""What a recorded mean may differ from that of the shipped model by: the weights are stored in float16. Random changes
of that size (2⁻¹¹ of every weight, eight draws on each of EXPLORED) move these means by up to 0.0002 (root of the mean
square), ten times less; the means of different trainings differ by 0.004 to 0.17."""
OBSERVED = tuple((name, metric) for name in CLAIMED for metric in ("answer", "distributional"))
"""The recorded means that P3 rests on."""


def competition(answers: Answers, name: str) -> dict[str, Floats]:
    """Numbers of P1 and P2, prompt by prompt."""
    found = answers.sets[name]
    return {
        "difference": found.difference,
        "the": over_distractor(found),
        "answer": found.answer,
        "lead": found.distributional - found.answer,
        "mass": found.answer + found.distributional,
    }


def per_seed(name: str, columns: Sequence[Floats]) -> tuple[list[float], list[float]]:
    """Means over the prompts of the set `name`, one per training seed, and their standard errors over prompts."""
    found = means(name, columns)
    return found["value"], found["standard_error"]


def rise_times(seed: int, name: str) -> tuple[int, int]:
    """Updates after which P("the"), and P(answer), had first reached one SHAREth of the last value; as recorded at
    training, at about twenty log-spaced numbers of updates."""
    history = pocket_record()["history"][str(seed)]
    steps = [int(seen["step"]) for seen in history]
    generic, answer = (
        steps[first_at_share([seen[f"{name} {metric}"] for seen in history])] for metric in ("distributional", "answer")
    )
    return generic, answer


def rise_ratios(times: Iterable[tuple[int, int]]) -> list[float]:
    """Updates of P(answer) over those of P("the"): 1 for a tie, infinite where "the" is there before the first."""
    return [answer / generic if generic else np.inf for generic, answer in times]


def recorded_and_live(seed: int, step: int) -> tuple[list[float], list[float]]:
    """The means OBSERVED as recorded at training, and those of the shipped model on the same prompts."""
    found = load_language_model(pocket_folders()[seed][step])
    live = {
        name: measure(found.model, encode(prompts, found.tokenizer)) for name, prompts in observed_prompts().items()
    }
    (seen,) = (entry for entry in pocket_record()["history"][str(seed)] if entry["step"] == step)
    recorded = [seen[f"{name} {metric}"] for name, metric in OBSERVED]
    return recorded, [float(getattr(live[name], metric).mean()) for name, metric in OBSERVED]


def recorded_steps(seeds: Iterable[int]) -> list[tuple[int, int]]:
    """Training seed and updates: of the last checkpoint of these seeds, and of all checkpoints of the seed with most of
    them."""
    folders = pocket_folders()
    chief = max(folders, key=lambda one: len(folders[one]))
    last = [(seed, max(folders[seed])) for seed in seeds]
    return last + [(chief, step) for step in checkpoint_sources() if (chief, step) not in last]


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
        attention: the sweep of the attention's matrices at RANKS, on the sets CLAIMED.
        names: that of the late MLP input matrices, on the prompts with names known from other sentences alone.
    """

    changes: Mapping[str, Mapping[str, Mapping[str, Floats]]]
    attention: ModelSweep
    names: ModelSweep


@cache
def cuts(sources: tuple[Source, ...], base_seed: int) -> list[Cuts]:
    """These models cut, once per session, in parallel processes."""
    return list(in_processes("models", cut, [(source, base_seed) for source in sources]))


def cut(arguments: tuple[Source, int]) -> Cuts:
    """One model cut."""
    source, base_seed = arguments
    attention = sweep_model(source, base_seed, Plan(CLAIMED, ATTENTION, ranks=RANKS, progress=False))
    late = tuple(range(attention.layers // 2, attention.layers))
    names = sweep_model(source, base_seed, Plan(("names",), ("mlp_in",), late, RANKS, progress=False))
    found = load_language_model(source.place, source.revision)
    sets, changes = encoded_sets(base_seed, found.tokenizer, CLAIMED), {}
    for label, choice in choices(found.model).items():
        made = truncated(found.model, choice)
        after = {name: measure(made, encoded) for name, encoded in sets.items()}
        changes[label] = {
            name: {
                metric: getattr(after[name], metric) - getattr(attention.sweep.whole[name], metric)
                for metric in METRICS
            }
            for name in after
        }
    return Cuts(changes, attention, names)


def best_attention(found: Cuts, name: str, layers: str) -> Chosen:
    """The best cell of attention matrices in "late", "early" or "all" layers."""
    return chosen(found.attention, attention_cells(found.attention, layers), name)


def share_of_input(found: Cuts, best: Chosen, name: str, metric: str) -> tuple[float, float]:
    """Mean change of a metric with the chosen cell over that with the MLP's input matrix, on the reported half, and the
    ratio's standard error over prompts; infinite where the input matrix does not raise P(answer), or lower P("the").
    """
    sign = {"answer": 1, "distributional": -1}[metric]
    _, report = halves(len(found.changes["input"][name][metric]))
    own, other = (independent(name, sign * change) for change in (
        best.changes[metric], found.changes["input"][name][metric][report]
    ))  # fmt: skip
    if not other.mean() > 0:
        return np.inf, np.inf
    ratio = float(own.mean() / other.mean())
    return ratio, mean_and_error((own - ratio * other) / other.mean())[1]


def best_on_names(found: Cuts) -> Chosen:
    """The best cell of late MLP input matrices for names that the model knows from other sentences alone."""
    return chosen(found.names, found.names.late("mlp_in"), "names")


def share_interval(count: int, of: int) -> tuple[float, float]:
    """Exact (Clopper-Pearson) 95 % interval of a share that was found in `count` of `of` training seeds."""
    interval = stats.binomtest(count, of).proportion_ci(0.95)
    return float(interval.low), float(interval.high)
