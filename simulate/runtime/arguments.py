"""Types and checks of arguments that several calls share, besides those of `theory.arguments`.

Every error names the argument, its value and what is accepted.
"""

import math
from collections.abc import Collection, Mapping
from typing import Annotated, Protocol, TypeAlias

import numpy as np
import torch
from annotated_types import Ge, Le
from numpy.typing import ArrayLike

from simulate.runtime.arrays import Array, Floats, Integers
from simulate.runtime.threads import default_threads
from theory.arguments import Convert
from theory.arrays import as_entries, as_rectangular
from theory.law import Law
from theory.scalars import RealNumber, as_count, as_float, as_real, shown, wrong_kind
from theory.task import Task

MOST_TOKENS = 2**62
MOST_CLASSES = 2**20
MOST_WORKERS = 2**10

Workers: TypeAlias = Annotated[int, Ge(1), Le(MOST_WORKERS)] | None
"""Number of threads; None is as many as `threads.default_threads` says."""


def _as_float_type(name: str, value: object) -> torch.dtype:
    if not isinstance(value, torch.dtype) or not value.is_floating_point:
        raise wrong_kind(name, FLOAT_TYPE, value)
    return value


FLOAT_TYPE = "a floating-point torch dtype"
FloatType: TypeAlias = Annotated[torch.dtype, Convert(_as_float_type, FLOAT_TYPE)]


class Sizes(Protocol):
    """What a task and a law have in common: number of tokens, length, trigger."""

    @property
    def M(self) -> int: ...
    @property
    def T(self) -> int: ...
    @property
    def q(self) -> int: ...


def require_drawable(task: Task | Law) -> None:
    """ValueError unless the tokens of a task fit in 64-bit integers; those of a law do."""
    if isinstance(task, Task) and task.N > MOST_TOKENS:
        raise ValueError(f"task must have N at most 2^62 to be drawn, got N = {shown(task.N)}")


def as_seed(seed: object) -> int:
    """`seed` as a non-negative int, or a TypeError / ValueError."""
    return as_count("seed", seed, 0)


def thread_count(workers: int | None) -> int:
    """`workers`; None means `threads.default_threads`, one per processor outside of jobs."""
    return default_threads() if workers is None else workers


def as_array(name: str, values: object, kinds: str) -> Array:
    """`values` as an array whose dtype kind is one of `kinds` ("iu" integers, "iuf" reals), or an error."""
    wanted = "a real" if "f" in kinds else "an integer"
    array: Array = as_rectangular(name, values, wanted)
    if array.dtype.kind not in kinds:
        raise TypeError(f"{name} must be {wanted} array, got dtype {array.dtype}")
    return array


def _as_real(name: str, values: object) -> Array:
    return as_array(name, values, "iuf")


RealArray: TypeAlias = Annotated[Floats, Convert(_as_real, "an array of real numbers")]
"""An array of real numbers in the type that it has."""


def _as_whole(name: str, values: object) -> Integers:
    return as_entries(name, values, "i")


IntegerArray: TypeAlias = Annotated[ArrayLike, Convert(_as_whole, "an array of integers")]
"""What is an array of integers; it becomes one of int64."""


def _as_wide(name: str, values: object) -> Floats:
    return _as_real(name, values).astype(np.float64, copy=False)


WithGaps: TypeAlias = Annotated[Floats, Convert(_as_wide, "an array of real numbers")]
"""A result in which some entries may be NaN."""


def _shaped(name: str, values: object, kinds: str, symbols: str, shape: tuple[int, ...]) -> Array:
    array = as_array(name, values, kinds)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {symbols} = {shape}, got {array.shape}")
    return array


def _finite(name: str, values: object, symbols: str, shape: tuple[int, ...]) -> Floats:
    array = _shaped(name, values, "iuf", symbols, shape)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got NaN or infinite entries")
    return array.astype(np.float64)


def require_moments(name: str, largest: float, factor: float, samples: int) -> None:
    """ValueError unless sums of the fourth powers of numbers up to `factor` times `largest`, an entry of `name`, are
    within float64 for so many samples."""
    # Deviations from a mean are at most twice the numbers, and what is merged has up to eight terms of each.
    most = (float(np.finfo(np.float64).max) / (8 * float(samples))) ** 0.25 / (2 * factor)
    if not largest <= most:
        raise ValueError(
            f"{name} must have entries up to {most:.3g} for moments of {samples} samples within float64, got {largest}"
        )


def as_labels(law: Sizes, labels: object) -> Integers:
    """`labels` as an int64 array of shape (M, 2M) with entries >= 0, or a TypeError / ValueError."""
    array = _shaped("labels", labels, "iu", "(M, 2M)", (law.M, 2 * law.M))
    if array.min() < 0 or array.max() >= MOST_CLASSES:
        raise ValueError(f"labels must be class numbers in 0..{MOST_CLASSES - 1}, got {array.min()}..{array.max()}")
    return array


def as_matrix(law: Sizes, name: str, values: object) -> Floats:
    """`values` as a finite float64 array of shape (M, 2M), a copy, or a TypeError / ValueError."""
    return _finite(name, values, "(M, 2M)", (law.M, 2 * law.M))


