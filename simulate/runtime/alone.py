"""One writer at a time, and what writers that were killed have left.

Locks are the operating system's (flock): they end with their process, however it ends. Neither clocks nor numbers of
processes are asked: what a lock is held on has a writer that lives, on whatever machine that sees the lock.
"""

import errno
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: as on disks without locks
    fcntl = None  # type: ignore[assignment]

TEMPORARY = r"(?:[0-9a-f]{16}|\d{1,10})\.tmp"
"""How names of what is being written go on behind .NAME. (digits alone are of older versions)."""
WAIT = 60.0
"""Seconds that a writer of moments waits for another one."""
_POLL = 0.02
_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK, errno.EBADF, errno.EINVAL)
"""Errors of disks without locks, some of those of a network: there every writer is taken for the only one."""


@contextmanager
def alone(path: Path | None, seconds: float = 0.0) -> Iterator[None]:
    """Within the block no other one, in this process or another, writes `path`; what a killed one was writing is gone.

    The lock is a file beside it, .NAME.lock, which says who has it; missing folders are made.

    Args:
        path: a file or a folder, which need not be there; with None nothing is written, and nothing happens.
        seconds: how long to wait for another writer.

    Raises:
        BlockingIOError: there is another one; it names its process and since when.
        OSError: the lock cannot be written.
    """
    if path is None:
        yield
        return
    place = Path(os.path.realpath(path))
    lock = place.with_name(f".{place.name}.lock")
    descriptor = _acquired(lock, path, seconds)
    try:
        remove_left(place.parent, re.escape(place.name))
        yield
    finally:
        with suppress(OSError):  # a folder that has gone meanwhile, or one that is read-only now
            lock.unlink()
        os.close(descriptor)


def _acquired(lock: Path, path: Path, seconds: float) -> int:
    """The lock's file, locked, with our name in it."""
    end = time.monotonic() + seconds
    while True:
        lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = _opened(lock)
        except FileNotFoundError:  # the folder was removed behind us
            continue
        try:
            if not _is_locked(descriptor):
                if time.monotonic() >= end:
                    holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "another process"
                    raise BlockingIOError(errno.EAGAIN, f"one writer at a time: {holder} is at it", str(path))
                time.sleep(_POLL)
            elif _is_at(descriptor, lock):
                with suppress(OSError):  # a full disk: the lock is ours without a name
                    os.ftruncate(descriptor, 0)
                    os.write(descriptor, _us().encode())
                kept, descriptor = descriptor, -1
                return kept
        finally:
            if descriptor >= 0:
                os.close(descriptor)


def _us() -> str:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return f"process {os.getpid()} on {socket.gethostname()}, since {now}\n"


def _opened(lock: Path) -> int:
    try:
        return os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError:
        if not lock.exists():
            raise
        return os.open(lock, os.O_RDONLY)  # of another user, killed or not: a lock can be had without writing


def _is_locked(descriptor: int) -> bool:
    """Whether the lock of an open file is ours now."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is still the one of this name: who had the lock before us has removed it."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def temporary_name(path: Path) -> Path:
    """A new name beside `path`, for what is to be renamed to it once it is whole."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")


def is_kept(descriptor: int, temporary: Path) -> bool:
    """Whether the open, empty file or folder of a `temporary_name` is ours: from now on `remove_left` leaves it alone,
    until it is closed. False if it was faster."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return _is_at(descriptor, temporary)


def remove_left(folder: Path, names: str) -> None:
    """Remove what killed writers have left in a folder of files and folders whose names are of this regular expression;
    what has a writer that lives stays, and so does what is not ours to remove."""
    pattern = re.compile(rf"\.(?:{names})\.{TEMPORARY}")
    with suppress(OSError), os.scandir(folder) as entries:
        for left in [Path(entry.path) for entry in entries if pattern.fullmatch(entry.name)]:
            with suppress(OSError):
                _remove(left)


def _remove(left: Path) -> None:
    if fcntl is None:  # nobody knows whether it has a writer
        return
    descriptor = os.open(left, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # an error where there are no locks: then it stays
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()
    finally:
        os.close(descriptor)
