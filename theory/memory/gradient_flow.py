"""An associative memory with a shared noise output: its gradient flow, exactly, at every time.

n inputs, n+1 outputs, logits W in R^{(n+1) x n}, one column per input. The target of input x is x with probability
1-α and the noise output (row n) with probability α; x is uniform. W follows the gradient flow of the mean
cross-entropy from W = 0, and by symmetry keeps three values

    a = W[x, x],  b = W[k, x] (k ≠ x, k < n),  s = W[n, x];      D = a - b > 0,  ρ = s - a,
    n a' = 1 - α - p_a,   n b' = -p_b,   n s' = α - p_s,   p ∝ (e^a, e^b, n-1 times, e^s),                          (1)

so that their weighted sum stays 0,

    a + (n-1) b + s = 0,   b = -(2D + ρ)/(n+1),   a = b + D,   s = ((n-1) D + nρ)/(n+1).

D grows for ever and sign ρ = sign(2α-1) for t > 0. The solution is in `solution`. With κ = (n+1)(1-α)/(2n), at late
times, α(1-α) t ≫ n log t,

    D = log κt - g log(κt)/t + O(1/t),    g = n(n-1)/(2(n+1)α(1-α)),
    ρ = log(α/(1-α)) + n(n-1)(2α-1)/((n+1)α(1-α) t) + O(log t/t²),
    p_s = α - n(n-1)/((n+1) t) + O(log t/t²),
    p_a = 1 - α - n(n-1)/((n+1) t) + O(log t/t²).                                                                   (2)

Time is in units of 1/(learning rate). Every call takes the same arguments: n, an integer >= 2; alpha, real,
0 < alpha < 1, of which a Fraction stays exact and a float is the dyadic number that it is; t, real, finite, >= 0. What
is of the wrong kind (bool, str, complex) is a TypeError, what is out of range, NaN included, a ValueError.

Source: Chen, Bruna, Bietti (ICLR 2025), the associative memory with noise; the solution and the constants are this
project's.
"""

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import sympy
from numpy.typing import ArrayLike

from theory.arrays import Floats
from theory.task import RealNumber, as_count, as_nonnegative, as_probability

from . import solution as memory_solution
from .solution import Ball

MOST_BYTES = 2**32
"""Size of the largest matrix that `logits` makes."""


class Values(NamedTuple):
    """The three values a, b, s and D = a - b, ρ = s - a, each rounded once."""

    a: float
    b: float
    s: float
    D: float
    rho: float


class Flow(NamedTuple):
    """D and ρ along a flow, float64 arrays of the shape of the times."""

    D: Floats
    rho: Floats


class Predictions(NamedTuple):
    """Probabilities of the correct output, of each of the n-1 other ordinary ones, and of the noise."""

    correct: float
    other: float
    noise: float


def as_memory(n: object, alpha: object) -> tuple[int, Fraction]:
    """n and alpha checked, alpha as the exact fraction it is."""
    n, level = as_count("n", n, 2), as_probability("alpha", alpha)
    if not 0 < level < 1:
        raise ValueError(f"alpha must be a real number strictly between 0 and 1, got {alpha!r}")
    return n, Fraction(level)


def as_time(t: object) -> Fraction:
    """`as_nonnegative` for t."""
    return as_nonnegative("t", t)


def as_late_time(t: object) -> float:
    """`t` > 0 as a float, or an error that names it."""
    time = float(as_time(t))
    if time == 0:
        raise ValueError(f"t must be > 0 for the behaviour at late times, got {t!r}")
    return time


def values(n: int, alpha: RealNumber, t: RealNumber) -> Values:
    """a, b, s, D and ρ at time t, each the exact value rounded once, for any n and t."""
    n, level = as_memory(n, alpha)

    def formula(X: Ball, log_q: Ball) -> dict[str, Ball]:
        common = X * (n - 1) / (n + 1)
        return {"a": common - log_q, "b": -2 * X / (n + 1), "s": common + log_q, "D": X - log_q, "rho": 2 * log_q}

    return Values(**memory_solution.at_time(n, level, as_time(t), formula))


def flow(n: int, alpha: RealNumber, times: ArrayLike) -> Flow:
    """D and ρ at an array of times of any shape and order, as accurate as `values`."""
    array = np.asarray(times)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"times must be an array of real numbers, got dtype {array.dtype}")
    found = [values(n, alpha, t) for t in array.ravel()]
    D, rho = (np.array([getattr(value, name) for value in found]).reshape(array.shape) for name in ("D", "rho"))
    return Flow(D, rho)


