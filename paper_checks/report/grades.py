"""How we know: the kinds of evidence behind a claim, how many comparisons of each, and which errors they would see.

All of it follows from the record of a run; what the checks do not show is the ledger's `limits`.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from paper_checks.evidence.comparator import Evidence
from paper_checks.evidence.design import DESIGN
from paper_checks.evidence.run import ClaimRecord

from . import wording

_OF_KIND = {"exact": "equality", "close": "agreement", "inequality": "inequality", "estimate": "Monte Carlo",
            "sign": "Monte Carlo", "rate": "Monte Carlo", "observed": "observation"}  # fmt: skip
GRADES = {
    "proof": "a derivation, for all values of its symbols",
    "equality": "exact numbers, each equal to what a second way gives or to what is stated",
    "agreement": "numbers that agree within a tolerance with a stated reason",
    "inequality": "exact or exactly rounded numbers on the stated side of others",
    "Monte Carlo": "estimates from draws, with standard errors and a stated power",
    "prompts": "estimates from prompts that language models answer, with standard errors and a stated power",
    "trainings": "seeds trained until a statement about most of them stands or has failed",
    "all trainings": "statements about the trainings that there are, with no more seeds to draw",
    "observation": "what so few trainings show that they decide nothing",
    "other": "comparisons of a kind that only the record knows",
}
"""Kinds of evidence, strongest first, and what each is."""
WITNESSES = {"enumeration": "enumeration", "dynamic programme": "a dynamic programme", "autograd": "autograd",
             "numpy": "numpy"}  # fmt: skip
"""Second ways to a number, by what the names of comparisons with them say."""
_PROMPTS = "language models"  # the kind of the jobs whose draws are prompts


class Grade(NamedTuple):
    """The evidence of one kind behind a claim.

    Attributes:
        kind: one of GRADES.   comparisons: how many; of proofs, tests.   numbers: how many were compared.
        by: what proved it, or which second ways there were, with how many comparisons.
        sees: the smallest errors that they see, in words.
        missed: probability, at most, that an error of the size that estimates see passes; of trainings, that a
            statement stands which no more of all seeds bear out than half, or the share in its rule.
        alarm: that a statement about trainings fails which nine tenths of all seeds bear out; of Monte Carlo, that any
            comparison of the whole run fails although all is as stated. Both None where there is no such probability.
        seeds: fewest and most trainings of a statement; empty if there are none.
        bluntest: the largest relative error that passes somewhere: that of the bluntest agreement or estimate.
    """

    kind: str
    comparisons: int
    numbers: int
    by: str
    sees: str
    missed: float | None = None
    alarm: float | None = None
    seeds: tuple[int, ...] = ()
    bluntest: float | None = None


def grades(claim: ClaimRecord) -> list[Grade]:
    """The evidence of a claim by kind, in the order of GRADES."""
    kinds: dict[str, list[Evidence]] = {}
    for item in claim.evidence:
        kinds.setdefault(kind_of(item, claim), []).append(item)
    found = [_graded(kind, kinds[kind]) for kind in GRADES if kind in kinds]
    if not claim.proof or not claim.evidence:
        return found
    *others, last = dict.fromkeys(proof.by for proof in claim.proof)
    tools = f"{', '.join(others)} and {last}" if others else last
    tests = len({proof.test for proof in claim.proof})
    return [Grade("proof", tests, 0, tools, "any difference"), *found]


def kind_of(item: Evidence, claim: ClaimRecord) -> str:
    """Which of GRADES a comparison of a claim is."""
    if item.kind == "replicated":
        return "trainings" if len(item.details["boundaries"]["looks"]) > 1 else "all trainings"
    kind = _OF_KIND.get(item.kind, "other")
    has_prompts = any(job.kind == _PROMPTS for job in claim.jobs)
    return "prompts" if kind == "Monte Carlo" and has_prompts else kind


def _graded(kind: str, items: Sequence[Evidence]) -> Grade:
    counts = {said: sum(word in item.name for item in items) for word, said in WITNESSES.items()}
    by = ", ".join(f"{count} with {said}" for said, count in counts.items() if count)
    missed = alarm = None
    seeds: tuple[int, ...] = ()
    if kind in ("Monte Carlo", "prompts"):
        missed, alarm = (DESIGN.miss if _errors(items) else None), DESIGN.false_alarm
    if kind in ("trainings", "all trainings"):
        bounds = [item.details["boundaries"] for item in items]
        missed, alarm = (max(bound[key] for bound in bounds) for key in ("chance", "false_alarm"))
    if kind in ("trainings", "all trainings", "observation"):
        seeds = min(item.numbers for item in items), max(item.numbers for item in items)
    numbers = sum(item.numbers for item in items)
    return Grade(kind, len(items), numbers, by, sees(items), missed, alarm, seeds, max(_errors(items), default=None))


def sees(items: Sequence[Evidence]) -> str:
    """The smallest errors that comparisons of one kind see, from the sharpest to the bluntest of them."""
    if any(item.kind == "exact" for item in items):
        return "any difference"
    words = {
        "errors": [item for item in items if item.kind in ("close", "estimate")],
        "shifts of the pilot's median": [item for item in items if item.kind == "replicated" and item.detectable],
    }
    rest = [item for item in items if item not in [one for found in words.values() for one in found]]
    parts = [*words.items(), ("margins", rest)]
    said = (_range(what, [one for one in found if not wording.is_absolute(one)]) for what, found in parts)
    return ", ".join(filter(None, said)) or wording.NONE


def _range(what: str, items: Iterable[Evidence]) -> str:
    """How large, relative to what is expected, errors are that are seen; empty if none is known."""
    known = [error for item in items if (error := wording.smallest_error(item)) is not None]
    if not known:
        return ""
    low, high = wording.percent(min(known)), wording.percent(max(known))
    return f"{what} of {low}" if low == high else f"{what} of {low} to {high}"


def how_we_know(claim: ClaimRecord) -> str:
    """The evidence behind a claim in a sentence without its full stop; of a claim that was not run, why it was not."""
    if claim.verdict == "not run":
        return f"not run: {wording.printable(claim.reason)}"
    found = "; ".join(_said(grade) for grade in grades(claim)) or "no evidence was recorded"
    return f"recorded, not run here: {found}" if claim.recorded else found


def _errors(items: Iterable[Evidence]) -> list[float]:
    """The relative errors that close numbers and estimates see."""
    found = (item for item in items if item.kind in ("close", "estimate") and not wording.is_absolute(item))
    return [error for item in found if (error := wording.smallest_error(item)) is not None]


def _said(grade: Grade) -> str:
    count, of = grade.comparisons, f" of {grade.numbers} numbers" if grade.numbers > grade.comparisons else ""
    several, by = "" if count == 1 else "s", f", {grade.by}" if grade.by else ""
    seeds = " to ".join(dict.fromkeys(map(str, grade.seeds)))
    worst = "" if grade.bluntest is None else wording.percent(grade.bluntest)
    match grade.kind:
        case "proof":
            return f"proved with {grade.by} in {count} test{several}"
        case "equality":
            return f"{count} exact equalit{'y' if count == 1 else 'ies'}{of}{by}"
        case "agreement":
            return f"{count} agreement{several}{of}" + (f" to {worst} or better" if worst else "") + by
        case "inequality":
            return f"{count} inequalit{'y' if count == 1 else 'ies'}{of}"
        case "Monte Carlo" | "prompts":
            which = f"Monte Carlo comparison{several}{of}"
            which = which if grade.kind == "Monte Carlo" else f"comparison{several} over prompts"
            bluntest = ", the bluntest of which misses" if several else ", which misses"
            missed = f"{bluntest} an error of {worst} with probability {grade.missed:g} at most" if worst else ""
            return f"{count} {which}{missed}"
        case "trainings" | "all trainings":
            which = "trainings" if grade.kind == "trainings" else "trainings, all that there are"
            said = f"{count} statement{several} about {seeds} {which}" + (", each of which" if several else ", which")
            chance = f"would stand with probability {grade.missed:.2g} at most"
            return f"{said} {chance} if only half of all seeds, or its rule's share, bore it out"
        case "other":
            return f"{count} other comparison{several}"
        case _:
            return f"{count} statement{several} observed in {seeds} training{'' if seeds == '1' else 's'}"
