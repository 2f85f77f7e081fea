"""What a run shows on its way: how far the jobs are and how long the rest will take, and each verdict as it is known.

On a terminal one line per kind of job, while the run waits; elsewhere a plain line every SECONDS seconds.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import UnsupportedOperation
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from paper_checks.evidence.verdicts import LOOKS
from paper_checks.jobs.shown import duration, live
from paper_checks.report.table import COLUMNS
from paper_checks.report.wording import heading

if TYPE_CHECKING:
    from paper_checks.evidence.results import Result
    from paper_checks.jobs import Scheduler

SECONDS = 30.0
"""Between two plain lines."""


class Shown:
    """What is shown of the jobs of a run on the terminal that pytest writes to."""

    def __init__(self, config: pytest.Config, runner: "Scheduler") -> None:
        self._reporter: Any = config.pluginmanager.getplugin("terminalreporter")
        self._runner = runner
        self._quiet = self._reporter is None or config.getoption("verbose") < 0  # -p no:terminal has neither
        self._stream = None if self._quiet else _own(self._reporter._tw._file)
        self._ended = threading.Event()

    def begun(self) -> None:
        """Say what there is to do."""
        kinds = self._runner.progress()
        if kinds and not self._quiet:
            counts = ", ".join(f"{one.total} {kind}" for kind, one in kinds.items())
            reused = sum(one.reused for one in kinds.values())
            kept = f"; {reused} of them kept from earlier runs" if reused else ""
            self._reporter.ensure_newline()
            self._reporter.write(f"jobs for {counted(self._runner.workers, 'worker')}: {counts}{kept}\n", flush=True)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While the run waits for jobs: lines that move, where there is a terminal."""
        if self._quiet or not self._is_terminal():
            yield
            return
        with live(self._runner, Console(file=self._stream, force_terminal=True)):
            yield

    @contextmanager
    def plain_lines(self) -> Iterator[None]:
        """Where there is no terminal: a line every SECONDS seconds, for as long as the context lasts."""
        if self._quiet or self._is_terminal():
            yield
            return
        thread = threading.Thread(target=self._say_now_and_then, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _say_now_and_then(self) -> None:
        while not self._ended.wait(SECONDS):
            kinds = {kind: one for kind, one in self._runner.progress().items() if one.done < one.total}
            if kinds:
                counts = ", ".join(f"{kind} {one.done}/{one.total}" for kind, one in kinds.items())
                print(f"{counts}; about {duration(self._runner.remaining())} left", file=self._stream, flush=True)

    def _is_terminal(self) -> bool:
        return bool(self._reporter.isatty)


def _own(file: Any) -> Any:
    """The terminal as a stream of our own, which goes on while pytest captures what a check writes."""
    try:
        return open(os.dup(file.fileno()), "w", encoding="utf-8", buffering=1)
    except (AttributeError, OSError, UnsupportedOperation):
        return file


def surface(reporter: Any) -> tuple[int, bool]:
    """Columns and colour of what a table is written on: plain unless on a terminal that is not CI's."""
    if not reporter.isatty or os.environ.get("CI"):
        return COLUMNS, False
    return reporter._tw.fullwidth, bool(reporter.hasmarkup)


class Verdicts:
    """In place of pytest's dots: a line for each claim when all of its checks have run."""

    def __init__(self, config: pytest.Config) -> None:
        self._reporter: Any = config.pluginmanager.getplugin("terminalreporter")
        self._started = time.perf_counter()
        self.shown = self._reporter is not None and config.getoption("verbose") == 0
        if self.shown:
            self._reporter.showfspath = False
            self._reporter._show_progress_info = False

    def say(self, result: "Result") -> None:
        """A claim has its verdict."""
        if self.shown:
            self._reporter.ensure_newline()
            after, claim, verdict = time.perf_counter() - self._started, result.claim, result.verdict
            words = f"{LOOKS[verdict].sign} {claim.id:<10} {verdict:<9} after {after:>3.0f} s  "
            self._reporter.write(f"{words}{heading(claim, result.evidence)}\n", flush=True)


def counted(count: int, what: str) -> str:
    """A number of things in words."""
    return f"{count} {what}{'' if count == 1 else 's'}"
