"""Where a run took place: the code's commit, the machine, the versions of what it used."""

import os
import platform
import shlex
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

import pytest

from paper_checks.evidence.design import DESIGN
from paper_checks.evidence.ledger import Ledger, as_typed
from paper_checks.evidence.results import Results
from paper_checks.evidence.run import PROCESSOR, Origin, Run
from paper_checks.evidence.training_design import TRAINING
from paper_checks.evidence.trust import commit
from paper_checks.jobs.code import kind_of_processor


def new_run(
    config: pytest.Config, results: Results, seconds: float, code: str, given: Sequence[str], work: dict[str, float]
) -> Run:
    """The record of a session that ends now; `code` is the hash of the code from when it began, `given` are the options
    on which numbers depend, `work` is what its jobs took."""
    return Run(
        written=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=config.getoption("--seed"),
        command=_printable(shlex.join(["pytest", *config.invocation_params.args])),
        options=_printable(shlex.join(given)),
        commit=commit(config.rootpath),
        code=code,
        machine=machine(),
        seconds=round(seconds, 1),
        versions=versions(results.ledger.project.packages) | {PROCESSOR: kind_of_processor()},
        design={
            "false_alarm": DESIGN.false_alarm,
            "miss": DESIGN.miss,
            "family": DESIGN.family,
            "critical_z": DESIGN.critical(),
            "comparisons": results.comparisons,
            "training_false_alarm": TRAINING.false_alarm,
            "training_miss": TRAINING.miss,
            "training_family": TRAINING.family,
            "trainings": results.trainings,
        },
        project=origin(results.ledger),
        claims=results.records(),
        work=work,
    )


def origin(ledger: Ledger) -> Origin:
    """A ledger as a run keeps it."""
    project = ledger.project
    return Origin(
        project.title, project.about, as_typed(ledger.path), ledger.command,
        dict(ledger.groups), dict(ledger.symbols), project.first,
    )  # fmt: skip


def _printable(text: str) -> str:
    """Arguments may hold bytes that are no text."""
    return text.encode("utf-8", "backslashreplace").decode()


def machine() -> str:
    """System, processors and, where the run has loaded torch, the GPU."""
    torch = sys.modules.get("torch")
    known = [f"{platform.system()} {platform.machine()}", f"{os.cpu_count()} processors"]
    if torch is not None:
        known.append(torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no GPU")
    return ", ".join(known)


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Of Python and of these packages, as far as they are installed."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
