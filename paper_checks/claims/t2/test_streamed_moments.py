"""T2.1, T2.2: the moments that simulations stream are those of the same sequences' gradients, kept one by one."""

from fractions import Fraction

import numpy as np
import pytest

from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments.named import in_words
from paper_checks.witnesses import enumeration
from paper_checks.witnesses.literal_gradients import gradient_factors
from simulate import gradient_moments, projected_moments, sample
from simulate.one_layer.central import CentralSums
from simulate.sequences.blocks import block_rows
from theory import ENTRY_CLASSES, LAYERS, Task, entry_labels
from theory.one_step.class_averages import class_average_variance
from theory.task import Layer

TASKS = [Task(4, 40, 0, 1), Task(10, 40, 0.5, 3)]
"""Counts by histograms, with a token that never occurs, and by powers."""
LEFT = 1000
"""Sequences beyond two full blocks."""
BOUND, SUMS = 1e-9, "sums of up to 10^5 terms, in powers up to the fourth, in another order"


def errors(values: np.ndarray) -> tuple[np.ndarray, ...]:
    """Mean, variance and their standard errors over the first axis."""
    centred, count = values - values.mean(axis=0), len(values)
    second, fourth = ((centred**p).mean(axis=0) for p in (2, 4))
    variance = second * count / (count - 1)
    return values.mean(axis=0), variance, (variance / count) ** 0.5, (np.maximum(fourth - second**2, 0) / count) ** 0.5


NAMES = ("mean", "variance", "standard_error", "variance_standard_error")


def check(claim: Assertions, task: Task, layer: Layer) -> None:
    """Every entry, class averages over both full blocks, and two directions at once."""
    rows, seed = block_rows(task), claim.seed(f"streamed {task}")
    labels = (np.arange(task.M)[:, None] * 7 + np.arange(2 * task.M)) % 5
    found = gradient_moments(task, layer, 2 * rows + LEFT, seed=seed, labels=labels)
    batch = sample(task, 2 * rows + LEFT, seed=seed)
    coefficients, features = gradient_factors(batch.tokens, batch.target, task.M, layer)
    exact = np.array([errors(c[:, None] * features) for c in coefficients.T])
    what = f"{layer}, {in_words(task)}"
    for name, expected in zip(NAMES, exact.transpose(1, 0, 2), strict=True):
        scale = float(np.abs(expected).max())
        claim.close(f"{name}, {what}", expected, getattr(found, name), BOUND, SUMS, scale=scale)
    pooled, blocks = found.pooled, []
    assert pooled is not None
    for block in (slice(rows), slice(rows, 2 * rows)):
        moments = np.array([errors(c[block, None] * features[block])[:2] for c in coefficients.T])
        blocks.append([[moments[:, p][labels == k].mean() for k in range(5)] for p in range(2)])
    mean, variance = np.mean(blocks, axis=0)
    for name, expected, value in (("mean", mean, pooled.mean), ("variance", variance, pooled.variance)):
        scale = float(np.abs(expected).max())
        claim.close(f"class averages of the {name}, {what}", expected, value, BOUND, SUMS, scale=scale)
    direction = np.random.default_rng(5).normal(size=labels.shape)
    along = projected_moments(task, layer, direction, 2 * rows + LEFT, seed=seed)
    stated = errors(((coefficients @ direction) * features).sum(axis=1))
    for name, number in zip(NAMES, stated, strict=True):
        claim.close(f"{name} along a direction, {what}", float(number), getattr(along, name), BOUND, SUMS, scale=1.0)


@pytest.mark.claims("T2.1")
@pytest.mark.parametrize("task", TASKS, ids=str)
def test_streamed_moments_of_the_feed_forward_gradient(claim: Assertions, task: Task) -> None:
    """All moments of one sample's gradient, entry by entry."""
    check(claim, task, "feed_forward")


@pytest.mark.claims("T2.2")
@pytest.mark.parametrize("task", TASKS, ids=str)
def test_streamed_moments_of_the_attention_value_gradient(claim: Assertions, task: Task) -> None:
    """All moments of one sample's gradient, entry by entry."""
    check(claim, task, "attention_value")


@pytest.mark.claims("T2.2")
@pytest.mark.parametrize("layer", LAYERS)
def test_variances_of_class_averages(claim: Assertions, layer: Layer) -> None:
    """Of the average of one sample's gradient over a class, by which sample sizes are designed, as fractions by
    enumeration of every sequence."""
    task = Task(3, 4, Fraction(2, 7), 2)
    labels, stated = entry_labels(task), class_average_variance(task, layer, exact=True)
    for index, entry in enumerate(ENTRY_CLASSES):
        members = (labels == index).astype(np.int64)
        if members.any():
            _, variance = enumeration.projected_moments(task, layer, members)
            name = f"variance of the average of {entry}, {layer}"
            claim.equal(name, variance / int(members.sum()) ** 2, stated[entry])


@pytest.mark.claims("T2.2")
def test_merged_summaries(claim: Assertions) -> None:
    """The summary of two sets of numbers, far apart, is that of all of them: mean and sums of powers of deviations."""
    draws = np.random.default_rng(6)
    one, other = draws.exponential(size=(300, 2)), 5 + draws.normal(size=(200, 2))
    found = CentralSums.of_values(one).merge(CentralSums.of_values(other))
    values = np.concatenate([one, other])
    for power in (2, 3, 4):
        exact = ((values - values.mean(axis=0)) ** power).sum(axis=0)
        claim.close(f"sum of powers {power} of deviations", exact, found[power], 1e-12, "500 terms of float64")
