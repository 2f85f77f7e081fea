"""Bad input to the associative memory and its training is refused by name, value and what is accepted."""

import numpy as np
import pytest
import torch

from simulate.memory.model import AssociativeMemory, Embeddings, gaussian_embeddings, orthonormal_embeddings
from simulate.memory.training import gradient_descent, stochastic_gradient_descent
from simulate.runtime import byte_limit
from tests.oracles.simulate import BAD_COUNTS

PAIR = orthonormal_embeddings(3)
RATES = np.ones(10)


def descend(embeddings=PAIR, alpha=0.3, rates=RATES, **options):
    return gradient_descent(embeddings, alpha, rates, **options)


def wander(embeddings=PAIR, alpha=0.3, rates=RATES, **options):
    return stochastic_gradient_descent(embeddings, alpha, rates, **{"batch": 5, "replicates": 2, "seed": 0, **options})


NOT_LEVELS = [(0, ValueError), (1, ValueError), (-0.1, ValueError), (1.5, ValueError), (float("nan"), ValueError)]
NOT_NUMBERS = [("0.3", TypeError), (None, TypeError), (True, TypeError), (0.3j, TypeError)]
BAD_SHARED = [
    ({"embeddings": None}, TypeError, r"embeddings must be a simulate.memory.Embeddings, got None"),
    ({"embeddings": 3}, TypeError, r"embeddings must be a simulate.memory.Embeddings, got 3"),
    ({"rates": 0.5}, ValueError, r"learning_rates must have shape \(steps,\) with steps >= 1, got \(\)"),
    ({"rates": []}, ValueError, r"learning_rates must have shape .* got \(0,\)"),
    ({"rates": np.ones((2, 2))}, ValueError, r"learning_rates must have shape .* got \(2, 2\)"),
    ({"rates": [1.0, 0.0]}, ValueError, r"learning_rates must be positive and finite, got 0\.0"),
    ({"rates": [1.0, -2.5]}, ValueError, r"learning_rates must be positive and finite, got -2\.5"),
    ({"rates": [1.0, np.nan]}, ValueError, "learning_rates must be finite, got NaN"),
    ({"rates": [1.0, np.inf]}, ValueError, "learning_rates must be finite, got NaN or inf"),
    ({"rates": [1e308, 1e308]}, ValueError, r"learning_rates must have a finite sum, got up to 1e\+308 in 2 steps"),
    ({"rates": "fast"}, TypeError, "learning_rates must be an array of real numbers"),
    ({"snapshots": []}, ValueError, r"snapshots must have shape \(S,\) with S >= 1, got \(0,\)"),
    ({"snapshots": np.array([], dtype=int)}, ValueError, r"snapshots must have shape \(S,\) with S >= 1, got \(0,\)"),
    ({"snapshots": 3}, ValueError, r"snapshots must have shape \(S,\)"),
    ({"snapshots": [1.0]}, TypeError, "snapshots must be an integer array, got dtype float64"),
    ({"snapshots": [0, 11]}, ValueError, r"snapshots must be in 0\.\.10, got 0\.\.11"),
    ({"snapshots": [-1]}, ValueError, r"snapshots must be in 0\.\.10, got -1\.\.-1"),
    ({"snapshots": [3, 3]}, ValueError, "snapshots must be strictly increasing"),
]
BAD_EMBEDDINGS = [
    (np.eye(3), torch.eye(4).double(), TypeError, "inputs must be a .*ensor"),
    (torch.eye(3).double(), torch.eye(4), TypeError, "outputs must be a float64 tensor on the CPU"),
    (torch.eye(3).double().requires_grad_(), torch.eye(4).double(), ValueError, "inputs are frozen"),
    (torch.eye(3).double()[0], torch.eye(4).double(), ValueError, "inputs must be a finite matrix of rows"),
    (torch.eye(3).double(), torch.eye(4).double() / 0, ValueError, "outputs must be a finite matrix of rows"),
    (torch.eye(3).double(), torch.eye(3).double(), ValueError, r"n >= 2 inputs and n\+1 outputs, got 3 and 3"),
    (torch.eye(1).double(), torch.eye(2).double(), ValueError, r"n >= 2 inputs and n\+1 outputs, got 1 and 2"),
]
BAD_WEIGHTS = [
    ([[1.0]], ValueError, r"weight must have shape \(output dimension, input dimension\) = \(4, 3\), got \(1, 1\)"),
    (np.ones((4, 3), dtype=int), TypeError, r"weight must be floating-point, got int64"),
    (
        np.ones((3, 4)),
        ValueError,
        r"weight must have shape \(output dimension, input dimension\) = \(4, 3\), got \(3, 4\)",
    ),
    (torch.full((4, 3), torch.nan), ValueError, "weight must be finite"),
]
BAD_INPUTS = [
    ([0, 1], TypeError, "inputs must be an int64 tensor, got list"),
    (torch.tensor([0.0]), TypeError, r"inputs must be an int64 tensor, got torch\.float32"),
    (torch.tensor(1), ValueError, r"inputs must have shape \(batch,\)"),
    (torch.zeros(0, dtype=torch.int64), ValueError, r"inputs must have shape \(batch,\) = \(1,\), got \(0,\)"),
    (torch.tensor([0, 3]), ValueError, r"inputs must be in 0\.\.2, got 0\.\.3"),
]


