"""Numbers of bytes, as people read and write them."""

import re

UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def shown(size: float) -> str:
    """A number of bytes for people."""
    units = [unit for unit in UNITS if size >= UNITS[unit]] or [""]
    return f"{size / UNITS[units[-1]]:.3g} {units[-1] and units[-1] + 'i'}B"


def size(text: str) -> int:
    """The number of bytes that a text such as 500M says.

    Raises:
        ValueError: it says none, or 0.
    """
    found = re.fullmatch(r"(\d+)([KMGT]?)B?", text.strip(), re.IGNORECASE)
    if found is None or not int(found[1]):
        raise ValueError(f"a number of bytes such as 500M or 2G is needed, got {text!r}")
    return int(found[1]) * UNITS[found[2].upper()]
