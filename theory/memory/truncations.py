"""What low-rank truncations of the memory predict: without the noise direction, and at each rank.

Without its noise direction (`spectrum`) the memory recalls: logits D(1-1/n) on the correct output, -D/n on the
other ordinary ones, 0 on the noise, so that the correct output leads for every t > 0. A best rank-r approximation does
that too for r = n-1 while the correct space is on top; at other ranks it need not be unique, because n-1 singular
values are equal, and says about a single input what the arbitrary choice of a basis makes it say.

Arguments n, alpha, t and errors as in `gradient_flow`.

Source: Chen, Bruna, Bietti (ICLR 2025), truncation of the associative memory; ranges at each rank are this project's.
"""

import math
import sys
from dataclasses import dataclass
from fractions import Fraction

from theory.arguments import Count, checked

from .gradient_flow import Inputs, LateTime, NoiseLevel, Predictions, Time, Values, late_rate, softmax, values
from .spectrum import top_space_at

Range = tuple[float, float]
"""Least and greatest value."""


@checked
def noise_removed_predictions(n: Inputs, alpha: NoiseLevel, t: Time) -> Predictions:
    """Softmax of W without its noise direction, logits D(1-1/n), -D/n and 0: the correct output leads for all t > 0."""
    return _without_noise(n, values(n, alpha, t).D)


@checked
def noise_removed_error(n: Inputs, alpha: NoiseLevel, t: Time) -> float:
    """1 - P(correct) without the noise direction, with z = e^{-D/n}:

        1 - P(correct) = (z^{n-1} + (n-1) zⁿ)/(1 + z^{n-1} + (n-1) zⁿ).                                            (19)

    It depends on t through D alone.
    """
    found = noise_removed_predictions(n, alpha, t)
    return found.noise + (n - 1) * found.other


@checked
def noise_removed_error_limit(n: Inputs, alpha: NoiseLevel, t: LateTime) -> float:
    """What `noise_removed_error` comes to as t -> ∞, by (19) and (2); for n = 2 it is (4/(3(1-α)t))^{1/2}. Needs t > 0.

        1 - P(correct) ~ (κt)^{-(n-1)/n},   κ = (n+1)(1-α)/(2n).                                                   (20)

    Relative error O(log t/t) for n = 2, and (n-1)(κt)^{-1/n} (1 + o(1)) for n >= 3, small only for κt ≫ (n-1)ⁿ.
    """
    exponent = -(math.log(late_rate(n, Fraction(alpha))) + math.log(float(t))) * (n - 1) / n
    if exponent > math.log(sys.float_info.max):
        raise ValueError(f"t must be large enough for a result within the floats, got {float(t)!r}")
    return math.exp(exponent)


@checked
@dataclass(frozen=True)
class Truncation:
    """What the best rank-r approximations of W(t) predict on any one input; ranges over all of them, ends attained.

    Attributes:
        unique: whether there is only one; if not, the ranges have length > 0.
        noise_log_odds: logit of the noise minus that of the correct output.
        noise_log_odds_sum: its sum over the n inputs, the same for all approximations except at a tie.
        other_log_odds: logit of the strongest other ordinary output minus that of the correct output.
        noise_probability: P(noise); None at a tie, where no closed form is known to this project.
    """

    unique: bool
    noise_log_odds: Range
    noise_log_odds_sum: Range
    other_log_odds: Range
    noise_probability: Range | None


@checked
def truncation(n: Inputs, alpha: NoiseLevel, t: Time, rank: Count) -> Truncation:
    """The best approximations of W(t) of the given rank (Frobenius norm), 1 <= rank <= n.

    With the noise on top: W (r = n), the noise alone (r = 1), else the noise plus D P_U for any (r-1)-dimensional
    U ⊂ 1^⊥. With the correct space on top: W, W without its noise (r = n-1), else D P_U for any r-dimensional U ⊂ 1^⊥.
    Column x of P_U may be any point v of the sphere with diameter from 0 to e_x - 1/n in 1^⊥, as 1 <= dim U <= n-2, so

        D v_x in D [0, 1-1/n],   D (max_{k≠x} v_k - v_x) in D [-1, (√(2(n-1)/n) - 1)/2],
        Σ_i e^{D v_i} in [n, e^{D(1-1/n)} + (n-1) e^{-D/n}],   Σ_x (P_U)_xx = dim U.                                 (9)

    (The last maximum: with c = |v|² and V = √(c(n-1)/n) >= v_i, the quadratic that touches e^{Dv} at -V/(n-1) and meets
    it at V is >= e^{Dv} up to V, and its sum over v_i depends on c alone; it is attained at v = e_x - 1/n.)
    At a tie W is D times an isometry, and v any point of the sphere with diameter from 0 to e_x.

    Raises:
        TypeError, ValueError: rank no integer in 1..n; n, alpha, t as in `gradient_flow`.
    """
    level = Fraction(alpha)
    if rank > n:
        raise ValueError(f"rank must be an integer in 1..n = 1..{n}, got {rank}")
    found, top = values(n, level, t), top_space_at(n, level, t)
    if rank == n or found.D == 0:
        return _only(n, found.rho, 0.0 - found.D, _full(n, found))
    if top == "tie":
        return _at_tie(found.D, rank)
    return _noise_on_top(n, found, rank) if top == "noise" else _correct_on_top(n, found.D, rank)


def _correct_on_top(n: int, D: float, rank: Count) -> Truncation:
    removed, share = _without_noise(n, D).noise, 1 - 1 / n
    if rank == n - 1:
        return _only(n, -D * share, -D, removed)
    return Truncation(False, (-D * share, 0.0), (-D * rank, -D * rank), _others(n, D), (removed, 1 / (n + 1)))


def _noise_on_top(n: int, found: Values, rank: Count) -> Truncation:
    alone = found.rho + found.D * (1 - 1 / n)
    most = softmax(n, 0.0, 0.0, alone).noise
    if rank == 1:
        return _only(n, alone, 0.0, most)
    total = n * found.rho + found.D * (n - rank)
    return Truncation(False, (found.rho, alone), (total, total), _others(n, found.D), (_full(n, found), most))


def _at_tie(D: float, rank: Count) -> Truncation:
    """n = 3, α = 1/2: noise minus correct logit is D Σ_{k≠x} v_k."""
    half, others = D / math.sqrt(2), (-D * (1 + math.sqrt(1.5)) / 2, D * (math.sqrt(2) - 1) / 2)
    return Truncation(False, (-half, half), (-D * rank, D * (3 - rank)), others, None)


def _only(n: int, noise_log_odds: float, other_log_odds: float, noise: float) -> Truncation:
    """The one best approximation."""
    odds, total, other = noise_log_odds, n * noise_log_odds, other_log_odds
    return Truncation(True, (odds, odds), (total, total), (other, other), (noise, noise))


def _others(n: int, D: float) -> Range:
    return -D, D * (math.sqrt(2 * (n - 1) / n) - 1) / 2


def _full(n: int, found: Values) -> float:
    return softmax(n, found.D, 0.0, found.D + found.rho).noise


def _without_noise(n: int, D: float) -> Predictions:
    return softmax(n, correct=D, other=0.0, noise=D / n)
