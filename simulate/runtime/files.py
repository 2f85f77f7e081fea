"""Files that are written whole or not at all, and digests of one and of many."""

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .alone import is_kept, remove_left, temporary_name

LEFT_OUT = ("__pycache__", "build", "dist", "node_modules", "venv")
"""Folders in which no file is ours."""


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is either the old one or the complete new one; what a killed writer of it left is gone.

    Through a link, which stays. What is no file, such as a device, is refused (FileExistsError).
    """
    place = Path(os.path.realpath(path))
    if place.exists() and not place.is_file():
        raise FileExistsError(errno.EEXIST, "it must be a file, and is something else", str(path))
    remove_left(place.parent, re.escape(place.name))
    while not _is_written(place, content):
        pass


def _is_written(place: Path, content: bytes) -> bool:
    """Write a file whole; False if another process took our unlocked, empty file for one that was left."""
    temporary = temporary_name(place)
    try:
        with open(temporary, "xb") as stream:
            if not is_kept(stream.fileno(), temporary):
                return False
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
            os.replace(temporary, place)  # before the file is closed, and with it its lock
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return True


def write_json(path: Path, content: Any) -> None:
    """Write JSON so that the file is either the old one or the complete new one; missing folders are made."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.encode())


def file_digest(path: Path) -> str:
    """sha256 of a file's bytes, as hexadecimal digits; the file may be larger than the memory."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def files_below(root: Path, pattern: str) -> list[Path]:
    """The files below `root` that match, sorted; but for those in hidden folders, environments and what tools build,
    where pytest does not look for tests either."""
    folders: dict[Path, bool] = {}

    def is_left_out(folder: Path) -> bool:
        if folder == root:
            return False
        if folder not in folders:
            ours = folder.name.startswith(".") or folder.name in LEFT_OUT or (folder / "pyvenv.cfg").exists()
            folders[folder] = ours or is_left_out(folder.parent)
        return folders[folder]

    return sorted(path for path in root.glob(pattern) if path.is_file() and not is_left_out(path.parent))


def digest_of_files(root: Path, patterns: Iterable[str]) -> str:
    """sha256 over names and contents of the files below `root` that match (`files_below`), such as "simulate/**/*.py"
    for a folder and all folders in it.

    Raises:
        ValueError: a pattern matches no file; a digest of nothing would never change.
    """
    found: set[Path] = set()
    for pattern in patterns:
        files = files_below(root, pattern)
        if not files:
            raise ValueError(f"pattern {pattern} must match a file in {root}, it matches none")
        found.update(files)
    digest = hashlib.sha256()
    for path in sorted(found):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()
