"""Measure the false alarms of the Monte Carlo checks over many base seeds, and hold their z against the normal law.

    paper-checks alarms --seeds 300
    paper-checks alarms --claims T3.1 --seeds 1000 --others 1000

Run are all checks of the claims that compare with a standard error, but those about trainings, in warm processes,
seed after seed from 1. What was found at a seed is kept: the same command goes on where it was stopped. Checks that
give most z values for a second are run at all base seeds, as many as take --seconds together; the others at --others.

Exit status: 0; 1 if a comparison failed at some seed; 2 for arguments that cannot be used; 130 on Ctrl-C.
"""

import click

from paper_checks.commands.groups import Command, Interrupted, refuse
from paper_checks.commands.options import count


@click.command("alarms", cls=Command, help=__doc__)
@click.option(
    "--claims", default="T1,T2,T3,T4,G,B", metavar="ID|GROUP,...", help="the claims, as of paper-checks verify"
)
@count("seeds", 2, None, 300, "base seeds")
@count("others", 0, None, 40, "base seeds of the checks that take longest")
@click.option("--seconds", type=click.FloatRange(0), default=10.0, help="of the processor for one base seed of all")
@count("processes", 1, None, 1, "processes, one thread each; no number depends on it")
def command(claims: str, seeds: int, others: int, seconds: float, processes: int) -> int:
    import pytest

    from paper_checks.jobs import local
    from paper_checks.project import own_ledger
    from paper_checks.session.options import chosen_claims

    from .plan import base_seeds, observations, split, units_of

    ledger = own_ledger()
    try:
        ids = frozenset(chosen_claims(claims, ledger.claims))
    except pytest.UsageError as error:
        refuse(error)
    try:
        with local(processes) as runner:
            units = units_of(ledger, ids, runner)
            common, rest = split(units, seconds)
            for part, number in ((common, seeds), (rest, min(others, seeds))):
                comparisons, taken = sum(one.comparisons for one in part), sum(one.seconds for one in part)
                print(f"{comparisons} comparisons at {number} base seeds, {taken:.1f} s each", flush=True)
                red = 0
                for place, found in enumerate(observations(part, base_seeds(number), runner)):
                    failed = [one for unit in found for one in unit if not one.passed]
                    for one in failed:
                        print(f"seed {base_seeds(number)[place]}: {one.claim}: {one.name}", flush=True)
                    red += len(failed)
                print(f"{red} red", flush=True)
    except KeyboardInterrupt:
        raise Interrupted("interrupted; the same command goes on") from None
    return 0
