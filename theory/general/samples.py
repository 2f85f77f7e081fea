"""How many samples one step needs on any law: brackets that are proved, for the noise margin and for the answer's lead.

**The noise margin.** After a step of m samples, ξ_s - ξ_k on a sequence that ends (j, q) is the sum of m independent W
= (1{y=s} - 1{y=k}) (1 + 1{z_{T-1}=j}), as the terms with 1/M are shared. W has the values 0, ±1 and ±2, with

    P(y=k, z_{T-1}=j) = (1-α) ρ_k l_k[j] + α ν_k l[j],    P(y=k) = (1-α) ρ_k + α ν_k,                               (30)

so that P(Σ W <= 0) is an exact number, and the step has the wrong sign on (j, q) with a probability of

    at least max_k P(Σ W_k <= 0) for one noise token,  at most Σ_k P(Σ W_k <= 0) <= Σ_k (min_{θ>0} E e^{-θW_k})^m,  (31)

k running over the tokens that are no noise. The last falls geometrically as soon as every E W_k is positive, which is
that the margin (17) is for one noise token: above α_F a number of samples is enough that is the logarithm of the number
of rivals over the least exponent. It does not depend on T but by l, and grows without bound towards α_F.

**The answer's lead.** At the expected test input v_c = E[x̄ | c] attention's ξ_c - ξ_k is the sum of m independent S =
(1{y=c} - 1{y=k}) x̄·v_c, whose moments follow from those of counts as in (6), p = 1, 2:

    E[1{y=k} (x̄·v_c)^p] = (1-α) ρ_k E[(x̄·v_c)^p | k] + α ν_k E[(x̄·v_c)^p],    SNR²_ck = E[S]²/Var S.             (32)

Where E[S] > 0 for every rival k, the answer c leads with a probability of

    at most 1 - (1 - p_c)^m,    at least 1 - Σ_k 1/(1 + m SNR²_ck),                                                 (33)

the first as ξ_k - ξ_c = Σ 1{y=k} x̄·v_c >= 0 if no target is c, the second by Cantelli's inequality. So m is at least
about 3/p_c for a probability of 0.95: it grows like the number of answers, on every chain and at every T. In between
lies what sums of many S do, which are normal:

    m ≈ z²/SNR²_ck for one rival, z = 1.645.                                                                        (34)

Where E[S] < 0 for some k no number of samples is enough.

Source: this project; Chen, Bruna, Bietti (ICLR 2025), gradient noise.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, NamedTuple, TypeAlias

import numpy as np
from annotated_types import MinLen
from numpy.typing import NDArray
from scipy.special import ndtri

from theory.arguments import MAY_HAVE_NAN, Count, Natural, OpenProbability, Shape, checked
from theory.arrays import Floats
from theory.law import AnyLaw, as_law, as_token
from theory.task import RealNumber

from .between_triggers import token_laws
from .counts import count_moments
from .margins import require_other_tokens

MOST = 2**14
"""Most samples whose sums are convolved."""
_TILTS = np.exp(np.linspace(math.log(1e-3), math.log(4), 120))
"""θ of (31): any gives a bound."""
_NEGLIGIBLE = 1e-5
"""A chance of a wrong sign below it is not convolved, but bounded."""

Rivals: TypeAlias = Natural | Annotated[Sequence[Natural], MinLen(1)]
Signals: TypeAlias = Annotated[Floats, Shape("M M"), MAY_HAVE_NAN]


@checked
class SampleBracket(NamedTuple):
    """`too_few` samples are not enough, `enough` are; None where no number is known."""

    too_few: Natural
    enough: Count | None


@dataclass(frozen=True, eq=False)
class NoiseSteps:
    """P(W = 2, 1, -1, -2) of (30) for every token j that occurs and every k that is no noise, shape (4, J, K).

    Attributes:
        chances: those.   preceding: the tokens j.
    """

    chances: Floats
    preceding: NDArray[np.int64]

    @classmethod
    def of(cls, law: AnyLaw) -> "NoiseSteps":
        """By (30); s is the most frequent noise token.

        Raises:
            ValueError: a noise law that leaves no token out.
        """
        law = as_law(law).in_floats
        noisy = require_other_tokens(law)
        last, s = token_laws(law).last, int(np.argmax(law.noise))
        average = law.answers @ last
        pairs = ((1 - law.alpha) * law.answers)[:, None] * last + (law.alpha * law.noise)[:, None] * average  # [k, j]
        preceding = np.flatnonzero(average > 0).astype(np.int64)
        both, single = pairs[:, preceding].T, law.output[None] - pairs[:, preceding].T  # [j, k]
        shape = both[:, ~noisy].shape
        own = [np.broadcast_to(part[:, s, None], shape) for part in (both, single)]
        return cls(np.array([*own, single[:, ~noisy], both[:, ~noisy]]), preceding)

    @property
    def means(self) -> Floats:
        """E W, shape (J, K)."""
        return np.asarray(np.tensordot([2.0, 1.0, -1.0, -2.0], self.chances, 1))

    @cached_property
    def exponents(self) -> Floats:
        """log min_θ E e^{-θW} of (31), never above 0, shape (J, K)."""
        two, one, minus, both = self.chances
        least = np.zeros_like(two)
        for tilt in _TILTS:
            lift = two * math.expm1(-2 * tilt) + one * math.expm1(-tilt)
            least = np.minimum(least, lift + minus * math.expm1(tilt) + both * math.expm1(2 * tilt))
        return np.asarray(np.log1p(least))

    def bounds(self, samples: int) -> Floats:
        """(min_θ E e^{-θW})^m of (31), shape (J, K)."""
        return np.asarray(np.exp(samples * self.exponents))

    def tails(self, samples: int, chosen: NDArray[np.bool_]) -> Floats:
        """P(Σ W <= 0) for the chosen pairs (a mask over (J, K)), by the transform of the law of W."""
        size = 1 << (4 * samples + 1).bit_length()
        wave = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
        values = np.stack([wave**2, wave, wave.conj(), wave.conj() ** 2])
        transform = 1 + self.chances[:, chosen].T @ (values - 1)
        law = np.fft.irfft(_power(transform, samples), n=size)
        return np.asarray(np.clip(law[:, 0] + law[:, size - 2 * samples :].sum(axis=1), 0, 1))

    def most_failures(self, samples: int, limit: float) -> float:
        """At most `limit` if (31) proves at most that for every j, else more: the first such number that is found."""
        bounds, largest = self.bounds(samples), 0.0
        for j in np.argsort(-bounds.sum(axis=1)):
            if bounds[j].sum() <= max(limit, largest) or largest > limit:
                break
            chosen = np.zeros(bounds.shape, dtype=np.bool_)
            chosen[j] = bounds[j] > _NEGLIGIBLE
            largest = max(largest, float(self.tails(samples, chosen).sum() + bounds[j][~chosen[j]].sum()))
        return largest if largest > 0 else float(bounds.sum(axis=1).max())

    def least_failures(self, samples: int) -> float:
        """The largest lower bound of (31) among the pairs with the largest upper ones."""
        bounds = self.bounds(samples)
        return float(self.tails(samples, bounds >= np.sort(bounds, axis=None)[-min(8, bounds.size)]).max())


@checked
def noise_samples(law: AnyLaw, rate: OpenProbability = 0.95) -> SampleBracket:
    """Samples for the right sign of the feed-forward noise margin with probability `rate`, on every sequence.

    `enough` are enough for each test sequence (j, q), by (31); with `too_few` the sign is right less often on some.
    For several noise tokens the step asked for is that the largest of them leads, and `too_few` is 0.

    Raises:
        ValueError: rate outside (0, 1), or a noise law that leaves no token out.
    """
    steps = NoiseSteps.of(law)
    if (steps.means <= 0).any():
        return SampleBracket(0, None)
    enough = _least(lambda m: bool(steps.most_failures(m, 1 - float(rate)) <= 1 - float(rate)), MOST)
    single = int((as_law(law).noise > 0).sum()) == 1
    few = _least(lambda m: bool(steps.least_failures(m) <= 1 - float(rate)), enough or MOST) if single else 1
    return SampleBracket(few - 1 if few else MOST, enough)


def _power(base: NDArray[np.complex128], exponent: int) -> NDArray[np.complex128]:
    """By squaring: numpy takes logarithms where the exponent is large."""
    found = np.ones_like(base)
    while exponent:
        if exponent & 1:
            found *= base
        base, exponent = base * base, exponent >> 1
    return found


def _least(holds: Callable[[int], bool], most: int) -> int | None:
    """A number at which it holds, and not at the one before, by doubling and bisection; None if above `most`."""
    high = 1
    while not holds(high):
        if high >= most:
            return None
        high = min(2 * high, most)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


@checked
def answer_signals(law: AnyLaw) -> Floats:
    """SNR² of (32) with the sign of E[S], shape (M, M), first index the answer c, second the rival k; NaN at k = c.

    NaN, too, where S does not vary.
    """
    law = as_law(law).in_floats
    moments, length, M = count_moments(law), law.T, law.M
    end = np.eye(M)[law.q]
    weights = (2 * moments.mean + end) / length**2  # x̄·v_c = Σ_a weights[c, a] C_a + that of z_T
    first = moments.mean @ weights.T + (moments.mean[:, law.q] + 1) / length**2  # [c', c]
    second = np.einsum("ca,xab,cb->xc", weights, moments.covariance, weights, optimize=True) + first**2
    own, noisy = (1 - law.alpha) * law.answers[:, None], law.alpha * law.noise[:, None]
    one, two = (own * part + noisy * (law.answers @ part) for part in (first, second))
    mean = np.diagonal(one)[:, None] - one.T
    variance = np.diagonal(two)[:, None] + two.T - mean**2
    np.fill_diagonal(variance, 0)
    found: Floats = np.divide(mean * np.abs(mean), variance, out=np.full((M, M), np.nan), where=variance > 0)
    return found


@checked
def answer_samples(
    law: AnyLaw,
    correct: Natural,
    rate: OpenProbability = 0.95,
    rivals: Rivals | None = None,
    signals: Signals | None = None,
) -> SampleBracket:
    """Samples for answer c to lead all rivals at the expected test input with probability `rate`, by (33).

    Args:
        law: the law (or task).
        correct: c.
        rate: in (0, 1).
        rivals: tokens that c is to lead; None is all that are no noise.
        signals: `answer_signals(law)`, if at hand.

    Returns:
        `enough` is None if the population step itself ranks a rival first, or c is no target.

    Raises:
        TypeError, ValueError: a token that is none of the law's, rate outside (0, 1), or a noise law that leaves no
            token out.
    """
    law = as_law(law).in_floats
    correct = as_token("correct", correct, law.M)
    noisy = require_other_tokens(law)
    others = np.flatnonzero(~noisy)
    if rivals is not None:
        named = [rivals] if isinstance(rivals, int) else rivals
        others = np.array([as_token("rivals", k, law.M) for k in named], dtype=np.int64)
    known = answer_signals(law) if signals is None else signals
    if len(known) != law.M:
        raise ValueError(f"signals must have shape (M, M) = {(law.M, law.M)}, got {known.shape}")
    signal = known[correct, others[others != correct]]
    chance = float(law.output[correct])
    if not 0 < chance < 1:
        return SampleBracket(0, None)
    few = max(0, math.ceil(math.log(1 - float(rate)) / math.log1p(-chance)) - 1)
    if not (signal > 0).all():
        return SampleBracket(few, None)
    return SampleBracket(few, _least(lambda m: bool((1 / (1 + m * signal)).sum() <= 1 - float(rate)), 2**62))


@checked
def samples_for_one_rival(signal: RealNumber, rate: OpenProbability = 0.95) -> float:
    """m of (34) for one pair's SNR², at any rate in (0, 1); infinite where the signal is not positive."""
    if signal <= 0:
        return math.inf
    with np.errstate(over="ignore"):
        found = float(ndtri(float(rate)) ** 2 / float(signal))
    if math.isinf(found):
        raise ValueError(f"signal must be large enough for a number of samples within the floats, got {signal!r}")
    return found
