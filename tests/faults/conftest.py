"""A warm process for all tests of faults in one worker, and what they counted."""

import json
import os
import shlex
import subprocess
import sys
from collections import Counter

import pytest

from tests.places import ROOT

COUNTED = pytest.StashKey[Counter]()
WHAT = (
    "Work killed, and the disk full, at every file operation of it; folders that are closed, second writers, and "
    "killed schedulers and workers of dask: what all of that did to files and to numbers."
)


class Server:
    """The other end of `tests.faults.server`."""

    def __init__(self, names):
        known = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.server", ",".join(names)],
            cwd=ROOT, env=known, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout.readline() == "ready\n"

    def all_of(self, *pieces):
        """What came of these pieces of work, done at the same time."""
        self.process.stdin.write(json.dumps([piece | {"folder": str(piece["folder"])} for piece in pieces]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def run(self, name, folder, **more):
        """What came of one piece of work."""
        (found,) = self.all_of({"name": name, "folder": folder} | more)
        return found

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


@pytest.fixture(scope="session")
def full(request):
    """Whether all is tried, not the sample of an ordinary run."""
    return request.config.getoption("--trust-full", False)


@pytest.fixture(scope="session")
def server(full):
    """The quick work alone, or all of it."""
    pytest.importorskip("jinja2", reason="needs the extra report", exc_type=ModuleNotFoundError)
    quick = ["training", "store", "record", "pilots", "report", "badges"]
    found = Server([*quick, "report_command", "picture", "claims", "sweep", "model"] if full else quick)
    yield found
    found.close()


@pytest.fixture(scope="session")
def counted(request):
    """Numbers for the record."""
    return request.config.stash.setdefault(COUNTED, Counter())


def pytest_sessionfinish(session):
    config = session.config
    if not config.getoption("--record-trust", False) or COUNTED not in config.stash or session.testsfailed:
        return
    from paper_checks.evidence.trust import write_trust

    command = shlex.join(["pytest", *config.invocation_params.args])
    write_trust("faults", WHAT, command, dict(sorted(config.stash[COUNTED].items())))
