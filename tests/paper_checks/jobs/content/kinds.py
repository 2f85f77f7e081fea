"""What the tests of values are made of, and jobs of all kinds of arguments."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

from paper_checks.jobs import job


@dataclass(frozen=True)
class Point:
    """A dataclass; its norm follows from its coordinates."""

    x: Any
    y: Any = 0
    norm: float = field(init=False, default=0.0)


@dataclass(eq=False)
class Box:
    """A dataclass that holds others."""

    points: list[Point]
    inside: "Box | None" = None


class Pair(NamedTuple):
    """A named tuple."""

    first: Any
    second: Any


class Plain:
    """No dataclass."""

    class Inner(NamedTuple):
        """Not at the top of a module."""

        x: int


def double(x: int) -> int:
    """A function at the top of a module."""
    return 2 * x


@job("anything", cost=0.01)
def anything(value: Any = 0, more: Any = None) -> Any:
    """The value itself."""
    return value


@job("other things", cost=0.01)
def another(value: Any = 0, more: Any = None) -> Any:
    """The value itself, of another function."""
    return value


@job("applied", cost=0.01)
def applied(function: Callable[[int], int], x: int) -> int:
    """A function of an integer."""
    return function(x)


MANY = (
    anything.of({"b": [1, 2.5, "ä"], "a": (Fraction(1, 3), None)}),
    anything.of(Box([Point(1.5), Point(-0.0, "x")], Box([])), Pair(Plain, double)),
    anything.of(3**4000, Fraction(2**20000, 3)),
    another.of(float("nan"), float("-inf")),
)
"""Jobs whose keys are the same in every process."""
