"""A job as the scheduler has it: what it waits for, where it stands, what came of it; how long the rest takes."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .job import Job


class Progress(NamedTuple):
    """How far the jobs of one kind are."""

    total: int
    done: int  # made, reused or failed
    running: int
    reused: int
    remaining: float  # processor seconds, estimated


class Pace:
    """Seconds that jobs took over those that their costs said, by kind; how much of the workers' time they get."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[float, float]] = {}
        self._began: float | None = None

    def begin(self) -> None:
        """A job begins."""
        if self._began is None:
            self._began = time.monotonic()

    def add(self, kind: str, taken: float, expected: float) -> None:
        """A job of this kind has ended."""
        before = self._sums.get(kind, (0.0, 0.0))
        self._sums[kind] = before[0] + taken, before[1] + expected

    def of(self, kind: str) -> float:
        """Of this kind, if one has ended; else of all that have; 1 before any has."""
        known = [self._sums[kind]] if kind in self._sums else list(self._sums.values())
        taken, expected = (sum(sums[column] for sums in known) for column in (0, 1))
        return taken / expected if taken > 0 and expected > 0 else 1.0

    def drag(self, workers: int, running: float) -> float:
        """Seconds that pass for a processor second of each worker, at least 1: more where others use the processors;
        `running` are the expected processor seconds of the jobs at work, half of which are counted as done."""
        taken = sum(sums[0] for sums in self._sums.values())
        if self._began is None or taken == 0:
            return 1.0
        return max(1.0, (time.monotonic() - self._began) * workers / (taken + running / 2))


class Used(NamedTuple):
    """A result that somebody asked for: of what kind of job, its key, the processor seconds that it took when it was
    made, and when that was, if not in this run."""

    kind: str
    key: str
    seconds: float
    made: str | None


@dataclass(eq=False)
class Entry:
    """One job of a session; it has ended when it has a content or an error."""

    job: Job
    cost: float
    inputs: list["Entry"]
    dependents: list["Entry"] = field(default_factory=list)
    priority: float = 0.0
    urgent: bool = False
    running: bool = False
    deaths: int = 0
    content: bytes | None = None
    value: Any = None
    is_decoded: bool = False
    error: BaseException | None = None
    used: Used | None = None

    @property
    def ended(self) -> bool:
        return self.content is not None or self.error is not None


class Uses:
    """Who has asked for which results."""

    def __init__(self) -> None:
        self._by_asker: dict[str, dict[str, Used]] = {}
        self._asker: str | None = None

    @contextmanager
    def asking(self, who: str) -> Iterator[None]:
        """Results that are asked for in this context are noted as used by `who`."""
        before, self._asker = self._asker, who
        try:
            yield
        finally:
            self._asker = before

    def note(self, entry: Entry) -> None:
        """A result was asked for: it is used, and so is what it was made from."""
        if self._asker is not None and entry.used is not None:
            self._by_asker.setdefault(self._asker, {})[entry.job.key] = entry.used
        for one in entry.inputs:
            self.note(one)

    def of(self, who: str) -> list[Used]:
        """The results that `who` has asked for, and those that they were made from, each once."""
        return list(self._by_asker.get(who, {}).values())


def progress_of(entries: Sequence[Entry], pace: float) -> Progress:
    done = [one for one in entries if one.ended]
    reused = sum(one.used is not None and one.used.made is not None for one in done)
    left = sum(one.cost for one in entries if not one.ended) * pace
    return Progress(len(entries), len(done), sum(one.running for one in entries), reused, left)