def logits(n: int, alpha: RealNumber, t: RealNumber) -> Floats:
    """W(t), shape (n+1, n): one column per input, the last row is the noise output.

    Raises:
        ValueError: n so large that W would take more than MOST_BYTES.
    """
    n, _ = as_memory(n, alpha)
    size = 8 * n * (n + 1)
    if size > MOST_BYTES:
        raise ValueError(f"n = {n}: the logits take {size} bytes, at most {MOST_BYTES}; `values` has no such limit")
    found = values(n, alpha, t)
    matrix = np.full((n + 1, n), found.b)
    np.fill_diagonal(matrix, found.a)
    matrix[n] = found.s
    return matrix


def predictions(n: int, alpha: RealNumber, t: RealNumber) -> Predictions:
    """Softmax of the full model's logits."""
    found = values(n, alpha, t)
    return softmax(as_count("n", n, 2), correct=found.D, other=0.0, noise=found.D + found.rho)


def softmax(n: int, correct: float, other: float, noise: float) -> Predictions:
    """Probabilities of logits that take one value on the n-1 ordinary outputs other than the correct one."""
    top = max(correct, other, noise)
    weights = [math.exp(logit - top) for logit in (correct, other, noise)]
    total = weights[0] + (n - 1) * weights[1] + weights[2]
    return Predictions(*(weight / total for weight in weights))


def late_values(n: int, alpha: RealNumber, t: RealNumber) -> tuple[float, float]:
    """(D, ρ) by (2): D without its O(1/t) term, -late_constant/t; ρ with remainder O(log t/t²). Needs t > 0."""
    n, level = as_memory(n, alpha)
    time, odds = as_late_time(t), log_odds(level)
    spread = float(1 / (level * (1 - level)))
    growth = math.log(late_rate(n, level)) + math.log(time)
    shift = n * (n - 1) / (n + 1) * spread / time
    return growth - shift / 2 * growth, odds + shift * float(2 * level - 1)


def late_constant(n: int, alpha: RealNumber) -> float:
    """k of (15), the O(1/t) term of D in (2), which is -k/t; -4n/(n+1) at α = 1/2."""
    return memory_solution.late_constant(*as_memory(n, alpha))


def late_noise_probability(n: int, alpha: RealNumber, t: RealNumber) -> float:
    """p_s by (2): α - n(n-1)/((n+1) t), remainder O(log t/t²). Needs t > 0."""
    n, level = as_memory(n, alpha)
    return float(level) - n * (n - 1) / ((n + 1) * as_late_time(t))


def late_rate(n: int, alpha: Fraction) -> float:
    """κ = (n+1)(1-α)/(2n) for checked arguments; e^D ~ κt."""
    return float((n + 1) * (1 - alpha) / (2 * n))


def log_odds(alpha: Fraction) -> float:
    """log(α/(1-α)), without cancellation, near α = 1/2 too, and for fractions beyond the floats."""
    odds = alpha / (1 - alpha)
    if Fraction(1, 2) < odds < 2:
        return math.log1p(odds - 1)
    doublings = odds.numerator.bit_length() - odds.denominator.bit_length()
    if abs(doublings) < 1000:
        return math.log(odds)
    return math.log(odds / Fraction(2) ** doublings) + doublings * math.log(2)


def top_space(n: int, alpha: RealNumber) -> str:
    """The singular space with the largest singular value as t -> ∞: "correct", "noise" or "tie".

    "correct": the (n-1)-dimensional space of the ordinary outputs, for n = 2 and for n = 3 with α < 1/2.
    "noise": the noise direction, for n >= 4 and for n = 3 with α > 1/2.
    "tie": n = 3 and α = 1/2, where all three singular values are equal at every time.
    `spectrum.crossing_time` says from when on.
    """
    n, level = as_memory(n, alpha)
    if n != 3:
        return "correct" if n == 2 else "noise"
    return "tie" if level == Fraction(1, 2) else "correct" if level < Fraction(1, 2) else "noise"


def symbolic_rates() -> tuple[dict[str, sympy.Symbol], dict[str, sympy.Expr]]:
    """Equation (1) in sympy: the symbols n, alpha, a, b, s by name, and a', b', s' by name."""
    names = sympy.symbols("n alpha a b s", real=True)
    symbols = {symbol.name: symbol for symbol in names}
    n, alpha, a, b, s = names
    weights = {"a": sympy.exp(a), "b": sympy.exp(b), "s": sympy.exp(s)}
    total = weights["a"] + (n - 1) * weights["b"] + weights["s"]
    targets = {"a": 1 - alpha, "b": sympy.Integer(0), "s": alpha}
    return symbols, {name: (targets[name] - weights[name] / total) / n for name in weights}
