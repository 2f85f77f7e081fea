"""The digest that a safetensors file of ours has in its metadata: "sha256", over all bytes but its own 64 digits, which
count as zeros. So no change of any byte goes unseen, and the file stays one that safetensors reads.

It is against damage and mix-ups: who means to change a file can write the digest of what it then is.
"""

import hashlib

NAME = "sha256"
DIGITS = 64
EMPTY = "0" * DIGITS
"""In place of the digest, until `seal`."""
SIZE = 8
"""Bytes of the header's length, before it."""
_KEY = f'"{NAME}":"'.encode()  # within a string its quotes would be escaped


def seal(file: bytes) -> bytes:
    """The file, whose metadata have EMPTY for a digest, with the digest.

    Raises:
        ValueError: there is no place for it.
    """
    at = _place(file)
    return b"".join([memoryview(file)[:at], _digest(file, at).encode(), memoryview(file)[at + DIGITS :]])


def require_sealed(file: bytes) -> None:
    """Check that the bytes of a file are those that were sealed.

    Raises:
        ValueError: they are not, or have no digest. The message has no name of the file.
    """
    at = _place(file)
    if file[at : at + DIGITS] != _digest(file, at).encode():
        raise ValueError(f"the file has other bytes than were written, of another {NAME} than it names")


def _place(file: bytes) -> int:
    """Where the digits stand."""
    at = file.find(_KEY, SIZE, SIZE + int.from_bytes(file[:SIZE], "little"))
    if at < 0:
        raise ValueError(f"the file has no {NAME} of its content, which all have that are written now")
    return at + len(_KEY)


def _digest(file: bytes, at: int) -> str:
    digest = hashlib.sha256(memoryview(file)[:at])
    digest.update(EMPTY.encode())
    digest.update(memoryview(file)[at + DIGITS :])
    return digest.hexdigest()
