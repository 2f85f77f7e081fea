"""Run one part of the claims at another base seed than the default one: part and seed are drawn from the commit.

    paper-checks rotation
    paper-checks rotation --commit 068fa1c35d766c1501912be4b04495680ddb57e9 --show

Every commit thus draws one part of the claims anew, so that no threshold can hold at the default seed alone; the line
that repeats the run is printed before it. Part: the commit's hash modulo their number. Seed: the first eight digits of
the hash, or the next eight if those are the default seed or the pilots'. --show prints the line alone.

Exit status: that of the run; 2 if there is no commit to draw from.
"""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click

from .groups import Command, refuse

ROOT = Path(__file__).resolve().parents[2]
RECORD = Path(".evidence") / "rotation.json"
PARTS = ("T1", "T2", "T3", "T4", "G", "B", "E1,E2,E3,E4,E5,E6", "E7,E8,E9", "P")
"""The groups; E, whose trainings take longer than all else together, in two parts."""


@click.command("rotation", cls=Command, help=__doc__)
@click.option("--commit", "given", metavar="HASH", help="draw from this commit (default: the one checked out)")
@click.option("--record", type=click.Path(path_type=Path), default=RECORD, metavar="FILE", help="record of the run")
@click.option("--show", is_flag=True, help="print the line that would be run, and run nothing")
def command(given: str | None, record: Path, show: bool) -> int:
    from paper_checks.evidence.trust import commit
    from paper_checks.report.folder import check_writable

    found = commit(ROOT).partition(" ")[0] if given is None else given
    if not re.fullmatch("[0-9a-f]{40}", found):
        refuse(f"--commit must be the 40 digits of a commit, got {found!r}; outside a checkout it must be given")
    try:
        if record.is_dir():
            raise ValueError(f"{record} must be a file, it is a folder")
        check_writable(record.parent)
    except ValueError as error:
        refuse(f"--record: {error}")
    words = ["verify", *drawn(found), "--evidence", str(record)]
    print(f"drawn from commit {found}; to repeat it:\n{shlex.join(['paper-checks', *words])}", flush=True)
    if show:
        return 0
    return subprocess.run([sys.executable, "-m", "paper_checks", *words], cwd=ROOT, check=False).returncode


def drawn(commit: str) -> list[str]:
    """The options that run a part of the claims at a base seed, both drawn from a commit."""
    from paper_checks.evidence import DEFAULT_SEED
    from paper_checks.evidence.training_design import PILOT_SEED

    seeds = (int(commit[start : start + 8], 16) for start in range(0, 40, 8))
    seed = next(seed for seed in seeds if seed not in (DEFAULT_SEED, PILOT_SEED))
    part = PARTS[int(commit, 16) % len(PARTS)]
    return ["--claims", part, "--seed", str(seed)]
