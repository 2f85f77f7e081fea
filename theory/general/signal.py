"""Signal against gradient noise on any law: SNR² = mean²/variance per sample and entry, what sets it, and its limits.

**The feed-forward noise entry.** At (s, E(q)) the per-sample gradient is 1{y=s} - 1/M, so that with p the law of y

    SNR²_F[s, E(q)] = (p_s - 1/M)²/(p_s (1 - p_s)) = p_s/(1 - p_s) · (1 - 1/(M p_s))²,                              (20)

whatever the chain and T.

**No entry has more.** Where an entry (k, a) of either gradient has a positive mean,

    SNR²[k, a] <= p_k/(1 - p_k).                                                                                    (21)

Proof: g = (1{y=k} - 1/M) f_a with f_a >= 0, so that 0 < E[g] <= E[1{y=k} g] <= √(p_k E[1{y=k} g²]) <= √(p_k E[g²]). So
a copying entry that attention reinforces is the weaker signal for every chain and T where p_k/(1-p_k) is below (20):
but for 1/M, where the noise is a more frequent target than k, that is beyond the level that (18) is about. The mean may
also be negative: an entry that is unlearned can be a strong signal, up to (1 - p_k)/p_k.

**What sets it.** Let k be no noise, u = (1-α) ρ_k, λ the lift of (25), v = Var(n_k | c=k)/E[n_k | c=k]² and σ = E[n_k²
| c=k]/E[n_k²]. Then for (k, E(k)) of attention's values

    SNR² = L/(1 + δ),  L = u x²/(1 + v),  x = 1 - 1/(M u λ),  δ = 1/(M² u σ) - 2/M - L,                             (22)

so that -2/M - u <= δ <= 1/(M² u σ). Three things set the signal: how frequent the answer is as a target (u), how much
more often it occurs where it is the answer (λ, by (26) about 1 + (1-α) r_k: a frequent trigger before a rare answer),
and how evenly it does (v, about 1/(T f_k[k]) for counts that scatter like independent ones: long contexts). Of the
chain nothing else remains than V of (16).

**When attention's is not the weaker.** In the limit u x² = u, v = 0, M → ∞, of a very frequent trigger, few answers and
long contexts, (22) is u/(1 - u), the bound (21), so that with A answers alike attention's is the stronger below

    α = 1/(A + 1),                                                                                                  (23)

the level at which the noise becomes the most frequent target, and the feed-forward margin positive by (18). With many
answers it is the stronger one, too, where p_s is near 1/M, at which (20) vanishes.

Source: this project; Chen, Bruna, Bietti (ICLR 2025), gradient noise.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import numpy as np

from theory.arguments import MAY_BE_INFINITE, MAY_HAVE_NAN, Count, Shape, checked
from theory.arrays import Floats, Table
from theory.law import AnyLaw, as_law
from theory.task import Layer

from .between_triggers import long_run_shares
from .counts import count_moments
from .gradients import gradient_mean, gradient_variance


@checked
def signal_to_noise(law: AnyLaw, layer: Layer) -> Floats:
    """SNR² per entry, (M, 2M), in floats; NaN where the gradient does not vary. Arguments as `gradient_mean`."""
    law = as_law(law)
    mean, variance = gradient_mean(law, layer), gradient_variance(law, layer)
    moving = variance > 8 * law.M * np.finfo(np.float64).eps * mean**2
    found: Floats = np.divide(mean**2, variance, out=np.full(mean.shape, np.nan), where=moving)
    return found


@checked
def noise_signal(law: AnyLaw) -> Table:
    """SNR² of the feed-forward entries (k, E(q)) for every k, (M,), by (20); exact where the law is.

    Raises:
        ValueError: exact, and a target that occurs always or never. In floats these are inf or NaN.
    """
    p = _output(law, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Table = (p - p.sum() / len(p)) ** 2 / (p * (1 - p))
    return found


@checked
def signal_bound(law: AnyLaw) -> Table:
    """p_k/(1-p_k) of (21), (M,); exact where the law is.

    Raises:
        ValueError: exact, and a target that occurs always. In floats that is inf.
    """
    p = _output(law, -1)
    with np.errstate(divide="ignore"):
        found: Table = p / (1 - p)
    return found


PerToken: TypeAlias = Annotated[Floats, Shape("M"), MAY_HAVE_NAN, MAY_BE_INFINITE]


def _output(law: AnyLaw, least: int) -> Table:
    """P(y = k), which divides exact numbers: above `least` and below 1."""
    known = as_law(law)
    if known.is_exact and not all(least < share < 1 for share in known.output):
        raise ValueError(f"law must give every target a probability below 1 and above {least} for an exact signal")
    return known.output


@checked
@dataclass(frozen=True, eq=False)
class CopyingSignal:
    """What sets the SNR² of (k, E(k)) by (22), for every token k, each of shape (M,).

    Attributes:
        target: u.   lift: λ.   spread: v.   background: 1/(M² u σ).   size: M.
    """

    target: PerToken
    lift: PerToken
    spread: PerToken
    background: PerToken
    size: Count

    @property
    def leading(self) -> Floats:
        """L."""
        with np.errstate(divide="ignore", invalid="ignore"):
            missing = 1 / (self.size * self.target * self.lift)
            signal: Floats = self.target * (1 - missing) ** 2 / (1 + self.spread)
        return signal

    @property
    def exact(self) -> Floats:
        """SNR² by (22); no approximation for tokens that are no noise."""
        leading = self.leading  # NaN for tokens that are no answer
        signal: Floats = leading / (1 + self.background - 2 / self.size - leading)
        return signal


@checked
def copying_signal(law: AnyLaw) -> CopyingSignal:
    """The parts of (22) from the moments of counts; NaN or infinite for tokens that are no answer or never occur."""
    law = as_law(law).in_floats
    moments = count_moments(law)
    counts = moments.mean + np.eye(law.M)[law.q]
    spread = moments.covariance[:, np.arange(law.M), np.arange(law.M)]
    own, square = np.diagonal(counts), np.diagonal(spread + counts**2)
    target = (1 - law.alpha) * law.answers
    with np.errstate(divide="ignore", invalid="ignore"):
        background = (law.answers @ (spread + counts**2)) / (square * target * law.M**2)
        return CopyingSignal(target, own / (law.answers @ counts), np.diagonal(spread) / own**2, background, law.M)


@checked
def limiting_copying_signal(law: AnyLaw) -> CopyingSignal:
    """The same for long contexts without moments of counts: λ by (26), v = 1/(T f_k[k]), no background."""
    law = as_law(law).in_floats
    shares = long_run_shares(law)
    own, target = np.diagonal(shares), (1 - law.alpha) * law.answers
    with np.errstate(divide="ignore", invalid="ignore"):
        return CopyingSignal(target, own / (law.answers @ shares), 1 / (law.T * own), 0 * own, law.M)
