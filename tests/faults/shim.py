"""File operations of this process, counted, of which one can go wrong: the process is killed there, or the disk is full
from there on, or all is read-only.

Patched are what Python code calls: functions of os, and open, whose files pass every write(2) through `_Raw`. What
compiled libraries write by themselves is not seen.
"""

import builtins
import errno
import io
import os
import signal
from pathlib import Path

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
TAKES_SPACE = ("open", "write", "mkdir", "fsync", "replace", "symlink", "link", "ftruncate")
ERRORS = {"full": errno.ENOSPC, "read-only": errno.EROFS, "foreign": errno.EACCES}


class Shim:
    """Operations on what is below `root`. `kind`: "count", "kill" at operation number `at` (from 1; a write is done by
    half), "full" from there on, or "read-only" and "foreign" from the first one on. `seen()` is called before each."""

    def __init__(self, root, kind="count", at=0, seen=lambda: None):
        self.root, self.kind, self.at, self.seen = os.path.realpath(root), kind, at, seen
        self.names = []

    def is_ours(self, path, folder=None):
        if isinstance(path, int):
            path = os.readlink(f"/proc/self/fd/{path}")
        path = os.fspath(path)
        if isinstance(path, bytes):
            path = path.decode()
        if folder is not None:
            path = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), path)
        return f"{os.path.abspath(path)}/".startswith(f"{self.root}/")

    def step(self, name, path, half=lambda: None):
        """An operation is about to be done."""
        self.seen()
        self.names.append(name)
        if self.kind == "kill" and len(self.names) == self.at:
            half()
            os.kill(os.getpid(), signal.SIGKILL)
        fails = self.kind == "full" and len(self.names) >= self.at and name in TAKES_SPACE
        if fails or self.kind in ("read-only", "foreign"):
            number = ERRORS[self.kind]
            raise OSError(number, os.strerror(number), *([] if isinstance(path, int) else [os.fspath(path)]))

    def install(self):
        """From here on, until the process ends."""
        for name in ("mkdir", "rmdir", "unlink", "remove", "utime", "chmod", "ftruncate", "fsync"):
            self._patch(name, lambda arguments, options: (arguments[0], options.get("dir_fd")))
        for name in ("replace", "rename", "symlink", "link"):
            self._patch(name, lambda arguments, options: (arguments[1], options.get("dst_dir_fd")))
        self._patch_open()
        self._patch_write()
        builtins.open = io.open = self._opened(io.open)

    def _patch(self, name, target):
        real = getattr(os, name)
        shown = {"remove": "unlink", "rename": "replace"}.get(name, name)

        def patched(*arguments, **options):
            path, folder = target(arguments, options)
            if self.is_ours(path, folder):
                self.step(shown, path)
            return real(*arguments, **options)

        setattr(os, name, patched)

    def _patch_open(self):
        real = os.open

        def patched(path, flags, *more, **options):
            if flags & WRITING and self.is_ours(path, options.get("dir_fd")):
                self.step("open", path)
            return real(path, flags, *more, **options)

        os.open = patched

    def _patch_write(self):
        real = os.write

        def patched(descriptor, data):
            if self.is_ours(descriptor):
                self.step("write", descriptor, lambda: real(descriptor, bytes(data)[: len(data) // 2]))
            return real(descriptor, data)

        os.write = patched

    def _opened(self, real):
        shim = self

        class _Raw(io.FileIO):
            def write(self, data):
                content = bytes(data)
                shim.step("write", self.fileno(), lambda: super(_Raw, self).write(content[: len(content) // 2]))
                return super().write(content)

        def patched(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
            arguments = (file, mode, buffering, encoding, errors, newline, closefd, opener)
            if not set(mode) & set("wax+") or opener is not None or not self.is_ours(file):
                return real(*arguments)
            if not isinstance(file, int):
                self.step("open", file)
            raw = _Raw(file, "".join(one for one in mode if one not in "bt"), closefd)
            if buffering == 0:
                return raw
            stream = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
            return stream if "b" in mode else io.TextIOWrapper(stream, encoding, errors, newline)

        return patched


def is_shown(name):
    """Whether this is a file to be read: neither being written nor a lock."""
    return not any(part.startswith(".") for part in name.split("/"))


def contents(folder, content):
    """What is in a folder, by name: `content(path)` of files that are to be read, "" of all else."""
    names = [str(path.relative_to(folder)) for path in sorted(Path(folder).rglob("*"))]
    return {
        name: content(Path(folder, name)) if is_shown(name) and Path(folder, name).is_file() else "" for name in names
    }
