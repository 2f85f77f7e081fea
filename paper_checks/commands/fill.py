"""Numbers of a run in README: filled in by claim, statement and statistic, and held against the run.

    paper-checks fill --list E2             the markers of a claim with the numbers of the run, to paste
    paper-checks fill README.md             write the numbers of the run between all markers of the file
    paper-checks fill README.md --check     a line for every number that is not the run's

A marker is a pair of comments that a page does not show, with a number between them:

    <!--E2: P(τ) without F2: max-->0.134<!--/-->

claim, name of the statement, statistic. Within a table | in a name is written \\|. Statistics of trainings are median,
min, max, range (min to max), low, high and interval (of the median), count ("6 of 6"), seeds, share (of all seeds, at
least), pilot (its median); of any comparison exact, threshold, estimate, error, z, detects, numbers. Digits, % and
words are those of what stands there (of an empty marker, three significant digits): write `0.13`, `10 to 14 %`,
`1.3·10⁻⁵` or `below 0.2` once, and fill. Least numbers are rounded down, largest ones up, others to the nearest.

A shown number is stale if it is more than one unit of its last digit off the number that would be filled in: numbers of
trainings depend a little on the rounding of the machine. Counts are compared exactly. A marker that names no statement
of the run is an error; one whose claim was not run is one for --check alone, and is left as it is otherwise.

The ledger's sentences, statement and scope, have placeholders, {P(τ) without F2: max}, or with two digits in percent
{P(τ) without F2: max 2 %}. The report fills them in from the run it is about; a run that lacks such a number fails.

The run is that of `.evidence/claims.json` or --record, by the code at hand. Exit status: 0; 1 if a number is stale or a
marker names nothing; 2 if there is nothing to do or no record.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .groups import Command, refuse
from .options import records

if TYPE_CHECKING:
    from paper_checks.evidence.run import Run


@click.command("fill", cls=Command, help=__doc__)
@click.argument("file", type=click.Path(path_type=Path), required=False)
@records()
@click.option("--check", is_flag=True, help="change nothing, say what is stale")
@click.option("--list", "listed", metavar="CLAIM", help="print the markers of a claim instead")
def command(file: Path | None, records: Sequence[Path], check: bool, listed: str | None) -> int:
    if (file is None) == (listed is None):
        refuse("give a file with markers, such as README.md, or --list CLAIM")
    from paper_checks.evidence.joined import read_runs, require_current

    try:
        run = read_runs(records)
        require_current(run)
        if file is None:
            return _print_markers(run, listed or "")
        text = file.read_text(encoding="utf-8")
    except (ValueError, OSError) as error:
        refuse(error)
    return _check(run, file, text) if check else _fill(run, file, text)


def _print_markers(run: "Run", claim: str) -> int:
    from paper_checks.evidence.filled import marker, statistics, written

    found = [one for one in run.claims if one.id == claim]
    if not found or not found[0].evidence:
        ran = ", ".join(one.id for one in run.claims if one.evidence)
        raise ValueError(f"--list must be a claim with evidence in the run ({ran}), got {claim}")
    for item in found[0].evidence:
        print(item.name)
        for name, statistic in statistics(item).items():
            print(f"  {marker(claim, item.name, name, written(item, statistic))}")
    return 0


def _check(run: "Run", path: Path, text: str) -> int:
    problems, count = found_problems(run, text)
    for line in problems:
        print(line, file=sys.stderr)
    print(f"{path}: {len(problems)} of {count} numbers are not those of the run of {run.written}")
    return 1 if problems else 0


def found_problems(run: "Run", text: str) -> tuple[list[str], int]:
    """A line for every marker whose number is stale or that names nothing, and how many markers there are."""
    from paper_checks.evidence.filled import MARKER, look_up, loose_markers, named_in, stale, written_like

    evidence = {claim.id: claim.evidence for claim in run.claims}
    problems = [f"{comment} has no partner" for comment in loose_markers(text)]
    matches = list(MARKER.finditer(text))
    for claim, name, statistic, shown in map(named_in, matches):
        try:
            found = look_up(evidence.get(claim, ()), name, statistic)
        except ValueError as error:
            problems.append(f"{claim}: {error}")
            continue
        if stale(shown, *found):
            problems.append(f"{claim}: {name}: {statistic}: shown {shown or '(nothing)'}, the run has "
                            f"{written_like(shown, *found)}")  # fmt: skip
    return problems, len(matches)


def _fill(run: "Run", path: Path, text: str) -> int:
    from paper_checks.evidence.filled import MARKER, look_up, loose_markers, marker, named_in, written_like
    from simulate.runtime.files import write_whole

    claims = {claim.id: claim for claim in run.claims}
    problems, left, count = [f"{comment} has no partner" for comment in loose_markers(text)], set(), 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal count
        claim, name, statistic, shown = named_in(match)
        if claim in claims and claims[claim].verdict == "not run":
            left.add(claim)
            return match[0]
        try:
            found = look_up(claims[claim].evidence if claim in claims else (), name, statistic)
        except ValueError as error:
            problems.append(f"{claim}: {error}")
            return match[0]
        count += 1
        return marker(claim, name, statistic, written_like(shown, *found))

    filled = MARKER.sub(replaced, text)
    if filled != text:
        write_whole(path, filled.encode())
    for line in problems:
        print(line, file=sys.stderr)
    print(f"{path}: {count} filled in" + (f"; not run: {', '.join(sorted(left))}" if left else ""))
    return 1 if problems else 0
