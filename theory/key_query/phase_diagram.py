"""Where the first key-query step looks, over noise level α and absorption π: signs, boundaries, windows, thresholds.

Two contrasts of K = A + (α-π) C (`step`) are looked at: where "attends", K[P(q)], is positive, the step points at
positions that follow the trigger; where "avoids", K[E(k)] - K[E(τ)], is positive, it prefers (q, c) to (q, τ). Both are
affine in π, so for given α each changes sign at one absorption, exactly:

    π* = α + A/C,    where C ≠ 0.                                                                                (9)

The stronger statement "positions that follow the trigger get the highest score" compares K[E(z_t)] + K[P(z_{t-1})] over
all pairs of tokens that can occur; `ranking_gap` is its margin.

Source: Chen, Bruna, Bietti (ICLR 2025), what attention learns; boundaries and thresholds are this project's.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Annotated, Literal, TypeAlias, overload

from annotated_types import Ge
from scipy.optimize import brentq

from theory.arguments import Probability, Size, checked, one_of
from theory.arrays import Number
from theory.one_step.margins import Bits, bracket_sign_change
from theory.task import Task

from .step import KEY_CLASSES, Parts, key_query_combinations, key_query_parts

CONTRASTS: dict[str, dict[str, int]] = {"attends": {"P(q)": 1}, "avoids": {"E(k)": 1, "E(tau)": -1}}
"""Coefficients of K's classes in the two contrasts."""
Contrast: TypeAlias = Annotated[str, one_of(CONTRASTS)]
NoisyLength: TypeAlias = Annotated[int, Ge(3)]
"""Of a sequence that the noise can occur in."""


@checked
def contrast_parts(task: Task, contrast: Contrast) -> Parts:
    """A and C of a contrast, floats.

    Raises:
        TypeError: not a task.   ValueError: an unknown contrast.
    """
    return key_query_parts(task, combinations={contrast: CONTRASTS[contrast]})[contrast]


@checked
def contrast_value(task: Task, contrast: Contrast, absorption: Probability | None = None) -> float:
    """The contrast at absorption π (None: uniform p), the exact value rounded once."""
    combinations = {contrast: CONTRASTS[contrast]}
    return float(key_query_combinations(task, combinations, absorption)[contrast])


@checked
def turning_absorption(task: Task, contrast: Contrast) -> float | None:
    """π* of equation (9), the absorption at which a contrast vanishes; may lie outside [0, 1]. None where C = 0."""
    return contrast_parts(task, contrast).zero(task.alpha)


@checked
def window(task: Task) -> tuple[float, float] | None:
    """The open interval of π in [0, 1] where the step both attends what follows the trigger and avoids the noise.

    For T → ∞ its ends are, by (9) to leading order in 1/N at fixed 0 < α < 1,

        α - (1-α)³/(α²N) < π < α - (1-α)⁴(1+2α)/(α³N²).                                                         (10)

    Returns:
        (low, high), or None if there is no such π.
    """
    low, high = 0.0, 1.0
    for contrast in CONTRASTS:
        parts = contrast_parts(task, contrast)
        turn = parts.zero(task.alpha)
        if turn is None:
            low, high = (low, high) if parts.in_context > 0 else (1.0, 0.0)
        elif parts.noise < 0:  # the contrast grows with π
            low = max(low, turn)
        else:
            high = min(high, turn)
    return (low, high) if low < high else None


@overload
def ranking_gap(task: Task, absorption: Probability | None = None, exact: Literal[False] = False) -> float: ...
@overload
def ranking_gap(task: Task, absorption: Probability | None = None, *, exact: Literal[True]) -> Fraction: ...
@overload
def ranking_gap(task: Task, absorption: Probability | None = None, exact: bool = False) -> Number: ...
@checked
def ranking_gap(task: Task, absorption: Probability | None = None, exact: bool = False) -> Number:
    """Lowest score of a position that follows the trigger minus the highest score of any other that can occur.

    Positive: every position with z_{t-1} = q scores above every other one, whatever the sequence and the correct token.

    Args:
        task, absorption, exact: as for `key_query_gradient`.
    """
    differences = key_query_combinations(task, ranking_contrasts(task), absorption, exact)
    return min(differences.values())


def ranking_contrasts(task: Task) -> dict[str, dict[str, int]]:
    """The differences of scores that `ranking_gap` is the least of, as coefficients of K's classes, by name."""
    following, others = occurring_pairs(task)
    found: dict[str, dict[str, int]] = {}
    for pair in following:
        for other in others:
            coefficients = dict.fromkeys(KEY_CLASSES, 0)
            for sign, features in ((1, pair), (-1, other)):
                for feature in filter(None, features):
                    coefficients[feature] += sign
            found[f"{pair} over {other}"] = {name: count for name, count in coefficients.items() if count}
    return found


