"""Fixtures of P: the experiments, which need the packages of the extra `language`."""

from importlib import import_module
from typing import Any

import pytest

EXTRA = ("huggingface_hub", "tokenizers", "transformers")
"""What the extra `language` installs."""


def of_extra_language(name: str) -> Any:
    """A module of the experiments; where a package of EXTRA is missing the check is not run.

    Raises:
        ModuleNotFoundError: something else is missing, which no installation of the extra would mend.
    """
    try:
        return import_module(f"paper_checks.experiments.{name}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in EXTRA:
            raise
        pytest.skip("needs the extra language: pip install -e '.[language]'")


@pytest.fixture(scope="session")
def language() -> Any:
    """The module `experiments.language`."""
    return of_extra_language("language")


@pytest.fixture(scope="session")
def pocket() -> Any:
    """The module `experiments.pocket`."""
    return of_extra_language("pocket")
