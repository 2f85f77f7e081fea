"""Witness: a programme over positions and all M tokens for any law, in extended precision or float64, any M and T.

For every correct token c it carries P(z_t = s | c) and E[C_j 1{z_t = s} | c] (C_j: how often token j occurred before t)
from t to t+1 by the transition rule alone, and adds up what the definitions need: no series, no inverse and no
relabelling, and nothing is subtracted but where a definition says so. All c at once cost O(T M² m) for m nonzero
entries of the chain, and in float64, where BLAS has the products, O(T M⁴) much cheaper operations.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import csr_array

from theory.law import Law
from theory.task import Layer

Real = np.longdouble
Reals = np.ndarray[Any, np.dtype[Any]]
Precision: TypeAlias = np.dtype[Any]
EXTENDED, FLOAT64 = np.dtype(Real), np.dtype(np.float64)


def as_reals(values: Any) -> Reals:
    """Fractions or floats in extended precision: two floats, which together have 106 bits."""
    exact = [Fraction(value) for value in np.ravel(values)]
    high = np.array([float(value) for value in exact])
    low = np.array([float(value - Fraction(part)) for value, part in zip(exact, high.tolist(), strict=True)])
    return (high.astype(Real) + low.astype(Real)).reshape(np.shape(values))


def _distributions(values: Any) -> Reals:
    """The same, divided by their sums: rows of float64 miss 1 by a rounding, which T steps would make T roundings.
    That of a cast back to float64 is among those that `rounding` counts."""
    reals = as_reals(values)
    return np.asarray(reals / reals.sum(axis=-1, keepdims=True))


class _Rule:
    """The law's numbers in a precision, and a step of them; arrays over tokens s come as [s, c, …]."""

    def __init__(self, law: Law, real: Precision) -> None:
        self.M, self.q, self.real = law.M, law.trigger, real
        chain, noise = _distributions(law.chain), _distributions(law.noise)
        chain[law.trigger] = 0
        noisy, true = as_reals([Fraction(law.alpha), 1 - Fraction(law.alpha)])
        targets = true * np.eye(law.M, dtype=Real) + noisy * noise  # P(y | c) as [c, y]
        self.chain: Reals = chain.astype(real)
        self.noise: Reals = noise.astype(real)
        self.targets: Reals = targets.astype(real)
        self.first: Reals = _distributions(law.first).astype(real)
        self.answers: Reals = _distributions(law.answers).astype(real)
        self.noisy, self.true = real.type(noisy), real.type(true)
        onward = self.chain.T  # [next, now], from every token but the trigger
        self.onward = onward if real == FLOAT64 else csr_array(onward)

    def step(self, weights: Reals) -> Reals:
        """Push measures over the current token (first axis), given c (second axis), one position on."""
        at_trigger = weights[self.q]
        after = np.asarray(self.onward @ weights.reshape(self.M, -1)).reshape(weights.shape)
        for token in np.flatnonzero(self.noise):
            after[token] += self.noisy * self.noise[token] * at_trigger
        every = np.arange(self.M)
        after[every, every] += self.true * at_trigger
        return np.asarray(after)


@dataclass(frozen=True)
class Counts:
    """Of z_1 … z_{T-1}, given every c (first index).

    Attributes:
        mean: E[C_a], shape (M, M).   last: P(z_{T-1} = a), shape (M, M).
        product: E[C_a C_b], shape (M, M, M).   pairs: E[#{t : z_{t-1} = a, z_t = b}], t = 2 … T-1, shape (M, M, M).
    """

    mean: Reals
    last: Reals
    product: Reals
    pairs: Reals


def _positions(rule: _Rule, T: int) -> Iterator[tuple[Reals, Reals]]:
    """P(z_t = s | c) as [s, c], and E[C_j 1{z_t = s} | c] as [s, c, j] with C_j counted before t, for t = 1 … T-1."""
    law = np.repeat(rule.first[:, None], rule.M, axis=1)
    before = np.zeros((rule.M, rule.M, rule.M), dtype=rule.real)
    every = np.arange(rule.M)
    for _ in range(T - 2):
        yield law, before
        before[every, :, every] += law  # z_t itself is before t+1
        before, law = rule.step(before), rule.step(law)
    yield law, before


def counts(law: Law, real: Precision = EXTENDED) -> Counts:
    """Run the programme for every correct token; what was run last is kept."""
    return _counts(law, real)


