"""What a plugin or conftest.py of a project can say about its checks."""

from collections.abc import Mapping


def pytest_claims_options() -> Mapping[str, object]:  # type: ignore[empty-body]
    """Options such as "--scale", with their defaults, on which the numbers of checks depend besides the seed: a record
    keeps those that were given, and the line that runs a check alone has them."""
