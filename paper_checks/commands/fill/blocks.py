"""Blocks of a text that are made whole of a run and its ledger, between two comments on lines of their own:

<!-- made: symbols N T -->
<!-- /made -->
"""

import re
from collections.abc import Iterator

from paper_checks.evidence.filled import same_numbers, with_any_numbers, within
from paper_checks.evidence.run import Run

from .tables import KIND, MEASURED, BlockOfOthersError, make
from .treated import Treated

_BLOCK = re.compile(r"^<!-- made: (?P<words>[^\n]*?) -->\n(?P<shown>(?:(?!<!-- /?made)[^\n]*\n)*)<!-- /made -->$", re.M)
_LOOSE = re.compile(r"<!-- ?/?made\b")


def check(run: Run, text: str) -> Treated:
    """A problem for every block that is not the run's: its texts to the letter, what was measured to a unit of the last
    digit; numbers of trainings on another kind of processor to the range in which they may lie."""
    found = Treated(text, list(_loose(text)))
    for match in _BLOCK.finditer(text):
        found.count += 1
        where = _where(text, match)
        try:
            made = make(run, match["words"])
        except ValueError as error:
            found.problems.append(f"{where}: {error}")
            continue
        kinds = [KIND.search(part) for part in (match["shown"], made)]
        there, here = (kind[1] if kind else "" for kind in kinds)
        if elsewhere := all(kinds) and there != here:
            made = made.replace(f"of the kind {here};", f"of the kind {there};")
            found.notes.append(
                f"{where}: run on {there}, now on {here}: trainings are held to the range of their seeds"
            )
        if not _is_same(match["shown"], made, elsewhere):
            found.problems.append(f"{where} is not the run's: {_difference(match['shown'], made, elsewhere)}")
    return found


def fill(run: Run, text: str) -> Treated:
    """The text with all blocks made anew, but for those that show what the run has not found; a block that differs in
    last digits alone is made anew too."""
    found = Treated(text, list(_loose(text)))

    def replaced(match: re.Match[str]) -> str:
        try:
            made = make(run, match["words"])
        except BlockOfOthersError as error:
            found.not_run |= error.ids
            return match[0]
        except ValueError as error:
            found.problems.append(f"{_where(text, match)}: {error}")
            return match[0]
        found.count += 1
        return f"<!-- made: {match['words']} -->\n{_plain(made)}<!-- /made -->"

    found.text = _BLOCK.sub(replaced, text)
    return found


def _where(text: str, match: re.Match[str]) -> str:
    return f"line {_line(text, match.start())}: block {match['words']}"


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _loose(text: str) -> Iterator[str]:
    """Comments of blocks that have no partner, or do not stand on a line of their own; not those of code blocks."""
    blank = re.compile(r"^( *)(`{3,})[^\n]*\n.*?^\1\2 *$", re.M | re.S)
    rest = blank.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    rest = _BLOCK.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), rest)
    for match in _LOOSE.finditer(rest):
        yield f"line {_line(rest, match.start())}: a comment of a block has no partner, or no line of its own"


def _plain(made: str) -> str:
    return MEASURED.sub(r"\1", made)


def _is_same(shown: str, made: str, elsewhere: bool) -> bool:
    """Whether what is shown is what was made, but for last digits of what was measured, and the spaces beside them; and
    if it was made `elsewhere`, but for numbers of trainings within their ranges."""
    shown, made = (re.sub(" +", " ", text) for text in (shown, made))
    parts = MEASURED.split(made)  # text, words, range, text, words, range, …, text
    words, ranges = parts[1::3], parts[2::3]
    rest = (f"({with_any_numbers(one)}){re.escape(text)}" for one, text in zip(words, parts[3::3], strict=True))
    match = re.fullmatch(re.escape(parts[0]) + "".join(rest), shown)
    return match is not None and all(
        same_numbers(old, new) or (elsewhere and ends is not None and within(old, *map(float, ends.split())))
        for old, new, ends in zip(match.groups(), words, ranges, strict=True)
    )


def _difference(shown: str, made: str, elsewhere: bool) -> str:
    """The first line that differs."""
    old, new = shown.splitlines(), made.splitlines()
    for one, other in zip(old, new, strict=False):
        if not _is_same(one, other, elsewhere):
            return f"shown {one:.200}, the run has {_plain(other):.200}"
    return f"{len(old)} lines are shown, the run has {len(new)}"
