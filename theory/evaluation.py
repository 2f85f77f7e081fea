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
from .quotients import Quotient, by_powers, monomials, variables
from .scalars import as_probability
from .task import Task

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


def symbolic_numbers(
    stationary: bool = False,
) -> tuple[Quotient, Quotient, Quotient, Callable[[Quotient, Quotient], Quotient]]:
    """(N, T, alpha, power) as rational functions of N, alpha, T, X and Y; stationary: X = Y = 0.

    X = (-1/N)^(T-2) and Y = (1-alpha-1/N)^(T-2) stand for the two powers that formulas take by `power(r, T-2)`.
    """
    n, a, length, x, y = variables()

    def power(ratio: Quotient, _: Quotient) -> Quotient:
        for base, value in ((-1 / n, x), (1 - a - 1 / n, y)):
            if ratio == base:
                return value * (not stationary)
        raise ValueError(f"ratio must be -1/N or 1 - alpha - 1/N, got {ratio}")

    return n, length, a, power


def field_element(value: Quotient) -> Element:
    """A rational function as an element of sympy's field of N, alpha, T, X and Y."""
    numerator, denominator = (_FIELD.field.ring.from_dict(monomials(part)) for part in (value.numer, value.denom))
    return _FIELD.field.raw_new(numerator, denominator)


def ring_element(value: Quotient) -> Element:
    """The same as a polynomial in T, X and Y over the field of N and alpha, if it is one."""
    coefficients = by_powers(value)
    if any(power < 0 for powers in coefficients for power in powers):
        raise ValueError(f"value must be a polynomial in T, X and Y, got the denominator {value.denom}")
    return _RING.from_dict({powers: _coefficient(part) for powers, part in coefficients.items()})


def to_expression(value: Quotient) -> sympy.Expr:
    """A rational function as a sympy expression in N, T, alpha: a sum over powers of T, X, Y, coefficients factored.

    Raises:
        ValueError: a denominator that is a sum over such powers.
    """
    return _sum_of_monomials({powers: _coefficient(part) for powers, part in by_powers(value).items()})


def _coefficient(value: Quotient) -> Element:
    """A function of N and alpha as an element of sympy's field of these."""
    ring = _COEFFICIENTS.field.ring
    parts = ({powers[:2]: number for powers, number in monomials(part).items()} for part in (value.numer, value.denom))
    return _COEFFICIENTS.field.raw_new(*(ring.from_dict(part) for part in parts))


def ring_expression(value: Element, divided_by: int) -> sympy.Expr:
    """A ring element over T^divided_by as a sympy expression, in the form of `to_expression`."""
    return _sum_of_monomials({(t - divided_by, x, y): coefficient for (t, x, y), coefficient in value.terms()})


def _sum_of_monomials(terms: dict[tuple[int, ...], Element]) -> sympy.Expr:
    monomials = [
        factored(coefficient) * sympy.Mul(*(g**power for g, power in zip((T, _X, _Y), powers, strict=True)))
        for powers, coefficient in terms.items()
    ]
    return sympy.Add(*monomials).subs(_POWERS)


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
