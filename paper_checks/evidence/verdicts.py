"""What a run can say of a claim, and how each answer looks: in words, with a sign that greyscale keeps, in colour."""

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .comparator import Evidence


class Look(NamedTuple):
    """A verdict as people see it; white text on `colour` has a contrast of at least 4.5 (WCAG 2, level AA)."""

    sign: str
    colour: str
    meaning: str


LOOKS = {
    "verified": Look("✓", "#1a7f37", "every comparison of the claim agreed, in this run, on this machine"),
    "bounded": Look(
        "◐", "#0969da", "it holds on a stated part of its range; the run asserted both sides of the boundary"
    ),
    "refuted": Look("✗", "#a04100", "the run asserted a counterexample"),
    "recorded": Look(
        "◷",
        "#6f42c1",
        "as verified or bounded, from the evidence of an earlier run on another machine, by the code at hand; of fewer "
        "than five trainings neither: the line says what was observed",
    ),
    "not run": Look("–", "#6e7781", "with the reason and what to do about it; never counted as success"),
    "failed": Look("!", "#cf222e", "a comparison disagreed, or was too weak to have seen the error it promises to see"),
}
VERDICTS = tuple(LOOKS)
"""In the order in which they are listed."""

_WEAKEST_FIRST = ("failed", "refuted", "bounded", "recorded", "verified")


def counts(verdicts: Iterable[str]) -> dict[str, int]:
    """How many claims have each verdict that occurs, in the order of VERDICTS."""
    found = Counter(verdicts)
    return {name: found[name] for name in VERDICTS if found[name]}


def counted(verdicts: Iterable[str], between: str = ", ") -> str:
    """The same in words."""
    return between.join(f"{number} {name}" for name, number in counts(verdicts).items())


def weakest(verdicts: Iterable[str]) -> str:
    """The verdict whose colour stands for several claims: the weakest of those that were run, "not run" if none was."""
    found = set(verdicts)
    return next((name for name in _WEAKEST_FIRST if name in found), "not run")


def verdict(evidence: "Iterable[Evidence]") -> str:
    """The verdict that the evidence supports: verified, bounded, refuted or failed; a person never sets it."""
    found = list(evidence)
    if not found or not all(item.passed for item in found):
        return "failed"
    sides = {item.side for item in found}
    if "counterexample" in sides:
        return "refuted"
    return "bounded" if "beyond" in sides else "verified"
