"""Exact mean and variance of the per-sample gradients for every law.

With f the features of one sequence, x_T for the feed-forward layer and x̄ for attention's values, y independent of the
sequence given c, ρ the answers and ν the noise,

    E[1{y=k} f_a^p] = (1-α) ρ_k E[f_a^p | c=k] + α ν_k E[f_a^p],    E[f_a^p] = Σ_c ρ_c E[f_a^p | c],           (6)
    E[g] = E[1{y=k} f_a] - E[f_a]/M,    Var g = (1 - 2/M) E[1{y=k} f_a²] + E[f_a²]/M² - E[g]².                 (7)

The feed-forward layer sees f = E(q) + P(z_{T-1}), whose entries are 0 or 1; attention f_E(a) = (C_a + 1{a=q})/T and
f_P(a) = C_a/T, with the counts of `counts`. In matrix form, with t_c the law of y given c,

    G_V = Σ_c ρ_c (t_c - 1/M) E[x̄ | c]ᵀ.                                                                       (8)

Source: Chen, Bruna, Bietti (ICLR 2025), the one-step analysis of the one-layer model, here for every law.
"""

from fractions import Fraction
from typing import Any

import numpy as np

from theory.arguments import checked
from theory.arrays import Table
from theory.law import AnyLaw, Law, as_law, rational_law
from theory.one_step import gradient_mean as task_mean
from theory.one_step import gradient_variance as task_variance
from theory.task import Layer, Task

from .counts import count_moments


@checked
def features(law: AnyLaw, layer: Layer, exact: bool = False) -> tuple[Table, Table]:
    """E[f | c] and E[f² | c] of the 2M columns [E(0..M-1), P(0..M-1)], each of shape (M, 2M), first index c."""
    law = as_law(law)
    moments = count_moments(law, exact)
    M, end = law.M, np.eye(law.M, dtype=int)[law.q]  # E(z_T)
    if layer == "feed_forward":
        seen = np.concatenate([moments.last * 0 + end, moments.last], axis=1)
        return seen, seen
    length = Fraction(law.T) if exact else law.T
    mean = np.concatenate([moments.mean + end, moments.mean], axis=1) / length
    spread = moments.covariance[:, np.arange(M), np.arange(M)] / length**2
    return mean, mean * mean + np.concatenate([spread, spread], axis=1)


def _joint(law: Law, given: Table) -> tuple[Table, Table]:
    """E[1{y=k} f_a], shape (M, 2M), and E[f_a], shape (2M,), by (6) from E[f_a | c]."""
    average = law.answers @ given
    own = ((1 - law.alpha) * law.answers)[:, None] * given
    return own + law.alpha * law.noise[:, None] * average, average


def one_over(M: int, exact: bool) -> Any:
    """1/M as a fraction or a float."""
    return Fraction(1, M) if exact else 1 / M


def _law_mean(law: Law, layer: Layer, exact: bool) -> Table:
    """E[g] of (7)."""
    joint, average = _joint(law, features(law, layer, exact)[0])
    mean: Table = joint - average * one_over(law.M, exact)
    return mean


@checked
def gradient_mean(task: AnyLaw, layer: Layer, exact: bool = False) -> Table:
    """Population negative gradient G_F or G_V at zero initialisation, of a task or of any law.

    Args:
        task: a `Task`, by its closed forms, or a `Law`.
        layer: "feed_forward" (G_F) or "attention_value" (G_V).
        exact: an object array of `fractions.Fraction`; needs rational numbers.

    Returns:
        array of shape (M, 2M), rows tokens 0..M-1, columns [E(0..M-1), P(0..M-1)]. In float64 a task's entries are the
        exact values rounded once; a law's come from `counts`.

    Raises:
        ValueError: unknown layer, or M or T too large.   TypeError: neither task nor law, or exact=True with floats.

    Source: Chen, Bruna, Bietti (ICLR 2025), population gradients of the one-layer model.
    """
    if isinstance(task, Task):
        return task_mean(task, layer, exact)
    return _law_mean(rational_law(task, exact), layer, exact)


@checked
def gradient_variance(task: AnyLaw, layer: Layer, exact: bool = False) -> Table:
    """Per-sample variance of every entry of the negative gradient at zero initialisation, by (7).

    Arguments, shape and errors as `gradient_mean`. Source: Chen, Bruna, Bietti (ICLR 2025), gradient noise.
    """
    if isinstance(task, Task):
        return task_variance(task, layer, exact)
    law = rational_law(task, exact)
    (hits, mean), (squares, square) = (_joint(law, moment) for moment in features(law, layer, exact))
    share = one_over(law.M, exact)
    # (7), by powers of 1/M: rare targets keep their relative accuracy
    variance: Table = squares - hits**2 - 2 * share * (squares - hits * mean) + share**2 * (square - mean**2)
    return variance
