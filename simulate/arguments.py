"""Checks of arguments that several calls share; every error names the argument, its value and what is accepted."""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.task import Task, as_count, as_task

MOST_TOKENS = 2**62
MOST_CLASSES = 2**20


def as_drawable_task(task: Any) -> Task:
    """`task` if it is a `Task` whose tokens fit in 64-bit integers, else a TypeError / ValueError."""
    checked: Task = as_task(task)
    if checked.N > MOST_TOKENS:
        raise ValueError(f"N must be at most 2^62 to be drawn, got {checked.N}")
    return checked


def as_seed(seed: Any) -> int:
    """`seed` as a non-negative int, or a TypeError / ValueError."""
    return as_count("seed", seed, 0)


def as_workers(workers: Any) -> int:
    """`workers` as an int >= 1; None means one worker per processor."""
    return (os.cpu_count() or 1) if workers is None else as_count("workers", workers, 1)


def as_array(name: str, values: Any, kinds: str) -> NDArray[Any]:
    """`values` as an array whose dtype kind is one of `kinds` ("iu" integers, "iuf" reals), or an error."""
    wanted = "a real" if "f" in kinds else "an integer"
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name} must be {wanted} array of rectangular shape: {error}") from None
    except RuntimeError as error:  # a torch tensor that requires a gradient, say
        raise TypeError(f"{name} must be {wanted} array: {error}") from None
    if array.dtype.kind not in kinds:
        raise TypeError(f"{name} must be {wanted} array, got dtype {array.dtype}")
    return array


def _entrywise(task: Task, name: str, values: Any, kinds: str) -> NDArray[Any]:
    array, shape = as_array(name, values, kinds), (task.M, 2 * task.M)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape (N+1, 2(N+1)) = {shape}, got {array.shape}")
    return array


def as_labels(task: Task, labels: Any) -> NDArray[np.int64]:
    """`labels` as an int64 array of shape (N+1, 2(N+1)) with entries >= 0, or a TypeError / ValueError."""
    array = _entrywise(task, "labels", labels, "iu")
    if array.min() < 0 or array.max() >= MOST_CLASSES:
        raise ValueError(f"labels must be class numbers in 0..{MOST_CLASSES - 1}, got {array.min()}..{array.max()}")
    return array.astype(np.int64)


def as_direction(task: Task, direction: Any) -> NDArray[np.float64]:
    """`direction` as a finite float64 array of shape (N+1, 2(N+1)), or a TypeError / ValueError."""
    array = _entrywise(task, "direction", direction, "iuf")
    if not np.isfinite(array).all():
        raise ValueError("direction must be finite, got NaN or infinite entries")
    return array.astype(np.float64)
