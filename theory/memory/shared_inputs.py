"""The associative memory whose inputs share a component: which singular space of the weight is on top.

Inputs x_i = e_i + γ e_0, i = 1..n, with e_0..e_n orthonormal, outputs orthonormal. Gradient descent from zero keeps W
in the span of the inputs, so W = L (XᵀX)⁻¹ Xᵀ with X = [x_1 … x_n] and L = W X the logits. XᵀX = 1 + γ² 11ᵀ has the
eigenvalue 1 on what is orthogonal to the all-ones vector 1 and 1 + nγ² on 1. Let L have the three values a (correct),
b (other), s (noise) with a + (n-1) b + s = 0, D = a - b. On the space orthogonal to 1, L is D times an isometry;
L 1/√n has length √(n+1) |s|. So the singular values of W are

    D, n-1 times, and √(n+1) |s| / √(1 + nγ²).                                                                     (10)

The shared component lets a smaller weight carry the noise. Once the outputs' probabilities are fitted,
s = ((n-1) D + n log(α/(1-α))) / (n+1) for any γ, as this relation is about logits alone. So as D grows the noise is on
top of W if (n-1)² > (n+1)(1 + nγ²), that is

    γ² < (n-3)/(n+1).                                                                                              (11)

and not if γ² is larger; at equality α decides. At γ = 0 this is T4.4, with equality at n = 3. At γ² >= 1 the correct
outputs are on top for every n: a truncation then removes the noise.

Source: this project, for Chen, Bruna, Bietti (ICLR 2025), the low-rank subspace that holds the noise.
"""

import math
from fractions import Fraction
from typing import NamedTuple

from theory.arguments import NonNegative, Size, checked
from theory.task import RealNumber


@checked
class SharedSpectrum(NamedTuple):
    """Equation (10): D, with multiplicity n-1, and the noise direction's singular value."""

    correct: float
    noise: float


@checked
def shared_spectrum(n: Size, spread: NonNegative, noise_logit: RealNumber, shared: NonNegative) -> SharedSpectrum:
    """Equation (10).

    Args:
        n: number of inputs, >= 2.
        spread: D = a - b, >= 0.
        noise_logit: s.
        shared: γ², >= 0.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range.
    """
    share = math.sqrt((n + 1) / (1 + n * Fraction(shared)))
    return SharedSpectrum(float(spread), share * abs(float(noise_logit)))


@checked
def largest_shared(n: Size) -> Fraction:
    """Equation (11): the γ² below which the noise is on top at late times and above which it is not; below 0 at n = 2.

    Raises:
        TypeError, ValueError: n no integer >= 2.
    """
    return Fraction(n - 3, n + 1)
