"""Values as bytes, without pickle: a JSON tree and the arrays that it refers to, in one safetensors file.

What goes in comes out, bit for bit: None, booleans, integers, floats, text, Fractions, lists, tuples, numpy arrays and
numbers, torch tensors on the CPU, and dataclasses and named tuples made of these, by their fields; mappings come out as
dictionaries, arrays with their items in C order. The same bits in the same kinds and order have the same bytes, in
every process.
"""

import importlib
import json
import math
import struct
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from safetensors.numpy import load, save

KEY = "value"
"""Of the metadata: one alone, as safetensors writes several in any order."""
PLAIN = (bool, type(None))
KINDS = ("numbers", "text", "Fractions", "lists", "tuples", "mappings", "arrays", "tensors", "dataclasses")
INTEGERS = {f"{kind}{size}" for kind in ("int", "uint") for size in (8, 16, 32, 64)}
DTYPES = {"bool", "float16", "float32", "float64"} | INTEGERS
COMPLEX = {"complex128": "float64", "complex64": "float32"}
"""Kept as pairs of real numbers, a last axis more."""
LARGE = 63  # bits of integers that JSON has in decimal digits; Python takes no decimal digits beyond 4300

trusted = {"paper_checks", "simulate", "theory"}
"""Packages whose classes and functions a value may have; a package that defines jobs is added by that."""


def encode(value: Any) -> bytes:
    """The bytes of a value.

    Raises:
        TypeError: a value of another kind; it names the kind and where it stands.
    """
    return encoded(value)[0]


def encoded(value: Any) -> tuple[bytes, frozenset[str]]:
    """The bytes of a value, and the modules of the classes and functions in it.

    Raises:
        TypeError: see `encode`.
    """
    writer = _Writer()
    try:
        tree = json.dumps(writer.tree(value, "value"), allow_nan=False)
    except RecursionError:
        raise TypeError("value must not contain itself, nor lie hundreds of levels deep") from None
    return save(writer.arrays, {KEY: tree}), frozenset(writer.modules)


def decode(content: bytes) -> Any:
    """The value of these bytes; classes and functions are imported from `trusted` packages alone.

    Raises:
        ValueError: bytes that are no encoded value, or a class from elsewhere.
    """
    try:
        arrays = load(content)
        size = int.from_bytes(content[:8], "little")
        tree = json.loads(json.loads(content[8 : 8 + size])["__metadata__"][KEY])
        return _value(tree, arrays)
    except Exception as error:  # whatever a class says to fields that it never had
        raise ValueError(f"content must be an encoded value: {type(error).__name__}: {error}") from error


class _Writer:
    """The JSON trees of values, and on the way their arrays by name, and the modules of their classes."""

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self.modules: set[str] = set()

    def tree(self, value: Any, where: str) -> Any:
        """The tree of a value that stands there."""
        kind = type(value)
        if kind in PLAIN:
            return value
        if kind in SIMPLE:
            return SIMPLE[kind](value, where)
        if kind is list:
            return [self.tree(item, f"{where}[{place}]") for place, item in enumerate(value)]
        if kind is tuple:
            return {"~": "tuple", "is": self.tree(list(value), where)}
        if isinstance(value, Mapping):
            return {"~": "dict", "is": [self._pair(*pair, where) for pair in value.items()]}
        if isinstance(value, np.generic):
            return self._array("scalar", np.asarray(value), where)
        if kind is np.ndarray and value.dtype.kind == "O":
            return {"~": "objects", "shape": list(value.shape), "is": self.tree(value.ravel().tolist(), where)}
        if kind is np.ndarray:
            return self._array("array", value, where)
        if "torch" in sys.modules and kind is sys.modules["torch"].Tensor:
            return self._tensor(value, where)
        return self._of_class(value, where)

    def _pair(self, name: Any, item: Any, where: str) -> list[Any]:
        place = f"{where}[{shown(name)}]"
        return [self.tree(name, f"{place}, its name"), self.tree(item, place)]

    def _array(self, kind: str, value: np.ndarray, where: str) -> dict[str, Any]:
        dtype, found = str(value.dtype), np.array(value, order="C")
        name = f"{len(self.arrays):06}"
        if dtype in COMPLEX:
            self.arrays[name] = found[..., None].view(COMPLEX[dtype])
            return {"~": kind, "is": name, "of": dtype}
        if dtype not in DTYPES:
            raise TypeError(f"{where} must be an array of numbers or of objects, got {dtype}")
        self.arrays[name] = found
        return {"~": kind, "is": name}

    def _tensor(self, value: Any, where: str) -> dict[str, Any]:
        torch = sys.modules["torch"]
        if value.requires_grad or value.device.type != "cpu" or value.layout != torch.strided:
            what = "with a gradient" if value.requires_grad else f"on {value.device}, {value.layout}"
            raise TypeError(f"{where} must be a dense tensor on the CPU without a gradient, got one {what}")
        value = value.resolve_conj().resolve_neg()
        if value.dtype == torch.bfloat16:
            return self._array("tensor", value.view(torch.int16).numpy(), where) | {"of": "bfloat16"}
        return self._array("tensor", value.numpy(), where)

    def _of_class(self, value: Any, where: str) -> dict[str, Any]:
        kind = type(value)
        if is_dataclass(kind):
            names = [field.name for field in fields(kind) if field.init]
        elif isinstance(value, tuple) and hasattr(kind, "_fields"):
            names = list(kind._fields)
        elif callable(value):
            return {"~": "name", "name": self._name(value, where)}
        else:
            found = f"{kind.__module__}.{kind.__qualname__}"
            raise TypeError(f"{where} must be made of {', '.join(KINDS)} and named tuples, got {found}")
        content = {name: self.tree(getattr(value, name), f"{where}.{name}") for name in names}
        return {"~": "class", "name": self._name(kind, where), "is": content}

    def _name(self, value: Any, where: str) -> str:
        """Of a class or function that is found by it."""
        module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
        if module is None or name is None or getattr(sys.modules.get(module), name, None) is not value:
            raise TypeError(f"{where} must be a class or function at the top of a module, got {value!r}")
        self.modules.add(module)
        return f"{module}:{name}"


