"""Sentences below the table of a run: how to read a row, and of what strength the comparisons of this run are."""

import math
from collections import Counter
from collections.abc import Iterator

from paper_checks.evidence.comparator import Evidence
from paper_checks.evidence.run import COUNTED, Run

from . import wording
from .rounding import power

_ESTIMATED = ("estimate", "sign", "rate")


def footer(run: Run) -> Iterator[str]:
    """The sentences, each only if the run has evidence that it is about."""
    evidence = [(claim.id, item) for claim in run.claims for item in claim.evidence]
    kinds = Counter(item.kind for _, item in evidence)
    if evidence:
        yield (
            "A row is one comparison of its claim, a failed one if there is any: found =, ≈, < or > expected. used: "
            "how much of its tolerance, 100 % at the alarm; “exact” numbers and inequalities (–) have none. seconds: "
            "of the processor. “1 of 9, 4 beyond, 2 proofs”: one of the claim's 9 comparisons, 4 of them beyond its "
            f"boundary, and 2 tests that prove formulas of it; all {len(evidence)} comparisons are in the record."
        )
        yield from _most_used(evidence)
    if any(kinds[kind] for kind in _ESTIMATED):
        yield _monte_carlo(run, kinds)
    if kinds["replicated"]:
        looks = [len(item.details["boundaries"]["looks"]) for _, item in evidence if item.kind == "replicated"]
        yield _trainings(run, drawn=max(looks) > 1)
    yield from _reuse(run)
    for what, allowed in COUNTED.items():
        if run.design[what] > run.design[allowed]:
            yield f"FAILED: {run.design[what]} {what} exceed the family of {run.design[allowed]} of this design"


def _most_used(evidence: list[tuple[str, Evidence]]) -> Iterator[str]:
    """How near to its alarm the nearest comparison came, of a run in which none disagreed."""
    known = [(item.used, name, item) for name, item in evidence if item.used is not None]
    if known and all(item.passed for _, item in evidence):
        used, name, item = max(known, key=lambda one: one[0])
        most = math.ceil(round(100 * used, 6))  # the row has the nearest per cent, which may be less
        yield f"No comparison used more than {most} %: {name}, {wording.printable(item.name)}."


def _monte_carlo(run: Run, kinds: Counter[str]) -> str:
    design, rules = run.design, []
    if kinds["estimate"]:
        rules.append(f"an estimate raises the alarm beyond {design['critical_z']:.2f} standard errors, or as "
                     "far out in Student's t where they are of few blocks")  # fmt: skip
    if kinds["sign"]:
        rules.append(f"a sign is told beyond {design['critical_z']:.2f} standard errors from 0")
    if kinds["rate"]:
        rules.append("a mean of values in [0, 1] is told from its threshold by an exact bound")
    return (
        f"Monte Carlo: {'; '.join(rules)} ({design['comparisons']} of {design['family']} such comparisons; some false "
        f"alarm in the whole run has probability below {power(design['false_alarm'])})."
    )


def _trainings(run: Run, drawn: bool) -> str:
    """What the row of a statement about trainings says; of seeds that were drawn until it stood or had failed, how
    seldom it fails although it is true: of the trainings that there are nobody knows."""
    design = run.design
    alarm = (
        f"; where seeds are drawn until it is told and nine tenths are, some false alarm in the whole run has "
        f"probability below {power(design['training_false_alarm'])}"
    )
    return (
        "Trainings: found is the median over seeds [its interval], then how many seeds are beyond the threshold. That "
        "half of all seeds are, or the share that the ledger's rule has, is taken for more with probability at most "
        f"{design['training_miss']:g}{alarm if drawn else ''} ({design['trainings']} of {design['training_family']} "
        "statements)."
    )


def _reuse(run: Run) -> Iterator[str]:
    """What of it was not made in this run."""
    jobs = {job.key: job for claim in run.claims for job in claim.jobs}
    reused = [job for job in jobs.values() if job.reused is not None]
    if reused:
        yield (
            f"↺: rests on results that an earlier run of the same code kept, {len(reused)} of {len(jobs)} in all "
            "(in the record, claim by claim); --fresh makes all anew."
        )