@lru_cache(maxsize=4)
def _counts(law: Law, real: Precision) -> Counts:
    rule = _Rule(law, real)
    visits = np.zeros((law.M, law.M), dtype=real)
    earlier, joint = visits, np.zeros((law.M, law.M, law.M), dtype=real)
    for now, before in _positions(rule, law.T):
        earlier, visits = visits, visits + now
        joint += before
    every = np.arange(law.M)
    product = joint.transpose(1, 0, 2) + joint.transpose(1, 2, 0)
    product[:, every, every] += visits.T
    pairs = earlier.T[:, :, None] * rule.chain
    pairs[:, law.trigger] = earlier[law.trigger][:, None] * rule.targets
    return Counts(visits.T, now.T, product, pairs)


@dataclass(frozen=True)
class Features:
    """n_a = #{t : a ∈ x_t} given c: E[n_a] (M, 2M), E[n_a n_b] and E[#{t : a, b ∈ x_t}], both (M, 2M, 2M)."""

    mean: Reals
    product: Reals
    meetings: Reals


@lru_cache(maxsize=2)
def features(law: Law, real: Precision) -> Features:
    """Counts of the 2M features over the T positions; z_T = q, and z_1 follows nothing."""
    found, M = counts(law, real), law.M
    end = np.eye(2 * M, dtype=real)[law.trigger]  # E(z_T)
    twice = np.concatenate([found.mean, found.mean], axis=1)
    crossed = twice[:, :, None] * end
    product = np.tile(found.product, (1, 2, 2)) + crossed + crossed.transpose(0, 2, 1) + np.outer(end, end)
    neighbours = found.pairs.copy()
    neighbours[:, :, law.trigger] += found.last
    meetings = np.zeros((M, 2 * M, 2 * M), dtype=real)
    meetings[:, np.arange(2 * M), np.arange(2 * M)] = twice + end
    meetings[:, M:, :M], meetings[:, :M, M:] = neighbours, neighbours.transpose(0, 2, 1)
    return Features(twice + end, product, meetings)


def gradient_moments(law: Law, layer: Layer, real: Precision = EXTENDED) -> tuple[Reals, Reals]:
    """Mean and variance of (e_y - 1/M) fᵀ by their definitions, both (M, 2M)."""
    rule, M = _Rule(law, real), law.M
    if layer == "feed_forward":
        end = np.zeros((M, M), dtype=real)
        end[:, law.trigger] = 1
        first = square = np.concatenate([end, counts(law, real).last], axis=1)
    else:
        found = features(law, real)
        first = found.mean / law.T
        square = np.diagonal(found.product, axis1=1, axis2=2) / real.type(law.T) ** 2
    moments = []
    for power, given in ((1, first), (2, square)):
        hit, miss = (1 - 1 / real.type(M)) ** power, (-1 / real.type(M)) ** power
        residual = rule.targets * hit + (1 - rule.targets) * miss  # E[(1{y = k} - 1/M)^power | c] as [c, k]
        moments.append((rule.answers[:, None] * residual).T @ given)
    return moments[0], moments[1] - moments[0] ** 2


def key_query_gradient(law: Law, output: object = None, real: Precision = EXTENDED) -> Reals:
    """K by its definition at p = `output` (None: uniform; "absorbed": the law of y; else M probabilities); (2M,)."""
    return _key_query(law, output, -1, real)


def key_query_scale(law: Law, output: object = None) -> Reals:
    """Size of what cancels in K: its definition with every difference turned into a sum; (2M,)."""
    return _key_query(law, output, +1, EXTENDED)


def rounding(law: Law, real: Precision = EXTENDED) -> float:
    """Bound on the relative error of every count, which are sums of products of positive numbers: none is subtracted,
    and none is so small that it underflows.

    In units of half the precision a step sums at most M terms and rounds 7 times more, in the law and in the
    counts before, and a count adds at most 4 terms per position; the law's own numbers are 3 roundings off.
    """
    return (law.T * (law.M + 14) + 8) * float(np.finfo(real).eps) / 2


def _key_query(law: Law, output: object, sign: int, real: Precision) -> Reals:
    """K for sign = -1; for sign = +1 the sum of the sizes of its terms."""
    rule, found = _Rule(law, real), features(law, real)
    p = _output(rule, output)
    typical = rule.answers[:, None] * found.mean  # ρ_c E[n | c]
    G = (rule.targets + sign / real.type(law.M)).T @ typical / law.T
    total = np.zeros(2 * law.M, dtype=real)
    for c in np.flatnonzero(rule.answers):
        scatter = law.T * found.meetings[c] + sign * found.product[c]
        total += rule.answers[c] * (scatter @ ((rule.targets[c] + sign * p) @ G))
    return np.asarray(total / real.type(law.T) ** 2)


def _output(rule: _Rule, output: object) -> Reals:
    """p of shape (M,)."""
    if output is None:
        return np.full(rule.M, 1 / rule.real.type(rule.M))
    if isinstance(output, str):
        return np.asarray(rule.answers @ rule.targets)
    return _distributions(np.asarray(output)).astype(rule.real)
