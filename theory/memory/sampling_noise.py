"""Sampling noise of the associative memory: mean and covariance of stochastic gradient descent, to first order in 1/B.

A step of size η on a batch of B independent pairs adds η/B Σ_i g_i to W; a pair (x, y) has g = e_y - p_x in column x
and 0 elsewhere, p_x = softmax(W[:, x]). With q_x = (1-α) e_x + α e_n the law of y given x, and x uniform, one pair has,
given W, exactly the mean G and the covariance C

    G_x = (q_x - p_x)/n,
    C_xx = (diag q_x - q_x p_xᵀ - p_x q_xᵀ + p_x p_xᵀ)/n - G_x G_xᵀ,   C_xx' = -G_x G_x'ᵀ.                         (12)

Inputs are correlated, because a pair with input x is none with x'. Let w_t be gradient descent with the same steps,
w_{t+1} = w_t + η G(w_t), and W_t = w_t + u. As softmax is smooth and g is bounded, for a fixed number of steps

    E u = δ/B + O(1/B²),   Cov u = S/B + O(1/B²),   third central moments O(1/B²),

and the law of total covariance, with p expanded to second order in u and C taken at w_t (the change of C's mean is
O(1/B), and C is divided by B), gives, from S = 0 and δ = 0,

    S ← J S Jᵀ + η² C,   J = I - η H,   H_xx = (diag p_x - p_x p_xᵀ)/n,   H_xx' = 0,                                (13)
    δ_x ← J_xx δ_x - η/(2n) p_x ∘ (v - p_x·v),   v_k = (e_k - p_x)ᵀ S_xx (e_k - p_x),                              (14)

where v_k is B Var(u_k - p_x·u) at first order, since

    p_k(w + u) = p_k + p_k (u_k - p·u) + p_k ((u_k - p·u)² - Σ_j p_j (u_j - p·u)²)/2 + O(u³).

The first step is exact for every B. The column sums have no noise: 1ᵀ C = 0. Over a fixed time Σ η, small steps diffuse
with S of order η: what is left out is relatively of order η/B, as long as J contracts (steps below the limit of
stability).

J is block diagonal, so each block of S goes its own way, and as W_t has the same law after a permutation of the inputs
and of the ordinary outputs alike, the blocks (0, 0) and (0, 1) are all of them: memory n², whatever n.

Source: this project, for Chen, Bruna, Bietti (ICLR 2025), the associative memory with noise.
"""

from fractions import Fraction
from typing import Annotated, NamedTuple, TypeAlias

import numpy as np
from annotated_types import Gt
from numpy.typing import ArrayLike
from scipy.special import softmax

from theory.arguments import AS_FLOATS, AS_INTEGERS, FINITE, Count, PositiveReal, Shape, checked
from theory.arrays import Floats
from theory.byte_limit import require_bytes
from theory.task import as_snapshots

from .gradient_flow import Inputs, NoiseLevel

Outputs: TypeAlias = Annotated[Floats, Shape("M")]
Rates: TypeAlias = Annotated[ArrayLike, AS_FLOATS, Shape("steps"), Gt(0)]
Snapshots: TypeAlias = Annotated[ArrayLike, AS_INTEGERS]


class Moments(NamedTuple):
    """First order in 1/B, at S snapshots; rows in the order correct output, the n-1 other ordinary ones, noise.

    Column 0 stands for every column; output k of column 1 is output k of W, so that its correct output is row 1.

    Attributes:
        path: gradient descent, w[:, 0], shape (S, n+1).
        mean: E W[:, 0] = w[:, 0] + δ/B, shape (S, n+1).
        own: Cov(W[k, 0], W[l, 0]), shape (S, n+1, n+1).
        cross: Cov(W[k, 0], W[l, 1]), shape (S, n+1, n+1).
    """

    path: Floats
    mean: Floats
    own: Floats
    cross: Floats


