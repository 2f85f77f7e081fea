"""Types of arrays and numbers, each named once, and arrays of what callers give."""

import math
from collections.abc import Mapping
from fractions import Fraction
from numbers import Number as AnyNumber
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .scalars import as_real, out_of_range, shown, single, wrong_kind

Number: TypeAlias = Any
"""Generic arithmetic: a `Fraction`, a ball (flint.arb), an element of a sympy field, with +, -, *, / and ** int."""
Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Table: TypeAlias = NDArray[Any]
"""Of `Fraction`s (dtype object) where exact=True, of float64 elsewhere."""

_WORDS = {"f": "a real", "i": "an integer", "b": "a boolean", "O": "a real"}
_KINDS = {"f": "iuf", "i": "iu", "b": "b", "O": "iufO"}
_DTYPES = {"f": np.float64, "i": np.int64, "b": np.bool_}


def as_rectangular(name: str, values: object, wanted: str = "a real") -> Table:
    """`values` as an array of any type, or an error that says what array was wanted; a mask is refused."""
    parts = (values, *values) if isinstance(values, list | tuple) else (values,)
    if any(isinstance(part, np.ma.MaskedArray) for part in parts):
        raise TypeError(f"{name} must be {wanted} array without a mask, got {type(values).__name__}")
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name} must be {wanted} array of rectangular shape: {error}") from None
    except (RuntimeError, TypeError) as error:  # a torch tensor that requires a gradient or lies on a GPU, say
        raise TypeError(f"{name} must be {wanted} array: {error}") from None


def as_entries(name: str, values: object, kind: str, nan: bool = False, infinite: bool = False) -> Table:
    """`values` as a finite array: of float64 ("f"), int64 ("i") or booleans ("b"), or an error that names `name`.

    "O" leaves the type as it is, and lets entries be numbers of any library (dtype object), such as `Fraction`s.
    """
    wanted = _WORDS[kind]
    array = as_rectangular(name, values, wanted)
    if array.size == 0 and array.dtype == np.float64 and kind == "i":  # what an empty list comes to
        array = array.astype(np.int64)
    if array.dtype.kind not in _KINDS[kind] and not (array.dtype.kind == "O" and kind == "f"):
        raise TypeError(f"{name} must be {wanted} array, got dtype {array.dtype}")
    if array.dtype.kind == "O":
        _require_numbers(name, array, nan)
    if kind != "O":
        array = _as_dtype(name, array, _DTYPES[kind])
    if array.dtype.kind == "f" and not (nan and infinite):
        _require_finite(name, array, nan, infinite)
    return array


def _require_finite(name: str, array: Table, nan: bool, infinite: bool) -> None:
    good = np.isfinite(array) | (np.isnan(array) if nan else np.isinf(array) if infinite else False)
    if not good.all():
        raise ValueError(
            f"{name} must be finite, got {'infinite' if nan else 'NaN' if infinite else 'NaN or infinite'} entries"
        )


def _as_dtype(name: str, array: Table, dtype: Any) -> Table:
    if array.dtype == np.uint64 and dtype == np.int64 and array.size and array.max() > np.iinfo(np.int64).max:
        raise ValueError(f"{name} must fit in 64-bit integers, got {array.max()}")
    try:
        with np.errstate(over="ignore"):
            return array.astype(dtype, copy=False)
    except OverflowError:
        raise ValueError(f"{name} must be finite in float64, got a rational entry beyond it") from None
    except TypeError:  # entries of a library that has no floats for them
        raise TypeError(f"{name} must hold real numbers, got {shown(array.ravel()[0])}") from None


def _require_numbers(name: str, array: Table, nan: bool) -> None:
    """A TypeError unless the entries of an array of objects are numbers, no bools, and a ValueError for NaN.

    None stands for NaN where that may be.
    """
    entries = array.ravel().tolist()
    kinds = {type(entry): entry for entry in entries}
    for kind, entry in kinds.items():
        if not (is_number(entry) or (kind is type(None) and nan)):
            raise TypeError(f"{name} must hold real numbers, got {shown(entry)} ({kind.__name__})")
    floats = (entry for entry in entries if isinstance(entry, float | np.floating))
    if not nan and any(issubclass(kind, float | np.floating) for kind in kinds) and not all(map(np.isfinite, floats)):
        raise ValueError(f"{name} must be finite, got NaN or infinite entries")


def is_number(value: Any) -> bool:
    """Whether it is a real number or an element of other arithmetic, no bool, text or array."""
    if isinstance(value, bool | np.bool_ | complex | np.complexfloating | str | np.ndarray | type):
        return False
    return isinstance(value, AnyNumber) or (hasattr(value, "__add__") and hasattr(value, "__rsub__"))


def as_element(name: str, value: Any) -> Any:
    """A number of any arithmetic, Python's for numpy's and torch's, no NaN; a TypeError / ValueError for others."""
    kind = type(value)
    if kind is int or kind is Fraction:
        return value
    value = single(value)
    if not is_number(value) or isinstance(value, list | tuple | set | Mapping):
        raise wrong_kind(name, "a number or a symbol", value)
    number = as_real(name, "a real number", value) if isinstance(value, np.generic) else value
    if isinstance(number, float) and not math.isfinite(number):
        raise out_of_range(name, "a finite number", value)
    return number


def as_operand(name: str, value: Any) -> Any:
    """The same, or an array of such."""
    value = single(value)
    return as_entries(name, value, "O") if isinstance(value, np.ndarray | list | tuple) else as_element(name, value)
