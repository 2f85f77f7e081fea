"""Comparisons in words: a relation, what was expected and found, the tolerance used, the smallest error seen."""

import json
import math
from dataclasses import replace
from fractions import Fraction

import pytest

from paper_checks.evidence import comparator
from paper_checks.evidence.comparator import BEYOND, Evidence
from paper_checks.evidence.design import DESIGN
from paper_checks.experiments.trainings.few_trainings import observed
from paper_checks.report import wording

PILOT = [0.97 + 0.001 * number for number in range(16)]
ONE_OF_EACH = {
    "exact": (comparator.equal("x", Fraction(1, 3), Fraction(1, 3)), "= 0.33333 | 0.33333 | exact | any difference"),
    "exact, array": (comparator.equal("x", [1, 2], [1, 2]), "= 1 | 1, 2 numbers | exact | any difference"),
    "words": (comparator.equal("x", "noise", "noise"), "= – | the same | exact | any difference"),
    "other words": (comparator.equal("x", "noise", "token"), "= – | another | exact | any difference"),
    "close": (comparator.close("x", 2.0, 2.001, 0.01, "why"), "≈ 2 | 2.001 | 5 % | 1 %"),
    "close, scale": (
        comparator.close("x", [0.0, 2.0], [0.0, 2.0], 1e-9, "why", scale=0.5),
        "≈ 0 | 0, worst of 2 | 0 % | 10⁻⁷ % of 0.5",
    ),
    "less": (comparator.less("x", 1, 4), "< 4 | 1 | – | margin 75 %"),
    "at most": (comparator.less("x", 4, 4, strict=False), "≤ 4 | 4 | – | margin 0 %"),
    "greater": (comparator.greater("x", [3, 2], [1, 1]), "> 1 | 2, tightest of 2 | – | margin 100 %"),
    "at least": (comparator.greater("x", 0.25, 0, strict=False), "≥ 0 | 0.25 | – | margin 0.25"),
    "estimate": (comparator.estimate("x", 1.0, 1.001, 0.001, 0.02), "≈ 1 | 1.001 ± 0.001 | 16 % | 0.953 %"),
    "estimate of 0": (comparator.estimate("x", 0.0, 0.001, 0.001, None), "≈ 0 | 0.001 ± 0.001 | 16 % | 0.0095"),
    "positive": (comparator.sign("x", 1, [2.0, 1.0], 2 * [0.1]), "> 0 | 1 ± 0.1, weakest of 2 | 64 % | margin 35.6 %"),
    "negative": (comparator.sign("x", -1, -2.0, 0.1), "< 0 | -2 ± 0.1 | 32 % | margin 67.8 %"),
    "wrong sign": (comparator.sign("x", -1, 2.0, 0.1), "< 0 | 2 ± 0.1 | >999 % | –"),
    "rate": (comparator.rate("x", 0.5, -1, [0.25] * 400), "< 0.5 | 0.25, mean of 400 | 42 % | margin 50 %"),
    "trainings": (
        comparator.replicated("x", 0.9, +1, [0.98] * 6, pilot=PILOT),
        "> 0.9 | 0.98 [0.98, 0.98], 6 of 6 seeds | 0 % | shift of 7.93 %",
    ),
    "all trainings": (
        comparator.replicated("x", 0.5, -1, [0.25] * 7),
        "< 0.5 | 0.25 [0.25, 0.25], 7 of 7 seeds | 0 % | margin 50 %",
    ),
    "one training": (observed("x", 0.5, -1, [0.25]), "< 0.5 | 0.25, 1 training | – | margin 50 %"),
    "few trainings": (
        observed("x", 0.5, 1, [1.0, 0.75]), "> 0.5 | 0.875, median of 2 trainings | – | margin 75 %",
    ),
    "far off": (comparator.close("x", 1.0, 2.0, 1e-9, "why"), "≈ 1 | 2 | >999 % | 10⁻⁷ %"),
    "not finite": (comparator.close("x", 1.0, math.nan, 1e-9, "why"), "≈ 1 | – | >999 % | 10⁻⁷ %"),
}  # fmt: skip


