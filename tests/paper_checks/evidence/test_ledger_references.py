"""Functions and tests that a ledger refers to: names that are not there are said."""

from dataclasses import replace

import pytest

from paper_checks.evidence.ledger import Proof, unfound
from paper_checks.evidence.ledger.references import stating
from paper_checks.project import own_ledger
from tests.places import ROOT

THERE = "tests/theory/test_equations.py::test_no_number_is_given_twice"


def ledger_with(**changed):
    ledger = own_ledger()
    return replace(ledger, claims={"T1.1": replace(ledger.claims["T1.1"], **changed)})


def test_our_ledger_refers_to_what_is_there():
    assert unfound(own_ledger()) == []
    files = {proof.test.partition("::")[0] for claim in own_ledger().claims.values() for proof in claim.proof}
    assert files and [file for file in files if not (ROOT / file).is_file()] == []  # a folder that is not there, too


@pytest.mark.parametrize("name", ["theory.task.Task", "theory.Task", "theory.memory", "theory.task.Task.M"])
def test_what_states_a_claim_is_found(name):
    assert unfound(ledger_with(theory=(name,))) == []
    assert stating("theory.task.Task").__name__ == "Task"


@pytest.mark.parametrize(
    "name", ["theory.task.Tusk", "nothing.at.all", "theory.task.Task.M.x", "theory.tusk", "", "a..b", ".a", "..", "a b"]
)
def test_what_is_not_there_is_said(name):
    assert unfound(ledger_with(theory=("theory.Task", name))) == [f"claim T1.1: theory: no {name}"]


@pytest.mark.parametrize(
    "test",
    [
        "tests/theory/test_equations.py::test_nothing",
        "tests/theory/test_x.py::test_y",
        "tests/theory",
        THERE[:-1],
        "::test_y",
        "README.md::test_y",
        "docs/curves.svg::test_y",
        "../x.py::test_y",
        "/dev/null::test_y",
        "tests/\0::y",
    ],
)
def test_a_proof_that_is_not_there_is_said(test):
    proofs = Proof(THERE, "sympy"), Proof(test, "fractions")
    assert unfound(ledger_with(proof=proofs)) == [f"claim T1.1: proof: no {test}"]


def test_of_tests_that_are_not_shipped_nothing_is_said(tmp_path):
    ledger = replace(ledger_with(proof=(Proof("tests/x.py::test_y", "sympy"),)), path=tmp_path / "own" / "claims.toml")
    assert unfound(ledger) == []
