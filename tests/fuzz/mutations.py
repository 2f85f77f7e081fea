"""Changes of a file's bytes, one at a time: what damage, an editor, a merge or a hand does to it."""

import random
import re
from typing import NamedTuple

from hypothesis import strategies as st

KINDS = ("flip", "byte", "delete", "insert", "swap", "line twice", "lines swapped", "number", "cut")
NUMBER = re.compile(rb"\d+")


class Mutation(NamedTuple):
    """A kind of change, where it is (two places, as parts of 65536 of the length), and a value in 0..255."""

    kind: str
    place: int
    other: int
    value: int


def drawn(number: int) -> Mutation:
    """The change of a number: evenly anywhere in the file."""
    draw = random.Random(number)
    return Mutation(draw.choice(KINDS), draw.randrange(65536), draw.randrange(65536), draw.randrange(256))


_PLACES = st.integers(0, 65535)
CHANGE = st.integers(0, 2**63).map(drawn) | st.builds(
    Mutation, st.sampled_from(KINDS), _PLACES, _PLACES, st.integers(0, 255)
)
"""Anywhere, and at the edges, where hypothesis likes to look."""


def mutated(content: bytes, change: Mutation) -> bytes:
    """The content with one change; the same content where there is nothing of the kind to change."""
    kind, _, _, value = change
    at, to = (where * len(content) // 65536 for where in (change.place, change.other))
    if not content:
        return bytes([value])
    match kind:
        case "flip":
            return content[:at] + bytes([content[at] ^ 1 << value % 8]) + content[at + 1 :]
        case "byte":
            return content[:at] + bytes([value]) + content[at + 1 :]
        case "delete":
            return content[:at] + content[at + 1 + value % 8 :]
        case "insert":
            return content[:at] + bytes([value]) + content[at:]
        case "swap":
            low, high, size = min(at, to), max(at, to), 1 + value % 8
            one, other = content[low : low + size], content[high : high + size]
            swapped = content[:low] + other + content[low + size : high] + one + content[high + size :]
            return swapped if low + size <= high else content
        case "line twice" | "lines swapped":
            return _lines(content, change)
        case "number":
            return _number(content, at, value)
    return content[:at]


def _lines(content: bytes, change: Mutation) -> bytes:
    lines = content.splitlines(keepends=True)
    one, other = (where * len(lines) // 65536 for where in (change.place, change.other))
    if change.kind == "line twice":
        return b"".join([*lines[: one + 1], *lines[one:]])
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def _number(content: bytes, at: int, value: int) -> bytes:
    """The next number in digits replaced by another one."""
    found = NUMBER.search(content, at) or NUMBER.search(content)
    if found is None:
        return content
    others = str(int(found[0][:18]) + 1 + value % 9), str(value), "-1", "1e400", "9" * (value + 1)
    return content[: found.start()] + others[value % len(others)].encode() + content[found.end() :]
