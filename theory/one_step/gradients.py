"""Exact mean and variance of the per-sample gradients of the one-layer model at zero initialisation.

Per sample the negative gradients of the cross-entropy at the last position are

    g_F = (e_y - 1/M) x_Tᵀ    (layer "feed_forward"),      g_V = (e_y - 1/M) x̄ᵀ    (layer "attention_value"),

with x_t = E(z_t) + P(z_{t-1}) and x̄ = (1/T) Σ_t x_t. With f_a the coordinate of x_T or x̄ at column a, an entry's
moments are

    E[g]  = E[1{y=k} f_a] - E[f_a]/M,
    E[g²] = (1 - 2/M) E[1{y=k} f_a²] + E[f_a²]/M²,        Var g = E[g²] - E[g]²,                                  (4)

and, y being independent of z given c, E[1{y=k} f_a^p] = (1-α)/N E[f_a^p | c=k] for ordinary k, α E[f_a^p] for k = τ.

The feed-forward layer sees x_T = E(q) + P(z_{T-1}). With w_j = P(z_{T-1} = j), w_{j|k} the same given c = k, and
ordinary k, its population gradient is

    G_F[τ,E(q)] = α - 1/M,          G_F[k,E(q)] = (1-α)/N - 1/M,
    G_F[τ,P(j)] = (α - 1/M) w_j,    G_F[k,P(j)] = (1-α)/N w_{j|k} - w_j/M,                                       (7)

and 0 elsewhere. Attention's values see x̄. With μ = E[x̄] and μ_k = E[x̄ | c=k], from the token counts of `trigger_chain`,

    G_V[τ,a] = (α - 1/M) μ[a],    G_V[k,a] = (1-α)/N μ_k[a] - μ[a]/M.                                            (8)

Every formula below is written once, in generic arithmetic, and evaluated in `Fraction`s, in float64 or in sympy.
Source: Chen, Bruna, Bietti (ICLR 2025), the one-step analysis of the one-layer model, made exact in N and T.
"""

from collections.abc import Mapping
from fractions import Fraction
from functools import cache, cached_property
from typing import Literal, TypeAlias, get_args, overload

import numpy as np
import sympy

from theory.arguments import checked
from theory.arrays import Number, Table
from theory.evaluation import evaluate, require_rational, symbolic_numbers, to_expression
from theory.task import Layer, Task

from .symmetry import BLOCKS, ENTRY_CLASSES, EntryClass, assemble, parse_entry_class
from .trigger_chain import Power, TriggerChain, integer_power, trigger_chain

Moment: TypeAlias = Literal["mean", "variance"]
MOMENTS: tuple[Moment, ...] = get_args(Moment)
Moments = tuple[Number, Number]  # E[f], E[f²]


class EntryMoments:
    """Formulas (4) for one layer in generic arithmetic; entries are named by their class."""

    def __init__(self, layer: Layer, N: Number, T: Number, alpha: Number, power: Power = integer_power) -> None:
        self.layer, self.N, self.T, self.alpha = layer, N, T, alpha
        self.chains = {is_trigger: trigger_chain(N, T, alpha, is_trigger, power) for is_trigger in (False, True)}

    @cached_property
    def given(self) -> dict[bool, dict[tuple[str, str], Moments]]:
        """E[f_a | c] and E[f_a² | c] per (block, token), for c ≠ q (key False) and c = q (key True)."""
        return {
            is_trigger: {
                (block, token): self.feature(chain, block, token)
                for block in BLOCKS
                for token in chain.laws
                if token != "rest"
            }
            for is_trigger, chain in self.chains.items()
        }

    def feature(self, chain: TriggerChain, block: str, token: str) -> Moments:
        """First two moments of x_a on the sequences of one chain, for the token's class in a block."""
        if self.layer == "feed_forward":
            if block == "P":  # x_T sees z_{T-1} there
                probability = chain.probability_at_end(token)
                return probability, probability
            indicator = int(chain.laws[token].is_trigger) + 0 * self.N  # z_T = q always
            return indicator, indicator
        last = 1 if block == "E" and chain.laws[token].is_trigger else 0  # E(z_T) = E(q); P(z_T) is never used
        mean = (chain.mean_count(token) + last) / self.T
        return mean, chain.count_covariance(token, token) / self.T**2 + mean * mean

    def average(self, block: str, token: str, power: int) -> Number:
        """E[f_a^power] over the correct token; token "q", "tau" or any other letter."""
        elsewhere, at_trigger = self.given[False], self.given[True]
        if token in ("q", "tau"):
            own = (self.N - 1) * elsewhere[block, token][power - 1]
            return (own + at_trigger[block, token][power - 1]) / self.N
        total = at_trigger[block, "j"][power - 1] + elsewhere[block, "c"][power - 1]
        return (total + (self.N - 2) * elsewhere[block, "j"][power - 1]) / self.N

    def joint(self, row: str, block: str, token: str, power: int) -> Number:
        """E[1{y = row} f_a^power]."""
        if row == "tau":
            return self.alpha * self.average(block, token, power)
        name = "c" if token == "k" else token
        return (1 - self.alpha) / self.N * self.given[row == "q"][block, name][power - 1]

    def mean(self, entry: EntryClass) -> Number:
        """E[g] of one entry class."""
        row, block, token = _split(entry)
        return self.joint(row, block, token, 1) - self.average(block, token, 1) / (self.N + 1)

    def variance(self, entry: EntryClass) -> Number:
        """Var g of one entry class."""
        row, block, token = _split(entry)
        M = self.N + 1
        second = (1 - 2 / M) * self.joint(row, block, token, 2) + self.average(block, token, 2) / (M * M)
        mean = self.mean(entry)
        return second - mean * mean


