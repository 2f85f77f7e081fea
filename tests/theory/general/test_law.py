"""What is a law and what is refused, by name; laws whose trigger is never reached; the shortest sequences."""

import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import theory
from paper_checks.witnesses.general import enumeration
from theory import Law, Task, general
from theory.law import recurrent_classes, recurrent_tokens

CHAIN = [[0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.6, 0.2, 0.2]]
GOOD = {"chain": CHAIN, "T": 5, "trigger": 0, "alpha": 0.3, "noise": 2}
HALVES = [Fraction(1, 2), Fraction(1, 2), Fraction(0)]


def changed(row, column, value):
    rows = np.array(CHAIN)
    rows[row, column] = value
    return rows


BAD = [
    ("chain", CHAIN[:2], ValueError, r"chain must be a square \(M, M\) array, got shape \(2, 3\)"),
    ("chain", CHAIN[0], ValueError, r"chain must be a square \(M, M\) array, got shape \(3,\)"),
    ("chain", [], ValueError, r"chain must be a square \(M, M\) array"),
    ("chain", [[0.5, 0.5], [1.0]], ValueError, "chain must be a real array of rectangular shape"),
    ("chain", changed(1, 2, -0.6), ValueError, r"chain must be >= 0, its least entry is -0\.6"),
    ("chain", changed(1, 2, np.nan), ValueError, "chain must be finite, got NaN or infinite entries"),
    ("chain", changed(1, 2, np.inf), ValueError, "chain must be finite, got NaN or infinite entries"),
    ("chain", changed(1, 2, 0.61), ValueError, r"chain must sum to 1 along its last axis.*row 1 is off by 1\.000e-02"),
    ("chain", np.array(CHAIN, dtype=np.float32), ValueError, "chain must sum to 1 along its last axis"),
    ("chain", [[Fraction(1, 2), Fraction(1, 3)], [1, 0]], ValueError, "chain must sum to 1 .* within 0.*row 0"),
    ("chain", np.array(CHAIN, dtype=complex), TypeError, "chain must be a real array, got dtype complex"),
    ("chain", [["a", "b"], ["c", "d"]], TypeError, "chain must be a real array, got dtype"),
    ("chain", [[True, False], [False, True]], TypeError, "chain must be a real array, got dtype bool"),
    ("chain", [[10**400, 0], [0, 1]], ValueError, r"chain must sum to 1 .*row 0 is off by 1\.798e\+308"),
    ("chain", [[10**400, 0.5], [0, 1]], ValueError, "chain must be finite in float64, got a rational entry beyond it"),
    ("chain", None, TypeError, "chain must hold real numbers, got None"),
    ("T", 0, ValueError, "T must be an integer >= 2, got 0"),
    ("T", 1, ValueError, "T must be an integer >= 2, got 1"),
    ("T", 5.0, TypeError, r"T must be an integer >= 2, got 5\.0 \(float\)"),
    ("T", True, TypeError, r"T must be an integer >= 2, got True \(bool\)"),
    ("trigger", 3, ValueError, r"trigger must be a token in 0\.\.2, got 3"),
    ("trigger", -1, ValueError, "trigger must be an integer >= 0, got -1"),
    ("trigger", "a", TypeError, "trigger must be an integer >= 0, got 'a'"),
    ("alpha", 1.5, ValueError, r"alpha must be a real number in \[0, 1\], got 1\.5"),
    ("alpha", float("nan"), ValueError, r"alpha must be a real number in \[0, 1\], got nan"),
    ("alpha", "0.3", TypeError, r"alpha must be a real number in \[0, 1\], got '0\.3'"),
    ("first", [0.5, 0.5], ValueError, r"first must have shape \(3,\), got \(2,\)"),
    ("first", [0.5, 0.6, 0.1], ValueError, "first must sum to 1 along its last axis.*its sum is off by 2"),
    ("answers", [0.25] * 4, ValueError, r"answers must have shape \(3,\), got \(4,\)"),
    ("answers", CHAIN, ValueError, r"answers must have shape \(3,\), got \(3, 3\)"),
    ("answers", [1.5, -0.5, 0], ValueError, r"answers must be >= 0, its least entry is -0\.5"),
    ("answers", "uniform", TypeError, "answers must be a real array, got dtype"),
    ("noise", 3, ValueError, r"noise must be a token in 0\.\.2, got 3"),
    ("noise", [0.5, 0.5], ValueError, r"noise must have shape \(3,\), got \(2,\)"),
    ("noise", [0, 0, 0], ValueError, "noise must sum to 1 along its last axis"),
    ("noise", 1.0, TypeError, r"noise must be a token or a law of shape \(3,\), got 1\.0 \(float\)"),
    ("noise", True, TypeError, r"noise must be a token or a law of shape \(3,\), got True \(bool\)"),
]


