"""Arguments of public calls, checked and converted from their declared types before any work: the one place for it.

    @checked
    def margin(task: Task, samples: Count, rate: Annotated[float, Gt(0), Lt(1)] = 0.95) -> float: ...

What a declared type takes, and what the function gets:

    int, float, RealNumber      finite numbers of any library (numpy's, torch's without axes), no bool: Python's
    bool                        a bool, of Python or numpy; nothing that is merely true or false
    str, Literal, Callable      those
    Floats, Integers, Table, ArrayLike   what is an array, without a mask, finite: of float64, of int64, as it is
    Sequence, tuple, list, set, Mapping  those of such entries; a sequence may be an array of one axis
    torch.Tensor                one that has data
    any other class             its instances; a path may be given as a string
    X | Y                       what either takes
    Any, object, type variables whatever there is

`Annotated` adds bounds (`Ge`, `Gt`, `Le`, `Lt`, `Interval` of annotated_types; of arrays: every entry), lengths
(`MinLen`, `MaxLen`), a `Shape`, whose letters are one size per call, `MAY_BE_INFINITE`, `MAY_HAVE_NAN`
(arrays), or a `Convert` of its own. On the result, `FINITE` refuses NaN and infinity; like an OverflowError they become
a ValueError that names the largest argument.

Why no library: pydantic's `validate_call` takes "3" for 3 and "yes" for True, or, strict, refuses np.int64 for an int;
it lets NaN and masked arrays in, and its errors have a form of their own. beartype converts nothing, so that a scalar
of torch or numpy is refused or goes on as it is, and passes over the markers of annotated_types, which are those here.
"""

import functools
import inspect
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Annotated, Any, TypeAlias, TypeVar, get_type_hints

import numpy as np
from annotated_types import Ge, Gt, Lt

from .arrays import Number, as_element, as_operand
from .rules import (
    AS_FLOATS,
    AS_INTEGERS,
    FINITE,
    MAY_BE_INFINITE,
    MAY_HAVE_NAN,
    Convert,
    Shape,
    is_marked,
    one_of,
    rule_of,
    shape_of,
)
from .scalars import RealNumber, as_nonnegative, as_probability, shown

__all__ = [
    "AS_FLOATS",
    "AS_INTEGERS",
    "FINITE",
    "MAY_BE_INFINITE",
    "MAY_HAVE_NAN",
    "Convert",
    "Count",
    "Element",
    "Natural",
    "NonNegative",
    "OpenProbability",
    "Operand",
    "PositiveReal",
    "Probability",
    "Seed",
    "Shape",
    "Size",
    "checked",
    "one_of",
    "unchecked",
]

Checked = TypeVar("Checked", bound=Callable[..., Any])

Natural: TypeAlias = Annotated[int, Ge(0)]
Count: TypeAlias = Annotated[int, Ge(1)]
Size: TypeAlias = Annotated[int, Ge(2)]
"""Of a vocabulary, or the length of a sequence."""
Seed: TypeAlias = Natural
Probability: TypeAlias = Annotated[RealNumber, Convert(as_probability, "a real number in [0, 1]")]
"""A rational stays exact, as a `Fraction`; other numbers become floats."""
OpenProbability: TypeAlias = Annotated[RealNumber, Gt(0), Lt(1)]
"""Above 0 and below 1."""
Element: TypeAlias = Annotated[Number, Convert(as_element, "a number or a symbol")]
"""Of generic arithmetic: finite, of any library."""
Operand: TypeAlias = Annotated[Number, Convert(as_operand, "a number, a symbol or an array of such")]
"""Of generic arithmetic, for arrays too."""
NonNegative: TypeAlias = Annotated[RealNumber, Convert(as_nonnegative, "a finite real number >= 0")]
"""As the exact `Fraction` that it is."""
PositiveReal: TypeAlias = Annotated[float, Gt(0)]


