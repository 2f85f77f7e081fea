"""The one-layer model: autograd at zero against counting, and the forward pass against a dense one."""

import math

import numpy as np
import pytest
import torch

from simulate import OneLayer, counted_gradient, sample
from tests.oracles.simulate import dense_gradients, rounding
from theory import Task

CASES = [
    (Task(3, 7, 0.3, 1), False),
    (Task(11, 5, 0.6, 7), False),
    (Task(5, 2, 0.4, 2), False),
    (Task(4, 23, 0.5, 3), True),
]
cases = pytest.mark.parametrize(("task", "general"), CASES, ids=str)


def draw(task, general, batch=200):
    chain = np.random.default_rng(0).dirichlet(np.ones(task.M), task.M) if general else None
    drawn = sample(task, batch, seed=6, chain=chain)
    return drawn.tokens, drawn.target


def random_model(task):
    """A model with weights of order one from a generator of its own."""
    model, generator = OneLayer(task), torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator, dtype=weight.dtype))
    return model


def textbook(model, tokens):
    """Attention and logits of one sequence at a time, with explicit one-hot vectors and matrix products."""
    M, W_F, W_V, W_KQ = model.M, *(w.detach().numpy() for w in (model.W_F, model.W_V, model.W_KQ))
    rows = []
    for z in tokens.numpy():
        x = np.zeros((len(z), 2 * M))
        for t, token in enumerate(z):
            x[t, token] = 1
            if t > 0:
                x[t, M + z[t - 1]] = 1
        weights = np.exp(x @ W_KQ @ x[-1])
        weights /= weights.sum()
        rows.append((weights, W_F @ x[-1] + W_V @ (x.T @ weights)))
    return tuple(np.array(part) for part in zip(*rows, strict=True))


@cases
@pytest.mark.parametrize(("layer", "name"), [("feed_forward", "W_F"), ("attention_value", "W_V")])
def test_counting_gives_the_gradient_of_the_loss(task, general, layer, name):
    tokens, target = draw(task, general)
    model = OneLayer(task)
    model.loss(tokens, target).backward()
    gradient = counted_gradient(task, layer, tokens, target)
    np.testing.assert_allclose(gradient, -getattr(model, name).grad.numpy(), rtol=0, atol=rounding(len(target)))
    dense = dense_gradients(task, layer, tokens, target).mean(axis=0)
    np.testing.assert_allclose(gradient, dense, rtol=0, atol=rounding(len(target)))
    assert model.W_KQ.grad.abs().max() == 0  # W_V = 0: attention has nothing to gain yet


@cases
def test_forward_is_the_dense_model(task, general):
    tokens, target = draw(task, general)
    model = random_model(task)
    attention, logits = textbook(model, tokens)
    scale = sum(float(w.detach().abs().max()) for w in model.parameters()) * 2  # two features per position
    bound = rounding(task.T * 2 * task.M, scale)
    np.testing.assert_allclose(model.attention(tokens).detach(), attention, rtol=0, atol=bound)
    np.testing.assert_allclose(model(tokens).detach(), logits, rtol=0, atol=bound)
    log_probability = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    expected = -log_probability[np.arange(len(target)), target].mean()
    assert abs(model.loss(tokens, target).item() - expected) <= bound


def test_attention_tells_keys_from_queries():
    """One entry of W_KQ: key P(q), query E(q): the positions after the trigger gain e^s, s its value."""
    task = Task(5, 12, 0.5, 2)
    tokens, _ = draw(task, False)
    model = OneLayer(task)
    with torch.no_grad():
        model.W_KQ[task.M + task.q, task.q] = math.log(3)
    follows = np.zeros(tokens.shape)
    follows[:, 1:] = tokens[:, :-1] == task.q
    expected = 3**follows / (3**follows).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.attention(tokens).detach(), expected, rtol=0, atol=rounding(task.T))


def test_zero_initialisation_is_uniform():
    task = Task(6, 9, 0.3)
    tokens, target = draw(task, False)
    model = OneLayer(task)
    assert (model(tokens) == 0).all()
    np.testing.assert_allclose(model.attention(tokens).detach(), 1 / 9, rtol=rounding(9))
    assert abs(model.loss(tokens, target).item() - math.log(7)) <= rounding(200)
    shapes = {name: tuple(weight.shape) for name, weight in model.named_parameters()}
    assert shapes == {"W_F": (7, 14), "W_V": (7, 14), "W_KQ": (14, 14)}


def test_dtype_is_that_of_the_weights():
    task = Task(6, 9, 0.3)
    tokens, _ = draw(task, False)
    assert OneLayer(task).W_F.dtype == torch.float64
    assert OneLayer(task, dtype=torch.float32)(tokens).dtype == torch.float32


BAD_TOKENS = [
    (torch.zeros(3, 9), TypeError, "tokens must be an int64 tensor"),
    ([[0, 1]], TypeError, "tokens must be a.*ensor"),
    (torch.zeros(9, dtype=torch.int64), ValueError, r"shape \(batch, T\)"),
    (torch.zeros(3, 1, dtype=torch.int64), ValueError, r"shape \(batch, T\)"),
    (torch.zeros(0, 9, dtype=torch.int64), ValueError, r"shape \(batch, T\)"),
    (torch.full((3, 9), 7), ValueError, r"in 0\.\.6, got 7\.\.7"),
    (torch.full((3, 9), -1), ValueError, r"in 0\.\.6, got -1"),
]
BAD_TARGETS = [
    (torch.zeros(3), TypeError, "target must be an int64 tensor"),
    ([0, 1, 2], TypeError, "target must be a torch.Tensor that has data"),
    (torch.zeros(2, dtype=torch.int64), ValueError, r"target must have shape \(batch,\) = \(3,\)"),
    (torch.full((3,), 7), ValueError, r"target must be in 0\.\.6"),
    (torch.full((3,), -1), ValueError, r"target must be in 0\.\.6"),
]


@pytest.mark.parametrize(("tokens", "error", "message"), BAD_TOKENS)
def test_bad_tokens_are_refused(tokens, error, message):
    task = Task(6, 9, 0.3)
    model, target = OneLayer(task), torch.zeros(3, dtype=torch.int64)
    for call in (model, model.attention, lambda z: model.loss(z, target)):
        with pytest.raises(error, match=message):
            call(tokens)
    with pytest.raises(error, match=message):
        counted_gradient(task, "feed_forward", tokens, target)


@pytest.mark.parametrize(("target", "error", "message"), BAD_TARGETS)
def test_bad_targets_are_refused(target, error, message):
    task, tokens = Task(6, 9, 0.3), torch.zeros(3, 9, dtype=torch.int64)
    with pytest.raises(error, match=message):
        OneLayer(task).loss(tokens, target)
    with pytest.raises(error, match=message):
        counted_gradient(task, "feed_forward", tokens, target)


def test_bad_models_are_refused():
    task = Task(6, 9, 0.3)
    with pytest.raises(TypeError, match="floating-point"):
        OneLayer(task, dtype=torch.int64)
    with pytest.raises(TypeError, match=r"task must be a theory\.Task"):
        OneLayer(7)
    with pytest.raises(ValueError, match="device"):
        OneLayer(task, device="gpu")
    tokens = torch.zeros(3, 9, dtype=torch.int64)
    with pytest.raises(ValueError, match="'feed_forward' or 'attention_value'"):
        counted_gradient(task, "feedforward", tokens, tokens[:, 0])
