"""Could the checks of T4 have failed? Training, truncation and removal are changed, and one of them is red."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from paper_checks.claims.t4 import test_batches as batch_checks
from paper_checks.claims.t4 import test_boundary as boundary_checks
from paper_checks.claims.t4 import test_flow as flow_checks
from paper_checks.experiments import memory as memory_experiments
from paper_checks.experiments.memory import Case, EqualSteps
from simulate import truncation
from simulate.memory import training as memory_training
from theory.memory import sampling_noise as memory_noise

from .mutation import SEED, assert_caught, assertions, caught, stretched
from .test_memory import (
    before_crossing,
    descent,
    every_rank,
    fresh_training,
    random_embeddings,
    rank_one,
    trained_direction,
    trained_rank_one,
    trained_top,
    trained_values,
    without_noise,
)

__all__ = ["fresh_training"]

TRUNCATIONS = {
    "bottom": lambda weight, rank: truncation.truncate(weight, rank, keep="bottom"),
    "one rank more": lambda weight, rank: truncation.truncate(weight, min(rank + 1, *weight.shape)),
}


@pytest.mark.parametrize("mutant", TRUNCATIONS.values(), ids=TRUNCATIONS.keys())
def test_another_truncation_is_caught(monkeypatch, mutant):
    for checks in (batch_checks, flow_checks, boundary_checks):
        monkeypatch.setattr(checks, "truncate", mutant)
    for check in (rank_one, before_crossing, every_rank, trained_rank_one):
        caught(check)


REMOVALS = {
    "another direction": lambda W, right: truncation.remove_direction(W, np.eye(len(right))[0]),
    "nothing": lambda W, right: W,
    "half": lambda W, right: (W + truncation.remove_direction(W, right)) / 2,
}


@pytest.mark.parametrize("name", REMOVALS)
def test_another_removal_is_caught(monkeypatch, name):
    """With random embeddings only the answers are looked at, and half of the noise is too little to change them."""
    for module in (boundary_checks, memory_experiments):
        monkeypatch.setattr(module, "remove_direction", REMOVALS[name])
    for check in (without_noise,) if name == "half" else (without_noise, random_embeddings):
        caught(check)


def test_noise_in_a_second_direction_is_caught(monkeypatch):
    """Noise logits that differ between two inputs by 2D: without one direction the first input's answer is noise."""

    def spread(found):
        coefficients = found.coefficients.copy()
        gap = coefficients[..., 0, 0] - coefficients[..., 1, 0]
        coefficients[..., -1, 0] += gap
        coefficients[..., -1, 1] -= gap
        return replace(found, coefficients=coefficients)

    monkeypatch.setattr(boundary_checks, "LEVELS", (0.4,))
    assert_caught(monkeypatch, memory_experiments, "sampled", trained_direction, spread)


STEPS = {"noise": lambda f: f * (torch.arange(3) < 2), "sign": lambda f: -f, "5 %": stretched}


@pytest.mark.parametrize("change", STEPS.values(), ids=STEPS.keys())
def test_changed_training_is_caught(monkeypatch, change):
    def step(A, logits, rate, f, f_x):
        A.add_(change(f - torch.softmax(logits, dim=-1) * f_x) * rate)

    monkeypatch.setattr(memory_training, "update", step)
    caught(descent)


@pytest.mark.parametrize("level", [stretched, lambda alpha: 0.4], ids=["5 %", "fixed"])
def test_sampling_at_another_noise_level_is_caught(monkeypatch, level):
    def sample(embeddings, alpha, *arguments, **options):
        return original(embeddings, level(alpha), *arguments, **options)

    original = memory_experiments.stochastic_gradient_descent
    monkeypatch.setattr(memory_experiments, "stochastic_gradient_descent", sample)
    monkeypatch.setattr(boundary_checks, "LEVELS", (0.5,))
    for check, name in ((trained_values, "D, n|σ, n"), (trained_rank_one, "P.noise"), (trained_top, "no gap")):
        caught(partial(check, n=3) if check is trained_top else check, name)


spread, lag = (
    partial(batch_checks.test_spread_of_small_batches, case=case)
    for case in (EqualSteps(2, 0.05, 100, 2.0), EqualSteps(2, 0.45, 1, 0.05))
)
order = batch_checks.test_order_of_what_is_left
late_values = partial(batch_checks.test_three_values_of_sampled_training, case=Case(5, 0.8))


@pytest.fixture(scope="module")
def runs_drawn_once():
    """For mutants of theory, which meet the same runs."""
    memory_experiments.sampled(Case(5, 0.8), SEED, batch_checks.LATE_REPLICATES)
    for check in (spread, lag):
        memory_experiments.equally_sampled(check.keywords["case"], SEED)


BATCH_SIZES = {"ignored": lambda batch: 1, "square root": lambda batch: round(batch**0.5), "5 times": lambda b: 5 * b}


