"""Proved sample counts of a task by classes and of all answers: equal to the law's, and right on drawn steps."""

from fractions import Fraction

import numpy as np
import pytest

from simulate import counted_gradient, sample
from theory import Law, Task
from theory.general.asked.steps import TaskSteps, recall_samples, task_noise_samples
from theory.general.samples import MOST, NoiseSteps, answer_samples, answer_signals, noise_samples
from theory.one_step import noise_margin_guarantee


@pytest.mark.parametrize(
    "task", [Task(2, 2, 0.7), Task(4, 2, 0.5), Task(3, 5, 0.5), Task(2, 9, 0.6, 1), Task(9, 40, 0.2, 4)]
)
@pytest.mark.parametrize("samples", [1, 7, 40])
def test_classes_are_the_tokens_of_the_law(task, samples):
    """Per preceding token, the bounds of the failure; a class of tokens has those of each of them."""
    steps, law = TaskSteps.of_task(task), NoiseSteps.of(Law.of_task(task))
    kinds = [0 if j == task.q else 2 if j == task.tau else 1 for j in law.preceding]
    assert set(kinds) == set(range(len(steps.preceding)))
    tails = law.tails(samples, law.means == law.means).reshape(law.means.shape)
    for one, other in zip(steps.failures(samples), (tails.max(axis=1), tails.sum(axis=1)), strict=True):
        np.testing.assert_allclose(one[kinds], other, rtol=1e-9, atol=1e-13)
    assert task_noise_samples(task, 0.95) == noise_samples(Law.of_task(task), 0.95)


def test_what_is_enough_at_one_half_is_less_than_the_guarantee():
    """48 samples are T2.5's at N = 8 … 256, and proved there in another way."""
    for N in (8, 64, 256):
        few, enough = task_noise_samples(Task(N, 16, 0.5), 0.95)
        assert 1 < few < enough < 48 and noise_margin_guarantee(N, 48, Fraction(1, 2)) > 0.95


def test_below_the_threshold_no_number_is_enough():
    assert task_noise_samples(Task(8, 16, 0.1), 0.95) == (0, None)
    few, enough = task_noise_samples(Task(5000, 2048, 0.0003), 0.95)
    assert few == MOST and enough is None


def test_steps_fail_as_often_as_the_bracket_says():
    """The worst sequence ends in (τ, q) here: too few samples fail more often than 1 in 20, enough less often."""
    task, steps = Task(5, 12, 0.5, trigger=2), 4000
    bracket = task_noise_samples(task, 0.95)
    for samples, sign in ((bracket.too_few, 1), (bracket.enough, -1)):
        batch = sample(task, samples * steps, seed=samples)
        target = batch.target.numpy().reshape(steps, samples)
        before = batch.tokens.numpy()[:, -2].reshape(steps, samples)
        failed = []
        for j in range(task.M):
            seen = 1 + (before == j)
            scores = np.stack([(seen * (target == k)).sum(axis=1) for k in range(task.M)])
            failed.append((scores[task.tau] <= scores[: task.N].max(axis=0)).mean())
        error = 3 * np.sqrt(0.05 * 0.95 / steps)
        assert (max(failed) - 0.05) * sign > -error


def test_answers_of_one_kind_are_answer_samples():
    """With one answer the mean over the answers is that answer's bracket."""
    law = Law(np.full((4, 4), 0.25), T=60, trigger=0, alpha=0.2, answers=[0, 0.5, 0.5, 0], noise=3)
    signals = answer_signals(law)
    alone = np.where(law.noise > 0, np.nan, signals)[1:2]
    found = recall_samples(np.ones(1), law.output[1:2], alone, np.ones((1, 4)), 0.95)
    assert found == answer_samples(law, 1, signals=signals) and found.enough is not None


def test_a_rival_that_is_ahead_leaves_no_number():
    ahead = np.array([[0.1, -0.1], [0.1, 0.1]])
    for share, some in ((0.04, True), (0.06, False)):
        found = recall_samples(np.array([share, 1 - share]), np.full(2, 0.3), ahead, np.ones((2, 2)), 0.95)
        assert found.too_few == 8 and (found.enough is not None) == some
    assert recall_samples(np.ones(1), np.zeros(1), ahead[1:], np.ones((1, 2)), 0.95) is None


@pytest.mark.parametrize("samples", [1, 2, 3, 5])
def test_what_is_no_target_leads_nothing(samples):
    """(33) and the lower end of (31) on drawn batches: rows of tokens that are no target never lead."""
    task = Task(3, 5, 0.6, trigger=1)
    for seed in range(40):
        batch, test = sample(task, samples, seed=seed), sample(task, 50, seed=1000 + seed).tokens.numpy()
        counts = np.bincount(batch.target.numpy(), minlength=task.M)
        values = counted_gradient(task, "attention_value", batch.tokens, batch.target)
        seen = np.array([np.bincount(row, minlength=task.M) for row in test])
        before = np.array([np.bincount(row[:-1], minlength=task.M) for row in test])
        scores = values @ np.concatenate([seen, before], axis=1).T
        for token in np.flatnonzero(counts[: task.N] == 0):
            rivals = np.delete(scores[: task.N], token, axis=0)
            assert (scores[token] <= rivals.max(axis=0) + 1e-15).all()
