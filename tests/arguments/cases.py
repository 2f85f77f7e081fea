"""Bad and unusual arguments, made from a valid one: which kind it is says what is wrong for it."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

Expected = Literal["refused", "either", "same"]
NAN, INF = float("nan"), float("inf")
LARGE = 10**18


@dataclass(frozen=True)
class Case:
    """One argument in place of a valid one.

    Attributes:
        label: what is unusual about it.
        make: makes it; what this raises counts as a refusal by the class whose instance it makes.
        expected: "refused", "same" for the result of the valid call, "either" for a refusal or a finite result.
    """

    label: str
    make: Callable[[], Any]
    expected: Expected


def cases(value: Any, huge: Mapping[type, tuple[Callable[[], Any], ...]], optional: bool) -> list[Case]:
    """The cases of one parameter; None is among them unless it is `optional`."""
    found = [Case(label, lambda made=made: made, expected) for label, made, expected in _plain(value)]
    found += _made(value)
    found += [Case(f"large {place}", make, "either") for place, make in enumerate(huge.get(type(value), ()))]
    if not optional:
        found.append(Case("None", lambda: None, "refused"))
    if not callable(value):
        found.append(Case("its class", lambda: type(value), "refused"))
    return [*found, Case("an object", object, "refused")]


def _plain(value: Any) -> Iterator[tuple[str, Any, Expected]]:
    """Those that are known at once."""
    if isinstance(value, bool | np.bool_):
        yield from _refused({"str": "no", "int 2": 2, "float": 0.0, "empty list": [], "NaN": NAN})
        yield "numpy bool", np.bool_(value), "same"
    elif isinstance(value, int | np.integer):
        yield from _refused({"str": "3", "NaN": NAN, "inf": INF, "half": 1.5, "list": [int(value)], "complex": 1j})
        yield from _refused({"bool": True, "masked": np.ma.masked, "meta": torch.tensor(3, device="meta")})
        yield from [("-1", -1, "either"), ("0", 0, "either"), ("10**18", LARGE, "either"), ("10**30", 10**30, "either")]
        yield from [("int64", np.int64(value), "same"), ("torch", torch.tensor(value), "same")]
        yield from [("uint8", np.uint8(value), "same")] if 0 <= value < 256 else []
    elif isinstance(value, Real):
        yield from _refused({"str": "0.5", "NaN": NAN, "numpy NaN": np.float32(NAN), "list": [0.5], "complex": 1j})
        yield from _refused({"bool": True, "masked": np.ma.masked, "meta": torch.tensor(0.5, device="meta")})
        yield from [("inf", INF, "either"), ("-inf", -INF, "either"), ("-1", -1.0, "either"), ("0", 0.0, "either")]
        yield from [("10**18", LARGE, "either"), ("1e308", 1e308, "either"), ("1e-320", 1e-320, "either")]
        if isinstance(value, float):  # a fraction may be needed exactly
            yield from [("float64", np.float64(value), "same"), ("torch", torch.tensor(value).double(), "same")]
            yield from [("float32", np.float32(value), "same")] if float(np.float32(value)) == value else []
    elif isinstance(value, str):
        yield from _refused({"nonsense": "nonsense", "empty": "", "int": 3, "bytes": b"nonsense", "list": [value]})
    elif isinstance(value, Path):
        yield from _refused({"nowhere": Path("nowhere") / "at all", "int": 3, "bytes": b"x", "list": [value]})
        yield "str", str(value), "either"
    elif isinstance(value, torch.dtype):
        yield from _refused({"str": "float32", "integer": torch.int64, "numpy": np.float64})
    elif isinstance(value, Mapping):
        yield from _refused({"int": 3, "list": [], "str": "text", "of objects": {object(): object()}})
        yield "empty", {}, "either"
        if value:
            first = next(iter(value))
            yield "an entry is an object", {**value, first: object()}, "refused"
    elif isinstance(value, Sequence | Set) and not hasattr(value, "_fields"):
        yield from _of_sequence(value)
    elif callable(value) and not isinstance(value, torch.nn.Module):
        yield from _refused({"int": 3, "str": "text"})
    else:
        yield from _refused({"int": 3, "str": "text", "list": [value], "dict": {}, "NaN": NAN})


def _refused(values: Mapping[str, Any]) -> Iterator[tuple[str, Any, Expected]]:
    for label, value in values.items():
        yield label, value, "refused"


def _of_sequence(value: Any) -> Iterator[tuple[str, Any, Expected]]:
    """Sequences and sets: another container, and another first entry."""
    kind = type(value) if type(value) in (list, tuple, set, frozenset) else list
    yield from _refused(
        {"int": 3, "float": 0.5, "str": "text", "of objects": kind([object()]), "of None": kind([None])}
    )
    yield "empty", kind(), "either"
    entries = list(value)
    if entries and isinstance(entries[0], Real):
        yield from _refused({"of NaN": kind([NAN]), "of str": kind(["3"]), "nested": [[entries[0]], []]})
        yield "of -1", kind([-1]), "either"
        yield "of 10**18", kind([LARGE]), "either"
    elif entries:
        yield "of int", kind([3]), "refused"


def _made(value: Any) -> list[Case]:
    """Those of arrays and tensors, which are made when they are needed."""
    if isinstance(value, np.ndarray):
        more = {"f": FLOAT_ARRAYS, "i": INTEGER_ARRAYS}.get(value.dtype.kind, [])
        return [Case(label, lambda change=change: change(value), expected) for label, change, expected in ARRAYS + more]
    if isinstance(value, torch.Tensor):
        more = FLOAT_TENSORS if value.is_floating_point() else INTEGER_TENSORS
        return [
            Case(label, lambda change=change: change(value), expected) for label, change, expected in TENSORS + more
        ]
    return []


def _with_first(array: Any, entry: Any) -> Any:
    """A copy whose first entry is this."""
    changed = array.clone() if isinstance(array, torch.Tensor) else array.copy()
    if changed.ndim == 0:
        changed[()] = entry
    else:
        changed.reshape(-1)[0] = entry
    return changed


def _read_only(array: Any) -> Any:
    changed = array.copy()
    changed.setflags(write=False)
    return changed


def _strided(array: Any) -> Any:
    """The same entries, every second one of a larger array."""
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype) if array.ndim else array
    if array.ndim:
        wide[..., ::2] = array
        wide = wide[..., ::2]
    return wide


def _masked(array: Any) -> Any:
    mask = np.zeros(array.shape, bool)
    mask.reshape(-1)[:1] = True
    return np.ma.array(array, mask=mask)


ARRAYS: list[tuple[str, Callable[[Any], Any], Expected]] = [
    ("object dtype", lambda array: np.full(array.shape, object()), "refused"),
    ("text dtype", lambda array: np.full(array.shape, "x"), "refused"),
    ("complex", lambda array: array + 1j, "refused"),
    ("masked", _masked, "refused"),
    ("ragged", lambda array: [[0.5], [0.5, 0.5]], "refused"),
    ("another axis", lambda array: array[None, None], "refused"),
    ("no axes", lambda array: np.float64(0.5), "refused"),
    ("empty", lambda array: array[:0], "either"),
    ("one entry less", lambda array: array[..., :-1], "either"),
    ("meta", lambda array: torch.empty(array.shape, device="meta"), "refused"),
    ("read-only", _read_only, "same"),
    ("strided", _strided, "same"),
    ("reversed bytes", lambda array: array.astype(array.dtype.newbyteorder()), "either"),
    ("list", lambda array: array.tolist(), "either"),
]
FLOAT_ARRAYS: list[tuple[str, Callable[[Any], Any], Expected]] = [
    ("NaN", lambda array: _with_first(array, NAN), "refused"),
    ("inf", lambda array: _with_first(array, INF), "refused"),
    ("-inf", lambda array: _with_first(array, -INF), "refused"),
    ("1e308", lambda array: np.full_like(array, 1e308), "either"),
    ("-1", lambda array: _with_first(array, -1.0), "either"),
]
INTEGER_ARRAYS: list[tuple[str, Callable[[Any], Any], Expected]] = [
    ("halves", lambda array: array + 0.5, "refused"),
    ("-1", lambda array: _with_first(array, -1), "either"),
    ("10**18", lambda array: _with_first(array, LARGE), "either"),
]
TENSORS: list[tuple[str, Callable[[Any], Any], Expected]] = [
    ("meta", lambda tensor: tensor.detach().to("meta"), "refused"),
    ("complex", lambda tensor: tensor.detach().to(torch.complex64), "refused"),
    ("another axis", lambda tensor: tensor.detach()[None, None], "refused"),
    ("no axes", lambda tensor: tensor.detach().reshape(-1)[0], "refused"),
    ("empty", lambda tensor: tensor.detach()[:0], "either"),
    ("one entry less", lambda tensor: tensor.detach()[..., :-1], "either"),
    ("strided", lambda tensor: tensor.detach().repeat_interleave(2, -1)[..., ::2], "same"),
    ("array", lambda tensor: tensor.detach().numpy(), "either"),
    ("list", lambda tensor: tensor.tolist(), "either"),
    ("sparse", lambda tensor: tensor.detach().to_sparse(), "either"),
]
FLOAT_TENSORS: list[tuple[str, Callable[[Any], Any], Expected]] = [
    ("NaN", lambda tensor: _with_first(tensor.detach(), NAN), "refused"),
    ("inf", lambda tensor: _with_first(tensor.detach(), INF), "refused"),
    ("integers", lambda tensor: tensor.detach().to(torch.int64), "either"),
]
INTEGER_TENSORS: list[tuple[str, Callable[[Any], Any], Expected]] = [
    ("floats", lambda tensor: tensor.double() + 0.5, "refused"),
    ("-1", lambda tensor: _with_first(tensor, -1), "either"),
    ("10**18", lambda tensor: _with_first(tensor, LARGE), "either"),
]
