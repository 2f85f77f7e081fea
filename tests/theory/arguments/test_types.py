"""What each declared type takes of what callers give, and what the error says of what it does not take."""

import pathlib
import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Annotated, Any, Literal, Protocol, TypeVar

import flint
import numpy as np
import pytest
import sympy
import torch
from annotated_types import Ge, Gt, Interval, Lt, MinLen
from numpy.typing import ArrayLike
from typing_extensions import TypeAliasType

from theory import Task, rules
from theory.arguments import (
    MAY_BE_INFINITE,
    MAY_HAVE_NAN,
    Count,
    Element,
    NonNegative,
    Operand,
    PositiveReal,
    Probability,
    Size,
    checked,
    one_of,
)
from theory.arrays import Floats, Integers, Table
from theory.scalars import shown
from theory.task import RealNumber


def named(value):
    """The name of a case: no address of an object, which differs between the processes that run the tests."""
    return re.sub(r" at 0x[0-9a-f]+|0x[0-9a-f]+>", "", shown(value))


class Sized(Protocol):
    width: int


NAN, INF = float("nan"), float("inf")
MASKED = np.ma.masked_array([1.0, 2.0], [True, False])
META = torch.ones(2, device="meta")
OPEN = Annotated[float, Gt(0), Lt(1)]


def taken(hint, value):
    """What a function with an argument `given` of this type gets."""

    @checked
    def call(given: hint):
        return given

    return call(value)


TAKEN = [
    (int, np.int64(3), 3),
    (int, np.array(3), 3),
    (int, torch.tensor(3), 3),
    (int, sympy.Integer(3), 3),
    (float, 3, 3.0),
    (float, np.float32(0.5), 0.5),
    (float, torch.tensor(0.5, requires_grad=True), 0.5),
    (float, Fraction(1, 2), 0.5),
    (RealNumber, sympy.Rational(1, 3), Fraction(1, 3)),
    (RealNumber, np.int8(3), 3),
    (RealNumber | None, None, None),
    (Annotated[float, MAY_BE_INFINITE], INF, INF),
    (Probability, np.float64(0.25), 0.25),
    (Probability, 1, Fraction(1)),
    (NonNegative, 0.5, Fraction(1, 2)),
    (bool, np.True_, True),
    (str | Sequence[str], "ab", "ab"),
    (Literal["a", 2], 2, 2),
    (pathlib.Path, "a/b", pathlib.Path("a/b")),
    (pathlib.Path, pathlib.Path("a"), pathlib.Path("a")),
    (Callable[[int], int], abs, abs),
    (Sequence[int], np.array([1, 2]), [1, 2]),
    (Sequence[int], (1, 2), (1, 2)),
    (Sequence[int], torch.tensor([1, 2]), [1, 2]),
    (tuple[int, ...], [np.int64(1)], (1,)),
    (tuple[str, int], ("a", 1), ("a", 1)),
    (set[int], {1}, {1}),
    (frozenset[int], {np.int64(1)}, frozenset({1})),
    (Mapping[str, float], {"a": np.float32(0.5)}, {"a": 0.5}),
    (Task, Task(3, 5, 0.5), Task(3, 5, 0.5)),
    (torch.device | str, "cpu", "cpu"),
    (Sized | None, None, None),
    (Any, None, None),
]


@pytest.mark.parametrize(("hint", "value", "expected"), TAKEN, ids=named)
def test_what_a_type_takes_comes_as_python_s_own(hint, value, expected):
    found = taken(hint, value)
    assert found == expected and type(found) is type(expected)


