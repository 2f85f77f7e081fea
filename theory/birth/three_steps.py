"""Three population gradient steps from zero that build an induction head, in one-hot coordinates.

Sequence law. The trigger q is uniform on N tokens, its position j uniform on 1..T-2, y uniform on the tokens other than
q; z_j = q, z_{j+1} = y, z_T = q, and the T-3 other tokens are uniform on the tokens other than q, so each equals y with
probability f = 1/(N-1). The loss is cross-entropy of y at position T.

Model. The first layer makes x¹ of x and the second, which attends from T, logits ξ of x¹:

    x_t = E(z_t) + P(t),   x¹(t) = x_t + Σ_s a_{ts} (E1(z_s) + P1(s)),   a_{ts} = softmax of x_sᵀ W_K¹ x_t in s <= t,
    ξ = W_O² Σ_t a_t x¹(t),   a_t = softmax of x¹(t)ᵀ W_K² x¹(T) in t.

All the vectors E, P, E1, P1 are orthonormal (infinite width). `Reads` says which of them each of the matrices sees.

Steps, each from zero, in this order, at the output probabilities p̂ = 1/N of small logits; δ is Kronecker's:

    W_O²[k, E(l)] = o (δ_kl - 1/N),   W_O²[k, E1(l)] = o₁ (δ_kl - 1/N),   0 for P and P1,
    o = (1 + (T-3) f - T/N) / (T (N-1)),                                                                            (1)

    W_K²[F(k), E(l)] = o A_F (δ_kl - 1/N) / (N-1) for F = E1, E,
    W_K²[P(t), E(l)] = o b_t/N,   W_K²[P(t), P(T)] = o b_t,
    A_F = (1/T) E_j Σ_t (e_t - ē) F_t,   b_t = (1/T) E_j (e_t - ē),                                                 (2)

    W_K¹[P(s), P(t)] = o E_j [ a_t (e_t - ē) λ/t (1{z_s=q} - u_t) + a_t (o₁/o)/t (1{z_s=y} - v_t) ],   s <= t.      (3)

The second term of (3) is there only where W_O² reads E1. Given j, e_t = P(z_t=y) + (o₁/o) v_t is the value of position
t, and P(z_t=y) alone where W_O² reads E alone; u_t and v_t are the shares of q and of y among z_1..z_t; F_t = u_t for
E1 and 1{z_t=q} for E; ē = Σ_t a_t e_t; a is the second layer's attention, 1/T in (2); and λ is W_K²'s score of a full
match, o A_E1/(N-1) times its step size η.
First moments of the law are enough because, up to a constant, W_K² scores depend on the positions of q alone.

Source: Bietti et al. (NeurIPS 2023), the induction head in three gradient steps; exact finite N and T: this project.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Annotated, TypeAlias

import numpy as np
from annotated_types import Ge, MinLen

from theory.arguments import FINITE, Convert, NonNegative, Shape, Size, checked, one_of
from theory.arrays import Floats, Number, Table
from theory.scalars import wrong_kind
from theory.task import RealNumber

MOST_POSITIONS = 512
"""Largest T of the exact tables, which hold T² fractions."""


@checked
@dataclass(frozen=True)
class InductionTask:
    """The sequence law: N >= 2 tokens, length T >= 3.

    Raises:
        TypeError, ValueError: N or T no integer or too small.
    """

    N: Size
    T: Annotated[int, Ge(3)]


@checked
@dataclass(frozen=True)
class Reads:
    """Which feature blocks the matrices see.

    Args:
        values: what W_O² reads, ("E",) or ("E", "E1").
        keys: key side of W_K², "E1" and any of "E", "P".
        query: query side of W_K², ("E",) or ("E", "P").

    Raises:
        ValueError: another choice.
    """

    values: tuple[str, ...] = ("E",)
    keys: tuple[str, ...] = ("E1",)
    query: tuple[str, ...] = ("E",)

    def __post_init__(self) -> None:
        for name, needed, optional in (("values", "E", {"E1"}), ("keys", "E1", {"E", "P"}), ("query", "E", {"P"})):
            found = getattr(self, name)
            if len(set(found)) != len(found) or not {needed} <= set(found) <= optional | {needed}:
                raise ValueError(f"{name} must be a tuple of {needed!r} and any of {sorted(optional)}, got {found!r}")


def _as_exact_task(name: str, task: object) -> InductionTask:
    if not isinstance(task, InductionTask):
        raise wrong_kind(name, "a theory.birth.InductionTask", task)
    if task.T > MOST_POSITIONS:
        raise ValueError(f"T must be at most {MOST_POSITIONS} here, got {task.T}")
    return task


ExactTask: TypeAlias = Annotated[InductionTask, Convert(_as_exact_task, "a theory.birth.InductionTask")]
"""One of at most MOST_POSITIONS positions."""


BASIC = Reads()
"""The associations alone: tokens as values, the first layer's copies as keys, the last token as query."""


