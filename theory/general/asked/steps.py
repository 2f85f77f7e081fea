"""Proved sample counts as they are asked for: of a task by its symmetry classes, of all answers of a law together.

A task has few kinds of pairs (j, k) of a token before the last trigger and a rival of the noise; `NoiseSteps` of
these, each counted as often as there are tokens of its kind, gives the bracket (31) at any N. Over the law of the
answers, (33) leaves for m samples, at expected test inputs, a probability that the correct token leads of

    at most Σ_c ρ_c (1 - (1-p_c)^m),    at least 1 - Σ_c ρ_c min(1, Σ_k 1/(1 + m SNR²_ck)),                        (55)

where a rival that the population step ranks above c counts as 1.
"""

from dataclasses import dataclass

import numpy as np

from theory.arrays import Floats, Number
from theory.evaluation import evaluate
from theory.general.samples import MOST, NoiseSteps, SampleBracket, _least
from theory.one_step.gradients import EntryMoments
from theory.task import Task

FARTHEST = 2**62
"""Samples of an attention step up to which a number is looked for."""


@dataclass(frozen=True, eq=False)
class TaskSteps(NoiseSteps):
    """`NoiseSteps` of a task, a column for each kind of rival: the trigger, the token j itself, another one.

    Attributes:
        rivals: how many tokens are of a kind, shape (J, 3).
    """

    rivals: Floats

    @classmethod
    def of_task(cls, task: Task) -> "TaskSteps":
        """Whatever can come before the last trigger: q, another ordinary token, and τ where it can."""
        names = ["q", "j", *(["tau"] if task.T > 2 and task.alpha > 0 else [])]

        def formula(N: Number, T: Number, alpha: Number) -> dict[tuple[str, str], Number]:
            moments = EntryMoments("feed_forward", N, T, alpha)
            found = {(name, row): moments.joint(row, "P", name, 1) for name in names for row in ("tau", "q", "k")}
            return found | {("j", "same"): moments.joint("k", "P", "k", 1)}  # y = j = z_{T-1}

        joint, N, level = evaluate(formula, task), task.N, float(task.alpha)
        both = np.array([[joint[name, "q"], joint.get((name, "same"), 0.0), joint[name, "k"]] for name in names])
        noise = np.array([[joint[name, "tau"]] * 3 for name in names])
        share = (1 - level) / N
        counts = {"q": (1, 0, N - 1), "j": (1, 1, N - 2), "tau": (1, 0, N - 1)}
        rivals = np.array([counts[name] for name in names], dtype=np.float64)
        chances = np.maximum(0, np.array([noise, level - noise, share - both, both]))
        return cls(chances, np.arange(len(names)), rivals)

    def failures(self, samples: int) -> tuple[Floats, Floats]:
        """Lower and upper bounds of the chance of a wrong sign per kind of preceding token, each (J,), by (31)."""
        tails = np.zeros(self.rivals.shape)
        tails[self.rivals > 0] = self.tails(samples, self.rivals > 0)
        return tails.max(axis=1), (self.rivals * tails).sum(axis=1)


def task_noise_samples(task: Task, rate: float) -> SampleBracket:
    """`theory.general.samples.noise_samples` of a task of any size."""
    steps = TaskSteps.of_task(task)
    if (steps.means[steps.rivals > 0] <= 0).any():
        return SampleBracket(0, None)
    enough = _least(lambda m: bool(steps.failures(m)[1].max() <= 1 - rate), MOST)
    few = _least(lambda m: bool(steps.failures(m)[0].max() <= 1 - rate), enough or MOST)
    return SampleBracket(few - 1 if few else MOST, enough)


def recall_samples(
    answers: Floats, chances: Floats, signals: Floats, rivals: Floats, rate: float
) -> SampleBracket | None:
    """Samples for the correct token to lead at the expected test input, over the law of the answers, by (55).

    Args:
        answers: ρ of C answers, shape (C,).
        chances: P(y = c), shape (C,).
        signals: SNR² with the sign of its mean, shape (C, K); NaN where there is no rival.
        rivals: how many tokens a column stands for, shape (C, K).
        rate: in (0, 1).

    Returns:
        None where too many answers are no targets, so that no number is enough.
    """
    asked = answers > 0
    weight, chance = answers[asked], chances[asked]
    positive = np.where(signals[asked] > 0, signals[asked], 0.0)
    times = np.where(np.isnan(signals[asked]), 0.0, rivals[asked])
    with np.errstate(divide="ignore"):
        missing = np.log1p(-chance)  # log P(y ≠ c)

    def may_lead(m: int) -> bool:
        return bool(-(weight * np.expm1(m * missing)).sum() >= rate)

    def leads(m: int) -> bool:
        return bool((weight * np.minimum(1, (times / (1 + m * positive)).sum(axis=1))).sum() <= 1 - rate)

    few = _least(may_lead, FARTHEST)
    return None if few is None else SampleBracket(few - 1, _least(leads, FARTHEST))
