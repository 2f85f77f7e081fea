"""The three steps' population gradients by enumerating every sequence of the induction law, in fractions.

A witness of `theory.birth.three_steps` that knows none of its symmetries: every feature, every sequence, one by one.
"""

from fractions import Fraction
from itertools import product

import numpy as np
from numpy.typing import NDArray

Fractions = NDArray[np.object_]


class Enumeration:
    """All equally likely sequences, with the features x¹_t = [E, P, E1, P1] that uniform first attention gives."""

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
        own = np.vectorize(Fraction, otypes=[object])(rows)
        self.lengths = np.array([Fraction(t) for t in range(1, T + 1)], dtype=object)
        self.features = np.concatenate([own, np.cumsum(own, axis=1) / self.lengths[:, None]], axis=2)

    def outputs(self) -> Fractions:
        """First step: E[(e_y - 1/N) x̄ᵀ], shape (N, 2(N+T))."""
        centred = np.vectorize(Fraction, otypes=[object])(np.eye(self.N, dtype=int)[self.target]) - Fraction(1, self.N)
        return self._mean(centred, self.features.sum(axis=1) / Fraction(self.T))

    def centred_values(self, W_O: Fractions) -> Fractions:
        """(e_y - 1/N)ᵀ W_O (x_t - x̄) of every sequence and position, shape (sequences, T)."""
        rows = (W_O - W_O.sum(axis=0) / Fraction(self.N))[self.target]
        values = (self.features * rows[:, None]).sum(axis=2)
        centred: Fractions = values - values.sum(axis=1, keepdims=True) / Fraction(self.T)
        return centred

    def key_query(self, W_O: Fractions) -> Fractions:
        """Second step: E[Σ_t (1/T) (e_y - 1/N)ᵀ W_O (x_t - x̄) x_t ⊗ x_T], queries [E, P], shape (2(N+T), N+T)."""
        weighted = (self.features * self.centred_values(W_O)[:, :, None]).sum(axis=1) / Fraction(self.T)
        return self._mean(weighted, self.features[:, -1, : self.N + self.T])

    def previous_token(self, W_O: Fractions, scores: Fractions) -> Fractions:
        """Third step, keys P(s) and queries P(t), to first order in W_K² = `scores`[k, l] on E1(k) ⊗ E(l), (T, T)."""
        centred = self.centred_values(W_O) / Fraction(self.T)
        score = scores[self.tokens, self.trigger[:, None]]
        step = np.full((self.T, self.T), Fraction(0), dtype=object)
        for t in range(self.T):
            seen = score[:, : t + 1]
            relative = seen - seen.sum(axis=1, keepdims=True) / Fraction(t + 1)
            step[: t + 1, t] = (centred[:, t, None] * relative).sum(axis=0) / Fraction(len(self.tokens) * (t + 1))
        return step

    def _mean(self, left: Fractions, right: Fractions) -> Fractions:
        """E[left ⊗ right]."""
        mean: Fractions = left.T @ right / Fraction(len(left))
        return mean


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
