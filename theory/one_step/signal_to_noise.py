"""Signal against gradient noise: how much one sample says about one step.

SNR² = (mean)² / variance per sample, so that about z²/SNR² samples are needed to see a mean at z standard errors.
Source: Chen, Bruna, Bietti (ICLR 2025), gradient noise of feed-forward and attention layers; exact in N and T here.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import sympy
from annotated_types import Ge, Le

from theory.arguments import checked
from theory.arrays import Number
from theory.evaluation import N as symbol_N
from theory.evaluation import evaluate, field_element, symbolic_numbers, to_expression
from theory.task import Layer, Task

from .gradients import MOMENTS, Moment, class_values
from .symmetry import EntryClass
from .trigger_chain import Power, TriggerChain, integer_power

Length: TypeAlias = Annotated[int, Ge(2), Le(2**4)]
"""Of a context whose moments are had as polynomials of this degree."""


@checked
def class_signal_to_noise(task: Task, layer: Layer) -> dict[EntryClass, float]:
    """SNR² = mean²/variance of every entry class with a positive variance, both by equation (4) of `gradients`.

    For T → ∞, then N → ∞, the attention value noise row's is that of the feed-forward noise entry (τ, E(q)):

        SNR²_V[τ,E(k)] → α/(1-α).                                                                               (21)

    Args:
        task: the task.
        layer: "feed_forward" or "attention_value".

    Raises:
        ValueError: unknown layer.
    """
    mean, variance = (class_values(task, layer, moment) for moment in MOMENTS)
    return {entry: mean[entry] ** 2 / variance[entry] for entry in mean if variance[entry] > 0}


@dataclass(frozen=True)
class DirectionMoments:
    """Mean and variance per sample of the gradient along one direction (floats, or `Fraction`s if exact)."""

    mean: Number
    variance: Number

    @property
    def signal_to_noise(self) -> Number:
        """SNR² = mean² / variance; a ValueError where the gradient does not vary (α = 1)."""
        if self.variance == 0:
            raise ValueError("the gradient has no variance along this direction, so no signal-to-noise ratio")
        return self.mean * self.mean / self.variance


@checked
def centred_copying_moments(task: Task, exact: bool = False) -> DirectionMoments:
    """Moments of ⟨D, g_V⟩ for D = Σ_k e_k (E(k) - mean_j E(j))ᵀ over the ordinary tokens.

    The 1/M part of g_V cancels in ⟨D, g_V⟩, and Σ_{j<N} x̄_E(j) = 1 - x̄_E(τ), so with L = x̄_E(c) - (1 - x̄_E(τ))/N

        ⟨D, g_V⟩ = 1{y ≠ τ} L,    mean = (1-α) E[L],    variance = (1-α) E[L²] - mean²,                         (17)

    and SNR² = mean²/variance has the limits, the second one at fixed T (`short_context_limit`),

        SNR² → (1-α)/α    (T → ∞, then N → ∞),
        N SNR² → (T-2)² (1-α)³ / (2(T-1) - (T-2) α)    (N → ∞).                                                 (18)

    Args:
        task: the task; `exact=True` needs a rational alpha.
        exact: `Fraction`s instead of floats.

    Raises:
        TypeError: exact=True with a float alpha.
    """
    values = evaluate(moments_along_copying, task, exact)
    return DirectionMoments(values["mean"], values["variance"])


@checked
def centred_copying_closed_form(moment: Moment) -> sympy.Expr:
    """The "mean" or "variance" of `centred_copying_moments` as a sympy expression in N, T, alpha."""
    return to_expression(moments_along_copying(*symbolic_numbers())[moment])


@checked
def short_context_limit(length: Length) -> sympy.Expr:
    """lim_{N→∞} of N · SNR² along D at fixed T = `length` >= 2, an expression in alpha.

    It is that of (18): no signal at T = 2, and about T (1-α)³/(2-α) for T ≫ 1.
    """
    n, _, a, _ = symbolic_numbers()
    values = moments_along_copying(n, length, a)
    ratio = field_element(n * values["mean"] * values["mean"] / values["variance"])
    top, bottom = (sympy.Poly(part.as_expr(), symbol_N) for part in (ratio.numer, ratio.denom))
    if top.degree() < bottom.degree():
        return sympy.Integer(0)
    return sympy.factor(top.LC() / bottom.LC())


def moments_along_copying(N: Number, T: Number, alpha: Number, power: Power = integer_power) -> dict[str, Number]:
    """Mean and variance of a gradient along the centred copying direction, per sample."""
    first = second = 0 * N
    for is_trigger in (False, True):
        chain = TriggerChain(N, T, alpha, is_trigger, power)
        weight = (1 if is_trigger else N - 1) / N
        correct = "q" if is_trigger else "c"
        mean = (chain.mean_count(correct) + int(is_trigger) + chain.mean_count("tau") / N) / T - 1 / N
        covariance = chain.count_covariance
        spread = covariance(correct, correct) + 2 * covariance(correct, "tau") / N + covariance("tau", "tau") / N**2
        first += weight * mean
        second += weight * (mean * mean + spread / T**2)
    signal = (1 - alpha) * first
    return {"mean": signal, "variance": (1 - alpha) * second - signal * signal}
