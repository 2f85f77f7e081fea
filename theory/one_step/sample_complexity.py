"""How many samples one step needs: an exact guarantee for the noise margin, and the scale of the in-context margin.

Source: Chen, Bruna, Bietti (ICLR 2025), gradient noise; the bounds here are this project's.
"""

from fractions import Fraction
from functools import cache
from math import comb, factorial
from typing import Annotated, Literal, TypeAlias, overload

import flint
import sympy
from annotated_types import Ge, Le

from theory.arguments import Probability, Size, checked
from theory.arrays import Number
from theory.evaluation import N as symbol_N
from theory.evaluation import T as symbol_T
from theory.evaluation import ball_arithmetic, evaluate, factored, ring_element, ring_expression, symbolic_numbers
from theory.task import Task

from .trigger_chain import Power, TriggerChain, integer_power

Samples: TypeAlias = Annotated[int, Ge(1), Le(2**9)]
"""Of a step whose guarantee is a sum of so many terms, each with a power series of so many terms."""
Pair = tuple[str, str]
PAIRS: tuple[Pair, ...] = (("c", "k"), ("c", "q"), ("q", "k"))
"""(correct token of the test input, rival); c and k ordinary, c ≠ k."""


@checked
def noise_margin_guarantee(N: Size, samples: Samples, alpha: Probability) -> Fraction:
    """A lower bound, valid for every T, on P(feed-forward noise margin > 0 after an m-sample step).

    After m samples ξ_k ∝ n_k + n_{k,j} up to a term common to all k, where n_k counts targets y = k and n_{k,j} those
    among them whose z_{T-1} is the test sequence's j. As 0 <= n_{k,j} <= n_k, on every test sequence

        P(Δ_ff > 0) >= P(n_τ > 2 max_{k<N} n_k),                                                                (19)

    and the targets are multinomial (τ with probability α, each ordinary token with (1-α)/N), so that the right side is
    an exact number.

    Args:
        N: number of ordinary tokens.
        samples: number of samples m of the step.
        alpha: noise level, rational.
    """
    if not isinstance(alpha, Fraction):
        raise TypeError(f"alpha must be rational (int or fractions.Fraction), got {alpha!r}")
    total = Fraction(0)
    for noisy in range(1, samples + 1):
        rest = samples - noisy
        weight = comb(samples, noisy) * alpha**noisy * (1 - alpha) ** rest
        if weight:
            total += weight * _no_bin_above(N, rest, (noisy - 1) // 2)
    return total


@cache  # no function of the noise level
def _no_bin_above(bins: int, balls: int, most: int) -> Fraction:
    """P(no bin holds more than `most` of the balls) = balls!/bins^balls [x^balls] (Σ_{i<=most} x^i/i!)^bins."""
    with ball_arithmetic(flint.ctx.prec, balls + 1):  # series of so many terms
        single = flint.fmpq_series([flint.fmpq(1, factorial(i)) for i in range(min(most, balls) + 1)])
        probability = integer_power(single, bins)[balls] * factorial(balls) / flint.fmpq(bins) ** balls
    return Fraction(int(probability.p), int(probability.q))


@overload
def in_context_signal_to_noise(task: Task, exact: Literal[False] = False) -> dict[Pair, float]: ...
@overload
def in_context_signal_to_noise(task: Task, *, exact: Literal[True]) -> dict[Pair, Fraction]: ...
@overload
def in_context_signal_to_noise(task: Task, exact: bool = False) -> dict[Pair, Number]: ...
@checked
def in_context_signal_to_noise(task: Task, exact: bool = False) -> dict[Pair, Number]:
    """Per-sample SNR² of the attention logits' ξ_c - ξ_k at the expected test input E[x̄|c], with the sign of its mean.

    One sample contributes S = (1{y=c} - 1{y=k}) x̄'·v to the step, v = E[x̄|c], so that with E_c' the mean given c' = y

        E[S] = (1-α)/N (E_c[x̄'·v] - E_k[x̄'·v]),    E[S²] = (1-α)/N (E_c[(x̄'·v)²] + E_k[(x̄'·v)²]),

    and the value is E[S] |E[S]|/(E[S²] - E[S]²). It is 0 at T = 2; for T ≫ N ≫ 1/α see `limiting_in_context_signal`.
    In short contexts it is negative for ("c", "q"): the population step itself ranks the trigger above c, because the
    last token z_T = q makes every test input look as if q were correct. With T = λN and N → ∞ at fixed α

        N E[T² S] → λ (1-α)² (4 (1-α) λ - 1/α)   for ("c", "q"),   positive for T > N/(4α(1-α)).                    (5)

    Args:
        task: the task, N >= 3, alpha < 1; `exact=True` needs a rational alpha.
        exact: `Fraction`s instead of floats.

    Returns:
        dict over `PAIRS`.

    Raises:
        ValueError: N < 3 or alpha = 1.   TypeError: exact=True with a float alpha.
    """
    if task.N < 3:
        raise ValueError(
            f"N must be at least 3 for a rival that is neither the correct token nor the trigger, got {task.N}"
        )
    if task.alpha == 1:
        raise ValueError("alpha must be below 1 for the correct token to be a target at all, got 1")
    return evaluate(in_context_signal, task, exact)


def limiting_in_context_signal() -> dict[Pair, sympy.Expr]:
    """lim_{T→∞} of `in_context_signal_to_noise` at fixed N and 0 < α < 1: positive rational functions of N and alpha.

    For N → ∞ at fixed α, with a factor of 1 for ("c", "k"), 4 for ("c", "q") and 1/α⁴ for ("q", "k"),

        N³ SNR² → factor · (1-α)⁵/2:                                                                            (20)

    where the trigger is correct it repeats itself, 1/α times as often as another token occurs.
    """
    return {pair: factored(mean.LC**2 / variance.LC) for pair, (mean, variance) in _stationary().items()}


def crossover_of_the_trigger() -> sympy.Expr:
    """lim_{N→∞} N E[T² S] for ("c", "q") at T = λN and fixed α, equation (5), in the symbols alpha and lambda."""
    mean, _ = _stationary()["c", "q"]
    scaled = ring_expression(mean, 0).subs(symbol_T, sympy.Symbol("lambda") * symbol_N)
    return sympy.factor(sympy.limit(symbol_N * scaled, symbol_N, sympy.oo))


@cache
def _stationary() -> dict[Pair, tuple[Number, Number]]:
    moments = in_context_moments(*symbolic_numbers(stationary=True))
    return {pair: (ring_element(mean), ring_element(variance)) for pair, (mean, variance) in moments.items()}


def in_context_signal(N: Number, T: Number, alpha: Number) -> dict[Pair, Number]:
    """Signed squared signal-to-noise ratio per pair, E[S] |E[S]| / Var(S)."""
    moments = in_context_moments(N, T, alpha, integer_power)
    return {pair: mean * abs(mean) / variance for pair, (mean, variance) in moments.items()}


def in_context_moments(N: Number, T: Number, alpha: Number, power: Power) -> dict[Pair, tuple[Number, Number]]:
    """Mean and variance of T² S per pair, polynomials in T (and in the geometric powers)."""
    chains = {name: TriggerChain(N, T, alpha, name == "q", power) for name in ("c", "q")}
    result = {}
    for correct, rival in PAIRS:
        own = aligned_moments(chains[correct], chains[correct], correct)
        # a sample whose target is an ordinary rival sees the test's correct token as just another one
        other = aligned_moments(chains[correct], chains["q" if rival == "q" else "c"], "j" if correct == "c" else "q")
        share = (1 - alpha) / N
        mean = share * (own[0] - other[0])
        result[correct, rival] = mean, share * (own[1] + other[1]) - mean * mean
    return result


def aligned_moments(test: TriggerChain, sample: TriggerChain, special: str) -> tuple[Number, Number]:
    """First two moments of T² x̄'·v for v = E[x̄] of `test`; `special` is the test's correct token as `sample` names it.

    With w_a = T (v_E(a) + v_P(a)) and C_a the counts over z_1 … z_{T-1}, T² x̄'·v = T v_E(q) + Σ_a w_a C_a; as the
    counts sum to T-1, only the deviations of w from its value at the other ordinary tokens matter.
    """
    weight = {token: 2 * test.mean_count(token) for token in test.laws if token != "rest"}
    weight["q"] += 1  # z_T = q is seen by E alone
    last = test.mean_count("q") + 1
    deviation = {"q": weight["q"] - weight["j"], "tau": weight["tau"] - weight["j"]}
    if special != "q":
        deviation[special] = weight["c"] - weight["j"]
    mean = last + weight["j"] * (test.T - 1) + sum(d * sample.mean_count(a) for a, d in deviation.items())
    spread = sum(d * e * sample.count_covariance(a, b) for a, d in deviation.items() for b, e in deviation.items())
    return mean, mean * mean + spread
