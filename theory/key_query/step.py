"""The first key-query step: where attention learns to look, exactly, for every N, T, α, trigger and absorption π.

With W_V = G_V and output probabilities p held at p_τ = π, p_k = (1-π)/N, the coefficient of the negative W_KQ-gradient
on (key feature a) ⊗ (query feature E(q)) is K[a] = E[Σ_t (1/T) 1{a ∈ x_t} (e_y - p)ᵀ G_V (x_t - x̄)].

Given c, the target is independent of the sequence, so K = E_c[Σ_c G_Vᵀ d_c] with d_c = (1-α) e_c + α e_τ - p and the
within-sequence covariance Σ_c. The rows of G_V are (1-α)/N μ_k - μ/M for ordinary k and (α - 1/M) μ for τ, where
μ_c = E[x̄ | c] and μ = E[μ_c]; they sum to zero. Hence G_Vᵀ d_c = (1-α)²/N (μ_c - μ) + (α-π)(α - (1-α)/N) μ and

    K = A + (α-π) C,    A = (1-α)²/N E_c[Σ_c (μ_c - μ)],    C = (α - (1-α)/N) E_c[Σ_c] μ.                          (6)

A is what attention learns in context, C what it learns from noise that is not absorbed: A alone is left at π = α. At
uniform p, π = 1/M, the second term is (M/N)(α - 1/M)² E_c[Σ_c] μ.

Source: Chen, Bruna, Bietti (ICLR 2025), what attention learns; the exact formulas are this project's.
"""

from collections.abc import Mapping
from fractions import Fraction
from functools import cache, cached_property
from typing import Annotated, Literal, NamedTuple, TypeAlias, overload

import numpy as np
import sympy

from theory.arguments import Probability, checked, one_of
from theory.arrays import Number, Table
from theory.byte_limit import require_bytes
from theory.evaluation import alpha as symbol_alpha
from theory.evaluation import as_exact_probability, evaluate, ring_element, ring_expression, symbolic_numbers
from theory.one_step.symmetry import BLOCKS
from theory.one_step.trigger_chain import Power, integer_power, trigger_chain
from theory.task import RealNumber, Task

from .within_sequence import Feature, WithinSequence

KEY_CLASSES = ("E(q)", "E(k)", "E(tau)", "P(q)", "P(k)", "P(tau)")
"""The symmetry classes of K's entries; k is any ordinary token other than the trigger."""

pi = sympy.Symbol("pi")
"""The absorption π as a plain symbol in closed forms (not the number 3.14159…)."""


KeyClass: TypeAlias = Annotated[str, one_of(KEY_CLASSES)]
Combinations: TypeAlias = Mapping[str, Mapping[KeyClass, int]]
"""Integer coefficients of K's classes, by the name of the combination."""


class Parts(NamedTuple):
    """K = in_context + (α-π) · noise, equation (6); numbers, or dicts of them."""

    in_context: Number
    noise: Number

    def at(self, excess: Number) -> Number:
        """K at α - π = `excess`."""
        return self.in_context + excess * self.noise

    def zero(self, alpha: RealNumber) -> float | None:
        """π* = α + A/C, the absorption at which floats A + (α-π) C vanish; may lie outside [0, 1]. None where C = 0."""
        return float(Fraction(alpha) + Fraction(self.in_context) / Fraction(self.noise)) if self.noise else None


