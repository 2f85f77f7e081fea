"""Who does jobs: the process at hand (`Here`), or the runner of a session, through one executor (`scheduler`)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol


class Does(Protocol):
    """A `job.Job`, as far as who does it must know it."""

    @property
    def identity(self) -> str:
        """A hash of function and arguments."""

    @property
    def name(self) -> str:
        """Of its function."""

    def perform(self) -> Any:
        """Compute the result here and now."""


class Runs(Protocol):
    """What job functions ask for results."""

    def result(self, job: Any) -> Any:
        """The result of a job, now."""

    def results(self, jobs: Sequence[Any]) -> list[Any]:
        """Those of several, in order."""


class Here:
    """Computes in this process, each job once; `known` has results by the identity of their jobs."""

    def __init__(self, known: Mapping[str, Any] | None = None) -> None:
        self._known = dict(known or {})
        self._names: dict[str, set[str]] = {}

    def result(self, job: Does) -> Any:
        """See `Runs`."""
        if job.identity not in self._known:
            self._known[job.identity] = job.perform()
            self._names.setdefault(job.name, set()).add(job.identity)
        return self._known[job.identity]

    def results(self, jobs: Sequence[Does]) -> list[Any]:
        """See `Runs`."""
        return [self.result(job) for job in jobs]

    def forget(self, name: str) -> None:
        """Forget what the function of this name gave."""
        for identity in self._names.pop(name, ()):
            del self._known[identity]


HERE = Here()
"""Who does jobs outside of a run."""
_current: ContextVar[Runs] = ContextVar("runner", default=HERE)


def current() -> Runs:
    """Who does jobs now."""
    return _current.get()


@contextmanager
def running(runner: Runs) -> Iterator[None]:
    """Have jobs done by this runner for as long as the context lasts."""
    variable = _current
    token = variable.set(runner)
    try:
        yield
    finally:
        variable.reset(token)


def results(jobs: Sequence[Does]) -> list[Any]:
    """The results of jobs, in order; by a session's runner several at once."""
    return current().results(jobs)
