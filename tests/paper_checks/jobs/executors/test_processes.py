"""Processes of our own: killed at any moment they lose nothing, and none outlives who started it."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from paper_checks.jobs import Scheduler, running, scheduler
from paper_checks.jobs.processes import Processes
from paper_checks.jobs.worker import ExecutorError, WorkerDied
from tests.paper_checks.jobs.sums import square
from tests.places import ROOT

from .deaths import dies, half_sent, threads, warns


@pytest.fixture
def two(monkeypatch):
    """Two workers, which keep to one thread by themselves: libraries that they load would take two."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "2")
    executor = Processes(2)
    yield executor
    executor.shutdown(cancel_futures=True)


def alive(pids):
    return [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def gone(pids, seconds=10.0):
    """Whether these processes end within some seconds."""
    until = time.monotonic() + seconds
    while alive(pids) and time.monotonic() < until:
        time.sleep(0.02)
    return not alive(pids)


def test_count_is_checked():
    with pytest.raises(ValueError, match="count must be >= 1, got 0"):
        Processes(0)


def test_a_death_concerns_no_other(two):
    long = two.submit(time.sleep, 1.5)
    time.sleep(0.5)
    with pytest.raises(WorkerDied, match="ended with status 3"):
        two.submit(os._exit, 3).result(20)
    assert long.result(20) is None


def test_killed_idle_all_at_once_and_while_they_start(two):
    assert two.submit(pow, 2, 3).result(20) == 8
    for pid in two.pids:
        os.kill(pid, signal.SIGKILL)
    assert gone(two.pids)
    assert two.submit(pow, 2, 4).result(20) == 16  # the dead are seen before they are given a call
    executor, killed = Processes(1), set()
    future = executor.submit(pow, 2, 5)
    while not future.done():
        for pid in set(executor.pids) - killed:
            killed.add(pid)
            os.kill(pid, signal.SIGKILL)
    with pytest.raises(WorkerDied, match="SIGKILL"):
        future.result()
    assert executor.submit(pow, 2, 5).result(20) == 32
    executor.shutdown()


def test_killed_while_it_sends(two, tmp_path):
    before = str(tmp_path / "before")
    with running(runner := Scheduler(two, 2)):
        assert half_sent(before) == [7] * 100_000
    assert (runner.made, runner.deaths) == (1, 1)


def test_a_job_that_ends_its_process_is_given_up(two, monkeypatch):
    monkeypatch.setattr(scheduler, "DEATHS", 3)
    with running(Scheduler(two, 2)):
        with pytest.raises(RuntimeError) as raised:
            dies(3)
        assert square(3, os.devnull) == 9
    assert re.fullmatch(
        r"tests\.paper_checks\.jobs\.executors\.deaths:dies\(3\) was given up: 3 workers died while they had it, "
        r"the last: one ended with status 3",
        str(raised.value),
    )


def test_a_process_that_cannot_start_is_said_once(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("from paper_checks.jobs.processes import Processes\nProcesses(1).submit(pow, 2, 3).result()\n")
    found = run([sys.executable, str(script)])
    assert found.returncode == 1
    assert found.stderr.splitlines()[-1].endswith('a script that uses them needs a line `if __name__ == "__main__":`')


def test_starts_that_are_always_killed_end(monkeypatch):
    monkeypatch.setattr("paper_checks.jobs.processes.STARTS", 3)
    executor, ended = Processes(1), False
    executor._keepers = []
    runner = Scheduler(executor, 1)
    runner.declare([square.of(2, os.devnull)])
    killed = set()
    with pytest.raises(ExecutorError, match="cannot be started, one was ended by SIGKILL"):
        while not ended:
            for pid in set(executor.pids) - killed:
                killed.add(pid)
                os.kill(pid, signal.SIGKILL)
            ended = runner._waited(lambda: False, 0.01)
    executor.shutdown(cancel_futures=True)


def test_one_thread_warnings_are_errors_and_nothing_is_printed(two, capfd):
    with running(Scheduler(two, 2)):
        default, libraries = threads()
        assert default == 1 and libraries and set(libraries) == {1}
        with pytest.raises(UserWarning, match="of this") as raised:
            warns()
    assert "deaths.py" in raised.value.__notes__[0]
    two.submit(os.write, 1, b"loud").result(20)
    two.submit(os.system, "echo loud >&2").result(20)
    two.submit(print, "loud", flush=True).result(20)
    assert capfd.readouterr() == ("", "")


def test_what_cannot_be_sent_is_raised(two):
    with pytest.raises((TypeError, AttributeError), match="pickle"):
        two.submit(lambda: None)
    with pytest.raises(TypeError, match="cannot pickle 'generator'"):
        two.submit(eval, "(i for i in ())").result(20)
    assert two.submit(pow, 2, 3).result(20) == 8


def test_warm_and_nothing_is_left():
    before = set(psutil.Process().children())
    executor = Processes(2)
    executor.warm("json.tool", "no_such_module")
    assert executor.submit(eval, "'json.tool' in __import__('sys').modules").result(20)
    executor.shutdown()
    left = [one for one in psutil.Process().children() if one not in before]
    assert not [one for one in left if "resource_tracker" not in str(one.cmdline())]  # Python's own, one per program
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(pow, 2, 3)


BUSY = """
    import sys, time
    from paper_checks.jobs.processes import Processes

    if __name__ == "__main__":
        executor = Processes(3)
        executor.warm()
        executor.submit(pow, 2, 3).result()
        futures = [executor.submit(time.sleep, 600), executor.submit(eval, "[None for _ in iter(int, 1)]")]
        while len(executor.pids) < 3:
            time.sleep(0.01)
        print(*executor.pids, flush=True)
        try:
            futures[0].result()
        finally:
            executor.shutdown(cancel_futures=True)
"""


def run(command, **options):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, **options)


def begun(tmp_path):
    """A program whose processes are at work, one of them idle, in a session of its own; and their ids."""
    script = tmp_path / "busy.py"
    script.write_text(textwrap.dedent(BUSY))
    program = subprocess.Popen(
        [sys.executable, str(script)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    return program, [int(pid) for pid in program.stdout.readline().split()]


def test_none_outlives_a_program_that_is_killed(tmp_path):
    program, pids = begun(tmp_path)
    assert len(alive(pids)) == 3
    program.kill()
    program.communicate()
    assert gone(pids)


def test_an_interrupt_ends_all_at_once_and_quietly(tmp_path):
    program, pids = begun(tmp_path)
    started = time.monotonic()
    os.killpg(program.pid, signal.SIGINT)  # as the terminal does: to all processes of the group
    _, errors = program.communicate(timeout=60)
    assert time.monotonic() - started < 30 and not alive(pids)
    assert errors.count("Traceback") == 1 and errors.splitlines()[-1] == "KeyboardInterrupt"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="masks of signals are read in /proc")
def test_an_interrupt_is_blocked_in_every_process_from_its_first_moment(tmp_path):
    program, pids = begun(tmp_path)
    masks = [re.search(r"^SigBlk:\s*(\w+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)[1] for pid in pids]
    program.kill()
    program.communicate()
    assert [int(mask, 16) >> (signal.SIGINT - 1) & 1 for mask in masks] == [1, 1, 1]


def test_without_a_main_module():
    code = "from paper_checks.jobs.processes import Processes\nprint(Processes(1).submit(pow, 2, 3).result())\n"
    found = run([sys.executable, "-c", code])
    assert (found.stdout, found.stderr) == ("8\n", "")
