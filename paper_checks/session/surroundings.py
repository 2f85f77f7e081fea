"""Where a run took place: the code's commit, the machine, the versions of what it used."""

import os
import platform
import shlex
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
import torch

from paper_checks.evidence.design import DESIGN
from paper_checks.evidence.results import Results
from paper_checks.evidence.run import Run
from paper_checks.evidence.training_design import TRAINING

from .failure import depends_on

PACKAGES = ("numpy", "scipy", "sympy", "torch", "transformers")


def new_run(config: pytest.Config, results: Results, seconds: float, code: str) -> Run:
    """The record of a session that ends now; `code` is the hash of the code from when it began."""
    return Run(
        written=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=config.getoption("--seed"),
        command=_printable(shlex.join(["pytest", *config.invocation_params.args])),
        options=_printable(shlex.join(depends_on(config.getoption))),
        commit=commit(config.rootpath),
        code=code,
        machine=machine(),
        seconds=round(seconds, 1),
        versions=versions(),
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
        claims=results.records(),
    )


def commit(folder: Path) -> str:
    """The commit that is checked out in `folder`, and whether files differ from it."""
    try:
        if Path(_git(folder, "rev-parse", "--show-toplevel")).resolve() != folder.resolve():
            return "unknown: no checkout of its own"
        found = _git(folder, "rev-parse", "HEAD")
        return found + (" with changes" if _git(folder, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown: no git, or no checkout"


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()


def _printable(text: str) -> str:
    """Arguments may hold bytes that are no text."""
    return text.encode("utf-8", "backslashreplace").decode()


def machine() -> str:
    """System, processors and GPU."""
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no GPU"
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, {gpu}"


def versions() -> dict[str, str]:
    """Of Python and of the packages that the numbers depend on, as far as they are installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