class KeyQuery:
    """T³ A and T³ C of equation (6) in generic arithmetic, with T in no denominator."""

    def __init__(self, N: Number, T: Number, alpha: Number, power: Power = integer_power) -> None:
        self.N, self.alpha = N, alpha
        self.given = {flag: WithinSequence(trigger_chain(N, T, alpha, flag, power)) for flag in (False, True)}

    @cached_property
    def mean(self) -> dict[Feature, Number]:
        """T μ per (block, "q" | "k" | "tau")."""
        return self.average_over_correct({flag: sequences.counts for flag, sequences in self.given.items()})

    @cached_property
    def scaled_parts(self) -> dict[str, Parts]:
        """(T³ A, T³ C) per class of KEY_CLASSES."""
        in_context, noise = {}, {}
        for flag, sequences in self.given.items():
            average = {(block, token): self.mean[block, _overall(token)] for block, token in sequences.counts}
            own = {feature: count - average[feature] for feature, count in sequences.counts.items()}
            in_context[flag], noise[flag] = sequences.seen(own), sequences.seen(average)
        share = (1 - self.alpha) / self.N
        contexts, noises = self.average_over_correct(in_context), self.average_over_correct(noise)
        return {
            f"{block}({token})": Parts(
                share * (1 - self.alpha) * contexts[block, token], (self.alpha - share) * noises[block, token]
            )
            for block, token in contexts
        }

    def average_over_correct(self, given: Mapping[bool, Mapping[Feature, Number]]) -> dict[Feature, Number]:
        """E over c of values given c ≠ q and c = q; an ordinary k ≠ q is c, another token than c, or c is q."""
        N, average = self.N, {}
        for block in BLOCKS:
            for token in ("q", "k", "tau"):
                if token == "k":
                    other = given[False][block, "c"] + (N - 2) * given[False][block, "j"] + given[True][block, "j"]
                else:
                    other = (N - 1) * given[False][block, token] + given[True][block, token]
                average[block, token] = other / N
        return average


def _overall(token: str) -> str:
    return token if token in ("q", "tau") else "k"


def combine(parts: Mapping[str, Parts], coefficients: Mapping[str, int]) -> Parts:
    """The (A, C) of an integer combination of K's classes from those of the classes, in any arithmetic."""
    terms = [(count, parts[name]) for name, count in coefficients.items()]
    return Parts(*(sum(count * part[side] for count, part in terms) for side in (0, 1)))


_CLASSES = {name: {name: 1} for name in KEY_CLASSES}


@checked
def key_query_parts(task: Task, exact: bool = False, combinations: Combinations = _CLASSES) -> dict[str, Parts]:
    """A and C of K = A + (α-π) C for every class, or for integer combinations of classes.

    Args:
        task: the task; α = 0 and α = 1 need no care: the formulas hold there (A = 0 at α = 1).
        exact: `Fraction`s instead of floats (each the exact value rounded once); needs a rational alpha.
        combinations: coefficients of K's classes by name.

    Raises:
        TypeError: not a task, or exact=True with a float alpha.
        ValueError: exact=True with T so large that the fractions would have millions of digits.
    """

    def formula(N: Number, T: Number, alpha: Number) -> dict[tuple[str, int], Number]:
        classes = KeyQuery(N, T, alpha).scaled_parts
        parts = {name: combine(classes, coefficients) for name, coefficients in combinations.items()}
        return {(name, side): part[side] / T**3 for name, part in parts.items() for side in (0, 1)}

    values = evaluate(formula, task, exact)
    return {name: Parts(values[name, 0], values[name, 1]) for name in combinations}


@overload
def key_query_classes(
    task: Task, absorption: Probability | None = None, exact: Literal[False] = False
) -> dict[str, float]: ...
@overload
def key_query_classes(
    task: Task, absorption: Probability | None = None, *, exact: Literal[True]
) -> dict[str, Fraction]: ...
@overload
def key_query_classes(task: Task, absorption: Probability | None = None, exact: bool = False) -> dict[str, Number]: ...
@checked
def key_query_classes(task: Task, absorption: Probability | None = None, exact: bool = False) -> dict[str, Number]:
    """K per symmetry class, at any N; arguments and errors as `key_query_gradient`."""
    return key_query_combinations(task, _CLASSES, absorption, exact)