REFUSED = [
    (int, 2.0, TypeError, "given must be an integer, got 2.0 (float)"),
    (int, True, TypeError, "given must be an integer, got True (bool)"),
    (int, np.True_, TypeError, "given must be an integer, got np.True_"),
    (int, torch.tensor([1, 2]), TypeError, "given must be an integer, got tensor([1, 2])"),
    (int, torch.tensor(True), TypeError, "given must be an integer, got tensor(True)"),
    (int, torch.ones((), device="meta"), TypeError, "given must be an integer, got "),
    (int, np.ma.masked, TypeError, "given must be an integer, got masked"),
    (Size, 1, ValueError, "given must be an integer >= 2, got 1"),
    (Size, "2", TypeError, "given must be an integer >= 2, got '2' (str)"),
    (Annotated[int, Interval(ge=1, le=5)], 6, ValueError, "given must be an integer in 1..5, got 6"),
    (Count, -(10**5000), ValueError, "given must be an integer >= 1, got <int>"),
    (float, NAN, ValueError, "given must be a finite real number, got nan"),
    (float, torch.tensor(NAN), ValueError, "given must be a finite real number, got nan"),
    (float, -INF, ValueError, "given must be a finite real number, got -inf"),
    (float, 10**400, ValueError, "given must be a finite real number, at most the largest float, got 1000"),
    (float, 0.5j, TypeError, "given must be a finite real number, got 0.5j (complex)"),
    (Annotated[float, MAY_BE_INFINITE], NAN, ValueError, "given must be a real number, got nan"),
    (PositiveReal, 0, ValueError, "given must be a finite real number > 0, got 0.0"),
    (OPEN, 1.0, ValueError, "given must be a real number in (0, 1), got 1.0"),
    (OPEN, NAN, ValueError, "given must be a real number in (0, 1), got nan"),
    (OPEN | None, "a", TypeError, "given must be a real number in (0, 1) or None, got 'a' (str)"),
    (RealNumber, INF, ValueError, "given must be a finite real number, got inf"),
    (Probability, NAN, ValueError, "given must be a real number in [0, 1], got nan"),
    (NonNegative, -1, ValueError, "given must be a finite real number >= 0, at most the largest float, got -1"),
    (bool, "yes", TypeError, "given must be True or False, got 'yes' (str)"),
    (bool, 1, TypeError, "given must be True or False, got 1 (int)"),
    (bool, torch.tensor(True), TypeError, "given must be True or False, got tensor(True)"),
    (Literal["a", "b"], "c", ValueError, "given must be 'a' or 'b', got 'c'"),
    (Literal["a", 1], True, ValueError, "given must be 'a' or 1, got True"),
    (Literal["a", "b"], np.ones(2), ValueError, "given must be 'a' or 'b', got array([1., 1.])"),
    (str, b"a", TypeError, "given must be a string, got b'a' (bytes)"),
    (pathlib.Path, 3, TypeError, "given must be a path, got 3 (int)"),
    (pathlib.Path, "a\0b", ValueError, "given must be a path that is not empty and has no null characters"),
    (Callable[[int], int], 3, TypeError, "given must be a callable, got 3 (int)"),
    (Sequence[int], "12", TypeError, "given must be a sequence, got '12' (str)"),
    (Sequence[int], 3, TypeError, "given must be a sequence, got 3 (int)"),
    (Sequence[Count], [1, 0], ValueError, "given[1] must be an integer >= 1, got 0"),
    (Sequence[Count] | None, [1, 0], ValueError, "given[1] must be an integer >= 1, got 0"),
    (Sequence[float], MASKED, TypeError, "given must be a sequence, got masked_array"),
    (Annotated[Sequence[int], MinLen(1)], [], ValueError, "given must be a sequence of at least 1 entries, got []"),
    (tuple[str, int], ("a",), ValueError, "given must be a sequence of length 2, got ('a',)"),
    (Mapping[str, float], {"a": NAN}, ValueError, "given['a'] must be a finite real number, got nan"),
    (Mapping[str, float], {1: 1.0}, TypeError, "a key of given must be a string, got 1 (int)"),
    (Mapping[str, float], [1.0], TypeError, "given must be a mapping, got [1.0] (list)"),
    (Task, 3, TypeError, "given must be a theory.Task, got 3 (int)"),
    (Task | None, "x" * 500, TypeError, "given must be a theory.Task or None, got 'xxx"),
    (torch.Tensor, META, TypeError, "given must be a torch.Tensor that has data, got tensor("),
    (Sized, 3, TypeError, "given must be an object with width, got 3 (int)"),
]


