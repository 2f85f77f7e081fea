"""The table at the end of a run: of each claim one comparison, what was expected and what was found.

As wide as the terminal and in colour where there is one; else COLUMNS wide and plain.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from io import StringIO
from itertools import groupby
from typing import NamedTuple

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from paper_checks.evidence.comparator import SIDES, Evidence
from paper_checks.evidence.results import NOT_SELECTED
from paper_checks.evidence.run import ClaimRecord, Run
from paper_checks.evidence.verdicts import LOOKS, counted, weakest

from . import wording
from .footer import footer

COLUMNS = 100
"""Of the plain table."""
NARROWEST = 80
"""Columns that the table takes however narrow the terminal is."""
WIDE = 150
"""From so many columns on the name of the comparison has one of its own."""
REUSED = "↺"
"""Before the comparison, in rows that rest on results of earlier runs."""
_SIGNED = 10  # the longest verdict with its sign
_GREY = "bright_black"
_COLOURS = {"verified": "green", "bounded": "cyan", "refuted": "yellow", "recorded": "magenta", "not run": _GREY,
            "failed": "bold red"}  # fmt: skip
"""Of verdicts, by the names that a terminal's theme gives its own shades."""


class Layout(NamedTuple):
    """Widths of the columns; `name` is 0 where the name of the comparison has a line of its own below the claim, and
    `seconds` where they are left out."""

    id: int
    claim: int
    name: int
    expected: int
    found: int
    seconds: int = 7

    @property
    def widths(self) -> dict[str, int]:
        """Of all columns, by their titles."""
        named = {"comparison": self.name} if self.name else {}
        timed = {"seconds": self.seconds} if self.seconds else {}
        return {"id": self.id, "verdict": _SIGNED, "claim": self.claim, **named, "": 1, "expected": self.expected,
                "found": self.found, "used": 6, **timed}  # fmt: skip

    @property
    def indent(self) -> int:
        """Where claims begin."""
        return self.id + _SIGNED + 4


