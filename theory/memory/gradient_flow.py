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
from typing import Annotated, NamedTuple, TypeAlias

import numpy as np
import sympy
from annotated_types import Ge
from numpy.typing import ArrayLike

from theory.arguments import Convert, NonNegative, Size, checked
from theory.arrays import Floats
from theory.byte_limit import require_bytes
from theory.scalars import as_nonnegative, as_probability, out_of_range, shown
from theory.task import RealNumber

from . import solution as memory_solution
from .solution import Ball

MOST_BYTES = 2**32
"""Size of the largest matrix that `logits` makes."""


@checked
class Values(NamedTuple):
    """The three values a, b, s and D = a - b, ρ = s - a, each rounded once."""

    a: float
    b: float
    s: float
    D: float
    rho: float


@checked
class Flow(NamedTuple):
    """D and ρ along a flow, float64 arrays of the shape of the times."""

    D: Floats
    rho: Floats


@checked
class Predictions(NamedTuple):
    """Probabilities of the correct output, of each of the n-1 other ordinary ones, and of the noise."""

    correct: float
    other: float
    noise: float


def _as_level(name: str, value: object) -> Fraction:
    level = as_probability(name, value)
    if not 0 < level < 1:
        raise out_of_range(name, "a real number strictly between 0 and 1", value)
    return Fraction(level)


def _as_late_time(name: str, value: object) -> Fraction:
    time = as_nonnegative(name, value)
    if float(time) == 0:
        raise ValueError(f"{name} must be > 0 for the behaviour at late times, got {shown(value)}")
    return time


Inputs: TypeAlias = Size
"""Number of inputs."""
NoiseLevel: TypeAlias = Annotated[RealNumber, Convert(_as_level, "a real number strictly between 0 and 1")]
"""As the exact `Fraction` that it is."""
Time: TypeAlias = NonNegative
LateTime: TypeAlias = Annotated[RealNumber, Convert(_as_late_time, "a finite real number > 0")]
Times: TypeAlias = Annotated[ArrayLike, Ge(0)]


@checked
def values(n: Inputs, alpha: NoiseLevel, t: Time) -> Values:
    """a, b, s, D and ρ at time t, each the exact value rounded once, for any n and t."""
    level = Fraction(alpha)

    def formula(X: Ball, log_q: Ball) -> dict[str, Ball]:
        common = X * (n - 1) / (n + 1)
        return {"a": common - log_q, "b": -2 * X / (n + 1), "s": common + log_q, "D": X - log_q, "rho": 2 * log_q}

    return Values(**memory_solution.at_time(n, level, Fraction(t), formula))


@checked
def flow(n: Inputs, alpha: NoiseLevel, times: Times) -> Flow:
    """D and ρ at an array of times of any shape and order, as accurate as `values`."""
    array = np.asarray(times)
    found = [values(n, alpha, t) for t in array.ravel()]
    D, rho = (np.array([getattr(value, name) for value in found]).reshape(array.shape) for name in ("D", "rho"))
    return Flow(D, rho)


@checked
def logits(n: Inputs, alpha: NoiseLevel, t: Time) -> Floats:
    """W(t), shape (n+1, n): one column per input, the last row is the noise output.

    Raises:
        ValueError: n so large that W would take more than MOST_BYTES.
    """
    size = 8 * n * (n + 1)
    if size > MOST_BYTES:
        raise ValueError(f"n = {n}: the logits take {size} bytes, at most {MOST_BYTES}; `values` has no such limit")
    require_bytes(f"n = {n}: the logits", size, "`values` has no such limit")
    found = values(n, alpha, t)
    matrix = np.full((n + 1, n), found.b)
    np.fill_diagonal(matrix, found.a)
    matrix[n] = found.s
    return matrix


@checked
def predictions(n: Inputs, alpha: NoiseLevel, t: Time) -> Predictions:
    """Softmax of the full model's logits."""
    found = values(n, alpha, t)
    return softmax(n, correct=found.D, other=0.0, noise=found.D + found.rho)


@checked
def softmax(n: int, correct: float, other: float, noise: float) -> Predictions:
    """Probabilities of logits that take one value on the n-1 ordinary outputs other than the correct one."""
    top = max(correct, other, noise)
    weights = [math.exp(logit - top) for logit in (correct, other, noise)]
    total = weights[0] + (n - 1) * weights[1] + weights[2]
    return Predictions(*(weight / total for weight in weights))


@checked
def late_values(n: Inputs, alpha: NoiseLevel, t: LateTime) -> tuple[float, float]:
    """(D, ρ) by (2): D without its O(1/t) term, -late_constant/t; ρ with remainder O(log t/t²). Needs t > 0."""
    level = Fraction(alpha)
    time, odds = float(t), log_odds(level)
    spread = float(1 / (level * (1 - level)))
    growth = math.log(late_rate(n, level)) + math.log(time)
    shift = n * (n - 1) / (n + 1) * spread / time
    found = growth - shift / 2 * growth, odds + shift * float(2 * level - 1)
    if not all(map(math.isfinite, found)):
        raise ValueError(f"t must be large enough for a result within the floats, got {float(t)!r}")
    return found


@checked
def late_constant(n: Inputs, alpha: NoiseLevel) -> float:
    """k of (15), the O(1/t) term of D in (2), which is -k/t; -4n/(n+1) at α = 1/2."""
    found = memory_solution.late_constant(n, Fraction(alpha))
    if not math.isfinite(found):
        raise ValueError(f"alpha must be further from 0 and 1 for a result within the floats, got {float(alpha)!r}")
    return found


@checked
def late_noise_probability(n: Inputs, alpha: NoiseLevel, t: LateTime) -> float:
    """p_s by (2): α - n(n-1)/((n+1) t), remainder O(log t/t²). Needs t > 0."""
    level = Fraction(alpha)
    found = float(level) - n * (n - 1) / ((n + 1) * float(t))
    if not math.isfinite(found):
        raise ValueError(f"t must be large enough for a result within the floats, got {float(t)!r}")
    return found


def late_rate(n: int, alpha: Fraction) -> float:
    """κ = (n+1)(1-α)/(2n) for checked arguments; e^D ~ κt."""
    return float((n + 1) * (1 - alpha) / (2 * n))


@checked
def log_odds(alpha: NoiseLevel) -> float:
    """log(α/(1-α)), without cancellation, near α = 1/2 too, and for fractions beyond the floats."""
    odds = Fraction(alpha) / (1 - Fraction(alpha))
    if Fraction(1, 2) < odds < 2:
        return math.log1p(odds - 1)
    doublings = odds.numerator.bit_length() - odds.denominator.bit_length()
    if abs(doublings) < 1000:
        return math.log(odds)
    return math.log(odds / Fraction(2) ** doublings) + doublings * math.log(2)


@checked
def top_space(n: Inputs, alpha: NoiseLevel) -> str:
    """The singular space with the largest singular value as t -> ∞: "correct", "noise" or "tie".

    "correct": the (n-1)-dimensional space of the ordinary outputs, for n = 2 and for n = 3 with α < 1/2.
    "noise": the noise direction, for n >= 4 and for n = 3 with α > 1/2.
    "tie": n = 3 and α = 1/2, where all three singular values are equal at every time.
    `spectrum.crossing_time` says from when on.
    """
    level = Fraction(alpha)
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
