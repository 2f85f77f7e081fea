"""Fixtures of several files of tests; which files are collected for benchmarks."""

import itertools
from pathlib import Path

import pytest

from paper_checks.jobs.store import FOLDER
from tests.oracles.claim_project import new_project
from tests.teeth import options

TESTS = Path(__file__).parent
NUMBERS = itertools.count()


def pytest_addoption(parser):
    group = parser.getgroup("trust")
    group.addoption("--trust-full", action="store_true", help="all generated cases, not the sample of an ordinary run")
    group.addoption(
        "--record-trust",
        action="store_true",
        help="write what the tests of trust counted into paper_checks/recorded/trust (with --trust-full)",
    )
    options.add_options(parser)


def pytest_configure(config):
    if config.getoption("--record-trust", False) and not config.getoption("--trust-full"):
        raise pytest.UsageError("--record-trust records all cases: give it with --trust-full")
    options.add_marker(config)


def pytest_ignore_collect(collection_path, config):
    """With --benchmark-only tests/benchmarks alone is collected, and what is named."""
    is_another = collection_path.parent == TESTS and collection_path.name != "benchmarks"
    return True if is_another and config.getoption("--benchmark-only") else None


def pytest_collection_modifyitems(config, items):
    options.leave_out(config, items)


@pytest.fixture
def project(tmp_path):
    """A project of the test's own, see `claim_project.new_project`."""
    return new_project(tmp_path)


@pytest.fixture(scope="session", autouse=True)
def caches(tmp_path_factory):
    """Where results of jobs are kept, in place of the user's cache; a folder that is made when it is needed."""
    place = tmp_path_factory.getbasetemp() / "caches"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER, str(place / "shared"))
        yield place


@pytest.fixture(autouse=True)
def cache(caches, monkeypatch):
    """A folder of the test's own, so that it reuses no result of another one."""
    place = caches / str(next(NUMBERS))
    monkeypatch.setenv(FOLDER, str(place))
    return place
