"""Rational functions of N, alpha, T, X and Y in lowest terms, on the polynomials of FLINT, whose greatest common
divisors take a twentieth of the time of sympy's."""

from fractions import Fraction
from typing import Any

import flint

NAMES = ("N", "alpha", "T", "X", "Y")
_CONTEXT = flint.fmpz_mpoly_ctx.get(NAMES, flint.Ordering.lex)
_ONE = _CONTEXT.constant(1)


class Quotient:
    """numer/denom, polynomials with integer coefficients and without a common divisor; the leading one of denom is > 0.

    Sums, products and quotients with each other, integers and Fractions; powers with integer exponents.
    """

    __slots__ = ("denom", "numer")

    def __init__(self, numer: Any, denom: Any = _ONE) -> None:
        divisor = numer.gcd(denom)
        if denom.leading_coefficient() < 0:
            divisor = -divisor
        self.numer, self.denom = (numer, denom) if divisor == _ONE else (numer / divisor, denom / divisor)

    def __add__(self, other: Any) -> "Quotient":
        right = as_quotient(other)
        if self.denom == right.denom:
            return Quotient(self.numer + right.numer, self.denom)
        return Quotient(self.numer * right.denom + right.numer * self.denom, self.denom * right.denom)

    def __neg__(self) -> "Quotient":
        return Quotient(-self.numer, self.denom)

    def __sub__(self, other: Any) -> "Quotient":
        return self + -as_quotient(other)

    def __rsub__(self, other: Any) -> "Quotient":
        return as_quotient(other) - self

    def __mul__(self, other: Any) -> "Quotient":
        right = as_quotient(other)
        return Quotient(self.numer * right.numer, self.denom * right.denom)

    def __truediv__(self, other: Any) -> "Quotient":
        right = as_quotient(other)
        if not right:
            raise ZeroDivisionError(f"{self} / 0")
        return Quotient(self.numer * right.denom, self.denom * right.numer)

    def __rtruediv__(self, other: Any) -> "Quotient":
        return as_quotient(other) / self

    def __pow__(self, exponent: int) -> "Quotient":
        if exponent < 0:
            return 1 / self**-exponent
        return Quotient(self.numer**exponent, self.denom**exponent)

    __radd__, __rmul__ = __add__, __mul__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Quotient | int | Fraction):
            return NotImplemented
        right = as_quotient(other)
        return bool(self.numer == right.numer and self.denom == right.denom)

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(self.numer != 0)

    def __repr__(self) -> str:
        return f"({self.numer})/({self.denom})"


def as_quotient(value: Any) -> Quotient:
    """A Quotient as it is; an integer, fraction or rational of FLINT's as a constant one."""
    if isinstance(value, Quotient):
        return value
    number = Fraction(value)
    return Quotient(_CONTEXT.constant(number.numerator), _CONTEXT.constant(number.denominator))


def monomials(polynomial: Any) -> dict[tuple[int, ...], int]:
    """A numerator or denominator as {exponents of NAMES: coefficient}."""
    return {tuple(map(int, powers)): int(number) for powers, number in polynomial.terms()}


def by_powers(value: Quotient) -> dict[tuple[int, ...], Quotient]:
    """{powers of T, X, Y: coefficient, a function of N and alpha}, of which the value is a sum.

    Raises:
        ValueError: a denominator that is a sum over such powers.
    """
    (numerator, denominator) = (_grouped(part) for part in (value.numer, value.denom))
    if len(denominator) > 1:
        raise ValueError(f"value must be a sum over powers of T, X and Y, got the denominator {value.denom}")
    [(divided_by, divisor)] = denominator.items()
    return {
        tuple(i - j for i, j in zip(powers, divided_by, strict=True)): Quotient(coefficient, divisor)
        for powers, coefficient in numerator.items()
    }


def _grouped(polynomial: Any) -> dict[tuple[int, ...], Any]:
    """A polynomial as {powers of T, X, Y: polynomial in N and alpha}."""
    groups: dict[tuple[int, ...], dict[tuple[int, ...], int]] = {}
    for powers, number in monomials(polynomial).items():
        groups.setdefault(powers[2:], {})[*powers[:2], 0, 0, 0] = number
    return {powers: _CONTEXT.from_dict(part) for powers, part in groups.items()}


def variables() -> tuple[Quotient, ...]:
    """N, alpha, T, X and Y."""
    return tuple(Quotient(generator) for generator in _CONTEXT.gens())
