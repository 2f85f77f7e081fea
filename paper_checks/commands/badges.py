"""Badges of a run: one picture and one file for shields.io per group of claims and per claim.

    paper-checks badges --out badges                    all of them
    paper-checks badges --groups paper_checks/badges    pictures of the groups alone, as README shows them
    paper-checks badges --check paper_checks/badges     whether these say what the run found

The run is the one that `.evidence/claims.json` holds, the record that every run of the claims leaves, or that of
--record, where several records, of different claims, make one run; it must be of the code at hand, and rest on nothing
that an earlier run kept (--fresh). Its verdicts follow from its evidence: nobody sets them, here or in the record.

Exit status: 0; 1 if a checked badge says anything else than the run; 2 if there is nothing to do or no record, with the
reason on standard error.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .groups import Command, Stopped, refuse
from .options import records

if TYPE_CHECKING:
    from paper_checks.evidence.run import Run

FOLDER = click.Path(path_type=Path)


@click.command("badges", cls=Command, help=__doc__)
@records()
@click.option("--out", type=FOLDER, metavar="DIR", help="write all badges to this folder")
@click.option("--groups", type=FOLDER, metavar="DIR", help="write the pictures of groups to this folder")
@click.option("--check", type=FOLDER, metavar="DIR", help="hold the pictures of groups in this folder to the run")
def command(records: Sequence[Path], out: Path | None, groups: Path | None, check: Path | None) -> int:
    folders = [folder for folder in (out, groups, check) if folder is not None]
    if len(folders) != 1:
        refuse("give one of --out DIR, --groups DIR and --check DIR")
    from paper_checks.evidence.joined import read_runs, require_current
    from paper_checks.report.badges import all_badges, group_pictures, require_fresh
    from paper_checks.report.folder import check_writable

    try:
        if check is None:
            check_writable(folders[0])
        elif not check.is_dir():
            raise ValueError(f"--check must be a folder of badges, got {str(check)!r}")
        run = read_runs(records)
        require_current(run)
        require_fresh(run)
    except (ValueError, OSError) as error:
        refuse(error)
    if check is not None:
        return _check(run, check)
    return _write(group_pictures(run) if out is None else all_badges(run), folders[0])


def _check(run: "Run", folder: Path) -> int:
    from paper_checks.report.badges import differences

    found = differences(run, folder)
    for line in found:
        print(line, file=sys.stderr)
    print(f"{folder}: {len(found)} disagreements with the run")
    return 1 if found else 0


def _write(made: Mapping[str, str], folder: Path) -> int:
    from paper_checks.report.badges import write_badges

    try:
        write_badges(made, folder)
    except ValueError as error:
        refuse(error)
    except OSError as error:
        raise Stopped(f"badges cannot be written to {folder}: {error.strerror or error}") from error
    print(f"{folder}: {len(made)} files")
    return 0
