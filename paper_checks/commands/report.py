"""Write a run as a page for people, with pictures, into a folder that opens from disk.

    python -m paper_checks report --out report
    python -m paper_checks report --record theory.json trainings.json --pictures none --out report

The run is the one that `.evidence/claims.json` holds, the record that every run of the claims leaves, or that of
--record, where several records, of different claims by the same code, make one run. Pictures are drawn anew with the
run's seed (five minutes: transformers are trained for some of them); `pytest paper_checks -m claims --report DIR`
writes the same page after a run and draws from what the run has in memory. Pictures need a run of the code at hand.

Exit status: 0; 1 if a claim of the run failed or a picture could not be drawn (the report is written); 2 if there is no
report, with the reason on standard error; 130 on Ctrl-C. A report of before stays whole unless the new one is.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

RECORD = Path(".evidence") / "claims.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, or raises SystemExit(2) for arguments that cannot be used."""
    parser = argparse.ArgumentParser(
        prog="paper_checks report", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_record(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the report")
    parser.add_argument("--pictures", choices=("all", "none"), default="all", help="default: all")
    options = parser.parse_args(arguments)
    try:
        from paper_checks.evidence.joined import read_runs, require_current
        from paper_checks.report.folder import check_folder

        check_folder(options.out)
        run = read_runs(options.record)
        if options.pictures == "all":
            require_current(run)
        from paper_checks.report.written import write_report

        troubles = write_report(run, options.out, options.pictures)
    except ModuleNotFoundError as error:
        parser.exit(2, f"the report needs {error.name}: pip install -e '.[report]'\n")
    except ValueError as error:
        parser.error(str(error))
    except OSError as error:
        parser.exit(2, f"the report {options.out} cannot be written: {error.strerror or error}\n")
    except KeyboardInterrupt:
        print("interrupted; no report written", file=sys.stderr)
        return 130
    for trouble in troubles:
        print(trouble, file=sys.stderr)
    print(f"{options.out / 'index.html'}: {len(run.claims)} claims")
    return 1 if troubles or any(claim.verdict == "failed" for claim in run.claims) else 0


def add_record(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the option that names a run, or runs of different claims."""
    described = f"record of a run; several, of different claims by the same code, make one run (default: {RECORD})"
    parser.add_argument("--record", type=Path, nargs="+", default=[RECORD], metavar="FILE", help=described)


if __name__ == "__main__":
    sys.exit(main())
