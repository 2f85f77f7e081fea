"""The key-query step: exact values, floats, identities and limits of bad input."""

from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from paper_checks.witnesses import dynamic_programme, enumeration
from tests.oracles.theory import at_precision
from theory import Task
from theory.key_query.limits import long_sequence_parts
from theory.key_query.phase_diagram import (
    CONTRASTS,
    avoidance_threshold,
    critical_noise_level,
    occurring_pairs,
    ranking_gap,
    ranking_threshold,
    reversal_range,
)
from theory.key_query.step import (
    KEY_CLASSES,
    KeyQuery,
    key_query_classes,
    key_query_closed_form,
    key_query_combinations,
    key_query_gradient,
    key_query_parts,
)

POINTS = (  # (N, T, α, π): ratios of both signs, T = 2, α = 0, a ratio of 0, α = 1, absorbed, none and all absorbed
    (2, 5, Fraction(1, 2), Fraction(1, 3)),
    (3, 2, Fraction(1, 3), Fraction(0)),
    (4, 7, Fraction(0), Fraction(1, 5)),
    (5, 3, Fraction(4, 5), Fraction(1)),
    (3, 6, Fraction(1), Fraction(2, 7)),
    (7, 11, Fraction(2, 9), Fraction(2, 9)),
)


@pytest.mark.parametrize("name", KEY_CLASSES)
def test_closed_forms_give_the_exact_values(name):
    expression = key_query_closed_form(name)
    symbols = sympy.symbols("N T alpha pi")
    assert expression.free_symbols == set(symbols)
    for N, T, alpha, absorption in POINTS:
        exact = key_query_classes(Task(N, T, alpha), absorption, exact=True)[name]
        numbers = map(sympy.Rational, (N, T, alpha, absorption))
        value = expression.xreplace(dict(zip(symbols, numbers, strict=True)))
        assert Fraction(int(value.p), int(value.q)) == exact, (N, T, alpha, absorption)


@given(data=st.data(), alpha=st.fractions(0, 1, max_denominator=12), N=st.integers(2, 4), T=st.integers(2, 5))
@settings(max_examples=60, deadline=None)
def test_exact_values_equal_enumeration(data, alpha, N, T):
    """Equality of fractions, entry by entry, for any trigger and absorption."""
    task = Task(N, T, alpha, data.draw(st.integers(0, N - 1), label="trigger"))
    absorption = data.draw(st.none() | st.just(alpha) | st.fractions(0, 1, max_denominator=12), label="absorption")
    exact = key_query_gradient(task, absorption, exact=True)
    assert (exact == enumeration.key_query_gradient(task, absorption)).all()


@pytest.mark.parametrize("task", [Task(3, 4, Fraction(2, 7), 2), Task(4, 5, Fraction(7, 8)), Task(2, 6, 1, 1)], ids=str)
def test_uniform_output_adds_a_square(task):
    """K = A + (M/N)(α - 1/M)² E_c[Σ_c] μ at uniform p, with μ and E_c[Σ_c] from the sequences themselves."""
    weight, denominator = enumeration.weights(task)
    x, share = enumeration.positions(task).astype(object), weight.astype(object)
    total = x.sum(axis=1)
    mean = np.einsum("l,la->a", share, total) * Fraction(1, denominator * task.T)
    scatter = np.einsum("l,lta,ltb->ab", share, x, x) * Fraction(1, denominator * task.T)
    scatter = scatter - np.einsum("l,la,lb->ab", share, total, total) * Fraction(1, denominator * task.T**2)
    square = Fraction(task.M, task.N) * (task.alpha - Fraction(1, task.M)) ** 2
    uniform, absorbed = (key_query_gradient(task, level, exact=True) for level in (None, task.alpha))
    assert (uniform == absorbed + square * (scatter @ mean)).all()
    assert (uniform != absorbed).any()


@pytest.mark.parametrize("trigger", range(5))
def test_triggers_exchange_entries(trigger):
    exchanged = np.arange(12)
    exchanged[[0, trigger, 6, 6 + trigger]] = exchanged[[trigger, 0, 6 + trigger, 6]]
    first, other = (key_query_gradient(Task(5, 7, 0.3, q), 0.2) for q in (0, trigger))
    assert (other == first[exchanged]).all()
    assert first.dtype == np.float64 and first.shape == (12,)


