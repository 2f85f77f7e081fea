"""Runs of the claims at many base seeds, each in a process of its own, that can be stopped and taken up again."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from paper_checks.evidence.joined import require_current
from paper_checks.evidence.results import SELECT_ALL, TO_THE_END
from paper_checks.evidence.run import IS_RECORD, ClaimRecord, Run, read_run
from simulate.runtime.files import read_json, write_json
from simulate.runtime.outputs import begins, has_keys, require_ours
from simulate.runtime.threads import processors

SUMMARY = "summary.json"
LOG = "paper-checks seeds runs "
"""How a log begins."""
_POLL = 0.1  # seconds


@dataclass(frozen=True)
class SeedRun:
    """What a run at one base seed found. `written` is of its record, empty if it left none; `status` is pytest's exit
    status; `cpu_seconds` are user and system time of all its processes, None where the run was not watched to its end.
    """

    seed: int
    written: str
    status: int | None
    cpu_seconds: float | None
    verdicts: dict[str, str]
    red: list[str]


@dataclass(frozen=True)
class Plan:
    """Which claims are run (as `--claims` names them, and their ids), at which base seeds, how many runs at a time, and
    where their records go."""

    claims: str
    ids: frozenset[str]
    seeds: tuple[int, ...]
    jobs: int
    folder: Path

    def record(self, seed: int) -> Path:
        """The record of the run at a base seed."""
        return self.folder / f"{seed}.json"

    def log(self, seed: int) -> Path:
        """What pytest says in that run."""
        return self.folder / f"{seed}.log"

    def command(self, seed: int) -> list[str]:
        """The run at a base seed: as many training processes as leave each of the runs at a time its processors."""
        processes = max(processors() // self.jobs, 1)
        return ["paper_checks", "-m", "claims", "--claims", self.claims, "--seed", str(seed),
                "--jobs", str(processes), "--evidence", str(self.record(seed))]  # fmt: skip


def check_folder(plan: Plan) -> None:
    """ValueError unless what the runs will write replaces nothing but what earlier ones wrote."""
    is_summary = has_keys("claims", "jobs", "code", "commit", "red", "runs")
    require_ours(plan.folder / SUMMARY, "the summary of runs at base seeds", is_summary)
    for seed in plan.seeds:
        require_ours(plan.record(seed), "the record of a run", IS_RECORD)
        require_ours(plan.log(seed), "the log of a run at a base seed", begins(LOG, "=========="))


def run_seeds(plan: Plan, say: Callable[[str], None], moved: Callable[[], None]) -> list[SeedRun]:
    """Run the claims at every base seed of the plan whose record is not there, in order; the summary is written anew
    after each of them. `say` gets a sentence per seed, `moved` is called when one is done.

    An exception, Ctrl-C included, ends the runs that have begun, which leave no record.
    """
    earlier = _earlier(plan, say)
    found: dict[int, SeedRun] = {}
    for seed in plan.seeds:
        reason = lacking(plan, seed)
        if not reason:
            found[seed] = _kept(plan, seed, earlier.get(seed))
            say(f"{seed}: kept, the record is there: {described(found[seed])}")
            moved()
        elif plan.record(seed).exists():
            say(f"{seed}: run again: {reason}")
    for seed, status, cpu_seconds in _processes(plan, [seed for seed in plan.seeds if seed not in found]):
        found[seed] = _found(plan, seed, status, cpu_seconds)
        _write_summary(plan, found)
        say(f"{seed}: {described(found[seed])}")
        moved()
    _write_summary(plan, found)
    return [found[seed] for seed in plan.seeds]


def lacking(plan: Plan, seed: int) -> str:
    """Why the record of a base seed cannot stand for its run; empty if it is whole, of these claims, at this seed, and
    of the code at hand."""
    path = plan.record(seed)
    if not path.exists():
        return "there is no record"
    try:
        run = read_run(path)
        require_current(run)
    except ValueError as error:
        return str(error)
    if run.seed != seed:
        return f"the record is of --seed {run.seed}"
    left_out = [claim.id for claim in _chosen(plan, run) if claim.reason.endswith((SELECT_ALL, TO_THE_END))]
    unknown = plan.ids - {claim.id for claim in run.claims}
    return f"the record lacks {', '.join([*left_out, *sorted(unknown)])}" if left_out or unknown else ""


def described(run: SeedRun) -> str:
    """A run in few words."""
    seconds = "" if run.cpu_seconds is None else f", {run.cpu_seconds:.0f} CPU seconds"
    return ("; ".join(run.red) if run.red else f"{len(run.verdicts)} claims, none red") + seconds


def _chosen(plan: Plan, run: Run) -> list[ClaimRecord]:
    return [claim for claim in run.claims if claim.id in plan.ids]


def _processes(plan: Plan, seeds: Sequence[int]) -> Iterator[tuple[int, int, float]]:
    """Run pytest at these base seeds, `plan.jobs` at a time: seed, exit status and CPU seconds of each as it ends."""
    waiting, running = list(seeds), dict[int, subprocess.Popen[bytes]]()
    try:
        while waiting or running:
            while waiting and len(running) < plan.jobs:
                running[waiting[0]] = _begin(plan, waiting[0])
                del waiting[0]
            for seed, process in list(running.items()):
                ended, status, used = os.wait4(process.pid, os.WNOHANG)
                if ended:
                    process.returncode = os.waitstatus_to_exitcode(status)
                    del running[seed]
                    yield seed, process.returncode, used.ru_utime + used.ru_stime
            time.sleep(_POLL)
    finally:
        for process in running.values():  # with the processes that train: each run has a group of its own
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def _begin(plan: Plan, seed: int) -> subprocess.Popen[bytes]:
    plan.record(seed).unlink(missing_ok=True)
    with open(plan.log(seed), "wb") as log:
        command = [sys.executable, "-m", "pytest", *plan.command(seed)]
        log.write(f"{LOG}{shlex.join(command)}\n".encode())
        log.flush()
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)


def _found(plan: Plan, seed: int, status: int | None, cpu_seconds: float | None) -> SeedRun:
    """What the record of a run says that ended with this status, if it is known."""
    reason = lacking(plan, seed)
    if reason:
        red = [f"pytest ended with status {status}, {reason}: see {plan.log(seed).name}"]
        return SeedRun(seed, "", status, cpu_seconds, {}, red)
    run = read_run(plan.record(seed))
    chosen = _chosen(plan, run)
    red = [statement for claim in chosen if claim.verdict == "failed" for statement in _failed(claim)]
    if status and not red:
        red = [f"pytest ended with status {status}: see {plan.log(seed).name}"]
    return SeedRun(seed, run.written, status, cpu_seconds, {claim.id: claim.verdict for claim in chosen}, red)


def _failed(claim: ClaimRecord) -> list[str]:
    wrong = [f"{claim.id}: {item.name}: {item.message}" for item in claim.evidence if not item.passed]
    return wrong or [f"{claim.id}: the check itself stopped"]


def _kept(plan: Plan, seed: int, earlier: SeedRun | None) -> SeedRun:
    """A run whose record is there; status and seconds are known if the summary is of the same record."""
    run = _found(plan, seed, None, None)
    return earlier if earlier is not None and earlier.written == run.written else run


def _earlier(plan: Plan, say: Callable[[str], None]) -> Mapping[int, SeedRun]:
    """What the summary says that is there; nothing, which is said, if it is not as it was written."""
    try:
        content = read_json(plan.folder / SUMMARY)
        return {entry["seed"]: SeedRun(**entry) for entry in content["runs"]}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError) as error:
        say(f"exit statuses and seconds of earlier runs are not known: {error}")
        return {}


def _write_summary(plan: Plan, found: Mapping[int, SeedRun]) -> None:
    runs = [read_run(plan.record(seed)) for seed in plan.seeds if seed in found and found[seed].written]
    content = {
        "claims": plan.claims,
        "jobs": plan.jobs,
        "code": _distinct(run.code for run in runs),
        "commit": _distinct(run.commit for run in runs),
        "machine": _distinct(run.machine for run in runs),
        "cpu_seconds": sum(one.cpu_seconds or 0.0 for one in found.values()),
        "red": [seed for seed in plan.seeds if seed in found and found[seed].red],
        "runs": [asdict(found[seed]) for seed in plan.seeds if seed in found],
    }
    write_json(plan.folder / SUMMARY, content)


def _distinct(words: Iterator[str] | Collection[str]) -> list[str]:
    return list(dict.fromkeys(words))
