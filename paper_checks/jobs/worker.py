"""The other side: what a worker does with a job, wherever it is."""

import ctypes
import signal
import time
import warnings
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from threadpoolctl import threadpool_limits

from .code import code_digest, surroundings
from .job import Job
from .runner import Here, running
from .values import decode, encode

# glibc's numbers of malloc's settings. Page faults cost a training a fifth of its time where freed memory goes back to
# the system after every update.
MALLOC = {"M_MMAP_THRESHOLD": (-3, 2**30), "M_TRIM_THRESHOLD": (-1, 2**31 - 1), "M_TOP_PAD": (-2, 2**26)}


class Made(NamedTuple):
    """A result as bytes, the processor seconds that it took, and where it was made (`code.surroundings`)."""

    content: bytes
    seconds: float
    surroundings: str


def perform(job: Job, given: Mapping[str, bytes], code: str) -> Made:
    """The result of a job, on one thread.

    Args:
        job: what to do.   given: the results of its inputs, by their identity.   code: `code.code_digest` of its module
            where it was asked for.

    Warnings are errors, as they are in the checks.

    Raises:
        RuntimeError: the code is not that of who asked.
    """
    if code_digest(job.function.module) != code:
        raise RuntimeError(f"{job.kind}: the worker has other code than the process that asked: install the same there")
    keep_memory()
    started = time.process_time()
    known = Here({identity: decode(content) for identity, content in given.items()})
    with threadpool_limits(1), running(known), warnings.catch_warnings():
        warnings.simplefilter("error")
        content = encode(job.perform())
    return Made(content, time.process_time() - started, surroundings())


def start() -> None:
    """Set up a process of our own: an interrupt from the keyboard is for the process that waits for it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@cache
def keep_memory() -> None:
    """Let this process keep freed memory, where malloc can be told so."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    for number, value in MALLOC.values():
        mallopt(number, value)