@pytest.mark.parametrize(
    ("name", "value", "error", "words"), BAD, ids=[f"{name} {number}" for number, (name, *_) in enumerate(BAD)]
)
def test_refused_by_name(name, value, error, words):
    with pytest.raises(error, match=words):
        Law(**GOOD | {name: value})
    if name != "chain":
        with pytest.raises(error, match=words):
            replace(Law(**GOOD), **{name: value})


def test_a_first_token_is_needed_where_the_stationary_law_is_not_unique():
    reducible = {**GOOD, "chain": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}
    with pytest.raises(ValueError, match=r"chain has 3 recurrent classes .*give the law of the first token"):
        Law(**reducible)
    assert Law(**reducible, first=HALVES).first.tolist() == [0.5, 0.5, 0.0]
    assert Law([[0, 1], [1, 0]], T=3, trigger=0, alpha=0, noise=1).first.tolist() == [Fraction(1, 2)] * 2


def test_recurrent_tokens_are_those_of_the_recurrent_classes():
    generator = np.random.default_rng(25)
    for M, share in itertools.product((1, 2, 5, 17), (0.05, 0.2, 0.5, 1)):
        chains = generator.random((30, M, M)) * (generator.random((30, M, M)) < share)
        chains += np.eye(M) * (chains.sum(axis=2, keepdims=True) == 0)
        for chain, found in zip(chains, recurrent_tokens(chains), strict=True):
            assert np.flatnonzero(found).tolist() == sorted(np.concatenate(recurrent_classes(chain)))


def test_numbers_are_as_exact_as_what_is_given():
    rows = [[Fraction(1, 2), 0, Fraction(1, 2)], [0, 1, 0], [1, 0, 0]]
    assert Law(rows, T=5, trigger=0, alpha=Fraction(1, 3), first=HALVES, noise=2).is_exact
    for other in ({"alpha": 0.5}, {"first": [0.5, 0.5, 0.0]}, {"noise": [0.0, 1.0, 0.0]}):
        law = Law(**{"chain": rows, "T": 5, "trigger": 0, "alpha": Fraction(1, 3), "first": HALVES, "noise": 2} | other)
        assert not law.is_exact and law.chain.dtype == np.float64
        with pytest.raises(TypeError, match="exact=True needs a law of rational numbers"):
            theory.gradient_mean(law, "feed_forward", exact=True)


def test_the_arguments_are_copied_and_cannot_be_changed():
    rows = np.array(CHAIN)
    law = Law(**{**GOOD, "chain": rows})
    rows[:] = 0
    assert law.chain.tolist() == CHAIN
    with pytest.raises(ValueError, match="read-only"):
        law.chain[0, 0] = 1


def test_output_probabilities_are_refused_by_name():
    law = Law(**GOOD)
    for output, words in (
        ("uniform", r"output must be 'absorbed' or .* or None, got 'uniform'"),
        ([0.5, 0.5], r"output must have shape \(3,\), got \(2,\)"),
        ([0.5, 0.6, 0.1], "output must sum to 1"),
        ([np.nan, 0.5, 0.5], "output must be finite"),
    ):
        with pytest.raises(ValueError, match=words):
            theory.key_query_gradient(law, output)
    with pytest.raises(TypeError, match=r"absorption must be given for a theory\.Task alone"):
        theory.key_query_gradient(law, absorption=0.5)
    with pytest.raises(ValueError, match="layer must be"):
        theory.gradient_mean(law, "mlp")
    with pytest.raises(TypeError, match=r"must be a theory\.Law or a theory\.Task, got"):
        general.count_moments(CHAIN)


def test_a_task_may_be_given_by_keyword():
    task = Task(3, 5, Fraction(1, 3), 1)
    half = theory.key_query_gradient(task, Fraction(1, 2), True)
    assert (theory.key_query_gradient(task=task, absorption=Fraction(1, 2), exact=True) == half).all()
    with pytest.raises(TypeError, match="law and task are the same"):
        theory.key_query_gradient(task, task=task)
    with pytest.raises(TypeError, match=r"task must be a theory\.Task"):
        theory.key_query_gradient(task=Law(**GOOD))
    with pytest.raises(TypeError, match=r"law must be a theory\.Law or a theory\.Task, got None"):
        theory.key_query_gradient()


def test_wrong_arguments_of_the_chapter_are_refused_by_name():
    law = Law(**GOOD)
    for call, error, words in (
        (lambda: general.answer_samples(law, 3), ValueError, r"correct must be a token in 0\.\.2, got 3"),
        (lambda: general.answer_samples(law, -1), ValueError, "correct must be an integer >= 0, got -1"),
        (lambda: general.answer_samples(law, 0, rivals=[5]), ValueError, r"rivals must be a token in 0\.\.2, got 5"),
        (lambda: general.answer_samples(law, 0, 1), ValueError, r"rate must be a real number in \(0, 1\), got 1"),
        (
            lambda: general.answer_samples(law, 0, float("nan")),
            ValueError,
            r"rate must be a real number in \(0, 1\), got nan",
        ),
        (lambda: general.noise_samples(law, "a"), TypeError, r"rate must be a real number in \(0, 1\), got 'a'"),
        (lambda: general.attractions(law, [0] * 6), ValueError, r"directions must have shape \(D, 2M\), got \(6,\)"),
        (lambda: general.features(law, "mlp"), ValueError, "layer must be"),
        (lambda: theory.ask(law, 3), TypeError, r"names must be a sequence or None, got 3 \(int\)"),
        (lambda: theory.ask(law, ["a", 1, "b"]), TypeError, r"names\[1\] must be a string, got 1 \(int\)"),
        (lambda: theory.ask(Task(3, 5, 0.3), list("abcd")), ValueError, r"names must be None for a theory\.Task"),
    ):
        with pytest.raises(error, match=words):
            call()


