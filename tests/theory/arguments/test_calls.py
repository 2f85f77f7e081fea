"""Functions, constructors and methods whose arguments are checked: results, faces, shapes, cost."""

import dataclasses
import inspect
import math
import pickle
import time
from typing import Annotated, Any, NamedTuple

import numpy as np
import pytest

from theory.arguments import (
    FINITE,
    Count,
    PositiveReal,
    Shape,
    checked,
    unchecked,
)
from theory.arrays import Floats

NAN = float("nan")


@checked
def product(left: Annotated[Floats, Shape("K d")], right: Annotated[Floats, Shape("d")] | None = None) -> Any:
    return left, right


def test_one_letter_is_one_size():
    product([[1.0, 2.0]], right=[1.0, 2.0])
    product([[1.0, 2.0]])
    with pytest.raises(ValueError, match=r"right must have shape \(d,\) = \(2,\), got \(3,\)"):
        product([[1.0, 2.0]], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"left must have shape \(K, d\), got \(2,\)"):
        product([1.0, 2.0])


@checked
def power(base: float, exponent: float = 2.0) -> Annotated[float, FINITE]:
    """base ** exponent."""
    return base**exponent


@checked
def square(values: Floats) -> Annotated[tuple[Floats, Floats], FINITE]:
    return values, values**2


def test_a_result_beyond_the_floats_is_refused_by_the_largest_argument():
    assert power(3) == 9
    with pytest.raises(ValueError, match=r"base must be small enough for a result within the floats, got 1e\+200"):
        power(1e200)
    with pytest.raises(ValueError, match=r"values must be small enough .* with entries up to 1e\+300"):
        square([1.0, -1e300])


@checked
@dataclasses.dataclass(frozen=True)
class Settings:
    """Some."""

    width: Count
    rates: "tuple[PositiveReal, ...]" = (1.0,)

    def __post_init__(self):
        assert type(self.width) is int

    @classmethod
    @checked
    def of(cls, width: Count) -> "Settings":
        return cls(width)

    @checked
    def wider(self, by: int) -> "Settings":
        return dataclasses.replace(self, width=self.width + by)


@checked
class Pair(NamedTuple):
    count: Count
    rate: PositiveReal = 1.0


def test_constructors_and_methods():
    made = Settings(np.int64(3), [1, 2])
    assert made == Settings(3, (1.0, 2.0)) and pickle.loads(pickle.dumps(made)) == made
    assert made.wider(2).width == 5 and Settings.of(2).width == 2
    for call in (lambda: Settings(0), lambda: Settings.of(0), lambda: made.wider(-3)):
        with pytest.raises(ValueError, match="width must be an integer >= 1, got 0"):
            call()
    with pytest.raises(TypeError, match=r"by must be an integer, got 1\.0"):
        made.wider(1.0)
    with pytest.raises(ValueError, match=r"rates\[0\] must be a finite real number > 0, got nan"):
        dataclasses.replace(made, rates=(NAN,))
    assert Pair(np.int64(2)) == (2, 1.0)
    with pytest.raises(ValueError, match="count must be an integer >= 1, got 0"):
        Pair(0)


def test_the_rest_of_the_arguments_and_wrong_calls():
    @checked
    def call(first: int, /, *rest: Count, flag: bool = False, **named: float):
        return first, rest, flag, named

    assert call(np.int64(1), np.int64(2), 3, flag=np.True_, x=1) == (1, (2, 3), True, {"x": 1.0})
    with pytest.raises(ValueError, match="rest must be an integer >= 1, got 0"):
        call(1, 2, 0)
    with pytest.raises(TypeError, match="x must be a finite real number, got 'a'"):
        call(1, x="a")
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'base'"):
        power()
    with pytest.raises(TypeError, match="takes from 1 to 2 positional arguments but 3 were given"):
        power(1.0, 2.0, 3.0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'root'"):
        power(1.0, root=2)


def test_a_function_keeps_its_face():
    assert power.__name__ == "power" and power.__doc__ == "base ** exponent."
    assert list(inspect.signature(power).parameters) == ["base", "exponent"]
    assert list(inspect.signature(Settings).parameters) == ["width", "rates"]
    assert Settings.__doc__ == "Some."


def test_an_overflow_becomes_an_error_that_names_the_largest_argument():
    @checked
    def call(small: float, large: int) -> float:
        return math.exp(small) * large

    assert call(1, 1) == math.e
    with pytest.raises(ValueError, match="large must be small enough for a result within the floats, got 1000000"):
        call(1, 10**400)


def test_what_is_unchecked_is_the_same_without_checks():
    assert unchecked(power)(2.0, 3) == 8
    with pytest.raises(TypeError, match="unsupported operand"):
        unchecked(power)("a")
    made = unchecked(Settings)(np.int64(3).item(), [NAN])
    assert isinstance(made, Settings) and made.width == 3 and made.rates == [NAN]


def test_a_check_is_cheap():
    @checked
    def call(count: Count, level: float, flag: bool = False) -> None: ...

    def seconds():
        start = time.process_time()
        for _ in range(2000):
            call(3, 0.5, flag=True)
        return (time.process_time() - start) / 2000

    assert min(seconds() for _ in range(5)) < 2e-5
