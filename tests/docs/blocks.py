"""Python blocks of pages, and what they print: a block ```python, then a block ```text with the lines printed.

    python -m tests.docs.blocks README.md docs/tour.md      write what blocks print into the pages

Blocks of a page run in order in one namespace. A block that prints something has its text right after it.
"""

import contextlib
import io
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_PYTHON = re.compile(r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<text>.*?)^```\n)?", re.M | re.S)


class Block(NamedTuple):
    """Code, what the page says that it prints, what it printed, and the line where it begins."""

    code: str
    said: str
    printed: str
    line: int


def python_blocks(text: str) -> list[str]:
    """The code of all Python blocks of a page."""
    return [match["code"] for match in _PYTHON.finditer(text)]


def executed(page: Path) -> Iterator[Block]:
    """The blocks of a page, each as it has run."""
    text, names = page.read_text(encoding="utf-8"), {"__name__": page.stem}
    for match in _PYTHON.finditer(text):
        line = text.count("\n", 0, match.start("code"))
        code = compile("\n" * line + match["code"], str(page), "exec")  # errors have the page's line
        with contextlib.redirect_stdout(io.StringIO()) as out, warnings.catch_warnings():
            warnings.simplefilter("error")
            exec(code, names)
        yield Block(match["code"], match["text"] or "", out.getvalue(), line)


def written(page: Path) -> str:
    """The page with what its blocks print."""
    found = executed(page)

    def block(match: re.Match[str]) -> str:
        printed = next(found).printed
        return f"```python\n{match['code']}```\n" + (f"\n```text\n{printed}```\n" if printed else "")

    return _PYTHON.sub(block, page.read_text(encoding="utf-8"))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).write_text(written(Path(name)), encoding="utf-8")
