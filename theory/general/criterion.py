"""What the first key-query step at uniform p looks at: frequent tokens. The criterion, and what it leaves out.

Entry a of K = κ C + R, equation (11), has C[a] = Σ_c ρ_c Σ_c[a, ·] μ. Written out, with x̄ the mean of one sequence,

    C[a] = E[(1/T) Σ_t 1{a ∈ x_t} (μ·x_t - μ·x̄)],                                                              (35)

the covariance, within sequences, of "a is here" with how frequent the position's own token and the one before it are.
As κ >= 0, the step looks at positions whose tokens are frequent. It is the noise row of G_V at work: κ C is the part of
K - K(absorbed) = Σ_c ρ_c Σ_c G_Vᵀ(p_y - 1/M) that all answers share, and with uniform answers G_Vᵀ(p_y - 1/M) is
α Σ_k ν_k G_V[k, ·]. In terms of first moments

    C = C⁰ - Σ_c ρ_c Cov(n, n·μ | c)/T²,   C⁰[a] = Σ_c ρ_c μ_c[a] (E[μ·x_t | a ∈ x_t, c] - μ·μ_c),                 (36)

where the covariance over sequences is of order 1/T. For T → ∞, with f_c the stationary law given c and f = Σ_c ρ_c f_c,

    C[E(a)] → Σ_c ρ_c f_c[a] (f[a] + E[f(z_{t-1}) | z_t = a, c] - 2 f·f_c),
    C[P(a)] → Σ_c ρ_c f_c[a] (f[a] + E[f(z_{t+1}) | z_t = a, c] - 2 f·f_c).                                    (37)

On a large uniform chain the noise is rarer than other tokens, f_τ ≈ α/N, and both C[E(τ)] and C[P(q)] are about
-α(1-α)/N². Where the trigger is frequent, so is what follows it, and both are positive. f is the mixture of the f_c. It
is not the stationary law of the chain with row q averaged, which weights them by the mean distance of two triggers:

    law of the averaged chain ∝ Σ_c ρ_c f_c / f_c[q].                                                          (38)

**What is left out.** With h_c = (1-α)(p_y[c] - ρ·p_y), whose mean over the answers is 0,

    R = Σ_c ρ_c Σ_c r_c,   r_c = h_c μ + Σ_b ρ_b h_b μ_b + (1-α)² [ρ_c (μ_c - μ) - Σ_b ρ_b² (μ_b - μ)].            (39)

The last part is copying, the first two say that some answers are likelier outputs than others. Copying is always there
at P(q): the token after q is c with probability 1-α, and where c is the answer, it is more frequent by about (1-α) f_q;

    R[P(q)] = (1-α)⁴ |ρ|² f_q² + smaller terms at small frequencies.                                           (40)

A covariance is at most the product of the standard deviations, so is its mean over sequences, and for a direction d

    |d·R| <= B(d) = Σ_c ρ_c (dᵀΣ_c d · r_cᵀΣ_c r_c)^(1/2),   sign d·K = sign d·C wherever κ |d·C| > B(d).           (41)

With one noise token and uniform answers κ = α² (1 - 1/M), and r_c is of order (1-α)/M: the criterion is sure where α² M
is large. For noise spread over many tokens κ = α² (|ν|² - 1/M) may be as small as R, and then it is not.

Source: this project.
"""

import math
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from theory.arguments import Shape, checked
from theory.arrays import Floats
from theory.law import UNIT, AnyLaw, Law, rational_law
from theory.scalars import shown

from .key_query import WithinSequences


@checked
@dataclass(frozen=True)
class Attraction:
    """How much the first key-query step at uniform p looks at one direction d of keys.

    Attributes:
        gradient: d·K.   frequency: κ d·C.
        leading: κ d·C⁰ of (36), from first moments alone.   copying: the term (40) of d·R.
        bound: B(d) of (41), and the rounding errors: |gradient - frequency| is at most that.
    """

    gradient: float
    frequency: float
    leading: float
    copying: float
    bound: float

    @property
    def predicted(self) -> float:
        """The leading order of d·K: frequency and copying."""
        return self.leading + self.copying

    @property
    def is_decided(self) -> bool:
        """Whether the sign of `frequency` is proved to be that of `gradient`."""
        return abs(self.frequency) > self.bound


