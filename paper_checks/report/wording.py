"""One comparison in words: what was expected, what was found, and how strong that is; the same words in the table at
the end of a run, in the report, and in messages.
"""

import textwrap
from collections.abc import Sequence

from paper_checks.evidence.comparator import Evidence
from paper_checks.evidence.filled import placeholders
from paper_checks.evidence.ledger import Stated

from .rounding import interval, power, rounded

NONE = "–"
"""What stands where a comparison has no such number."""
_OLD = {"exact": "=", "close": "≈", "estimate": "≈", "inequality": "<"}
"""Relations by kind, of records that do not have them."""
_HEADING = 48
"""Characters of a sentence that stands for a title."""
_OF_MANY = {"exact": "{} numbers", "inequality": "tightest of {}", "sign": "weakest of {}", "rate": "mean of {}",
            "observed": "median of {} trainings", "replicated": "{holds} of {} seeds"}  # fmt: skip
"""Of how much numbers are, by kind."""


def heading(claim: Stated, evidence: Sequence[Evidence]) -> str:
    """A claim in a few words: its title, or the beginning of its sentence with the numbers of its evidence."""
    if claim.title:
        return printable(claim.title)
    return textwrap.shorten(printable(placeholders(claim.statement, evidence)[0]), _HEADING, placeholder=" …")


def printable(text: str) -> str:
    """Text on one line, as a terminal may show it: no control characters, no character that turns others round."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def number(value: float | None) -> str:
    """Five digits; empty if there is none."""
    return "" if value is None else format(value + 0.0, ".5g")  # no -0


def relation(item: Evidence) -> str:
    """How the number found is said to stand to the one expected: =, ≈, <, ≤, >, ≥."""
    return item.relation or _OLD.get(item.kind, NONE)


def expected(item: Evidence, room: int | None = None) -> str:
    """The exact value or the threshold, in as many digits, up to five, as there is `room` for; of a sign, 0."""
    value = 0.0 if item.kind == "sign" else item.exact
    return NONE if value is None else _fitting([rounded(value, digits) for digits in (5, 4, 3)], room)


def found(item: Evidence, room: int | None = None) -> str:
    """What was found, with what it is of: "0.36026", "0.51 ± 0.013", "4.518 [4.33, 4.81], 6 of 6 seeds"."""
    if item.kind == "exact" and item.estimate is None:  # words, or a number that is not finite
        return "the same" if item.passed else "another"
    return ", ".join(part for part in (estimated(item, room), counted(item)) if part) or NONE


def estimated(item: Evidence, room: int | None = None) -> str:
    """Estimate ± standard error of a comparison, as far as there are; of trainings the median over seeds and its
    interval, in as many digits, up to four, as there is `room` for; of a rate, told value by value say, the mean."""
    if item.kind == "replicated":
        median, (low, high, _) = item.estimate, item.details["interval"]
        words = [
            f"{NONE if median is None else rounded(median, digits)} {interval(low, high, digits)}"
            for digits in (4, 3, 2, 1)
        ]
        return _fitting(words, room)
    if item.estimate is None:
        return ""
    has_error = item.standard_error is not None and item.kind != "rate"
    error = f" ± {item.standard_error:.2g}" if has_error else ""
    return _fitting([rounded(item.estimate, digits) + error for digits in (5, 4, 3)], room)


def _fitting(words: Sequence[str], room: int | None) -> str:
    """The first that there is room for, else the last."""
    return next((one for one in words if room is None or len(one) <= room), words[-1])


def counted(item: Evidence) -> str:
    """Of how much a comparison is: seeds on the right side of a threshold, values of a mean, numbers of an array, of
    which the worst is shown; empty for a single number."""
    if item.numbers == 1 and item.kind != "replicated":
        return "1 training" if item.kind == "observed" else ""
    return _OF_MANY.get(item.kind, "worst of {}").format(item.numbers, holds=item.details.get("holds"))


def score(item: Evidence) -> str:
    """How far off a comparison is, in standard errors, or how many seeds are on the right side of a threshold."""
    if item.kind == "replicated":
        return counted(item)
    return "" if item.z is None else f"{item.z:+.2f} standard errors"


def tolerance(item: Evidence) -> str:
    """How much of its tolerance a comparison used: per cent of the way to its alarm, for every kind that has one; exact
    numbers have none ("exact"), inequalities and observations neither ("–")."""
    if item.kind in ("exact", "inequality", "observed"):
        return "exact" if item.kind == "exact" else NONE
    if item.used is None:
        return NONE if item.passed else ">999 %"
    return f"{100 * item.used:.0f} %" if item.used < 10 else ">999 %"


def detects(item: Evidence) -> str:
    """The smallest error that a comparison would have seen, relative to the number expected.

    Of exact numbers any; of close ones their tolerance; of estimates an error seen but for the design's miss; of
    trainings the shift of the pilot's median to the threshold. An inequality, a rate, and trainings without a pilot
    have a margin: the distance of the number found from the one expected; of a sign, the fall of the number, relative
    to itself, with which it were no longer told.
    """
    error, word = smallest_error(item), ""
    if item.kind == "exact":
        return "any difference"
    if error is None:
        return NONE
    if item.kind == "replicated" and item.detectable is not None:
        word = "shift of "
    elif item.kind not in ("close", "estimate"):
        word = "margin "
    if is_absolute(item):
        scale = item.details.get("scale") if item.kind == "close" else None
        return f"{word}{error:.2g}" if scale is None else f"{percent(error)} of {scale:.3g}"
    return word + percent(error)


def smallest_error(item: Evidence) -> float | None:
    """The number in `detects`, relative unless `is_absolute`; None where there is none, 0 for exact numbers."""
    match item.kind:
        case "exact":
            return 0.0
        case "close":
            return item.tolerance
        case "estimate":
            return item.details.get("detectable_error") if item.detectable is None else item.detectable
        case "sign":
            return None if item.used is None else max(0.0, 1 - item.used)
        case "replicated" if item.detectable is not None:
            return item.detectable
        case _:
            if item.exact is None or item.estimate is None:
                return None
            return abs(item.estimate - item.exact) / (abs(item.exact) or 1)


def is_absolute(item: Evidence) -> bool:
    """Whether `smallest_error` is no share of the number expected: where that is 0, and of numbers that are close on a
    scale of their own, which it is then relative to."""
    if item.kind == "close":
        return "scale" in item.details
    return item.kind != "sign" and item.detectable is None and not item.exact


SMALLEST = 1e-9
"""Per cent below which shares are not told apart: rounding, which differs between machines."""


def percent(share: float) -> str:
    """A share in per cent, in three digits; a tiny one as a power of ten, one in the rounding as below all of these."""
    value = 100 * share
    if 0 < value < SMALLEST:
        return f"<{power(SMALLEST)} %"
    if value >= 1e4:
        return ">9999 %"
    if value >= 999.5:
        return f"{value:.0f} %"
    return f"{value:.3g} %" if value >= 0.001 or not value else f"{power(value)} %"
