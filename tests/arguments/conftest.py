"""The process that runs cases, and the record of what they counted."""

import shlex

import pytest

from paper_checks.evidence.trust import write_trust

from .children import Children
from .counted import COUNTED, WHAT

FULL, SHARE = 1.0, 0.06
"""Of the cases, with --trust-full and without."""


@pytest.fixture(scope="package")
def children(tmp_path_factory):
    """The server of cases, in a folder of its own."""
    server = Children(tmp_path_factory.mktemp("cases"))
    yield server
    server.close()


@pytest.fixture
def share(request):
    """Which part of the cases is tried."""
    return FULL if request.config.getoption("--trust-full") else SHARE


def pytest_sessionfinish(session, exitstatus):
    """The record, of a run in which nothing failed, with what was typed: it may be a part of the tests."""
    if session.config.getoption("--record-trust", False) and exitstatus == 0 and COUNTED:
        write_trust("arguments", WHAT, shlex.join(["pytest", *session.config.invocation_params.args]), COUNTED)
