"""The table at the end of a run: one line per claim, at most 100 columns."""

import textwrap
from collections.abc import Iterator, Mapping
from itertools import groupby

from paper_checks.evidence.comparator import Evidence
from paper_checks.evidence.results import NOT_SELECTED
from paper_checks.evidence.run import COUNTED, ClaimRecord, Run
from paper_checks.evidence.verdicts import counted

from .wording import detects, estimated, number, tolerance

COLUMNS = 100
_SPAN = 21
_ESTIMATE = 27
_WIDTHS = f"{'id':<9} {'verdict':<9} {'exact':>12} {'estimate ± standard error':>{_ESTIMATE}} {'z':>6} {'detects':>8}"
HEADER = f"{_WIDTHS} {'used':>5} {'seconds':>8}  checked"
SECONDS = slice(HEADER.index("used") + 4, HEADER.index("seconds") + 7)
"""Where a row has them: every run takes others."""
VERDICT = HEADER.index("verdict")
"""Where a row has its verdict; text beside an id begins farther right."""


REUSED = "↺"
"""Before what was checked, in rows that rest on results of earlier runs."""


def used(item: Evidence) -> str:
    """How much of its tolerance a comparison used; empty if it has none."""
    return "" if item.used is None else tolerance(item).replace(" ", "")


def _score(item: Evidence) -> str:
    if item.kind == "replicated":
        return f"{item.details['holds']}/{item.numbers}"
    return "" if item.z is None else f"{item.z:+.2f}"


def _detects(item: Evidence) -> str:
    return "" if item.detectable is None else detects(item).removeprefix("shift of ").replace(" ", "")


def row(claim: ClaimRecord) -> str:
    """The line of a claim that was run."""
    start, shown = f"{claim.id:<9} {claim.verdict:<9} ", claim.headline
    if shown is None:
        return start + "(no evidence was recorded)"
    return (
        f"{start}{number(shown.exact):>12} {estimated(shown, _ESTIMATE):>{_ESTIMATE}} {_score(shown):>6} "
        f"{_detects(shown):>8} {used(shown):>5} {claim.seconds:>8.2f} {REUSED if claim.reused else ' '}{claim.numbers}"
    )


def _not_run(run: Run) -> Iterator[str]:
    """Claims that were not run, with what to do about it: an entry for neighbours of one group with one reason, and one
    for all that were not selected."""
    missing = [claim for claim in run.claims if claim.verdict == "not run"]
    others = [claim for claim in missing if claim.reason == NOT_SELECTED]
    for (_, reason), span in groupby(
        (claim for claim in missing if claim not in others), lambda claim: (claim.group, claim.reason)
    ):
        names = [claim.id for claim in span]
        yield from _spanned(names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}", f"not run: {reason}")
    if others:
        yield from _spanned(f"{len(others)} others", f"not run: {NOT_SELECTED}")


def _spanned(span: str, text: str) -> list[str]:
    """Text beside a span of ids, on as many lines as it takes."""
    indent = " " * (_SPAN + 1)
    return textwrap.wrap(
        text, COLUMNS, initial_indent=f"{span:<{_SPAN}} ", subsequent_indent=indent, break_on_hyphens=False
    )


def render(run: Run) -> Iterator[str]:
    """Lines of the table, the counts, and how to read it."""
    yield HEADER
    yield "-" * COLUMNS
    for claim in run.claims:
        if claim.verdict != "not run":
            yield row(claim)
    for claim in run.claims:
        if claim.verdict == "recorded":
            yield from _spanned(claim.id, claim.recorded or "")
    yield from _not_run(run)
    yield "-" * COLUMNS
    yield counted(claim.verdict for claim in run.claims)
    yield from _reuse(run)
    yield from _designs(run.design)


def _reuse(run: Run) -> Iterator[str]:
    """What of it was not made in this run."""
    jobs = {job.key: job for claim in run.claims for job in claim.jobs}
    reused = [job for job in jobs.values() if job.reused is not None]
    if reused:
        words = (
            f"{REUSED}: rests on results that an earlier run of the same code kept, {len(reused)} of {len(jobs)} in all"
        )
        yield from textwrap.wrap(f"{words} (in the record, claim by claim); --fresh makes all anew.", COLUMNS)


def _designs(design: Mapping[str, float]) -> Iterator[str]:
    """How to read the table: what is shown, and the two designs with what the run used of them."""
    counts = {what: f"{design[what]} of {design[allowed]}" for what, allowed in COUNTED.items()}
    for words in (
        "Shown: the comparison of each claim that used most of its tolerance, 100% at its alarm; failed ones first. "
        "seconds: of the processor. checked: numbers, all in the record.",
        f"Monte Carlo: z is the error in standard errors, alarm beyond {design['critical_z']:.2f}; detects: smallest "
        f"relative error seen with probability {1 - design['miss']}; false alarm of the whole run below "
        f"{design['false_alarm']:.0e}; {counts['comparisons']} comparisons used.",
        "Trainings: threshold, median over seeds [interval], seeds on its side of those trained; "
        "detects: shift of the pilot's median to the threshold, which passes with probability at most "
        f"{design['training_miss']}; false alarm of the whole run below {design['training_false_alarm']:.0e}; "
        f"{counts['trainings']} statements used.",
    ):
        yield from textwrap.wrap(words, COLUMNS, break_on_hyphens=False)
    for what, allowed in COUNTED.items():
        if design[what] > design[allowed]:
            yield f"FAILED: {design[what]} {what} exceed the family of {design[allowed]} of this design"