LEVELS = [0.0, 1e-300, 1e-9, 0.3, 1 - 1e-9, 1 - 2.0**-53, 1.0]


@pytest.mark.parametrize("alpha", LEVELS)
@pytest.mark.parametrize("absorption", [None, "absorbed", 0.0, 1e-300, 0.7, 1.0])
def test_floats_are_the_fractions_rounded_once(alpha, absorption):
    for N, T in ((2, 2), (2, 9), (3, 5), (13, 7), (200, 3)):
        level = alpha if absorption == "absorbed" else absorption
        floats = key_query_classes(Task(N, T, alpha), level)
        exact = key_query_classes(Task(N, T, Fraction(alpha)), level if level is None else Fraction(level), exact=True)
        assert floats == {name: float(value) for name, value in exact.items()}, (N, T)


@given(
    task=st.builds(Task, st.integers(2, 300), st.integers(2, 12), st.fractions(0, 1, max_denominator=10**6)),
    absorption=st.none() | st.fractions(0, 1, max_denominator=10**6),
)
@settings(max_examples=60, deadline=None)
def test_floats_of_random_tasks(task, absorption):
    exact = key_query_classes(task, absorption, exact=True)
    assert key_query_classes(task, absorption) == {name: float(value) for name, value in exact.items()}


def test_floats_next_to_a_root():
    """Within 2^-120 of the critical noise level 36 leading digits of K[P(q)] cancel; what is left is still exact."""
    low, high = critical_noise_level(3, 5, bits=120)
    for alpha, sign in ((low, 1), (high, -1)):
        exact = key_query_classes(Task(3, 5, alpha), exact=True)["P(q)"]
        assert 0 < sign * exact < Fraction(1, 2**120)
        assert key_query_classes(Task(3, 5, alpha))["P(q)"] == float(exact)


def bracketed(bracket, exact):
    """Whether an exact function of the noise level changes sign between the ends of a bracket."""
    low, high = (exact(level) for level in bracket)
    return (low > 0) != (high > 0)


def test_thresholds_of_differences_have_exact_signs():
    """Gaps and contrasts are rounded after they are formed: where their classes nearly agree no sign is lost."""

    def gap(T):
        return lambda alpha: ranking_gap(Task(5, T, alpha), alpha, exact=True)

    def avoids(N, T, absorbed):
        terms = {"avoids": CONTRASTS["avoids"]}
        return lambda alpha: key_query_combinations(Task(N, T, alpha), terms, alpha if absorbed else None, exact=True)[
            "avoids"
        ]

    assert bracketed(ranking_threshold(5, 150), gap(150))
    assert bracketed(avoidance_threshold(3, 64, bits=60), avoids(3, 64, False))
    assert bracketed(avoidance_threshold(16, 12, bits=60), avoids(16, 12, False))
    assert bracketed(reversal_range(5, 64, bits=60)[1], avoids(5, 64, True))
    assert ranking_gap(Task(2, 3, Fraction(4, 7)), Fraction(4, 7)) == 0.0


@pytest.mark.parametrize("alpha", [0, Fraction(1, 2), 1])
@pytest.mark.parametrize("T", [2, 3, 4, 5])
@pytest.mark.parametrize("N", [2, 3])
def test_occurring_pairs_are_those_of_all_sequences(N, T, alpha):
    """Every (z_t, z_{t-1}) class of every sequence of positive probability, with c ≠ q where it is c that follows q."""
    task = Task(N, T, alpha, N - 1)
    weight, _ = enumeration.weights(task)
    tokens = enumeration.sequences(N, T, task.q).tokens[weight > 0]
    name = {task.q: "q", task.tau: "tau"}
    following, others = set(), set()
    for sequence in tokens:
        for t, token in enumerate(sequence):
            before = name.get(sequence[t - 1], "k") if t else None
            pair = f"E({name.get(token, 'k')})", f"P({before})" if t else ""
            (following if before == "q" else others).add(pair)
    assert [set(pairs) for pairs in occurring_pairs(task)] == [following, others]
    K = key_query_classes(task, Fraction(1, 3), exact=True)
    lowest = min(K[a] + K[b] for a, b in following)
    highest = max(K[a] + (K[b] if b else 0) for a, b in others)
    assert ranking_gap(task, Fraction(1, 3), exact=True) == lowest - highest


