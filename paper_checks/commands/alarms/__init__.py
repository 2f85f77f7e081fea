"""Measure the false alarms of the Monte Carlo checks over many base seeds, and hold their z against the normal law.

    paper-checks alarms --seeds 300
    paper-checks alarms --claims T3.1 --seeds 1000 --seconds 60

Run are all checks of the claims that compare with a standard error, but those about trainings, in warm processes, from
base seed 1 on. What was found at a base seed is kept: the same command goes on where it was stopped. The checks that
make most comparisons for a second are run at all base seeds, as many as take --seconds together; others at --others.
z values that are independent by construction, one of each sample and base seed, are tested for law, mean and variance,
all together and by kind of comparison; --record keeps the numbers in paper_checks/recorded/trust/false_alarms.json.

Exit status: 0; 1 if a comparison failed or z values are not normal; 2 for arguments that cannot be used; 130 on Ctrl-C.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from paper_checks.commands.groups import Command, Interrupted, refuse, table_console
from paper_checks.commands.options import Amount, count

if TYPE_CHECKING:
    from .measured import Measured

GROUPS = "T1,T2,T3,T4,G,B"


@click.command("alarms", cls=Command, help=__doc__)
@click.option("--claims", default=GROUPS, metavar="ID|GROUP,...", help="the claims, as of paper-checks verify")
@count("seeds", 2, None, 300, "base seeds")
@count("others", 0, None, 40, "base seeds of the checks that take longest for a comparison")
@click.option("--seconds", type=Amount(0), default=10.0, help="of a processor for a base seed of the first")
@count("processes", 1, None, 1, "processes, one thread each; no number depends on it")
@click.option("--record", is_flag=True, help="keep the numbers among the records of trust")
def command(claims: str, seeds: int, others: int, seconds: float, processes: int, record: bool) -> int:
    from .measured import write

    found = _measure(claims, seeds, min(others, seeds), seconds, processes)
    _print(found)
    if record:
        options = f"--seeds {seeds} --others {others} --seconds {seconds:g}"
        options += "" if claims == GROUPS else f" --claims {claims}"
        print(f"Record: {write(found, f'paper-checks alarms {options} --record')}")
    return 0 if not found.failures and found.is_normal else 1


def _measure(claims: str, seeds: int, others: int, seconds: float, processes: int) -> "Measured":
    import pytest

    from paper_checks.jobs import local
    from paper_checks.project import own_ledger
    from paper_checks.session.options import chosen_claims

    from .measured import Part, measured
    from .plan import base_seeds, observations, split, units_of

    ledger = own_ledger()
    try:
        ids = frozenset(chosen_claims(claims, ledger.claims))
    except pytest.UsageError as error:
        refuse(error)
    try:
        with local(processes) as runner:
            units = units_of(ledger, ids, runner)
            if not units:
                refuse(f"--claims must name a claim that compares with a standard error, got {claims!r}")
            parts = [
                Part(*one) for one in zip(split(units, seconds), (base_seeds(seeds), base_seeds(others)), strict=True)
            ]
            for part in parts:
                _say(part.units, len(part.seeds))
                part.found += observations(part.units, part.seeds, runner)
    except KeyboardInterrupt:
        raise Interrupted("interrupted; the same command goes on with the base seeds that are not kept") from None
    return measured(*parts)


def _say(units: Sequence[object], seeds: int) -> None:
    comparisons, taken = (sum(getattr(unit, name) for unit in units) for name in ("comparisons", "seconds"))
    if units and seeds:
        print(f"{comparisons} comparisons at {seeds} base seeds, {taken:.1f} s each", flush=True)


def _print(found: "Measured") -> None:
    from rich.table import Table

    from .measured import sentences, table

    shown = Table("claim", "z values", "variance", "beyond 2, %", "beyond 3, %", "beyond 4, %")
    for row in table(found):
        shown.add_row(*row)
    table_console().print(shown)
    tested = found.tests
    print(f"{found.comparisons} comparisons, {len(found.failures)} failed")
    print(f"{tested.number} independent z values: p = {tested.law:.2g} (Kolmogorov-Smirnov), "
          f"{tested.mean:.2g} (mean), {tested.variance:.2g} (variance)")  # fmt: skip
    print(f"{len(found.kinds)} kinds of comparison, {len(found.deviating)} not normal")
    print("\n".join(sentences(found)))
