"""Results by the hash of their content, in the user's cache: safetensors and JSON, with a digest, written whole."""

from pathlib import Path
from typing import NamedTuple


class Kept(NamedTuple):
    """A result on file: its bytes, the processor seconds that it took, and when it was made (ISO 8601)."""

    content: bytes
    seconds: float
    made: str


class Store:
    """STUB, being written: a folder of results."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.troubles: list[str] = []
        raise NotImplementedError

    def get(self, key: str) -> Kept | None:
        """The result of this key, None if there is none; one that is damaged is removed, and said (`troubles`)."""
        raise NotImplementedError

    def put(self, key: str, kind: str, content: bytes, seconds: float) -> None:
        """Keep a result; what cannot be written is said and not raised."""
        raise NotImplementedError


def default_store() -> Store | None:
    """The store in the user's cache; STUB."""
    return None
