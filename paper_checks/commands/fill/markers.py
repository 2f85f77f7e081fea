"""Numbers between comments in a text, by claim, statement and statistic."""

import re

from paper_checks.evidence.filled import MARKER, look_up, loose_markers, marker, named_in, stale, written_like
from paper_checks.evidence.run import Run

from .treated import Treated


def check(run: Run, text: str) -> Treated:
    """A problem for every number that is stale and every marker that names nothing."""
    evidence = {claim.id: claim.evidence for claim in run.claims}
    found = Treated(text, [f"{comment} has no partner" for comment in loose_markers(text)])
    for claim, name, statistic, shown in map(named_in, MARKER.finditer(text)):
        found.count += 1
        try:
            there = look_up(evidence.get(claim, ()), name, statistic)
        except ValueError as error:
            found.problems.append(f"{claim}: {error}")
            continue
        if stale(shown, *there):
            found.problems.append(f"{claim}: {name}: {statistic}: shown {shown or '(nothing)'}, the run has "
                                  f"{written_like(shown, *there)}")  # fmt: skip
    return found


def fill(run: Run, text: str) -> Treated:
    """The text with the numbers of the run in all markers whose claim was run."""
    claims = {claim.id: claim for claim in run.claims}
    found = Treated(text, [f"{comment} has no partner" for comment in loose_markers(text)])

    def replaced(match: re.Match[str]) -> str:
        claim, name, statistic, shown = named_in(match)
        if claim in claims and claims[claim].verdict == "not run":
            found.not_run.add(claim)
            return match[0]
        try:
            there = look_up(claims[claim].evidence if claim in claims else (), name, statistic)
        except ValueError as error:
            found.problems.append(f"{claim}: {error}")
            return match[0]
        found.count += 1
        return marker(claim, name, statistic, written_like(shown, *there))

    found.text = MARKER.sub(replaced, text)
    return found
