"""How we know: kinds of evidence, how many of each, the errors they see and the probabilities that are left."""

from dataclasses import replace

import pytest

from paper_checks.evidence import comparator
from paper_checks.evidence.design import DESIGN
from paper_checks.evidence.ledger.claim import Proof
from paper_checks.evidence.run import JobRecord
from paper_checks.evidence.training_design import TRAINING
from paper_checks.experiments.trainings.few_trainings import observed
from paper_checks.report.grades import GRADES, grades, how_we_know
from tests.oracles.report_runs import claim_record, ledger_run, trained

PROOFS = (Proof("t.py::a", "sympy", (1,)), Proof("t.py::b", "sympy"), Proof("t.py::a", "balls"))
ESTIMATES = [comparator.estimate(f"e {n}", 1.0, 1.0, error, None) for n, error in enumerate((1e-3, 2e-3))]
PROMPTS = [JobRecord("language models", "k", 1.0, None)]


def claim(*evidence, verdict="verified", **changed):
    return claim_record("T1.1", verdict, evidence, **{"proof": (), **changed})


def only(*evidence, **changed):
    (found,) = grades(claim(*evidence, **changed))
    return found


def test_every_kind_in_the_order_of_the_list():
    evidence = [observed("o", 0.5, 1, [0.9]), trained(), comparator.replicated("r", 0.5, 1, [0.9] * 7), ESTIMATES[0],
                comparator.less("l", 1, 2), comparator.close("c", 1.0, 1.0, 0.1, "why"), comparator.equal("x", 1, 1),
                comparator.sign("s", 1, 1.0, 0.01), comparator.rate("p", 0.5, 1, [1.0] * 99)]  # fmt: skip
    found = [grade.kind for grade in grades(claim(*evidence, proof=PROOFS))]
    assert found == [kind for kind in GRADES if kind not in ("prompts", "other")]
    prompted = [grade.kind for grade in grades(claim(*evidence, proof=PROOFS, jobs=PROMPTS))]
    assert prompted == [kind for kind in GRADES if kind not in ("Monte Carlo", "other")]


def test_a_record_may_have_kinds_of_its_own():
    strange = replace(ESTIMATES[0], kind="<b>")
    assert only(strange).kind == "other" and how_we_know(claim(strange)) == "1 other comparison"


def test_equalities_name_their_second_ways_and_see_any_difference():
    items = [comparator.equal(name, [1, 2], [1, 2]) for name in ("enumeration, N = 2", "enumeration, N = 3", "formula")]
    found = only(*items)
    assert found[:5] == ("equality", 3, 6, "2 with enumeration", "any difference") and found.missed is None
    assert how_we_know(claim(*items)) == "3 exact equalities of 6 numbers, 2 with enumeration"
    assert how_we_know(claim(items[2])) == "1 exact equality of 2 numbers"


def test_a_proof_counts_its_tests_and_names_its_tools():
    known = grades(claim(comparator.equal("x", 1, 1), proof=PROOFS))[0]
    assert known[:5] == ("proof", 2, 0, "sympy and balls", "any difference")
    words = how_we_know(claim(comparator.equal("x", 1, 1), proof=PROOFS[:2]))
    assert words == "proved with sympy in 2 tests; 1 exact equality"
    third = (*PROOFS, Proof("t.py::c", "Sturm"))
    assert grades(claim(comparator.equal("x", 1, 1), proof=third))[0].by == "sympy, balls and Sturm"
    assert grades(claim_record("T1.1", "failed", proof=PROOFS)) == []  # nothing ran: the run knows nothing of its proof


