"""The runner of a session: all jobs go to one executor, longest first, each once, and their results are kept.

A job is queued when it is declared, or at the latest when its result is asked for; those that somebody waits for go
first, then the longest (with what depends on it). The executor is given no more than it can begin, so that the order is
ours. A worker that dies takes down what it was at, which is begun again; what had ended is not.
"""

import heapq
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from .code import surroundings
from .entries import Entry, Pace, Progress, Used, Uses, progress_of
from .job import Job
from .store import Store
from .values import decode
from .worker import ExecutorError, Made, WorkerDied, perform

DEATHS = 12
"""So many workers may die while they have a job; then the job is given up."""
LOOK = 5.0
"""Seconds after which who waits looks whether there are more workers."""


class Scheduler:
    """Does jobs through an executor.

    Args:
        executor: any `concurrent.futures.Executor` whose workers can import the job functions.
        workers: how many jobs it works on at a time, >= 1; a function where that changes.
        store: where results are kept beyond the session, and looked for; None is nowhere.
        fresh: results of earlier sessions are not looked for; those of this one are kept all the same.
    """

    def __init__(
        self, executor: Executor, workers: int | Callable[[], int], store: Store | None = None, fresh: bool = False
    ) -> None:
        if not callable(workers) and workers < 1:
            raise ValueError(f"workers must be >= 1, got {workers}")
        self._executor, self._workers, self._store, self._fresh = executor, workers, store, fresh
        self._entries: dict[str, Entry] = {}
        self._queue: list[tuple[bool, float, int, Entry]] = []
        self._pushed = self._running = 0
        self._changed = threading.Condition(threading.RLock())
        self.uses = Uses()
        self._closed = self._pumping = False
        self._lost: ExecutorError | None = None
        self._pace = Pace()
        self.made = self.deaths = 0  # results computed in this session; how often a worker died that had a job
        self._seconds, self._elsewhere = 0.0, 0  # of the processor; results made in other surroundings than those here
        self.waiting: Callable[[], AbstractContextManager[None]] = nullcontext  # is entered while somebody waits

    @property
    def workers(self) -> int:
        """How many jobs the executor works on at a time, now."""
        return max(self._workers(), 1) if callable(self._workers) else self._workers

    def declare(self, jobs: Sequence[Job]) -> None:
        """Queue these jobs and their inputs."""
        with self._changed:
            for job in jobs:
                self._entry(job)
        self._pump()

    def result(self, job: Job) -> Any:
        """The result of a job, when it is there.

        Raises:
            what the job raised; ExecutorError when no job can be done any more.
        """
        return self.results([job])[0]

    def results(self, jobs: Sequence[Job]) -> list[Any]:
        """The results of several jobs, in order, when all are there."""
        with self._changed:
            entries = [self._entry(job) for job in jobs]
            for entry in entries:
                self._hurry(entry)
        self._pump()
        self._wait(lambda: all(entry.ended for entry in entries))
        with self._changed:
            return [self._taken(entry) for entry in entries]

    def ended(self, jobs: Sequence[Job]) -> bool:
        """Whether the results of all these jobs are there, or one has failed."""
        with self._changed:
            entries = [self._entry(job) for job in jobs]
            return all(entry.ended for entry in entries) or any(entry.error is not None for entry in entries)

    def wait(self, choices: Sequence[Sequence[Job]]) -> None:
        """Until one of several lists of jobs has ended."""
        self._wait(lambda: any(self.ended(jobs) for jobs in choices))

    def _wait(self, enough: Callable[[], bool]) -> None:
        if self._waited(enough, 0.0):
            return
        with self.waiting():
            while not self._waited(enough, LOOK):
                self._pump()  # there may be more workers than there were

    def _waited(self, enough: Callable[[], bool], seconds: float) -> bool:
        """Whether it was enough within so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: enough() or self._lost is not None, seconds)
            if self._lost is not None and not enough():
                raise self._lost
            return enough()

    @property
    def troubles(self) -> list[str]:
        """What the store could not read or keep, a sentence each."""
        other = [f"cache: {self._elsewhere} results of another kind of processor, or versions, are not kept"]
        return [] if self._store is None else [*self._store.troubles, *other[: self._elsewhere]]

    def progress(self) -> dict[str, Progress]:
        """How far the jobs are, by kind, in the order in which kinds were declared."""
        with self._changed:
            kinds: dict[str, list[Entry]] = {}
            for entry in self._entries.values():
                kinds.setdefault(entry.job.kind, []).append(entry)
            return {kind: progress_of(entries, self._pace.of(kind)) for kind, entries in kinds.items()}

    def summary(self) -> dict[str, float]:
        """Results "made" and "reused", processor "seconds" of those made, and "deaths" of workers that had a job."""
        with self._changed:
            reused = sum(one.used is not None and one.used.made is not None for one in self._entries.values())
            return {"made": self.made, "reused": reused, "seconds": round(self._seconds, 1), "deaths": self.deaths}

    def remaining(self) -> float:
        """Estimated seconds until all declared jobs are done."""
        with self._changed:
            left = [one for one in self._entries.values() if not one.ended]
            costs = [one.cost * self._pace.of(one.job.kind) for one in left]
            running = sum(cost for one, cost in zip(left, costs, strict=True) if one.running)
            return max(sum(costs) / self.workers, *costs, 0.0) * self._pace.drag(self.workers, running)

    def close(self) -> None:
        """Begin nothing more. What runs is left to the executor."""
        with self._changed:
            self._closed = True
            self._queue.clear()

    def _entry(self, job: Job) -> Entry:
        entry = self._entries.get(job.identity)
        if entry is None:
            inputs = [self._entry(one) for one in job.inputs]
            entry = self._entries[job.identity] = Entry(job, job.cost, inputs)
            if not self._found(entry):
                for one in inputs:
                    one.dependents.append(entry)
                self._raise_priority(entry, entry.cost)
                self._push_if_ready(entry)
        return entry

    def _found(self, entry: Entry) -> bool:
        """Whether the store has the result of an earlier session."""
        kept = None if self._store is None or self._fresh else self._store.get(entry.job.key, entry.job.kind)
        if kept is not None:
            entry.content = kept.content
            entry.used = Used(entry.job.kind, entry.job.key, kept.seconds, kept.made)
        return kept is not None

    def _raise_priority(self, entry: Entry, cost: float) -> None:
        """A job is as urgent as the longest chain that begins with it."""
        if cost > entry.priority:
            entry.priority = cost
            self._push_if_ready(entry)
            for one in entry.inputs:
                self._raise_priority(one, cost + one.cost)

    def _hurry(self, entry: Entry) -> None:
        if not entry.ended and not entry.urgent:
            entry.urgent = True
            self._push_if_ready(entry)
            for one in entry.inputs:
                self._hurry(one)

    def _push_if_ready(self, entry: Entry) -> None:
        """Queue it anew where its inputs have ended; what was pushed before and has begun since is passed over."""
        if not entry.ended and not entry.running and all(one.ended for one in entry.inputs):
            self._pushed += 1
            heapq.heappush(self._queue, (not entry.urgent, -entry.priority, self._pushed, entry))

    def _taken(self, entry: Entry) -> Any:
        if entry.error is not None:
            raise entry.error.with_traceback(None)  # of this asking alone: all who ask get the same exception
        if not entry.is_decoded:
            assert entry.content is not None
            entry.value, entry.is_decoded = decode(entry.content), True
        self.uses.note(entry)
        return entry.value

    def _pump(self) -> None:
        """Give the executor what it can begin. One thread does, for all: a job that has ended by the time that it is
        given would begin the next one inside itself, and so on."""
        with self._changed:
            if self._pumping:
                return
            self._pumping = True
        try:
            while (entry := self._begun()) is not None:
                self._give(entry)
        except BaseException:
            self._pumping = False
            raise

    def _begun(self) -> Entry | None:
        """What is to be given now; if nothing, whoever changes that must pump again."""
        with self._changed:
            entry = self._next()
            if entry is None:
                self._pumping = False
                return None
            entry.running = True
            self._pace.begin()
            self._running += 1
            return entry

    def _give(self, entry: Entry) -> None:
        failed = next((one.error for one in entry.inputs if one.error is not None), None)
        if failed is not None:
            return self._end(entry, failed)
        given = {one.job.identity: one.content for one in entry.inputs if one.content is not None}
        try:
            future = self._executor.submit(perform, entry.job, given, entry.job.code)
        except (ExecutorError, BrokenExecutor) as error:
            return self._lose(error)
        except Exception as error:
            return self._end(entry, error)
        future.add_done_callback(lambda done: self._returned(entry, done))

    def _next(self) -> Entry | None:
        while not self._closed and self._lost is None and self._running <= self.workers and self._queue:
            entry = heapq.heappop(self._queue)[-1]
            if not entry.ended and not entry.running:
                return entry
        return None

    def _returned(self, entry: Entry, future: "Future[Made]") -> None:
        """Called by the executor, on a thread of its own."""
        try:
            made = future.result()
        except ExecutorError as error:
            self._lose(error)
        except (BrokenExecutor, CancelledError) as error:
            self._died(entry, error)
        except BaseException as error:
            self._end(entry, error)
        else:
            try:
                self._keep(entry, made)
            except Exception as error:  # nobody hears what a callback raises, and who waits would wait for ever
                self._end(entry, error)
        self._pump()

    def _died(self, entry: Entry, error: BaseException) -> None:
        entry.deaths += error.deaths if isinstance(error, WorkerDied) else 1
        if entry.deaths >= DEATHS or self._closed:
            what = f"{entry.job} was given up: {entry.deaths} workers died while they had it, the last: {error}"
            return self._end(entry, RuntimeError(what))
        with self._changed:
            self.deaths += 1
            entry.running = False
            self._running -= 1
            self._push_if_ready(entry)

    def _lose(self, error: BaseException) -> None:
        """Nothing can be done any more."""
        with self._changed:
            self._lost = self._lost or (error if isinstance(error, ExecutorError) else ExecutorError(str(error)))
            self._changed.notify_all()

    def _keep(self, entry: Entry, made: Made) -> None:
        is_from_elsewhere = made.surroundings != surroundings()
        if self._store is not None and not is_from_elsewhere:
            self._store.put(entry.job.key, entry.job.kind, made.content, made.seconds, made.surroundings)
        with self._changed:
            self._elsewhere += is_from_elsewhere
            self.made += 1
            self._seconds += made.seconds
            self._pace.add(entry.job.kind, made.seconds, entry.cost)
            entry.used = Used(entry.job.kind, entry.job.key, made.seconds, None)
        self._end(entry, None, made.content)

    def _end(self, entry: Entry, error: BaseException | None, content: bytes | None = None) -> None:
        with self._changed:
            entry.error, entry.content, entry.running = error, content, False
            self._running -= 1
            for one in entry.dependents:
                self._push_if_ready(one)
            self._changed.notify_all()
