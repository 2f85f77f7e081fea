"""Fixtures of several files of tests."""

import os

import pytest

from tests.oracles.claim_project import new_project


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
