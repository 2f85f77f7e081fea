"""The executor of one machine: processes, as many as it has processors, replaced when one of them dies."""

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from .worker import start


class Processes(Executor):
    """`count` processes, by default one per processor.

    When one is killed, what all of them were at fails with `BrokenProcessPool`, and the next call starts new ones.

    Raises:
        ValueError: a count below 1.
    """

    def __init__(self, count: int | None = None) -> None:
        self.count = os.cpu_count() or 1 if count is None else count
        if self.count < 1:
            raise ValueError(f"count must be >= 1, got {count}")
        self._lock = threading.Lock()
        self._pool = self._new()
        self._closed = False

    def _new(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self.count, multiprocessing.get_context("spawn"), start)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """See `concurrent.futures.Executor`."""
        with self._lock:
            try:
                return self._pool.submit(fn, *args, **kwargs)
            except BrokenProcessPool:
                if self._closed:
                    raise
                self._pool = self._new()
                return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `concurrent.futures.Executor`; with `cancel_futures` what runs is ended too."""
        with self._lock:
            self._closed = True
            workers = list((getattr(self._pool, "_processes", None) or {}).values())
            self._pool.shutdown(wait=wait and not cancel_futures, cancel_futures=cancel_futures)
        if cancel_futures:
            for worker in workers:
                worker.terminate()
            for worker in workers:
                worker.join(5)
