"""Run the claims, or some of them, and say whether theory agrees with what happens.

    paper-checks verify
    paper-checks verify --claims T1.4
    paper-checks verify --claims T1,T3.2 --seed 7 --report report
    paper-checks verify -k pythia --model EleutherAI/pythia-160m

This is `pytest -m claims` on the claims of the installed package: all options are pytest's, those of the claims among
them: --claims, --seed, --jobs, --report, --evidence, --scale, --device, --model, --revision, --checkpoints, --gsm8k.
`paper-checks verify -- --help` has pytest describe them all. The record of a run is .evidence/claims.json.

Exit status: pytest's, 0 if all claims that were run hold.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from .groups import Command

CLAIMS = Path(__file__).resolve().parents[1] / "claims"
CHECKOUT = CLAIMS.parents[1] / "pyproject.toml"


@click.command("verify", cls=Command, help=__doc__, context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[PYTEST OPTIONS]")
def command(options: Sequence[str]) -> NoReturn:
    """Become pytest, which thus has Ctrl-C and the exit status for itself."""
    arguments = [sys.executable, "-m", "pytest", *pytest_arguments(options)]
    sys.stdout.flush()
    os.execv(sys.executable, arguments)


def pytest_arguments(options: Sequence[str]) -> list[str]:
    """What pytest is given: the folder of the claims, as it is seen from here, and the options. Away from a checkout
    this folder is where pytest keeps what it keeps."""
    here = Path.cwd().resolve()
    folder = CLAIMS.relative_to(here) if here in CLAIMS.parents else CLAIMS
    root = [] if CHECKOUT.exists() else ["--rootdir", "."]
    return [str(folder), "-m", "claims", *root, *options]
