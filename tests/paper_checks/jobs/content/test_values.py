"""Values come out of their bytes bit for bit; what would not is refused where it stands; bad bytes are a ValueError."""

import enum
import functools
import json
import struct
from fractions import Fraction
from types import MappingProxyType

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from paper_checks.jobs.values import decode, encode
from theory import Task

from .kinds import Box, Pair, Plain, Point, double

DTYPES = ("float64", "float32", "float16", "int64", "int8", "uint64", "uint16", "complex128", "complex64")


def same(one, other):
    """Whether two values are the same, bit for bit and kind for kind."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float) and not isinstance(one, np.generic):
        return struct.pack("d", one) == struct.pack("d", other)
    if isinstance(one, np.ndarray) and one.dtype == object:
        return one.shape == other.shape and same(one.ravel().tolist(), other.ravel().tolist())
    if isinstance(one, np.ndarray | np.generic):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    if isinstance(one, torch.Tensor):
        kind = {torch.bfloat16: torch.int16}.get(one.dtype, one.dtype)
        return one.dtype == other.dtype and same(one.view(kind).numpy(), other.view(kind).numpy())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    if isinstance(one, Point | Box | Task):
        return same(vars(one), vars(other))
    return one == other


def array(dtype, shape, content):
    """The array with these bits."""
    count = int(np.prod(shape))
    size = count * np.dtype(dtype).itemsize
    return np.frombuffer((content * (size // max(len(content), 1) + 1))[:size], dtype).reshape(shape)


SHAPES = st.lists(st.integers(0, 3), max_size=3).map(tuple)
ARRAYS = st.builds(array, st.sampled_from(DTYPES), SHAPES, st.binary(min_size=1, max_size=40))
LONG = st.integers(9000, 15000)
"""Exponents of integers of more digits than Python takes in decimals."""
FRACTIONS = st.builds(Fraction, st.integers(), st.integers(1)) | LONG.map(lambda n: Fraction(3**n, 2**n))
OBJECTS = SHAPES.flatmap(
    lambda shape: st.lists(FRACTIONS, min_size=int(np.prod(shape)), max_size=int(np.prod(shape))).map(
        lambda items: np.fromiter(items, object, len(items)).reshape(shape)
    )
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    LONG.map(lambda n: -(7**n)),
    st.floats(),
    st.binary(min_size=8, max_size=8).map(lambda bits: struct.unpack("d", bits)[0]),
    st.text(st.characters(exclude_categories=["Cs"])),
    FRACTIONS,
    ARRAYS,
    OBJECTS,
    ARRAYS.filter(lambda found: found.size).map(lambda found: found.ravel()[0]),
    ARRAYS.filter(lambda found: found.dtype not in ("uint64", "uint16")).map(
        lambda found: torch.from_numpy(found.copy())
    ),
    st.just(np.array([[True], [False]])),
    st.just(torch.tensor([1.5, -0.0, float("nan")], dtype=torch.bfloat16)),
    st.sampled_from([Plain, Pair, double, Task(3, 5, Fraction(1, 3)), Task(3, 5, 0.25)]),
)
NAMES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | FRACTIONS
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(NAMES | st.tuples(NAMES), inner, max_size=3),
        st.builds(Point, inner, inner),
        st.builds(Pair, inner, inner),
        st.lists(st.builds(Point, inner), max_size=2).map(lambda points: Box(points, Box([]))),
    ),
    max_leaves=8,
)


@given(VALUES)
@settings(max_examples=300, deadline=None)
def test_what_goes_in_comes_out(value):
    content = encode(value)
    found = decode(content)
    assert same(found, value), (value, found)
    assert encode(found) == content


BASE = np.arange(24.0).reshape(2, 3, 4)
LAYOUTS = {
    "transposed": BASE.T,
    "strided": BASE[:, ::2],
    "backwards": BASE[::-1, :, ::-1],
    "broadcast": np.broadcast_to(np.arange(3.0), (2, 3)),
    "columns first": np.asfortranarray(BASE),
    "read only": np.frombuffer(BASE.tobytes()),
    "0-d": np.array(2.5),
    "0-d object": np.array(Fraction(1, 3), dtype=object),
    "empty": np.zeros((0, 3)),
    "transposed objects": np.array([[Fraction(1, 3), 2], [None, "x"]], dtype=object).T,
    "lists as objects": np.fromiter([[1], [2], [3, 4]], object, 3),
    "arrays as objects": np.fromiter([np.arange(3), np.arange(3)], object, 2),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_arrays_of_any_layout(name):
    value = LAYOUTS[name]
    found = decode(encode(value))
    assert same(found, np.array(value, order="C")) and found.flags.writeable
    assert encode(value) == encode(np.array(value, order="C")) == encode(np.array(value, order="F"))


def test_tensors_of_any_layout():
    base = torch.arange(6.0).reshape(2, 3)
    turned = torch.complex(base, -base).conj()
    for value in (
        base.T,
        base[:, ::2],
        base.expand(4, 2, 3),
        base.to(torch.bfloat16).T,
        turned,
        turned.imag,
        base[0, 0],
    ):
        assert same(decode(encode(value)), value.resolve_conj().resolve_neg().contiguous())


def test_mappings_come_out_as_dictionaries_in_their_order():
    content = MappingProxyType({"b": 1, "a": (2,), (1, "x"): MappingProxyType({})})
    found = decode(encode(content))
    assert found == {"b": 1, "a": (2,), (1, "x"): {}} and list(found) == ["b", "a", (1, "x")]
    assert type(found) is type(found[1, "x"]) is dict


def test_a_result_is_no_view_of_what_it_was_made_of():
    value = np.zeros(3)
    content = encode(value)
    decode(content)[0] = 7
    assert same(decode(content), value)


class Colour(enum.IntEnum):
    RED = 1


def inner():
    def function():
        pass

    return function


LOOP: list = []
LOOP.append(LOOP)
REFUSED = [
    ({1, 2}, r"value must be made of numbers, text, .* and named tuples, got builtins\.set"),
    ([0, {"a": (1, b"x")}], r"value\[1\]\['a'\]\[1\] must .* got builtins\.bytes"),
    (Box([Point(1), Point(1, object())]), r"value\.points\[1\]\.y must .* got builtins\.object"),
    ({"a": 1, frozenset(): 2}, r"value\[frozenset\(\)\], its name must .* got builtins\.frozenset"),
    (Pair(1, 1j), r"value\.second must .* got builtins\.complex"),
    (Plain(), r"got tests\.paper_checks\.jobs\.content\.kinds\.Plain"),
    (Colour.RED, r"got tests\.paper_checks\.jobs\.content\.test_values\.Colour"),
    (Plain.Inner(1), "value must be a class or function at the top of a module, got .*Inner"),
    (lambda x: x, "value must be a class or function at the top of a module, got .*lambda"),
    ([inner()], r"value\[0\] must be a class or function at the top of a module, got .*inner"),
    ([].append, "value must be a class or function at the top of a module"),
    (functools.partial(double, 1), "value must be a class or function at the top of a module"),
    (np.ma.masked_array([1.0], [True]), "got numpy.*MaskedArray"),
    (np.array(["a"]), "value must be an array of numbers or of objects, got <U1"),
    (np.zeros(2, ">f8"), "value must be an array of numbers or of objects, got >f8"),
    (np.zeros(2, np.longdouble), "value must be an array of numbers"),
    (np.datetime64("2026-01-01"), "value must be an array of numbers"),
    (np.zeros(2, [("x", "f8")]), "value must be an array of numbers"),
    (np.array([1, {2}], dtype=object), r"value\[1\] must .* got builtins\.set"),
    ([torch.zeros(2, requires_grad=True)], r"value\[0\] must be a dense tensor .* got one with a gradient"),
    (torch.zeros(2, device="meta"), "value must be a dense tensor .* got one on meta"),
    (torch.eye(2).to_sparse(), "value must be a dense tensor .* got one on cpu, torch.sparse"),
    (torch.nn.Parameter(torch.zeros(2), requires_grad=False), "got torch.nn.parameter.Parameter"),
    ("a\ud800", r"value must be text in Unicode, got 'a\\ud800'"),
    (LOOP, "value must not contain itself"),
]


@pytest.mark.parametrize(("value", "message"), REFUSED, ids=[str(number) for number in range(len(REFUSED))])
def test_what_would_not_come_out_is_refused_where_it_stands(value, message):
    with pytest.raises(TypeError, match=message):
        encode(value)


def content(tree, **arrays):
    """Bytes that say this tree."""
    return save(arrays, {"value": tree if isinstance(tree, str) else json.dumps(tree)})


def named(name, kind="class", **fields):
    return content({"~": kind, "name": name, "is": fields})


BAD = [
    named("subprocess:Popen", args=["touch", "x"]),
    named("os:system", "name"),
    named("builtins:eval", "name"),
    named("numpy:sin", "name"),
    named("paper_checks.__main__:main", "name"),
    named("paper_checks.jobs.values:importlib.import_module", "name"),
    named("paper_checks.jobs.nothing:X", "name"),
    named("paper_checks.jobs.values:nothing", "name"),
    named("paper_checks.jobs.values:encode", value=1),
    named("tests.paper_checks.jobs.content.kinds:Plain"),
    named("tests.paper_checks.jobs.content.kinds:Point", z=1),
    named("theory:Task", N=1, T=5, alpha=0.5),
    content({"~": "other"}),
    content({"is": 1}),
    content({"~": "array", "is": "000001"}, a=np.zeros(2)),
    content({"~": "array", "is": "a", "of": "complex128"}, a=np.zeros(3)),
    content({"~": "fraction", "is": [1, 0]}),
    content({"~": "fraction", "is": [1, 2, 3]}),
    content({"~": "integer", "is": "0xx"}),
    content({"~": "float", "is": "00"}),
    content({"~": "dict", "is": [[[], 1]]}),
    content({"~": "objects", "shape": [3], "is": [1, 2]}),
    content({"~": "tensor"}),
    content("{"),
    content("[" * 100_000),
    save({"a": np.zeros(2)}, {"other": "1"}),
    save({"a": np.zeros(2)}),
    b"",
    b"\xff" * 100,
    encode(1)[:-1],
]


@pytest.mark.parametrize("given", BAD, ids=[str(number) for number in range(len(BAD))])
def test_bytes_that_are_no_value_are_a_value_error(given):
    with pytest.raises(ValueError, match="content must be an encoded value"):
        decode(given)


def test_a_value_of_others_goes_in_and_does_not_come_out():
    """As an argument of a job it may be hashed."""
    with pytest.raises(ValueError, match="class or function numpy:sin must be of one of the packages paper_checks, "):
        decode(encode(np.sin))


SAMPLES = [encode(value) for value in (
    [1, -0.0, float("inf"), "ä", Fraction(1, 3), 3**60],
    {"a": np.arange(3.0), ("b",): torch.arange(3), 1: np.array([Fraction(1, 2)], dtype=object)},
    Box([Point(Pair(double, Plain), Task(3, 5, 0.5))], Box([])),
)]  # fmt: skip
CHANGES = st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=3), st.integers(0, 3)), min_size=1, max_size=4)


@given(st.sampled_from(SAMPLES), CHANGES)
@settings(max_examples=500, deadline=None)
def test_changed_bytes_are_a_value_or_a_value_error(sample, changes):
    """As they could come from a file that says its digest itself; a file that was damaged is found by its digest."""
    for place, inserted, removed in changes:
        at = place % (len(sample) + 1)
        sample = sample[:at] + inserted + sample[at + removed :]
    try:
        decode(sample)
    except ValueError as error:
        assert str(error).startswith("content must be an encoded value: ")