def as_features(law: Sizes, name: str, values: object) -> Floats:
    """`values` as a finite float64 array of shape (2M,), a copy, or a TypeError / ValueError."""
    return _finite(name, values, "(2M,)", (2 * law.M,))


def as_directions(law: Sizes, directions: object) -> Floats:
    """`directions` as a finite float64 array of shape (D, 2M), D >= 1, a copy, or a TypeError / ValueError."""
    array = as_array("directions", directions, "iuf")
    rows = max(1, len(array)) if array.ndim == 2 else 1
    return _finite("directions", array, "(D, 2M)", (rows, 2 * law.M))


def as_stochastic(name: str, values: object, dimensions: int) -> Floats:
    """A read-only float64 copy of `values` whose last axis is a distribution, or an error that names `name`."""
    array = as_array(name, values, "iuf")
    if array.ndim != dimensions or array.size == 0 or len(set(array.shape)) != 1:
        shape = "a square (M, M) array" if dimensions == 2 else "an array of shape (M,)"
        raise ValueError(f"{name} must be {shape}, got shape {array.shape}")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got NaN or infinite entries")
    if (array < 0).any():
        raise ValueError(f"{name} must be >= 0, its least entry is {array.min()}")
    # Dividing M counts by their total and adding up again errs by at most M roundings each way.
    bound = 4 * array.shape[-1] * np.finfo(np.float64).eps
    error = np.abs(array.sum(axis=-1) - 1).max()
    if error > bound:
        raise ValueError(f"{name} must sum to 1 along its last axis within {bound:.1e}, it is off by {error:.3e}")
    array /= array.sum(axis=-1, keepdims=True)
    array.flags.writeable = False
    return array


def _as_observed(name: str, value: object) -> RealNumber:
    return as_real(name, "a real number", value)


Observed: TypeAlias = Annotated[float, Convert(_as_observed, "a real number")]
"""A number that was observed, or the number of a step, which stays an int."""


def as_observation(found: object, reserved: Collection[str]) -> dict[str, float]:
    """What an `observe` has returned as floats by name, or a TypeError / ValueError; no name is a `reserved` one."""
    what = "observe must return finite numbers by name"
    if not isinstance(found, Mapping):
        raise TypeError(f"{what}, got {shown(found)} ({type(found).__name__})")
    seen: dict[str, float] = {}
    for name, value in found.items():
        if not isinstance(name, str) or name in reserved:
            error = ValueError if isinstance(name, str) else TypeError
            raise error(f"{what}, not named {' or '.join(reserved)}, got the name {shown(name)}")
        seen[name] = as_float(f"observe()[{name!r}]", "a finite real number", value)
        if not math.isfinite(seen[name]):
            raise ValueError(f"{what}, got {name} = {value}")
    return seen


def require_integers(name: str, values: object) -> None:
    """TypeError unless `values` is an int64 tensor."""
    if not isinstance(values, torch.Tensor) or values.dtype != torch.int64:
        kind = values.dtype if isinstance(values, torch.Tensor) else type(values).__name__
        raise TypeError(f"{name} must be an int64 tensor, got {kind}")
    require_data(name, values)


def require_data(name: str, values: torch.Tensor) -> None:
    """TypeError unless a tensor is an ordinary one with data: not sparse, not on the meta device."""
    if values.is_meta or values.layout != torch.strided:
        raise TypeError(f"{name} must be a dense tensor with data, got layout {values.layout} on {values.device}")


def require_rows(name: str, values: torch.Tensor, like: torch.Tensor, shape: torch.Size) -> None:
    """ValueError unless `values` has this shape and one row or more, of the length and type of those of `like`."""
    fits = values.ndim == 2 and values.shape == shape and len(values) >= 1 and values.shape[1] == like.shape[1]
    if not fits or values.dtype != like.dtype:
        got = f"{values.dtype} of shape {tuple(values.shape)}"
        raise ValueError(f"{name} must be {like.dtype} of shape (rows, {like.shape[1]}), as many as asked, got {got}")


def check_range(name: str, values: torch.Tensor, M: int) -> None:
    """ValueError unless all `values` are in 0..M-1."""
    if values.min() < 0 or values.max() >= M:
        raise ValueError(f"{name} must be in 0..{M - 1}, got {values.min().item()}..{values.max().item()}")


def check_tokens(tokens: torch.Tensor, M: int) -> None:
    """TypeError / ValueError unless `tokens` is an int64 tensor (batch, T), batch >= 1, T >= 2, of values in 0..M-1."""
    require_integers("tokens", tokens)
    if tokens.ndim != 2 or tokens.shape[0] < 1 or tokens.shape[1] < 2:
        raise ValueError(f"tokens must have shape (batch, T) with batch >= 1 and T >= 2, got {tuple(tokens.shape)}")
    check_range("tokens", tokens, M)


def check_row_tokens(name: str, values: torch.Tensor, batch: int, M: int) -> None:
    """TypeError / ValueError unless `values` is an int64 tensor of shape (batch,) of values in 0..M-1."""
    require_integers(name, values)
    if values.shape != (batch,):
        raise ValueError(f"{name} must have shape (batch,) = {(batch,)}, got {tuple(values.shape)}")
    check_range(name, values, M)
