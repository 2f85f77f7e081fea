"""The trainings that the claims E are about, one per seed, and what is measured of each: all of it jobs.

What a check asks first, of as many seeds as its design looks at first, it declares (`first_look`); what a later look
asks is asked for as it comes.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np

from paper_checks.evidence.assertions import Assertions, PilotAssertions
from paper_checks.evidence.training_design import PILOT_COUNT, TRAINING
from paper_checks.jobs import Job, JobFunction, results
from simulate.runtime.arrays import Floats
from simulate.transformer.interventions import FEED_FORWARD
from simulate.truncation import Keep

from .changes import Change, Cut, Dropped, unchanged
from .measured import answers_after, attention_looks, noise_alignments
from .recall import Answering
from .runs import ObservedTraining, Run, train_observed, trained
from .settings import DESK_WIDTH, seeds

RANKS = (1, 2, 3, 4, 6, 8, 10, 12, 16, 24, 36)
"""Numbers of singular directions that are kept of a matrix of DESK_WIDTH, or removed."""
MATRICES = ("F2.w1", "F2.w2", "W_OV2")
"""Those that are truncated."""
SWEEPS = {
    matrix: tuple(
        cut for rank in (0, *RANKS, DESK_WIDTH) for cut in (Cut(matrix, rank), Cut(matrix, DESK_WIDTH - rank, "bottom"))
    )
    for matrix in MATRICES
}
"""By the matrix, the cuts of one model that are made together."""
FIRST = TRAINING.looks[0]
"""Trainings of the smallest first look."""


class Replicable(Hashable, Protocol):
    """A setting, of which there is a training for every seed."""

    def job(self, seed: int) -> ObservedTraining:
        """The training with this seed."""


@cache
def known(function: "JobFunction[..., Any]", *arguments: Any) -> Job:
    """The job, whose identity is worked out once."""
    return function.of(*arguments)


@cache
def observed(setting: Replicable, seed: int) -> ObservedTraining:
    """The training of a setting with this seed."""
    return setting.job(seed)


@dataclass(frozen=True, eq=False)
class Replicate:
    """One training of a setting, tested on sequences of its own."""

    observed: ObservedTraining
    run: Run

    @property
    def seed(self) -> int:
        """The seed of all that is drawn for it."""
        return self.observed.training.seed

    @property
    def history(self) -> list[dict[str, float]]:
        """What was observed on the way."""
        return self.run.history

    def answers_job(self, change: Change) -> Job:
        """The job that `answers` asks."""
        return known(answers_after, self.observed, together(self.observed, change))

    def answers(self, change: Change) -> dict[str, float]:
        """`tested` of the model after a change, on fresh sequences."""
        place = together(self.observed, change).index(change)
        answers: dict[str, float] = _result(self.answers_job(change))[place]
        return answers

    def looks(self) -> dict[str, float]:
        """`observers.looks` of the model, on fresh sequences."""
        second: dict[str, float] = _result(known(attention_looks, self.observed))[0]
        return second

    def first_looks(self) -> dict[str, float]:
        """`observers.first_looks` of the model, on fresh sequences."""
        first: dict[str, float] = _result(known(attention_looks, self.observed))[1]
        return first

    def noise_alignment(self, space: str) -> float:
        """`attended_inputs.noise_alignment` of the model."""
        along: float = _result(known(noise_alignments, self.observed))[space]
        return along


def _result(job: Job) -> Any:
    return results([job])[0]


def together(given: ObservedTraining, change: Change) -> tuple[Change, ...]:
    """The changes that are made together with one: none and a layer dropped, or all of a sweep; else it alone."""
    model = given.training.architecture
    layers: list[Change] = [Dropped(layer) for layer in FEED_FORWARD if getattr(model, layer) is not None]
    families: list[tuple[Change, ...]] = [(unchanged, *layers), *SWEEPS.values()]
    return next((family for family in families if change in family), (change,))


Asked = Callable[[ObservedTraining], Sequence[Job]]
"""What is asked of a training besides what was observed on the way."""


def layers_dropped(given: ObservedTraining) -> list[Job]:
    """Answers as they are, and without each feed-forward layer."""
    return [known(answers_after, given, together(given, unchanged))]


def swept(matrix: str) -> Asked:
    """Answers with a matrix truncated."""
    return lambda given: [known(answers_after, given, SWEEPS[matrix])]


def measured(*functions: "JobFunction[..., Any]") -> Asked:
    """What these jobs find of a training."""
    return lambda given: [known(function, given) for function in functions]


def first_look(setting: Replicable, *asked: Asked) -> Callable[[Assertions], list[Job]]:
    """What a check asks at its first look at the trainings of a setting, as a function of its assertions."""

    def jobs(claim: Assertions) -> list[Job]:
        found = [observed(setting, seed) for seed in seeds(claim.base_seed, "two-layer", first_count(claim))]
        return [one for given in found for one in (known(train_observed, given), *_asked(given, asked))]

    return jobs


def first_count(claim: Assertions) -> int:
    """How many trainings a check looks at first: those of its rule, or those of a pilot."""
    return PILOT_COUNT if isinstance(claim, PilotAssertions) else claim.rule.seeds


def _asked(given: ObservedTraining, asked: Sequence[Asked]) -> Iterator[Job]:
    return (one for more in asked for one in more(given))


def replicates(base_seed: int, setting: Replicable, count: int, later: Replicable | None = None) -> list[Replicate]:
    """The first `count` trainings of one setting, each with a seed of its own; beyond those of the smallest first look
    they are of the setting `later`, if one is given."""
    chosen = seeds(base_seed, "two-layer", count)
    first = len(chosen) if later is None else FIRST
    wanted = [observed(setting if place < first or later is None else later, seed) for place, seed in enumerate(chosen)]
    return [Replicate(one, run) for one, run in zip(wanted, trained(wanted), strict=True)]


def over_seeds(
    claim: Assertions, setting: Replicable, later: Replicable | None = None
) -> Callable[[Callable[[list[Replicate]], Any]], Callable[[int], Any]]:
    """Makes of numbers of trainings what `claim.replicated` asks for: those of the first n seeds of a setting."""
    return lambda numbers: lambda count: numbers(replicates(claim.base_seed, setting, count, later))


def answer_means(found: Sequence[Answering], change: Change = unchanged) -> dict[str, Floats]:
    """`tested` for each trained model after a change: one array over the seeds per quantity."""
    results([run.answers_job(change) for run in found if isinstance(run, Replicate)])  # all at once
    return over_runs([run.answers(change) for run in found])


def over_runs(rows: Sequence[Mapping[str, float]]) -> dict[str, Floats]:
    """One array over the seeds per quantity."""
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def by_rank(found: Sequence[Answering], matrix: str, ranks: Sequence[int], quantity: str, keep: Keep = "top") -> Floats:
    """A quantity of `tested` after `Cut` to each rank: shape (seeds, ranks)."""
    return np.stack([answer_means(found, Cut(matrix, rank, keep))[quantity] for rank in ranks], axis=1)


def results_of(function: "JobFunction[..., Any]", found: Sequence[Replicate]) -> list[Any]:
    """What a job finds of each training."""
    return results([known(function, run.observed) for run in found])


def looked(found: Sequence[Answering]) -> dict[str, Floats]:
    """`looks` of the trained models, over the seeds."""
    return over_runs([run.looks() for run in found])


def first_looks(found: Sequence[Answering]) -> dict[str, Floats]:
    """`first_looks` of the trained models, over the seeds."""
    return over_runs([run.first_looks() for run in found])