@pytest.mark.parametrize("call", [descend, wander])
@pytest.mark.parametrize(("options", "error", "message"), BAD_SHARED)
def test_training(call, options, error, message):
    with pytest.raises(error, match=message):
        call(**options)


@pytest.mark.parametrize("call", [descend, wander, lambda alpha: AssociativeMemory(PAIR).population_loss(alpha)])
@pytest.mark.parametrize(("alpha", "error"), NOT_LEVELS + NOT_NUMBERS)
def test_noise_levels(call, alpha, error):
    with pytest.raises(error, match=r"alpha must be a real number in \(0, 1\), got"):
        call(alpha=alpha)


@pytest.mark.parametrize("name", ["batch", "replicates"])
@pytest.mark.parametrize(("value", "error"), BAD_COUNTS)
def test_batches_and_replicates(name, value, error):
    with pytest.raises(error, match=f"{name} must be an integer >= 1, got"):
        wander(**{name: value})


def test_batches_beyond_64_bits():
    with pytest.raises(ValueError, match=r"batch must be at most 2\^62 to be drawn"):
        wander(batch=2**63)
    assert np.isfinite(wander(batch=2**62).logits).all()


@pytest.mark.parametrize("call", [wander, lambda seed: gaussian_embeddings(2, 3, seed=seed)])
@pytest.mark.parametrize(("seed", "error"), [(-1, ValueError), (1.0, TypeError), (None, TypeError), (True, TypeError)])
def test_seeds(call, seed, error):
    with pytest.raises(error, match="seed must be an integer >= 0, got"):
        call(seed=seed)


@pytest.mark.parametrize(("value", "error"), [*BAD_COUNTS, (1, ValueError)])
def test_sizes(value, error):
    for call in (orthonormal_embeddings, lambda n: gaussian_embeddings(n, 5, seed=0)):
        with pytest.raises(error, match="n must be an integer >= 2, got"):
            call(value)
    if value != 1:
        with pytest.raises(error, match="dimension must be an integer >= 1, got"):
            gaussian_embeddings(2, value, seed=0)


@pytest.mark.parametrize(("inputs", "outputs", "error", "message"), BAD_EMBEDDINGS)
def test_embeddings(inputs, outputs, error, message):
    with pytest.raises(error, match=message):
        Embeddings(inputs, outputs)


@pytest.mark.parametrize(("weight", "error", "message"), BAD_WEIGHTS)
def test_weights(weight, error, message):
    for call in (lambda: AssociativeMemory(PAIR, weight), lambda: AssociativeMemory(PAIR).with_weight(weight)):
        with pytest.raises(error, match=message):
            call()


@pytest.mark.parametrize(("inputs", "error", "message"), BAD_INPUTS)
def test_inputs(inputs, error, message):
    with pytest.raises(error, match=message):
        AssociativeMemory(PAIR)(inputs)


def test_snapshots_are_found_by_the_right_number_of_indices():
    for run, index in ((descend(), (0, 0)), (wander(), (0,))):
        with pytest.raises(ValueError, match=f"model takes {3 - len(index)} indices here, got {len(index)}"):
            run.model(*index)
    with pytest.raises(ValueError, match=r"index must be in -1\.\.0, got 1"):
        descend().model(1)


def test_requests_beyond_the_memory(monkeypatch):
    monkeypatch.setattr(byte_limit, "available_bytes", lambda device: 50)
    for call, message in (
        (descend, "replicates = 1 of n = 3 inputs at 1 snapshots take .* bytes"),
        (lambda: orthonormal_embeddings(3), "n = 3: embeddings take"),
        (lambda: gaussian_embeddings(3, 7, seed=0), "n = 3 and dimension = 7: embeddings take"),
        (lambda: AssociativeMemory(PAIR), r"weights of shape \(4, 3\) take .* embeddings\.reduced\(\)"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
