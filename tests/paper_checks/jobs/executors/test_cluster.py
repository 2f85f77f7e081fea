"""A dask scheduler as the executor: real ones, with what can be wrong with them; each is one line, and soon."""

import gc
import os
import re
import shutil
import signal
import socket
import threading
import time
from pathlib import Path

import pytest
from distributed.utils import LoopRunner

from paper_checks.jobs import Scheduler, cluster, running, scheduler
from paper_checks.jobs.cluster import Cluster
from paper_checks.jobs.worker import ClusterError
from tests.paper_checks.jobs.sums import failure, noted, square, sum_of_squares
from tests.places import ROOT

from .dask_cluster import DaskCluster, free_port, until
from .deaths import dies


@pytest.fixture(scope="module")
def dask():
    found = DaskCluster()
    yield found
    found.close()


@pytest.fixture
def log(tmp_path):
    return str(tmp_path / "log")


@pytest.fixture
def joined(dask, monkeypatch):
    """Start workers, and take them away afterwards; `joined(count, ...)` is an executor when they are there."""
    monkeypatch.setattr(cluster, "LOOK", 0.2)
    started, executors = [], []

    def join(count, **options):
        started.append(dask.workers(count, **options))
        executors.append(Cluster(dask.address))
        assert until(lambda: executors[-1].count() == (count if "threads" not in options else 1))
        return executors[-1]

    monkeypatch.setattr(cluster, "JOIN", 60.0)
    yield join
    for executor in executors:
        executor.shutdown(cancel_futures=True)
    for program in started:
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()


def line(pattern, call):
    """The call ends soon with one line of this pattern."""
    started = time.monotonic()
    with pytest.raises(ClusterError) as raised:
        call()
    assert re.fullmatch(pattern, str(raised.value)), str(raised.value)
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("address", ["", "two words", "ftp://127.0.0.1:8786"])
def test_addresses_are_checked(address):
    line(
        r"a cluster must be an address such as tcp://host:8786, got '" + address + r"' \(.*\)",
        lambda: Cluster(address),
    )


def test_a_client_that_could_not_connect_waits_for_no_lock_when_it_is_collected():
    """It is collected in the thread that makes the next client, say, which holds dask's lock of all clients."""
    with pytest.raises(ClusterError):
        Cluster("ftp://127.0.0.1:8786")
    done = threading.Event()

    def collect():
        with LoopRunner._lock:
            gc.collect()
        done.set()

    threading.Thread(target=collect, daemon=True).start()
    assert done.wait(30)


def test_nobody_there_and_somebody_else(monkeypatch, capfd):
    monkeypatch.setattr(cluster, "CONNECT", 1.0)
    pattern = r"no dask scheduler answers at tcp://\S+ \(.*\): start one there with `dask scheduler`"
    line(pattern, lambda: Cluster(f"tcp://127.0.0.1:{free_port()}"))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        line(pattern, lambda: Cluster(f"tcp://127.0.0.1:{silent.getsockname()[1]}"))
    assert capfd.readouterr() == ("", "")


def test_no_workers(dask, monkeypatch):
    monkeypatch.setattr(cluster, "JOIN", 0.5)
    line(
        rf"the scheduler at {dask.address} has no workers: start workers with `dask worker \S+ --nthreads 1`",
        lambda: Cluster(dask.address),
    )


def test_workers_without_the_project(joined, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nfor name in ('paper_checks', 'simulate', 'theory', 'tests'):\n    sys.modules[name] = None\n"
    )
    line(
        r"a worker, tcp://\S+, can do no job \(ModuleNotFoundError: .*paper_checks.*\): install there what is here",
        lambda: joined(1, PYTHONPATH=str(tmp_path)),
    )


def test_workers_with_other_code(joined, tmp_path):
    for package in ("paper_checks", "simulate", "theory"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "data"))
    with open(tmp_path / "paper_checks/jobs/worker.py", "a", encoding="utf-8") as stream:
        stream.write("# another line\n")
    line(
        r"worker tcp://\S+ has code \w{12}, here \w{12}: install there what is here",
        lambda: joined(1, PYTHONPATH=str(tmp_path)),
    )


def test_jobs(joined, log):
    executor = joined(2)
    runner = Scheduler(executor, executor.count)
    runner.declare([sum_of_squares.of((3, 4), log), square.of(5, log)])
    with running(runner):
        assert sum_of_squares((3, 4), log) == 25 and square(5, log) == 25
        with pytest.raises(ZeroDivisionError, match="this") as raised:
            failure("this")
    assert "sums.py" in raised.value.__notes__[0]
    assert sorted(noted(log, "begin")) == ["3", "4", "5"] and runner.made == 4
    assert until(lambda: not executor._client.futures, 2)  # a result that is here is wanted of no worker


def test_several_threads_of_a_worker_do_one_job_at_a_time(joined, log):
    executor = joined(1, threads=3)
    runner = Scheduler(executor, 3)
    assert runner.results([square.of(number, log, 0.2) for number in range(4)]) == [0, 1, 4, 9]
    words = [text.split()[1] for text in Path(log).read_text(encoding="utf-8").splitlines()]
    assert words == ["begin", "end"] * 4


def test_workers_that_join_later_work(joined, dask, log):
    executor = joined(1)
    runner = Scheduler(executor, executor.count)
    jobs = [square.of(number, log, 0.5) for number in range(30)]
    runner.declare(jobs)
    other = dask.workers(1)
    try:
        assert runner.results(jobs) == [number**2 for number in range(30)]
    finally:
        os.killpg(other.pid, signal.SIGKILL)
        other.wait()
    assert len({text.split()[0] for text in Path(log).read_text(encoding="utf-8").splitlines()}) == 2


def test_a_job_that_ends_its_workers_is_given_up(joined, monkeypatch):
    monkeypatch.setattr(scheduler, "DEATHS", 4)
    executor = joined(1)
    with running(Scheduler(executor, executor.count)), pytest.raises(RuntimeError) as raised:
        dies(3)
    assert re.fullmatch(
        r"tests\.paper_checks\.jobs\.executors\.deaths:dies\(3\) was given up: 4 workers died while they had it, "
        r"the last: 4 workers of tcp://\S+, one after the other",
        str(raised.value),
    )


def test_all_workers_go(joined, dask, monkeypatch, log):
    monkeypatch.setattr(cluster, "ALONE", 1.0)
    executor = joined(1)
    runner = Scheduler(executor, executor.count)
    runner.declare([square.of(1, log, 60.0)])
    assert until(lambda: os.path.exists(log))
    os.killpg(dask.started[-1].pid, signal.SIGKILL)
    line(
        rf"all workers of {dask.address} have gone and none came: start workers with `.*`",
        lambda: runner.result(square.of(1, log, 60.0)),
    )
    os.killpg(dask.workers(1).pid, 0)


def test_the_scheduler_dies(log, capfd):
    dask = DaskCluster()
    try:
        dask.workers(1)
        executor = Cluster(dask.address)
        runner = Scheduler(executor, executor.count)
        jobs = [square.of(1, log), square.of(2, log, 60.0), square.of(3, log)]
        assert runner.result(jobs[0]) == 1
        runner.declare(jobs)
        threading.Timer(1.0, dask.scheduler.kill).start()
        pattern = rf"the scheduler at {dask.address} has ended or cannot be reached any more: .*"
        line(pattern, lambda: runner.results(jobs))
        assert runner.result(jobs[0]) == 1  # what had ended is there
        line(pattern, lambda: executor.submit(pow, 2, 3))
        executor.shutdown(cancel_futures=True)
    finally:
        dask.close()
    assert capfd.readouterr() == ("", "")
