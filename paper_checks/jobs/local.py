"""Jobs outside of a run of checks: the processes of this machine, for commands, scripts and notebooks."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from .processes import Processes
from .runner import HERE, current, running
from .scheduler import Scheduler
from .shown import live
from .store import default_store


@contextmanager
def local(processes: int | None = None, *, fresh: bool = False) -> Iterator[Scheduler]:
    """Have jobs done by processes of this machine for as long as the context lasts, with the user's cache.

        with local(4):
            results([f.of(1), f.of(2)])

    Args:
        processes: how many, >= 1; None is one per processor.   fresh: what earlier runs have kept is not looked for.

    While results are waited for, a terminal on standard error shows how far they are. Processes start with the first
    job that is in no cache.

    Raises:
        ValueError: processes below 1, or an environment that has no size for the cache's (`store.default_store`).
    """
    executor = Processes(processes)
    runner = Scheduler(executor, executor.count, default_store(), fresh)
    console = Console(stderr=True)
    runner.waiting = lambda: live(runner, console)
    try:
        with running(runner):
            yield runner
    finally:
        runner.close()
        executor.shutdown(cancel_futures=True)


@contextmanager
def local_if_none() -> Iterator[None]:
    """`local`, unless jobs are done by a runner already."""
    if current() is not HERE:
        yield
        return
    with local():
        yield
