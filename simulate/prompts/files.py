"""Prompts of a user's own, from a file of JSON lines."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulate.runtime.plain_json import parsed
from theory.arguments import checked

from .sets import DISTRIBUTIONAL, Prompt

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

LONGEST = 100_000
"""Bytes that a line may have."""
UNNAMED = "prompts"
"""The set of a line that names none."""


@dataclass(frozen=True)
class Line:
    """One line of a file of prompts, a JSON object with these fields and no others.

    Attributes:
        text: begins without a space and ends without one.
        answer: the right continuation, with its leading space.
        distractor: a wrong one of the same kind; null or left out for the distributional one in its place.
        distributional: the generic continuation.
        set: the name of the set that the prompt belongs to.
        cluster: prompts of a set that share it are not independent of each other, such as those about one city; "" for
            one that is alone.
    """

    text: str
    answer: str
    distractor: str | None = None
    distributional: str = DISTRIBUTIONAL
    set: str = UNNAMED
    cluster: str = ""


FIELDS = tuple(one.name for one in fields(Line))
REQUIRED = tuple(one.name for one in fields(Line) if one.default is MISSING)


@checked
def read_prompts(path: str | Path) -> Mapping[str, tuple[Prompt, ...]]:
    """The prompts of a file in UTF-8 with one JSON object per line (`Line`), by the name of their set, in their order:

        {"text": "The Eiffel Tower is in", "answer": " Paris", "distractor": " Rome"}

    Empty lines and a byte order mark at the beginning are passed over.

    Raises:
        ValueError: there is no such file, or it has no prompt; a line of more than LONGEST bytes, or that is not as
            above; a text that begins or ends with a space; a continuation that would run into the text as one word, or
            that is another one of the same prompt; a text that stands twice in a set. The message names the line, the
            field, its value and what is accepted.
    """
    found: dict[str, dict[str, tuple[int, Prompt]]] = {}
    for number, content in _lines(Path(path)):
        try:
            line = _line(content)
            _check(line)
            texts = found.setdefault(line.set, {})
            if line.text in texts:
                raise ValueError(
                    f"text must not stand twice in set {line.set!r}, got that of line {texts[line.text][0]} again: "
                    f"{line.text!r:.80}"
                )
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from None
        distractor = line.distributional if line.distractor is None else line.distractor
        texts[line.text] = (
            number,
            Prompt(line.text, line.answer, distractor, "", line.distributional, cluster=line.cluster),
        )
    if not found:
        raise ValueError(f"{path} must have at least one line with a prompt, it has none")
    return {name: tuple(prompt for _, prompt in texts.values()) for name, texts in found.items()}


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbers, from 1, and texts of the lines that are not empty."""
    try:
        with open(path, "rb") as stream:
            yield from _decoded(path, stream)
    except OSError as error:
        raise ValueError(f"{path} must be a readable file of JSON lines: {error.strerror}") from None


def _decoded(path: Path, stream: io.BufferedReader) -> Iterator[tuple[int, str]]:
    number = 0
    while content := stream.readline(LONGEST + 1):
        number += 1
        if len(content) > LONGEST:
            raise ValueError(f"{path}, line {number}: must have at most {LONGEST} bytes, got more")
        try:
            text = content.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}, line {number}: must be UTF-8, got {content[:20]!r}: {error.reason}") from None
        if text.strip():
            yield number, text


@cache
def _adapter() -> "TypeAdapter[Line]":
    from pydantic import TypeAdapter  # takes a while

    return TypeAdapter(Line)


def _line(content: str) -> Line:
    from pydantic import ValidationError

    try:
        line = _adapter().validate_json(content, strict=True, extra="forbid")
    except ValidationError as error:
        # A key that is unknown says more than the one that is missing for it.
        first = min(error.errors(include_url=False), key=lambda one: one["type"] != "unexpected_keyword_argument")
        raise ValueError(_words(first)) from None
    parsed(content)  # no key twice, of which pydantic takes the last
    return line


def _words(error: "ErrorDetails") -> str:
    """What is wrong with a line, in our words."""
    kind, place, value = error["type"], error["loc"], error["input"]
    if kind == "json_invalid":
        return f"must be a JSON object, got {value!r:.80}: {error['ctx']['error']}"
    if not place:
        return f"must be a JSON object, got {value!r:.80}"
    if kind == "unexpected_keyword_argument":
        return f"{place[0]!r} is no field, got {value!r:.80}; fields are {', '.join(FIELDS)}"
    if kind == "missing":
        return f"{place[0]} is missing; {' and '.join(REQUIRED)} must be there"
    return f"{place[0]} must be a string, got {value!r:.80}"


def _check(line: Line) -> None:
    """ValueError for strings that are none of the fields' kind."""
    if not line.text or line.text != line.text.strip(" "):
        raise ValueError(f"text must not be empty, begin or end with a space, got {line.text!r:.80}")
    if not line.set.strip():
        raise ValueError(f"set must be a name, got {line.set!r}")
    ends: dict[str, Any] = {name: getattr(line, name) for name in ("answer", "distractor", "distributional")}
    for name, end in ends.items():
        if end is None:
            continue
        if not end.strip() or (_joins(line.text[-1]) and _joins(end[0])):
            raise ValueError(f"{name} must be a word with its leading space, such as ' Mary', got {end!r:.80}")
        if name != "answer" and end == line.answer:
            raise ValueError(f"{name} must be another one than the answer, got {end!r:.80} for both")


def _joins(character: str) -> bool:
    """Whether it is a digit or a letter of a script with capitals: these have spaces between words."""
    return character.isdigit() or character.lower() != character.upper()
