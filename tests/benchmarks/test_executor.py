"""The executor with one process against a plain loop, by the clock: what a job costs besides its own time."""

import time

import numpy as np
import pytest

from paper_checks.jobs import Scheduler
from paper_checks.jobs.processes import Processes
from paper_checks.jobs.store import Store
from tests.benchmarks.notes import at_most
from tests.benchmarks.waiting import wait

JOBS = [wait.of(number, 0.1) for number in range(10)]

executor = pytest.mark.benchmark(group="executor: 10 jobs of 0.1 s, by the clock", timer=time.perf_counter)


@pytest.fixture
def process():
    """One process, which has begun: that costs some seconds once per run."""
    found = Processes(1)
    Scheduler(found, 1).results([wait.of(0, 0.0)])
    yield found
    found.shutdown(cancel_futures=True)


@executor
def test_executor_of_one_process(benchmark, process, tmp_path):
    """Results are kept in a store, as in a run."""

    def run():
        return Scheduler(process, 1, Store(tmp_path, 2**30), fresh=True).results(JOBS)

    at_most(
        benchmark,
        1.05,
        of="plain_loop",
        remark="without the start of the process; what other processes take of a processor counts",
    )
    found = benchmark.pedantic(run, rounds=5, warmup_rounds=1)
    np.testing.assert_array_equal([values[0] for values in found], range(len(JOBS)))


@executor
def test_plain_loop(benchmark):
    benchmark.pedantic(lambda: [job.perform() for job in JOBS], rounds=5)
