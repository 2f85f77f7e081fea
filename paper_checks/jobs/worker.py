"""The other side: what a worker does with a job, wherever it is."""

import importlib
import multiprocessing
import os
import pickle
import signal
import threading
import time
import traceback
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import NamedTuple

from threadpoolctl import threadpool_limits

from simulate.runtime.threads import limit_threads

from .code import surroundings
from .job import Job
from .memory import keep_memory
from .runner import Here, running
from .values import decode, encode

_one = threading.Lock()
"""Threads of libraries, warnings and the clock of a process are all of its threads': it does one job at a time."""


class WorkerDied(BrokenExecutor):
    """A worker died while it had a job, which can be given to another one; `deaths` workers, where one after the other
    did."""

    def __init__(self, text: str, deaths: int = 1) -> None:
        super().__init__(text, deaths)
        self.text, self.deaths = text, deaths

    def __str__(self) -> str:
        return self.text


class ExecutorError(RuntimeError):
    """The executor can do no job any more; the text says in a line what to do."""


class ClusterError(ExecutorError):
    """A cluster that cannot be used, or not any more."""


class Made(NamedTuple):
    """A result as bytes, the processor seconds that it took, and where it was made (`code.surroundings`)."""

    content: bytes
    seconds: float
    surroundings: str


def perform(job: Job, given: Mapping[str, bytes], code: str) -> Made:
    """The result of a job, on one thread, and one after the other where several threads of a process ask.

    Args:
        job: what to do.   given: the results of its inputs, by their identity.   code: `code.code_digest` of its module
            where it was asked for.

    Warnings are errors, as they are in the checks.

    Raises:
        ExecutorError: the code is not that of who asked.
    """
    if job.code != code:
        which = "changed since it began, or another commit"
        raise ExecutorError(f"{job.function.module}: a worker has other code than the run that asks ({which})")
    keep_memory()
    known = Here({identity: decode(content) for identity, content in given.items()})
    with _one, threadpool_limits(1), limit_threads(1), running(known), warnings.catch_warnings():
        started = time.process_time()
        warnings.simplefilter("error")
        content = encode(job.perform())
        seconds = time.process_time() - started
    return Made(content, seconds, surroundings())


def serve(connection: Connection, modules: Sequence[str]) -> None:
    """The life of a process of our own: import these modules, say that it is ready, then answer call after call.

    It ends when the other side closes the connection or dies. An interrupt from the keyboard is for who waits, and
    nothing that is printed here reaches the terminal.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    for module in modules:
        with suppress(ImportError):  # a job that needs it will say so
            importlib.import_module(module)
    with suppress(EOFError, OSError):
        connection.send_bytes(b"ready")
        while True:
            connection.send_bytes(answer(connection.recv_bytes()))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def answer(call: bytes) -> bytes:
    """A call, `pickle` of function, arguments and named arguments, done here: whether there is a result, and it or what
    was raised, whose notes have the traceback; pickled."""
    try:
        function, arguments, named = pickle.loads(call)
    except Exception as error:
        what = f"a worker cannot read a job, {type(error).__name__}: {error}: has it the code of the run that asks?"
        return pickle.dumps((False, ExecutorError(what)))
    try:
        return pickle.dumps((True, function(*arguments, **named)))
    except BaseException as error:
        error.add_note(f"in a worker:\n{traceback.format_exc()}")
        try:
            pickle.loads(found := pickle.dumps((False, error)))
        except Exception:
            found = pickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}")))
        return found
