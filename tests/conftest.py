"""Fixtures of several files of tests; which files are collected for benchmarks."""

import os
from pathlib import Path

import pytest

from tests.oracles.claim_project import new_project

TESTS = Path(__file__).parent


def pytest_ignore_collect(collection_path, config):
    """With --benchmark-only tests/benchmarks alone is collected, and what is named."""
    is_another = collection_path.parent == TESTS and collection_path.name != "benchmarks"
    return True if is_another and config.getoption("--benchmark-only") else None


@pytest.fixture
def project(tmp_path):
    """A project of the test's own, see `claim_project.new_project`."""
    return new_project(tmp_path)


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory):
    """Results of jobs are kept in a folder of the tests' own, not in the user's."""
    before = os.environ.get("PAPER_CHECKS_CACHE")
    os.environ["PAPER_CHECKS_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["PAPER_CHECKS_CACHE"]
    else:
        os.environ["PAPER_CHECKS_CACHE"] = before