def test_estimates_have_the_errors_they_see_and_both_probabilities():
    found = only(*ESTIMATES)
    assert found.sees == f"errors of {0.1 * DESIGN.detectable():.3g} % to {0.2 * DESIGN.detectable():.3g} %"
    assert (found.missed, found.alarm) == (DESIGN.miss, DESIGN.false_alarm)
    words = "2 Monte Carlo comparisons, the bluntest of which misses an error of 1.91 % with probability 0.001 at most"
    assert how_we_know(claim(*ESTIMATES)) == words
    wide = comparator.estimate("zero", 0.0, 0.0, 5.0, None)  # no relative error: says nothing of others'
    assert how_we_know(claim(*ESTIMATES, wide)) == words.replace("2 M", "3 M")
    one = "1 Monte Carlo comparison, which misses an error of 1.91 % with probability 0.001 at most"
    assert how_we_know(claim(ESTIMATES[1])) == one


def test_signs_and_rates_promise_no_error():
    """Their margin is what came out, not what was planned: the design's miss is not of it."""
    signs = [comparator.sign("s", 1, 1.0, 0.01), comparator.rate("p", 0.5, 1, [1.0] * 99)]
    found = only(*signs)
    assert found.sees.startswith("margins of ") and found.missed is None and found.alarm == DESIGN.false_alarm
    assert how_we_know(claim(*signs)) == "2 Monte Carlo comparisons of 100 numbers"
    assert how_we_know(claim(*signs, jobs=PROMPTS)) == "2 comparisons over prompts"


def test_agreements_and_inequalities_have_tolerances_and_margins():
    close = [comparator.close("autograd of x", 1.0, 1.0, error, "why") for error in (1e-9, 2e-3)]
    scaled = comparator.close("c", 1.0, 1.0, 0.5, "why", scale=7.0)
    assert only(*close, scaled).sees == "errors of 10⁻⁷ % to 0.2 %"
    assert how_we_know(claim(*close)) == "2 agreements to 0.2 % or better, 2 with autograd"
    assert how_we_know(claim(scaled)) == "1 agreement"
    less = [comparator.less("l", 1, 2), comparator.greater("g", [3, 5], 2), comparator.greater("0", 7, 0)]
    assert only(*less).sees == "margins of 50 %" and how_we_know(claim(*less)) == "3 inequalities of 4 numbers"


def test_trainings_have_both_error_probabilities_of_their_boundaries():
    pilot = [0.97 + 0.001 * number for number in range(16)]
    drawn = comparator.replicated("x", 0.9, 1, lambda n: [0.99] * n, pilot=pilot)
    found, limits = only(drawn), TRAINING.boundaries()
    assert (found.missed, found.alarm) == (limits.chance, limits.false_alarm) and found.seeds == (6, 6)
    assert found.sees == "shifts of the pilot's median of 7.93 %"
    assert how_we_know(claim(drawn)).startswith(
        "1 statement about 6 trainings, which would stand with probability 0.042"
    )
    few = comparator.replicated("y", 0.5, 1, [0.9] * 7)
    assert only(few).kind == "all trainings" and only(few).alarm == TRAINING.of_all(7).false_alarm > 0.5
    assert "2 statements about 7 trainings, all that there are, each of which would" in how_we_know(claim(few, few))


def test_what_is_recorded_or_did_not_run_says_so():
    seen = claim(observed("o", 0.5, 1, [0.9]), verdict="recorded")
    assert how_we_know(seen) == "recorded, not run here: 1 statement observed in 1 training"
    assert how_we_know(replace(seen, verdict="refuted")) == how_we_know(seen)
    assert how_we_know(claim(observed("o", 0.5, 1, [0.9, 0.8]))) == "1 statement observed in 2 trainings"
    assert how_we_know(claim_record("P6")) == "not run: no weights: see --model"
    assert how_we_know(replace(claim(), verdict="failed")) == "no evidence was recorded"


@pytest.mark.parametrize("record", ledger_run().claims, ids=lambda one: one.id)
def test_all_comparisons_of_a_claim_are_in_its_grades(record):
    found = [grade for grade in grades(record) if grade.kind != "proof"]
    assert sum(grade.comparisons for grade in found) == len(record.evidence)
    assert sum(grade.numbers for grade in found) == record.numbers and how_we_know(record)
