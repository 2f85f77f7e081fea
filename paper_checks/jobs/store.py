"""Results by the hash of their content, in the user's cache: safetensors and JSON, with a digest, written whole.

A file is a line of JSON (what it is, and a sha256 of all else), then the bytes of `values.encode`. What does not match
its digest or its name is removed, said, and made anew.
"""

import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from platformdirs import user_cache_path

from simulate.runtime.files import write_whole

NAME = "distributional-associations-verified"
FOLDER, LIMIT = "PAPER_CHECKS_CACHE", "PAPER_CHECKS_CACHE_SIZE"
"""Environment variables: where results are kept, and how much room they may take, such as 500M or 2G."""
DEFAULT_LIMIT = 2 * 2**30
UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}
SUFFIX = ".result"
HEADER_KEYS = {"kind", "key", "seconds", "made", "surroundings", "sha256"}
STALE = 3600.0
"""Seconds after which a temporary file is that of a run that was killed."""


class Kept(NamedTuple):
    """A result on file: its bytes, the processor seconds that it took, and when it was made (ISO 8601)."""

    content: bytes
    seconds: float
    made: str


class Held(NamedTuple):
    """Results of one kind: how many, how many bytes, and when the oldest and newest were made (ISO 8601)."""

    number: int
    bytes: int
    oldest: str
    newest: str


class Store:
    """A folder of results, of at most `limit` bytes: those that were used longest ago are removed first.

    Several processes can share it. Only files with names of ours are read or removed.

    Attributes:
        troubles: what could not be read or kept, a sentence each.

    Raises:
        ValueError: a limit below 1.
    """

    def __init__(self, folder: Path, limit: int = DEFAULT_LIMIT) -> None:
        if limit < 1:
            raise ValueError(f"limit must be >= 1, got {limit}")
        self.folder, self.limit = folder, limit
        self.troubles: list[str] = []
        self._size: int | None = None

    def get(self, key: str) -> Kept | None:
        """The result of this key, None if there is none; one that is damaged is removed, and said."""
        path = self._path(key)
        try:
            header, content = _read(path)
            if header["key"] != key:
                raise ValueError(f"it is of the key {header['key']}")
            os.utime(path)  # used now
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            self.troubles.append(f"cache: a damaged result is made anew ({key[:12]}: {error})")
            path.unlink(missing_ok=True)
            return None
        return Kept(content, header["seconds"], header["made"])

    def put(self, key: str, kind: str, content: bytes, seconds: float, surroundings: str = "") -> None:
        """Keep a result; what cannot be written is said, once, and not raised."""
        header = {
            "kind": kind, "key": key, "seconds": seconds, "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "surroundings": surroundings,
        }  # fmt: skip
        whole = json.dumps(header | {"sha256": _digest(header, content)}).encode() + b"\n" + content
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, whole)
            self._make_room(len(whole))
        except OSError as error:
            trouble = f"cache: results cannot be kept in {self.folder}: {error.strerror or error}"
            if trouble not in self.troubles:
                self.troubles.append(trouble)

    def summary(self) -> dict[str, Held]:
        """What is kept, by kind; damaged files are of the kind "damaged"."""
        found: dict[str, Held] = {}
        for path, size, _ in self._files():
            try:
                header, _ = _read(path)
                kind, made = header["kind"], header["made"]
            except (OSError, ValueError):
                kind, made = "damaged", ""
            known = found.get(kind, Held(0, 0, made, made))
            oldest, newest = min(known.oldest, made), max(known.newest, made)
            found[kind] = Held(known.number + 1, known.bytes + size, oldest, newest)
        return dict(sorted(found.items()))

    def empty(self) -> int:
        """Remove all results; how many there were."""
        count = 0
        for path, _, _ in self._files():
            path.unlink(missing_ok=True)
            count += 1
        self._size = None
        return count

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}{SUFFIX}"

    def _files(self) -> Iterator[tuple[Path, int, float]]:
        """Files of results with size and time of last use; what killed runs have left is removed."""
        for path in self.folder.glob("??/*"):
            try:
                seen = path.stat()
            except OSError:  # removed by another run
                continue
            if re.fullmatch(rf"[0-9a-f]{{64}}{re.escape(SUFFIX)}", path.name):
                yield path, seen.st_size, seen.st_mtime
            elif path.name.startswith(".") and SUFFIX in path.name and time.time() - seen.st_mtime > STALE:
                path.unlink(missing_ok=True)

    def _make_room(self, added: int) -> None:
        """Remove what was used longest ago where there is more than `limit`, down to nine tenths of it."""
        self._size = sum(size for _, size, _ in self._files()) if self._size is None else self._size + added
        if self._size <= self.limit:
            return
        files = sorted(self._files(), key=lambda file: file[2])
        self._size = sum(size for _, size, _ in files)
        for path, size, _ in files:
            if self._size <= 0.9 * self.limit:
                return
            path.unlink(missing_ok=True)
            self._size -= size


def _read(path: Path) -> tuple[dict[str, Any], bytes]:
    """Header and content of a file.

    Raises:
        ValueError: no whole file of a result.   OSError: it cannot be read.
    """
    line, _, content = path.read_bytes().partition(b"\n")
    header = json.loads(line)
    if not isinstance(header, dict) or header.keys() != HEADER_KEYS:
        raise ValueError("no header of a result")
    if _digest({name: value for name, value in header.items() if name != "sha256"}, content) != header["sha256"]:
        raise ValueError("it does not match its digest")
    return header, content


def _digest(header: dict[str, Any], content: bytes) -> str:
    return hashlib.sha256(json.dumps(header).encode() + b"\n" + content).hexdigest()


def default_store() -> Store:
    """The store in the user's cache, or where the environment says.

    Raises:
        ValueError: the environment has a size that is none.
    """
    given = os.environ.get(LIMIT, "").strip()
    found = re.fullmatch(r"([1-9]\d*)([KMG]?)B?", given, re.IGNORECASE)
    if given and not found:
        raise ValueError(f"{LIMIT} must be a number of bytes such as 500M or 2G, got {given!r}")
    limit = int(found[1]) * UNITS[found[2].upper()] if found else DEFAULT_LIMIT
    folder = os.environ.get(FOLDER)
    return Store(Path(folder) if folder else user_cache_path(NAME, appauthor=False) / "results", limit)
