"""Witness: brute-force enumeration of every sequence and target, in exact integer arithmetic.

Nothing here knows a formula: sequences are written out token by token from the definition of the task, and the
per-sample gradient is the outer product it is defined to be.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from theory import Task
from theory.task import Layer


@dataclass(frozen=True)
class Sequences:
    """All sequences: tokens (L, T), correct (L,), and how often each kind of step after the trigger occurred."""

    tokens: np.ndarray
    correct: np.ndarray
    noise_steps: np.ndarray
    correct_steps: np.ndarray


def _grow(N: int, T: int, q: int, correct: int) -> Iterator[tuple[list[int], int, int]]:
    """(z_1 … z_T, number of noise steps, number of correct steps) for one correct token."""
    pending = [([token], 0, 0) for token in range(N)]
    while pending:
        tokens, noise, hits = pending.pop()
        if len(tokens) == T - 1:
            yield [*tokens, q], noise, hits
        elif tokens[-1] == q:
            pending.append(([*tokens, N], noise + 1, hits))
            pending.append(([*tokens, correct], noise, hits + 1))
        else:
            pending.extend(([*tokens, token], noise, hits) for token in range(N))


@lru_cache(maxsize=64)
def sequences(N: int, T: int, q: int) -> Sequences:
    """Every sequence of the task; the noise level enters only through the weights."""
    rows = [(tokens, c, noise, hits) for c in range(N) for tokens, noise, hits in _grow(N, T, q, c)]
    tokens, correct, noise, hits = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    return Sequences(tokens, correct, noise, hits)


def weights(task: Task) -> tuple[np.ndarray, int]:
    """Integer weights of the sequences and their common denominator; needs a rational alpha."""
    if not isinstance(task.alpha, Fraction):
        raise TypeError(f"enumeration needs a rational alpha, got {task.alpha!r}")
    found = sequences(task.N, task.T, task.q)
    a, b = task.alpha.numerator, task.alpha.denominator
    steps, per_step = task.T - 1, task.N * b  # z_1 … z_{T-1}, each over the denominator N b
    if per_step**steps * task.N * b * (task.T * task.M) ** 2 >= 2**62:
        raise ValueError(f"{task} is too large to enumerate in 64-bit integers")
    noise, hits = found.noise_steps, found.correct_steps
    weight = (a * task.N) ** noise * ((b - a) * task.N) ** hits * b ** (steps - noise - hits)
    return weight, task.N * per_step**steps


def positions(task: Task) -> np.ndarray:
    """x_t of every sequence and position as integers (L, T, 2M)."""
    tokens, M = sequences(task.N, task.T, task.q).tokens, task.M
    eye = np.eye(M, dtype=np.int64)
    embedded = np.zeros((*tokens.shape, 2 * M), dtype=np.int64)
    embedded[:, :, :M] = eye[tokens]
    embedded[:, 1:, M:] = eye[tokens[:, :-1]]
    return embedded


def features(task: Task, layer: Layer) -> tuple[np.ndarray, int]:
    """T x̄ or x_T of every sequence as integers (L, 2M), and the factor (T or 1)."""
    embedded = positions(task)
    return (embedded[:, -1], 1) if layer == "feed_forward" else (embedded.sum(axis=1), task.T)


@lru_cache(maxsize=256)
def gradient_moments(task: Task, layer: Layer) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the per-sample gradient: read-only object arrays of `Fraction`, shape (N+1, 2(N+1))."""
    assert isinstance(task.alpha, Fraction)
    weight, denominator = weights(task)
    feature, scale = features(task, layer)
    correct = sequences(task.N, task.T, task.q).correct
    a, b, M = task.alpha.numerator, task.alpha.denominator, task.M
    first = np.zeros((M, 2 * M), dtype=np.int64)
    second = np.zeros_like(first)
    for target, share in ((correct, b - a), (np.full_like(correct, task.tau), a)):
        residual = M * np.eye(M, dtype=np.int64)[target] - 1  # M (e_y - 1/M)
        first += np.einsum("l,lk,la->ka", weight * share, residual, feature)
        second += np.einsum("l,lk,la->ka", weight * share, residual**2, feature**2)
    total = Fraction(1, denominator * b)
    mean = first.astype(object) * (total / (M * scale))
    variance = second.astype(object) * (total / (M * scale) ** 2) - mean * mean
    mean.flags.writeable = variance.flags.writeable = False
    return mean, variance


def feed_forward_margins(task: Task) -> dict[int, Fraction]:
    """Δ/η of the feed-forward step for every token z_{T-1} that occurs, from the enumerated gradient."""
    mean, _ = gradient_moments(task, "feed_forward")
    preceding = {int(t) for t in sequences(task.N, task.T, task.q).tokens[weights(task)[0] > 0, -2]}
    logits = {j: mean[:, task.q] + mean[:, task.M + j] for j in preceding}
    return {j: xi[task.tau] - max(xi[: task.N]) for j, xi in logits.items()}


def attention_margins(task: Task) -> np.ndarray:
    """Δ/η of the attention step (uniform attention) for every sequence with positive probability: object array (L,)."""
    mean, _ = gradient_moments(task, "attention_value")
    feature, scale = features(task, "attention_value")
    logits = feature[weights(task)[0] > 0].astype(object) @ mean.T / Fraction(scale)
    margins: np.ndarray = logits[:, task.tau] - logits[:, : task.N].max(axis=1)
    return margins