@checked
def output_association(task: ExactTask) -> Fraction:
    """o of equation (1), (N(N-4) + T)/(T N (N-1)²)."""
    N, T = task.N, task.T
    return (1 + Fraction(T - 3, N - 1) - Fraction(T, N)) / (T * (N - 1))


@checked
def copied_output_association(task: ExactTask) -> Fraction:
    """o₁ of equation (1), through uniform attention in the first layer."""
    N = task.N
    share: Fraction = _mean(_mean(running_mean(target_rates(task))))
    return (share - Fraction(1, N)) / (N - 1)


@checked
def key_association(task: ExactTask, block: Annotated[str, one_of(("E1", "E"))], reads: Reads = BASIC) -> Fraction:
    """A_F of equation (2) for block F = "E1" or "E"."""
    feature = _copied(task) if block == "E1" else _own(task)
    association: Fraction = _mean((centred_values(task, reads) * feature).sum(axis=1)) / task.T
    return association


@checked
def basic_key_association(task: ExactTask) -> Fraction:
    """A_E1 for values that read E alone, in closed form:

        A_E1 = (1/T) [ (H - 1 + f (T - 2H))/(T-2) - (1 + (T-3) f)/T · (1 + 2/T + 1/(T-1)) ].                        (4)

    Here f = 1/(N-1) and H = Σ_{i<T} 1/i.
    """
    N, T = task.N, task.T
    f, H = Fraction(1, N - 1), sum((Fraction(1, i) for i in range(1, T)), Fraction(0))
    seen = (H - 1 + f * (T - 2 * H)) / (T - 2)
    return (seen - (1 + (T - 3) * f) / T * (1 + Fraction(2, T) + Fraction(1, T - 1))) / T


@checked
def position_bias(task: ExactTask, reads: Reads = BASIC) -> Table:
    """b_t of equation (2), t = 1..T: `Fraction`s, shape (T,)."""
    bias: Table = _mean(centred_values(task, reads)) / task.T
    return bias


@checked
def key_scores(task: ExactTask, reads: Reads, copied: Annotated[Table, Shape("J T")]) -> Annotated[Table, FINITE]:
    """Second-layer scores, up to a constant per j, that a W_K² step of size 1/o gives position t, shape (T-2, T).

    Args:
        task, reads: the law and what is read.
        copied: share of q in what the first layer copies to position t, given j, shape (T-2, T).
    """
    if copied.shape != (task.T - 2, task.T):
        raise ValueError(f"copied must have shape (T-2, T) = {(task.T - 2, task.T)}, got {copied.shape}")
    per_match = Fraction(1, task.N - 1)
    scores: Table = key_association(task, "E1", reads) * per_match * copied
    if "E" in reads.keys:
        scores = scores + key_association(task, "E", reads) * per_match * _own(task)
    if "P" in reads.keys:
        weight = Fraction(1, task.N) + ("P" in reads.query)
        scores = scores + weight * position_bias(task, reads)
    return scores


@checked
def uniform_scores(task: ExactTask, reads: Reads = BASIC) -> Table:
    """`key_scores` while the first layer attends uniformly: `Fraction`s, shape (T-2, T)."""
    return key_scores(task, reads, _copied(task))


@checked
def previous_token_step(task: ExactTask, size: NonNegative, reads: Reads = BASIC) -> Floats:
    """W_K¹[P(s), P(t)] of equation (3) divided by o, for s <= t; zero for s > t.

    Args:
        task, reads: the law and what is read.
        size: o times the step size on W_K², a finite number >= 0; `match_score` turns it into λ.

    Returns:
        float64 array of shape (T, T), rows keys s, columns queries t, each entry to about 8 (T + |exponents|) ε times
        max e · (|λ| + o₁/o) a_t/t, averaged over j. Entries and margins below that are lost, as where attention has
        settled on one position.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range.
    """
    exponents = (uniform_scores(task, reads) * size).astype(np.float64)
    attention = np.exp(exponents - exponents.max(axis=1, keepdims=True))
    attention /= attention.sum(axis=1, keepdims=True)
    return third_step(task, reads, attention, float(match_score(task, size, reads))).astype(np.float64)


