"""The three steps' population gradients by enumerating every sequence of the induction law, exactly.

A witness of `theory.birth.three_steps` that knows none of its symmetries: every feature, every sequence, one by one.
"""

import math
from fractions import Fraction
from itertools import product

import numpy as np
from numpy.typing import NDArray

Fractions = NDArray[np.object_]
Integers = NDArray[np.object_]
"""Python's, so that none is too large."""


class Enumeration:
    """All equally likely sequences, with the features x¹_t = [E, P, E1, P1] that uniform first attention gives, as
    integers over `scale`."""

    def __init__(self, N: int, T: int) -> None:
        self.N, self.T = N, T
        drawn = [
            (q, j, rest)
            for q, j in product(range(N), range(T - 2))
            for rest in product([k for k in range(N) if k != q], repeat=T - 2)
        ]
        self.tokens = np.array([_sequence(q, j, rest) for q, j, rest in drawn])
        self.trigger = np.array([q for q, _, _ in drawn])
        self.target = self.tokens[np.arange(len(drawn)), np.array([j for _, j, _ in drawn]) + 1]
        rows = np.eye(N, dtype=int)[self.tokens]
        rows = np.concatenate([rows, np.broadcast_to(np.eye(T, dtype=int), (len(drawn), T, T))], axis=2)
        self.scale = math.lcm(*range(1, T + 1))
        shares = self.scale // np.arange(1, T + 1)[:, None]
        features = np.concatenate([self.scale * rows, shares * np.cumsum(rows, axis=1)], axis=2)
        self.features = features.astype(object)

    def outputs(self) -> Fractions:
        """First step: E[(e_y - 1/N) x̄ᵀ], shape (N, 2(N+T))."""
        centred = (self.N * np.eye(self.N, dtype=int)[self.target] - 1).astype(object)
        return self._mean(centred, self.features.sum(axis=1), self.N * self.scale * self.T)

    def centred_values(self, W_O: Fractions) -> tuple[Integers, int]:
        """(e_y - 1/N)ᵀ W_O (x_t - x̄) of every sequence and position, shape (sequences, T), and what divides it."""
        weights, denominator = _cleared(W_O)
        rows = (self.N * weights - weights.sum(axis=0))[self.target]
        values = (self.features * rows[:, None]).sum(axis=2)
        centred: Integers = self.T * values - values.sum(axis=1, keepdims=True)
        return centred, denominator * self.N * self.scale * self.T

    def key_query(self, W_O: Fractions) -> Fractions:
        """Second step: E[Σ_t (1/T) (e_y - 1/N)ᵀ W_O (x_t - x̄) x_t ⊗ x_T], queries [E, P], shape (2(N+T), N+T)."""
        centred, denominator = self.centred_values(W_O)
        weighted, query = (self.features * centred[:, :, None]).sum(axis=1), self.features[:, -1, : self.N + self.T]
        return self._mean(weighted, query, denominator * self.T * self.scale**2)

    def previous_token(self, W_O: Fractions, scores: Fractions) -> Fractions:
        """Third step, keys P(s) and queries P(t), to first order in W_K² = `scores`[k, l] on E1(k) ⊗ E(l), (T, T)."""
        centred, denominator = self.centred_values(W_O)
        matches, per_match = _cleared(scores)
        score = matches[self.tokens, self.trigger[:, None]]
        step = np.full((self.T, self.T), Fraction(0), dtype=object)
        for t in range(self.T):
            seen = score[:, : t + 1]
            relative = (t + 1) * seen - seen.sum(axis=1, keepdims=True)
            whole = Fraction(1, denominator * self.T * per_match * len(self.tokens) * (t + 1) ** 2)
            step[: t + 1, t] = (centred[:, t, None] * relative).sum(axis=0) * whole
        return step

    def _mean(self, left: Integers, right: Integers, denominator: int) -> Fractions:
        """E[left ⊗ right] over the denominator."""
        mean: Fractions = left.T @ right * Fraction(1, denominator * len(left))
        return mean


def _cleared(table: Fractions) -> tuple[Integers, int]:
    """Integers, and the one denominator that makes fractions of them."""
    denominator = math.lcm(*(Fraction(number).denominator for number in table.ravel()))
    integers: Integers = np.array([int(number * denominator) for number in table.ravel()], dtype=object)
    return integers.reshape(table.shape), denominator


def votes(N: int, T: int, match: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Attention on each token, shape (sequences, N), and the answers, over all sequences with q = 0 and y = 1.

    Attention as basic reads have it once both layers attend sharply: `match` on the follower, and on position 1 where
    the trigger stands first and is its own copy; 1 elsewhere.
    """
    drawn = [(j, rest) for j in range(T - 2) for rest in product(range(1, N), repeat=T - 2) if rest[j] == 1]
    tokens = np.array([_sequence(0, j, rest) for j, rest in drawn])
    positions = np.array([j for j, _ in drawn])
    attention, rows = np.ones(tokens.shape, dtype=np.int64), np.arange(len(tokens))
    attention[rows, positions + 1] = match
    attention[positions == 0, 0] = match
    counts = np.stack([(attention * (tokens == k)).sum(axis=1) for k in range(N)], axis=1)
    return counts, tokens[rows, positions + 1]


def _sequence(q: int, j: int, rest: tuple[int, ...]) -> list[int]:
    """The tokens with triggers at 0-based positions j and T-1, the others in order."""
    return [*rest[:j], q, *rest[j:], q]
