"""What became of a call: whether its result is finite, whether two results are the same, what an error says."""

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

DEPTH = 6
ROUNDING = 1e-6
"""Relative: sums of what lies elsewhere in memory are taken in another order, in float32 too."""


def finite(found: Any, depth: int = DEPTH) -> bool:
    """Whether no number in a result is NaN or infinite; of an iterator, in its first item."""
    if isinstance(found, float | np.floating):
        return math.isfinite(found)
    if isinstance(found, np.ndarray):
        return found.dtype.kind not in "fc" or bool(np.isfinite(found).all())
    if isinstance(found, torch.Tensor):
        return not found.is_floating_point() or found.is_meta or bool(torch.isfinite(found).all())
    return depth == 0 or all(finite(part, depth - 1) for part in parts(found).values())


def parts(found: Any) -> dict[Any, Any]:
    """What a result consists of, by name."""
    if isinstance(found, Mapping):
        return dict(found)
    if isinstance(found, list | tuple):
        return dict(enumerate(found))
    if isinstance(found, Iterator):
        return {0: next(found, None)}
    if isinstance(found, torch.nn.Module):
        return dict(found.named_parameters())
    if dataclasses.is_dataclass(found) and not isinstance(found, type):
        return {one.name: getattr(found, one.name) for one in dataclasses.fields(found) if one.name != "seconds"}
    return {}


def same(one: Any, other: Any, depth: int = DEPTH) -> bool:
    """Whether two results are equal, number for number; what has no numbers is of one type."""
    if isinstance(one, np.ndarray | torch.Tensor):
        left, right = (np.asarray(each.detach() if isinstance(each, torch.Tensor) else each) for each in (one, other))
        if left.dtype.kind == "O":
            return left.shape == right.shape and bool((left == right).all())
        if left.dtype != right.dtype or left.shape != right.shape:
            return False
        return (
            np.allclose(left, right, ROUNDING, 0, equal_nan=True) if left.dtype.kind in "fc" else (left == right).all()
        )
    if isinstance(one, float):
        return type(one) is type(other) and bool(np.isclose(one, other, ROUNDING, 0, equal_nan=True))
    if isinstance(one, int | float | str | bytes | None):
        return type(one) is type(other) and one == other
    left, right = parts(one), parts(other)
    if type(one) is not type(other) or left.keys() != right.keys():
        return False
    return depth == 0 or all(same(left[name], right[name], depth - 1) for name in left)


def names(error: BaseException, accepted: set[str]) -> bool:
    """Whether the message has one of the names, as a word."""
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", str(error)) for name in accepted)
