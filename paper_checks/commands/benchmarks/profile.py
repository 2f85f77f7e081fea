"""What the claims of a run took, for the page about benchmarks."""

import heapq
from collections.abc import Iterable, Mapping, Sequence

from paper_checks.evidence.run import ClaimRecord, JobRecord, Run

LONGEST = 15
WORKERS = (1, 2, 4, 8, 16)
NONE = """\
No record of a run was at hand: `pytest paper_checks -m claims` leaves one, `.evidence/claims.json`.
"""


def profile(run: Run | None) -> str:
    """Processor seconds of a run by group, kind of job and claim, as Markdown."""
    if run is None:
        return NONE
    ran = [claim for claim in run.claims if claim.verdict != "not run"]
    total = seconds_of(ran)
    groups = {name: seconds_of(claim for claim in ran if claim.group == name) for name in run.groups()}
    longest = sorted(ran, key=lambda claim: -claim.seconds)[:LONGEST]
    kinds: dict[str, float] = {}
    for job in jobs_of(ran).values():
        kinds[job.kind] = kinds.get(job.kind, 0.0) + job.seconds
    head = f"""\
The run of {run.written}, commit {run.commit}, on {run.machine}:
{total:.0f} processor seconds in all, {run.seconds:.0f} s from start to end.
A result of a job counts once in all, once in each group and in each claim that rests on it, and a reused one with what
it took when it was made.
"""
    tables = (
        _table("group", groups, total),
        _table("kind of job", dict(sorted(kinds.items(), key=lambda one: -one[1])), total),
        _table(f"claim, the {len(longest)} longest", {claim.id: claim.seconds for claim in longest}, total),
    )
    return "\n".join((head, *tables, _scaling([job.seconds for job in jobs_of(ran).values()])))


def _scaling(seconds: Sequence[float]) -> str:
    """How long the jobs take on more workers, from their times, as Markdown."""
    alone = makespan(seconds, 1)
    rows = [(workers, makespan(seconds, workers)) for workers in WORKERS]
    return f"""\
The {len(seconds)} jobs on more workers, computed from these times and not measured: each worker takes the longest job
that is left when it is free; what jobs wait for each other, and for the checks between them, is not in it.

| workers | seconds | times as fast as one |
| --- | --- | --- |
""" + "".join(f"| {workers} | {took:.1f} | {alone / (took or 1):.2f} |\n" for workers, took in rows)


def makespan(seconds: Iterable[float], workers: int) -> float:
    """When the last of several jobs ends, if each of `workers` takes the longest that is left when it is free."""
    free = [0.0] * workers
    for took in sorted(seconds, reverse=True):
        heapq.heapreplace(free, free[0] + took)
    return max(free)


def jobs_of(claims: Iterable[ClaimRecord]) -> dict[str, JobRecord]:
    """The results on which any of these claims rests, by the hash of their content."""
    return {job.key: job for claim in claims for job in claim.jobs}


def seconds_of(claims: Iterable[ClaimRecord]) -> float:
    """Of the checks of these claims, and of every job of theirs once."""
    several = list(claims)
    checks = sum(claim.seconds - sum(job.seconds for job in claim.jobs) for claim in several)
    return checks + sum(job.seconds for job in jobs_of(several).values())


def _table(name: str, shown: Mapping[str, float], total: float) -> str:
    head = f"| {name} | seconds | share |\n| --- | --- | --- |\n"
    return head + "".join(f"| {one} | {took:.1f} | {took / (total or 1):.0%} |\n" for one, took in shown.items())
