"""A run's jobs: declared, done once, said on the way; checks in the order in which their jobs end."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

import psutil
import pytest

from paper_checks.jobs.shown import duration
from tests.oracles.claim_project import ENTRY

JOBS = """
import time
from paper_checks.jobs import job

@job("slow sums", cost=lambda number, seconds: seconds)
def slow(number: int, seconds: float) -> int:
    with open("began", "a") as stream:
        stream.write(f"{number}\\n")
    time.sleep(seconds)
    return number + 1

@job("failures")
def failure(number: int) -> int:
    raise ZeroDivisionError(f"of {number}")
"""
CHECKS = """
from paper_checks.jobs import current
from paper_checks.claims.work import failure, slow

@pytest.mark.claims("T1.1")
@pytest.mark.jobs(lambda number, base_seed: [slow.of(number, 0.4)])
@pytest.mark.parametrize("number", [5, 6])
def test_slow(claim, number):
    claim.equal("sum", number + 1, slow(number, 0.4))

@pytest.mark.claims("T1.2")
def test_cheap(claim):
    claim.less("x", 1, 2)

@pytest.mark.claims("T1.3")
@pytest.mark.jobs(lambda claim: [slow.of(5, 0.4)])
def test_shared(claim):
    claim.equal("sum", 6, slow(5, 0.4))
"""
LEDGER = ENTRY + ENTRY.replace("T1.1", "T1.2") + ENTRY.replace("T1.1", "T1.3")


@pytest.fixture
def jobs(project):
    """`project` with a module of jobs."""
    (project.folder / "paper_checks" / "claims" / "work.py").write_text(JOBS)
    return project


def began(project):
    return sorted(map(int, (project.folder / "began").read_text().split()))


def test_cheap_checks_come_first_and_a_shared_job_is_done_once(jobs):
    found = jobs(CHECKS, LEDGER, "--jobs", "2")
    assert found.returncode == 0, found.stdout + found.stderr
    assert "jobs for 2 workers: 2 slow sums\n" in found.stdout
    said = re.findall(r"^\S (T1\.\d) +verified +after +\d+ s  \S", found.stdout, re.MULTILINE)
    assert sorted(said) == ["T1.1", "T1.2", "T1.3"] and said[0] == "T1.2"
    assert began(jobs) == [5, 6]


def test_what_an_earlier_run_made_is_reused_and_said(jobs):
    first = jobs(CHECKS, LEDGER, "--jobs", "1")
    assert "↺" not in first.stdout
    again = jobs(CHECKS.replace("claim.less", '"""Other words."""; claim.less'), LEDGER, "--jobs", "2")
    assert "2 slow sums; 2 of them kept from earlier runs" in again.stdout
    assert re.search(r"^T1.1 +✓ verified .*\n +↺ ", again.stdout, re.MULTILINE), again.stdout
    assert "↺: rests on results that an earlier run of the same code kept, 2 of 2 in all" in again.stdout
    assert began(jobs) == [5, 6]
    records = [claim["jobs"] for claim in json.loads(jobs.record.read_text())["claims"]]
    assert [len(one) for one in records] == [2, 0, 1] and all(job["reused"] for one in records for job in one)
    fresh = jobs.again("--fresh")
    assert "↺" not in fresh.stdout and began(jobs) == [5, 5, 6, 6]
    work = jobs.folder / "paper_checks" / "claims" / "work.py"
    work.write_text(JOBS.replace("number + 1", "1 + number"))
    assert "↺" not in jobs.again().stdout and began(jobs) == [5, 5, 5, 6, 6, 6]


def test_a_damaged_result_is_made_anew_and_said(jobs, cache):
    jobs(CHECKS, LEDGER)
    damaged, other = cache.iterdir()
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    other.write_bytes(other.read_bytes()[:-3])
    again = jobs.again()
    assert again.returncode == 0 and "cache: 2 damaged results made anew (slow sums, " in again.stdout, again.stdout
    assert began(jobs) == [5, 5, 6, 6] and "↺" not in again.stdout
    assert jobs.again().stdout.count("↺ ") == 2


def test_what_a_job_raises_fails_its_check_alone(jobs):
    broken = CHECKS.replace("slow(5, 0.4))", "failure(5))").replace("[slow.of(5, 0.4)]", "[failure.of(5)]")
    found = jobs(broken, LEDGER, "--jobs", "1")
    assert found.returncode == 1 and "ZeroDivisionError: of 5" in found.stdout
    assert "! T1.3       failed" in found.stdout and "✓ T1.1       verified" in found.stdout


THREADS = """
@pytest.mark.claims("T1.1")
def test_threads(claim):
    import numpy, scipy.linalg, threadpoolctl
    found = [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    claim.equal("threads of products", 1, max(found))
"""


def test_products_in_checks_have_one_thread_whatever_the_environment_says(project, monkeypatch):
    """On two, the last bits of sums may differ."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "2")
    found = project(THREADS)
    assert found.returncode == 0, found.stdout


FIXTURE = """
@pytest.fixture(scope="module")
def shared():
    with open("shared", "a") as stream:
        stream.write("x")
    return slow(5, 0.4)

@pytest.mark.claims("T1.3")
@pytest.mark.parametrize("number", [1, 2])
def test_with_a_fixture(claim, shared, number):
    claim.equal("sum", 6, shared)

@pytest.mark.claims("T1.3")
@pytest.mark.jobs(lambda claim: [slow.of(1, 0.0), slow.of(object(), 0.0)])
def test_with_jobs_that_are_none(claim):
    claim.equal("sum", 6, slow(5, 0.4))
"""


def test_jobs_that_cannot_be_told_fail_their_check_alone_and_fixtures_are_shared(jobs):
    found = jobs(CHECKS[: CHECKS.index('@pytest.mark.claims("T1.3')] + FIXTURE, LEDGER, "--jobs", "1")
    assert found.returncode == 1 and "TypeError: arguments of " in found.stdout and "✓ T1.1 " in found.stdout
    assert "! T1.3       failed" in found.stdout and (jobs.folder / "shared").read_text() == "x"
    assert [len(claim["jobs"]) for claim in json.loads(jobs.record.read_text())["claims"]] == [2, 0, 1]


def test_a_run_needs_no_terminal_and_one_that_stops_keeps_what_its_claims_rest_on(jobs):
    found = jobs(CHECKS.replace("number + 1, slow", "0, slow"), LEDGER, "--jobs", "1", "-x", "-p", "no:terminal")
    assert found.returncode == 1 and not found.stdout + found.stderr
    records = json.loads(jobs.record.read_text())["claims"]
    assert [claim["verdict"] for claim in records].count("failed") == 1
    assert all(claim["jobs"] for claim in records if claim["verdict"] == "failed")


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ("lambda colour: []", "its jobs need 'colour', which must be one of claim, base_seed, number, or an option"),
        ("3", "write @pytest.mark.jobs.with_args(function), whose function returns jobs"),
    ],
)
def test_a_marker_that_cannot_be_used_is_a_line(jobs, marker, words):
    found = jobs(CHECKS.replace("lambda number, base_seed: [slow.of(number, 0.4)]", marker), LEDGER)
    assert found.returncode == pytest.ExitCode.USAGE_ERROR and words in found.stderr, found.stdout + found.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--jobs", "0"], "--jobs must be >= 1, got 0"),
        (["--jobs", "2", "--cluster", "tcp://h:1"], "leave it out with --cluster"),
    ],
)
def test_options_of_jobs_are_checked_before_any_work(jobs, options, words):
    found = jobs(CHECKS, LEDGER, *options)
    assert found.returncode == pytest.ExitCode.USAGE_ERROR and words in found.stderr
    assert not (jobs.folder / "began").exists()


