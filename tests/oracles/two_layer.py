"""What the tests of the two-layer model share: sizes, random weights, and a dense model with explicit features."""

import numpy as np
import torch

from simulate import TwoLayer

EPS = np.finfo(np.float64).eps
N, T, BATCH = 4, 6, 5
F = N + T
SHAPES = {"W_O": (N, 2 * F), "W_K2": (2 * F, 2 * F), "W_K1": (F, F)}
BLOCKS = {"E": slice(0, N), "P": slice(N, F), "E1": slice(F, F + N), "P1": slice(F + N, 2 * F)}


def random_weights(seed, scale=0.7):
    draws = torch.Generator().manual_seed(seed)
    return {k: scale * torch.randn(shape, generator=draws, dtype=torch.float64) for k, shape in SHAPES.items()}


def random_model(seed=1, scale=0.7):
    return TwoLayer(N, T).with_weights(**random_weights(seed, scale))


def random_tokens(seed=2, batch=BATCH):
    draws = torch.Generator().manual_seed(seed)
    return torch.randint(N, (batch, T), generator=draws), torch.randint(N, (batch,), generator=draws)


def one_hot_features(tokens, n):
    """x_t = E(z_t) + P(t) as rows of one-hot coordinates, shape (batch, T, n + T)."""
    length = tokens.shape[1]
    positions = torch.eye(length, dtype=torch.float64).expand(len(tokens), -1, -1)
    return torch.cat([torch.eye(n, dtype=torch.float64)[tokens], positions], dim=2)


def causal(scores):
    """Softmax over keys s <= t of scores with rows keys s and columns queries t; rows of the result are queries."""
    allowed = torch.ones(scores.shape[-2:]).triu().bool()
    return torch.where(allowed, scores, -torch.inf).softmax(dim=-2).transpose(-1, -2)


def dense(weights, tokens):
    """First attention, second attention and logits, every feature written out."""
    x = one_hot_features(tokens, weights["W_O"].shape[0])
    first = causal(x @ weights["W_K1"] @ x.transpose(1, 2))
    stream = torch.cat([x, first @ x], dim=2)
    second = (stream @ weights["W_K2"] @ stream[:, -1, :, None])[..., 0].softmax(dim=1)
    return first, second, (second[:, None] @ stream)[:, 0] @ weights["W_O"].T


def dense_loss(weights, tokens, target):
    logits = dense(weights, tokens)[2]
    return (logits.logsumexp(dim=1) - logits[torch.arange(len(target)), target]).mean()


def assert_close(found, expected, scale=None):
    """To rounding: sums of (2F)² = 400 products at most, each to a few ε times exponents below 30."""
    found, expected = (np.asarray(array.detach() if torch.is_tensor(array) else array) for array in (found, expected))
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 400 * 30 * EPS * (scale or max(1.0, np.abs(expected).max()))