def shown(value: Any) -> str:
    """The start of a value's representation, of those that have none the kind."""
    try:
        return f"{value!r:.60}"
    except ValueError:  # more digits than Python takes
        return f"<{type(value).__name__}>"


def _integer(value: int, where: str) -> Any:
    return value if value.bit_length() <= LARGE else {"~": "integer", "is": hex(value)}


def _float(value: float, where: str) -> Any:
    return value if math.isfinite(value) else {"~": "float", "is": struct.pack(">d", value).hex()}


def _fraction(value: Fraction, where: str) -> Any:
    return {"~": "fraction", "is": [_integer(part, where) for part in value.as_integer_ratio()]}


def _text(value: str, where: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise TypeError(f"{where} must be text in Unicode, got {value!r}") from None
    return value


SIMPLE: dict[type, Callable[[Any, str], Any]] = {int: _integer, float: _float, Fraction: _fraction, str: _text}


def _value(tree: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if isinstance(tree, list):
        return [_value(item, arrays) for item in tree]
    if not isinstance(tree, dict):
        return tree
    kind: str = tree["~"]
    content: Any = tree.get("is")
    match kind:
        case "array":
            return _array(tree, arrays)
        case "scalar":
            return _array(tree, arrays)[()]
        case "tensor":
            return _tensor(tree, arrays)
        case "integer":
            return int(content, 16)
        case "float":
            return struct.unpack(">d", bytes.fromhex(content))[0]
        case "fraction":
            return Fraction(*_value(content, arrays))
        case "tuple":
            return tuple(_value(content, arrays))
        case "dict":
            return {_value(name, arrays): _value(item, arrays) for name, item in content}
        case "objects":
            return np.fromiter(_value(content, arrays), object, len(content)).reshape(tree["shape"])
        case "name":
            return _named(tree["name"])
        case "class":
            found = _named(tree["name"])
            if not (isinstance(found, type) and (is_dataclass(found) or hasattr(found, "_fields"))):
                raise ValueError(f"{tree['name']} is no dataclass or named tuple")
            return found(**{name: _value(item, arrays) for name, item in content.items()})
    raise ValueError(f"kind {kind!r}")


def _array(tree: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    found = arrays[tree["is"]]
    return found.view(tree["of"])[..., 0] if tree.get("of") in COMPLEX else found


def _tensor(tree: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Any:
    import torch

    found = torch.from_numpy(_array(tree, arrays))
    return found.view(torch.bfloat16) if tree.get("of") == "bfloat16" else found


def _named(name: str) -> Any:
    module, _, attribute = name.partition(":")
    if module.partition(".")[0] not in trusted or module.endswith("__main__") or not attribute.isidentifier():
        raise ValueError(f"class or function {name} must be of one of the packages {', '.join(sorted(trusted))}")
    return getattr(importlib.import_module(module), attribute)
