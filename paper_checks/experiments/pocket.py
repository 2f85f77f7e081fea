"""What P1 to P5 ask of pocket Pythia: one number per training seed, a mean over its prompts.

The unit is the training seed. Cells, ranks and thresholds were chosen on the training seeds EXPLORED, which had been
seen; the claims are about CONFIRMING, trained afterwards by the same code. A threshold is half of the smallest effect
of the three (`test_pocket_thresholds.py` has all of them). Where a cell is the best of several it is chosen on one half
of the prompts and reported on the other.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from scipy import stats

from paper_checks.jobs import Job, results
from simulate.pocket.shipped import pocket_record
from simulate.prompts.sets import halves
from simulate.prompts.tokens import mean_and_error
from simulate.runtime.arrays import Floats

from .language import SETS, Answers, Chosen, first_at_share, independent, means, over_distractor
from .pocket_models import (
    Cuts,
    checkpoints,
    pocket_answers,
    pocket_cuts,
    pocket_models,
    recorded_and_live,
)
from .rise import CLAIMED


def answers_jobs(base_seed: int, seeds: Iterable[int]) -> list[Job]:
    """What the last models of these training seeds answer."""
    return [pocket_answers.of(seed, step, base_seed, SETS) for seed, step in pocket_models(seeds)]


def checkpoint_jobs(base_seed: int) -> list[Job]:
    """What the checkpoints of the training seed with most of them answer to the prompts of CLAIMED, in order."""
    return [pocket_answers.of(seed, step, base_seed, CLAIMED) for seed, step in checkpoints()]


def recorded_jobs(seeds: Iterable[int]) -> list[Job]:
    """`recorded_and_live` of the last checkpoints of these seeds, and of all checkpoints of the seed with most."""
    last = pocket_models(seeds)
    return [recorded_and_live.of(*one) for one in (*last, *(one for one in checkpoints() if one not in last))]


def cuts_jobs(base_seed: int, seeds: Iterable[int]) -> list[Job]:
    """The last models of these training seeds cut."""
    return [pocket_cuts.of(seed, step, base_seed) for seed, step in pocket_models(seeds)]


def cuts(seeds: Iterable[int], base_seed: int) -> list[Cuts]:
    """See `cuts_jobs`."""
    found: list[Cuts] = results(cuts_jobs(base_seed, seeds))
    return found


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


def rise_times(seed: int, name: str, parts: float) -> tuple[int, int]:
    """Updates after which P("the"), and P(answer), had first reached one of so many parts of the last value, as
    recorded at training at about twenty log-spaced numbers of updates."""
    history = pocket_record()["history"][str(seed)]
    steps = [int(seen["step"]) for seen in history]
    generic, answer = (
        steps[first_at_share([seen[f"{name} {metric}"] for seen in history], parts)]
        for metric in ("distributional", "answer")
    )
    return generic, answer


def rise_ratios(times: Iterable[tuple[int, int]]) -> list[float]:
    """Updates of P(answer) over those of P("the"): 1 for a tie, infinite where "the" is there before the first."""
    return [answer / generic if generic else np.inf for generic, answer in times]


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


def share_interval(count: int, of: int) -> tuple[float, float]:
    """Exact (Clopper-Pearson) 95 % interval of a share that was found in `count` of `of` training seeds."""
    interval = stats.binomtest(count, of).proportion_ci(0.95)
    return float(interval.low), float(interval.high)
