"""What a declared type takes: one rule for each, which converts an argument or refuses it by name."""

import collections.abc
import functools
import inspect
import math
import operator
import pathlib
import types
import typing
from collections.abc import Callable, Iterable
from dataclasses import InitVar, dataclass
from fractions import Fraction
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, GroupedMetadata, Gt, Le, Lt, MaxLen, MinLen
from numpy.typing import ArrayLike

from .arrays import Table, as_entries
from .containers import (
    ANYTHING,
    CALLABLE,
    CLASS,
    NONE,
    STRING,
    Check,
    Rule,
    as_choice,
    class_rule,
    container_rule,
    literal_rule,
    path_rule,
    sized_rule,
)
from .scalars import as_flag, as_float, as_integer, as_real, out_of_range, wrong_kind


@dataclass(frozen=True)
class Convert:
    """A check of its own in place of that of the type."""

    check: Check
    what: str


def one_of(choices: Iterable[Any]) -> Convert:
    """A check for one of a few values that are known when the module is loaded."""
    known = tuple(choices)
    return Convert(lambda name, value: as_choice(name, value, known), f"one of {known}")


@dataclass(frozen=True)
class Shape:
    """Axes of an array, none of them empty, by symbols, as in "K d"; a letter is one size all over a call."""

    symbols: str

    @property
    def axes(self) -> list[str]:
        """The symbols, one by one."""
        return self.symbols.split()

    def __str__(self) -> str:
        return f"({', '.join(self.axes)}{',' if len(self.axes) == 1 else ''})"


MAY_BE_INFINITE = object()
"""Marks a real number, or an array whose entries, may be infinite."""
AS_FLOATS = object()
"""Marks an ArrayLike that the function gets as an array of float64."""
AS_INTEGERS = object()
"""Marks an ArrayLike that the function gets as an array of int64."""
MAY_HAVE_NAN = object()
"""Marks an array that may have entries NaN, where there is no number."""
FINITE = object()
"""Marks a result that is finite or refused: a ValueError names the largest argument."""

_PLAIN = {
    bool: Rule("True or False", lambda name, value: as_flag(name, "True or False", value)),
    str: STRING,
    collections.abc.Callable: CALLABLE,
    type: CLASS,
}


def rule_of(hint: Any) -> Rule:
    """The rule of a type as it is declared."""
    base, marks = _unpacked(hint)
    for mark in marks:
        if isinstance(mark, Convert):
            return Rule(mark.what, mark.check)
    if base in (Any, object, inspect.Parameter.empty) or isinstance(base, typing.TypeVar):
        return ANYTHING
    if base is None or base is type(None):
        return NONE
    numeric = _numeric_kind(base)
    if numeric is not None:
        return _number_rule(numeric, marks)
    array = _array_kind(base)
    if array is not None:
        return _array_rule(array, marks)
    if typing.get_origin(base) in (typing.Union, types.UnionType):
        return _union_rule(base)
    return _plain_rule(base, marks)


def _unpacked(hint: Any) -> tuple[Any, list[Any]]:
    """The type without `Annotated`, and its markers, groups of them taken apart."""
    if isinstance(hint, InitVar):
        hint = hint.type
    if hint is not ArrayLike and hasattr(origin := typing.get_origin(hint) or hint, "__value__"):
        # a `type` statement, as numpy has them from 2.5 on: what it stands for
        return _unpacked(origin.__value__[typing.get_args(hint)] if origin is not hint else origin.__value__)
    if typing.get_origin(hint) is not Annotated:
        return hint, []
    base, *marks = typing.get_args(hint)
    inner, more = _unpacked(base)
    return inner, more + [one for mark in marks for one in (mark if isinstance(mark, GroupedMetadata) else [mark])]


def shape_of(hint: Any) -> Shape | None:
    """The `Shape` of a declared type, or of what it is when it is not None."""
    options = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    return next((mark for one in options for mark in _unpacked(one)[1] if isinstance(mark, Shape)), None)


def is_marked(hint: Any, mark: object) -> bool:
    """Whether a declared type bears the marker."""
    return any(one is mark for one in _unpacked(hint)[1])


def _numeric_kind(hint: Any) -> Callable[[str, str, object], Any] | None:
    """How numbers of this type are converted; None for no number."""
    members = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    if not set(members) <= {int, float, Fraction}:
        return None
    if members == (int,):
        return as_integer
    return as_float if members == (float,) else as_real


class _Bounds:
    """Bounds of a number, or of every entry of an array."""

    def __init__(self, marks: Iterable[Any]) -> None:
        self.holds: list[Callable[[Any], Any]] = []
        self.low, self.high = "", ""
        self.signs: list[str] = []
        for mark in marks:
            match mark:
                case Ge(ge=least):
                    self._take(operator.le, least, f">= {least}")
                    self.low = f"[{least}"
                case Gt(gt=least):
                    self._take(operator.lt, least, f"> {least}")
                    self.low = f"({least}"
                case Le(le=most):
                    self._take(operator.ge, most, f"<= {most}")
                    self.high = f"{most}]"
                case Lt(lt=most):
                    self._take(operator.gt, most, f"< {most}")
                    self.high = f"{most})"

    def _take(self, compare: Callable[[Any, Any], Any], bound: Any, sign: str) -> None:
        self.holds.append(functools.partial(compare, bound))
        self.signs.append(sign)

    def words(self, integer: bool) -> str:
        """In words, with a space before."""
        if not (self.low and self.high):
            return f" {self.signs[0]}" if self.signs else ""
        closed = self.low[0] == "[" and self.high[-1] == "]"
        return f" in {self.low[1:]}..{self.high[:-1]}" if integer and closed else f" in {self.low}, {self.high}"


