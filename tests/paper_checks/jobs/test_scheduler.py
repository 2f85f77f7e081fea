"""Jobs are done once, in order of need, by any executor, and none that had ended is begun again after a death."""

import os
import signal
import time
import traceback
from concurrent.futures import Executor, Future

import pytest

from paper_checks.jobs import Scheduler, entries, local, results, running
from paper_checks.jobs.processes import Processes

from .sums import failure, noted, square, sum_of_squares


@pytest.fixture(scope="module")
def processes():
    executor = Processes(2)
    yield executor
    executor.shutdown(cancel_futures=True)


@pytest.fixture
def log(tmp_path):
    return str(tmp_path / "log")


def test_each_job_runs_once_wherever_it_is_asked_for(processes, log):
    scheduler = Scheduler(processes, 2)
    scheduler.declare([square.of(3, log), square.of(3, log), sum_of_squares.of((3, 4), log)])
    with running(scheduler):
        assert sum_of_squares((3, 4), log) == 25
        assert [square(3, log), square(4, log)] == [9, 16]
        assert results([square.of(4, log), square.of(3, log)]) == [16, 9]
    assert sorted(noted(log, "begin")) == ["3", "4"] and noted(log, "sum") == ["(3, 4)"]
    assert scheduler.made == 3


def test_what_a_job_raises_reaches_who_asks(processes, log):
    with running(Scheduler(processes, 2)):
        with pytest.raises(ZeroDivisionError, match="this"):
            failure("this")
        assert square(2, log) == 4


class AtOnce(Executor):
    """Has done a call before it returns."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def test_an_executor_may_be_done_before_it_returns(log):
    jobs = [square.of(number, log) for number in range(400)]
    assert Scheduler(AtOnce(), 2).results(jobs) == [number * number for number in range(400)]


def test_what_the_store_raises_ends_the_wait(log):
    class Full:
        get = staticmethod(lambda *about: None)
        troubles = ()

        def put(self, *about):
            raise MemoryError("of the store")

    with pytest.raises(MemoryError, match="of the store"):
        Scheduler(AtOnce(), 2, Full()).result(square.of(3, log))


def test_an_error_has_the_frames_of_who_asks_alone():
    scheduler, frames = Scheduler(AtOnce(), 1), []
    for _ in range(3):
        with pytest.raises(ZeroDivisionError) as raised:
            scheduler.result(failure.of("this"))
        frames.append(len(traceback.extract_tb(raised.value.__traceback__)))
    assert len(set(frames)) == 1


def test_who_asks_uses_what_the_result_was_made_from(log):
    scheduler = Scheduler(AtOnce(), 2)
    with scheduler.uses.asking("T1.1"):
        assert scheduler.result(sum_of_squares.of((3, 4), log)) == 25
    assert scheduler.result(square.of(5, log)) == 25
    assert [used.kind for used in scheduler.uses.of("T1.1")] == ["sums", "squares", "squares"]


def test_a_killed_worker_repeats_nothing_that_had_ended(log):
    executor = Processes(2)
    scheduler = Scheduler(executor, 2)
    jobs = [square.of(number, log, 0.05 * number) for number in range(12)]
    scheduler.declare(jobs)
    killed = set()
    for _ in range(5):
        before = scheduler.made
        while scheduler.made == before and scheduler.made < 12:
            time.sleep(0.01)
        # One that was killed may not have been replaced yet: its id is of no process then.
        for worker in set(executor.pids[:1]) - killed:
            os.kill(worker, signal.SIGKILL)
            killed.add(worker)
    assert killed
    with running(scheduler):
        assert results(jobs) == [number * number for number in range(12)]
    executor.shutdown()
    assert scheduler.made == 12


def test_local_has_processes_and_the_cache(log):
    for fresh, times in ((False, 1), (False, 1), (True, 2)):
        with local(1, fresh=fresh):
            assert sum_of_squares((7, 8), log) == 113
        assert len(noted(log, "sum")) == times
    with pytest.raises(ValueError, match="count must be >= 1, got 0"), local(0):
        pass


def test_what_is_left_is_estimated_by_kind_and_by_the_time_that_others_leave(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(entries.time, "monotonic", lambda: now[0])
    pace = entries.Pace()
    assert pace.of("a") == pace.drag(2, 5.0) == 1
    pace.begin()
    pace.add("a", 6.0, 2.0)
    assert pace.of("a") == pace.of("b") == 3
    pace.add("b", 2.0, 4.0)
    assert pace.of("b") == 0.5
    now[0] += 10
    assert pace.drag(1, 0.0) == 1.25 and pace.drag(2, 4.0) == 2 and pace.drag(1, 1000.0) == 1
