"""transformers' own progress bars: kept for models that take long to read or write, left out for small ones."""

from collections.abc import Iterator
from contextlib import contextmanager

from transformers.utils import logging

LONG_JOB_BYTES = 2**30


@contextmanager
def progress_if_long(size: int) -> Iterator[None]:
    """Within the block transformers shows bars only for weights of at least a gibibyte, `size` in bytes."""
    if size >= LONG_JOB_BYTES:
        yield
        return
    with without_progress():
        yield


@contextmanager
def without_progress() -> Iterator[None]:
    """Within the block transformers shows no bars."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
