"""What the claims of a run took, for the page about benchmarks."""

from paper_checks.evidence.run import Run

LONGEST = 15
NONE = """\
No record of a run was at hand: `pytest paper_checks -m claims` leaves one, `.evidence/claims.json`.
"""


def profile(run: Run | None) -> str:
    """Seconds by group and of the claims that took longest, as Markdown."""
    if run is None:
        return NONE
    ran = [claim for claim in run.claims if claim.verdict != "not run"]
    total = sum(claim.seconds for claim in ran)
    groups = {name: sum(claim.seconds for claim in ran if claim.group == name) for name in run.groups()}
    longest = sorted(ran, key=lambda claim: -claim.seconds)[:LONGEST]
    shown = {**groups, **{claim.id: claim.seconds for claim in longest}}
    head = f"""\
Seconds that the checks of each claim took by the clock, in the run of {run.written}, commit {run.commit}:
{total:.0f} in all, {run.seconds:.0f} from start to end, on {run.machine}.
Groups, then the {len(longest)} longest claims.

| claims | seconds | share |
| --- | --- | --- |
"""
    return head + "".join(f"| {name} | {took:.1f} | {took / (total or 1):.0%} |\n" for name, took in shown.items())
