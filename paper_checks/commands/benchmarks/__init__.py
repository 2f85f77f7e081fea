"""Measure the benchmarks of the checkout and write the page about them.

    paper-checks benchmarks --out docs/benchmarks.md
    paper-checks benchmarks --measured measured.json --out page.md    of what pytest --benchmark-json measured earlier

The page has the machine, the ratios and the target of each, times, how time grows with sizes, and what the claims of
--record took; without it, those of the last run, if there is one. Everything is measured --passes times, two minutes
each on two quiet cores.

Exit status: 0; 1 if a benchmark fails, and no page is written; 2 for what cannot be done; 130 on Ctrl-C.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from paper_checks.commands.groups import Command, Stopped, refuse
from paper_checks.commands.options import RECORD, count, records

if TYPE_CHECKING:
    from paper_checks.evidence.run import Run

CHECKOUT = Path(__file__).resolve().parents[3]
FOLDERS = ("tests/benchmarks", "tests/scaling")
FILE = click.Path(path_type=Path)


@click.command("benchmarks", cls=Command, help=__doc__)
@click.option("--out", type=FILE, required=True, metavar="FILE", help="the page, in Markdown")
@count("passes", 1, 100, 3, "runs of pytest-benchmark; ratios and times are medians over them")
@click.option("--measured", type=FILE, multiple=True, metavar="FILE", help="runs that are there, in place of new ones")
@records()
def command(out: Path, passes: int, measured: Sequence[Path], records: Sequence[Path]) -> int:
    if out.is_dir() or not out.parent.is_dir():
        refuse(f"--out must be a file in a folder that exists, got {str(out)!r}")
    _require_page(out)
    run = _run_of(records)
    if measured:
        return _write(out, measured, run)
    if not (CHECKOUT / FOLDERS[0]).is_dir():
        refuse("benchmarks are measured in a checkout, which has tests/benchmarks")
    with tempfile.TemporaryDirectory() as folder:
        found = [Path(folder) / f"{number}.json" for number in range(passes)]
        for path in found:
            words = [sys.executable, "-m", "pytest", *FOLDERS, "--benchmark-only", f"--benchmark-json={path}", "-q"]
            if subprocess.run(words, cwd=CHECKOUT, check=False).returncode != 0:
                print("a benchmark failed: no page is written", file=sys.stderr)
                return 1
        return _write(out, found, run)


def _require_page(out: Path) -> None:
    """End the command if there is another file than such a page."""
    from simulate.runtime.outputs import begins, require_ours

    try:
        require_ours(out, "the page of benchmarks", begins("# Benchmarks\n\nWritten by `paper-checks benchmarks "))
    except (ValueError, OSError) as error:
        refuse(error)


def _run_of(records: Sequence[Path]) -> "Run | None":
    """The run that the page tells of; None where none is named and none is in its usual place."""
    from paper_checks.evidence.joined import read_runs

    named = [path for path in records if path != RECORD or path.exists()]
    try:
        return read_runs(named) if named else None
    except (ValueError, OSError) as error:
        refuse(error)


def _write(out: Path, measured: Sequence[Path], run: "Run | None") -> int:
    from simulate.runtime.files import write_whole

    from .measured import read_measured
    from .page import page

    try:
        text = page([read_measured(path) for path in measured], run)
    except ValueError as error:
        refuse(error)
    try:
        write_whole(out, text.encode())
    except OSError as error:
        raise Stopped(f"the page cannot be written to {out}: {error.strerror or error}") from error
    print(f"{out}: written")
    return 0
