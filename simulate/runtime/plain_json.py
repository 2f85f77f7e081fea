"""JSON that says one thing: without keys that stand twice, NaN, numbers beyond the floats, or halves of characters."""

import json
import math
from typing import Any


def parsed(content: bytes | str) -> Any:
    """What a JSON text, in UTF-8, says.

    Raises:
        ValueError: it is none, or leaves open what it says; hundreds of levels within each other; an integer of
            thousands of digits. The message has no name of a file.
    """
    try:
        text = content.decode() if isinstance(content, bytes) else content
        found = json.loads(text, object_pairs_hook=_table, parse_constant=_no_number, parse_float=_finite)
        json.dumps(found, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}: {error.msg}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"it is no UTF-8, at byte {error.start}") from None
    except UnicodeEncodeError:
        raise ValueError("a text in it has half of a character of UTF-16") from None
    except RecursionError:
        raise ValueError("it has hundreds of levels within each other") from None
    return found


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r:.80} stands twice in a table")
    return found


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text:.40} is beyond the floats")
    return number
