"""What may be written over: files of the kind that is written, and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path

Ours = Callable[[bytes], bool]
"""Whether a file of this content is of the kind that we write."""


def require_ours(path: Path, kind: str, is_ours: Ours) -> None:
    """ValueError, which names the path, unless nothing is lost when a file is written there: there is none, an empty
    one, or one of the kind.

    Args:
        kind: what it is, such as "the record of a run".

    Raises:
        OSError: it cannot be read.
    """
    if not path.exists():
        return
    if not path.is_file():
        raise ValueError(f"{path} must be a file, it is {'a folder' if path.is_dir() else 'neither file nor folder'}")
    content = path.read_bytes()
    if content and not is_ours(content):
        raise ValueError(f"{path} must be new or {kind}, it is another file, and stays as it is: name another one")


def has_keys(*keys: str) -> Ours:
    """JSON whose object has all of these keys."""

    def is_ours(content: bytes) -> bool:
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            return False
        return isinstance(found, dict) and found.keys() >= set(keys)

    return is_ours


def begins(*heads: str) -> Ours:
    """A file that begins with one of these texts."""
    return lambda content: content.startswith(tuple(head.encode() for head in heads))
