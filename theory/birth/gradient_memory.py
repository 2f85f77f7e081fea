"""Gradients as associative memories: what one step of cross-entropy stores, and what input noise leaves of it.

For logits ξ_k(z) = v_kᵀ W u_z with fixed embeddings and any joint law p(z, k) of input and output,

    ∇L = Σ_k Σ_z p(z) (p̂(k|z) - p(k|z)) v_k u_zᵀ = Σ_k Σ_z C[z,k] v_k u_zᵀ,    C[z,k] = p(z) p̂(k|z) - p(z,k),      (9)

the gradient in W alone. Nothing is asked of the embeddings; p(z,k) = 0 and p(z) = 0 do no harm. A memory is read off as
v_kᵀ ∇L u_z = (V Vᵀ Cᵀ U Uᵀ)[k,z]. The rows of C sum to zero, so for K >= 2 this is C for every such C if and only if
U Uᵀ = I/λ and V Vᵀ = λI + ρ 11ᵀ for some λ > 0, ρ: orthonormal inputs, outputs orthonormal up to a common overlap.
(Only if: with Cᵀ = w e_zᵀ, w ⊥ 1, w is an eigenvector of V Vᵀ and e_z of U Uᵀ, to eigenvalues with the product 1.)

With inputs x in place of u_z, grouped by output, where every p_k = p(y=k) is positive,

    ∇L = Σ_k p_k v_k (μ̂_k - μ_k)ᵀ,    μ_k = E[x | y=k],    μ̂_k = E[p̂(k|x) x] / p_k;                             (10)

an output that never occurs has no μ_k, and its term is v_k E[p̂(k|x) x]ᵀ. At W = 0, where p̂ = 1/K, with μ = E x,

    -∇L = Σ_k p_k v_k (μ_k - μ)ᵀ + Σ_k (p_k - 1/K) v_k μᵀ,                                                          (11)

a signal and a residual of rank one. Noise with the same mean given every y leaves the signal alone, whatever else its
law is; it enters the residual through μ, unless p_k = 1/K. At W ≠ 0 its law matters. E‖x‖ must be finite throughout.

For the attention value matrix on noisy in-context recall x = x̄, K = M, p_k = (1-α)/N, p_τ = α, and (11) is

    G_V = S + r μᵀ,    S_k = (1-α)/N (μ_k - μ),    S_τ = 0,    r = (α - 1/M) (e_τ - (1/N) Σ_{k<N} e_k).             (12)

The noise output lives in r μᵀ alone, which shifts all ordinary rows alike; rᵀ S = 0, so removing the direction of r
from the outputs of G_V leaves S. With U = E[#{t <= T-2 : z_t = q} | c ≠ q], and D and D⁺ the excess of the expected
number of triggers given c = q over that given c ≠ q among z_1 … z_{T-2} and z_1 … z_{T-1}, in units of (1-α)/(N² T),

    S[k,E(k)] = (N-1)(1-α) U + D/N,   S[k,E(j)] = -(1-α) U + D/N,   S[k,E(q)] = -D⁺,   S[k,E(τ)] = -α D,
    S[q,E(q)] = (N-1) D⁺,   S[q,E(j)] = -(1-α) U - (N-1) D/N,   S[q,E(τ)] = (N-1) α D,                              (13)

for tokens k ≠ j other than q and τ, and S[·,P(·)] = S[·,E(·)]. As D⁺ = (1-α)(U + D) - D/N and D >= 0, copying entries
are positive for all T >= 3, α < 1.

Source: Bietti et al. (NeurIPS 2023), gradients as memories and noisy inputs; (11) to (14) are this project's.
"""

from functools import cache
from typing import Annotated, NamedTuple

import numpy as np
import sympy
from scipy.special import softmax

from theory.arguments import FINITE, Operand, Shape, checked
from theory.arrays import Floats, Number, Table
from theory.byte_limit import require_bytes
from theory.evaluation import evaluate, symbolic_numbers, to_expression
from theory.one_step.class_averages import class_sizes
from theory.one_step.gradients import EntryMoments
from theory.one_step.symmetry import ENTRY_CLASSES, EntryClass, assemble, parse_entry_class
from theory.task import Task

from .association_types import (
    Coefficients,
    FiniteFloats,
    FiniteTable,
    Inputs,
    Joint,
    Outputs,
    RealInputs,
    RealOutputs,
    Weight,
    as_distribution,
)
from .context_parts import ContextParts


@checked
def memory_coefficients(marginal: Operand, predicted: Operand, joint: Operand) -> Annotated[Number, FINITE]:
    """C of (9) from p(z), p̂(k|z) and p(z,k): numbers, symbols, or arrays that broadcast."""
    return marginal * predicted - joint


@checked
def outer_products(outputs: Outputs, coefficients: Coefficients, inputs: Inputs) -> FiniteTable:
    """Σ_k Σ_z C[z,k] v_k u_zᵀ, shape (d, e), in any arithmetic: outputs (K, d), coefficients (Z, K), inputs (Z, e)."""
    return np.asarray(outputs.T @ coefficients.T @ inputs)


