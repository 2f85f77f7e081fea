"""Exact root counts of contrasts as polynomials in the noise level (Sturm's theorem, through sympy)."""

from fractions import Fraction
from typing import Any

import sympy

from theory.evaluation import alpha, symbolic_numbers
from theory.key_query.phase_diagram import CONTRASTS
from theory.key_query.step import KeyQuery, combine
from theory.one_step.gradients import EntryMoments
from theory.one_step.margins import contrasts_from
from theory.quotients import NAMES, as_quotient, monomials


def threshold_roots(N: int, T: int) -> list[int]:
    """Number of roots in (0, 1] of (ξ_τ - ξ_k)/η as a function of α, for every pair (z_{T-1}, k) that can occur.

    A contrast that is negative near 0, positive at 1 and has one root changes sign once; so does the least of them.
    """
    _, _, level, _ = symbolic_numbers()
    moments = EntryMoments("feed_forward", as_quotient(N), T, level)
    counts = []
    for value in contrasts_from(moments.mean, N, has_noise=T > 2).values():
        numerator = _polynomial(as_quotient(value).numer)
        counts.append(int(numerator.count_roots(0, 1)))
    return counts


def copying_roots(N: int, T: int) -> tuple[int, int]:
    """Number of noise levels in [0, 1] at which the copying entry G_V[k,E(k)] vanishes, and its derivative in α."""
    _, _, level, _ = symbolic_numbers()
    value = EntryMoments("attention_value", as_quotient(N), T, level).mean(("k", "E(k)"))
    numerator, denominator = _polynomial(value.numer), _polynomial(value.denom)
    slope = numerator.diff(alpha) * denominator - numerator * denominator.diff(alpha)
    return int(numerator.count_roots(0, 1)), int(slope.count_roots(0, 1))


def key_query_roots(N: int, T: int, contrast: str, absorbed: bool) -> int:
    """Number of noise levels in the open interval (0, 1) at which a contrast of K vanishes, at absorbed or uniform p.

    Factors α and 1 - α, with which a contrast may vanish at the ends, are divided out first.
    """
    _, _, level, _ = symbolic_numbers()
    parts = combine(KeyQuery(as_quotient(N), T, level).scaled_parts, CONTRASTS[contrast])
    value = parts.in_context if absorbed else parts.at(level - Fraction(1, N + 1))
    numerator = _polynomial(as_quotient(value).numer)
    for end, factor in ((0, sympy.Poly(alpha, alpha)), (1, sympy.Poly(1 - alpha, alpha))):
        while numerator.eval(end) == 0:
            numerator = numerator.quo(factor)
    return int(numerator.count_roots(0, 1))


def _polynomial(part: Any) -> sympy.Poly:
    """A polynomial in the noise level alone, as sympy's."""
    place = NAMES.index("alpha")
    return sympy.Poly.from_dict({(powers[place],): number for powers, number in monomials(part).items()}, alpha)
