"""What a plugin or conftest.py of a project can say about its checks."""

from collections.abc import Mapping
from concurrent.futures import Executor

import pytest


def pytest_claims_options() -> Mapping[str, object]:  # type: ignore[empty-body]
    """Options such as "--scale", with their defaults, on which the numbers of checks depend besides the seed: a record
    keeps those that were given, and the line that runs a check alone has them."""


@pytest.hookspec(firstresult=True)
def pytest_claims_executor(config: pytest.Config) -> Executor | None:
    """An executor that does the jobs of a run in place of processes of this machine, --jobs of them at a time; its
    workers must be able to import the project. The run shuts it down."""
