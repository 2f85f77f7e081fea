"""Exact root counts of margin contrasts as polynomials in the noise level (Sturm's theorem, through sympy)."""

import sympy

from theory.evaluation import alpha
from theory.gradients import EntryMoments
from theory.margins import contrasts_from


def threshold_roots(N: int, T: int) -> list[int]:
    """Number of roots in (0, 1] of (ξ_τ - ξ_k)/η as a function of α, for every pair (z_{T-1}, k) that can occur.

    A contrast that is negative near 0, positive at 1 and has one root changes sign once; so does the least of them.
    """
    field = sympy.QQ.frac_field(alpha)
    moments = EntryMoments("feed_forward", field(N), T, field.gens[0])
    counts = []
    for value in contrasts_from(moments.mean, N, has_noise=T > 2).values():
        numerator = sympy.Poly(field.convert(value).numer.as_expr(), alpha)
        counts.append(int(numerator.count_roots(0, 1)))
    return counts