def precise(task, absorption):
    """K per class with 6000 bits, far beyond any cancellation, rounded to float64."""

    def formula(N, T, alpha):
        level = 1 / (N + 1) if absorption is None else 0 * N + absorption
        return {name: part.at(alpha - level) / T**3 for name, part in KeyQuery(N, T, alpha).scaled_parts.items()}

    return {name: float(value) for name, value in at_precision(formula, task, 6000).items()}


@pytest.mark.parametrize("alpha", [*LEVELS, 1e-6, 1 / (10**6 + 1)])
@pytest.mark.parametrize(("N", "T"), [(10**6, 10**6), (3, 10**6), (10**6, 3), (997, 4999)])
def test_no_cancellation_at_a_million(N, T, alpha):
    task = Task(N, T, alpha)
    for absorption in (None, alpha, 0.5):
        assert key_query_classes(task, absorption) == precise(task, absorption), absorption


@pytest.mark.parametrize("side", [0, 1])
def test_long_sequences_leave_powers_of_one_over_T(side):
    """With (1-α-1/N)^(T-2) = 2^-3998 gone, Σ_i (coefficient of T^-i) T^-i, i <= 3, rounds to the float value."""
    orders = [
        long_sequence_parts("P(q)", order)[side].subs({"N": 5, "alpha": sympy.Rational(3, 10)}) for order in range(4)
    ]
    total = sum(coefficient / sympy.Integer(4000) ** order for order, coefficient in enumerate(orders))
    assert key_query_parts(Task(5, 4000, Fraction(3, 10)))["P(q)"][side] == float(total)


def test_parts_and_classes_and_gradient_agree():
    """K = A + (α-π) C, and every entry of the vector is its class's value, in fractions and in floats."""
    task, absorption = Task(5, 7, Fraction(2, 9), 3), Fraction(1, 7)
    parts = key_query_parts(task, exact=True)
    classes = key_query_classes(task, absorption, exact=True)
    assert classes == {name: part.in_context + (task.alpha - absorption) * part.noise for name, part in parts.items()}
    floats = key_query_parts(Task(5, 7, 2 / 9, 3))
    same = key_query_parts(Task(5, 7, Fraction(2 / 9), 3), exact=True)
    assert floats == {name: (float(part.in_context), float(part.noise)) for name, part in same.items()}
    names = ["E(k)"] * 3 + ["E(q)", "E(k)", "E(tau)"] + ["P(k)"] * 3 + ["P(q)", "P(k)", "P(tau)"]
    assert list(key_query_gradient(task, absorption, exact=True)) == [classes[name] for name in names]


LARGE = (
    Task(13, 211, 0.01, 3),
    Task(13, 211, 0.97, 5),
    Task(23, 101, 0.4, 22),
    Task(7, 499, 1e-4, 2),
    Task(5, 41, 0.0, 1),
)


@pytest.mark.parametrize("task", LARGE, ids=str)
def test_floats_equal_the_dynamic_programme(task):
    """Within its rounding bound, which is a small part of every entry that is not an exact zero."""
    rounding = dynamic_programme.key_query_rounding(task)
    for absorption in (None, task.alpha, 0.7, 0.0, 1.0):
        exact, found = key_query_gradient(task, absorption), dynamic_programme.key_query_gradient(task, absorption)
        bound = rounding * dynamic_programme.key_query_scale(task, absorption)
        assert (np.abs(found - exact) <= bound).all(), absorption
        assert (bound[exact != 0] <= 1e-3 * np.abs(exact[exact != 0])).all(), absorption


@pytest.mark.parametrize("task", [Task(2, 2, Fraction(1, 3), 1), Task(4, 5, Fraction(5, 7), 2), Task(3, 6, 0)], ids=str)
def test_dynamic_programme_equals_enumeration(task):
    rounding = dynamic_programme.key_query_rounding(task)
    for absorption in (None, task.alpha, Fraction(3, 5)):
        exact = enumeration.key_query_gradient(task, absorption).astype(np.float64)
        found = dynamic_programme.key_query_gradient(task, absorption)
        assert (np.abs(found - exact) <= rounding * dynamic_programme.key_query_scale(task, absorption)).all()
