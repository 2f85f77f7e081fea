"""How many samples one step needs, by proof: numbers that are not enough on any sequence, and numbers that are.

After m samples from zero, ξ_k = (1/m) Σ_i (1{y_i = k} - 1/M) x_i·u on a test sequence with feature u, where x_i, u >= 0
(u = x̄ for attention, u = x_T for the feed-forward layer). The term with 1/M is the same for every k. So

    a token k that none of the y_i is has ξ_k <= ξ_l for every l,                                                (55)

and leads nothing: to lead with probability r it must be among m targets with probability r at least. In the
feed-forward layer x_i·u is 1 or 2; with n_k the number of y_i = k, n_k <= Σ_{i: y_i=k} x_i·u <= 2 n_k, so that

    n_τ > 2 n_k for every rival k  implies  ξ_τ > ξ_k on every test sequence,                                    (56)

whatever the chain and T. Given n_τ = s the other targets are multinomial; with p_k = P(y = k), a union bound over k is

    P(Δ_ff > 0) >= Σ_s P(n_τ = s) (1 - Σ_k P(Bin(m-s, p_k/(1-p_τ)) >= s/2))₊.                                     (57)

Source: this project.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import binom

from .answers import RATE

MOST = 2**20
"""Samples up to which a number that is enough is looked for."""
_ROUNDING = 1e-9  # of (57), above what a float64 sum of such terms loses
_DEVIATIONS = 12  # of n_τ from its mean; values farther off are left out of (57), which lowers it


class Share(NamedTuple):
    """So many tokens, each of which is a target with this probability."""

    probability: float
    tokens: int


def needed_samples(weights: Sequence[float], probabilities: Sequence[float], rate: float) -> int | None:
    """The least m for which (55) leaves a success rate of `rate`: with fewer samples every step fails more often.

    Args:
        weights: how often each token is the one that must lead; they sum to 1.
        probabilities: P(y = that token).
        rate: in (0, 1).

    Returns:
        m with Σ_c w_c (1 - (1-p_c)^m) >= rate, None where no m reaches it.
    """
    weight, probability = np.asarray(weights, dtype=np.float64), np.asarray(probabilities, dtype=np.float64)
    if weight[probability > 0].sum() <= rate:
        return None
    with np.errstate(divide="ignore"):
        missing = np.log1p(-probability)  # log P(y ≠ c)

    def reaches(m: int) -> bool:
        return bool(-(weight * np.expm1(m * missing)).sum() >= rate)

    return _least(reaches, None)


def noise_lead_bound(samples: int, noise: float, rivals: Sequence[Share]) -> float:
    """(57): a lower bound on the probability that m samples put the noise token first on every test sequence.

    Args:
        samples: m.
        noise: p_τ.
        rivals: the tokens that it must lead.
    """
    if noise >= 1:
        return 1.0
    spread = _DEVIATIONS * (1 + math.sqrt(samples * noise * (1 - noise)))
    low, high = max(1, math.floor(samples * noise - spread)), min(samples, math.ceil(samples * noise + spread))
    count = np.arange(low, high + 1)
    lost = np.zeros(len(count))
    for share in rivals:
        tail = binom.sf((count + 1) // 2 - 1, samples - count, min(1.0, share.probability / (1 - noise)))
        lost += share.tokens * tail
    return float((binom.pmf(count, samples, noise) * np.maximum(0.0, 1 - lost)).sum())


def enough_samples(noise: float, rivals: Sequence[Share], rate: float) -> int | None:
    """A number of samples that (57) proves to be enough, at most MOST; None where (57) proves none.

    It is not said that more samples are enough as well, nor that fewer are not. For p_τ <= 2 max p_k there is none.
    """
    if noise <= 2 * max((share.probability for share in rivals), default=0.0):
        return None

    return _least(lambda m: noise_lead_bound(m, noise, rivals) >= rate + _ROUNDING, MOST)


def enough_in_words(samples: int | None) -> str:
    """What `enough_samples` proves, as part of a sentence."""
    if samples is None:
        return f"no number up to {MOST} is proved to be enough"
    return f"as many as the second rank it first with at least {RATE}"


def _least(holds: Callable[[int], bool], most: int | None) -> int | None:
    """The least m with holds(m) between a power of 2 where it holds and the one before, found by bisection."""
    high = 1
    while not holds(high):
        high *= 2
        if most is not None and high > most:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
