"""Sample counts that are proved: the two implications on drawn batches, the bound in fractions, the least numbers."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest

from simulate import counted_gradient, sample
from theory import Task
from theory.general.asked.sample_bounds import MOST, Share, enough_samples, needed_samples, noise_lead_bound
from theory.one_step import noise_margin_guarantee


@pytest.mark.parametrize("samples", [1, 2, 3, 5, 9, 30])
def test_targets_alone_decide(samples):
    """On drawn batches and test sequences: what is no target leads nothing, what is one twice as often leads all."""
    task, led, lost = Task(3, 5, 0.6, trigger=1), 0, 0
    for seed in range(60):
        batch, test = sample(task, samples, seed=seed), sample(task, 50, seed=1000 + seed).tokens.numpy()
        counts = np.bincount(batch.target.numpy(), minlength=task.M)
        step = counted_gradient(task, "feed_forward", batch.tokens, batch.target)
        logits = step[:, task.q, None] + step[:, task.M + test[:, -2]]
        lead = logits[task.tau] - logits[: task.N].max(axis=0)
        if counts[task.tau] > 2 * counts[: task.N].max():
            led += 1
            assert (lead > 0).all()
        if counts[task.tau] == 0:
            lost += 1
            assert (lead <= 1e-15).all()
        values = counted_gradient(task, "attention_value", batch.tokens, batch.target)
        seen = np.array([np.bincount(row, minlength=task.M) for row in test])
        before = np.array([np.bincount(row[:-1], minlength=task.M) for row in test])
        scores = values @ np.concatenate([seen, before], axis=1).T
        for token in np.flatnonzero(counts[: task.N] == 0):
            rivals = np.delete(scores[: task.N], token, axis=0)
            assert (scores[token] <= rivals.max(axis=0) + 1e-15).all()
    assert led and (lost or samples > 3)


def test_the_bound_is_the_union_bound():
    """In fractions, for rivals of two kinds."""
    noise, rivals, samples = Fraction(2, 5), [(Fraction(1, 5), 2), (Fraction(1, 10), 2)], 7
    total = Fraction(0)
    for count in range(1, samples + 1):
        rest, lost = samples - count, Fraction(0)
        for probability, tokens in rivals:
            share = probability / (1 - noise)
            least = -(-count // 2)
            lost += tokens * sum(comb(rest, n) * share**n * (1 - share) ** (rest - n) for n in range(least, rest + 1))
        weight = comb(samples, count) * noise**count * (1 - noise) ** rest
        total += weight * max(Fraction(0), 1 - lost)
    found = noise_lead_bound(samples, float(noise), [Share(float(p), tokens) for p, tokens in rivals])
    assert found == pytest.approx(float(total), rel=1e-12) and total > noise**samples


@pytest.mark.parametrize(
    ("N", "samples", "level"), [(8, 33, Fraction(1, 2)), (200, 40, Fraction(1, 5)), (50, 60, Fraction(1, 5))]
)
def test_it_is_below_the_exact_guarantee_of_the_task(N, samples, level):
    exact = float(noise_margin_guarantee(N, samples, level))
    bound = noise_lead_bound(samples, float(level), [Share(float((1 - level) / N), N)])
    assert 0.9 * exact < bound <= exact + 1e-12


def test_the_number_that_is_enough_is_guaranteed_exactly():
    """48 samples are T2.5's at α = 1/2; the bound of any law comes to at most that."""
    for N in (8, 64, 256):
        found = enough_samples(0.5, [Share(0.5 / N, N)], 0.95)
        assert found <= 48 and noise_margin_guarantee(N, found, Fraction(1, 2)) >= Fraction(19, 20)
        assert noise_lead_bound(found - 1, 0.5, [Share(0.5 / N, N)]) < 0.95 + 1e-9


def test_where_no_number_is_enough():
    assert enough_samples(0.4, [Share(0.2, 3)], 0.95) is None
    assert 1000 < enough_samples(0.42, [Share(0.2, 1)], 0.95) < MOST
    assert enough_samples(1.0, [Share(0.0, 5)], 0.95) == 1
    assert enough_samples(0.3, [], 0.95) == needed_samples([1], [0.3], 0.95 + 1e-9)  # once it is a target, it leads
    assert needed_samples([1], [0], 0.95) is None and needed_samples([0.5, 0.5], [0.0, 1.0], 0.95) is None


@pytest.mark.parametrize("probability", [1.0, 0.7, 0.05, 1e-4, 1e-9])
def test_fewer_than_needed_miss_the_target_too_often(probability):
    found = needed_samples([1], [probability], 0.95)
    with np.errstate(divide="ignore"):
        missed = np.exp(np.array([found, found - 1]) * np.log1p(-probability)) if probability < 1 else [0, 1]
    assert 1 - missed[0] >= 0.95 > 1 - missed[1]
    several = needed_samples([0.25, 0.75], [probability, 0.5], 0.95)
    assert several >= needed_samples([1], [max(probability, 0.5)], 0.95)
