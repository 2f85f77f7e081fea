"""What a run leaves: its record, its report, and lines at its end."""

from collections.abc import Callable
from pathlib import Path

import pytest

from paper_checks.evidence.run import Run
from simulate.runtime.files import write_json

from .options import record_path

NOTES = pytest.StashKey[list[str]]()
"""Lines at the end of the run."""


def keep_run(session: pytest.Session, run: Run, whole: bool) -> None:
    """Write the record, and the report that was asked for; what cannot be written fails the run in one line."""
    path, folder = record_path(session.config, whole), session.config.getoption("--report")
    keep(session, f"the record {path}", lambda: write_record(session, run, path))
    if folder is not None:
        keep(session, f"the report {folder}", lambda: write_report_of(session, run, folder))


def fail(session: pytest.Session, why: str) -> None:
    """The run has failed: a line at its end that says why."""
    session.config.stash[NOTES].append(f"FAILED: {why}")
    session.exitstatus = pytest.ExitCode.TESTS_FAILED


def write_record(session: pytest.Session, run: Run, path: Path) -> None:
    """Write the record of a run."""
    write_json(path, run.as_dict())
    session.config.stash[NOTES].append(f"Record: {path}")


def write_report_of(session: pytest.Session, run: Run, folder: Path) -> None:
    """Write the report of a run; pictures that cannot be drawn fail it."""
    from paper_checks.report.written import write_report

    troubles = write_report(run, folder)
    session.config.stash[NOTES].append(f"Report: {folder / 'index.html'}")
    for trouble in troubles:
        fail(session, trouble)


def keep(session: pytest.Session, what: str, write: Callable[[], None]) -> None:
    """Write a file or folder; if that cannot be done the run has failed, with one line that says why."""
    try:
        write()
    except (OSError, ValueError, ImportError) as error:
        reason = getattr(error, "strerror", None) or error
        fail(session, f"{what} cannot be written: {reason}")
    except KeyboardInterrupt:
        session.config.stash[NOTES].append(f"interrupted while writing {what}: the earlier one or the new one is whole")
        session.exitstatus = pytest.ExitCode.INTERRUPTED
