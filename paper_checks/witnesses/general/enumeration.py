"""Witness: brute-force enumeration of every draw of any law whose numbers are rational, in exact integers.

Of a law only its numbers are read. A sequence is written out token by token, and every draw is a branch of its own:
"correct" and "noise" after the trigger stay apart even where they give the same token. The per-sample gradient is the
outer product that it is defined to be.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import Any

import numpy as np

from theory.law import Law
from theory.task import Layer

Numbers = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Samples:
    """All (c, z, y) of positive weight: tokens (L, T), correct (L,), target (L,), and probabilities weight / unit."""

    tokens: Numbers
    correct: Numbers
    target: Numbers
    weight: Numbers
    unit: int


def _after_trigger(law: Law, correct: int) -> list[tuple[int, Fraction]]:
    """The draws after the trigger, which are those of the target too: c with 1-α, else one of ν."""
    noisy = [(token, Fraction(law.alpha) * share) for token, share in enumerate(law.noise)]
    return [(correct, 1 - Fraction(law.alpha)), *noisy]


def _draws(law: Law, correct: int, last: int | None) -> list[tuple[int, Fraction]]:
    """The draws of the next token, with their probabilities; `last` None is before the first token."""
    if last == law.trigger:
        return _after_trigger(law, correct)
    return list(enumerate(law.first if last is None else law.chain[last]))


def _grow(law: Law, correct: int, unit: int) -> Iterator[tuple[list[int], int]]:
    """Every z_1 … z_T of positive probability given c, with its probability times unit^(T-1)."""
    step = {
        last: [(token, int(share * unit)) for token, share in _draws(law, correct, last) if share]
        for last in (None, *range(law.M))
    }
    pending: list[tuple[list[int], int]] = [([], 1)]
    while pending:
        tokens, weight = pending.pop()
        if len(tokens) == law.T - 1:
            yield [*tokens, law.trigger], weight
            continue
        last = tokens[-1] if tokens else None
        pending.extend(([*tokens, token], weight * share) for token, share in step[last])


def _unit(law: Law) -> int:
    """A common denominator of every draw."""
    draws = [*law.first, *law.chain.ravel()]
    draws += [share for correct in range(law.M) for _, share in _after_trigger(law, correct)]
    return lcm(*(Fraction(share).denominator for share in draws))


@lru_cache(maxsize=4)
def samples(law: Law, correct: int | None = None) -> Samples:
    """Every sample of a law with its probability; given c alone if `correct` is a token, whatever ρ_c.

    Raises:
        TypeError: a law with numbers that are not rational.
    """
    if not law.is_exact:
        raise TypeError(f"law must be of rational numbers to be enumerated, got alpha={law.alpha!r} and floats")
    unit = _unit(law)
    share = lcm(*(Fraction(weight).denominator for weight in law.answers)) if correct is None else 1
    priors = {c: int(law.answers[c] * share) for c in range(law.M)} if correct is None else {correct: 1}
    rows: list[tuple[list[int], int, int, int]] = []
    for c, prior in priors.items():
        answers = [(token, int(chance * unit)) for token, chance in _after_trigger(law, c) if chance]
        for sequence, weight in _grow(law, c, unit) if prior else ():
            rows.extend((sequence, c, token, prior * weight * chance) for token, chance in answers)
    whole = share * unit**law.T
    fits = whole * (law.M * law.T) ** 2 < 2**62  # every sum below is at most this
    weights = np.array([weight for *_, weight in rows], dtype=np.int64 if fits else object)
    tokens, corrects, targets = (np.array([row[part] for row in rows]) for part in range(3))
    return Samples(tokens, corrects, targets, weights, whole)


def _positions(law: Law, tokens: Numbers) -> Numbers:
    """x_t = E(z_t) + P(z_{t-1}) of every sample and position, without P(z_0): integers (L, T, 2M)."""
    eye = np.eye(law.M, dtype=np.int64)
    embedded = np.zeros((*tokens.shape, 2 * law.M), dtype=np.int64)
    embedded[:, :, : law.M] = eye[tokens]
    embedded[:, 1:, law.M :] = eye[tokens[:, :-1]]
    return embedded


def _mean(found: Samples, values: Numbers, scale: int = 1) -> Any:
    """E[values / scale] over the samples (first axis), as `Fraction`s."""
    total = found.weight @ values.reshape(len(values), -1)
    return np.asarray(total.astype(object) * Fraction(1, found.unit * scale)).reshape(values.shape[1:])


@lru_cache(maxsize=8)
def gradient_moments(law: Law, layer: Layer) -> tuple[Numbers, Numbers]:
    """Mean and variance of the per-sample gradient (e_y - 1/M) fᵀ, f = x_T or x̄: `Fraction`s (M, 2M)."""
    found = samples(law)
    x = _positions(law, found.tokens)
    feature, length = (x[:, -1], 1) if layer == "feed_forward" else (x.sum(axis=1), law.T)
    residual = law.M * np.eye(law.M, dtype=np.int64)[found.target] - 1  # M (e_y - 1/M)
    gradient, scale = residual[:, :, None] * feature[:, None, :], law.M * length
    mean = _mean(found, gradient, scale)
    variance: Numbers = _mean(found, gradient**2, scale**2) - mean * mean
    mean.flags.writeable = variance.flags.writeable = False
    return mean, variance


def output_law(law: Law) -> Numbers:
    """P(y = k) as the samples have it: `Fraction`s (M,)."""
    found = samples(law)
    return np.asarray(_mean(found, np.eye(law.M, dtype=np.int64)[found.target]))


def key_query_gradient(law: Law, output: object = None) -> Numbers:
    """K[a] = E[Σ_t (1/T) 1{a ∈ x_t} (e_y - p)ᵀ G (x_t - x̄)], G the enumerated gradient of W_V: `Fraction`s (2M,).

    Args:
        law: the law.
        output: p; None is uniform, "absorbed" the law of y, else M rational probabilities.
    """
    found, (G, _) = samples(law), gradient_moments(law, "attention_value")
    p = np.full(law.M, Fraction(1, law.M)) if output is None else np.asarray(output, dtype=object)
    p = output_law(law) if isinstance(output, str) else p
    scatter = _scatter(law, found)
    by_target = [_mean(found, scatter * (found.target == y)[:, None, None], law.T**2) for y in range(law.M)]
    return np.asarray(sum(by_target[y] @ (G[y] - p @ G) for y in range(law.M)))


def _scatter(law: Law, found: Samples) -> Numbers:
    """T² Σ_t (1/T) x_t (x_t - x̄)ᵀ = T Σ_t x_t x_tᵀ - (Σ_t x_t)(Σ_t x_t)ᵀ of every sample: integers (L, 2M, 2M)."""
    x = _positions(law, found.tokens)
    total = x.sum(axis=1)
    scatter: Numbers = law.T * (x.transpose(0, 2, 1) @ x) - total[:, :, None] * total[:, None, :]
    return scatter


def frequency_part(law: Law) -> Numbers:
    """E[Σ_t (1/T) x_t (x_t - x̄)ᵀ] E[x̄], the within-sequence covariance with the features' mean: `Fraction`s (2M,)."""
    found = samples(law)
    typical = _mean(found, _positions(law, found.tokens).sum(axis=1), law.T)
    return np.asarray(_mean(found, _scatter(law, found), law.T**2) @ typical)