@pytest.mark.parametrize("size", BATCH_SIZES.values(), ids=BATCH_SIZES.keys())
def test_another_batch_in_theory_is_caught(monkeypatch, runs_drawn_once, size):
    def moments(n, alpha, rates, batch, marks):
        return original(n, alpha, rates, size(batch), marks)

    original = memory_noise.sampled_moments
    monkeypatch.setattr(memory_noise, "sampled_moments", moments)
    caught(spread, "variance")
    for check in (late_values, trained_values, order):
        caught(check)


def step_covariance(n, target, p, rate, *, power=2, mixed=1.0, squared=1.0, between=1.0):
    """η² C with another power of η, or a multiple of what crosses outputs, of G Gᵀ, and of what crosses inputs."""
    mean, crossed = (target - p) / n, np.outer(target, p)
    own = (np.diag(target) - mixed * (crossed + crossed.T) + np.outer(p, p)) / n - squared * np.outer(mean, mean)
    cross = -between * np.outer(mean, mean[[1, 0, *range(2, n + 1)]])
    return memory_noise.StepCovariance(rate**power * own, rate**power * cross)


NOISES = {
    "lr for lr²": ({"power": 1}, (spread, late_values)),
    "no terms across outputs": ({"mixed": 0.0}, (spread, late_values)),
    "no terms across inputs": ({"between": 0.0}, (spread,)),
    "second moments for covariances": ({"squared": 0.0, "between": 0.0}, (spread,)),
}


@pytest.mark.parametrize(("options", "checks"), NOISES.values(), ids=NOISES.keys())
def test_another_noise_is_caught(monkeypatch, runs_drawn_once, options, checks):
    monkeypatch.setattr(memory_noise, "_step_covariance", partial(step_covariance, **options))
    for check in (*checks, order):
        caught(check)


DRIFTS = {
    "no contraction": ("_contraction", lambda J: np.eye(len(J)), (spread, late_values)),
    "contraction the other way": ("_contraction", lambda J: 2 * np.eye(len(J)) - J, (spread, late_values)),
    "no lag": ("_curvature", lambda change: 0 * change, (lag,)),
    "lag not halved": ("_curvature", lambda change: 2 * change, (lag,)),
}


@pytest.mark.parametrize(("name", "change", "checks"), DRIFTS.values(), ids=DRIFTS.keys())
def test_another_drift_of_the_moments_is_caught(monkeypatch, runs_drawn_once, name, change, checks):
    original = getattr(memory_noise, name)
    monkeypatch.setattr(memory_noise, name, lambda *arguments: change(original(*arguments)))
    for check in (*checks, order):
        caught(check)


def balanced(pairs):
    """Every input equally often in every batch."""
    n = pairs.shape[-1] // 2
    inputs = pairs[..., :n] + pairs[..., n:]
    return pairs / np.concatenate([inputs, inputs], axis=-1).clip(min=1e-9) / n


DRAWS = {
    "one batch for all steps": lambda pairs: np.broadcast_to(pairs[:1], pairs.shape),
    "one batch for all runs": lambda pairs: np.broadcast_to(pairs[:, :1], pairs.shape),
    "inputs balanced": balanced,
}


@pytest.mark.parametrize("change", DRAWS.values(), ids=DRAWS.keys())
def test_other_draws_are_caught(monkeypatch, change):
    original = memory_training.dense_frequencies

    def dense(pairs, n):
        return original(change(pairs) if pairs.ndim == 3 else pairs, n)

    monkeypatch.setattr(memory_training, "dense_frequencies", dense)
    monkeypatch.setattr(batch_checks, "equally_sampled", memory_experiments.equally_sampled.__wrapped__)
    caught(spread, "variance")


@pytest.mark.parametrize("size", BATCH_SIZES.values(), ids=BATCH_SIZES.keys())
def test_another_batch_in_training_is_caught(monkeypatch, size):
    def sample(*arguments, batch, **options):
        return original(*arguments, batch=size(batch), **options)

    original = memory_experiments.stochastic_gradient_descent
    monkeypatch.setattr(memory_experiments, "stochastic_gradient_descent", sample)
    monkeypatch.setattr(batch_checks, "equally_sampled", memory_experiments.equally_sampled.__wrapped__)
    for check in (spread, trained_values):
        caught(check, "variance")


def test_big_steps_within_first_order_are_caught(monkeypatch):
    """Were the variance after three big steps the one at first order, the check of the boundary would be red."""
    case = batch_checks.BIG_STEPS[0]
    fine = replace(case, batch=100)
    monkeypatch.setattr(batch_checks, "equally_sampled", lambda _, seed: memory_experiments.equally_sampled(fine, seed))
    monkeypatch.setattr(batch_checks, "stated", lambda _, found=batch_checks.stated: found(fine))
    caught(partial(batch_checks.test_one_pair_and_a_big_step, case=case), "less 1.1 times first order")


def test_the_unchanged_spreads_pass(runs_drawn_once):
    for check in (spread, lag, late_values, trained_values, order):
        check(assertions())
    batch_checks.test_one_pair_and_a_big_step(assertions(), batch_checks.BIG_STEPS[0])
