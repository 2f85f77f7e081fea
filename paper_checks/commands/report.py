"""Write a run as a page for people, with pictures, into a folder that opens from disk.

    paper-checks report --out report
    paper-checks report --record theory.json --record trainings.json --pictures none --out report
    paper-checks report --against before.json --out report

The run is the one that `.evidence/claims.json` holds, the record that every run of the claims leaves, or that of
--record, where several records, of different claims by the same code, make one run. Pictures are drawn anew with the
run's seed (five minutes: transformers are trained for some of them); `pytest paper_checks -m claims --report DIR`
writes the same page after a run and draws from what the run has in memory. Pictures and derivations need a run of the
code at hand. With --against, the record of another run, of whatever code and seed, the page says what changed since:
verdicts, comparisons that are new or gone, and numbers that moved by more than their error.

Exit status: 0; 1 if a claim of the run failed or a picture could not be drawn (the report is written); 2 if there is no
report, with the reason on standard error; 130 on Ctrl-C. A report of before stays whole unless the new one is.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from paper_checks.report import REPORT_PACKAGES

from .groups import Command, Interrupted, Stopped, refuse
from .options import records


@click.command("report", cls=Command, help=__doc__)
@records()
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="folder of the report")
@click.option(
    "--against", type=click.Path(path_type=Path), metavar="FILE", help="record of a run of before: what changed since"
)
@click.option("--pictures", type=click.Choice(["all", "none"]), default="all", help="whether there are pictures")
def command(records: Sequence[Path], out: Path, against: Path | None, pictures: str) -> int:
    try:
        from paper_checks.evidence.joined import read_runs, require_current
        from paper_checks.report.folder import check_folder

        check_folder(out)
        before = None if against is None else read_runs([against])
        run = read_runs(records)
        if pictures == "all":
            require_current(run)
        from paper_checks.report.written import write_report

        troubles = write_report(run, out, pictures, before)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in REPORT_PACKAGES:
            raise
        raise Stopped(f"the report needs {error.name}: pip install -e '.[report]'") from error
    except ValueError as error:
        refuse(error)
    except OSError as error:
        raise Stopped(f"the report {out} cannot be written: {error.strerror or error}") from error
    except KeyboardInterrupt:
        raise Interrupted("interrupted; no report written") from None
    for trouble in troubles:
        print(trouble, file=sys.stderr)
    print(f"{out / 'index.html'}: {len(run.claims)} claims")
    return 1 if troubles or any(claim.verdict == "failed" for claim in run.claims) else 0