@checked
def sampled_moments(
    n: Inputs, alpha: NoiseLevel, learning_rates: Rates, batch: Count, snapshots: Snapshots
) -> Annotated[Moments, FINITE]:
    """Equations (13) and (14) along gradient descent from W = 0.

    Args:
        n: number of inputs, >= 2.
        alpha: noise level in (0, 1).
        learning_rates: step sizes, positive and finite, shape (steps,).
        batch: B >= 1.
        snapshots: numbers of steps, strictly increasing, in 0..steps, shape (S,).

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range.
    """
    rates = np.asarray(learning_rates)
    marks = as_snapshots(np.asarray(snapshots), len(rates)).tolist()
    require_bytes(f"n = {n}: the covariances", 8 * (n + 1) ** 2 * (2 * len(marks) + 12), "take a smaller n")
    target = np.zeros(n + 1)
    target[[0, n]] = 1 - Fraction(alpha), Fraction(alpha)
    exchange = np.array([1, 0, *range(2, n + 1)])
    w, shift = np.zeros((2, n + 1))
    own, cross = np.zeros((2, n + 1, n + 1))
    found = []
    for step in range(marks[-1] + 1):
        if step in marks:
            found.append((w, w + shift / batch, own / batch, cross / batch))
        if step == marks[-1]:
            break
        rate, p = rates[step], softmax(w)
        J = _contraction(n, p, rate)
        noise = _step_covariance(n, target, p, rate)
        shift = J @ shift + rate * _curvature(n, p, own)
        own = J @ own @ J + noise[0]
        cross = J @ cross @ J[exchange][:, exchange] + noise[1]
        w = w + rate / n * (target - p)
    return Moments(*(np.stack(parts) for parts in zip(*found, strict=True)))


@checked
def contraction(n: Inputs, p: Outputs, rate: PositiveReal) -> Annotated[Floats, FINITE]:
    """J_xx of (13), symmetric, shape (n+1, n+1)."""
    _require_outputs(n, p=p)
    return _contraction(n, p, rate)


def _contraction(n: int, p: Floats, rate: float) -> Floats:
    found: Floats = np.eye(n + 1) - rate / n * (np.diag(p) - np.outer(p, p))
    return found


@checked
class StepCovariance(NamedTuple):
    """η² C: the blocks (0, 0) and (0, 1), float64 (n+1, n+1)."""

    own: Annotated[Floats, Shape("M M")]
    cross: Annotated[Floats, Shape("M M")]


@checked
def step_covariance(n: Inputs, target: Outputs, p: Outputs, rate: PositiveReal) -> StepCovariance:
    """η² C of (12) where all columns have one target q and prediction p, up to the exchange of outputs; both (n+1,)."""
    _require_outputs(n, target=target, p=p)
    with np.errstate(over="ignore", invalid="ignore"):
        parts = _step_covariance(n, target, p, rate)
    if not all(np.isfinite(part).all() for part in parts):
        raise ValueError(f"rate, target and p must be small enough for a result within the floats, got rate {rate!r}")
    return StepCovariance(*parts)


def _step_covariance(n: int, target: Floats, p: Floats, rate: float) -> tuple[Floats, Floats]:
    mean, mixed = (target - p) / n, np.outer(target, p)
    own = (np.diag(target) - mixed - mixed.T + np.outer(p, p)) / n - np.outer(mean, mean)
    cross = -np.outer(mean, mean[[1, 0, *range(2, n + 1)]])
    return rate**2 * own, rate**2 * cross


@checked
def curvature(n: Inputs, p: Outputs, own: Annotated[Floats, Shape("M M")]) -> Annotated[Floats, FINITE]:
    """Second order of E G_x in a W with this covariance of column x, the last term of (14) over η; shape (n+1,)."""
    _require_outputs(n, p=p)
    return _curvature(n, p, own)


def _curvature(n: int, p: Floats, own: Floats) -> Floats:
    variances = np.diag(own) - 2 * own @ p + p @ own @ p
    change: Floats = -p * (variances - p @ variances) / (2 * n)
    return change


@checked
def average_covariance(moments: Moments) -> Annotated[Floats, FINITE]:
    """Covariance of the averages over all entries of one kind, a (correct), b (other), s (noise), shape (S, 3, 3)."""
    n = moments.path.shape[-1] - 1
    kinds = np.zeros((3, n + 1))
    kinds[0, 0] = kinds[2, n] = 1
    kinds[1, 1:n] = 1 / (n - 1)
    second = kinds[:, [1, 0, *range(2, n + 1)]]
    found: Floats = (kinds @ moments.own @ kinds.T + (n - 1) * kinds @ moments.cross @ second.T) / n
    return found


def _require_outputs(n: int, **arrays: Floats) -> None:
    """ValueError unless the arrays have an entry for each of the n + 1 outputs."""
    for name, array in arrays.items():
        if len(array) != n + 1:
            raise ValueError(f"{name} must have shape (n+1,) = ({n + 1},), got {array.shape}")
