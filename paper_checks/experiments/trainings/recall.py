"""What the claims E ask of trained transformers: answers on fresh sequences, as they are, cut or truncated."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike

from paper_checks.evidence import experiment_seed
from paper_checks.evidence.assertions import Assertions
from simulate import Hidden, Recall, RecallBatch, Trained, Transformer
from simulate.runtime.arrays import Floats
from simulate.transformer.probes import answer_of
from simulate.truncation import Keep

from . import observers as recall_observers
from .attended_inputs import noise_alignment
from .changes import TESTED, Change, Cut, tested, unchanged
from .observers import last_shown, looks, mean_probabilities
from .runs import trained
from .settings import Setting, desk, seeds


class Observed(Protocol):
    """A training that was looked at on the way: a `Replicate` or a `Trained`."""

    @property
    def history(self) -> list[dict[str, float]]:
        """What was observed."""


class Answering(Observed, Protocol):
    """One whose model was tested: a `Replicate`, or what is on record of one."""

    def answers(self, change: Change) -> Mapping[str, float]:
        """`tested` after a change."""

    def looks(self) -> Mapping[str, float]:
        """`observers.looks`."""

    def first_looks(self) -> Mapping[str, float]:
        """`observers.first_looks`."""


@dataclass(frozen=True, eq=False)
class Seeded:
    """One training, and the seed of all that is drawn for it."""

    seed: int
    trained: Trained

    @property
    def model(self) -> Transformer:
        """The trained model."""
        return self.trained.model

    @property
    def history(self) -> list[dict[str, float]]:
        """What was observed on the way."""
        return self.trained.history


@dataclass(frozen=True, eq=False)
class Replicate(Seeded):
    """One training of a setting, with test sequences of its own."""

    law: Recall

    @cached_property
    def fresh(self) -> RecallBatch:
        """TESTED sequences that neither training nor observation has seen."""
        return self.law.sample(TESTED, seed=experiment_seed(self.seed, "fresh sequences"))

    @cached_property
    def reads(self) -> tuple[torch.Tensor, torch.Tensor]:
        """`Transformer.read_in` of the model where it is tested: the same after a change of what comes later."""
        with torch.no_grad():
            return self.model.read_in(self.fresh.tokens, last_shown(self.fresh))

    def answers(self, change: Change) -> dict[str, float]:
        """`tested` of the model after a change, on fresh sequences."""
        return answers_of(self, change)

    def looks(self) -> dict[str, float]:
        """`observers.looks` of the model, on fresh sequences."""
        return looks_of(self)

    def first_looks(self) -> dict[str, float]:
        """`observers.first_looks` of the model, on fresh sequences."""
        return first_looks_of(self)

    def noise_alignment(self, space: str) -> float:
        """`attended_inputs.noise_alignment` of the model."""
        return noise_alignment(self.model, space)


def runs(claim: Assertions, setting: Setting, count: int) -> list[Replicate]:
    """The first `count` trainings of one setting, each with a seed of its own."""
    return replicates(claim.base_seed, setting, count)


def replicates(base_seed: int, setting: Setting, count: int) -> list[Replicate]:
    """See `runs`."""
    chosen = seeds(base_seed, "two-layer", count)
    found = trained([setting.job(seed) for seed in chosen])
    return [replicate(seed, run, setting.law) for seed, run in zip(chosen, found, strict=True)]


def over_seeds(
    claim: Assertions, setting: Setting
) -> Callable[[Callable[[list[Replicate]], Any]], Callable[[int], Any]]:
    """Makes of numbers of trainings what `claim.replicated` asks for: those of the first n seeds of a setting."""
    return lambda numbers: lambda count: numbers(runs(claim, setting, count))


@cache
def replicate(seed: int, run: Trained, law: Recall) -> Replicate:
    """One training with its fresh sequences, once per run."""
    return Replicate(seed, run, law)


def no_feed_forward(steps: int = 1000) -> Setting:
    """The desk setting without feed-forward layers."""
    return replace(desk(), F1=None, F2=None, steps=steps)


def feed_forward(hidden: Hidden) -> Setting:
    """The desk setting with both feed-forward layers of this kind."""
    return replace(desk(), F1=hidden, F2=hidden)


def answer_means(found: Sequence[Answering], change: Change = unchanged) -> dict[str, Floats]:
    """`tested` for each trained model after a change: one array over the seeds per quantity."""
    return _over_seeds([run.answers(change) for run in found])


@lru_cache(maxsize=4096)
def answers_of(run: Replicate, change: Change) -> dict[str, float]:
    """`tested` for one model after a change."""
    model = change(run.model)
    if not (isinstance(change, Cut) and change.is_late):
        return tested(model, run.fresh)
    with torch.no_grad():
        return mean_probabilities(answer_of(model.read_out(*run.reads), run.fresh, last_shown(run.fresh)))


def _over_seeds(rows: Sequence[Mapping[str, float]]) -> dict[str, Floats]:
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def by_rank(found: Sequence[Answering], matrix: str, ranks: Sequence[int], quantity: str, keep: Keep = "top") -> Floats:
    """A quantity of `tested` after `Cut` to each rank: shape (seeds, ranks)."""
    return np.stack([answer_means(found, Cut(matrix, rank, keep))[quantity] for rank in ranks], axis=1)


def looked(found: Sequence[Answering]) -> dict[str, Floats]:
    """`looks` of the trained models, over the seeds."""
    return _over_seeds([run.looks() for run in found])


@lru_cache(maxsize=4096)
def looks_of(run: Replicate) -> dict[str, float]:
    """`looks` of one trained model."""
    return looks(run.model, run.fresh, last_shown(run.fresh))


def first_looks(found: Sequence[Answering]) -> dict[str, Floats]:
    """`first_looks` of the trained models, over the seeds."""
    return _over_seeds([run.first_looks() for run in found])


@lru_cache(maxsize=4096)
def first_looks_of(run: Replicate) -> dict[str, float]:
    """`first_looks` of one trained model."""
    return recall_observers.first_looks(run.model, run.fresh)


def first_step(run: Observed, name: str, least: float) -> float:
    """The first observed number of updates at which a quantity is at least so large; infinite if it never is."""
    return next((seen["step"] for seen in run.history if seen[name] >= least), np.inf)


def log_updates(updates: ArrayLike) -> Floats:
    """The logarithm of numbers of updates; not a number where it is 0: what is there at the start was not learned."""
    given = np.asarray(updates, dtype=np.float64)
    logs: Floats = np.log(np.where(given > 0, given, np.nan))
    return logs


def recall_after_noise(found: Sequence[Observed]) -> Floats:
    """The logarithm of the step of recall 0.8 over that of P(τ) 0.4, over the seeds; not finite, and so no success,
    where either is there from the start or never comes."""
    steps = [[first_step(run, "recall", 0.8), first_step(run, "noise", 0.4)] for run in found]
    with np.errstate(invalid="ignore"):
        recall, noise = log_updates(steps).T
        later: Floats = recall - noise
        return later


def largest_early_noise(found: Sequence[Observed]) -> Floats:
    """The largest P(τ) up to step 10, over the seeds."""
    return np.array([max(seen["noise"] for seen in run.history if seen["step"] <= 10) for run in found])


def fall_after_peak(found: Sequence[Observed]) -> Floats:
    """The lowest P(τ) between its peak (up to step 10) and step 20, over that peak, over the seeds."""
    return np.array([_after_peak(run).min() / _after_peak(run)[0] for run in found])


def step_below(found: Sequence[Observed], alpha: float) -> Floats:
    """The first observed step after its peak (up to step 10) at which P(τ) is below α; infinite if it never is."""
    return np.array([_first_below(run, alpha) for run in found])


def _after_peak(run: Observed) -> Floats:
    noise = [seen["noise"] for seen in run.history if seen["step"] <= 20]
    early = sum(seen["step"] <= 10 for seen in run.history)
    return np.array(noise[int(np.argmax(noise[:early])) :])


def _first_below(run: Observed, alpha: float) -> float:
    peak = max(seen["noise"] for seen in run.history if seen["step"] <= 10)
    since = next(place for place, seen in enumerate(run.history) if seen["noise"] == peak)
    return next((seen["step"] for seen in run.history[since:] if seen["noise"] < alpha), np.inf)


def settled_noise(found: Sequence[Observed], since: int = 30) -> Floats:
    """P(τ) at the observed steps from `since` on, shape (seeds, steps)."""
    return np.array([[seen["noise"] for seen in run.history if seen["step"] >= since] for run in found])


def at_step(found: Sequence[Observed], name: str, step: int) -> Floats:
    """A quantity over the seeds, observed after so many updates."""
    return np.array([seen[name] for run in found for seen in run.history if seen["step"] == step])


def last(found: Sequence[Observed], name: str) -> Floats:
    """A quantity over the seeds, observed at the end."""
    return np.array([run.history[-1][name] for run in found])
