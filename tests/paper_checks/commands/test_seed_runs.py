"""Runs at many base seeds: what is run and what is kept, what is red, an interrupt, arguments that cannot be used."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from simulate.runtime.threads import processors
from tests.oracles.claim_project import CHECK, ENTRY, GROUPS, OWN, ROOT
from tests.oracles.picture_commands import command

seeds_command = command("seeds")
TWO = ENTRY + ENTRY.replace("T1.1", "T2.1").replace('group = "T1"', 'group = "T2"')
OTHER = CHECK.replace("T1.1", "T2.1").replace("test_it", "test_other")
# Red at base seeds beyond 100; counts its runs in a file, and lasts as long as a file says.
BODY = """import pathlib, time
    seed = claim.base_seed
    with open("ran", "a") as ran:
        print(seed, file=ran)
    while pathlib.Path("hold").exists():
        time.sleep(0.01)
    claim.less("the seed", seed, 100)
"""
CHECKS = CHECK + BODY + OTHER + 'claim.less("x", 1, 2)\n'


def start(project, *arguments):
    environment = os.environ | {"PYTHONPATH": f"{project.folder}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "paper_checks", "seeds", "--out", "kept", *arguments]
    return subprocess.Popen(
        command, cwd=project.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def seeds(project, *arguments):
    process = start(project, *arguments)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def ran(project):
    path = project.folder / "ran"
    return sorted(map(int, path.read_text().split())) if path.exists() else []


def summary(project):
    return json.loads((project.folder / "kept" / "summary.json").read_text())


@pytest.fixture
def two(project):
    """A project with the claims T1.1 and T2.1, nothing run yet."""
    folder = project.folder / "paper_checks"
    (folder / "claims" / "test_x.py").write_text("import pytest\n" + CHECKS)
    (folder / "claims.toml").write_text(TWO + GROUPS + OWN)
    return project


def test_each_seed_is_run_once_and_its_red_statements_are_named(two):
    status, out, err = seeds(two, "--claims", "T1", "--seeds", "7,101,11", "--jobs", "2")
    assert status == 1, out + err
    assert ran(two) == [7, 11, 101]
    found = summary(two)
    assert [run["seed"] for run in found["runs"]] == [7, 101, 11] and found["red"] == [101]
    assert [run["verdicts"] for run in found["runs"]] == [{"T1.1": one} for one in ("verified", "failed", "verified")]
    assert found["runs"][1]["red"] == ["T1.1: the seed: 1 inequalities; tightest 101 < 100"]
    assert found["runs"][1]["status"] == 1 and found["runs"][0]["status"] == 0
    assert all(run["cpu_seconds"] > 0.5 for run in found["runs"])  # torch is imported
    assert found["cpu_seconds"] == pytest.approx(sum(run["cpu_seconds"] for run in found["runs"]))
    assert "3 base seeds, 1 red" in out and max(map(len, out.splitlines())) <= 100
    assert "T1.1: the seed" in out and "1 failed" in (two.folder / "kept" / "101.log").read_text()
    command = json.loads((two.folder / "kept" / "7.json").read_text())["command"]
    one = max(processors() // 2, 1)
    assert command == f"pytest paper_checks -m claims --claims T1 --seed 7 --jobs {one} --evidence kept/7.json"

    # Again, with one more: what is there is kept, CPU seconds included; the order is that of the command.
    status, out, err = seeds(two, "--claims", "T1", "--seeds", "3,101,7,11")
    assert status == 1 and ran(two) == [3, 7, 11, 101], out + err
    assert "101: kept, the record is there: T1.1: the seed" in out and "3: 1 claims, none red" in out
    assert {run["seed"]: run for run in summary(two)["runs"]}.items() >= {
        run["seed"]: run for run in found["runs"]
    }.items()


def test_what_cannot_stand_for_a_run_is_run_again_and_why_is_said(two):
    """Another seed, a damaged file, other claims, other code; without the summary the seconds are not known."""
    kept = two.folder / "kept"
    assert seeds(two, "--claims", "T1", "--seeds", "1,2,3")[0] == 0
    (kept / "2.json").write_bytes((kept / "1.json").read_bytes())
    (kept / "3.json").write_text((kept / "3.json").read_text().replace('"verified"', '"refuted"'))
    (kept / "summary.json").unlink()
    status, out, err = seeds(two, "--claims", "T1", "--seeds", "1,2,3")
    assert status == 0 and ran(two) == [1, 2, 2, 3, 3], out + err
    assert "2: run again: the record is of --seed 1" in out and "3: run again: " in out
    assert [run["cpu_seconds"] is None for run in summary(two)["runs"]] == [True, False, False]
    status, out, err = seeds(two, "--claims", "T1,T2", "--seeds", "1")
    assert status == 0 and "1: run again: the record lacks T2.1" in out and len(ran(two)) == 6, out + err

    # Checks that cannot be read: the record is of other code, and there will be none.
    (two.folder / "paper_checks" / "claims" / "test_x.py").write_text("import pytest\nraise SystemExit(5)\n")
    status, out, err = seeds(two, "--claims", "T1", "--seeds", "1")
    assert status == 1 and "1: run again" in out and "is of other code" in out, out + err
    assert "there is no record: see 1.log" in " ".join(summary(two)["runs"][0]["red"])


def test_a_stopped_command_ends_its_runs_which_leave_no_record(two):
    (two.folder / "hold").touch()
    process = start(two, "--claims", "T1", "--seeds", "1,2,3", "--jobs", "2")
    deadline = time.monotonic() + 100
    while len(ran(two)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)  # as Ctrl-C, which a shell may keep from what it runs in the background
    out, err = process.communicate(timeout=100)
    assert process.returncode == 130 and "stopped" in err and "Traceback" not in err, out + err
    (two.folder / "hold").unlink()
    time.sleep(0.5)  # a run that were still there would write its record now
    assert not list((two.folder / "kept").glob("[0-9]*.json")) and ran(two) == [1, 2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--claims": "T9"}, "--claims must be groups"),
        ({"--seeds": "1,x"}, "'--seeds': integers with commas between them are needed, got '1,x'"),
        ({"--seeds": "1,1"}, "--seeds must have each seed once"),
        ({"--seeds": "-1"}, "--seeds: must be >= 0, got -1"),
        ({"--seeds": "20261128"}, "--seeds: must not be 20261128: thresholds were set on its trainings"),
        ({"--jobs": "0"}, "'--jobs': 0 is not in the range x>=1"),
    ],
)
def test_arguments_that_cannot_be_used(changes, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    given = {"--claims": "T1", "--seeds": "1", "--out": str(tmp_path / "out")} | changes
    assert seeds_command([f"{name}={value}" for name, value in given.items()]) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_it_is_started_from_the_root(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert seeds_command(["--claims", "T1", "--seeds", "1", "--out", "out"]) == 2
    assert "must be started from the project's root" in capsys.readouterr().err