@checked
def recalled(outputs: Outputs, coefficients: Coefficients, inputs: Inputs) -> FiniteTable:
    """v_kᵀ ∇L u_z, shape (Z, K): C with its cross-talk, U Uᵀ C V Vᵀ; arguments as for `outer_products`."""
    return np.asarray(inputs @ inputs.T @ coefficients @ outputs @ outputs.T)


@checked
def predicted_probabilities(outputs: RealOutputs, inputs: RealInputs, weight: Weight) -> Floats:
    """p̂(k|z), softmax over k of v_kᵀ W u_z, float64 (Z, K): outputs v_k (K, d), inputs u_z (Z, e), weight W (d, e).

    Raises:
        TypeError, ValueError: an argument that is no real array, of another shape, not finite, or logits that overflow.
    """
    V, U, W = np.asarray(outputs), np.asarray(inputs), np.asarray(weight)
    with np.errstate(over="ignore", invalid="ignore"):
        logits = U @ W.T @ V.T
    if not np.isfinite(logits).all():
        raise ValueError("weight must give finite logits, got some beyond the largest float")
    return np.asarray(softmax(logits, axis=1))


@checked
def association_gradient(outputs: RealOutputs, inputs: RealInputs, joint: Joint, weight: Weight) -> FiniteFloats:
    """∇L of L = E[cross-entropy of the logits v_kᵀ W u_z] in W, by (9): float64 of shape (d, e).

    Args: as for `predicted_probabilities` (inputs may be noisy ones, u_z = x_z), and joint p(z, k), shape (Z, K).

    Raises:
        TypeError, ValueError: as `predicted_probabilities`, or a joint that is no distribution.
    """
    predicted = predicted_probabilities(outputs, inputs, weight)
    law = as_distribution(joint)
    coefficients = memory_coefficients(law.sum(axis=1, keepdims=True), predicted, law)
    return outer_products(np.asarray(outputs, np.float64), coefficients, np.asarray(inputs, np.float64))


class ConditionalMeans(NamedTuple):
    """p_k, shape (K,), and μ_k and μ̂_k of (10), shape (K, e)."""

    probability: Table
    actual: Table
    predicted: Table

    def gradient(self, outputs: Table) -> Table:
        """Σ_k p_k v_k (μ̂_k - μ_k)ᵀ, shape (d, e)."""
        return np.asarray(outputs.T @ (self.probability[:, None] * (self.predicted - self.actual)))


@checked
def conditional_means(
    predicted: Coefficients, joint: Coefficients, inputs: Inputs
) -> Annotated[ConditionalMeans, FINITE]:
    """p_k, μ_k and μ̂_k of (10) in any arithmetic: predicted and joint (Z, K), inputs (Z, e).

    Raises:
        ValueError: an output that never occurs, for which (10) divides by zero.
    """
    return _conditional_means(predicted, joint, inputs)


def _conditional_means(predicted: Table, joint: Table, inputs: Table) -> ConditionalMeans:
    probability = joint.sum(axis=0)
    never = [k for k, share in enumerate(probability) if not share]
    if never:
        raise ValueError(f"joint must give every output a positive probability: no E[x | y = k] exists at k={never}")
    own, model = joint.T @ inputs, (joint.sum(axis=1, keepdims=True) * predicted).T @ inputs
    return ConditionalMeans(probability, own / probability[:, None], model / probability[:, None])


@checked
def conditional_mean_gradient(outputs: RealOutputs, inputs: RealInputs, joint: Joint, weight: Weight) -> FiniteFloats:
    """∇L by (10), for inputs x_z with probabilities Σ_k joint[z, k]; arguments as for `association_gradient`.

    Raises:
        TypeError, ValueError: as `association_gradient`, or an output that never occurs.
    """
    predicted = predicted_probabilities(outputs, inputs, weight)
    law = as_distribution(joint)
    with np.errstate(over="ignore"):
        means = _conditional_means(predicted, law, np.asarray(inputs, dtype=np.float64))
    if not np.isfinite(means.predicted).all():
        raise ValueError(f"joint must not make E[p̂(k|x) x] / p(y=k) overflow, least p(y=k) {means.probability.min()}")
    return means.gradient(np.asarray(outputs, dtype=np.float64))


@checked
def zero_weight_parts(
    outputs: Outputs, probabilities: Annotated[Table, Shape("K")], means: Annotated[Table, Shape("K e")]
) -> Annotated[tuple[Table, Table], FINITE]:
    """Signal and residual of -∇L at W = 0, equation (11), each of shape (d, e), in any arithmetic.

    Args: outputs v_k, shape (K, d); probabilities p_k with sum 1, shape (K,); means μ_k, shape (K, e).
    """
    mean, K = probabilities @ means, len(probabilities)
    signal = probabilities[:, None] * (means - mean)
    residual = np.multiply.outer((K * probabilities - 1) / K, mean)
    return outputs.T @ signal, outputs.T @ residual


