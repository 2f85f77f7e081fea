"""The data that are shipped, held against their digests when they are first used in a process.

`data/SHA256SUMS` has the sha256 of each file (`sha256sum -c SHA256SUMS` in `simulate/data` checks them all), PINNED the
one of that file. `python -m simulate.runtime.shipped` writes it anew and prints the digest to pin.
"""

import hashlib
from functools import cache
from pathlib import Path

from .files import SUMS, file_digest, read_sums, sums_of, write_whole

DATA = Path(__file__).parents[1] / "data"
PINNED = "37535b0e6de3efa60a6778ed52be2eb7df016af48bb2bda6336bf483b3572bf4"
"""sha256 of SHA256SUMS."""
PATTERNS = ("*.csv", "*.jsonl", "pocket/training.json", "pocket/seed-*/step-*/*")


def shipped_file(name: str, data: Path = DATA) -> Path:
    """The path of a file of `data`, such as "gsm8k_own.jsonl", that is as it was shipped.

    Raises:
        ValueError: it is not, or the file of the digests is not.   FileNotFoundError: there is none.
    """
    _check(name, data)
    return data / name


def require_shipped(folder: str, data: Path = DATA) -> None:
    """Check that a folder of `data`, with those in it, has the files that it was shipped with and no others (but
    README.md and hidden ones).

    Raises:
        ValueError: a file is not as it was shipped, or is not of it.   FileNotFoundError: one is missing.
    """
    wanted = [name for name in _sums(data) if name.startswith(f"{folder}/")]
    for name in wanted:
        _check(name, data)
    there = {one.relative_to(data).as_posix() for one in (data / folder).rglob("*") if one.is_file()}
    more = [name for name in sorted(there - set(wanted)) if not name.endswith("README.md") and "/." not in name]
    if more:
        raise ValueError(f"{data / more[0]} must not be there, it was not shipped: remove it, or reinstall")


@cache
def _check(name: str, data: Path) -> None:
    wanted = _sums(data)[name]
    found = file_digest(data / name)
    if found != wanted:
        raise ValueError(f"{data / name} must be as it was shipped, of sha256 {wanted}, it has {found}: reinstall")


@cache
def _sums(data: Path) -> dict[str, str]:
    """The digests by name."""
    content = (data / SUMS).read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != PINNED:
        raise ValueError(f"{data / SUMS} must be as it was shipped, of sha256 {PINNED}, it has {found}: reinstall")
    return read_sums(content)


def write_sums(data: Path = DATA) -> str:
    """Write the file of the digests of the files that are there; returns its own, to be pinned."""
    content = sums_of(data, (one.relative_to(data).as_posix() for pattern in PATTERNS for one in data.glob(pattern)))
    write_whole(data / SUMS, content)
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    print(write_sums())