def said(item):
    """A comparison as people read it."""
    words = (f"{wording.relation(item)} {wording.expected(item)}", wording.found(item), wording.tolerance(item))
    return " | ".join((*words, wording.detects(item)))


@pytest.mark.parametrize("case", ONE_OF_EACH)
def test_a_comparison_is_said_in_full(case):
    item, words = ONE_OF_EACH[case]
    assert said(item) == words


def test_every_kind_is_among_them_and_has_a_relation():
    kinds = {"exact", "close", "inequality", "estimate", "sign", "rate", "replicated", "observed"}
    assert {item.kind for item, _ in ONE_OF_EACH.values()} == kinds
    assert all(item.relation for item, _ in ONE_OF_EACH.values())


def test_a_failed_comparison_is_one_whose_relation_does_not_hold():
    """What was found stands to what was expected as the relation says, in numbers, exactly where it passed."""
    holds = {"<": float.__lt__, "≤": float.__le__, ">": float.__gt__, "≥": float.__ge__}
    for found, bound in ((1, 2), (2, 2), (3, 2), (Fraction(1, 3), 0.5), ([1, 3], 2), (2, [1, 3])):
        for make in (comparator.less, comparator.greater):
            for strict in (True, False):
                item = make("x", found, bound, strict=strict)
                assert item.passed == holds[item.relation](item.estimate, item.exact), item


@pytest.mark.parametrize("expected", [1, -1])
def test_a_rate_and_trainings_have_the_relation_of_their_side(expected):
    values = [0.9 if expected > 0 else 0.1] * 400
    made = (comparator.rate("x", 0.5, expected, values), comparator.replicated("x", 0.5, expected, values[:6]),
            observed("x", 0.5, expected, values[:2]), comparator.sign("x", expected, expected * 1.0, 0.01))  # fmt: skip
    assert [item.relation for item in made] == [BEYOND[expected]] * 4 and all(item.passed for item in made)


def test_the_smallest_error_is_what_it_says():
    """An error a little larger than a comparison detects turns it red; estimates but for a share of the design's miss,
    which the value least in its favour allows."""
    error = wording.smallest_error(comparator.close("x", 2.0, 2.0, 0.01, "why"))
    assert not comparator.close("x", 2.0, 2.0 * (1 + 1.001 * error), 0.01, "why").passed
    item = comparator.sign("x", 1, 2.0, 0.1)
    error = wording.smallest_error(item)
    assert not comparator.sign("x", 1, 2.0 * (1 - 1.001 * error), 0.1).passed
    assert comparator.sign("x", 1, 2.0 * (1 - 0.999 * error), 0.1).passed
    for exact in (0.0, 5.0):
        error = wording.smallest_error(comparator.estimate("x", exact, exact, 0.1, None)) * (exact or 1)
        assert not comparator.estimate(
            "x", exact, exact + error - 0.1 * DESIGN.miss_quantile() * 0.999, 0.1, None
        ).passed


def test_a_record_without_relations_still_reads():
    item = ONE_OF_EACH["less"][0]
    kept = {key: value for key, value in json.loads(json.dumps(item.as_dict())).items() if key != "relation"}
    old = Evidence(**kept)
    assert old.relation == "" and said(old) == said(item)
    assert wording.relation(replace(ONE_OF_EACH["trainings"][0], relation="")) == "–"


def test_an_interval_has_the_digits_that_there_is_room_for():
    item = comparator.replicated("x", 0.5, +1, [0.12344, *[0.5] * 8, 0.98761])
    assert wording.estimated(item, 27) == "0.5 [0.5, 0.5]"
    wide = comparator.replicated("x", 0.1, +1, [0.12344, 0.34567, 0.45678, 0.56789, 0.6789, 0.98761])
    assert wording.estimated(wide) == "0.5123 [0.1234, 0.9877]" and wording.estimated(wide, 17) == "0.51 [0.12, 0.99]"