@checked
def context_signal(task: Task, exact: bool = False) -> Table:
    """S of (12), what the attention value gradient learns in context; arguments, shape (N+1, 2(N+1)) and columns
    [E(0..N), P(0..N)] as for `theory.gradient_mean`.

    Raises:
        TypeError: not a task, or exact=True with a float alpha.   ValueError: N too large for a full matrix.
    """
    _require_room(task, 2 * task.M**2)
    return assemble(task, context_signal_classes(task, exact), object if exact else np.float64)


@checked
def context_signal_classes(task: Task, exact: bool = False) -> dict[EntryClass, Number]:
    """S per symmetry class, at any N; arguments and errors as `context_signal`."""

    def formula(*numbers: Number) -> dict[EntryClass, Number]:
        parts = ContextParts(*numbers)
        return {entry: parts.signal(entry) for entry in ENTRY_CLASSES}

    return evaluate(formula, task, exact)


@checked
def context_signal_closed_form(row: str, column: str) -> sympy.Expr:
    """One class of S as a sympy expression in N, T, alpha; names and errors as `theory.closed_form`."""
    return to_expression(symbolic_parts().signal(parse_entry_class(row, column)))


@cache
def symbolic_parts() -> ContextParts:
    """The terms of (12) as rational functions, for `to_expression`."""
    return ContextParts(*symbolic_numbers())


@checked
def distributional_residual(task: Task, exact: bool = False) -> tuple[Table, Table]:
    """r, shape (N+1,), and μ = E x̄, shape (2(N+1),), of (12); r vanishes if and only if α = 1/(N+1).

    Raises:
        TypeError: not a task, or exact=True with a float alpha.   ValueError: N too large for an array.
    """
    _require_room(task, 2 * task.M)
    require_bytes(f"the entries of r and μ for N={task.N}", 24 * task.M, "take a smaller N")

    def formula(*numbers: Number) -> dict[tuple[str, str], Number]:
        parts = ContextParts(*numbers)
        return parts.mean() | {("r", token): parts.residual(token) for token in ("q", "k", "tau")}

    values = evaluate(formula, task, exact)
    rows = np.empty((3, task.M), dtype=object if exact else np.float64)
    for row, block in zip(rows, ("r", "E", "P"), strict=True):
        row[:], row[task.q], row[task.tau] = (values[block, token] for token in ("k", "q", "tau"))
    return rows[0], rows[1:].ravel()


class Sizes(NamedTuple):
    """‖S‖² and ‖r μᵀ‖² (Frobenius; their sum is ‖G_V‖²), E‖μ_c - μ‖² and E‖x̄ - μ_c‖²."""

    signal: Number
    residual: Number
    spread: Number
    scatter: Number


@checked
def part_sizes(task: Task, exact: bool = False) -> Sizes:
    """How large signal and residual are, and how far x̄ scatters about its mean given c; errors as `context_signal`.

    For T → ∞, and for the second limit then N → ∞ at fixed α, so that ‖r μᵀ‖/‖S‖ ~ αN/(1-α)²,

        ‖S‖² → 2 (N-1) (1-α)⁴ ((1+αN)² + N + 1) / (N (N+1) (1+αN))²,    N ‖r μᵀ‖² → 2α².                            (14)

    About its mean given the output y, E‖x̄ - μ_y‖² = scatter + α spread, against E‖μ_y - μ‖² = (1-α) spread.
    """

    def formula(N: Number, T: Number, alpha: Number) -> dict[str, Number]:
        parts, sizes = ContextParts(N, T, alpha), class_sizes(N)
        # products, as Arb's own power is undefined where a ball holds 0
        spread = sum(size * parts.excess(entry) * parts.excess(entry) for entry, size in sizes.items()) / N
        mean = sum((N - 1 if token == "k" else 1) * value * value for (_, token), value in parts.mean().items())
        signal, level = (1 - alpha) * (1 - alpha) / N * spread, parts.residual("tau")
        residual = (level * level + N * parts.residual("k") * parts.residual("k")) * mean
        return {"signal": signal, "residual": residual, "spread": spread, "scatter": _scatter(N, T, alpha)}

    return Sizes(**evaluate(formula, task, exact))


def _scatter(N: Number, T: Number, alpha: Number) -> Number:
    """E‖x̄ - μ_c‖²: the variances of all columns given c."""
    total = 0 * N
    for is_trigger, features in EntryMoments("attention_value", N, T, alpha).given.items():
        alike, weight = (N - 1, 1) if is_trigger else (N - 2, N - 1)
        total += weight * sum((alike if name[1] == "j" else 1) * (b - a * a) for name, (a, b) in features.items()) / N
    return total


def _require_room(task: Task, entries: int) -> None:
    if entries > 2**28:
        raise ValueError(
            f"N must be smaller for a full array ({entries:.2g} entries asked for with N={task.N}, at most {2**28}); "
            "theory.birth.gradient_memory.context_signal_classes(task) gives every distinct entry of S at any N"
        )
