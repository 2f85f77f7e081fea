"""One formula, three arithmetics: exact fractions, float64 rounded once, and sympy closed forms.

The float64 path evaluates the closed form in balls (Arb: a midpoint and a rigorous error bound) of growing precision
until every value is known to 2^-60, so the result is the exact value rounded to float64 whatever cancels in between,
at a cost that does not depend on N or T.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, Literal, TypeAlias, TypeVar, overload

import flint
import sympy

from .arrays import Number
from .task import Task, as_probability

Key = TypeVar("Key")
Formula = Callable[[Number, Number, Number], dict[Key, Number]]
Element: TypeAlias = Any
"""Of one of sympy's rings and fields, which have no types."""

_ACCURACY = 60  # bits to which a value is known before it is rounded
_UNDERFLOW = flint.arb(2) ** -1075  # below it a float64 is 0; the ball of an exact zero ends here too
_FIRST_BITS = 192
_DOUBLINGS = 7
_EXACT_BITS = 2**19  # of the largest numerator; beyond it one evaluation takes minutes


def require_rational(task: Task) -> None:
    """TypeError unless the task's alpha is rational, as exact arithmetic needs."""
    if not isinstance(task.alpha, Fraction):
        raise TypeError(
            f"exact=True needs a rational alpha (int or fractions.Fraction), got alpha={task.alpha!r} (float); "
            f"Fraction({str(task.alpha)!r}) may be what you mean"
        )


def as_exact_probability(name: str, value: object, exact: bool) -> Fraction:
    """`value` in [0, 1] as a fraction, floats being exact dyadic numbers; exact=True refuses them with a TypeError."""
    number = as_probability(name, value)
    if exact and isinstance(number, float):
        raise TypeError(f"exact=True needs a rational {name} (int or fractions.Fraction), got {value!r}")
    return Fraction(number)


@overload
def evaluate(formula: Formula[Key], task: Task, exact: Literal[False] = False) -> dict[Key, float]: ...
@overload
def evaluate(formula: Formula[Key], task: Task, *, exact: Literal[True]) -> dict[Key, Fraction]: ...
@overload
def evaluate(formula: Formula[Key], task: Task, exact: bool = False) -> dict[Key, Number]: ...
def evaluate(formula: Formula[Key], task: Task, exact: bool = False) -> dict[Key, Number]:
    """`formula(N, T, alpha)`, a dict of numbers, in `Fraction`s (exact) or in float64 (each value rounded once).

    Raises:
        TypeError: exact=True with a float alpha.
        ValueError: exact=True with a T so large that the fractions would have millions of digits.
        ArithmeticError: the highest precision does not settle a value (not known to happen).
    """
    if exact:
        require_rational(task)
        bits = task.T * (task.N.bit_length() + Fraction(task.alpha).denominator.bit_length())
        if bits > _EXACT_BITS:
            raise ValueError(
                f"T={task.T} is too large for exact=True: fractions of about {bits} bits, at most {_EXACT_BITS}"
            )
        found = formula(
            flint.fmpq(task.N), task.T, _as_fmpq(Fraction(task.alpha))
        )  # Fraction's arithmetic is far slower
        return {key: _as_fraction(value) for key, value in found.items()}
    level = Fraction(task.alpha)
    for doubling in range(_DOUBLINGS + 1):
        with ball_arithmetic(_FIRST_BITS << doubling):
            alpha = flint.arb(_as_fmpq(level))
            values = {key: flint.arb(value) for key, value in formula(flint.arb(task.N), task.T, alpha).items()}
            if all(value.rel_accuracy_bits() >= _ACCURACY or abs(value) < _UNDERFLOW for value in values.values()):
                return {key: float(value.mid()) for key, value in values.items()}
    raise ArithmeticError(f"{_FIRST_BITS << _DOUBLINGS} bits do not give {_ACCURACY} accurate ones for {task}")


def _as_fmpq(value: Fraction) -> flint.fmpq:
    return flint.fmpq(value.numerator, value.denominator)


def _as_fraction(value: Number) -> Fraction:
    rational = flint.fmpq(value)
    return Fraction(int(rational.p), int(rational.q))


@contextmanager
def ball_arithmetic(bits: int, terms: int | None = None) -> Iterator[None]:
    """Arb's precision and series length, which are global to its library, set for one computation and restored."""
    before = flint.ctx.prec, flint.ctx.cap
    flint.ctx.prec, flint.ctx.cap = bits, terms or before[1]
    try:
        yield
    finally:
        flint.ctx.prec, flint.ctx.cap = before


N, T, alpha = sympy.symbols("N T alpha")
_X, _Y = sympy.symbols("X Y")


