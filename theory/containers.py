"""Rules of what is no number and no array: classes, strings, literals, paths, sequences, sets and mappings."""

import collections.abc
import os
import pathlib
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from .scalars import out_of_range, shown, single, wrong_kind

Check = Callable[[str, Any], Any]
"""From the name of an argument and its value: the value to go on with, or a TypeError / ValueError."""


class Rule(NamedTuple):
    """What a declared type takes, in words and as a check; without one everything is taken."""

    what: str
    check: Check | None


ANYTHING = Rule("anything", None)


def instance_rule(what: str, holds: Callable[[Any], bool]) -> Rule:
    """A value as it is where it is one of those."""

    def check(name: str, value: Any) -> Any:
        if not holds(value):
            raise wrong_kind(name, what, value)
        return value

    return Rule(what, check)


NONE = instance_rule("None", lambda value: value is None)
CALLABLE = instance_rule("a callable", callable)
CLASS = instance_rule("a class", lambda value: isinstance(value, type))


def class_rule(cls: Any) -> Rule:
    """Instances of a class; tensors that have data. Of protocols, what has their members; else anything is taken."""
    if not isinstance(cls, type) or typing.is_typeddict(cls):
        return ANYTHING
    if getattr(cls, "_is_protocol", False) and cls.__module__ != "collections.abc":
        return _protocol_rule(cls)
    what = _named(cls)
    if what == "a torch.Tensor":
        tensor: Any = cls  # without torch it has no type here
        return instance_rule(f"{what} that has data", lambda value: isinstance(value, tensor) and _is_dense(value))
    return instance_rule(what, lambda value: isinstance(value, cls))


def _is_dense(tensor: Any) -> bool:
    """Whether a tensor has its entries, all of them, in memory."""
    return not tensor.is_meta and str(tensor.layout) == "torch.strided"


def _protocol_rule(cls: type) -> Rule:
    parts = [part for part in cls.__mro__ if getattr(part, "_is_protocol", False) and part is not typing.Protocol]
    own = {one for part in parts for one in (*vars(part), *vars(part).get("__annotations__", ()))}
    members = sorted(one for one in own if one == "__call__" or not one.startswith("_"))
    if not members:
        return ANYTHING
    return instance_rule(
        f"an object with {', '.join(members)}", lambda value: all(hasattr(value, one) for one in members)
    )


def _named(cls: type) -> str:
    """A class as users import it: its name in the package that its module lies in."""
    if cls.__module__ == "builtins":
        name = cls.__name__
    else:
        name = f"{cls.__module__.rpartition('.')[0] or cls.__module__}.{cls.__name__}"
    article = "an" if name[0].lower() in "aeiou" else "a"
    return f"{article} {name}"


STRING = instance_rule("a string", lambda value: isinstance(value, str))


def literal_rule(choices: tuple[Any, ...]) -> Rule:
    """One of a few values."""
    listed = [*map(repr, choices)]
    what = " or ".join(filter(None, [", ".join(listed[:-1]), listed[-1]]))
    return Rule(what, lambda name, value: as_choice(name, value, choices, what))


def as_choice(name: str, value: Any, choices: tuple[Any, ...], what: str = "") -> Any:
    """The one of the choices that the value is, or a ValueError; numbers of any library are those that they are."""
    number = single(value)
    for choice in choices:
        alike = Integral if type(choice) is int else type(choice)
        if isinstance(number, alike) and isinstance(number, bool) == isinstance(choice, bool) and number == choice:
            return choice
    raise out_of_range(name, what or f"one of {choices}", value)


def path_rule(cls: type[pathlib.PurePath]) -> Rule:
    """A path, or a string as one."""

    def check(name: str, value: Any) -> Any:
        if not isinstance(value, str | os.PathLike) or isinstance(text := os.fspath(value), bytes):
            raise wrong_kind(name, "a path", value)
        if not text or "\0" in text:
            raise out_of_range(name, "a path that is not empty and has no null characters", value)
        return value if isinstance(value, cls) else cls(text)

    return Rule("a path", check)


@dataclass(frozen=True)
class _Kind:
    """How a container is told, made anew and called."""

    is_one: Callable[[Any], bool]
    make: Callable[[list[Any]], Any]
    noun: str


def _is_sequence(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim == 1 and not isinstance(value, np.ma.MaskedArray)
    if isinstance(value, str | bytes | bytearray | memoryview):
        return False
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return bool(value.ndim == 1 and not value.is_meta)
    return isinstance(value, collections.abc.Sequence)


def _is_iterable(value: Any) -> bool:
    return isinstance(value, collections.abc.Set | collections.abc.KeysView) or _is_sequence(value)


_SEQUENCE = _Kind(_is_sequence, list, "a sequence")
_KINDS: dict[Any, _Kind] = {
    collections.abc.Sequence: _SEQUENCE,
    collections.abc.Collection: _Kind(_is_iterable, list, "a sequence"),
    list: _SEQUENCE,
    tuple: _Kind(_is_sequence, tuple, "a sequence"),
    set: _Kind(_is_iterable, set, "a set"),
    frozenset: _Kind(_is_iterable, frozenset, "a set"),
    collections.abc.Set: _Kind(_is_iterable, frozenset, "a set"),
}


def container_rule(origin: Any, entries: tuple[Rule, ...], fixed: bool) -> Rule | None:
    """Of a sequence, set or mapping by the rules of its entries (of each in its place where it is `fixed`)."""
    if origin in (dict, Mapping, collections.abc.MutableMapping):
        key, entry = entries or (ANYTHING, ANYTHING)
        return Rule("a mapping", lambda name, value: _mapped(name, value, key, entry))
    kind = _KINDS.get(origin)
    if kind is None:
        return None
    what = f"{kind.noun} of length {len(entries)}" if fixed else kind.noun

    def check(name: str, value: Any) -> Any:
        if not kind.is_one(value):
            raise wrong_kind(name, what, value)
        if fixed and len(value) != len(entries):
            raise out_of_range(name, what, value)
        given = value if isinstance(value, collections.abc.Sequence) else list(value)
        rules = entries if fixed else (entries or (ANYTHING,))[:1] * len(given)
        pairs = enumerate(zip(given, rules, strict=True))
        found = [rule.check(f"{name}[{i}]", one) if rule.check else one for i, (one, rule) in pairs]
        if isinstance(value, origin) and all(one is other for one, other in zip(given, found, strict=True)):
            return value
        return kind.make(found)

    return Rule(what, check)


def _mapped(name: str, value: Any, key: Rule, entry: Rule) -> Any:
    if not isinstance(value, Mapping):
        raise wrong_kind(name, "a mapping", value)
    found = {
        (key.check(f"a key of {name}", one) if key.check else one): (
            entry.check(f"{name}[{shown(one)}]", held) if entry.check else held
        )
        for one, held in value.items()
    }
    same = all(one is other for one, other in zip(value.values(), found.values(), strict=True))
    return value if same and list(value) == list(found) else found


def sized_rule(rule: Rule, least: int, most: float) -> Rule:
    """The same with bounds on its length."""
    if rule.check is None or (least == 0 and most == float("inf")):
        return rule
    check = rule.check
    bounds = f"at least {least}" if most == float("inf") else f"{least} to {most}"
    what = f"{rule.what} of {bounds} {'characters' if rule is STRING else 'entries'}"

    def measured(name: str, value: Any) -> Any:
        found = check(name, value)
        if not least <= len(found) <= most:
            raise out_of_range(name, what, value)
        return found

    return Rule(what, measured)