def attention_margin_bound(task: Task) -> Fraction:
    """What |Δ|/η of the attention step can be at most: x̄ has mass 1 in its E block and (T-1)/T in its P block."""
    mean, _ = gradient_moments(task, "attention_value")
    gaps = np.abs(mean[-1] - mean[:-1]).max(axis=0)
    largest: Fraction = gaps[: task.M].max() + Fraction(task.T - 1, task.T) * gaps[task.M :].max()
    return largest


def projected_moments(task: Task, layer: Layer, direction: np.ndarray) -> tuple[Fraction, Fraction]:
    """Mean and variance of ⟨direction, g⟩ for an integer direction of shape (N+1, 2(N+1))."""
    assert isinstance(task.alpha, Fraction)
    weight, denominator = weights(task)
    feature, scale = features(task, layer)
    correct = sequences(task.N, task.T, task.q).correct
    a, b, M = task.alpha.numerator, task.alpha.denominator, task.M
    first = second = 0
    for target, share in ((correct, b - a), (np.full_like(correct, task.tau), a)):
        residual = M * np.eye(M, dtype=np.int64)[target] - 1
        values = np.einsum("lk,ka,la->l", residual, direction, feature).astype(object)
        first += (weight * share * values).sum()
        second += (weight * share * values**2).sum()
    mean = Fraction(int(first), denominator * b * M * scale)
    return mean, Fraction(int(second), denominator * b * (M * scale) ** 2) - mean * mean


def outcomes(task: Task) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The law of (y, T x̄) of one sequence: its distinct values y (O,) and T x̄ (O, 2M), and their probabilities (O,)."""
    assert isinstance(task.alpha, Fraction)
    weight, denominator = weights(task)
    feature, _ = features(task, "attention_value")
    correct, level = sequences(task.N, task.T, task.q).correct, float(task.alpha)
    rows = np.concatenate([np.column_stack([y, feature]) for y in (correct, np.full_like(correct, task.tau))])
    share = np.concatenate([weight * (1 - level), weight * level]) / denominator
    distinct, index = np.unique(rows, axis=0, return_inverse=True)
    return distinct[:, 0], distinct[:, 1:], np.bincount(index.ravel(), weights=share)  # a column in numpy 2.0


def expected_feature(task: Task, correct: int) -> np.ndarray:
    """E[x̄ | c = correct] times a positive factor, as integers (2M,)."""
    feature, _ = features(task, "attention_value")
    given = sequences(task.N, task.T, task.q).correct == correct
    expected = np.einsum("l,la->a", weights(task)[0][given], feature[given])
    return np.asarray(expected // np.gcd.reduce(expected))


def in_context_signal_to_noise(task: Task, correct: int, rival: int) -> Fraction:
    """SNR² per sample, with the sign of the mean, of ξ_correct - ξ_rival at the test input E[x̄ | c = correct].

    After an attention step from zero,
    ξ_correct - ξ_rival = ⟨(e_correct - e_rival) vᵀ, g⟩ with v = E[x̄ | c = correct]; a factor of v drops out.
    """
    rows = np.eye(task.M, dtype=np.int64)
    direction = np.outer(rows[correct] - rows[rival], expected_feature(task, correct))
    mean, variance = projected_moments(task, "attention_value", direction)
    return mean * abs(mean) / variance


def key_query_gradient(task: Task, absorption: Fraction | None = None) -> np.ndarray:
    """K[a] = E[Σ_t (1/T) 1{a ∈ x_t} (e_y - p)ᵀ G (x_t - x̄)] as an object array of `Fraction`s (2M,).

    G is the enumerated gradient of W_V; p_τ = `absorption` (None: 1/M), the N other tokens share the rest equally.
    """
    noise = Fraction(1, task.M) if absorption is None else Fraction(absorption)
    p = np.array([(1 - noise) / task.N] * task.N + [noise], dtype=object)
    G, _ = gradient_moments(task, "attention_value")
    scatter, denominator = _scatter_by_target(task)
    total = sum(scatter[y].astype(object) @ (G[y] - p @ G) for y in range(task.M))
    return np.asarray(total / Fraction(denominator), dtype=object)


def _scatter_by_target(task: Task) -> tuple[np.ndarray, int]:
    """E[1{y = k} Σ_t (1/T) x_t (x_t - x̄)ᵀ] for every target k as integers (M, 2M, 2M), and their denominator.

    Times T² the sum over t is T Σ_t x_t x_tᵀ - (Σ_t x_t)(Σ_t x_t)ᵀ, an integer matrix of entries up to T².
    """
    assert isinstance(task.alpha, Fraction)
    weight, denominator = weights(task)
    embedded, correct = positions(task), sequences(task.N, task.T, task.q).correct
    a, b, found = task.alpha.numerator, task.alpha.denominator, []
    for y in range(task.M):
        chosen = slice(None) if y == task.tau else correct == y
        x, share = embedded[chosen], weight[chosen] * (a if y == task.tau else b - a)
        total = x.sum(axis=1)
        squares = np.einsum("l,lta,ltb->ab", share, x, x)
        found.append(task.T * squares - np.einsum("l,la,lb->ab", share, total, total))
    return np.array(found), denominator * b * task.T**2