def count_moments(law: Law, correct: int) -> tuple[Numbers, Numbers, Numbers]:
    """E[C_a | c], P(z_{T-1} = a | c) and Cov(C_a, C_b | c) over z_1 … z_{T-1}: `Fraction`s (M,), (M,) and (M, M)."""
    found = samples(law, correct)
    shown = np.eye(law.M, dtype=np.int64)[found.tokens[:, :-1]]
    counts = shown.sum(axis=1)
    mean = _mean(found, counts)
    product = _mean(found, counts[:, :, None] * counts[:, None, :])
    return mean, _mean(found, shown[:, -1]), product - mean[:, None] * mean[None, :]


def noise_margins(law: Law) -> dict[int, Fraction]:
    """Feed-forward margin of the noise, per unit of step, for every token j that occurs before the last trigger.

    The largest logit among the tokens of ν minus the largest among all others, ξ = G x_T on sequences that end (j, q).

    Raises:
        ValueError: no token outside ν.
    """
    noisy = law.noise > 0
    if noisy.all():
        raise ValueError("noise must leave a token out for a margin, got a law with every token")
    found, (G, _) = samples(law), gradient_moments(law, "feed_forward")
    last = _positions(law, found.tokens)[:, -1]
    logits = {int(tokens[-2]): G @ x for tokens, x in zip(found.tokens, last, strict=True)}
    return {j: Fraction(xi[noisy].max() - xi[~noisy].max()) for j, xi in logits.items()}
