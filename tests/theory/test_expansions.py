"""Expansions in 1/N: terms that grow with N as well as terms that fall, against exact limits of what they leave."""

import pytest
import sympy

from theory.evaluation import N, alpha
from theory.key_query.limits import expand, fixed_noise_expansion, long_sequence_parts, s, scaled_noise_expansion, x

GROWING = {
    "polynomial": (alpha * N**2 + 3 * N - alpha, -2, [alpha, 3, -alpha, 0]),
    "one growing term": (N + 1 / N, -1, [1, 0, 1, 0]),
    "geometric": (N**3 / (N - alpha), -2, [1, alpha, alpha**2, alpha**3]),
    "constant first": ((N - 1) / (N + 1), 0, [1, -2, 2, -2]),
    "falling": (alpha / (N * (N + 1)), 2, [alpha, -alpha, alpha, -alpha]),
}


@pytest.mark.parametrize(("expression", "exponent", "coefficients"), GROWING.values(), ids=GROWING.keys())
def test_known_expansions(expression, exponent, coefficients):
    found = fixed_noise_expansion(expression, 4)
    assert found.exponent == exponent
    assert [sympy.simplify(a - b) for a, b in zip(found.coefficients, coefficients, strict=True)] == [0] * 4


FUNCTIONS = {name: value[0] for name, value in GROWING.items()}
FUNCTIONS["quotient"] = (alpha * N + 1) ** 3 / ((1 - alpha) * N + 2)
FUNCTIONS["1/K[P(q)]"] = 1 / long_sequence_parts("P(q)").in_context


@pytest.mark.parametrize("expansion", [fixed_noise_expansion, scaled_noise_expansion])
@pytest.mark.parametrize("expression", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_what_is_left_is_of_the_next_order(expression, expansion):
    """expression = Σ_i c_i ε^(e+i) + O(ε^(e+n)) with c_0 ≠ 0; and more terms continue fewer."""
    level = alpha if expansion is fixed_noise_expansion else x / N
    longer = expansion(expression, 4)
    assert longer.coefficients[0] != 0
    for terms in (1, 2, 3):
        found = expansion(expression, terms)
        assert found.exponent == longer.exponent
        assert found.coefficients == longer.coefficients[:terms]
        partial = sum(c * s ** (found.exponent + i) for i, c in enumerate(found.coefficients))
        left = (expression.subs(alpha, level).subs(N, 1 / s) - partial) / s ** (found.exponent + terms)
        assert sympy.simplify(sympy.cancel(sympy.together(left)).subs(s, 0) - longer.coefficients[terms]) == 0


def test_the_terms_of_the_gradient_that_grow_in_reciprocal():
    """K[P(q)] in context falls like N⁻³ (1-α)⁴, so that its reciprocal grows like N³."""
    found = expand(1 / long_sequence_parts("P(q)").in_context.subs(N, 1 / s), 1)
    assert found.exponent == -3
    assert sympy.simplify(found.coefficients[0] * (1 - alpha) ** 4) == 1


def order_left(contrast, root, series):
    """The power of s = N^(-1/root) with which a contrast at uniform p begins at α = s (u_0 + u_1 s + …), T → ∞."""
    level = sum(sympy.sympify(u) * s ** (i + 1) for i, u in enumerate(series))
    value = long_sequence_parts(contrast).at(alpha - 1 / (N + 1)).subs(alpha, level).subs(N, s**-root)
    return expand(value, 1).exponent


@pytest.mark.parametrize(
    ("contrast", "root", "series"),
    [("attends", 3, [1, 0, -1, 1]), ("avoids", 2, [1, -sympy.Rational(1, 2), -sympy.Rational(1, 8)])],
)
def test_series_of_the_levels(contrast, root, series):
    """Equations (12) and (17): each term of α_c and α_τ makes the contrast smaller by an order; 5 % off, none does."""
    first = order_left(contrast, root, [2])
    for terms in range(1, len(series) + 1):
        assert order_left(contrast, root, series[:terms]) >= first + terms
        off = sympy.Rational(1, 20)
        assert order_left(contrast, root, [*series[: terms - 1], series[terms - 1] + off]) == first + terms - 1


def test_leading_terms_of_the_reversal():
    """Equation (18): K[E(k)] - K[E(τ)] at absorbed p, next to both of its levels; in sympy's exact series."""
    for level, order, power, stated in (
        (x / N**2, 0, 4, 1 - x),
        (x / N**2, 1, 2, sympy.Integer(-2)),
        (1 - x / N, 0, 9, 3 * x**4 * (1 - x)),
    ):
        found = expand(long_sequence_parts("avoids", order).in_context.subs(alpha, level).subs(N, 1 / s), 1)
        assert found.exponent == power
        assert sympy.expand(found.coefficients[0] - stated) == 0
