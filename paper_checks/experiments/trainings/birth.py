"""What the claims B4 to B6 ask of trainings without noise: when memories rise, what is learned first, what is recalled.

Recall is asked for in one and the same place whatever the law: at z_T, which the test sequences have replaced by a
trigger, where its answer was shown before. At triggers as they come it would be asked for most often in sequences whose
answer leads back to the trigger, and the rarer a trigger, the more so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from paper_checks.evidence.assertions import Assertions
from paper_checks.jobs import Job, results
from simulate import Recall, resolve_device
from simulate.runtime.arrays import Floats
from simulate.transformer.plan import LossOn

from .measured import recalled_by, share_recalled
from .recall import Observed, last, log_updates
from .replicates import first_count, known
from .runs import ObservedTraining, Run, model_of, train_observed, trained
from .settings import MATRICES, MemorySetting, seeds
from .statements import Claimed, Over


@dataclass(frozen=True, eq=False)
class Born:
    """One training of a setting, on a chain of its own, made on a device."""

    setting: MemorySetting
    observed: ObservedTraining
    run: Run
    device: str

    @property
    def history(self) -> list[dict[str, float]]:
        """What was observed on the way."""
        return self.run.history


def runs(claim: Assertions, setting: MemorySetting, count: int, device: str) -> list[Born]:
    """The first `count` trainings of one setting; those of all settings have the same seeds."""
    return births(claim.base_seed, setting, count, device)


def births(base_seed: int, setting: MemorySetting, count: int, device: str = "cpu") -> list[Born]:
    """See `runs`."""
    wanted = [observed(setting, seed) for seed in seeds(base_seed, "birth", count)]
    pairs = zip(wanted, trained(wanted, device), strict=True)
    return [Born(setting, one, run, device) for one, run in pairs]


@cache
def observed(setting: MemorySetting, seed: int) -> ObservedTraining:
    """The training of a setting with this seed."""
    return setting.job(seed)


@cache
def law_of(setting: MemorySetting, seed: int) -> Recall:
    """What the training of a setting with this seed is on."""
    return setting.law(seed)


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
    if not found or resolve_device(found[0].device).type == "cpu":
        return np.array(results([share_job(run.observed, law or run.setting, new) for run in found]))
    return np.array([_recalled_here(run, law or run.setting, new) for run in found])


def share_job(given: ObservedTraining, law: MemorySetting, new: bool) -> Job:
    """The job of `recalled` of one training."""
    return known(share_recalled, given, *_tested(given, law, new))


def _recalled_here(run: Born, law: MemorySetting, new: bool) -> float:
    training = run.observed.training
    return recalled_by(model_of(training, run.run), training.seed, *_tested(run.observed, law, new))


def _tested(given: ObservedTraining, law: MemorySetting, new: bool) -> tuple[Recall, tuple[int, ...]]:
    """The law that a training is tested on, and the triggers that do not count."""
    training = given.training
    return law_of(law, training.seed), fixed_triggers(training.law) if new else ()


def fixed_triggers(law: Recall) -> tuple[int, ...]:
    """The triggers of a law that has fixed ones, else none."""
    return law.triggers if isinstance(law.triggers, tuple) else ()


Asked = Mapping[MemorySetting, Sequence[tuple[MemorySetting, bool]]]
"""Settings to train, and for each the laws of `recalled`, and whether of new triggers alone."""


def first_look(claim: Assertions, asked: Asked) -> list[Job]:
    """What a check asks at its first look."""
    found = []
    for seed in seeds(claim.base_seed, "birth", first_count(claim)):
        for setting, laws in asked.items():
            one = observed(setting, seed)
            found += [known(train_observed, one), *(share_job(one, law, new) for law, new in laws)]
    return found


# Statements of B4 and B5, for the checks and the picture; see `statements`


def bigrams_first(claim: Claimed, over: Over) -> None:
    """Both losses fall, in nats, and answers are recalled in the end. After 20 updates the loss on global bigrams has
    half of its whole fall behind it, a larger share than that on answers, which comes to three quarters of its fall
    later by the factor of the rule."""
    for name in ("bigrams", "answers"):
        falls = partial(fall, name=name)
        claim.replicated(f"fall of the loss on {name}, in nats", f"{name}_fall", +1, over(falls))
    done = over(partial(share_done, name="bigrams", step=20))
    claim.replicated("share of the fall on bigrams after 20 updates", "bigrams_done", +1, done)
    claim.replicated("share on bigrams less that on answers then", "ahead", +1, over(bigrams_ahead))
    later = over(partial(log_later, share=0.75))
    claim.replicated("log of updates for 3/4 of the fall, answers over bigrams", "log_later", +1, later)
    claim.replicated("recall at the end", "recall_at_end", +1, over(partial(last, name="recall")))


def memories_in_order(claim: Claimed, over: Over, loss_on: LossOn) -> None:
    """In long sequences W_O², W_K² and W_K¹ are half-way from their first value to 1 in this order. In the end W_O² has
    nearly all of its memory, W_K² most, W_K¹ not all."""
    where = f"loss on {loss_on}"
    claim.replicated(f"W_O², W_K², W_K¹ half-way in this order, {where}", "in_order", +1, over(in_order))
    wait = over(partial(log_wait, first="W_O2", second="W_K1"))
    claim.replicated(f"log of updates, W_K¹ over W_O² half-way, {where}", "log_wait", +1, wait)
    for matrix in MATRICES:
        claim.replicated(f"{matrix} at the end, {where}", f"end_{matrix}", +1, over(partial(last, name=matrix)))
    entire = over(partial(whole, name="W_K1"))
    claim.replicated(f"W_K¹ has all of its memory at the end, {where}", "whole", -1, entire, side="beyond")
