"""A result on file: the safetensors file of its value (`values`), with what is known of it and a digest in its
metadata.

The digest is over all other bytes of the file (`seals`), so that no change of any of them goes unseen. The file stays
one that safetensors reads.
"""

import json
from typing import Any, NamedTuple

from simulate.runtime.seals import DIGITS, EMPTY, SIZE, require_sealed, seal

START = b'{"__metadata__":{'
"""Of the header of what `values.encode` gives."""
DIGEST = b'"sha256":"'
KNOWN = b'","result":'
VALUE = b'"value":'
ALIGNED = 8  # the arrays begin at a multiple
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
    more = DIGEST + EMPTY.encode() + KNOWN + json.dumps(json.dumps(known._asdict(), allow_nan=False)).encode() + b","
    more += b" " * (-len(more) % ALIGNED)
    size = int.from_bytes(content[:SIZE], "little") + len(more)
    return seal(b"".join([size.to_bytes(SIZE, "little"), START, more, memoryview(content)[SIZE + len(START) :]]))


def read(file: bytes) -> tuple[Known, bytes]:
    """What is known of the result of a file, and its content.

    Raises:
        ValueError: bytes that are no such file, or not as they were written.
    """
    known, end = read_head(file)
    require_sealed(file)
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
    try:
        found: Any = json.loads(json.loads(file[begin:end].decode().rstrip()[:-1]))
        known = Known(**found)
    except (TypeError, RecursionError) as error:
        raise ValueError(f"the file is no result: {error}") from error
    if not all(isinstance(value, float if name == "seconds" else str) for name, value in found.items()):
        raise ValueError(f"the file is no result: {found}")
    return known, end
