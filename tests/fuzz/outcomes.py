"""What a reader makes of a file that was changed."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .readers import Reader

REFUSED, SAME, AS_SAID, CHANGED, OBSCURE = "refused", "same meaning", "as the text says", "accepted changed", "obscure"
OUTCOMES = REFUSED, SAME, AS_SAID, CHANGED, OBSCURE
COUNTED: Counter[tuple[str, str]] = Counter()
"""By reader and outcome; for the record of a run with --trust-full --record-trust."""
WHAT = (
    "Files of every kind that is read, but those of language models, with one to three changes each: refused by name, "
    "or read with the meaning that they had, or that a text of people plainly has."
)
COMMAND = "pytest tests/fuzz --trust-full --record-trust"


def outcome(reader: Reader, path: Path, before: Any, content: bytes) -> tuple[str, str]:
    """What comes of reading this content, and details for a message; the file is overwritten."""
    path.write_bytes(content)
    return outcome_there(reader, path, before, content)


def outcome_there(reader: Reader, path: Path, before: Any, content: bytes) -> tuple[str, str]:
    """The same of what lies there."""
    try:
        found = reader.read(path)
    except (ValueError, OSError) as error:
        named = (reader.called or path.name) in str(error)
        return (REFUSED if named else OBSCURE), f"{type(error).__name__}: {error}"
    except Exception as error:  # whatever else a reader lets out is what is looked for
        return OBSCURE, f"{type(error).__name__}: {error!r:.300}"
    if reader.said is None:
        return (SAME if found == before else CHANGED), f"{found!r:.300}"
    try:
        plainly = reader.said(content)
    except Exception as error:  # the text says nothing
        return CHANGED, f"{found!r:.300}, of a text that says nothing: {error!r:.100}"
    if reader.name == "problems.jsonl":
        found = [(question, reasoning, type(plainly[0][2])(answer)) for question, reasoning, answer in found]
    if found != plainly:
        return CHANGED, f"{found!r:.600} and not {plainly!r:.600}"
    return (SAME if found == before else AS_SAID), ""


def numbers(counted: Counter[tuple[str, str]] = COUNTED, outcomes: Sequence[str] = OUTCOMES) -> dict[str, int]:
    """What was counted: files by outcome, and by reader."""
    found = {"readers": len({name for name, _ in counted}), "files changed": counted.total()}
    for one in outcomes:
        found[one] = sum(count for (_, other), count in counted.items() if other == one)
    for name in dict.fromkeys(name for name, _ in counted):
        found |= {f"{name}: {one}": counted[name, one] for one in outcomes if counted[name, one]}
    return found