@checked
@dataclass(frozen=True)
class Criterion:
    """What decides where the first key-query step at uniform p looks.

    Attributes:
        strength: κ.
        noise: attraction of the noise, Σ_k ν_k K[E(k)].
        follower: attraction of what follows the trigger, K[P(q)].
    """

    strength: float
    noise: Attraction
    follower: Attraction


def noise_direction(law: Law) -> Floats:
    """d with d·K = Σ_k ν_k K[E(k)], shape (2M,)."""
    return np.concatenate([law.in_floats.noise, np.zeros(law.M)])


def follower_direction(law: Law) -> Floats:
    """d with d·K = K[P(q)], shape (2M,)."""
    direction: Floats = np.eye(2 * law.M)[law.M + law.q]
    return direction


@checked
def criterion(law: AnyLaw) -> Criterion:
    """The criterion of a law at uniform p, with the exact gradient that it is about.

    Raises:
        TypeError: neither a task nor a law.
    """
    law = rational_law(law, exact=False)
    noise, follower = attractions(law, np.stack([noise_direction(law), follower_direction(law)]))
    return Criterion(float(((law.output - 1 / law.M) ** 2).sum()), noise, follower)


@checked
def attractions(law: AnyLaw, directions: Annotated[Floats, Shape("D 2M")]) -> list[Attraction]:
    """Of each row of `directions`, shape (D, 2M), in the order of K's entries.

    Raises:
        TypeError: neither a task nor a law.   ValueError: directions of another shape.
    """
    law = rational_law(law, exact=False)
    if directions.shape[1] != 2 * law.M:
        raise ValueError(f"directions must have shape (D, {2 * law.M}), got {directions.shape}")
    inside = WithinSequences.of(law)
    first_order = replace(inside, moments=replace(inside.moments, covariance=0 * inside.moments.covariance))
    strength, average = ((law.output - 1 / law.M) ** 2).sum(), law.answers @ inside.means
    everywhere = np.repeat(average[None], law.M, axis=0)
    frequency = strength * (law.answers @ inside.applied(everywhere))
    leading = strength * (law.answers @ first_order.applied(everywhere))
    rest = answer_parts(law, inside.means)
    applied = inside.applied(rest)
    gradient = frequency + law.answers @ applied
    spread = np.sqrt(np.maximum((rest * applied).sum(axis=1), 0))
    copying = (1 - law.alpha) ** 4 * (law.answers**2).sum() * average[law.M + law.q] ** 2
    found = []
    for direction in np.ascontiguousarray(directions):
        with np.errstate(over="ignore", invalid="ignore"):
            own = inside.seen(np.repeat(direction[None], law.M, axis=0)) @ direction
            size = float(np.abs(direction).sum())
            spread_along = float(law.answers @ (np.sqrt(np.maximum(own, 0)) * spread))
            parts = dict(
                gradient=float(gradient @ direction),
                frequency=float(frequency @ direction),
                leading=float(leading @ direction),
                copying=float(copying * direction[law.M + law.q]),
                bound=spread_along + size * gradient_rounding(law),
            )
        if not all(map(math.isfinite, parts.values())):
            raise ValueError(f"directions must be small enough for a result within the floats, got {shown(direction)}")
        found.append(Attraction(**parts))
    return found


def answer_parts(law: Law, means: Floats) -> Floats:
    """r_c of (39) from μ_c, shape (M, 2M) both."""
    ahead = (1 - law.alpha) * (law.output - law.answers @ law.output)  # h_c
    average = law.answers @ means
    own = means - average
    copying = law.answers[:, None] * own - law.answers**2 @ own
    parts: Floats = ahead[:, None] * average + (law.answers * ahead) @ means + (1 - law.alpha) ** 2 * copying
    return parts


def gradient_rounding(law: Law) -> float:
    """Bound on the rounding error of every entry of K and of its parts.

    With moments off by e (`CountMoments.rounding`) and weights w = μ_b, |w|₁ <= 2, the terms of (9) are off by e, 3e,
    4e and 2e, and by 4e for w itself: rows of |Σ_c| sum to at most 4, as a position has two features. With |s_b·s_c|
    at most 1 that makes 14 e. Four nested sums of 2M products, of numbers whose sizes sum to at most 10, add
    40 (2M + 5) u.
    """
    return 14 * WithinSequences.of(law).moments.rounding + 40 * (2 * law.M + 5) * UNIT / 2