@pytest.mark.parametrize(("hint", "value", "error", "words"), REFUSED, ids=named)
def test_what_it_does_not_take_is_named(hint, value, error, words):
    with pytest.raises(error) as caught:
        taken(hint, value)
    assert type(caught.value) is error and str(caught.value).startswith(words)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("hint", "value", "dtype"),
    [
        (Floats, [1, 2], np.float64),
        (Floats, np.ones(2, np.float32), np.float64),
        (Floats, torch.ones(2), np.float64),
        (Floats, [Fraction(1, 2), 1], np.float64),
        (Integers, np.ones(2, np.uint8), np.int64),
        (Integers, [], np.int64),
        (Table, [Fraction(1, 2)], object),
        (Table, np.ones(2, np.float32), np.float32),
        (ArrayLike, [1.0, 2.0], np.float64),
        (ArrayLike | None, [[1, 2]], np.int64),
        (RealNumber | ArrayLike, [1.0], np.float64),
    ],
    ids=named,
)
def test_arrays_that_are_taken(hint, value, dtype):
    found = taken(hint, value)
    assert isinstance(found, np.ndarray) and found.dtype == dtype and found.shape == np.shape(value)


@pytest.mark.parametrize("hint", [Floats, Table, ArrayLike, ArrayLike | None, Floats | None, RealNumber | ArrayLike])
@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (MASKED, TypeError, "given must be a real array without a mask, got MaskedArray"),
        ([MASKED, MASKED], TypeError, "given must be a real array without a mask, got list"),
        ([1.0, NAN], ValueError, "given must be finite, got NaN or infinite entries"),
        ([Fraction(1), NAN], ValueError, "given must be finite, got NaN or infinite entries"),
        ([[1], [1, 2]], ValueError, "given must be a real array of rectangular shape"),
        (META, TypeError, "given must be a real array"),
        (np.ones(2, complex), TypeError, "given must be a real array, got dtype complex128"),
        (np.ones(2, bool), TypeError, "given must be a real array, got dtype bool"),
        (["a"], TypeError, "given must be a real array, got dtype <U1"),
        ([Fraction(1), None], TypeError, "given must hold real numbers, got None (NoneType)"),
        ({"a": 1}, TypeError, "given must hold real numbers, got {'a': 1} (dict)"),
    ],
    ids=named,
)
def test_arrays_that_are_refused(hint, value, error, words):
    with pytest.raises(error) as caught:
        taken(hint, value)
    assert str(caught.value).startswith(words)


SCALAR = TypeVar("SCALAR", bound=np.generic)
AN_ARRAY = np.ndarray[Any, np.dtype[Any]]
UNIONS = {"2.0": AN_ARRAY | bool | int | float | complex | str | bytes, "2.4": AN_ARRAY | complex | bytes | str}
NAMED = TypeAliasType("NAMED", np.ndarray[Any, np.dtype[SCALAR]], type_params=(SCALAR,))


@pytest.mark.parametrize("arrays", [*UNIONS.values(), TypeAliasType("ArrayLike", UNIONS["2.4"])], ids=[*UNIONS, "2.5"])
def test_what_numpy_calls_an_array_in_any_version(arrays, monkeypatch):
    """A union with numbers, one without, and since 2.5 a name, which a union keeps whole."""
    monkeypatch.setattr(rules, "ArrayLike", arrays)
    noun = "an array of real numbers"
    assert taken(arrays, [1.0, 2.0]).shape == taken(Task | arrays | None, [1.0, 2.0]).shape == (2,)
    assert taken(Task | arrays | None, None) is None
    for hint, what in ((Task | arrays | None, f"a theory.Task or {noun} or None"), (int | None, "an integer or None")):
        with pytest.raises(TypeError, match=f"given must be {what}, got 'a'"):
            taken(hint, "a")
    with pytest.raises(TypeError, match="given must be an integer or None, got "):
        taken(int | None, [1.0, 2.0])