@overload
def key_query_combinations(
    task: Task,
    combinations: Combinations,
    absorption: Probability | None = None,
    exact: Literal[False] = False,
) -> dict[str, float]: ...
@overload
def key_query_combinations(
    task: Task,
    combinations: Combinations,
    absorption: Probability | None = None,
    *,
    exact: Literal[True],
) -> dict[str, Fraction]: ...
@overload
def key_query_combinations(
    task: Task, combinations: Combinations, absorption: Probability | None = None, exact: bool = False
) -> dict[str, Number]: ...
def key_query_combinations(
    task: Task, combinations: Combinations, absorption: Probability | None = None, exact: bool = False
) -> dict[str, Number]:
    """Integer combinations of K's classes, each rounded once, so with its exact sign.

    Args:
        combinations: coefficients of K's classes by name.
        task, absorption, exact: as for `key_query_gradient`, whose errors are raised.
    """
    excess = excess_noise(task, absorption, exact)

    def formula(N: Number, T: Number, alpha: Number) -> dict[str, Number]:
        difference, parts = excess.numerator / (0 * N + excess.denominator), KeyQuery(N, T, alpha).scaled_parts
        return {name: combine(parts, terms).at(difference) / T**3 for name, terms in combinations.items()}

    return evaluate(formula, task, exact)


@checked
def key_query_gradient(task: Task, absorption: Probability | None = None, exact: bool = False) -> Table:
    """K, the first key-query step with W_V = G_V and p held: descent direction on (key feature) ⊗ E(q).

    Args:
        task: the task; the formulas hold at α = 0 and α = 1 too.
        absorption: π = p_τ in [0, 1], the noise probability that the model already predicts (p_k = (1-π)/N);
            None is uniform p, π = 1/(N+1).
        exact: an object array of `fractions.Fraction`; needs a rational alpha and absorption.

    Returns:
        array of shape (2(N+1),), entries [E(0..N), P(0..N)]; the score of position t is K[E(z_t)] + K[P(z_{t-1})].
        Cost independent of T and, but for writing the array, of N.

    Raises:
        TypeError: not a task, an absorption that is no number, or exact=True with a float alpha or absorption.
        ValueError: absorption outside [0, 1], N too large for an array, or T too large for exact=True.

    Source: Chen, Bruna, Bietti (ICLR 2025), what attention learns.
    """
    entries, limit = 2 * task.M, 2**24 if exact else 2**28
    if entries > limit:
        raise ValueError(
            f"N must be at most {limit // 2 - 1} for an array of K with exact={exact}, got N={task.N}; "
            "theory.key_query_classes(task, absorption) gives every distinct entry at any N"
        )
    require_bytes(f"the entries of K for N={task.N}", 8 * entries, "theory.key_query_classes has no such limit")
    values = key_query_classes(task, absorption, exact)
    blocks = np.empty((2, task.M), dtype=object if exact else np.float64)
    for row, block in zip(blocks, BLOCKS, strict=True):
        row[:], row[task.q], row[task.tau] = values[f"{block}(k)"], values[f"{block}(q)"], values[f"{block}(tau)"]
    return blocks.ravel()


def as_absorption(absorption: object, N: int, exact: bool = False) -> Fraction:
    """π as an exact fraction; None is 1/(N+1).   Raises: TypeError, ValueError naming `absorption`."""
    return Fraction(1, N + 1) if absorption is None else as_exact_probability("absorption", absorption, exact)


def excess_noise(task: Task, absorption: object, exact: bool) -> Fraction:
    """α - π as an exact fraction; floats are exact dyadic numbers."""
    return Fraction(task.alpha) - as_absorption(absorption, task.N, exact)


@checked
def key_query_closed_form(name: KeyClass) -> sympy.Expr:
    """K of one class as a sympy expression in the plain symbols N, T, alpha and `pi` (the first call takes seconds).

    Args:
        name: one of KEY_CLASSES.

    Returns:
        in-context part + (alpha - pi) · noise part, each a sum over powers of T, (-1/N)^(T-2) and (1-alpha-1/N)^(T-2).

    Raises:
        ValueError: an unknown name.
    """
    parts = Parts(*(ring_expression(part, 3) for part in _symbolic_parts()[name]))
    return parts.at(symbol_alpha - pi)


@cache
def _symbolic_parts() -> dict[str, Parts]:
    parts = KeyQuery(*symbolic_numbers()).scaled_parts
    return {name: Parts(*map(ring_element, part)) for name, part in parts.items()}
