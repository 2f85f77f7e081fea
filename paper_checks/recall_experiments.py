"""What the claims E ask of trained transformers: answers on fresh sequences, as they are, cut or truncated."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from simulate import Hidden, Recall, RecallBatch, Trained, Transformer, answers, merged_values, truncated, without

from .recall_observers import last_shown, means
from .recall_runs import trained
from .recall_settings import Setting, desk, seeds
from .recorder import Recorder, experiment_seed

Floats = NDArray[np.float64]

TESTED = 1000
"""Fresh sequences on which a trained model is tested: standard errors of a probability stay below 0.016."""


def runs(claim: Recorder, setting: Setting) -> list[Trained]:
    """Trainings of one setting, as many as the claim's rule has seeds."""
    return trained([setting.job(seed) for seed in seeds(claim.base_seed, "two-layer", claim.rule.seeds)])


def no_feed_forward(steps: int = 1000) -> Setting:
    """The desk setting without feed-forward layers."""
    return replace(desk(), F1=None, F2=None, steps=steps)


def feed_forward(hidden: Hidden) -> Setting:
    """The desk setting with both feed-forward layers of this kind."""
    return replace(desk(), F1=hidden, F2=hidden)


@cache
def fresh(law: Recall, base_seed: int) -> RecallBatch:
    """The sequences on which all trained models of a law are tested."""
    return law.sample(TESTED, seed=experiment_seed(base_seed, "fresh sequences"))


def tested(model: Transformer, batch: RecallBatch) -> dict[str, float]:
    """Means of what the model answers, see `means`, at the last trigger of each sequence whose c was shown."""
    return means(answers(model, batch, last_shown(batch)))


def measured(
    found: Sequence[Trained], batch: RecallBatch, change: Callable[[Transformer], Transformer] = lambda model: model
) -> dict[str, Floats]:
    """`tested` for each trained model after a change: one array over the seeds per quantity."""
    rows = [tested(change(run.model), batch) for run in found]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def dropped(layer: str) -> Callable[[Transformer], Transformer]:
    """The change that leaves out a feed-forward layer."""
    return lambda model: without(model, layer)


def cut(name: str, rank: int, keep: str = "top") -> Callable[[Transformer], Transformer]:
    """The change that truncates a weight; "W_OV2" is the product W_O2 W_V2."""

    def change(model: Transformer) -> Transformer:
        if name == "W_OV2":
            return truncated(merged_values(model, 2), "W_O2", rank, keep=keep)
        return truncated(model, name, rank, keep=keep)

    return change


def first_step(run: Trained, name: str, least: float) -> float:
    """The first observed number of updates at which a quantity is at least so large; infinite if it never is."""
    return next((seen["step"] for seen in run.history if seen[name] >= least), np.inf)


def first_step_below(run: Trained, name: str, most: float) -> float:
    """The first observed number of updates at which a quantity is at most so large; infinite if it never is."""
    return next((seen["step"] for seen in run.history if seen[name] <= most), np.inf)


def no_later(first: Sequence[float], second: Sequence[float]) -> Floats:
    """1 where the first of two steps is reached, and no later than the second; else -1."""
    earlier = np.isfinite(first) & (np.asarray(first) <= np.asarray(second))
    return np.where(earlier, 1.0, -1.0)


def settled_noise(found: Sequence[Trained]) -> list[float]:
    """The mean P(τ) observed from step 20 to 100, over the seeds."""
    return [float(np.mean([seen["noise"] for seen in run.history if 20 <= seen["step"] <= 100])) for run in found]


def recall_after_noise(found: Sequence[Trained]) -> list[float]:
    """The step of recall 0.8 over that of P(τ) 0.4, over the seeds."""
    return [first_step(run, "recall", 0.8) / first_step(run, "noise", 0.4) for run in found]


def recall_after_bigrams(found: Sequence[Trained], limits: Mapping[str, float]) -> list[float]:
    """The step of recall over that of the global bigrams, at the thresholds of B4, over the seeds."""
    recall, bigrams = limits["recall_at_end"], limits["bigrams_at_50"]
    return [first_step(run, "recall", recall) / first_step_below(run, "bigrams", bigrams) for run in found]


def updates_between(first: Sequence[float] | Floats, second: Sequence[float] | Floats) -> Floats:
    """From one step to another, over the seeds; not a number where neither is reached."""
    with np.errstate(invalid="ignore"):
        return np.subtract(second, first)


def largest_early_noise(found: Sequence[Trained]) -> Floats:
    """The largest P(τ) up to step 10, over the seeds."""
    return np.array([max(seen["noise"] for seen in run.history if seen["step"] <= 10) for run in found])


def at_step(found: Sequence[Trained], name: str, step: int) -> Floats:
    """A quantity over the seeds, observed after so many updates."""
    return np.array([seen[name] for run in found for seen in run.history if seen["step"] == step])


def last(found: Sequence[Trained], name: str) -> Floats:
    """A quantity over the seeds, observed at the end."""
    return np.array([run.history[-1][name] for run in found])
