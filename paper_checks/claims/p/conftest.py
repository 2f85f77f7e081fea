"""Fixtures of P: the experiments, which need the packages of the extra `language`."""

from importlib import import_module
from typing import Any

import pytest

from paper_checks.experiments.named import has_language


def of_extra_language(name: str) -> Any:
    """A module of the experiments; where a package of the extra is missing the check is not run."""
    if not has_language():
        pytest.skip("needs the extra language: pip install -e '.[language]'")
    return import_module(f"paper_checks.experiments.{name}")


@pytest.fixture(scope="session")
def language() -> Any:
    """The module `experiments.language`."""
    return of_extra_language("language")


@pytest.fixture(scope="session")
def pocket() -> Any:
    """The module `experiments.pocket`."""
    return of_extra_language("pocket")