@pytest.mark.parametrize("T", [1000, 10**6, 10**9])
def test_tokens_that_a_chain_leaves_for_good(T):
    """Token 1 absorbs; before it the others are met a bounded number of times, to full accuracy at every T."""
    law = Law([[0.5, 0.3, 0.2], [0, 1, 0], [0.6, 0.2, 0.2]], T=T, trigger=0, alpha=0.3, first=[0, 0, 1], noise=2)
    found = general.count_moments(law)
    assert (found.last >= 0).all() and not found.last[1, [0, 2]].any()
    left = np.array([[0.0, 0.3], [0.6, 0.2]])  # between 0 and 2 where c = 1: 0 to 2 with α, 2 to 0 and to itself
    assert found.mean[1, [0, 2]] == pytest.approx(np.linalg.inv(np.eye(2) - left)[1], rel=1e-12)


def test_exact_values_have_a_largest_length():
    law = Law([[Fraction(1, 2)] * 2] * 2, T=2**20 + 1, trigger=0, alpha=Fraction(1, 2), noise=1)
    with pytest.raises(ValueError, match="T must be at most 1048576 for exact=True and M=2, got 1048577"):
        general.count_moments(law, exact=True)
    assert general.count_moments(law).mean.sum(axis=1) == pytest.approx(2**20, rel=1e-12)


def test_a_trigger_that_is_never_reached():
    """All is defined: counts do not depend on c, G_V = (p_y - 1/M) μᵀ, K = κ C, and absorbed K is 0."""
    third = Fraction(1, 3)
    chain = [[0, third, 1 - third, 0], [0, third, third, third], [0, third, 0, 1 - third], [0, 0, third, 1 - third]]
    numbers = {"first": [0, third, third, third], "answers": [third, third, 0, third], "noise": 3}
    for T in (2, 3, 6):
        law = Law(chain, T=T, trigger=0, alpha=Fraction(2, 5), **numbers)
        given = general.count_moments(law, exact=True)
        for part in (given.mean, given.last, given.covariance):
            assert (part == part[0]).all()
        assert not given.mean[:, 0].any()
        typical = np.concatenate([given.mean[0], given.mean[0]]) / Fraction(T)
        typical[0] += Fraction(1, T)  # the forced z_T
        share = law.output - Fraction(1, 4)
        assert (theory.gradient_mean(law, "attention_value", exact=True) == np.multiply.outer(share, typical)).all()
        feed_forward = theory.gradient_mean(law, "feed_forward", exact=True)
        assert (feed_forward[:, 0] == share).all() and (
            feed_forward[:, 4:] == np.multiply.outer(share, given.last[0])
        ).all()
        parts = general.decomposition(law, exact=True)
        assert not parts.answers.any() and (parts.strength * parts.frequency).any()
        assert (theory.key_query_gradient(law, exact=True) == parts.strength * parts.frequency).all()
        assert not theory.key_query_gradient(law, "absorbed", exact=True).any()
        assert (enumeration.key_query_gradient(law) == parts.gradient).all()


@pytest.mark.parametrize("T", [2, 1001])
def test_a_single_token(T):
    """M = 1: y and every token are certain, so that every gradient is 0."""
    law = Law([[1]], T=T, trigger=0, alpha=Fraction(1, 2), noise=0)
    for exact in (True, False):
        for layer in theory.LAYERS:
            assert not theory.gradient_mean(law, layer, exact).any()
            assert not theory.gradient_variance(law, layer, exact).any()
        assert not theory.key_query_gradient(law, exact=exact).any()


def test_a_task_is_the_law_of_its_uniform_chain():
    task = Task(3, 5, Fraction(1, 3), 1)
    law = Law.of_task(task)
    ordinary = [Fraction(1, 3)] * 3 + [Fraction(0)]
    assert law.chain.tolist() == [ordinary] * 4 and law.first.tolist() == law.answers.tolist() == ordinary
    assert law.noise.tolist() == [0, 0, 0, 1] and (law.T, law.q, law.alpha, law.M) == (5, 1, Fraction(1, 3), 4)
    with pytest.raises(ValueError, match=r"chain must have shape \(4, 4\), got \(3, 3\)"):
        Law.of_task(task, CHAIN)
    with pytest.raises(TypeError, match=r"task must be a theory\.Task"):
        Law.of_task(law)
