"""Work on blocks in parallel, results in block order."""

import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress

LONG_JOB_TOKENS = 2e8


Result = TypeVar("Result")


def for_each_in_order(
    produce: Callable[[int], Result], consume: Callable[[Result], None], count: int, workers: int
) -> None:
    """Call `consume(produce(i))` for i = 0..count-1: `produce` on `workers` threads, `consume` here and in order.

    At most 2 · workers results wait at a time. An exception, an interrupt from the keyboard included, drops the blocks
    that have not begun and is raised when those that have are done.
    """
    workers = min(workers, count)
    if workers <= 1:
        for index in range(count):
            consume(produce(index))
        return
    pool = ThreadPoolExecutor(workers)
    waiting: deque[Future[Result]] = deque()
    try:
        for index in range(count):
            waiting.append(pool.submit(produce, index))
            if len(waiting) >= 2 * workers:
                consume(waiting.popleft().result())
        while waiting:
            consume(waiting.popleft().result())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def progress_bar(
    total: int, work: float, progress: bool | None, label: str = "samples", long: float = LONG_JOB_TOKENS
) -> Iterator[Callable[..., None]]:
    """A progress bar over `total` units on standard error, as a function that moves it on, `advance(units)`, and can
    change its label, `advance(units, label)`.

    `progress` is True, False, or None: a bar if the terminal is interactive and the job has more `work` than `long`,
    by default more than 2·10⁸ tokens.
    """
    shown = sys.stderr.isatty() and work > long if progress is None else progress
    if not shown:
        yield lambda units, label=None: None
        return
    with Progress(console=Console(stderr=True), transient=progress is None) as bar:
        line = bar.add_task(label, total=total)
        yield lambda units, label=None: bar.update(line, advance=units, description=label)
