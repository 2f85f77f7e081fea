"""Badges of a run: one picture and one file for shields.io per group of claims and per claim.

    python -m paper_checks badges --out badges              all of them
    python -m paper_checks badges --groups paper_checks/badges   pictures of the groups alone, as README shows them
    python -m paper_checks badges --check paper_checks/badges --table README.md    whether both say what the run found

The run is the one that `.evidence/claims.json` holds, the record that every run of the claims leaves, or that of
--record, where several records, of different claims, make one run; it must be of the code at hand. Its verdicts follow
from its evidence: nobody sets them, here or in the record.

Exit status: 0; 1 if a checked badge says anything else than the run; 2 if there is nothing to do or no record, with the
reason on standard error.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .report import add_record


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, or raises SystemExit(2) for arguments that cannot be used."""
    parser = argparse.ArgumentParser(
        prog="paper_checks badges", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_record(parser)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=Path, metavar="DIR", help="write all badges to this folder")
    what.add_argument("--groups", type=Path, metavar="DIR", help="write the pictures of groups to this folder")
    what.add_argument("--check", type=Path, metavar="DIR", help="hold the pictures of groups in this folder to the run")
    parser.add_argument("--table", type=Path, metavar="FILE", help="with --check: a Markdown table of verdicts as well")
    options = parser.parse_args(arguments)
    if options.table is not None and options.check is None:
        parser.error("--table is checked with --check DIR, which is not given")
    from paper_checks.evidence.joined import read_runs, require_current
    from paper_checks.report.badges import all_badges, differences, group_pictures, table_differences, write_badges

    try:
        run = read_runs(options.record)
        require_current(run)
        text = options.table.read_text(encoding="utf-8") if options.table else ""
    except (ValueError, OSError) as error:
        parser.error(str(error))
    if options.check is not None:
        found = differences(run, options.check) + (table_differences(run, text) if options.table else [])
        for line in found:
            print(line, file=sys.stderr)
        print(f"{options.check}: {len(found)} disagreements with the run")
        return 1 if found else 0
    made, folder = (all_badges(run), options.out) if options.out else (group_pictures(run), options.groups)
    try:
        write_badges(made, folder)
    except OSError as error:
        parser.exit(2, f"badges cannot be written to {folder}: {error.strerror or error}\n")
    print(f"{folder}: {len(made)} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
