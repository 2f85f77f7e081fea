"""Whether a picture in a file, with the numbers beside it, is the one that would be drawn now.

Numbers are compared, not pixels: those of trainings depend a little on the rounding of the machine, and matplotlib's
lines on its version.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree

from paper_checks.evidence.filled import same_numbers

from .file import Picture, Table, digest

TEXT = "{http://www.w3.org/2000/svg}"
MOST = 5
"""Rows that are said to be stale, at most."""


def stale(out: Path, picture: Picture) -> list[str]:
    """A line for everything in which the SVG at `out`, or its numbers beside it, are not those of the picture.

    Raises:
        OSError: one of the two files cannot be read.   ValueError: it is no SVG, or not in UTF-8.
    """
    beside, table = out.with_suffix(".csv"), picture.table()
    numbers = beside.read_bytes()
    try:
        shown = numbers.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{beside} must be a text in UTF-8: {error}") from error
    try:
        drawn = ElementTree.fromstring(out.read_bytes())
    except ElementTree.ParseError as error:
        raise ValueError(f"{out} must be an SVG: {error}") from error
    found = (
        [] if digest(numbers) in "".join(drawn.itertext()) else [f"{out} was drawn from other numbers than {beside}"]
    )
    wrong = list(_rows(shown, table))
    found += [f"{beside}: {line}" for line in wrong[:MOST]]
    if len(wrong) > MOST:
        found.append(f"{beside}: {len(wrong) - MOST} more rows are stale")
    now = ElementTree.fromstring(picture.render("svg"))
    if not same_numbers(*(" | ".join(_words(root)) for root in (drawn, now))):
        found.append(f"{out}: other words than those that would be drawn now")
    return found


def _words(root: ElementTree.Element) -> Iterator[str]:
    """Title, description, and texts in the picture."""
    for kind in ("title", "desc", "g//{*}text"):
        for element in root.findall(f"{TEXT}{kind}"):
            yield "".join(element.itertext())


def _rows(shown: str, table: Table) -> Iterator[str]:
    """Rows that say something else than those of the table."""
    old = list(csv.reader(shown.splitlines()))
    new = list(csv.reader(table.csv().decode().splitlines()))
    if old[:1] != new[:1] or len(old) != len(new):
        yield f"{len(old)} rows with the columns {', '.join(old[0] if old else ())}; they are {len(new)} now"
        return
    for one, other in zip(old[1:], new[1:], strict=True):
        if len(one) != len(other) or not all(map(_same, table.columns, one, other, [table.within] * len(one))):
            yield f"shown {', '.join(one)}; now {', '.join(other)}"


def _same(column: str, shown: str, now: str, within: Mapping[str, float]) -> bool:
    if column not in within:
        return same_numbers(shown, now)
    try:
        return abs(float(shown) - float(now)) <= within[column]
    except ValueError:  # one is empty, or words
        return shown == now
