"""Files that are written whole or not at all, and digests of one and of many."""

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .alone import is_kept, remove_left, temporary_name
from .plain_json import parsed

LEFT_OUT = ("__pycache__", "build", "dist", "node_modules", "venv")
"""Folders in which no file is ours."""
DIGEST = "sha256 of the lines above"
"""The last key of JSON files of ours."""


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


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON so that the file is either the old one or the complete new one; missing folders are made.

    The last key is DIGEST: `head -n -2 FILE | sha256sum` prints the same digits. It is against damage and mix-ups, not
    against people, who can write a digest too (`add_digest`).

    Raises:
        ValueError: a number that is not finite, or a key of `content` that is DIGEST.   OSError: it cannot be written.
    """
    file = json_file(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, file)


def json_file(content: Mapping[str, Any]) -> bytes:
    """What `write_json` writes, whose errors are raised."""
    if DIGEST in content:
        raise ValueError(f"content must not have the key {DIGEST!r}")
    text = _json({**content, DIGEST: ""})
    head = text[: text.rindex(f' "{DIGEST}"')].encode()
    return head + _last_lines(head)


def write_plain_json(path: Path, content: Any) -> None:
    """Write JSON as others read it, without a digest, whole or not at all; missing folders are made."""
    text = _json(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.encode())


def read_json(path: Path, anew: str = "") -> dict[str, Any]:
    """What `write_json` wrote in a file.

    Args:
        anew: the command that writes the file anew, for messages.

    Raises:
        ValueError: the file is no JSON (`plain_json`), has no digest, or is not as it was written.
        OSError: it cannot be read.
    """
    file = path.read_bytes()
    try:
        found = parsed(file)
    except ValueError as error:
        raise ValueError(f"{path} must be JSON: {error}") from error
    head = file[: max(file.rfind(b' "' + DIGEST.encode()), 0)]
    again = f", by {anew}" if anew else ""
    if not isinstance(found, dict) or DIGEST not in found:
        raise ValueError(
            f"{path} must have the key {DIGEST!r}, which all files have that are written now: write it anew{again}; "
            f'one that is right as it is gets the key by: python -c "from simulate.runtime import files; '
            f'files.add_digest({str(path)!r})"'
        )
    if file != head + _last_lines(head):
        raise ValueError(f"{path} must be as it was written, its {DIGEST} are others: write it anew{again}")
    del found[DIGEST]
    return found


def add_digest(path: str | Path) -> None:
    """Give a JSON file that has no digest the one of its content as it is; nothing else is changed but spaces.

    Raises:
        ValueError: no table in JSON, or one with a digest.   OSError: it cannot be read or written.
    """
    content = parsed(Path(path).read_bytes())
    if not isinstance(content, dict):
        raise ValueError(f"{path} must be a table in JSON, got {content!r:.40}")
    write_json(Path(path), content)


def _json(content: Any) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _last_lines(head: bytes) -> bytes:
    return f' "{DIGEST}": "{hashlib.sha256(head).hexdigest()}"\n}}\n'.encode()


def file_digest(path: Path) -> str:
    """sha256 of a file's bytes, as hexadecimal digits; the file may be larger than the memory."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


SUMS = "SHA256SUMS"
"""Name of a file that has the digests of others beside it; `sha256sum -c SHA256SUMS` holds them against it too."""


def sums_of(folder: Path, names: Iterable[str]) -> bytes:
    """The content of SUMS for these files of a folder, a line each."""
    return "".join(f"{file_digest(folder / name)}  {name}\n" for name in sorted(names)).encode()


def read_sums(content: bytes) -> dict[str, str]:
    """The digests by the files' names.

    Raises:
        ValueError: a line that has no digest and name.
    """
    lines = [re.fullmatch("([0-9a-f]{64})  (.+)", line) for line in content.decode().splitlines()]
    if not all(lines):
        raise ValueError("every line must have a sha256, two spaces and a name")
    return {line[2]: line[1] for line in lines if line}


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
