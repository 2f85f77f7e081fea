"""What the claims B4 to B6 ask of trainings without noise: when memories rise, what is learned first, what is recalled.

Recall is asked for in one and the same place whatever the law: at z_T, which the test sequences have replaced by a
trigger, where its answer was shown before. At triggers as they come it would be asked for most often in sequences whose
answer leads back to the trigger, and the rarer a trigger, the more so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from paper_checks.evidence import experiment_seed
from paper_checks.evidence.assertions import Assertions
from simulate import Recall, Trained, answers
from simulate.runtime.arrays import Floats

from .changes import TESTED
from .observers import forced, on_a_trigger
from .recall import Observed, Seeded, log_updates
from .runs import trained
from .settings import MATRICES, MemorySetting, seeds


@dataclass(frozen=True, eq=False)
class Born(Seeded):
    """One training of a setting, on a chain of its own."""

    setting: MemorySetting


def runs(claim: Assertions, setting: MemorySetting, count: int, device: str) -> list[Born]:
    """The first `count` trainings of one setting; those of all settings have the same seeds."""
    return births(claim.base_seed, setting, count, device)


def births(base_seed: int, setting: MemorySetting, count: int, device: str = "cpu") -> list[Born]:
    """See `runs`."""
    chosen = seeds(base_seed, "birth", count)
    found = trained([setting.job(seed) for seed in chosen], device)
    return [born(seed, run, setting) for seed, run in zip(chosen, found, strict=True)]


@cache
def born(seed: int, run: Trained, setting: MemorySetting) -> Born:
    """One training with its probes, once per run."""
    return Born(seed, run, setting)


def half_way(run: Observed, name: str) -> float:
    """The first observed update at which a share is half-way from its value before training to 1, or beyond; infinite
    if it never is. A matrix that has part of its memory by chance has as far to go as any other."""
    start = run.history[0][name]
    return next((seen["step"] for seen in run.history if seen[name] >= (1 + start) / 2), np.inf)


def in_order(found: Sequence[Observed], names: Sequence[str] = MATRICES) -> Floats:
    """1 where all of these come half-way, each strictly before the next, else -1."""
    at = np.array([[half_way(run, name) for name in names] for run in found])
    return np.where(np.isfinite(at).all(axis=1) & (at[:, 1:] > at[:, :-1]).all(axis=1), 1.0, -1.0)


def before(found: Sequence[Observed], first: str, second: str) -> Floats:
    """1 where the first comes half-way, and the second does so strictly later or not in the training, else -1."""
    at = np.array([[half_way(run, name) for name in (first, second)] for run in found])
    return np.where(at[:, 0] < at[:, 1], 1.0, -1.0)


def whole(found: Sequence[Observed], name: str) -> Floats:
    """1 where a share is 1 at the end, else -1."""
    return np.array([1.0 if run.history[-1][name] == 1 else -1.0 for run in found])


def log_wait(found: Sequence[Observed], first: str, second: str) -> Floats:
    """The logarithm of the update at which the second is half-way over that of the first."""
    at = log_updates([[half_way(run, name) for name in (first, second)] for run in found])
    with np.errstate(invalid="ignore"):
        wait: Floats = at[:, 1] - at[:, 0]
        return wait


def fall(found: Sequence[Observed], name: str) -> Floats:
    """By how much a loss, in nats, falls from before training to the end."""
    return np.array([run.history[0][name] - run.history[-1][name] for run in found])


def share_done(found: Sequence[Observed], name: str, step: int) -> Floats:
    """Of the fall of a loss over the whole training, the share that has come after so many updates."""
    seen = np.array([next(seen[name] for seen in run.history if seen["step"] == step) for run in found])
    start = np.array([run.history[0][name] for run in found])
    share: Floats = (start - seen) / fall(found, name)
    return share


def bigrams_ahead(found: Sequence[Observed], step: int = 20) -> Floats:
    """What `share_done` is more for bigrams than for answers."""
    ahead: Floats = share_done(found, "bigrams", step) - share_done(found, "answers", step)
    return ahead


def step_done(run: Observed, name: str, share: float) -> float:
    """The first observed update after which so large a share of the fall of a loss has come."""
    start, end = run.history[0][name], run.history[-1][name]
    return next(seen["step"] for seen in run.history if start - seen[name] >= share * (start - end))


def log_later(found: Sequence[Observed], share: float) -> Floats:
    """The logarithm of `step_done` of the answers over that of the bigrams."""
    steps = [[step_done(run, name, share) for name in ("answers", "bigrams")] for run in found]
    later: Floats = -np.diff(log_updates(steps))[:, 0]
    return later


def recalled(found: Sequence[Born], law: MemorySetting | None = None, new: bool = False) -> Floats:
    """The share of TESTED fresh sequences of each training's own chain on which c_q leads all tokens at z_T = q.

    `law` gives triggers and outputs of the sequences, by default those trained on; with `new` only triggers count that
    are none of the fixed ones trained on.
    """
    return np.array([share_recalled(run, run.setting if law is None else law, new) for run in found])


@lru_cache(maxsize=4096)
def share_recalled(run: Born, setting: MemorySetting, new: bool) -> float:
    """`recalled` of one training."""
    law, device = forced(setting.law(run.seed)), run.model.E.device
    batch = law.sample(TESTED, seed=experiment_seed(run.seed, "fresh sequences")).to(device)
    at = on_a_trigger(batch)
    for token in fixed_triggers(run.setting.law(run.seed)) if new else ():
        at &= batch.tokens != token
    return float(answers(run.model, batch, at).leads.double().mean())


def fixed_triggers(law: Recall) -> tuple[int, ...]:
    """The triggers of a law that has fixed ones, else none."""
    return law.triggers if isinstance(law.triggers, tuple) else ()
