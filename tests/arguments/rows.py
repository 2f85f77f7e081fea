"""The form of the tables: valid calls by public name, from which `cases` makes the bad ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Fresh:
    """A value that is made anew for each call, since a call may use it up or change it."""

    make: Callable[[], Any]


@dataclass(frozen=True)
class Row:
    """One public callable.

    Attributes:
        calls: valid calls, their arguments by name; together they give every parameter a value that is not None.
        on: for a method, what it is called on.
        free: by parameter, labels of cases that may be accepted where others of its kind may not, such as any text.
        alias: by parameter, another name under which a message may speak of it.
        unbounded: whether NaN or infinity is a documented value of the result.
        raises: further errors that are documented.
        long: parameters whose large values ask for long work, which is done; they are not made large.
        more: further cases: a label, arguments in place of those of the first call, and the name in the message.
    """

    calls: tuple[Mapping[str, Any], ...]
    on: Any = None
    free: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    alias: Mapping[str, str] = field(default_factory=dict)
    unbounded: bool = False
    raises: tuple[type[Exception], ...] = ()
    long: tuple[str, ...] = ()
    more: tuple[tuple[str, Mapping[str, Any], str], ...] = ()


def row(*calls: Mapping[str, Any], **given: Any) -> Row:
    """A row of the calls, or of the one whose arguments are given by name."""
    return Row(calls or (given,))


def of(row: Row, **changes: Any) -> Row:
    """The row with other attributes."""
    from dataclasses import replace

    return replace(row, **changes)


@dataclass(frozen=True)
class Table:
    """The rows of one face.

    Attributes:
        rows: by name, methods as "Class.method".
        results: classes of what calls hand back, which nobody makes by hand.
        inner: methods that other modules call in a loop after a check, and whose docstring says "unchecked".
    """

    rows: Mapping[str, Row]
    results: frozenset[str] = frozenset()
    inner: frozenset[str] = frozenset()
