"""The thresholds of P1-P5 follow from the three training seeds that were seen before: half of the smallest effect."""

import pytest

pytest.importorskip("transformers", reason="needs the extra language", exc_type=ModuleNotFoundError)

from paper_checks.claims.p import test_pocket as checks
from paper_checks.evidence.verdicts import verdict
from paper_checks.experiments.pocket_models import pocket_models
from paper_checks.project import rule_of
from simulate.pocket.shipped import CONFIRMING, EXPLORED

from . import explored

FIXED = {"recall_late_share": 0.5, "facts_late_share": 0.5, "recall_effect": 0.05, "facts_effect": 0.05,
         "facts_all_share": 0.85}  # fmt: skip
"""Thresholds that the sentence has, or the other set of prompts; twice the largest of the three seeds is far on its
side."""
ROUNDED = 0.8
"""A threshold is a round number, little weaker: the rule takes the smallest of three draws of prompts, this is one."""


@pytest.fixture(scope="module")
def found():
    """What the checks gave, by claim and threshold; all of them pass on the three seeds."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        explored.in_this_process(monkeypatch)
        given, passed = {}, {}
        for claim, several in explored.CHECKS.items():
            all_assertions = [explored.run(check, claim, EXPLORED, name) for check, name in several]
            passed[claim] = [evidence for assertions in all_assertions for evidence in assertions.evidence]
            given[claim] = {}
            for assertions in all_assertions:
                for key, (expected, values) in assertions.given.items():
                    before = given[claim].get(key, (0, []))[1]
                    given[claim][key] = (expected, [*before, *values])
        for check, claim in (
            (checks.test_names_from_other_sentences, "P4"),
            (checks.test_early_attention_helps_somewhere, "P5"),
            (checks.test_what_was_recorded_is_what_the_models_answer, "P3"),
        ):
            passed[claim] += explored.run(check, claim, EXPLORED).evidence
        yield given, passed


def half(key, expected, values):
    """The rule: of a number that is to be large half of the smallest, of a share twice the largest, of a mass below 1
    twice its largest distance, of a ratio of times half of its logarithm, of a quantity against 0 half."""
    if key.endswith("mass"):
        return 1 - 2 * (1 - min(values))
    if key.endswith("ratio"):
        return min(values) ** 0.5
    return min(values) / 2 if expected > 0 else 2 * max(values)


def test_thresholds_are_those_of_the_rule(found):
    given, _ = found
    for claim, several in given.items():
        for key, (expected, values) in several.items():
            limit, rule = rule_of(claim).thresholds[key], half(key, expected, values)
            assert expected * limit <= expected * rule, (claim, key, values)
            if key not in FIXED:
                assert limit >= ROUNDED * rule if expected > 0 else limit <= rule / ROUNDED, (claim, key, values)
            else:
                assert limit == FIXED[key]


def test_every_threshold_is_used(found):
    given, _ = found
    others = {"P3": {"parts", "rounding"}, "P4": {"names_helped"}, "P5": {"early_effect"}}
    for claim, several in given.items():
        named = {key for key in rule_of(claim).thresholds if not key.endswith("_absent")}
        assert named == several.keys() | others.get(claim, set())


def test_verdicts_and_evidence_on_the_three(found):
    """What the rules come from passes them; a record names models, standard errors and cells."""
    _, passed = found
    verdicts = {claim: verdict(evidence) for claim, evidence in passed.items()}
    assert verdicts == {"P1": "verified", "P2": "bounded", "P3": "verified", "P4": "bounded", "P5": "bounded"}
    names = next(one for one in passed["P4"] if one.name.startswith("names"))
    assert names.details["helped"] == 2 and names.details["share"] == pytest.approx((0.0943, 0.9916), abs=1e-4)
    assert all(len(one.details["standard_errors"]) == 3 for one in passed["P1"])


def test_seven_seeds_decide_and_were_not_seen():
    assert len(CONFIRMING) == 7 and not {*EXPLORED} & {*CONFIRMING}
    with pytest.raises(ValueError, match="training seed 11 of pocket Pythia must be shipped"):
        pocket_models((11,))