_POWERS = {_X: (-1 / N) ** (T - 2), _Y: (1 - alpha - 1 / N) ** (T - 2)}
_COEFFICIENTS = sympy.QQ.frac_field(N, alpha)
_FIELD = sympy.QQ.frac_field(N, alpha, T, _X, _Y)
_RING = sympy.polys.rings.PolyRing((T, _X, _Y), _COEFFICIENTS)


def symbolic_numbers() -> tuple[Element, Element, Element, Callable[[Element, Element], Element]]:
    """(N, T, alpha, power) as elements of the field of rational functions of N, alpha, T, X and Y.

    X = (-1/N)^(T-2) and Y = (1-alpha-1/N)^(T-2) stand for the two powers that formulas take by `power(r, T-2)`.
    """
    n, a, length, x, y = _FIELD.gens
    powers = {-1 / n: x, 1 - a - 1 / n: y}
    return n, length, a, lambda ratio, _: powers[ratio]


def to_expression(value: Element) -> sympy.Expr:
    """A field element as a sympy expression in N, T, alpha: a sum over powers of T, X, Y, coefficients factored."""
    value = _FIELD.convert(value)
    numerator, denominator = (_by_powers(part) for part in (value.numer, value.denom))
    [(divisor_powers, divisor)] = denominator.items()  # formulas divide by T, but never by a sum that holds T, X or Y
    return _sum_of_monomials(
        {
            tuple(i - j for i, j in zip(powers, divisor_powers, strict=True)): coefficient / divisor
            for powers, coefficient in numerator.items()
        }
    )


def symbolic_ring(stationary: bool = False) -> tuple[Element, Element, Element, Callable[[Element, Element], Element]]:
    """(N, T, alpha, power) as polynomials in T, X and Y over the field of N and alpha; stationary: X = Y = 0.

    For formulas that do not divide by T: much faster than `symbolic_numbers`.
    """
    length, x, y = _RING.gens
    n, a = (_RING(generator) for generator in _COEFFICIENTS.gens)
    zero = _RING.zero
    return n, length, a, lambda ratio, _: zero if stationary else x if ratio == -1 / n else y


def ring_expression(value: Element, divided_by: int) -> sympy.Expr:
    """A ring element over T^divided_by as a sympy expression, in the form of `to_expression`."""
    return _sum_of_monomials({(t - divided_by, x, y): coefficient for (t, x, y), coefficient in value.terms()})


def _sum_of_monomials(terms: dict[tuple[int, ...], Element]) -> sympy.Expr:
    monomials = [
        factored(coefficient) * sympy.Mul(*(g**power for g, power in zip((T, _X, _Y), powers, strict=True)))
        for powers, coefficient in terms.items()
    ]
    return sympy.Add(*monomials).subs(_POWERS)


def _by_powers(polynomial: Element) -> dict[tuple[int, ...], Element]:
    """A polynomial in N, alpha, T, X, Y as {powers of T, X, Y: coefficient in the field of N and alpha}."""
    coefficients: dict[tuple[int, ...], Element] = {}
    for powers, number in polynomial.terms():
        term = _COEFFICIENTS(number) * _COEFFICIENTS.gens[0] ** powers[0] * _COEFFICIENTS.gens[1] ** powers[1]
        coefficients[powers[2:]] = coefficients.get(powers[2:], _COEFFICIENTS.zero) + term
    return coefficients


def factored(coefficient: Element) -> sympy.Expr:
    """A rational function of N and alpha, already in lowest terms, as a quotient of factored polynomials."""
    return _product_of_factors(coefficient.numer) / _product_of_factors(coefficient.denom)


def _product_of_factors(polynomial: Element) -> sympy.Expr:
    number, factors = polynomial.factor_list()
    return sympy.Mul(number, *(factor.as_expr() ** power for factor, power in factors))


def long_sequence_limit(expression: sympy.Expr) -> sympy.Expr:
    """lim_{T→∞} of a closed form at fixed N and 0 < alpha <= 1, a rational function of N and alpha.

    Both geometric powers vanish there, |−1/N| and |1−alpha−1/N| being below 1, and so do the powers of 1/T that closed
    forms are sums of.

    Raises:
        ValueError: a term that is none of these.
    """
    vanishing = {power: 0 for power in _POWERS.values()} | {power**2: 0 for power in _POWERS.values()}
    kept = []
    for term in sympy.Add.make_args(sympy.expand(expression.subs(vanishing), deep=False)):
        constant, power = term.as_independent(T, as_Add=False)
        if power == 1:
            kept.append(constant)
        elif not (power.is_Pow and power.base == T and power.exp.is_negative):
            raise ValueError(f"expression must be a sum of powers of 1/T, found the term {term}")
    return sympy.factor(sympy.Add(*kept))
