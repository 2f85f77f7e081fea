"""Fixtures of several files of tests."""

import pytest

from tests.oracles.claim_project import new_project


@pytest.fixture
def project(tmp_path):
    """A project of the test's own, see `claim_project.new_project`."""
    return new_project(tmp_path)