def _split(entry: EntryClass) -> tuple[str, str, str]:
    row, column = entry
    return row, column[0], column[2:-1]


@overload
def class_values(
    task: Task, layer: Layer, moment: Moment, exact: Literal[False] = False
) -> Mapping[EntryClass, float]: ...
@overload
def class_values(
    task: Task, layer: Layer, moment: Moment, *, exact: Literal[True]
) -> Mapping[EntryClass, Fraction]: ...
@overload
def class_values(task: Task, layer: Layer, moment: Moment, exact: bool = False) -> Mapping[EntryClass, Number]: ...
@checked
def class_values(task: Task, layer: Layer, moment: Moment, exact: bool = False) -> Mapping[EntryClass, Number]:
    """The value of every symmetry class; cost independent of N and T in float64.

    Args:
        task: the task; `exact=True` needs a rational alpha.
        layer: "feed_forward" or "attention_value".
        moment: "mean" or "variance" (per sample, entrywise).
        exact: `Fraction`s instead of floats (each float is the exact value rounded once).

    Returns:
        a dict over ENTRY_CLASSES; dimensionless. A class without entries, such as ("k", "E(j)") at N = 2, has one too.

    Raises:
        ValueError: unknown layer or moment.   TypeError: exact=True with a float alpha.
    """

    def formula(N: Number, T: Number, alpha: Number) -> dict[EntryClass, Number]:
        moments = EntryMoments(layer, N, T, alpha)
        return {entry: getattr(moments, moment)(entry) for entry in ENTRY_CLASSES}

    return evaluate(formula, task, exact)


def _matrix(task: Task, layer: Layer, moment: Moment, exact: bool) -> Table:
    if exact:
        require_rational(task)
    entries, limit = 2 * task.M**2, 2**28
    if entries > limit:
        raise ValueError(
            f"N must be at most {int((limit / 2) ** 0.5) - 1} for a full matrix ({entries:.2g} entries asked for with "
            f"N={task.N}); theory.class_values(task, layer, {moment!r}) gives every distinct entry at any N"
        )
    return assemble(task, class_values(task, layer, moment, exact), object if exact else np.float64)


@checked
def gradient_mean(task: Task, layer: Layer, exact: bool = False) -> Table:
    """Population negative gradient G_F or G_V at zero initialisation.

    Args:
        task: the task.
        layer: "feed_forward" (G_F) or "attention_value" (G_V).
        exact: an object array of `fractions.Fraction`; needs a rational alpha.

    Returns:
        array of shape (N+1, 2(N+1)), rows tokens 0..N, columns [E(0..N), P(0..N)].

    Raises:
        ValueError: unknown layer, or N too large for a full matrix.   TypeError: exact=True with a float alpha.

    Source: Chen, Bruna, Bietti (ICLR 2025), population gradients of the one-layer model.
    """
    return _matrix(task, layer, "mean", exact)


@checked
def gradient_variance(task: Task, layer: Layer, exact: bool = False) -> Table:
    """Per-sample variance of every entry of the negative gradient at zero initialisation, equation (4).

    The feed-forward layer's noise entry is 1 - 1/M with probability α and -1/M otherwise, whatever the sequence:

        Var g_F[τ,E(q)] = α (1-α).                                                                               (9)

    Arguments, shape and errors as `gradient_mean`. Source: Chen, Bruna, Bietti (ICLR 2025), gradient noise.
    """
    return _matrix(task, layer, "variance", exact)


@checked
def closed_form(layer: Layer, moment: Moment, row: str, column: str) -> sympy.Expr:
    """Closed form of one symmetry class as a sympy expression in the plain symbols N, T, alpha.

    Args:
        layer: "feed_forward" or "attention_value".
        moment: "mean" or "variance".
        row: "q", "tau" or a letter for an ordinary token other than the trigger.
        column: "E(x)" or "P(x)" with x such a name; the same letter as the row's is the same token.

    Returns:
        a sympy expression, valid for N >= 2 (N >= 3 where three distinct ordinary tokens are named), T >= 2, 0 <=
        alpha <= 1.

    Raises:
        ValueError, TypeError: an unknown layer or moment, or a name that cannot be read.

    Example:
        >>> closed_form("feed_forward", "mean", "tau", "E(q)")
        alpha - 1/(N + 1)
    """
    entry = parse_entry_class(row, column)
    return _closed_form(layer, moment, entry)


@cache
def _symbolic_moments(layer: Layer) -> EntryMoments:
    return EntryMoments(layer, *symbolic_numbers())


@cache
def _closed_form(layer: Layer, moment: Moment, entry: EntryClass) -> sympy.Expr:
    return to_expression(getattr(_symbolic_moments(layer), moment)(entry))