@pytest.mark.parametrize("hint", [NAMED[np.float64], NAMED[np.float64] | None, Annotated[NAMED[np.float64], MinLen(1)]])
def test_a_type_that_has_a_name(hint):
    """What `type NAMED[SCALAR] = ...` writes, as numpy from 2.5 on does its NDArray, is what it stands for."""
    assert taken(hint, [1, 2]).dtype == np.float64
    with pytest.raises(TypeError, match="given must be a real array, got dtype <U1"):
        taken(hint, ["a"])


def test_bounds_and_kinds_of_entries():
    with pytest.raises(ValueError, match=r"given must be an array of real numbers >= 0, got -1\.0"):
        taken(Annotated[Floats, Ge(0)], [0.0, -1.0])
    with pytest.raises(TypeError, match="given must be an integer array, got dtype float64"):
        taken(Integers, [1.5])
    with pytest.raises(ValueError, match="given must fit in 64-bit integers, got 18446744073709551615"):
        taken(Integers, np.array([2**64 - 1], dtype=np.uint64))
    with pytest.raises(ValueError, match="given must have at least 1 entries, got 0"):
        taken(Annotated[Floats, MinLen(1)], [])


def test_entries_that_may_be_no_numbers():
    """NaN where there is none, infinity, or both, as the marks say."""
    for marks, good, bad in (
        ((MAY_HAVE_NAN,), [NAN, 1.0], [INF]),
        ((MAY_BE_INFINITE,), [INF, 1.0], [NAN]),
        ((MAY_HAVE_NAN, MAY_BE_INFINITE), [NAN, INF], None),
    ):
        hint = Annotated[Floats, *marks]
        assert len(taken(hint, good)) == 2
        if bad:
            with pytest.raises(ValueError, match=r"given must be finite, got (NaN|infinite) entries"):
                taken(hint, bad)


@pytest.mark.parametrize("hint", [Element, Operand])
def test_numbers_of_generic_arithmetic(hint):
    symbol, ball = sympy.Symbol("x"), flint.arb(1) / 3
    for value in (symbol, ball, Fraction(1, 2), 3, 0.5):
        assert taken(hint, value) is value
    assert type(taken(hint, np.float32(0.5))) is float and taken(hint, torch.tensor(2)) == 2
    for value in ("0.5", None, True, 1j, float, object(), {"a": 1}, np.ma.masked):
        with pytest.raises(TypeError, match=r"given must be a(n array| number| real)"):
            taken(hint, value)
    for value in (NAN, INF, np.float64(NAN)):
        with pytest.raises(ValueError, match="given must be a finite number"):
            taken(hint, value)


def test_operands_may_be_arrays():
    assert taken(Operand, [1.0, 2.0]).shape == (2,)
    with pytest.raises(ValueError, match="given must be finite"):
        taken(Operand, [1.0, NAN])
    with pytest.raises(TypeError, match="given must be a number or a symbol"):
        taken(Element, [1.0])


def test_an_array_among_alternatives_is_not_written_out(monkeypatch):
    """Not even to say, to nobody, that it is no number."""
    monkeypatch.setattr("theory.scalars.shown", lambda value: pytest.fail("written out"))
    assert np.array_equal(taken(RealNumber | ArrayLike, np.arange(3.0)), [0, 1, 2])


def test_one_of_a_few_values():
    assert taken(Annotated[str, one_of({"a": 1, "b": 2})], "b") == "b"
    assert taken(Literal[0, 1], np.int64(1)) == 1
    with pytest.raises(ValueError, match=r"given must be one of \('a', 'b'\), got 'c'"):
        taken(Annotated[str, one_of(("a", "b"))], "c")
