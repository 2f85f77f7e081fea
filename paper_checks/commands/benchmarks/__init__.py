"""Measure the benchmarks of the checkout and write the page about them.

    paper-checks benchmarks --out docs/benchmarks.md
    paper-checks benchmarks --measured measured.json --out page.md    of what pytest --benchmark-json measured earlier

The page has the machine, the ratios and the target of each, times, how time grows with sizes, and what the claims of
--record took, if that record is there. Five minutes on two cores; leave the machine alone meanwhile.

Exit status: 0; 1 if a benchmark fails, and no page is written; 2 for what cannot be done; 130 on Ctrl-C.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from paper_checks.commands.groups import Command, Stopped, refuse
from paper_checks.commands.options import records

CHECKOUT = Path(__file__).resolve().parents[3]
FOLDERS = ("tests/benchmarks", "tests/scaling")


@click.command("benchmarks", cls=Command, help=__doc__)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="the page, in Markdown")
@click.option(
    "--measured", type=click.Path(path_type=Path), metavar="FILE", help="JSON of pytest-benchmark; no new run"
)
@records()
def command(out: Path, measured: Path | None, records: Sequence[Path]) -> int:
    if not out.parent.is_dir():
        refuse(f"--out must be a file in a folder that exists, got {str(out)!r}")
    if measured is not None:
        return _write(out, measured, records)
    if not (CHECKOUT / FOLDERS[0]).is_dir():
        refuse("benchmarks are measured in a checkout, which has tests/benchmarks")
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "measured.json"
        words = [sys.executable, "-m", "pytest", *FOLDERS, "--benchmark-only", f"--benchmark-json={found}", "-q"]
        if subprocess.run(words, cwd=CHECKOUT, check=False).returncode != 0:
            print("a benchmark failed: no page is written", file=sys.stderr)
            return 1
        return _write(out, found, records)


def _write(out: Path, measured: Path, records: Sequence[Path]) -> int:
    from paper_checks.evidence.joined import read_runs
    from simulate.runtime.files import write_whole

    from .measured import read_measured
    from .page import page

    try:
        there = [path for path in records if path.exists()]
        run = read_runs(there) if there else None
        text = page(read_measured(measured), run)
    except ValueError as error:
        refuse(error)
    try:
        write_whole(out, text.encode())
    except OSError as error:
        raise Stopped(f"the page cannot be written to {out}: {error.strerror or error}") from error
    print(f"{out}: written")
    return 0
