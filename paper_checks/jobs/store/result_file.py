"""A result on file: the safetensors file of its value (`values`), with what is known of it and a digest in its
metadata.

The digest is over all other bytes of the file, so that no change of any of them goes unseen. The file stays one that
safetensors reads.
"""

import hashlib
import json
from typing import Any, NamedTuple

START = b'{"__metadata__":{'
"""Of the header of what `values.encode` gives."""
DIGEST = b'"sha256":"'
KNOWN = b'","result":'
VALUE = b'"value":'
SIZE = 8  # bytes of the header's length, before it
ALIGNED = 8  # the arrays begin at a multiple
DIGITS = 64
AT = SIZE + len(START) + len(DIGEST)  # where the digest stands
HEAD = 8192  # bytes of a file that have all that is known of the result


class Kept(NamedTuple):
    """A result on file: its bytes, the processor seconds that it took, and when it was made (ISO 8601)."""

    content: bytes
    seconds: float
    made: str


class Known(NamedTuple):
    """What is known of a result: the key and the kind of its job, the processor seconds that it took, when it was made
    (ISO 8601, UTC), and where (`code.surroundings`)."""

    key: str
    kind: str
    seconds: float
    made: str
    surroundings: str


def filed(content: bytes, known: Known) -> bytes:
    """The file of a result.

    Raises:
        ValueError: content that `values.encode` has not given.
    """
    if not content[SIZE:].startswith(START + VALUE):
        raise ValueError(f"content must be an encoded value, got {content[:40]!r}")
    more = DIGEST + b"0" * DIGITS + KNOWN + json.dumps(json.dumps(known._asdict(), allow_nan=False)).encode() + b","
    more += b" " * (-len(more) % ALIGNED)
    size = int.from_bytes(content[:SIZE], "little") + len(more)
    file = b"".join([size.to_bytes(SIZE, "little"), START, more, memoryview(content)[SIZE + len(START) :]])
    return b"".join([memoryview(file)[:AT], _digest(file).encode(), memoryview(file)[AT + DIGITS :]])


def read(file: bytes) -> tuple[Known, bytes]:
    """What is known of the result of a file, and its content.

    Raises:
        ValueError: bytes that are no such file, or not as they were written.
    """
    known, end = read_head(file)
    if file[AT : AT + DIGITS] != _digest(file).encode():
        raise ValueError("the file has other bytes than were written")
    size = int.from_bytes(file[:SIZE], "little") - (end - SIZE - len(START))
    return known, b"".join([size.to_bytes(SIZE, "little"), START, memoryview(file)[end:]])


def read_head(file: bytes) -> tuple[Known, int]:
    """What is known of the result of a file, from the first HEAD bytes of it, which are not held against the digest;
    and where its value begins.

    Raises:
        ValueError: bytes that are no such file.
    """
    begin = AT + DIGITS + len(KNOWN)
    end = file.find(VALUE, begin, HEAD)
    if end < 0 or file[SIZE:AT] != START + DIGEST or file[AT + DIGITS : begin] != KNOWN:
        raise ValueError("the file is no result")
    found: Any = json.loads(json.loads(file[begin:end].decode().rstrip()[:-1]))
    try:
        known = Known(**found)
    except TypeError as error:
        raise ValueError(f"the file is no result: {error}") from error
    if not all(isinstance(value, float if name == "seconds" else str) for name, value in found.items()):
        raise ValueError(f"the file is no result: {found}")
    return known, end


def _digest(file: bytes) -> str:
    """sha256 over all bytes but those where the digest stands."""
    digest = hashlib.sha256(memoryview(file)[:AT])
    digest.update(memoryview(file)[AT + DIGITS :])
    return digest.hexdigest()