@checked
def previous_token_margins(step: Annotated[Floats, Shape("T T"), MinLen(2)]) -> Annotated[Floats, FINITE]:
    """By how much rows t = 2..T of a `previous_token_step` prefer key t-1 to the best other key, shape (T-1,)."""
    return np.array([step[t - 1, t] - np.delete(step[: t + 1, t], t - 1).max() for t in range(1, len(step))])


@checked
def match_score(task: ExactTask, size: NonNegative, reads: Reads = BASIC) -> Fraction:
    """λ = size · A_E1/(N-1), the score of a full match after a W_K² step; `size` as for `previous_token_step`."""
    return size * key_association(task, "E1", reads) / (task.N - 1)  # type: ignore[return-value]


@checked
def previous_token_slope(task: ExactTask) -> Table:
    """∂/∂λ at λ = 0 of `previous_token_step` for `BASIC` reads: `Fraction`s, shape (T, T)."""
    uniform = np.full((task.T - 2, task.T), Fraction(1, task.T), dtype=object)
    return third_step(task, BASIC, uniform, Fraction(1))


def third_step(task: ExactTask, reads: Reads, attention: Table, match: RealNumber) -> Table:
    """Equation (3) over o, in the arithmetic of `attention`, at a given second-layer attention."""
    kind = np.float64 if attention.dtype == np.float64 else object
    values, own, copied = (table.astype(kind) for table in (read_values(task, reads), _own(task), _copied(task)))
    centred = attention * (values - (attention * values).sum(axis=1, keepdims=True))
    positions = np.arange(1, task.T + 1).astype(kind)
    step = own.T @ (match * centred / positions) - (match * centred * copied / positions).sum(axis=0)
    if "E1" in reads.values:
        rates = target_rates(task)
        ratio = copied_output_association(task) / output_association(task)
        rated, shares = rates.astype(kind), running_mean(rates).astype(kind)
        weight = (ratio if kind is object else float(ratio)) * attention / positions
        step = step + rated.T @ weight - (weight * shares).sum(axis=0)
    mean: Table = np.triu(step) / (task.T - 2)
    return mean


def _mean(table: Table) -> Number:
    """Mean over the first axis, exact."""
    return table.sum(axis=0) / Fraction(len(table))


def running_mean(rates: Table) -> Table:
    """Mean over z_1..z_t: uniform attention of the first layer, shape (T-2, T)."""
    positions = np.array([Fraction(t) for t in range(1, rates.shape[1] + 1)], dtype=object)
    running: Table = np.cumsum(rates, axis=1) / positions
    return running


@cache
def target_rates(task: InductionTask) -> Table:
    """P(z_t = y | j), shape (T-2, T): 1 behind the trigger, 0 at it and at the end, f elsewhere."""
    N, T = task.N, task.T
    rates = np.full((T - 2, T), Fraction(1, N - 1), dtype=object)
    rates[_own(task) == 1] = Fraction(0)
    rates[np.arange(T - 2), np.arange(1, T - 1)] = Fraction(1)
    rates.flags.writeable = False
    return rates


@cache
def _own(task: InductionTask) -> Table:
    """1{z_t = q} given j, shape (T-2, T)."""
    T = task.T
    own = np.full((T - 2, T), Fraction(0), dtype=object)
    own[np.arange(T - 2), np.arange(T - 2)] = Fraction(1)
    own[:, -1] = Fraction(1)
    own.flags.writeable = False
    return own


def _copied(task: ExactTask) -> Table:
    """u_t, the share of q in z_1..z_t given j, shape (T-2, T)."""
    return running_mean(_own(task))


def read_values(task: ExactTask, reads: Reads) -> Table:
    """e_t given j, shape (T-2, T)."""
    rates = target_rates(task)
    if "E1" not in reads.values:
        return rates
    values: Table = rates + copied_output_association(task) / output_association(task) * running_mean(rates)
    return values


def centred_values(task: ExactTask, reads: Reads) -> Table:
    """e_t - ē at uniform attention, shape (T-2, T)."""
    values = read_values(task, reads)
    centred: Table = values - values.sum(axis=1, keepdims=True) / Fraction(task.T)
    return centred
