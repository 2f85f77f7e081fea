"""Single numbers of any library as Python's own, and the words of the errors when they are none."""

import math
import reprlib
import sys
from fractions import Fraction
from numbers import Integral, Rational, Real
from typing import Any, TypeAlias

import numpy as np

RealNumber: TypeAlias = int | float | Fraction
"""What calls accept as a noise level, a probability or a time."""

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 120


def shown(value: object) -> str:
    """repr(value), shortened, or its type where that fails or would be long to have."""
    try:
        return _SHORT.repr(value)
    except Exception:  # a repr may fail in any way; the error that is being written matters more
        return f"<{type(value).__name__}>"


def wrong_kind(name: str, what: str, value: object) -> TypeError:
    """The error for a value of another kind than `what`."""
    return TypeError(f"{name} must be {what}, got {shown(value)} ({type(value).__name__})")


def out_of_range(name: str, what: str, value: object) -> ValueError:
    """The error for a value of the right kind that `what` does not include."""
    return ValueError(f"{name} must be {what}, got {shown(value)}")


def single(value: Any) -> Any:
    """The one entry of an array or tensor without axes, as numpy's or Python's scalar; anything else as it is."""
    if isinstance(value, np.ndarray):
        return value[()] if value.ndim == 0 and not isinstance(value, np.ma.MaskedArray) else value
    torch = sys.modules.get("torch")  # who has a tensor has imported it
    if torch is not None and isinstance(value, torch.Tensor) and value.ndim == 0 and not value.is_meta:
        return value.item()
    return value


def as_integer(name: str, what: str, value: object) -> int:
    """An integer of any library, no bool, as an int, or a TypeError."""
    number = single(value)
    if isinstance(number, bool) or not isinstance(number, Integral):
        raise wrong_kind(name, what, value)
    return int(number)


def as_real(name: str, what: str, value: object) -> RealNumber:
    """A real number of any library: integers as int, other rationals as Fraction, others as float; or a TypeError."""
    if type(value) in (int, float, Fraction):
        return value  # type: ignore[return-value]
    number = single(value)
    if isinstance(number, bool) or not isinstance(number, Real):
        raise wrong_kind(name, what, value)
    if isinstance(number, Integral):
        return int(number)
    return as_fraction(number) if isinstance(number, Rational) else float(number)


def as_float(name: str, what: str, value: object) -> float:
    """A real number of any library as a float, or a TypeError / a ValueError beyond the floats."""
    number = as_real(name, what, value)
    try:
        return float(number)
    except OverflowError:
        raise out_of_range(name, f"{what}, at most the largest float", value) from None


def as_flag(name: str, what: str, value: object) -> bool:
    """A bool of Python or numpy as a bool, or a TypeError: what is merely true or false is none."""
    number = single(value) if isinstance(value, np.ndarray) else value
    if not isinstance(number, bool | np.bool_):
        raise wrong_kind(name, what, value)
    return bool(number)


def as_fraction(value: Rational) -> Fraction:
    """A rational of any library as Python's."""
    return Fraction(int(value.numerator), int(value.denominator))


def as_count(name: str, value: object, minimum: int) -> int:
    """`value` as an int of at least `minimum`, or a TypeError / ValueError that names `name`."""
    number = value if type(value) is int else as_integer(name, f"an integer >= {minimum}", value)
    if number < minimum:
        raise out_of_range(name, f"an integer >= {minimum}", number)
    return number


def as_probability(name: str, value: object) -> float | Fraction:
    """`value` as a Fraction (if rational) or float in [0, 1], or an error that names `name`."""
    number = as_real(name, "a real number in [0, 1]", value)
    if not 0 <= number <= 1:  # NaN fails both
        raise out_of_range(name, "a real number in [0, 1]", value)
    return Fraction(number) if isinstance(number, int) else number


def as_nonnegative(name: str, value: object) -> Fraction:
    """`value` as the exact fraction it is, or an error that names `name`."""
    number = as_real(name, "a finite real number >= 0", value)
    try:
        finite = math.isfinite(number)
    except OverflowError:  # an integer or fraction beyond the floats
        finite = False
    if not finite or number < 0:
        raise out_of_range(name, "a finite real number >= 0, at most the largest float", value)
    return Fraction(number)
