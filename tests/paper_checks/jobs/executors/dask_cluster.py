"""A dask scheduler and its workers, real processes of this machine."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

import psutil

from tests.places import ROOT

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def answers(port):
    """Whether somebody listens there: a scheduler takes its time to start."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class DaskCluster:
    """What `dask_cluster` gives."""

    def __init__(self):
        port = free_port()
        self.address, self.started = f"tcp://127.0.0.1:{port}", []
        self.scheduler = self.dask("scheduler", "--host", "127.0.0.1", "--port", str(port))
        assert until(lambda: answers(port), 90)

    def dask(self, *arguments, **environment):
        """Start one of dask's commands, where the packages of this checkout can be imported."""
        command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
        known = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | environment
        self.started.append(subprocess.Popen(command, env=known, cwd="/", start_new_session=True, **QUIET))
        return self.started[-1]

    def workers(self, count, threads=1, **environment):
        """Start workers; each is looked after by dask's nanny, which starts it anew."""
        return self.dask("worker", self.address, "--nworkers", str(count), "--nthreads", str(threads), **environment)

    def pids(self):
        """The processes that do jobs now."""
        found = []
        for program in self.started:
            try:
                children = psutil.Process(program.pid).children()
                found += [one.pid for one in children if "spawn_main" in " ".join(one.cmdline())]
            except psutil.Error:
                continue
        return found

    def close(self):
        """Kill all."""
        for program in self.started:
            with suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
            program.wait()


@contextmanager
def dask_cluster(workers=2, threads=1, **environment):
    """A scheduler with so many workers."""
    cluster = DaskCluster()
    try:
        if workers:
            cluster.workers(workers, threads, **environment)
        yield cluster
    finally:
        cluster.close()


def until(condition, seconds=30.0):
    """Whether a condition comes true within some seconds."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()
