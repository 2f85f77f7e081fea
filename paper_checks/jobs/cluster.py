"""The workers of a dask.distributed scheduler as an executor (extra `cluster`; docs/cluster.md)."""

import logging
import pickle
import platform
import threading
import time
import warnings
import weakref
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple, TypeVar

import dask
from distributed import Client
from distributed.scheduler import KilledWorker

from .client import connected
from .code import PACKAGES, code_digest
from .worker import ClusterError, ExecutorError, WorkerDied, answer

Result = TypeVar("Result")

CONNECT = 10.0
"""Seconds in which the scheduler must answer at the start, and in which all workers must."""
JOIN = 10.0
"""Seconds in which a worker must join at the start."""
ALONE = 60.0
"""Seconds that a run goes on without a worker: one that was killed is started anew within."""
SILENT = 60.0
"""Seconds without an answer after which the scheduler is given up."""
LOOK = 2.0
"""Seconds between two looks at the scheduler."""


def cluster(address: str) -> tuple[Executor, Callable[[], int]]:
    """The executor of the scheduler at an address such as tcp://host:8786, and how many jobs its workers do at a time.

    Raises:
        ClusterError: no scheduler there, no workers, or workers that have not what is here; the line says what to do.
    """
    executor = Cluster(address)
    return executor, executor.count


class Cluster(Executor):
    """What `cluster` gives. A call fails with `WorkerDied` where the workers that had it died, one after the other, as
    often as the scheduler allows, and with `ClusterError` when nothing can be done any more."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._lost: ExecutorError | None = None
        self._waiting: set[Future[Any]] = set()
        self._closed = threading.Event()
        self._loggers = _silenced()
        self._client: Client | None = None
        try:
            self._client = _client(address)
            self._count = _workers(self._client, address)
        except BaseException:
            self._close()
            raise
        self._executor = self._client.get_executor(pure=False)
        # Results are handed on by a thread of our own: the client's must not wait for a disk.
        self._hand = ThreadPoolExecutor(1)
        threading.Thread(target=self._watch, daemon=True).start()

    def count(self) -> int:
        """How many workers there are now; each does one job at a time, however many threads it has."""
        return self._count

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """See `concurrent.futures.Executor`.

        Raises:
            ClusterError: the scheduler is lost.
        """
        call = _as_call(answer, pickle.dumps((fn, args, kwargs)))
        outer: Future[Any] = Future()
        with self._lock:
            if self._lost is not None:
                raise self._lost
            self._waiting.add(outer)
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TiB"}):
            try:
                inner = self._executor.submit(pickle.loads, call)
            except Exception as error:
                self._waiting.discard(outer)
                raise self._meant(error) from None
        # The scheduler forgets a result when nothing here refers to `inner`: until then it would make it again, should
        # the worker die that has it.
        known = weakref.ref(inner)
        outer.add_done_callback(lambda done: done.cancelled() and (found := known()) and found.cancel())
        inner.add_done_callback(lambda done: self._hand_on(outer, done))
        return outer

    def _hand_on(self, outer: "Future[Any]", inner: "Future[bytes]") -> None:
        """What has come, without `inner`: who keeps an error keeps the frames that it went through."""
        try:
            come: bytes | BaseException = inner.result()
        except BaseException as error:
            come = error
        with suppress(RuntimeError):  # after shutdown nobody waits
            self._hand.submit(self._settle, outer, come)

    def _settle(self, outer: "Future[Any]", come: bytes | BaseException) -> None:
        """What the workers made of a call."""
        if isinstance(come, bytes):
            is_result, found = _read(come)
        elif isinstance(come, KilledWorker):
            died = come.allowed_failures + 1
            is_result, found = False, WorkerDied(f"{died} workers of {self._address}, one after the other", died)
        else:
            is_result, found = False, self._meant(come)
        if not is_result and isinstance(found, ExecutorError):
            self._lose(found)
        with self._lock:
            is_waited_for = outer in self._waiting
            self._waiting.discard(outer)
        if is_waited_for and outer.set_running_or_notify_cancel():
            if is_result:
                outer.set_result(found)
            else:
                outer.set_exception(found)

    def _meant(self, error: BaseException) -> Exception:
        """What it means that the cluster, and not the call, raised this."""
        if self._client is None or self._client.status != "running":
            return ClusterError(self._gone())
        if isinstance(error, CancelledError):
            return WorkerDied(f"the scheduler at {self._address} gave up what it had, as when it is told to restart")
        return _unfit(self._address, error)

    def _gone(self) -> str:
        return (
            f"the scheduler at {self._address} has ended or cannot be reached any more: start it, and the same command "
            "again, which goes on with the results that are kept"
        )

    def _lose(self, error: ExecutorError) -> None:
        """Nothing can be done any more: say so to all who wait."""
        with self._lock:
            self._lost = self._lost or error
            waiting, self._waiting = self._waiting, set()
        for outer in waiting:
            if outer.set_running_or_notify_cancel():
                outer.set_exception(self._lost)

    def _watch(self) -> None:
        """Count the workers, now and then; lose a cluster without a scheduler, or without workers for long."""
        alone = 0.0
        while self._lost is None and not self._closed.wait(LOOK):
            assert self._client is not None
            try:
                self._count = len(_within(SILENT, self._client.nthreads))
            except Exception:
                if not self._closed.is_set():
                    self._lose(ClusterError(self._gone()))
            alone = 0.0 if self._count else alone + LOOK
            if alone >= ALONE:
                start = _start(self._address)
                self._lose(ClusterError(f"all workers of {self._address} have gone and none came: {start}"))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `concurrent.futures.Executor`. What runs on a worker cannot be stopped: it ends there, and nobody has its
        result, unless it is waited for."""
        if self._closed.is_set():
            return
        if wait and not cancel_futures:
            futures.wait(list(self._waiting))
        self._closed.set()
        for outer in list(self._waiting):
            outer.cancel()
        self._hand.shutdown(wait=False)
        self._close()

    def _close(self) -> None:
        if self._client is not None:
            with suppress(Exception):
                _within(CONNECT, self._client.close)
        for logger in self._loggers:
            logger.disabled = False


