"""Fixtures of several files of tests."""

import itertools

import pytest

from paper_checks.jobs.store import FOLDER
from tests.oracles.claim_project import new_project

NUMBERS = itertools.count()


@pytest.fixture(scope="session", autouse=True)
def caches(tmp_path_factory):
    """Where results of this session go, in place of the user's cache; a folder that is made when it is needed."""
    place = tmp_path_factory.getbasetemp() / "caches"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER, str(place / "shared"))
        yield place


@pytest.fixture(autouse=True)
def cache(caches, monkeypatch):
    """A store of the test's own, so that it reuses no result of another one."""
    place = caches / str(next(NUMBERS))
    monkeypatch.setenv(FOLDER, str(place))
    return place


@pytest.fixture
def project(tmp_path):
    """A project of the test's own, see `claim_project.new_project`."""
    return new_project(tmp_path)
