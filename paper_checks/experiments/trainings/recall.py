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


def recall_after_noise(found: Sequence[Observed], least_recall: float, least_noise: float) -> Floats:
    """The logarithm of the step at which recall is reached over that at which P(τ) is, over the seeds; not finite, and
    so no success, where either is there from the start or never comes."""
    steps = [[first_step(run, "recall", least_recall), first_step(run, "noise", least_noise)] for run in found]
    with np.errstate(invalid="ignore"):
        recall, noise = log_updates(steps).T
        later: Floats = recall - noise
        return later


def largest_early_noise(found: Sequence[Observed], peak_by: float) -> Floats:
    """The largest P(τ) up to the step `peak_by`, over the seeds."""
    return np.array([max(seen["noise"] for seen in run.history if seen["step"] <= peak_by) for run in found])


def fall_after_peak(found: Sequence[Observed], peak_by: float, dip_by: float) -> Floats:
    """The lowest P(τ) between its peak (up to the step `peak_by`) and the step `dip_by`, over that peak, by seed."""
    falls = [_after_peak(run, peak_by, dip_by) for run in found]
    return np.array([noise.min() / noise[0] for noise in falls])


def step_below(found: Sequence[Observed], alpha: float, peak_by: float) -> Floats:
    """The first observed step after its peak (up to the step `peak_by`) at which P(τ) is below α; infinite if it never
    is."""
    return np.array([_first_below(run, alpha, peak_by) for run in found])


def _after_peak(run: Observed, peak_by: float, dip_by: float) -> Floats:
    noise = [seen["noise"] for seen in run.history if seen["step"] <= dip_by]
    early = sum(seen["step"] <= peak_by for seen in run.history)
    return np.array(noise[int(np.argmax(noise[:early])) :])


def _first_below(run: Observed, alpha: float, peak_by: float) -> float:
    peak = max(seen["noise"] for seen in run.history if seen["step"] <= peak_by)
    since = next(place for place, seen in enumerate(run.history) if seen["noise"] == peak)
    return next((seen["step"] for seen in run.history[since:] if seen["noise"] < alpha), np.inf)


def settled_noise(found: Sequence[Observed], since: float) -> Floats:
    """P(τ) at the observed steps from `since` on, shape (seeds, steps)."""
    return np.array([[seen["noise"] for seen in run.history if seen["step"] >= since] for run in found])


def at_step(found: Sequence[Observed], name: str, step: int) -> Floats:
    """A quantity over the seeds, observed after so many updates."""
    return np.array([seen[name] for run in found for seen in run.history if seen["step"] == step])


def last(found: Sequence[Observed], name: str) -> Floats:
    """A quantity over the seeds, observed at the end."""
    return np.array([run.history[-1][name] for run in found])
