"""How many processors there are, and how many threads a call has that is not told."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_threads: ContextVar[int | None] = ContextVar("threads", default=None)


def processors() -> int:
    """How many this process may use: fewer than the machine has where SLURM, say, gives it a part of them."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # a system that does not say
        return os.cpu_count() or 1


def default_threads() -> int:
    """As many as `limit_threads` says, by default one per processor."""
    return _threads.get() or processors()


@contextmanager
def limit_threads(count: int) -> Iterator[None]:
    """Calls whose `workers` is None have `count` threads for as long as the context lasts; no number depends on it."""
    token = _threads.set(count)
    try:
        yield
    finally:
        _threads.reset(token)
