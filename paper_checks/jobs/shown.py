"""Jobs on a terminal: a line for each kind that is at work, and an estimate of what is left."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.table import Table

if TYPE_CHECKING:
    from .scheduler import Scheduler

EVERY = 20.0
"""Seconds between two lines of a log."""


@contextmanager
def live(runner: "Scheduler", console: Console) -> Iterator[None]:
    """Lines that move, for as long as the context lasts; where the console is no terminal, a line every EVERY seconds,
    for who reads a log."""
    if not console.is_terminal:
        with _logged(runner, console):
            yield
        return
    with Live(console=console, get_renderable=lambda: lines(runner), transient=True, refresh_per_second=4):
        yield


@contextmanager
def _logged(runner: "Scheduler", console: Console) -> Iterator[None]:
    ended = threading.Event()

    def log() -> None:
        while not ended.wait(EVERY):
            parts = [f"{kind} {one.done} of {one.total}" for kind, one in runner.progress().items() if one.running]
            console.print(f"{', '.join(parts)}; about {duration(runner.remaining())} left", highlight=False)

    thread = threading.Thread(target=log, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def lines(runner: "Scheduler") -> Table:
    """How far the jobs are."""
    table = Table.grid(padding=(0, 2))
    for kind, one in runner.progress().items():
        if one.running:
            table.add_row(kind, f"{one.done} of {one.total} done", f"{duration(one.remaining)} of work left")
    table.add_row("all jobs", "", f"about {duration(runner.remaining())} left")
    return table


def duration(seconds: float) -> str:
    """Seconds in words."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
