"""Rational functions on FLINT's polynomials: the operations of a field, in lowest terms, as sympy has them."""

from fractions import Fraction

import pytest
import sympy

from theory.evaluation import field_element, ring_element, symbolic_numbers, to_expression
from theory.quotients import Quotient, as_quotient, variables

n, a, length, x, y = variables()
FIELD = sympy.QQ.frac_field(*sympy.symbols("N alpha T X Y"))
CASES = [
    lambda n, a, t, x, y: (1 - a) / n + x / (n * n - 1) - Fraction(2, 3) * y**2,
    lambda n, a, t, x, y: (n**2 - 1) / (n + 1) / (a - 1) * t,
    lambda n, a, t, x, y: (1 / (n - a) - 1 / (n + a)) ** 3,
    lambda n, a, t, x, y: 3 - (a - n) ** -2 + 0 * t,
    lambda n, a, t, x, y: -(x + y) / (2 * x - 2 * y),
]


@pytest.mark.parametrize("formula", CASES)
def test_they_are_those_of_sympy(formula):
    found = formula(n, a, length, x, y)
    assert field_element(found) == formula(*FIELD.gens)
    assert found.denom.leading_coefficient() > 0 and found.numer.gcd(found.denom) == 1


def test_equality_is_that_of_functions():
    assert (n * n - 1) / (n - 1) == n + 1 and n / n == 1 and n - n == 0 and not n - n
    assert a / 2 == Fraction(1, 2) * a and a != n and (a == "alpha") is False
    assert 1 / (1 - n) == -1 / (n - 1) and as_quotient(Fraction(-3, 6)) == Fraction(-1, 2)
    with pytest.raises(TypeError, match="unhashable"):
        hash(n)
    with pytest.raises(ZeroDivisionError):
        n / (a - a)


def test_powers_of_the_chain_and_what_vanishes_in_long_sequences():
    N, _, alpha, power = symbolic_numbers()
    assert power(-1 / N, 0) == x and power(1 - alpha - 1 / N, 0) == y
    _, _, _, limit = symbolic_numbers(stationary=True)
    assert limit(-1 / N, 0) == limit(1 - alpha - 1 / N, 0) == 0
    with pytest.raises(ValueError, match="ratio must be -1/N or 1 - alpha - 1/N, got"):
        power(1 / N, 0)


def test_polynomials_in_the_length_have_their_coefficients():
    element = ring_element((length**2 * n + x) / (1 + a))
    coefficients = {powers: str(value) for powers, value in element.terms()}
    assert coefficients == {(2, 0, 0): "N/(alpha + 1)", (0, 1, 0): "1/(alpha + 1)"}
    assert isinstance(length + 1, Quotient)
    with pytest.raises(ValueError, match="value must be a polynomial in T, X and Y, got the denominator T"):
        ring_element(1 / length)
    with pytest.raises(ValueError, match="value must be a sum over powers of T, X and Y, got the denominator T - X"):
        to_expression(1 / (length - x))
