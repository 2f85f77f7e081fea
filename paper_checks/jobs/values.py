"""Values as bytes, without pickle: a JSON tree and the arrays that it refers to, in one safetensors file.

What goes in comes out, bit for bit: None, booleans, integers, floats, text, Fractions, lists, tuples, dictionaries,
numpy arrays and numbers, torch tensors on the CPU, and dataclasses and named tuples made of these. Equal values have
equal bytes.
"""

import importlib
import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

KEY = "value"
"""Of the metadata: one alone, as safetensors writes several in any order."""
PLAIN = (bool, int, str, type(None))


def encode(value: Any) -> bytes:
    """The bytes of a value.

    Raises:
        TypeError: a value of another kind; it names the kind and where it stands.
    """
    arrays: dict[str, np.ndarray] = {}
    tree = _tree(value, arrays, "value")
    return save(arrays, {KEY: json.dumps(tree, ensure_ascii=False, allow_nan=False)})


def decode(content: bytes, roots: Mapping[str, str] | None = None) -> Any:
    """The value of these bytes; classes are imported from the packages `roots` alone, by default this project's own.

    Raises:
        ValueError: bytes that are no encoded value, or a class from elsewhere.
    """
    try:
        arrays = load(content)
        size = int.from_bytes(content[:8], "little")
        tree = json.loads(json.loads(content[8 : 8 + size])["__metadata__"][KEY])
        return _value(tree, arrays, tuple(roots or OWN))
    except (SafetensorError, KeyError, IndexError, TypeError, ValueError, AttributeError, ImportError) as error:
        raise ValueError(f"content must be an encoded value: {type(error).__name__}: {error}") from error


OWN = ("theory", "simulate", "paper_checks", "tests")
"""Packages whose classes a value may have."""


def _tree(value: Any, arrays: dict[str, np.ndarray], where: str) -> Any:
    if type(value) in PLAIN:
        return value
    if isinstance(value, np.generic | np.ndarray) and value.dtype.kind != "O":
        return {"~": "scalar" if isinstance(value, np.generic) else "array", "is": _kept(value, arrays)}
    if type(value) is float:
        return value if math.isfinite(value) else {"~": "float", "is": repr(value)}
    if type(value) is Fraction:
        return {"~": "fraction", "is": [value.numerator, value.denominator]}
    if type(value) is list:
        return [_tree(item, arrays, f"{where}[{place}]") for place, item in enumerate(value)]
    if type(value) is tuple:
        return {"~": "tuple", "is": _tree(list(value), arrays, where)}
    if isinstance(value, Mapping) and not hasattr(value, "_fields"):
        return {"~": "dict", "is": _tree([list(pair) for pair in value.items()], arrays, where)}
    if isinstance(value, np.ndarray):
        return {"~": "objects", "shape": list(value.shape), "is": _tree(value.ravel().tolist(), arrays, where)}
    if hasattr(value, "detach"):
        return {"~": "tensor", "is": _kept(value.detach().numpy(), arrays)}
    return _of_class(value, arrays, where)


def _kept(value: Any, arrays: dict[str, np.ndarray]) -> str:
    name = f"{len(arrays):06}"
    arrays[name] = np.array(value, order="C")
    return name


def _of_class(value: Any, arrays: dict[str, np.ndarray], where: str) -> dict[str, Any]:
    kind = type(value)
    if is_dataclass(kind):
        names = [field.name for field in fields(kind) if field.init]
    elif isinstance(value, tuple) and hasattr(kind, "_fields"):
        names = list(kind._fields)
    elif callable(value) and "." not in getattr(value, "__qualname__", ".") and hasattr(value, "__module__"):
        return {"~": "name", "name": f"{value.__module__}:{value.__qualname__}"}
    else:
        raise TypeError(
            f"{where} must be made of numbers, text, Fractions, lists, tuples, dictionaries, arrays, tensors, "
            f"dataclasses and named tuples, got {kind.__module__}.{kind.__qualname__}"
        )
    content = {name: _tree(getattr(value, name), arrays, f"{where}.{name}") for name in names}
    return {"~": "class", "name": f"{kind.__module__}:{kind.__qualname__}", "is": content}


def _value(tree: Any, arrays: dict[str, np.ndarray], roots: tuple[str, ...]) -> Any:
    if isinstance(tree, list):
        return [_value(item, arrays, roots) for item in tree]
    if not isinstance(tree, dict):
        return tree
    kind: str = tree["~"]
    content: Any = tree.get("is")
    match kind:
        case "array":
            return arrays[content]
        case "scalar":
            return arrays[content][()]
        case "tensor":
            return _tensor(arrays[content])
        case "float":
            return float(content)
        case "fraction":
            return Fraction(*content)
        case "tuple":
            return tuple(_value(content, arrays, roots))
        case "dict":
            return {key: item for key, item in _value(content, arrays, roots)}
        case "objects":
            return _objects(tree["shape"], _value(content, arrays, roots))
        case "name":
            return _named(tree["name"], roots)
        case "class":
            found = _named(tree["name"], roots)
            if not (isinstance(found, type) and (is_dataclass(found) or hasattr(found, "_fields"))):
                raise ValueError(f"{tree['name']} is no dataclass or named tuple")
            return found(**{name: _value(item, arrays, roots) for name, item in content.items()})
    raise ValueError(f"kind {kind!r}")


def _tensor(array: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(array)


def _objects(shape: list[int], items: list[Any]) -> np.ndarray:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array.reshape(shape)


def _named(name: str, roots: tuple[str, ...]) -> Any:
    module, _, attribute = name.partition(":")
    if module.partition(".")[0] not in roots or not attribute.isidentifier():
        raise ValueError(f"class {name} must be one of {', '.join(roots)}")
    return getattr(importlib.import_module(module), attribute)
