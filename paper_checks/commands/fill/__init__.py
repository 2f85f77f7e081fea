"""Numbers of a run in README and docs, and whole tables: filled in from the run, and held against it.

    paper-checks fill README.md docs/findings/*.md             write what the run and its ledger say into the files
    paper-checks fill README.md docs/findings/*.md --check     a line for every number and block that is not the run's
    paper-checks fill --list E2             the markers of a claim with the numbers of the run, to paste

A block is made whole, between two comments on lines of their own:

    <!-- made: findings T1 -->
    <!-- /made -->

findings GROUP (claim, verdict, what the paper says, what was found), details GROUP (formal statement, where it holds,
what its checks do not show, on what it rests), groups BADGES PAGES (a line per group; folders, as seen from the file),
symbols KEY… (what symbols stand for; all without a key), verdicts (what the words mean), table ID… (rows of the table
that a run prints), grades [GROUP…] (kind of each check, the smallest error that it sees, what it does not show).
Texts are those of the ledger; --check wants them to the letter, and numbers as below. A block with a claim that was not
run, or not selected, and numbers of it, is left as it is, and is an error for --check.

A number in other text stands between two comments, with claim, name of the statement, statistic:

    <!--E2: P(τ) without F2: max-->0.134<!--/-->

Within a table | in a name is written \\|. Statistics of trainings are median, min, max, range (min to max), low, high
and interval (of the median), count ("6 of 6"), seeds, share (of all seeds, at least), pilot (its median); of any
comparison exact, threshold, estimate, error, z, detects, numbers. Digits, % and words are those of what stands there
(of an empty marker, three significant digits): write `0.13`, `10 to 14 %`, `1.3·10⁻⁵` or `below 0.2` once, and fill.
Least numbers are rounded down, largest ones up, others to the nearest.

A shown number is stale if it is more than one unit of its last digit off the number that would be filled in: numbers of
trainings depend a little on the rounding of the machine. Counts are compared exactly. A block that shows numbers of
trainings says on what kind of processor the run was: on another one, which rounds otherwise in hundreds of updates,
they may lie in the range of the run's seeds and as much again on both sides, and a line says so. A marker that names no
statement of the run is an error; one whose claim was not run is one for --check alone, and is left as it is otherwise.

The ledger's sentences, statement, scope and found, have placeholders, {P(τ) without F2: max}, or with two digits in
percent {P(τ) without F2: max 2 %}. Report and blocks fill them in; a run that lacks such a number fails.

The run is that of `.evidence/claims.json` or --record, by the code at hand. Exit status: 0; 1 if something is stale or
a marker or block names nothing; 2 if there is nothing to do or no record.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from paper_checks.commands.groups import Command, Stopped, refuse
from paper_checks.commands.options import records

if TYPE_CHECKING:
    from paper_checks.evidence.run import Run


@click.command("fill", cls=Command, help=__doc__)
@click.argument("files", type=click.Path(path_type=Path), nargs=-1)
@records()
@click.option("--check", is_flag=True, help="change nothing, say what is stale")
@click.option("--list", "listed", metavar="CLAIM", help="print the markers of a claim instead")
def command(files: Sequence[Path], records: Sequence[Path], check: bool, listed: str | None) -> int:
    if bool(files) == (listed is not None):
        refuse("give files with markers or blocks, such as README.md, or --list CLAIM")
    from paper_checks.evidence.joined import read_runs, require_current

    try:
        run = read_runs(records)
        require_current(run)
        if not files:
            return _print_markers(run, listed or "")
        texts = {path: _text(path) for path in files}
    except (ValueError, OSError) as error:
        refuse(error)
    treat = _check if check else _fill
    return max([treat(run, path, text) for path, text in texts.items()])


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} must be a text in UTF-8: {error}") from error


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
    from . import blocks, markers

    found = [part.check(run, text) for part in (markers, blocks)]
    problems, count = [line for one in found for line in one.problems], sum(one.count for one in found)
    _say(path, [line for one in found for line in one.notes] + problems)
    print(f"{path}: {len(problems)} of {count} numbers and blocks are not those of the run of {run.written}")
    return 1 if problems else 0


def _fill(run: "Run", path: Path, text: str) -> int:
    from simulate.runtime.files import write_whole

    from . import blocks, markers

    first = markers.fill(run, text)
    second = blocks.fill(run, first.text)
    if second.text != text:
        try:
            write_whole(path, second.text.encode())
        except OSError as error:
            raise Stopped(f"{path} cannot be written: {error.strerror or error}") from error
    problems, left = first.problems + second.problems, sorted(first.not_run | second.not_run)
    _say(path, problems)
    print(f"{path}: {first.count + second.count} filled in" + (f"; not run: {', '.join(left)}" if left else ""))
    return 1 if problems else 0


def _say(path: Path, problems: Sequence[str]) -> None:
    for line in problems:
        print(f"{path}: {line}", file=sys.stderr)
