"""Results of earlier runs, by the hash of their content: in the user's cache, or where the environment says."""

import os
from pathlib import Path

from platformdirs import user_cache_path

from .folder import DEFAULT_LIMIT, Store, Summary
from .result_file import Kept
from .sizes import shown, size

__all__ = ["Kept", "Store", "Summary", "default_store", "shown"]

DISTRIBUTION = "distributional-associations-verified"
FOLDER, LIMIT = "PAPER_CHECKS_CACHE", "PAPER_CHECKS_CACHE_SIZE"
"""Environment variables: the folder of the store, and its limit, such as 500M."""


def default_store() -> Store:
    """The store in the user's cache, or as the environment says.

    Raises:
        ValueError: the environment has a size that is none.
    """
    folder = os.environ.get(FOLDER)
    kept = Path(folder).expanduser() if folder else user_cache_path(DISTRIBUTION, appauthor=False) / "results"
    return Store(kept.absolute(), _limit())


def _limit() -> int:
    text = os.environ.get(LIMIT)
    try:
        return size(text) if text else DEFAULT_LIMIT
    except ValueError as error:
        raise ValueError(f"{LIMIT}: {error}") from error
