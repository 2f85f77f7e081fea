"""P6's check on made-up results: it passes where LASER helps at few shots and hurts at eight, and fails otherwise."""

import pytest

from paper_checks.claims.p import test_gsm8k as p6
from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.verdicts import verdict
from paper_checks.project import own_ledger
from simulate.gsm8k.problems import MODELS
from simulate.gsm8k.results import comparable
from simulate.runtime.files import write_json

PROBLEMS = 1319


def results(rates, truncation, model=MODELS[0], **configuration):
    """Made-up results: the first `rate` of the problems answered correctly, by number of shots."""
    shots = {}
    for count, rate in rates.items():
        judged = [number < rate * PROBLEMS for number in range(PROBLEMS)]
        answers = [{"correct": {"strict": right, "flexible": right}} for right in judged]
        shots[str(count)] = {"date": "2026-01-02", "device": "a GPU", "answers": answers}
    known = {"problems": PROBLEMS, "weights_sha256": "ab", "truncation": truncation} | configuration
    return {"source": {"model": model}, "model_files": {}, "configuration": known, "shots": shots}


CUT = {"role": "mlp_in", "layer": -1, "fraction": 0.1}
WHOLE = results({1: 0.4, 2: 0.5, 8: 0.7}, None)


def checked(cut):
    properties = []
    claim = Assertions("P6", 1, properties, own_ledger())
    p6.test_few_shots_gain_and_eight_lose(claim, (WHOLE, cut))
    return claim.evidence, properties


def test_the_claim_as_stated():
    evidence, properties = checked(results({1: 0.5, 2: 0.6, 8: 0.6}, CUT))
    assert verdict(evidence) == "verified" and len(evidence) == 3
    assert ("recorded", "recorded on 2026-01-02, a GPU") in properties
    assert evidence[0].estimate == pytest.approx(0.1, abs=1 / PROBLEMS)
    changed = 132  # of 1319 problems, all gained: SE = sqrt(c - c²/n)/n
    assert evidence[0].standard_error == pytest.approx((changed - changed**2 / PROBLEMS) ** 0.5 / PROBLEMS, rel=0.01)


@pytest.mark.parametrize(
    "rates",
    [{1: 0.3, 2: 0.6, 8: 0.6}, {1: 0.5, 2: 0.4, 8: 0.6}, {1: 0.5, 2: 0.6, 8: 0.8}, {1: 0.41, 2: 0.6, 8: 0.6}],
    ids=["worse at 1", "worse at 2", "better at 8", "too little to tell"],
)
def test_the_claim_fails_otherwise(rates):
    with pytest.raises(AssertionError, match="P6"):
        checked(results(rates, CUT))


@pytest.mark.parametrize(
    ("whole", "cut", "message"),
    [
        (results({1: 0.4, 2: 0.5, 8: 0.7}, None, model="tiny"), results({1: 0.5}, CUT), "must be of microsoft"),
        (results({1: 0.4}, CUT), results({1: 0.4}, CUT), "must be of the model as it is"),
        (WHOLE, results({1: 0.4}, None), "of the truncated one"),
        (WHOLE, results({1: 0.4, 2: 0.5}, CUT), r"missing \[8\]"),
        (WHOLE, results({1: 0.4, 2: 0.5, 8: 0.7}, CUT, weights_sha256="cd"), "weights_sha256"),
    ],
)
def test_files_that_cannot_be_compared(tmp_path, whole, cut, message):
    paths = tmp_path / "whole.json", tmp_path / "cut.json"
    for path, found in zip(paths, (whole, cut), strict=True):
        write_json(path, found)
    with pytest.raises(ValueError, match=message):
        comparable(*paths)
