"""Moments of per-sample gradients against sampling alone, and against the gradients that autograd takes one by one."""

import numpy as np
import pytest
import torch
from torch.func import functional_call, grad, vmap
from torch.nn import functional

from simulate import OneLayer, gradient_moments, sample
from tests.benchmarks.notes import amount, at_least, at_most
from theory import Task

TASK = Task(64, 256, 0.5)
LAYERS = {"feed_forward": "W_F", "attention_value": "W_V"}
SAMPLES = 2**15
AT_ONCE = 64
"""Per-sample gradients that are in memory at once: as many as are fastest."""
SMALL, LABELS = Task(7, 11, 0.3), np.arange(128).reshape(8, 16) % 11

moments = pytest.mark.benchmark(group="moments: 32768 samples, N = 64, T = 256")
pooling = pytest.mark.benchmark(group="pooling: 2^20 samples, N = 7, T = 11, attention values")


def both_layers():
    """Mean and variance of the gradients of both layers."""
    return {name: gradient_moments(TASK, layer, SAMPLES, seed=1, workers=1) for layer, name in LAYERS.items()}


@moments
def test_sample(benchmark):
    benchmark(sample, TASK, SAMPLES, seed=1)


@moments
def test_feed_forward_moments(benchmark):
    at_most(benchmark, 2, of="sample")
    benchmark(gradient_moments, TASK, "feed_forward", SAMPLES, seed=1, workers=1)


@moments
def test_attention_moments(benchmark):
    at_most(benchmark, 2, of="sample")
    benchmark(gradient_moments, TASK, "attention_value", SAMPLES, seed=1, workers=1)


@moments
def test_moments_of_both(benchmark):
    at_most(benchmark, 2, of="sample", remark="the sequences are drawn once per layer")
    amount(benchmark, SAMPLES, "samples")
    benchmark(both_layers)


@moments
def test_vmap_of_grad(benchmark, monkeypatch):
    """`torch.func.vmap(grad(loss))` of OneLayer, of the same samples, added up as it goes."""
    monkeypatch.setattr("simulate.one_layer.model.check_tokens", lambda *arguments: None)  # vmap allows no look at them
    model = OneLayer(TASK)
    weights = {name: weight.detach() for name, weight in model.named_parameters()}
    learning = {name: weights.pop(name) for name in LAYERS.values()}

    def loss(learning, tokens, target):
        logits = functional_call(model, learning | weights, (tokens[None],))
        return functional.cross_entropy(logits, target[None])

    per_sample = vmap(grad(loss), (None, 0, 0))

    def by_autograd():
        batch = sample(TASK, SAMPLES, seed=1)
        sums, squares = ({name: torch.zeros_like(weight) for name, weight in learning.items()} for _ in range(2))
        for tokens, target in zip(batch.tokens.split(AT_ONCE), batch.target.split(AT_ONCE), strict=True):
            for name, gradient in per_sample(learning, tokens, target).items():
                sums[name] -= gradient.sum(dim=0)
                squares[name] += gradient.square_().sum(dim=0)
        return {name: (sums[name] / SAMPLES, squares[name] / SAMPLES - (sums[name] / SAMPLES) ** 2) for name in sums}

    at_least(benchmark, 50, of="moments_of_both")
    found = benchmark.pedantic(by_autograd, rounds=3, warmup_rounds=1)
    for name, counted in both_layers().items():
        np.testing.assert_allclose(found[name][0], counted.mean, rtol=0, atol=1e-12)
        np.testing.assert_allclose(found[name][1], counted.variance * (SAMPLES - 1) / SAMPLES, rtol=0, atol=1e-12)


@pooling
@pytest.mark.parametrize("labels", [None, LABELS], ids=["plain", "pooled"])
def test_moments(benchmark, labels):
    benchmark(gradient_moments, SMALL, "attention_value", 2**20, seed=1, workers=1, labels=labels)
