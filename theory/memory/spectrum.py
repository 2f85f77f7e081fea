"""The singular spaces of the memory's logits, which of them is on top, and from when.

With v ⊥ 1, W v = D (v, 0): the singular value D with multiplicity n-1. On 1/√n,

    W 1/√n = s √(n+1) · (-1/√(n(n+1)), …, √(n/(n+1))),   so   W = D (I - 11ᵀ/n; 0) + s (-1/n, …, -1/n, 1)ᵀ 1ᵀ:      (7)

the noise is one rank-1 direction, of singular value σ = √(n+1) |s|. Which is larger, m = √(n+1)?  For s < 0 always D.
G = m s - D obeys n G' = (m+1)(α - (m-1) p_b - p_s), and where G = 0, with y = e^{D/(m-1)},

    (m-1) p_b + p_s = h(D) = (y + m - 1)/(y^{m-1} + y + m² - 2),   h(0) = 1/m,                                       (8)

strictly decreasing to 0 for n >= 4, constant 1/2 for n = 3, strictly increasing to 1 for n = 2. D grows, so G changes
sign at most once, at t* > 0: α against 1/√(n+1) decides the beginning, n against 3 the end. In the coordinates of
`solution`, G = (m+1) ((m-2)/m X + log q); for n = 3 it is 3ρ/2 and stays bounded: σ/D -> 1 though σ ≠ D.

Arguments n, alpha, t and errors as in `gradient_flow`.

Source: Chen, Bruna, Bietti (ICLR 2025), the low-rank subspace of the noise; boundary and times are this project's.
"""

import math
from fractions import Fraction
from typing import NamedTuple

import flint
import numpy as np

from theory.arguments import NonNegative, checked
from theory.arrays import Floats
from theory.byte_limit import require_bytes
from theory.task import RealNumber

from .gradient_flow import (
    MOST_BYTES,
    Inputs,
    NoiseLevel,
    Time,
    late_rate,
    log_odds,
    softmax,
    top_space,
    values,
)
from .solution import Ball, at_time, time_of_zero


@checked
class SingularValues(NamedTuple):
    """D, of multiplicity n-1, and σ = √(n+1) |s|."""

    correct: float
    noise: float


@checked
class SingularVectors(NamedTuple):
    """Noise direction: left (n+1,), right (n,). Correct space: orthonormal columns, left (n+1, n-1), right (n, n-1)."""

    noise_left: Floats
    noise_right: Floats
    correct_left: Floats
    correct_right: Floats


@checked
def singular_values(n: Inputs, alpha: NoiseLevel, t: Time) -> SingularValues:
    """The singular values of W(t), without a decomposition."""
    found = values(n, alpha, t)
    return SingularValues(found.D, math.sqrt(n + 1) * abs(found.s))


@checked
def singular_vectors(n: Inputs) -> SingularVectors:
    """Singular vectors at every t: W = D correct_left correct_rightᵀ + √(n+1) s noise_left noise_rightᵀ.

    s keeps its sign: for s < 0 the left vector of the noise is -noise_left. Column j of correct_right is
    (1, …, 1, -j, 0, …)/√(j(j+1)), j = 1..n-1; any other orthonormal basis of 1^⊥ would do as well.

    Raises:
        ValueError: n so large that one of the arrays would take more than `gradient_flow.MOST_BYTES`.
    """
    size = 8 * (n + 1) * (n - 1)
    if size > MOST_BYTES:
        raise ValueError(f"n = {n}: the singular vectors take {size} bytes, at most {MOST_BYTES}")
    require_bytes(f"n = {n}: the singular vectors", 3 * size, "take a smaller n")
    index = np.arange(1.0, n)
    right = np.triu(np.ones((n, n - 1)))
    right[np.arange(1, n), np.arange(n - 1)] = -index
    right /= np.sqrt(index * (index + 1))
    left = np.full(n + 1, -1 / math.sqrt(n * (n + 1)))
    left[n] = math.sqrt(n / (n + 1))
    return SingularVectors(left, np.full(n, 1 / math.sqrt(n)), np.vstack([right, np.zeros(n - 1)]), right)


@checked
def singular_gap(n: Inputs, alpha: NoiseLevel, t: Time) -> float:
    """G = √(n+1) s - D, rounded once, so that its sign is exact: positive where the noise direction is on top."""
    level = Fraction(alpha)
    return at_time(n, level, Fraction(t), lambda X, log_q: {"gap": _gap(n, X, log_q)})["gap"]


