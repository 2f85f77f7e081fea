"""What the claims E ask of trained transformers: numbers of what was observed on the way."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from simulate.runtime.arrays import Floats

from .changes import Change


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
