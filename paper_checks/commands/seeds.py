"""Run the claims at many base seeds, each in a process of its own, and say at which seeds a claim is red.

    paper-checks seeds --claims E,B4,B5,B6,P --seeds 7,11 --jobs 2 --out seeds

Each run is `pytest paper_checks -m claims --claims … --seed S --evidence OUT/S.json`; what pytest says is in OUT/S.log.
A seed whose record is there, whole, at this seed and of the code at hand is not run again, so that a command that was
stopped is typed again to go on; a record of other code is said and run again. OUT/summary.json has, by seed, the
verdicts, the red statements and the CPU seconds (user and system, of all processes of the run). Started from the
project's root, on a Unix system.

Exit status: 0; 1 if a claim is red at some seed, or a run left no record; 2 for arguments that cannot be used; 130 if
it was stopped (Ctrl-C, or SIGTERM): the runs that had begun leave no record.
"""

import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from .groups import Command, Interrupted, Stopped, refuse, table_console
from .options import Integers, count

if TYPE_CHECKING:
    from .seed_runs import Plan, SeedRun

HERE = Path(__file__).resolve().parents[1]


@click.command("seeds", cls=Command, help=__doc__)
@click.option("--claims", required=True, metavar="ID|GROUP,...", help="the claims, as of paper-checks verify")
@click.option("--seeds", type=Integers(), required=True, help="base seeds, each at most once")
@count("jobs", 1, None, 1, "runs at a time")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, metavar="FOLDER", help="where records and summary go"
)
def command(claims: str, seeds: tuple[int, ...], jobs: int, out: Path) -> int:
    from simulate.runtime.alone import alone

    from .seed_runs import SUMMARY, check_folder

    try:
        plan = _plan(claims, seeds, jobs, out)
        check_folder(plan)
        plan.folder.mkdir(parents=True, exist_ok=True)
    except (ValueError, OSError) as error:
        refuse(error)
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with alone(plan.folder / SUMMARY):
            return _run(plan)
    except KeyboardInterrupt:
        again = "stopped; the same command goes on with the seeds whose record is not there"
        raise Interrupted(again) from None
    except OSError as error:
        raise Stopped(f"{plan.folder} cannot be written to: {error.strerror or error}") from error
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _plan(claims: str, seeds: tuple[int, ...], jobs: int, out: Path) -> "Plan":
    import pytest

    from paper_checks.project import load_claims
    from paper_checks.session.options import chosen_claims

    from .seed_runs import Plan

    if Path("paper_checks").resolve() != HERE:
        raise ValueError("the command must be started from the project's root, the folder of paper_checks")
    _check_seeds(seeds)
    try:
        ids = frozenset(chosen_claims(claims, load_claims()))
    except pytest.UsageError as error:
        raise ValueError(str(error)) from error
    return Plan(claims, ids, seeds, jobs, out)


def _check_seeds(seeds: tuple[int, ...]) -> None:
    from paper_checks.session.options import check_seed

    if len(set(seeds)) < len(seeds):
        raise ValueError(f"--seeds must have each seed once, got {','.join(map(str, seeds))}")
    for seed in seeds:
        try:
            check_seed(seed)
        except ValueError as error:
            raise ValueError(f"--seeds: {error}") from error


def _run(plan: "Plan") -> int:
    from simulate.runtime.streaming import progress_bar

    from .seed_runs import run_seeds

    with progress_bar(len(plan.seeds), 1, None, "base seeds", long=0) as advance:
        runs = run_seeds(plan, lambda words: print(words, flush=True), lambda: advance(1))
    _print_table(runs)
    red = sum(bool(run.red) for run in runs)
    known = [run.cpu_seconds for run in runs if run.cpu_seconds is not None]
    print(f"{len(runs)} base seeds, {red} red; {sum(known):.0f} CPU seconds of {len(known)} of them")
    return 1 if red else 0


def _print_table(runs: Sequence["SeedRun"]) -> None:
    from rich.table import Table

    from paper_checks.evidence.verdicts import counted

    table = Table("seed", "verdicts", "red")
    table.add_column("CPU s", justify="right")
    for run in runs:
        seconds = "" if run.cpu_seconds is None else f"{run.cpu_seconds:.0f}"
        table.add_row(str(run.seed), counted(run.verdicts.values()), "\n".join(run.red), seconds)
    table_console().print(table)
