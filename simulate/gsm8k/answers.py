"""The number that an answer to a word problem states, and how accurate a list of answers is.

Two readings of an answer, as in the task `gsm8k_cot` of the lm-evaluation-harness: *strict* takes the first number that
follows "The answer is" or "####", *flexible* the last number of the text. A model that solves a problem and does not
say so in the examples' form counts in the second alone; with one or two shots that is the larger part of the
difference between models, so both are kept.

A number is written with ASCII digits, may have a sign, one of $ € £, commas between groups of three digits, and
decimals. What is not written so (1,2 or 3.14.15) is no number, rather than two. A minus between two terms (10-3) is no
sign. The readings are the patterns that the harness applies.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from math import comb, sqrt
from typing import Annotated, Any, NamedTuple

from annotated_types import Ge, Interval, MinLen

from theory.arguments import Natural, checked

NUMBER = (
    r"((?:(?:(?<![\w)\]])[-−])?[$€£]?|[$€£][-−])"  # -5, $5, -$5, $-5; not the minus of 10-5
    r"(?:(?<![0-9])(?<![0-9][.,])(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?|(?<![\w.,])\.[0-9]+)"
    r"(?![.,]?[0-9]))"
)
STRICT = r"(?:####|[Tt]he answer is)\s*:?\s*" + NUMBER
FLEXIBLE = NUMBER


@checked
class Accuracy(NamedTuple):
    """Share of correct answers, and its standard error sqrt(p (1-p) / n); that is 0 where p is 0 or 1."""

    value: Annotated[float, Interval(ge=0, le=1)]
    standard_error: Annotated[float, Ge(0)]


@checked
class Paired(NamedTuple):
    """Change of accuracy between two models on the same problems.

    Attributes:
        difference: (gained - lost) / n.
        standard_error: of the difference, sqrt(gained + lost - (gained - lost)² / n) / n.
        gained, lost: problems that only the second, only the first model answered correctly.
        p_value: exact two-sided McNemar test: probability that a fair coin splits gained + lost no more evenly.
    """

    difference: float
    standard_error: Annotated[float, Ge(0)]
    gained: Natural
    lost: Natural
    p_value: Annotated[float, Interval(ge=0, le=1)]


@checked
def accuracy(correct: Annotated[Sequence[bool], MinLen(1)]) -> Accuracy:
    """Accuracy of n >= 1 answers.

    Raises:
        ValueError: there are no answers.
    """
    share = sum(correct) / len(correct)
    return Accuracy(share, sqrt(share * (1 - share) / len(correct)))


@checked
def paired(before: Sequence[bool], after: Sequence[bool]) -> Paired:
    """Compare two models, problem by problem.

    Raises:
        ValueError: the lists differ in length or are empty.
    """
    if len(before) != len(after) or not before:
        raise ValueError(f"before and after must be of one length >= 1, got {len(before)} and {len(after)}")
    n = len(before)
    gained = sum(new and not old for old, new in zip(before, after, strict=True))
    lost = sum(old and not new for old, new in zip(before, after, strict=True))
    changed, difference = gained + lost, gained - lost
    tail = sum(comb(changed, k) for k in range(min(gained, lost) + 1))
    p_value = min(1.0, 2 * tail / 2**changed)
    return Paired(difference / n, sqrt(changed - difference**2 / n) / n, gained, lost, p_value)


@checked
def number(text: str) -> Decimal | None:
    """The number that `text` is, exactly, or None if it is none: number("$1,200.00") == 1200."""
    if not re.fullmatch(NUMBER, text):
        return None
    return Decimal(re.sub("[$€£,]", "", text).replace("−", "-"))


@checked
def is_correct(found: str, expected: str) -> bool:
    """Whether two texts are the same number; False where either is none."""
    value = number(found)
    return value is not None and value == number(expected)


def score(document: dict[str, Any], found: list[str]) -> dict[str, float]:
    """The harness's metric for one problem: 1 if the number that a filter found is the expected one."""
    return {"exact_match": float(is_correct(found[0], document["answer"]))}
