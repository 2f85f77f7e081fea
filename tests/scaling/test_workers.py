"""The executor against its number of processes; the jobs wait, so that it needs no processor for each."""

import time

from paper_checks.jobs import Scheduler
from paper_checks.jobs.processes import Processes
from tests.benchmarks.waiting import wait

from .ladders import ladder

JOBS = 24


@ladder(
    f"executor against processes, by the clock: {JOBS} jobs of 0.05 s",
    "processes",
    (1, 2, 4, 8),
    timer=time.perf_counter,
)
def test_executor(benchmark, processes):
    executor = Processes(processes)
    Scheduler(executor, processes).results([wait.of(number, 0.5) for number in range(processes)])  # all have begun
    jobs = [wait.of(number, 0.05) for number in range(JOBS)]
    benchmark.pedantic(lambda: Scheduler(executor, processes).results(jobs), rounds=5)
    executor.shutdown(cancel_futures=True)
