"""The dask scheduler is killed in the midst of a run of claims: one line, the earlier record stays, and the next run,
on this machine, goes on from the results that were there. Workers are killed: the run ends as without. More of them,
and under the jobs of the claims themselves: tests/paper_checks/jobs/executors.
"""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.oracles.claim_project import CHECK, ENTRY
from tests.paper_checks.jobs.sums import noted
from tests.places import ROOT

pytest.importorskip("distributed", reason="needs the extra cluster", exc_type=ModuleNotFoundError)

from tests.paper_checks.jobs.executors.dask_cluster import dask_cluster, until

COUNT, SECONDS = 8, 1.0
SQUARES = """
from tests.paper_checks.jobs.sums import square

@pytest.mark.claims("T1.1")
@pytest.mark.jobs.with_args(lambda: [square.of(number, {log!r}, {seconds}) for number in range({count})])
def test_squares(claim):
    found = [square(number, {log!r}, {seconds}) for number in range({count})]
    claim.equal("squares", [number**2 for number in range({count})], found)
"""


def started(project, *options):
    """A run of the project's claims that goes on while the test does."""
    known = os.environ | {"PYTHONPATH": f"{project.folder}{os.pathsep}{ROOT}"}
    words = [sys.executable, "-m", "pytest", "paper_checks", "-m", "claims", "-p", "no:cacheprovider", *options]
    return subprocess.Popen(
        words, cwd=project.folder, env=known, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def with_squares(project, log):
    """The check whose jobs take so long that something can happen to them."""
    checks = "import pytest\n" + SQUARES.format(log=log, seconds=SECONDS, count=COUNT)
    (project.folder / "paper_checks" / "claims" / "test_x.py").write_text(checks)


def assert_all_squares(project):
    """The record is of a run that had all results, the right ones."""
    (claim,) = json.loads(project.record.read_bytes())["claims"]
    assert claim["verdict"] == "verified" and claim["evidence"][0]["numbers"] == COUNT


def test_a_scheduler_that_dies_is_one_line_and_the_next_run_goes_on(project, tmp_path, full, counted):
    if not full:
        pytest.skip("with --trust-full")
    log = str(tmp_path / "log")
    assert project(CHECK + "claim.less('x', 1, 2)\n", ENTRY).returncode == 0
    before = project.record.read_bytes()
    with_squares(project, log)
    with dask_cluster(1, PYTHONPATH=f"{project.folder}{os.pathsep}{ROOT}") as dask:
        run = started(project, "--cluster", dask.address)
        assert until(lambda: len(noted(log, "end")) >= 3 or run.poll() is not None, 120)
        assert run.poll() is None, run.communicate()[0]
        dask.scheduler.kill()
        said = run.communicate(timeout=120)[0]
    (line,) = [line for line in said.splitlines() if f"the scheduler at {dask.address} has ended" in line]
    assert run.returncode == 2 and "Traceback" not in said and line, said
    assert project.record.read_bytes() == before
    kept = set(noted(log, "end")[:2])  # the third may have been under way to us
    after = project.again("--jobs", "1")
    assert after.returncode == 0, after.stdout + after.stderr
    assert_all_squares(project)
    begun = noted(log, "begin")
    assert set(begun) == {str(number) for number in range(COUNT)} and all(begun.count(one) == 1 for one in kept)
    counted["schedulers killed"] += 1


def test_workers_that_are_killed_change_no_number(project, tmp_path, full, counted):
    """Both at once, twice; dask's nannies start others, which do what was under way."""
    if not full:
        pytest.skip("with --trust-full")
    log, killed = str(tmp_path / "log"), set()
    assert project(CHECK + "claim.less('x', 1, 2)\n", ENTRY).returncode == 0
    with_squares(project, log)
    with dask_cluster(2, PYTHONPATH=f"{project.folder}{os.pathsep}{ROOT}") as dask:
        run = started(project, "--cluster", dask.address)
        for ended in (1, 3):
            count = len(killed)
            assert until(
                lambda ended=ended: (
                    (len(noted(log, "end")) >= ended and len(set(dask.pids()) - killed) == 2) or run.poll() is not None
                ),
                120,
            )
            assert run.poll() is None, run.communicate()[0]
            for worker in dask.pids():
                os.kill(worker, signal.SIGKILL)
                killed.add(worker)
            assert len(killed) == count + 2
        said = run.communicate(timeout=240)[0]
    assert run.returncode == 0 and "Traceback" not in said, said
    assert_all_squares(project)
    assert set(noted(log, "end")) == {str(number) for number in range(COUNT)}
    counted["workers killed"] += len(killed)
