"""JSON held against the types of a dataclass by pydantic; what is wrong in our words, with the place where it is."""

import math
from collections.abc import Hashable, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, cast

from annotated_types import Predicate

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond the floats
        return False


Words = Annotated[str, Predicate(str.strip)]
"""A string that is not empty."""
Number = Annotated[int | float, Predicate(_finite)]
"""A finite number, an integer or not as it is written."""

Kind = TypeVar("Kind")
Place = tuple[str | int, ...]
"""Keys of tables and numbers of entries of lists, from the outermost."""

_TABLE, _LIST, _NUMBER, _STRING = "a table", "a list", "a finite number", "a string"
_ACCEPTED = {
    "dataclass_type": _TABLE,
    "dict_type": _TABLE,
    "mapping_type": _TABLE,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "string_type": _STRING,
    "int_type": "an integer",
    "float_type": _NUMBER,
    "bool_type": "true or false",
    "too_short": "a list that is not empty",
}
_MISSING, _UNKNOWN = "missing", "unexpected_keyword_argument"


class MalformedError(ValueError):
    """What is wrong ("must be an integer"), and at which place."""

    def __init__(self, place: Place, problem: str) -> None:
        super().__init__(problem)
        self.place = place


def validated(kind: type[Kind], text: str | bytes, extra: Literal["forbid", "ignore"] = "forbid") -> Kind:
    """JSON as a dataclass, its own dataclasses included: every key there, no other unless `extra` keys are ignored,
    every value of its type.

    Raises:
        MalformedError: the first thing that is wrong; keys that are missing or unknown come before values.
    """
    from pydantic import ValidationError

    try:
        found: Kind = _adapter(cast(Hashable, kind)).validate_json(text, strict=True, extra=extra)
    except ValidationError as error:
        raise _first(error.errors(include_url=False)) from error
    return found


@cache
def _adapter(kind: Any) -> "TypeAdapter[Any]":
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _first(errors: Sequence["ErrorDetails"]) -> MalformedError:
    keys = [one for one in errors if one["type"] in (_MISSING, _UNKNOWN)]
    if not keys:
        return _of_value(errors[0])
    place = min((one["loc"][:-1] for one in keys), key=len)
    here = [one for one in keys if one["loc"][:-1] == place]
    missing, unknown = ([one["loc"][-1] for one in here if one["type"] == kind] for kind in (_MISSING, _UNKNOWN))
    return MalformedError((*place, *unknown[:1]), f"missing keys {missing}, unknown keys {unknown}")


def _of_value(error: "ErrorDetails") -> MalformedError:
    place, kind, value, context = error["loc"], error["type"], error["input"], error.get("ctx", {})
    if kind == "value_error":  # of our own, with a sentence of its own
        return MalformedError(place, str(context["error"]))
    accepted = _ACCEPTED.get(kind, error["msg"])
    if kind == "predicate_failed":
        accepted = "a non-empty string" if isinstance(value, str) else _NUMBER
    elif kind == "greater_than_equal":
        accepted = f"an integer >= {context['ge']}"
    elif kind == "literal_error":
        accepted = context["expected"]
    elif place[-1:] in (("int",), ("float",)):  # one of the types of a union, which is no key
        place, accepted = place[:-1], _NUMBER
    return MalformedError(place, f"must be {accepted}, got {value!r:.60}")


def words(place: Iterable[str | int]) -> str:
    """A place in words, "rule: seeds" or "checks: entry 1"."""
    return ": ".join(f"entry {part + 1}" if isinstance(part, int) else part for part in place)