def test_where_there_is_no_terminal_a_plain_line_comes_now_and_then(jobs):
    live = jobs.folder / "paper_checks" / "session" / "live.py"
    text = live.read_text(encoding="utf-8")
    live.write_text(text.replace("SECONDS = 30.0", "SECONDS = 0.3"), encoding="utf-8")
    found = jobs(CHECKS.replace("0.4", "1.5"), LEDGER, "--jobs", "1")
    assert re.search(r"^slow sums \d/2; about \d s left$", found.stdout, re.MULTILINE), found.stdout


def test_on_a_terminal_each_kind_has_a_line_that_moves(jobs):
    jobs(CHECKS.replace("0.4", "1.0"), LEDGER, "--collect-only")
    main, end = pty.openpty()
    process = begun(jobs, "--jobs", "1", stdout=end, stderr=end)
    os.close(end)
    shown = read_all(main)
    assert process.wait() == 0, shown
    assert "slow sums" in shown and re.search(r"0 of 2 done +2 s of work left", shown), shown
    assert re.search(r"all jobs +about \d s left", shown)


def test_an_interrupt_ends_the_workers_and_a_run_without_them(jobs):
    jobs(CHECKS.replace("0.4", "30.0"), LEDGER, "--collect-only")
    process = begun(jobs, "--jobs", "2", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    until(lambda: (jobs.folder / "began").exists())
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[0].decode()
    assert process.returncode == pytest.ExitCode.INTERRUPTED and "the same command goes on from them" in said
    until(lambda: not any(worker.is_running() for worker in workers))


def test_a_plugin_may_have_the_executor(jobs):
    conftest = jobs.folder / "conftest.py"
    own = "\nfrom concurrent.futures import ThreadPoolExecutor\n\ndef pytest_claims_executor(config):\n"
    own += "    return ThreadPoolExecutor(1, 'ours')\n"
    conftest.write_text(conftest.read_text() + own)
    text = JOBS.replace(
        "time.sleep(seconds)",
        "import pathlib, threading; pathlib.Path('thread').write_text(threading.current_thread().name)",
    )
    (jobs.folder / "paper_checks" / "claims" / "work.py").write_text(text)
    assert jobs(CHECKS, LEDGER).returncode == 0
    assert (jobs.folder / "thread").read_text().startswith("ours")


def test_durations_are_in_words():
    assert [duration(seconds) for seconds in (3.4, 99, 130, 7200)] == ["3 s", "99 s", "2 min", "2.0 h"]


def begun(project, *options, **streams):
    """The checks that the project has, run in the background."""
    path = os.pathsep.join([str(project.folder), *sys.path])
    command = [sys.executable, "-m", "pytest", "paper_checks", "-m", "claims", "-p", "no:cacheprovider", *options]
    environment = os.environ | {"PYTHONPATH": path, "TERM": "xterm"}
    return subprocess.Popen(command, cwd=project.folder, env=environment, stdin=subprocess.DEVNULL, **streams)


def read_all(descriptor):
    """What comes from a terminal until its other end is closed."""
    parts = []
    while select.select([descriptor], [], [], 60)[0]:
        try:
            part = os.read(descriptor, 65536)
        except OSError:
            break
        if not part:
            break
        parts.append(part)
    os.close(descriptor)
    return b"".join(parts).decode(errors="replace")


def until(condition, seconds=60):
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
