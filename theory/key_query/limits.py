"""Leading orders of the key-query step for long sequences, derived from the exact formulas.

For fixed N and 0 < α < 1 the geometric powers in K vanish exponentially with T, which leaves a polynomial of degree 3
in 1/T whose coefficients are rational functions of N and α. Its expansions in 1/N, at fixed α and at fixed x = αN, and
the roots of its contrasts as series in a power of 1/N, are computed here by exact series arithmetic, not fitted.

Source: this project; the leading terms at fixed α are those of Chen, Bruna, Bietti (ICLR 2025).
"""

from functools import cache
from typing import Annotated, Any, NamedTuple, TypeAlias

import sympy
from annotated_types import Ge, Le

from theory.arguments import Convert, checked, one_of
from theory.evaluation import N, alpha, factored, ring_element, symbolic_numbers
from theory.scalars import out_of_range, wrong_kind

from .phase_diagram import CONTRASTS, Contrast
from .step import KEY_CLASSES, KeyQuery, Parts, combine

x, s = sympy.symbols("x s", positive=True)
"""x = αN; s, the small parameter of a series."""

Order: TypeAlias = Annotated[int, Ge(0), Le(3)]
Terms: TypeAlias = Annotated[int, Ge(1), Le(12)]
Root: TypeAlias = Annotated[int, Ge(1), Le(12)]


def _as_rational_function(name: str, value: Any) -> sympy.Expr:
    what = "a rational function of N and alpha"
    if not isinstance(value, sympy.Expr):
        raise wrong_kind(name, what, value)
    if not value.free_symbols <= {N, alpha} or not value.is_rational_function(N, alpha):
        raise out_of_range(name, what, value)
    return value


Rational: TypeAlias = Annotated[sympy.Expr, Convert(_as_rational_function, "a rational function of N and alpha")]


@checked
class Expansion(NamedTuple):
    """Σ_i coefficients[i] · ε^(exponent + i) + O(ε^(exponent + len(coefficients))), ε the small parameter."""

    exponent: int
    coefficients: tuple[sympy.Expr, ...]


@checked
def long_sequence_parts(name: Annotated[str, one_of((*KEY_CLASSES, *CONTRASTS))], order: Order = 0) -> Parts:
    """Coefficients of T^(-order) in A and C of one class, or of a contrast, geometric powers left out.

    Args:
        name: one of `KEY_CLASSES`, or a contrast of `phase_diagram`.
        order: 0 for the limit T → ∞, up to 3.

    Returns:
        Parts of two sympy expressions in N and alpha, numerators and denominators factored.
    """
    parts = combine(_stationary(), CONTRASTS[name]) if name in CONTRASTS else _stationary()[name]
    return Parts(*(_coefficient(part, 3 - order) for part in parts))


@cache
def _stationary() -> dict[str, Parts]:
    parts = KeyQuery(*symbolic_numbers(stationary=True)).scaled_parts
    return {name: Parts(*map(ring_element, part)) for name, part in parts.items()}


def _coefficient(polynomial: object, power: int) -> sympy.Expr:
    terms = polynomial.terms() if polynomial else []  # type: ignore[attr-defined]
    return sum((factored(coefficient) for (t, *_), coefficient in terms if t == power), sympy.Integer(0))


@checked
def fixed_noise_expansion(expression: Rational, terms: Terms) -> Expansion:
    """A rational function of N and alpha in powers of ε = 1/N at fixed alpha."""
    return expand(expression.subs(N, 1 / s), terms)


@checked
def scaled_noise_expansion(expression: Rational, terms: Terms) -> Expansion:
    """A rational function of N and alpha in powers of ε = 1/N at fixed x = αN."""
    return expand(expression.subs(alpha, x / N).subs(N, 1 / s), terms)


def expand(expression: sympy.Expr, terms: int) -> Expansion:
    """Laurent series in s of a rational function, `terms` >= 1 coefficients, by power-series division."""
    quotient = sympy.fraction(sympy.cancel(sympy.together(expression)))
    (first, top), (last, bottom) = (_ascending(part, terms) for part in quotient)
    found: list[sympy.Expr] = []
    for i in range(terms):
        rest = top[i] - sum(found[j] * bottom[i - j] for j in range(i))
        found.append(sympy.factor(sympy.cancel(rest / bottom[0])))
    return Expansion(first - last, tuple(found))


def _ascending(polynomial: sympy.Expr, terms: int) -> tuple[int, list[sympy.Expr]]:
    """The lowest power of s and the coefficients from there on."""
    found = sympy.Poly(polynomial, s)
    lowest = min(power for (power,), _ in found.terms())
    return lowest, [found.coeff_monomial(s ** (lowest + i)) for i in range(terms)]


@checked
def threshold_series(contrast: Contrast, root: Root, terms: Terms) -> tuple[sympy.Expr, ...]:
    """(u_0, u_1, …): at uniform p and T → ∞ a contrast vanishes at α = s (u_0 + u_1 s + …), s = N^(-1/root).

    By Newton's method on power series, from the one positive root u_0 of the leading coefficient.

    Args:
        contrast: a contrast of `phase_diagram`.
        root: 3 for "attends", 2 for "avoids": the scaling at which two terms of the contrast balance.
        terms: number of coefficients, >= 1.

    Raises:
        ValueError: the contrast has no, or more than one, balance at this scaling.
    """
    parts, u = long_sequence_parts(contrast), sympy.Symbol("u")
    balance = parts.at(alpha - 1 / (N + 1)).subs(alpha, s * u).subs(N, s**-root)
    numerator = sympy.Poly(sympy.fraction(sympy.cancel(sympy.together(balance)))[0], s)
    _, orders = _ascending(numerator.as_expr(), terms)
    positive = [value for value in sympy.real_roots(sympy.Poly(orders[0], u)) if value > 0]
    if len(positive) != 1 or sympy.diff(orders[0], u).subs(u, positive[0]) == 0:
        raise ValueError(f"root={root} gives no simple balance for contrast={contrast!r}")
    series, slope = positive[0], sympy.diff(orders[0], u).subs(u, positive[0])
    for order in range(1, terms):
        residual = sympy.expand(sum(p.subs(u, series) * s**i for i, p in enumerate(orders)))
        series -= residual.coeff(s, order) / slope * s**order
    return tuple(sympy.nsimplify(sympy.expand(series).coeff(s, i)) for i in range(terms))


@checked
def turning_expansion(contrast: Contrast, terms: Terms) -> Expansion:
    """α - π* = -A/C of a contrast for T → ∞, in powers of 1/N at fixed α."""
    parts = long_sequence_parts(contrast)
    return fixed_noise_expansion(-parts.in_context / parts.noise, terms)
