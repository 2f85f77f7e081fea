"""The same numbers, digit for digit, from this process, from processes and from a cluster, and after kills; no job is
begun again whose result is here."""

import pytest

from paper_checks.jobs import Scheduler
from paper_checks.jobs.cluster import Cluster
from paper_checks.jobs.processes import Processes
from paper_checks.jobs.worker import perform

from .dask_cluster import dask_cluster
from .real import Killer, Seen, again, begun, jobs_of_claims


@pytest.fixture
def log(tmp_path):
    return str(tmp_path / "log")


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The bytes of all results, made in this process."""
    log, known = str(tmp_path_factory.mktemp("here") / "log"), {}

    def made(job):
        given = {one.identity: made(one) for one in job.inputs}
        return known.setdefault(name(job), perform(job, given, job.code).content)

    for job in jobs_of_claims(log):
        made(job)
    return known


def name(job):
    """Function and arguments, without the log."""
    return job.name, *job.arguments[:-1]


def found(executor, workers, jobs):
    """The bytes of all results, and what the executor's results were noted as."""
    seen = Seen(executor)
    runner = Scheduler(seen, workers)
    runner.declare(jobs)
    runner.results(jobs)
    return {name(entry.job): entry.content for entry in runner._entries.values()}, seen, runner


@pytest.mark.parametrize("count", [1, 2])
def test_processes(count, log, expected):
    executor = Processes(count)
    contents, seen, runner = found(executor, count, jobs_of_claims(log))
    executor.shutdown()
    assert contents == expected and runner.made == len(expected)
    assert {len(times) for times in begun(log).values()} == {1} and begun(log).keys() == seen.times.keys()


def test_processes_and_ten_kills(log, expected):
    executor = Processes(2)
    killer = Killer(log, kills=10, seed=7)
    killer.start()
    contents, seen, runner = found(executor, 2, jobs_of_claims(log))
    executor.shutdown()
    assert contents == expected and killer.left == 0 and runner.deaths >= 1
    assert runner.made == len(expected) and again(log, seen) == []


@pytest.fixture(scope="module")
def dask():
    with dask_cluster() as cluster:
        yield cluster


def test_cluster(dask, log, expected):
    executor = Cluster(dask.address)
    contents, seen, runner = found(executor, executor.count, jobs_of_claims(log))
    executor.shutdown()
    assert contents == expected and runner.made == len(expected)
    assert {len(times) for times in begun(log).values()} == {1} and begun(log).keys() == seen.times.keys()


def test_cluster_and_kills(dask, log, expected):
    executor = Cluster(dask.address)
    killer = Killer(log, kills=4, seed=11)
    killer.start()
    contents, seen, runner = found(executor, executor.count, jobs_of_claims(log))
    executor.shutdown()
    assert contents == expected and killer.left == 0
    assert runner.made == len(expected) and again(log, seen) == []
