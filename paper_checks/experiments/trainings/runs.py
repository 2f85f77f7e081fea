"""Trainings of two-layer transformers for the claims E and B4-B6: in parallel processes, each one once per session."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import torch

from simulate import Trained, Training, resolve_device, train
from simulate.runtime.streaming import progress_bar

from .observers import Observer

# Page faults cost a fifth of the time where freed memory goes back to the system after every update.
KEEP_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**31),
    "MALLOC_TOP_PAD_": str(2**26),
}


Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Reached:
    """True of an observation, not before so many updates, in which a quantity is at least so large."""

    name: str
    least: float
    since: int = 0

    def __call__(self, seen: Mapping[str, float]) -> bool:
        """Whether it is."""
        return seen["step"] >= self.since and seen[self.name] >= self.least


@dataclass(frozen=True, eq=False)
class Job:
    """A training, how it is observed, and at which observation it ends, if not at its last step."""

    training: Training
    observer: Observer
    at: tuple[int, ...]
    until: Reached | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """What tells jobs apart."""
        return self.training.configuration, self.training.steps, self.observer.key, self.at, self.until


_done: dict[tuple[object, ...], Trained] = {}
_processes = os.cpu_count() or 1


def set_processes(count: int) -> None:
    """How many processes train from now on, one thread each, by default one per processor; no number depends on it."""
    global _processes
    _processes = count


def trained(jobs: Sequence[Job], device: str = "cpu") -> list[Trained]:
    """The trained models of these jobs, in order; those that this session has not trained yet are trained now.

    On the CPU in the processes of `set_processes`: the numbers do not depend on how many there are. On a GPU one after
    the other.
    """
    place = str(resolve_device(device))
    keys = [(place, *job.key) for job in jobs]
    missing = {key: job for key, job in zip(keys, jobs, strict=True) if key not in _done}
    if len(missing) == 1 or place != "cpu":
        for key, job in missing.items():
            _done[key] = train_job(job, device)
    elif missing:
        for key, found in zip(missing, in_processes("trainings", train_job, list(missing.values())), strict=True):
            _done[key] = found
    return [_done[key] for key in keys]


def in_processes(what: str, work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """`work` of every item, in order and with a progress bar: in the processes of `set_processes`, the same ones for
    the whole session."""
    with progress_bar(len(items), len(items), None, what, long=1) as advance:
        try:
            for found in _pool().map(work, items):
                yield found
                advance(1)
        except BaseException:  # an interrupt included: what has not begun is dropped
            _pool().shutdown(wait=False, cancel_futures=True)
            _pool.cache_clear()
            raise


@cache
def _pool() -> ProcessPoolExecutor:
    with _environment(KEEP_MEMORY):
        pool = ProcessPoolExecutor(_processes, multiprocessing.get_context("spawn"), torch.set_num_threads, (1,))
        for _ in pool.map(abs, range(_processes)):  # starts the processes while the environment is set
            pass
    return pool


@contextmanager
def _environment(changes: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update({name: value for name, value in changes.items() if before[name] is None})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]


def train_job(job: Job, device: str = "cpu") -> Trained:
    """Train one job in this process."""
    return train(job.training, device=device, observe=job.observer, at=job.at, until=job.until, progress=False)
