"""Could the checks of T4 have failed? Training, truncation and removal are changed, and one of them is red."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from mutation import assert_caught, caught, stretched
from test_mutants_memory import (
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

from paper_checks import memory_experiments
from paper_checks import test_t4_boundary as boundary_checks
from paper_checks import test_t4_flow as flow_checks
from simulate import memory_training, truncation

__all__ = ["fresh_training"]

TRUNCATIONS = {
    "bottom": lambda weight, rank: truncation.truncate(weight, rank, keep="bottom"),
    "one rank more": lambda weight, rank: truncation.truncate(weight, min(rank + 1, *weight.shape)),
}


@pytest.mark.parametrize("mutant", TRUNCATIONS.values(), ids=TRUNCATIONS.keys())
def test_another_truncation_is_caught(monkeypatch, mutant):
    for checks in (flow_checks, boundary_checks):
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
    monkeypatch.setattr(boundary_checks, "remove_direction", REMOVALS[name])
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
    assert_caught(monkeypatch, boundary_checks, "sampled", trained_direction, spread)


STEPS = {"noise": lambda f: f * (torch.arange(3) < 2), "sign": lambda f: -f, "5 %": stretched}


@pytest.mark.parametrize("change", STEPS.values(), ids=STEPS.keys())
def test_changed_training_is_caught(monkeypatch, change):
    def step(A, logits, rate, f, f_x):
        A.add_(change(f - torch.softmax(logits, dim=-1) * f_x) * rate)

    monkeypatch.setattr(memory_training, "_step", step)
    caught(descent)


@pytest.mark.parametrize("level", [stretched, lambda alpha: 0.4], ids=["5 %", "fixed"])
def test_sampling_at_another_noise_level_is_caught(monkeypatch, level):
    def sample(embeddings, alpha, *arguments, **options):
        return original(embeddings, level(alpha), *arguments, **options)

    original = memory_experiments.stochastic_gradient_descent
    monkeypatch.setattr(memory_experiments, "stochastic_gradient_descent", sample)
    monkeypatch.setattr(boundary_checks, "LEVELS", (0.5,))
    for check, name in ((trained_values, "D, Case|σ, Case"), (trained_rank_one, "P.noise"), (trained_top, "no gap")):
        caught(partial(check, n=3) if check is trained_top else check, name)
