"""A run of one claim in this process, whose check asks for a result that is kept, with --evidence and a report."""

import atexit
import io
import json
import os
import shutil
from concurrent.futures import Executor, Future
from contextlib import redirect_stderr, redirect_stdout, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp

import pytest

from paper_checks.jobs.store import FOLDER

LEDGER = """
[groups]
S = "squares"

["S1"]
group = "S"
source = "s"
statement = "a"
formal = "f"
scope = "c"
"""
CHECK = """
import os

import pytest

from tests.paper_checks.jobs.sums import square


@pytest.mark.claims("S1")
@pytest.mark.jobs.with_args(lambda: [square.of(7, os.devnull)])
def test_it(claim):
    claim.equal("square", 49, square(7, os.devnull))
"""
IMPORTS = (
    "paper_checks.session.plugin", "paper_checks.report.written", "tests.paper_checks.jobs.sums", "jinja2",
    "hypothesis.strategies", "anyio.pytest_plugin",
)  # fmt: skip
"""What a run imports; plugins of pytest that happen to be installed would be rewritten in every child."""


class FailedError(Exception):
    """A command that ended with another status than 0 and 1: its status and what it said."""


class Here(Executor):
    """Jobs are done where they are asked for: a process of their own would take longer than all else."""

    def pytest_claims_executor(self):
        return self

    def submit(self, function, /, *arguments, **options):
        done = Future()
        done.set_result(function(*arguments, **options))
        return done


@cache
def project():
    """A folder with a ledger and a check, which goes with this process."""
    folder = Path(mkdtemp(prefix="faults-"))
    atexit.register(shutil.rmtree, folder)
    for name, text in (("claims.toml", LEDGER), ("pytest.ini", "[pytest]\n"), ("test_it.py", CHECK)):
        (folder / name).write_text(text)
    return folder


def imported():
    """All that a child needs."""
    project()
    for name in IMPORTS:
        with suppress(ModuleNotFoundError):
            import_module(name)


def found_by(run):
    """What a run found, as its record has it."""
    return [[one["id"], one["verdict"], one["evidence"]] for one in run["claims"]]


def claims(folder):
    """The run; what it found."""
    os.environ[FOLDER] = str(folder / "kept")
    said = io.StringIO()
    options = ("-m", "claims", "--rootdir", str(project()), "-q", "-p", "no:cacheprovider", "-W", "ignore")
    places = ("--evidence", str(folder / "claims.json"), "--report", str(folder / "report"))
    with redirect_stdout(said), redirect_stderr(said):
        status = pytest.main([str(project()), *options, *places], plugins=[Here()])
    if status != 0:
        raise FailedError(int(status), said.getvalue())
    return found_by(json.loads((folder / "claims.json").read_bytes()))