class _Plan:
    """What the decorator does to the arguments of one function."""

    def __init__(self, function: Callable[..., Any], hints: dict[str, Any]) -> None:
        kinds = inspect.Parameter
        parameters = inspect.signature(function).parameters.values()
        checks = {one.name: rule_of(hints.get(one.name, Any)).check for one in parameters}
        self.names = [one.name for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
        placed = [one for one in parameters if one.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)]
        self.placed = [(one.name, checks[one.name]) for one in placed]
        self.rest = next(((one.name, checks[one.name]) for one in parameters if one.kind is one.VAR_POSITIONAL), None)
        self.named = {one.name: checks[one.name] for one in parameters if one.name in self.names}
        self.others = next((checks[one.name] for one in parameters if one.kind is one.VAR_KEYWORD), None)
        self.shapes = {name: shape for name in self.names if (shape := shape_of(hints.get(name))) is not None}
        self.finite = is_marked(hints.get("return"), FINITE)

    def converted(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """The arguments as the function gets them, or a TypeError / ValueError that names one."""
        places = self.placed
        if self.rest and len(args) > len(places):
            places = places + [self.rest] * (len(args) - len(places))
        values = [check(name, value) if check else value for (name, check), value in zip(places, args, strict=False)]
        values += args[len(values) :]  # too many, as the function itself will say
        for name, value in kwargs.items():
            check = self.named.get(name, self.others)
            if check:
                kwargs[name] = check(name, value)
        if self.shapes:
            self._require_one_size_each(values, kwargs)
        return values, kwargs

    def too_large(self, values: list[Any], kwargs: dict[str, Any]) -> ValueError:
        """The error that names the largest argument as what makes the result exceed the floats."""
        given = dict(zip([name for name, _ in self.placed], values, strict=False)) | kwargs
        name = max(given, key=lambda one: _magnitude(given[one]))
        value = given[name]
        entries = f" with entries up to {_magnitude(value):.3g}" if isinstance(value, np.ndarray) else ""
        return ValueError(f"{name} must be small enough for a result within the floats, got {shown(value)}{entries}")

    def _require_one_size_each(self, values: list[Any], kwargs: dict[str, Any]) -> None:
        sizes: dict[str, int] = {}
        given = dict(zip([name for name, _ in self.placed], values, strict=False)) | kwargs
        for name, shape in self.shapes.items():
            array = given.get(name)
            if array is None:
                continue
            known = tuple(
                size if axis == "..." else sizes.setdefault(axis, size)
                for axis, size in zip(shape.axes, array.shape, strict=True)
            )
            if known != array.shape:
                raise ValueError(f"{name} must have shape {shape} = {known}, got {array.shape}")


def checked(target: Checked) -> Checked:
    """A function, or a class by its constructor, whose arguments are checked and converted by their declared types.

    Types are read at the first call. Names, docstring, signature and types remain; defaults are not checked.

    Raises:
        TypeError: by the call, for an argument of another kind; it names the argument, its value and what is accepted.
        ValueError: the same for one that is out of range, and for results marked FINITE that exceed the floats.
    """
    if isinstance(target, type):
        own = "__new__" if issubclass(target, tuple) else "__init__"
        setattr(target, own, _wrapped(getattr(target, own), target if own == "__new__" else None))
        return target
    return _wrapped(target, None)  # type: ignore[return-value]


def unchecked(target: Checked) -> Checked:
    """The same without its checks, for calls in inner loops whose arguments are known to be good."""
    if not isinstance(target, type):
        return target.__wrapped__  # type: ignore[attr-defined,no-any-return]
    cls: Any = target
    start = cls.__init__.__wrapped__

    @functools.wraps(target, updated=())
    def made(*args: Any, **kwargs: Any) -> Any:
        one = cls.__new__(cls)
        start(one, *args, **kwargs)
        return one

    return made  # type: ignore[return-value]


def _wrapped(function: Callable[..., Any], typed: Any) -> Callable[..., Any]:
    """The function with its arguments checked by the declared types of `typed`; None stands for its own."""
    plan: _Plan | None = None

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal plan
        if plan is None:
            plan = _Plan(function, get_type_hints(typed or function, include_extras=True))
        values, kwargs = plan.converted(args, kwargs)
        try:
            return _finite(plan, function, values, kwargs) if plan.finite else function(*values, **kwargs)
        except OverflowError:
            raise plan.too_large(values, kwargs) from None

    return call


def _finite(plan: _Plan, function: Callable[..., Any], values: list[Any], kwargs: dict[str, Any]) -> Any:
    """The result, if it is finite; else a ValueError that names the largest argument."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = function(*values, **kwargs)
    if not _is_finite(found):
        raise plan.too_large(values, kwargs)
    return found


def _is_finite(found: Any) -> bool:
    if isinstance(found, tuple):
        return all(map(_is_finite, found))
    if isinstance(found, np.ndarray):
        return found.dtype.kind != "f" or bool(np.isfinite(found).all())
    return not isinstance(found, float) or math.isfinite(found)


def _magnitude(value: Any) -> float:
    """The largest absolute value of a number or array; 0 for anything else."""
    if isinstance(value, np.ndarray):
        return float(np.abs(value).max()) if value.dtype.kind in "iuf" and value.size else 0.0
    try:
        return abs(float(value)) if isinstance(value, int | float | Fraction) else 0.0
    except OverflowError:
        return math.inf