def _read(answered: bytes) -> tuple[bool, Any]:
    try:
        return pickle.loads(answered)  # type: ignore[no-any-return]
    except Exception as error:
        return False, error


def _silenced() -> list[logging.Logger]:
    """dask's loggers, which write on the terminal what our errors say in a line; they write nothing from now on."""
    named = [logging.getLogger(name) for name in logging.root.manager.loggerDict]
    of_dask = [one for one in named if one.name.partition(".")[0] in ("distributed", "tornado", "asyncio")]
    enabled = [one for one in of_dask if not one.disabled]
    for logger in enabled:
        logger.disabled = True
    return enabled


def _within(seconds: float, call: Callable[[], Result]) -> Result:
    """What a call gives, or raises, within some seconds.

    Raises:
        TimeoutError: nothing within that time; the call is left to itself.
    """
    future: Future[Result] = Future()

    def do() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=do, daemon=True).start()
    return future.result(seconds)


def _client(address: str) -> Client:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about versions, which are compared below
            return _within(1.2 * CONNECT, lambda: connected(address, CONNECT))
    except ValueError as error:
        raise ClusterError(f"a cluster must be an address such as tcp://host:8786, got {address!r} ({error})") from None
    except Exception as error:
        what = f"({_line(error)}): start one there with `dask scheduler`"
        raise ClusterError(f"no dask scheduler answers at {address} {what}") from None


def _start(address: str) -> str:
    return f"start workers with `dask worker {address} --nthreads 1`"


def _workers(client: Client, address: str) -> int:
    """How many workers there are, when at least one is and all of them have what is here."""
    try:
        client.wait_for_workers(1, timeout=JOIN)
    except TimeoutError:
        raise ClusterError(f"the scheduler at {address} has no workers: {_start(address)}") from None
    here, found = _has(), _answers(client, address)
    for worker, there in found.items():
        if isinstance(there, BaseException):
            raise _unfit(worker, there)
        if other := [
            f"{name} {there.get(name, 'not at all')}, here {has}"
            for name, has in here.items()
            if there.get(name) != has
        ]:
            raise ClusterError(f"worker {worker} has {'; '.join(other)}: install there what is here")
    return len(found)


def _answers(client: Client, address: str) -> dict[str, Any]:
    """What each worker has, or what asking it raised; those that have just died are not there after a while."""
    asked, until = _as_call(_has), time.monotonic() + CONNECT
    while True:
        try:
            found: dict[str, Any] = _within(CONNECT, lambda: client.run(pickle.loads, asked, on_error="return"))
        except Exception as error:
            raise _unfit(address, error) from None
        if time.monotonic() > until or (found and not any(isinstance(one, OSError) for one in found.values())):
            return found
        time.sleep(LOOK / 4)


def _has() -> dict[str, str]:
    """What a worker must have as it is here: versions that may change a number, and the code that does jobs."""
    found = {"python": ".".join(platform.python_version_tuple()[:2])}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found | {"code": code_digest(__name__)[:12]}


def _unfit(worker: str, error: BaseException) -> ClusterError:
    return ClusterError(f"a worker, {worker}, can do no job ({_line(error)}): install there what is here")


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split()):.200}"


class _Call(NamedTuple):
    function: Callable[..., Any]
    arguments: tuple[Any, ...]

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.function, self.arguments


def _as_call(function: Callable[..., Any], *arguments: Any) -> bytes:
    """A pickle whose reading is a call. Workers are asked for `pickle.loads` of it, which each of them has: one that is
    asked for a function of a package that it lacks closes."""
    return pickle.dumps(_Call(function, arguments))
