"""The executor of one machine: processes, as many as it has processors, each replaced when it dies."""

import atexit
import multiprocessing
import pickle
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from multiprocessing import resource_tracker
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from simulate.runtime.threads import processors

from .worker import ExecutorError, WorkerDied, serve

STARTS = 12
"""So many processes may be killed, one after the other, before they are ready; then no more are started."""
SPAWN = multiprocessing.get_context("spawn")


class Processes(Executor):
    """`count` processes, by default one per processor, started at the first call or by `warm`.

    Each has a pipe and a thread of its own here, so that the death of one concerns no other: what it was at fails with
    `WorkerDied`, and another process takes its place. (In a `ProcessPoolExecutor` one death ends all, and a process
    killed while it sends a result leaves the pool waiting for the rest.) Where no process can be started, calls fail
    with `ExecutorError`. A process ends by itself when this one does.

    Raises:
        ValueError: a count below 1.
    """

    def __init__(self, count: int | None = None) -> None:
        self.count = processors() if count is None else count
        if self.count < 1:
            raise ValueError(f"count must be >= 1, got {count}")
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._keepers: list[_Keeper] = []
        self._lock = threading.Lock()
        self._closed = False
        self._failed = 0  # starts, one after the other

    def warm(self, *modules: str) -> None:
        """Start the processes now, unless they were, and have each import these modules before its first call."""
        with self._lock:
            self._begin(modules, early=True)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """See `concurrent.futures.Executor`; what cannot be pickled is raised here."""
        call = _Call(Future(), pickle.dumps((fn, args, kwargs)))
        with self._lock:
            self._begin((), early=False)
            self._calls.put(call)
        return call.future

    def _begin(self, modules: Sequence[str], early: bool) -> None:
        if self._closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        if not self._keepers:
            atexit.register(self._at_exit)
            self._keepers = [_Keeper(self, self._calls, modules, early) for _ in range(self.count)]
            for keeper in self._keepers:
                keeper.start()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `concurrent.futures.Executor`; with `cancel_futures` what runs is ended too."""
        with self._lock:
            self._closed = True
        if cancel_futures:
            with suppress(Empty):
                while True:
                    if call := self._calls.get_nowait():
                        call.future.cancel()
        for keeper in self._keepers:
            self._calls.put(None)
            if cancel_futures:
                keeper.end()
        if wait or cancel_futures:
            for keeper in self._keepers:
                keeper.join()
        atexit.unregister(self._at_exit)

    def _at_exit(self) -> None:
        self.shutdown(cancel_futures=True)

    @property
    def pids(self) -> list[int]:
        """The ids of the processes that there are."""
        return [process.pid for keeper in self._keepers if (process := keeper.process) is not None]

    def is_ready(self) -> None:
        """A process has started."""
        self._failed = 0

    def not_ready(self, process: "_Process") -> Exception:
        """What to say where a process ended before it was ready."""
        self._failed += 1
        how = process.close()
        if process.was_killed and self._failed < STARTS:
            return WorkerDied(how)
        guard = 'a script that uses them needs a line `if __name__ == "__main__":`'
        return ExecutorError(f"worker processes cannot be started, {how} at once; {guard}")


class _Call(NamedTuple):
    future: "Future[Any]"
    content: bytes


class _Keeper(threading.Thread):
    """Keeps one process, and hands it call after call."""

    def __init__(
        self, pool: Processes, calls: "SimpleQueue[_Call | None]", modules: Sequence[str], early: bool
    ) -> None:
        super().__init__(daemon=True)
        self._pool, self._calls, self._modules, self._early = pool, calls, modules, early
        self._starting = threading.Lock()
        self._is_ended = False
        self.process: _Process | None = None

    def run(self) -> None:
        """Until there are no more calls."""
        if hasattr(signal, "pthread_sigmask"):
            # Processes inherit it: an interrupt from the keyboard is for this one alone, from their first moment.
            # The thread that starts multiprocessing's tracker has its interrupts unblocked by that: first the tracker.
            resource_tracker.ensure_running()
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        if self._early:
            with suppress(Exception):  # the first call will raise it
                self._ready()
        while (call := self._calls.get()) is not None:
            if call.future.set_running_or_notify_cancel():
                self._do(call)
        if self.process is not None:
            self.process.close()

    def end(self) -> None:
        """End the process, whatever it is at; there will be no other."""
        with self._starting:
            self._is_ended = True
            if self.process is not None:
                self.process.kill()

    def _do(self, call: _Call) -> None:
        try:
            is_result, found = pickle.loads(self._asked(call.content))
        except Exception as error:
            is_result, found = False, error
        if is_result:
            call.future.set_result(found)
        else:
            call.future.set_exception(found)

    def _asked(self, content: bytes) -> bytes:
        process = self._ready()
        try:
            return process.ask(content)
        except (EOFError, OSError):
            raise WorkerDied(process.close()) from None

    def _ready(self) -> "_Process":
        """A process that waits for a call."""
        if self.process is not None and self.process.is_alive:
            return self.process
        with self._starting:
            if self._is_ended:
                raise WorkerDied("the executor was shut down")
            if self.process is not None:
                self.process.close()
            process = self.process = _Process(self._modules)
        try:
            process.receive()
        except (EOFError, OSError):
            raise self._pool.not_ready(process) from None
        self._pool.is_ready()
        return process


class _Process:
    """A process that answers calls, and the pipe to it. No other has the pipe's ends: when one side dies, the other
    one knows."""

    def __init__(self, modules: Sequence[str]) -> None:
        self._pipe, there = SPAWN.Pipe()
        # A daemon: it is ended with this process, should nobody shut it down.
        self._process = SPAWN.Process(target=serve, args=(there, modules), daemon=True)
        self._process.start()
        there.close()
        self.pid = self._process.pid or 0

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.is_alive()

    @property
    def was_killed(self) -> bool:
        """Whether a signal ended it, as far as is known: another thread may have taken note of its end."""
        return self._process.exitcode is None or self._process.exitcode < 0

    def ask(self, call: bytes) -> bytes:
        """Its answer to a call."""
        self._pipe.send_bytes(call)
        return self._pipe.recv_bytes()

    def receive(self) -> bytes:
        """What it sends next."""
        return self._pipe.recv_bytes()

    def kill(self) -> None:
        """End it now."""
        self._process.kill()

    def close(self) -> str:
        """Let it end, wait for that, and say how it ended."""
        self._pipe.close()
        self._process.join()
        code = self._process.exitcode or 0
        return f"one was ended by {signal.Signals(-code).name}" if code < 0 else f"one ended with status {code}"