def occurring_pairs(task: Task) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(E class, P class) of positions that follow the trigger and of the others; no P feature ("") at t = 1.

    z_T = q can follow anything; other pairs need a position before it, and (τ, ·) one more.
    """
    following, others = [("E(q)", "P(q)")], [("E(k)", ""), ("E(q)", ""), ("E(q)", "P(k)")]
    if task.T >= 3:
        following += [("E(k)", "P(q)")] * (task.alpha < 1) + [("E(tau)", "P(q)")] * (task.alpha > 0)
        others += [("E(k)", "P(k)")] + [("E(q)", "P(tau)")] * (task.alpha > 0)
    if task.T >= 4:
        others += [("E(k)", "P(tau)")] * (task.alpha > 0)
    return following, others


@checked
def critical_noise_level(N: Size, T: NoisyLength, bits: Bits = 40) -> tuple[Fraction, Fraction]:
    """Bracket of α_c: at uniform p the step attends what follows the trigger just below it, and points away above.

    For T → ∞ at fixed 0 < α < 1, then with x = αN fixed, the leading terms of K[P(q)] = A + (α-π) C are

        N³ K[P(q)] = (1-α)⁴ + (α-π) (1-α) (4α² - α + 1 - α² N) + O(1/N),
        N² A[P(q)] → 2x/(1+x)³,                                                                                 (11)

    which at uniform p, π = 1/(N+1), vanish at

        α_c = N^(-1/3) - N^(-1) + N^(-4/3) + O(N^(-5/3)).                                                       (12)

    For T above about 2N³ there is a second, tiny level below which the step points away too: `uniform_threshold`.

    Returns:
        (a, b) with b - a <= 2^-bits: K[P(q)] > 0 at α = a, <= 0 at α = b. T >= 3: at T = 2 there is no change of sign.
    """

    def away(alpha: Fraction) -> float:
        return -contrast_value(Task(N, T, alpha), "attends")

    return _bracket(away, Fraction(1, N + 1), 1 - Fraction(1, 2 * N), bits, f"K[P(q)] at uniform p, N={N}, T={T}")


@checked
def uniform_threshold(N: Size, T: NoisyLength, bits: Bits = 60) -> tuple[Fraction, Fraction] | None:
    """Bracket of the low noise level below which the step at uniform p points away; None if it attends as α → 0.

    c = q makes the trigger repeat itself about 1/α times, and such sequences point nowhere. At α = x/N³ the terms of
    order T⁰ and T⁻¹ of K[P(q)] are to leading order in 1/N

        N⁻⁴ (2x - 1) + 2 N⁻¹/T,    which vanishes at α = 1/(2N³) - 1/T.                                         (13)
    """
    name = f"K[P(q)] at uniform p, N={N}, T={T}"
    return _from_zero(lambda alpha: contrast_value(Task(N, T, alpha), "attends"), Fraction(1, N + 1), T, bits, name)


@checked
def absorbed_threshold(N: Size, T: NoisyLength, bits: Bits = 60) -> tuple[Fraction, Fraction] | None:
    """Bracket of the low noise level below which even absorbed noise leaves K[P(q)] <= 0; None if there is none.

    It comes from c = q, as in `uniform_threshold`. At π = α, for T → ∞ and every N >= 2,

        K[P(q)] = (N-1) (1-α)⁴ Q(α) / (N² (N+1)³ (1+αN)³),
        Q(α) = -2 + (2N³+6N²-3N-1) α + (3N³-4N²-N) α² + (N⁴-N³) α³,                                             (14)

    and Q has one root in (0, 1). At α = x/N³ the terms of order T⁰ and T⁻¹ are to leading order in 1/N

        N⁻⁴ (2x - 2) + 2 N⁻¹/T,    which vanishes at α = 1/N³ - 1/T.                                            (15)
    """
    name = f"K[P(q)] at absorbed p, N={N}, T={T}"
    return _from_zero(lambda alpha: contrast_value(Task(N, T, alpha), "attends", alpha), Fraction(1, N), T, bits, name)


@checked
def ranking_threshold(N: Size, T: Annotated[int, Ge(4)], bits: Bits = 60) -> tuple[Fraction, Fraction] | None:
    """Bracket of the low noise level below which, at absorbed p, some follower of the trigger is outranked.

    Below it "q q" scores less than a first position that holds an ordinary token: at α = x/N² the terms of order T⁰ and
    T⁻¹ of K[P(q)] + K[E(q)] - K[E(k)] are to leading order in 1/N

        N⁻³ (4x - 1) + 4 N⁻¹/T,    which vanishes at α = 1/(4N²) - 1/T.                                         (16)

    T >= 4, as the ranking gap is exactly 0 at T = 3.

    Returns:
        (a, b), or None if the followers rank first as α → 0. Nothing is said about larger α, where short sequences
        (T = 4) and tiny vocabularies (N = 2) have exceptions.

    Raises:
        ValueError: the gap has the same sign next to 0 and at 1/N.
    """
    name = f"the ranking gap at absorbed p, N={N}, T={T}"
    return _from_zero(lambda alpha: ranking_gap(Task(N, T, alpha), alpha), Fraction(1, N), T, bits, name)


@checked
def avoidance_threshold(N: Size, T: NoisyLength, bits: Bits = 40) -> tuple[Fraction, Fraction]:
    """Bracket of the noise level above which, at uniform p, K[E(τ)] < K[E(k)]. For T → ∞ it is

        α_τ = N^(-1/2) - N^(-1)/2 - N^(-3/2)/8 + O(N^(-2)).                                                     (17)

    The order holds up to α = 1, or up to about 1 - 2/(NT) + N/T² for T above N²/2. Near α = 1/(N+1), where uniform p is
    absorbed p, it is reversed; for T above 2N² it holds again below about 1/N² - 2/T.

    Raises:
        ValueError: the order is not reversed at 1/(N+1) or does not hold at 1 - 1/(2N): so for N = 2, and in short
            contexts, where a second range of levels with this order contains 1/(N+1) (T <= 12 at N = 3, T <= 9 at
            N = 4, T <= 8 at N = 5 to 8, T <= 13 at N = 100, T <= 25 at N = 1000).
    """

    def avoids(alpha: Fraction) -> float:
        return contrast_value(Task(N, T, alpha), "avoids")

    low, high = Fraction(1, N + 1), 1 - Fraction(1, 2 * N)
    name = f"K[E(k)] - K[E(τ)] at uniform p, N={N}, T={T}"
    if avoids(low) > 0 or avoids(high) <= 0:
        raise ValueError(f"{name}: no change from - to + between alpha={float(low):.3g} and {float(high):.3g}")
    return _bracket(avoids, low, high, bits, name)


@checked
def reversal_range(
    N: Size, T: NoisyLength, bits: Bits = 40
) -> tuple[tuple[Fraction, Fraction] | None, tuple[Fraction, Fraction]]:
    """Brackets of the noise levels between which, at absorbed p, the order is reversed: K[E(τ)] > K[E(k)].

    The lower one is None where the order is reversed down to α = 0. For T ≫ N² ≫ 1 they are about 1/N² - 2/T and
    1 - 1/N: the leading terms of K[E(k)] - K[E(τ)] in 1/N, of order T⁰ and T⁻¹ at α = x/N² and T⁰ at α = 1 - x/N, are

        N⁻⁴ (1 - x) - 2 N⁻²/T,    3 N⁻⁹ x⁴ (1 - x).                                                             (18)

    Raises:
        ValueError: the order is not reversed at α = 2/5 (always so for N = 2 and for T <= 8).
    """
    inside, name = Fraction(2, 5), f"K[E(k)] - K[E(τ)] at absorbed p, N={N}, T={T}"

    def avoids(alpha: Fraction) -> float:
        return contrast_value(Task(N, T, alpha), "avoids", alpha)

    if avoids(inside) >= 0:
        raise ValueError(f"the order is not reversed at alpha=2/5 for N={N}, T={T}")
    high = _bracket(avoids, inside, 1 - Fraction(1, 8 * N), bits, name)
    return _from_zero(lambda alpha: -avoids(alpha), inside, T, bits, name), high


def _from_zero(
    function: Callable[[Fraction], float], high: Fraction, T: int, bits: int, name: str
) -> tuple[Fraction, Fraction] | None:
    """The change from <= 0 to > 0 between a noise level next to 0 and `high`; None if it is positive at the former.

    Levels here are of order N^-3 or 1/T at the least: the start is far below, and `bits` are counted from N^-3 on.
    """
    size = high.denominator.bit_length()
    least = Fraction(1, 2 ** (64 + 4 * size + 2 * T.bit_length()))
    if function(least) > 0:
        return None
    return _bracket(function, least, high, bits + 3 * size, name)


def _bracket(
    function: Callable[[Fraction], float], low: Fraction, high: Fraction, bits: int, name: str
) -> tuple[Fraction, Fraction]:
    """`margins.bracket_sign_change`, with Brent's method to guess where, and the signs at both ends checked.

    `function` returns exact values rounded once, so the signs are exact.
    """
    if (function(low) > 0) == (function(high) > 0):
        raise ValueError(f"{name}: no change of sign between alpha={float(low):.3g} and {float(high):.3g}")
    tiny = math.ulp(0.0)
    guess = Fraction(brentq(lambda level: function(Fraction(level)), float(low), float(high), xtol=tiny, disp=False))
    margin = Fraction(1, 2 ** (bits + 1))
    near = max(low, guess - margin), min(high, guess + margin)
    if [function(end) > 0 for end in near] == [function(end) > 0 for end in (low, high)]:
        return near
    return bracket_sign_change(function, low, high, bits)
