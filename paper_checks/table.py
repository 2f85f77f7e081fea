"""The table at the end of a run: one line per claim, at most 100 columns."""

import textwrap
from collections.abc import Iterator
from itertools import groupby

from .comparator import Evidence
from .record import ClaimRecord, Run
from .results import NOT_SELECTED
from .verdicts import counted

COLUMNS = 100
_SPAN = 21
_WIDTHS = f"{'id':<9} {'verdict':<9} {'exact':>12} {'estimate ± standard error':>27} {'z':>6} {'detects':>8}"
_HEADER = f"{_WIDTHS} {'seconds':>8}  checked"


def number(value: float | None, width: int = 0) -> str:
    """Five digits; empty if there is none."""
    return f"{'' if value is None else format(value + 0.0, '.5g'):>{width}}"  # no -0


def estimated(evidence: Evidence) -> str:
    """Estimate ± standard error of a comparison, as far as there are."""
    error = "" if evidence.standard_error is None else f" ± {evidence.standard_error:.2g}"
    return number(evidence.estimate) + error


def estimate(claim: ClaimRecord) -> str:
    """Estimate ± standard error of the comparison that stands for the claim."""
    evidence = claim.headline
    if evidence is None or evidence.estimate is None:
        return ""
    return estimated(evidence)


def score(claim: ClaimRecord) -> str:
    """z of that comparison, or how many seeds are on the right side of a threshold."""
    evidence = claim.headline
    if evidence is None:
        return ""
    if evidence.kind == "replicated":
        return f"{evidence.details.get('holds')}/{evidence.numbers}"
    return "" if evidence.z is None else f"{evidence.z:+.2f}"


def detects(claim: ClaimRecord) -> str:
    """The smallest relative error that the comparison would have seen."""
    evidence = claim.headline
    return "" if evidence is None or evidence.detectable is None else f"{evidence.detectable:.2%}"


def _row(claim: ClaimRecord) -> str:
    start = f"{claim.id:<9} {claim.verdict:<9} "
    if claim.headline is None:
        return start + "(no evidence was recorded)"
    return (
        f"{start}{number(claim.headline.exact, 12)} {estimate(claim):>27} {score(claim):>6} {detects(claim):>8} "
        f"{claim.seconds:>8.2f}  {claim.numbers}"
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
    yield _HEADER
    yield "-" * COLUMNS
    for claim in run.claims:
        if claim.verdict != "not run":
            yield _row(claim)
    for claim in run.claims:
        if claim.verdict == "recorded":
            yield from _spanned(claim.id, claim.recorded or "")
    yield from _not_run(run)
    yield "-" * COLUMNS
    yield counted(claim.verdict for claim in run.claims)
    design = run.design
    alarm, used = f"{design['critical_z']:.2f}", f"{design['comparisons']} of {design['family']}"
    yield f"Shown: each claim's hardest comparison. z: error in standard errors, alarm beyond {alarm}"
    yield f"(false alarm {design['false_alarm']:.0e} for the whole run; {used} comparisons used). detects: smallest"
    yield f"relative error seen with probability {1 - design['miss']}. checked: numbers, all in the record."
    yield "Trainings (B4-B6, E, P): a threshold, the median over seeds, and how many seeds are on its side."
    if design["comparisons"] > design["family"]:
        yield f"FAILED: {design['comparisons']} comparisons exceed the family of {design['family']} of this design"