def layout(claims: Sequence[ClaimRecord], width: int) -> Layout:
    """The columns of a table of these claims in so many columns of a terminal."""
    longest = min(max([len(claim.id) for claim in claims] + [4]), 12)
    expected, found = (11, 24) if width >= COLUMNS else (9, 18)
    rest = width - longest - _SIGNED - expected - found - 14 - 13
    if width < WIDE:
        return Layout(longest, rest, 0, expected, found)
    claim = min(44, rest // 2)
    return Layout(longest, claim, rest - claim - 2, expected, found)


def render(run: Run, width: int = COLUMNS, colour: bool = False) -> list[str]:
    """Lines of the table, the counts, and how to read it."""
    ran = [claim for claim in run.claims if claim.verdict != "not run"]
    columns = layout(ran, max(width, NARROWEST))
    parts: list[RenderableType] = [_header(columns), _rule()] if ran else []
    parts += [part for claim in ran for part in _rows(claim, columns)]
    parts += _not_run(run.claims)
    verdicts = [claim.verdict for claim in run.claims]
    parts += [_rule(), Text(counted(verdicts), style=f"bold {_COLOURS[weakest(verdicts)]}")]
    parts += [Text(sentence) for sentence in footer(run)]
    return _lines(parts, max(width, NARROWEST), colour)


def excerpt(run: Run, ids: Sequence[str]) -> list[str]:
    """The plain rows of some claims that were run, with their head, in the order of the run; without seconds, which
    differ from run to run.

    Raises:
        ValueError: a claim that the run does not have, or has not run.
    """
    ran = {claim.id: claim for claim in run.claims if claim.verdict != "not run"}
    strangers = [name for name in ids if name not in ran]
    if strangers:
        raise ValueError(f"ids must be of claims that were run ({', '.join(ran)}), got {', '.join(strangers)}")
    chosen = [claim for name, claim in ran.items() if name in ids]
    columns = layout(chosen, COLUMNS)
    columns = columns._replace(claim=columns.claim + columns.seconds + 2, seconds=0)
    rows = [part for claim in chosen for part in _rows(claim, columns)]
    return _lines([_header(columns), _rule(), *rows], COLUMNS, colour=False)


def _lines(parts: Sequence[RenderableType], width: int, colour: bool) -> list[str]:
    """The parts, one below the other, as lines without spaces at their ends."""
    file = StringIO()
    console = Console(file=file, width=width, force_terminal=colour, color_system="auto" if colour else None,
                      highlight=False, markup=False, emoji=False, legacy_windows=False)  # fmt: skip
    for part in parts:
        console.print(part)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def _rule() -> Rule:
    return Rule(characters="─", style=_GREY)


def _columns(columns: Layout) -> Table:
    """A table of one row, whose columns are those of all."""
    grid = Table(box=None, show_header=False, padding=0, pad_edge=False, collapse_padding=True)
    for title, width in columns.widths.items():
        right = 1 if title == "" else 0 if title == "seconds" else 2
        grid.add_column(width=width, justify="right" if title in ("used", "seconds") else "left", overflow="fold")
        if right:
            grid.add_column(width=right)
    return grid


def _cells(columns: Layout, *cells: Text) -> Table:
    grid = _columns(columns)
    grid.add_row(*(part for cell in cells for part in (cell, Text(""))))
    return grid


def _header(columns: Layout) -> Table:
    return _cells(columns, *(Text(title, style="bold") for title in columns.widths))


def _rows(claim: ClaimRecord, columns: Layout) -> Iterator[RenderableType]:
    """The row of a claim that was run, and the lines below it."""
    look, shown = LOOKS[claim.verdict], claim.headline
    verdict = Text(f"{look.sign} {claim.verdict}", style=_COLOURS[claim.verdict])
    title = Text(wording.heading(claim, claim.evidence))
    name = Text("no evidence was recorded" if shown is None else _named(claim, shown), style="dim")
    numbers = [Text("") for _ in range(4)] if shown is None else _numbers(shown, columns)
    seconds = [Text(f"{claim.seconds:.{2 if claim.seconds < 1000 else 0}f}")] if columns.seconds else []
    beside = [name] if columns.name else []
    yield _cells(columns, Text(claim.id, style="bold"), verdict, title, *beside, *numbers, *seconds)
    if not columns.name:
        yield Padding(name, (0, 0, 0, columns.indent))
    if claim.verdict == "recorded":
        yield Padding(Text(wording.printable(claim.recorded or ""), style="dim"), (0, 0, 0, columns.indent))


def _numbers(shown: Evidence, columns: Layout) -> list[Text]:
    """Relation, expected, found, tolerance used."""
    found = wording.estimated(shown, columns.found) or wording.found(shown)
    cells = (wording.relation(shown), wording.expected(shown, columns.expected), found, wording.tolerance(shown))
    return [Text(words, style="" if shown.passed else _COLOURS["failed"]) for words in cells]


def _named(claim: ClaimRecord, shown: Evidence) -> str:
    """Which comparison a row is about, of how many seeds or numbers it is, and of how many of the claim it is one, with
    those beyond the claim's boundary and the tests that prove formulas of it."""
    side = "" if shown.side == "holds" else f"{shown.side}: "
    reused = f"{REUSED} " if claim.reused else ""
    others = "" if len(claim.evidence) == 1 else f"1 of {len(claim.evidence)}"
    sides = Counter(item.side for item in claim.evidence)
    beyond = [f"{sides[one]} {one}" for one in SIDES[1:] if sides[one] and len(claim.evidence) > 1]
    proofs = len({proof.test for proof in claim.proof})
    proved = f"{proofs} proof{'' if proofs == 1 else 's'}" if proofs else ""
    parts = (reused + side + wording.printable(shown.name), wording.counted(shown))
    rest = ", ".join(part for part in (others, *beyond, proved) if part)
    return " · ".join(part for part in (*parts, rest) if part)


def _not_run(claims: Sequence[ClaimRecord]) -> list[RenderableType]:
    """Grey rows of claims that were not run, with what to do about it, on as many lines as it takes."""
    grid = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for span, reason in _reasons(claims):
        row = (f"{LOOKS['not run'].sign} {span}", f"not run: {wording.printable(reason)}")
        grid.add_row(*(Text(words, style=_GREY) for words in row))
    return [grid] if grid.rows else []


def _reasons(claims: Sequence[ClaimRecord]) -> Iterator[tuple[str, str]]:
    """An entry for neighbours of one group with one reason, and one for all that were not selected."""
    missing = [claim for claim in claims if claim.verdict == "not run"]
    others = [claim for claim in missing if claim.reason == NOT_SELECTED]
    for (_, reason), span in groupby(
        (claim for claim in missing if claim not in others), lambda claim: (claim.group, claim.reason)
    ):
        names = [claim.id for claim in span]
        yield names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}", reason
    if others:
        yield f"{len(others)} others", NOT_SELECTED
