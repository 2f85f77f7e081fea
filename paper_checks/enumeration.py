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


def features(task: Task, layer: str) -> tuple[np.ndarray, int]:
    """T x̄ or x_T of every sequence as integers (L, 2M), and the factor (T or 1)."""
    tokens, M = sequences(task.N, task.T, task.q).tokens, task.M
    eye = np.eye(M, dtype=np.int64)
    embedded = np.zeros((*tokens.shape, 2 * M), dtype=np.int64)
    embedded[:, :, :M] = eye[tokens]
    embedded[:, 1:, M:] = eye[tokens[:, :-1]]
    return (embedded[:, -1], 1) if layer == "feed_forward" else (embedded.sum(axis=1), task.T)


def gradient_moments(task: Task, layer: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the per-sample gradient: object arrays of `Fraction`, shape (N+1, 2(N+1))."""
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
    return mean, second.astype(object) * (total / (M * scale) ** 2) - mean * mean


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


def projected_moments(task: Task, layer: str, direction: np.ndarray) -> tuple[Fraction, Fraction]:
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
