"""What entries of our ledger say for people is there, and proofs prove by what they are said to."""

import inspect
import re
from importlib import import_module
from types import CodeType, FunctionType, ModuleType

import pytest

from paper_checks.evidence.ledger.references import stating
from paper_checks.project import own_ledger

GROUPS = ("T1", "T2", "T3", "T4", "G", "B", "E", "P")
"""Whose entries are complete."""
OBSERVED = ("E", "P")
"""Groups of them whose claims are about trainings and models: nothing is proved of these."""

CLAIMS = {name: claim for name, claim in own_ledger().claims.items() if claim.group in GROUPS}
PROOFS = [(claim, proof) for claim in CLAIMS.values() for proof in claim.proof]

MEANS = {
    "sympy": {"sympy"},
    "rational functions": {"theory.quotients"},  # in all symbols at once, by FLINT
    "fractions": {"fractions", "paper_checks.witnesses.enumeration"},  # equality at stated sizes
    "Sturm": {"paper_checks.witnesses.sturm"},
    "balls": {"theory.key_query.certified", "theory.evaluation.ball_arithmetic"},
}
"""By what is proved, and modules of which such a proof uses something, or functions that it uses."""

HELPERS = ("paper_checks.", "tests.")
"""Where functions are that a proof may leave its work to."""


def names_in(code: CodeType) -> set[str]:
    """Names that a function and what is nested in it ask for."""
    nested = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*map(names_in, nested))


def used(function: FunctionType) -> set[str]:
    """Globals that a function uses, itself or in helpers that it calls: functions by name, and the modules of all."""
    found, seen, pending = set(), set(), [function]
    while pending:
        now = pending.pop()
        seen.add(now)
        for name in names_in(now.__code__) & now.__globals__.keys():
            value = now.__globals__[name]
            module = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "")
            found |= {module, f"{module}.{getattr(value, '__qualname__', '')}"}
            called = inspect.unwrap(value) if callable(value) else value  # a job's function
            if isinstance(called, FunctionType) and called not in seen and called.__module__.startswith(HELPERS):
                pending.append(called)
    return found


def function_of(test: str) -> FunctionType:
    """The function of `file.py::function`."""
    path, _, name = test.partition("::")
    return inspect.unwrap(getattr(import_module(path.removesuffix(".py").replace("/", ".")), name))


def numbered(dotted: str) -> set[int]:
    """Numbers of equations in the docstring of what has this name."""
    return {int(number) for number in re.findall(r"  \((\d+)\)$", stating(dotted).__doc__ or "", re.MULTILINE)}


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_an_entry_says_all_that_people_read(claim):
    for key in ("title", "paper", "found", "shown", "limits"):
        assert getattr(claim, key).strip(), key
    if claim.group in OBSERVED or (claim.rule and not claim.theory):
        assert re.search("training|seed|model", claim.limits), "limits must say of which trainings or model it is"
        return
    assert claim.theory
    if not claim.proof:
        assert "proof" in claim.limits or "proves" in claim.limits, "limits must say that nothing is proved"


@pytest.mark.parametrize(("claim", "proof"), PROOFS, ids=[f"{claim.id}-{p.test}-{p.by}" for claim, p in PROOFS])
def test_a_proof_proves_by_what_it_says(claim, proof):
    assert proof.by in MEANS, f"by must be one of {', '.join(MEANS)}"
    assert MEANS[proof.by] & used(function_of(proof.test))


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_equations_that_are_proved_are_in_what_states_the_claim(claim):
    there = set().union(*map(numbered, claim.theory))
    assert {number for proof in claim.proof for number in proof.equations} <= there


def test_a_proof_by_other_means_is_seen():
    """Through a helper, through a job, and not at all."""
    there = {by: "tests/theory/test_proofs.py::test_" for by in ("sympy", "rational functions")}
    assert MEANS["sympy"] & used(function_of(there["sympy"] + "closed_forms_are_the_definition"))
    job = "paper_checks/claims/t2/test_gradient_noise.py::test_signal_to_noise_of_the_noise_row"
    assert MEANS["sympy"] & used(function_of(job))
    other = function_of("tests/theory/test_equations.py::test_no_number_is_given_twice")
    assert not used(other) & set().union(*MEANS.values())
    assert not MEANS["sympy"] & used(function_of(there["rational functions"] + "mean_count"))