def _number_rule(convert: Callable[[str, str, object], Any], marks: list[Any]) -> Rule:
    bounds, exact, infinite = _Bounds(marks), convert is as_integer, any(mark is MAY_BE_INFINITE for mark in marks)
    noun = "an integer" if exact else "a real number"
    if not exact and not infinite and len(bounds.signs) < 2:
        noun = "a finite real number"
    what, own = noun + bounds.words(exact), int if exact else float
    tests = bounds.holds

    def check(name: str, value: Any) -> Any:
        number = value if type(value) is own else convert(name, what, value)
        if not exact and (number != number or (not infinite and _is_infinite(number))):
            raise out_of_range(name, what, number)
        for holds in tests:
            if not holds(number):
                raise out_of_range(name, what, number)
        return number

    return Rule(what, check)


def _is_infinite(number: Any) -> bool:
    return isinstance(number, float) and math.isinf(number)


def _array_kind(hint: Any) -> str | None:
    """Kind of the entries of an array type, as `as_entries` takes it; None for no array."""
    if hint == ArrayLike or hint is np.ndarray:
        return "O"
    if typing.get_origin(hint) is not np.ndarray:
        return None
    (entry,) = typing.get_args(typing.get_args(hint)[1]) or (Any,)
    if not isinstance(entry, type):
        return "O"
    kinds = {np.floating: "f", np.integer: "i", np.bool_: "b"}
    return next((kind for parent, kind in kinds.items() if issubclass(entry, parent)), "O")


def _array_rule(kind: str, marks: list[Any]) -> Rule:
    kind = next((named for mark, named in ((AS_FLOATS, "f"), (AS_INTEGERS, "i")) if mark in marks), kind)
    bounds, shape = _Bounds(marks), next((mark for mark in marks if isinstance(mark, Shape)), None)
    noun = {"i": "an array of integers", "b": "an array of booleans"}.get(kind, "an array of real numbers")
    what = noun + bounds.words(kind == "i")
    least = max((mark.min_length for mark in marks if isinstance(mark, MinLen)), default=0)
    nan, infinite = (any(mark is known for mark in marks) for known in (MAY_HAVE_NAN, MAY_BE_INFINITE))

    def check(name: str, value: Any) -> Table:
        if isinstance(value, str | bytes) or value is None:
            raise wrong_kind(name, what, value)
        array = as_entries(name, value, kind, nan, infinite)
        if shape is not None and (array.ndim != len(shape.axes) or not array.size):
            raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
        if len(array.shape[:1]) and len(array) < least:
            raise ValueError(f"{name} must have at least {least} entries, got {len(array)}")
        for holds in bounds.holds:
            good = np.asarray(holds(array), dtype=np.bool_)
            if not good.all():
                raise out_of_range(name, what, array[~good].ravel().tolist()[0])
        return array

    return Rule(what, check)


def _union_rule(hint: Any) -> Rule:
    """What one of several types takes: the first that does; numbers among them are one type."""
    members = typing.get_args(hint)
    # A union takes the parts of another one apart, which numpy's is before 2.5, of numbers too in the oldest.
    arrays = typing.get_args(ArrayLike) or (ArrayLike,)
    has_arrays = set(arrays) <= set(members)
    named = [one for one in members if not (has_arrays and one in arrays)]
    numbers = tuple(one for one in named if one in (int, float, Fraction))
    others = [one for one in named if one not in numbers]
    joined = [typing.Union[numbers]] if numbers else []  # noqa: UP007
    rules = [rule_of(one) for one in [*others, *joined, *[ArrayLike] * has_arrays]]
    if any(rule.check is None for rule in rules):
        return ANYTHING
    what = " or ".join(rule.what for rule in sorted(rules, key=lambda rule: rule.what == "None"))
    optional = type(None) in members
    array_first = [*rules[-1:], *rules[:-1]] if has_arrays else rules

    def check(name: str, value: Any) -> Any:
        if value is None and optional:
            return None
        errors = []
        # An array is no number: that it is none would be written, with its entries, each time.
        for rule in array_first if isinstance(value, np.ndarray) and value.ndim else rules:
            try:
                return rule.check(name, value)  # type: ignore[misc]
            except (TypeError, ValueError) as error:
                if not str(error).startswith(f"{name} must be {rule.what}, got "):
                    raise  # it says more
                errors.append(error)
        in_kind = any(isinstance(error, ValueError) for error in errors)
        raise (out_of_range if in_kind else wrong_kind)(name, what, value)

    return Rule(what, check)


def _plain_rule(hint: Any, marks: list[Any]) -> Rule:
    """Of what is no number and no array."""
    origin = typing.get_origin(hint) or hint
    if origin is typing.Literal:
        return literal_rule(typing.get_args(hint))
    if origin in _PLAIN:
        rule = _PLAIN[origin]
    elif isinstance(origin, type) and issubclass(origin, pathlib.PurePath):
        rule = path_rule(origin)
    else:
        arguments = typing.get_args(hint)
        fixed = origin is tuple and bool(arguments) and arguments[-1] is not ...
        entries = tuple(rule_of(one) for one in arguments if one is not ...)
        rule = container_rule(origin, entries, fixed) or class_rule(origin)
    least = max((mark.min_length for mark in marks if isinstance(mark, MinLen)), default=0)
    most = min((mark.max_length for mark in marks if isinstance(mark, MaxLen)), default=math.inf)
    return sized_rule(rule, least, most)