@checked
def top_space_at(n: Inputs, alpha: NoiseLevel, t: Time) -> str:
    """The singular space with the largest singular value of W(t): "correct", "noise" or "tie" (t = 0, where W = 0)."""
    gap = singular_gap(n, alpha, t)
    return "tie" if gap == 0 else "noise" if gap > 0 else "correct"


@checked
def early_top_space(n: Inputs, alpha: NoiseLevel) -> str:
    """The singular space on top for small t > 0: "correct", "noise" or "tie", by α against 1/√(n+1).

    At α = 1/√(n+1) the second order decides: a tie for n = 3, the noise for n = 8, 15, 24, …
    """
    level = Fraction(alpha)
    excess = level**2 * (n + 1) - 1
    if excess == 0:
        return "tie" if n == 3 else "noise"
    return "noise" if excess > 0 else "correct"


@checked
def level_at_tie(n: Inputs, D: NonNegative) -> float:
    """h(D) of (8): where G = 0, the noise direction is overtaking if and only if α > h(D). D finite, >= 0."""
    height = float(D)
    m = math.sqrt(n + 1)
    found = softmax(n, correct=height, other=0.0, noise=height / (m - 1))
    return (m - 1) * found.other + found.noise


@checked
def crossing_time(n: Inputs, alpha: NoiseLevel) -> float:
    """t*: `top_space` holds for every t > t*, and the other space is on top before. 0 if it holds from the start on.

    In the coordinates of `solution` t* > 0 is the time of the one root x > 1 of

        q = x^{(2-m)/m},   m = √(n+1).                                                                             (16)

    Raises:
        ValueError: t* exceeds the largest float.
    """
    level = Fraction(alpha)
    if early_top_space(n, level) == top_space(n, level):
        return 0.0
    return time_of_zero(n, level, lambda X, log_q: _gap(n, X, log_q))


@checked
def positive_noise_time(n: Inputs, alpha: NoiseLevel) -> float:
    """The time from which on s > 0: 0 for α >= 1/(n+1); else s < 0 before it, and W has rank n-1 at it.

    Raises:
        ValueError: it exceeds the largest float.
    """
    level = Fraction(alpha)
    if level * (n + 1) >= 1:
        return 0.0
    return time_of_zero(n, level, lambda X, log_q: X * (n - 1) / (n + 1) + log_q)


@checked
def late_crossing_time(n: Inputs, alpha: NoiseLevel) -> float:
    """What t* comes to as α -> 0 for n >= 4, and as α -> 1 for n = 2; with m = √(n+1) and κ of `gradient_flow`

        t* ~ κ⁻¹ ((1-α)/α)^{n/(n-1-m)}.                                                                            (17)

    The relative error is O(log t*/(α(1-α) t*)) for fixed n.

    Raises:
        ValueError: t* = 0, or the result exceeds the largest float.
    """
    n, level = _crossing(n, alpha)
    m = math.sqrt(n + 1)
    exponent = -log_odds(level) * (m - 1) / (m - 2) - math.log(late_rate(n, level))
    if exponent > math.log(np.finfo(np.float64).max):
        raise ValueError(f"no float is large enough for the crossing time at n={n}, alpha={float(alpha)!r}")
    return math.exp(exponent)


@checked
def early_crossing_time(n: Inputs, alpha: NoiseLevel) -> float:
    """What t* comes to as α -> 1/m = 1/√(n+1) from the side where t* > 0, for fixed n:

        t₀ = m (m+1) √(6 m³ (m-1) (1/m - α)/(m-2)),
        t* = t₀ (1 - (n-4) t₀/(8n(n+1)) + O(t₀²)).                                                                 (18)

    Raises:
        ValueError: t* = 0.
    """
    n, level = _crossing(n, alpha)
    m = math.sqrt(n + 1)
    distance = float(Fraction(1, n + 1) - level**2) / (1 / m + float(level))
    return m * (m + 1) * math.sqrt(6 * m**3 * (m - 1) * distance / (m - 2))


def _gap(n: int, X: Ball, log_q: Ball) -> Ball:
    m = flint.arb(n + 1).sqrt()
    return (m + 1) * ((m - 2) / m * X + log_q)


def _crossing(n: int, alpha: RealNumber) -> tuple[int, Fraction]:
    """n and alpha where t* > 0, else a ValueError."""
    level = Fraction(alpha)
    if early_top_space(n, level) == top_space(n, level):
        raise ValueError(
            f"the same space is on top at every time for n={n}, alpha={float(alpha)}: there is no crossing"
        )
    return n, level
