"""Jobs that end badly, or tell where they run; quickly imported."""

import os
import signal
import warnings
from multiprocessing.connection import Connection
from pathlib import Path

from threadpoolctl import threadpool_info

from paper_checks.jobs import job
from simulate.runtime.threads import default_threads


@job("ends")
def dies(status: int) -> None:
    """Ends its process."""
    os._exit(status)


@job("threads")
def threads() -> tuple[int, list[int]]:
    """How many threads calls and libraries have."""
    return default_threads(), [pool["num_threads"] for pool in threadpool_info()]


@job("warnings")
def warns() -> None:
    """Warns."""
    warnings.warn("of this", stacklevel=1)


@job("texts")
def half_sent(before: str) -> list[int]:
    """A large result; the first time the process is killed when half of it is in the pipe."""
    if not Path(before).exists():
        Path(before).touch()

        def send(connection, content):
            os.write(connection.fileno(), len(content).to_bytes(4, "big") + bytes(content[:50_000]))
            os.kill(os.getpid(), signal.SIGKILL)

        Connection._send_bytes = send
    return [7] * 100_000
