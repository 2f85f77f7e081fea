"""Margins after one population step, and the noise levels at which they change sign.

After a step of size η from zero the logits are ξ = η G_F x_T (feed-forward) or ξ = η G_V x̄ (attention), and the
margin of the noise token is Δ = ξ_τ - max_{k<N} ξ_k. Since x_T = E(q) + P(z_{T-1}), the feed-forward margin depends on
j = z_{T-1} alone: by equation (7) of `gradients`, with w_j = P(z_{T-1} = j) and w_{j|k} the same given c = k,

    Δ_ff/η = α - (1-α)/N + α w_j - (1-α)/N max_{k<N} w_{j|k}.                                                   (10)

Source: Chen, Bruna, Bietti (ICLR 2025), the one-step theorem; thresholds and constants are this project's.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Annotated, Literal, TypeAlias, overload

import sympy
from annotated_types import Ge, Le

from theory.arguments import Probability, Size, checked
from theory.arrays import Number
from theory.evaluation import N as symbol_N
from theory.evaluation import alpha as symbol_alpha
from theory.evaluation import long_sequence_limit
from theory.task import RealNumber, Task

from .gradients import class_values, closed_form
from .symmetry import EntryClass

Bits: TypeAlias = Annotated[int, Ge(1), Le(256)]
"""Of a bracket: it is at most 2^-bits wide."""


@overload
def feed_forward_contrasts(task: Task, exact: Literal[False] = False) -> dict[tuple[str, str], float]: ...
@overload
def feed_forward_contrasts(task: Task, *, exact: Literal[True]) -> dict[tuple[str, str], Fraction]: ...
@overload
def feed_forward_contrasts(task: Task, exact: bool = False) -> dict[tuple[str, str], Number]: ...
@checked
def feed_forward_contrasts(task: Task, exact: bool = False) -> dict[tuple[str, str], Number]:
    """(ξ_τ - ξ_k)/η of the feed-forward step for every pair (z_{T-1}, k) of token names that can occur.

    Args:
        task: the task; `exact=True` needs a rational alpha.
        exact: `Fraction`s instead of floats.

    Returns:
        dict over (preceding, k): preceding "q", "j" (another ordinary token) or "tau" (absent if P(z_{T-1} = τ) = 0);
        k is "q", "j" (the preceding token itself) or "k" (another one; absent if N is too small for it).
    """
    values = class_values(task, "feed_forward", "mean", exact)
    return contrasts_from(values.__getitem__, task.N, has_noise=task.T > 2 and task.alpha > 0)


def contrasts_from(value: Callable[[EntryClass], Number], N: int, has_noise: bool) -> dict[tuple[str, str], Number]:
    """`feed_forward_contrasts` from any source of entry values; `has_noise`: whether τ can precede the last trigger."""
    rows = {"q": ["q", "k"], "j": ["q", "j"] + ["k"] * (N > 2)}
    if has_noise:
        rows["tau"] = ["q", "k"]
    contrasts = {}
    for preceding, tokens in rows.items():
        noise = value(("tau", "E(q)")) + value(("tau", f"P({preceding})"))
        for token in tokens:
            row = "q" if token == "q" else "k"
            column = "k" if token == preceding == "j" else preceding  # the copying entry (k, P(k))
            contrasts[preceding, token] = noise - value((row, "E(q)")) - value((row, f"P({column})"))
    return contrasts


@overload
def feed_forward_margins(task: Task, exact: Literal[False] = False) -> dict[str, float]: ...
@overload
def feed_forward_margins(task: Task, *, exact: Literal[True]) -> dict[str, Fraction]: ...
@overload
def feed_forward_margins(task: Task, exact: bool = False) -> dict[str, Number]: ...
@checked
def feed_forward_margins(task: Task, exact: bool = False) -> dict[str, Number]:
    """Δ/η of the feed-forward step, equation (10), per name of the token z_{T-1} (see `feed_forward_contrasts`)."""
    contrasts = feed_forward_contrasts(task, exact)
    preceding = dict.fromkeys(name for name, _ in contrasts)
    return {name: min(value for (other, _), value in contrasts.items() if other == name) for name in preceding}


@overload
def attention_margin_bound(task: Task, exact: Literal[False] = False) -> float: ...
@overload
def attention_margin_bound(task: Task, *, exact: Literal[True]) -> Fraction: ...
@overload
def attention_margin_bound(task: Task, exact: bool = False) -> Number: ...
@checked
def attention_margin_bound(task: Task, exact: bool = False) -> Number:
    """An upper bound on |Δ|/η of the attention step over every sequence, from the exact entries of G_V.

    x̄ has mass 1 in its E block and (T-1)/T in its P block, and |Δ| <= max_k |ξ_τ - ξ_k|, so

        |Δ|/η <= max_{a,k} |G_V[τ,E(a)] - G_V[k,E(a)]|
                 + (T-1)/T max_{a,k} |G_V[τ,P(a)] - G_V[k,P(a)]|.                                               (11)
    """
    values = class_values(task, "attention_value", "mean", exact)
    rows: dict[str, list[tuple[str, str]]] = {"q": [("q", "q"), ("k", "q")], "tau": [("q", "tau"), ("k", "tau")]}
    rows["j"] = [("q", "j"), ("k", "k")] + ([("k", "j")] if task.N > 2 else [])
    largest = {
        block: max(
            abs(values["tau", f"{block}({token})"] - values[row, f"{block}({name})"])
            for token, others in rows.items()
            for row, name in others
        )
        for block in "EP"
    }
    return largest["E"] + (1 - Fraction(1, task.T) if exact else 1 - 1 / task.T) * largest["P"]


@checked
def repeated_trigger_margin(task: Task) -> float:
    """Δ/η of the attention step on the sequence q q … q, which occurs for c = q.

    No sequence is moved more than `attention_margin_bound` says; for large N at fixed 0 < α < 1 both come to

        max_z |Δ_attn|/η = α (2/N + 1/T) (1 + O(1/N)).                                                          (12)

    This is read off exact values (T1.4 and T1.5 of the ledger), not proved.
    """
    values = class_values(task, "attention_value", "mean")
    share = (task.T - 1) / task.T  # mass of the P block
    logits = {row: values[row, "E(q)"] + share * values[row, "P(q)"] for row in ("tau", "q", "k")}
    return float(logits["tau"] - max(logits["q"], logits["k"]))


@checked
def attention_margin_constant(alpha: Probability) -> RealNumber:
    """The constant C(α) of a bound on every sequence, for all N >= 2, T >= 2 and 0 <= α <= 1:

        |Δ_attn|/η <= C(α) (1/N + 1/T),    C(α) = 2 max(2α, 1-α).                                               (13)

    Proof: G_V[τ,a] - G_V[k,a] = α E[x̄_a] - (1-α)/N E[x̄_a|c=k] is a difference of two non-negative terms. The second
    is at most (1-α)/N. For the first, P(z_t = a) <= 2/N for every a (for a = q: 1/N given c ≠ q, at most 1 given c = q,
    which has probability 1/N; for another ordinary a: at most 1/N given c ≠ a, at most 1-α+α/N <= 1 given c = a; for τ:
    α P(z_{t-1} = q)), so E[x̄_a] <= 2/N + 1/T, the 1/T from z_T = q. Each block of x̄ has mass at most 1, and there
    are two.
    """
    return 2 * max(2 * alpha, 1 - alpha)


def bracket_sign_change(
    function: Callable[[Fraction], RealNumber], low: Fraction, high: Fraction, bits: int = 40
) -> tuple[Fraction, Fraction]:
    """(a, b) with b - a = (high - low)/2^bits and function(a) <= 0 < function(b), or the same with signs exchanged.

    `function` is evaluated exactly, so the two signs are proved, not estimated.

    Raises:
        ValueError: function has the same sign at low and high.
    """
    rising = function(high) > 0
    if (function(low) > 0) == rising:
        raise ValueError(f"function must change sign between low={low} and high={high}")
    for _ in range(bits):
        middle = (low + high) / 2
        low, high = (low, middle) if (function(middle) > 0) == rising else (middle, high)
    return low, high


@checked
def noise_threshold(
    N: Size, T: Size, preceding: Literal["q", "j", "tau"] | None = None, bits: Bits = 40
) -> tuple[Fraction, Fraction]:
    """Exact bracket of the noise level above which the feed-forward step ranks τ first.

    Args:
        N, T: task sizes.
        preceding: only sequences whose token before the last trigger is "q", "j" or "tau"; None for every sequence.
        bits: the bracket is at most 2^-bits wide.

    Returns:
        (a, b), exact: at α = a the margin is <= 0 on some sequence, at α = b it is > 0 on all of them.
        The threshold is 1/(N+1) at T = 2 and tends to `limiting_noise_threshold` as T → ∞, for N >= 3.
    """
    if preceding == "tau" and T == 2:
        raise ValueError("preceding='tau' needs T >= 3: at T=2 the token before the last trigger is ordinary")

    def smallest_margin(alpha: Fraction) -> Fraction:
        margins = feed_forward_margins(Task(N, T, alpha), exact=True)
        chosen = margins.values() if preceding is None else [margins[preceding]]
        return Fraction(min(chosen))

    return bracket_sign_change(smallest_margin, Fraction(1, 4 * N), Fraction(1), bits)


def limiting_noise_threshold() -> sympy.Expr:
    """lim_{T→∞} of the threshold over every sequence, as an expression in N >= 3; ≈ √2/N for large N.

    It is set by z_{T-1} = q: given c = q this has the limiting probability u* = 1/(1+αN), so that (10) vanishes where

        α - (1-α)/N + α w_q - (1-α) u*/N = 0,    w_q = ((N-1)/(N+1) + u*)/N,                                    (16)

    a quadratic in α. At N = 2 sequences with z_{T-1} = j need a higher level.
    """
    n, b = symbol_N, (symbol_N - 1) / (symbol_N + 1)
    square, linear = n**2 + n + n * b, 3 + b
    return sympy.simplify((-linear + sympy.sqrt(linear**2 + 8 * square)) / (2 * square))


@checked
def copying_threshold(N: Size, T: Size, bits: Bits = 40) -> tuple[Fraction, Fraction]:
    """Exact bracket of the one noise level at which the copying entry G_V[k,E(k)] changes sign, from + to -.

    It is 1/(N+1) at T = 2, and tends to the root (3-√5)/2 of α² - 3α + 1 for T ≫ N ≫ 1, because

        N² G_V[k,E(k)] → α² - 3α + 1    (T → ∞, then N → ∞).                                                    (14)

    The contrast with another row k' does not change sign: with U the expected visits of q at t < T-1 given c ≠ q,

        G_V[k,E(k)] - G_V[k',E(k)] = (1-α)² U/(NT),    N² times it → (1-α)²    (T → ∞, then N → ∞).             (15)

    The entry decreases strictly in α on [0, 1], for every N >= 2 and T >= 2. Proof: let β = 1-α, and let U and V(β) be
    the expected visits of q at t < T-1 given c ≠ q and given c = q, A = (T-1-U)/N. From equation (2) of `trigger_chain`

        N T G_V[k,E(k)] = β² U + β (A - U/M) + V(β)/(NM) - ((N-1) A + (T-1)/N)/M.                                   (6)

    U >= 0 does not depend on α; as each visit has probability at most 1/N, U <= (T-2)/N, so that
    A >= (T-1)(1-1/N)/N > (T-2)/(N(N+1)) >= U/M. And V does not fall: V = Σ_{t<T-1} (1/N) Σ_{i<t} r^i with r = β - 1/N,
    where Σ_{i<=n} i r^(i-1) >= 0 for r >= -1/2 (for r < 0 pair the terms of i and i+1, i odd). At β = 0 (6) is
    negative, since V(0) = U < T-1; at β = 1 positive, since no E[x̄_k|c] exceeds E[x̄_k|c=k], and N < M.
    """

    def copying(alpha: Fraction) -> Fraction:
        return Fraction(class_values(Task(N, T, alpha), "attention_value", "mean", exact=True)["k", "E(k)"])

    return bracket_sign_change(copying, Fraction(0), Fraction(1), bits)


@checked
def limiting_copying_threshold(N: Size) -> sympy.Expr:
    """lim_{T→∞} of `copying_threshold` at given N: an algebraic number, the root in (0, 1) of a cubic in α."""
    limit = long_sequence_limit(closed_form("attention_value", "mean", "k", "E(k)")).subs(symbol_N, N)
    roots = sympy.Poly(sympy.fraction(sympy.together(limit))[0], symbol_alpha).real_roots()
    return next(root for root in roots if 0 < root < 1)
