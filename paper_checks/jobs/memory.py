"""Freed memory that a process keeps."""

import ctypes
from functools import cache

# glibc's numbers of malloc's settings. Page faults cost a training a fifth of its time where freed memory goes back to
# the system after every update, and in a fresh process moments of counts of 65 tokens half of theirs.
MALLOC = {"M_MMAP_THRESHOLD": (-3, 2**30), "M_TRIM_THRESHOLD": (-1, 2**31 - 1), "M_TOP_PAD": (-2, 2**26)}


@cache
def keep_memory() -> None:
    """Let this process keep freed memory, where malloc can be told so."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # the last on Windows
        return
    for number, value in MALLOC.values():
        mallopt(number, value)
