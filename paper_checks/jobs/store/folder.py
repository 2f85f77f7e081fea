"""A folder of results by the hash of their content: a file each (`result_file`), written whole, and not too many.

Several runs may share a folder: what another one has removed is not there, what it has added is counted. Only files
with a name that a store gives are read or removed. A clock that goes back changes no order of use.
"""

import os
import re
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from simulate.runtime.alone import remove_left
from simulate.runtime.files import write_whole

from .result_file import HEAD, Kept, Known, filed, read, read_head
from .sizes import shown

DEFAULT_LIMIT = 2 * 2**30
NAME = re.compile(r"[0-9a-f]{64}\.safetensors")
ROOM = 0.9  # share of the limit that is left filled, so that not every result has others removed
NAMED = 3  # damaged results that are named one by one


class _File(NamedTuple):
    used: int  # when it was last read or written, nanoseconds
    size: int
    path: Path


@dataclass
class Summary:
    """What a store has: by kind of job the number of results and their bytes; when the first and the last was made."""

    kinds: dict[str, tuple[int, int]] = field(default_factory=dict)
    oldest: str | None = None
    newest: str | None = None

    @property
    def results(self) -> int:
        return sum(count for count, _ in self.kinds.values())

    @property
    def bytes(self) -> int:
        return sum(size for _, size in self.kinds.values())


class Store:
    """A folder of results, of `limit` bytes at most: those that were used last stay.

    Raises:
        ValueError: a limit below 1.
    """

    def __init__(self, folder: Path, limit: int = DEFAULT_LIMIT) -> None:
        if limit < 1:
            raise ValueError(f"limit must be >= 1 byte, got {limit}")
        self.folder, self.limit = folder, limit
        self._damaged: list[str] = []
        self._said: dict[str, str] = {}
        self._size = 0
        self._left: int | None = None  # when the folder was last changed, as far as we know
        self._newest = 0  # when a file was last used, as far as we know
        self._lock = threading.Lock()

    @property
    def troubles(self) -> list[str]:
        """What could not be read or kept, a sentence each."""
        found = list(self._said.values())
        if self._damaged:
            count, more = len(self._damaged), len(self._damaged) - NAMED
            named = "; ".join(self._damaged[:NAMED]) + (f"; and {more} more" if more > 0 else "")
            found.append(f"cache: {count} damaged result{'s' * (count > 1)} made anew ({named})")
        return found

    def get(self, key: str, kind: str) -> Kept | None:
        """The result of the job of this key, None if there is none; one that is damaged is removed, and said as of this
        kind (`troubles`)."""
        path = self._path(key)
        try:
            file = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._say("read", f"cache: {self.folder} cannot be read: {error.strerror or error}")
            return None
        try:
            known, content = read(file)
            if known.key != key:
                raise ValueError(f"the file is of {known.key}")
        except ValueError:
            with self._lock:
                self._damaged.append(f"{kind}, {key[:12]}")
            self._remove(path)
            return None
        with suppress(OSError):  # another run has removed it, or it is not ours to touch
            self._touch(path)
        return Kept(content, known.seconds, known.made)

    def put(self, key: str, kind: str, content: bytes, seconds: float, surroundings: str) -> None:
        """Keep a result that was made now in these surroundings; what cannot be written is said and not raised."""
        made = datetime.now(UTC).isoformat(timespec="seconds")
        file = filed(content, Known(key, kind, float(seconds), made, surroundings))
        if len(file) > self.limit:
            self._say(kind, f"cache: results of {kind} are not kept, of {shown(len(file))}: the limit is "
                            f"{shown(self.limit)}")  # fmt: skip
            return
        with self._lock:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._count()
                path = self._path(key)
                before = path.stat().st_size if path.exists() else 0
                write_whole(path, file)
                with suppress(FileNotFoundError):  # another run has removed it
                    self._touch(path)
                self._size += len(file) - before
                self._left = self.folder.stat().st_mtime_ns
                if self._size > self.limit:
                    self._make_room()
            except OSError as error:
                self._say("write", f"cache: results are not kept, {self.folder} cannot be written: "
                                   f"{error.strerror or error}")  # fmt: skip

    def summary(self) -> Summary:
        """What there is."""
        return _summary(self._files())

    def empty(self) -> Summary:
        """Remove all results; returns what was removed.

        Raises:
            OSError: one that cannot be removed.
        """
        files = list(self._files())
        found = _summary(files)
        for file in files:
            file.path.unlink(missing_ok=True)
        return found

    def _path(self, key: str) -> Path:
        if not NAME.fullmatch(f"{key}.safetensors"):
            raise ValueError(f"key must be 64 hexadecimal digits, got {key!r}")
        return self.folder / f"{key}.safetensors"

    def _say(self, about: str, sentence: str) -> None:
        self._said.setdefault(about, sentence)

    def _touch(self, path: Path) -> None:
        """The file is used now: later than all others that we know, whatever the clock says."""
        self._newest = max(time.time_ns(), self._newest + 1, path.stat().st_mtime_ns)
        os.utime(path, ns=(self._newest, self._newest))

    def _count(self) -> None:
        """Sum the sizes, where another run has changed the folder since we last did."""
        if self.folder.stat().st_mtime_ns != self._left:
            self._size = sum(file.size for file in self._files())

    def _make_room(self) -> None:
        """Remove what was used longest ago."""
        files = sorted(self._files())
        self._size = sum(file.size for file in files)
        for file in files:
            if self._size <= ROOM * self.limit:
                break
            self._remove(file.path)
            self._size -= file.size
        self._left = self.folder.stat().st_mtime_ns

    def _files(self) -> Iterator[_File]:
        """The results; what killed runs were writing is removed before."""
        remove_left(self.folder, NAME.pattern)
        try:
            entries = list(os.scandir(self.folder))
        except FileNotFoundError:
            return
        for entry in entries:
            try:
                if entry.is_file(follow_symlinks=False) and NAME.fullmatch(entry.name):
                    found = entry.stat(follow_symlinks=False)
                    self._newest = max(self._newest, found.st_mtime_ns)
                    yield _File(found.st_mtime_ns, found.st_size, Path(entry.path))
            except FileNotFoundError:  # another run has removed it
                continue

    def _remove(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            self._say("remove", f"cache: {path.name} cannot be removed: {error.strerror or error}")


def _summary(files: Iterable[_File]) -> Summary:
    found = Summary()
    for file in files:
        try:
            with open(file.path, "rb") as stream:
                known, _ = read_head(stream.read(HEAD))
        except FileNotFoundError:  # another run has removed it
            continue
        except (OSError, ValueError):
            kind = "damaged"
        else:
            kind = known.kind
            found.oldest = min(known.made, found.oldest or known.made)
            found.newest = max(known.made, found.newest or known.made)
        count, size = found.kinds.get(kind, (0, 0))
        found.kinds[kind] = count + 1, size + file.size
    return found
