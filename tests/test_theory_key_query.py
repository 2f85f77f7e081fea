"""The key-query step: proofs in sympy for all N, T, α and π, then exact values, floats and identities.

The proofs work with polynomials in T, X = (-1/N)^(T-2), Y = (1-α-1/N)^(T-2) over the field of rational functions of N
and α, where equality is decidable. They start from what `test_theory_proofs` proves, the moments and neighbour counts
of the chain and the rows of G_V, and from the definition of K.
"""

from fractions import Fraction
from functools import cache

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from test_theory_proofs import TwoAlike

import theory
from paper_checks import dynamic_programme, enumeration
from theory import Task
from theory.evaluation import _at_precision, symbolic_numbers, symbolic_ring
from theory.gradients import EntryMoments
from theory.key_query import (
    KEY_CLASSES,
    KeyQuery,
    _symbolic_parts,
    key_query_classes,
    key_query_closed_form,
    key_query_gradient,
    key_query_parts,
)
from theory.key_query_limits import long_sequence_parts
from theory.phase_diagram import critical_noise_level
from theory.trigger_chain import TriggerChain
from theory.within_sequence import WithinSequence

n, length, a, power = symbolic_ring()
BLOCKS = ("E", "P")


def tokens_seen_from(token, is_trigger):
    """{name: number of such tokens} over the vocabulary; seen from one "j" token, the others of its law are "i"."""
    alike = n - 1 if is_trigger else n - 2
    names = {"q": 1, "tau": 1} | ({} if is_trigger else {"c": 1})
    return names | ({"j": 1, "i": alike - 1} if token == "j" else {"j": alike})


def scaled_covariance(chain, left, right):
    """T² Σ_c[left, right] = T E[#{t : both in x_t}] - E[n_left] E[n_right] - Cov(n_left, n_right), the definition."""
    (block, token), (other_block, other) = left, right
    counts = [chain.mean_count(name) + int((side, name) == ("E", "q")) for side, name in (left, right)]
    if block == other_block:
        meetings = counts[0] if token == other else 0
    else:
        meetings = chain.pair_count(other, token) if block == "E" else chain.pair_count(token, other)
    return chain.T * meetings - counts[0] * counts[1] - chain.count_covariance(token, other)


@cache
def covariances(is_trigger):
    """{feature: {other: T² Σ_c[feature, ·] summed over all features of the other's law}}."""
    chain = TwoAlike(n, length, a, is_trigger, power)
    features = [(block, token) for block in BLOCKS for token in tokens_seen_from("q", is_trigger)]
    table = {feature: dict.fromkeys(features, 0 * n) for feature in features}
    for feature, row in table.items():
        for block in BLOCKS:
            for token, number in tokens_seen_from(feature[1], is_trigger).items():
                law = "j" if token == "i" else token
                row[block, law] += number * scaled_covariance(chain, feature, (block, token))
    return table


def applied(is_trigger, weights):
    """T² Σ_b Σ_c[a, b] w_b over all 2M features b, per feature a."""
    return {
        feature: sum(covariance * weights[other] for other, covariance in row.items())
        for feature, row in covariances(is_trigger).items()
    }


@pytest.mark.parametrize("is_trigger", [False, True])
def test_covariance_applied_to_every_basis_vector(is_trigger):
    """`WithinSequence.applied`, which sums over the "j" tokens by equation (5), is the sum over all features."""
    sequences = WithinSequence(TriggerChain(n, length, a, is_trigger, power))
    for basis in sequences.counts:
        weights = {feature: n**0 * int(feature == basis) for feature in sequences.counts}
        assert sequences.applied(weights) == applied(is_trigger, weights), basis


def in_ring(value):
    """An element of the field of N, α, T, X, Y whose denominator holds N and α alone."""
    generators = (n, a, length, power(-1 / n, 0), power(None, 0))

    def polynomial(part):
        return sum(
            n**0 * number * sympy.prod(g**e for g, e in zip(generators, powers, strict=True))
            for powers, number in part.terms()
        )

    return polynomial(value.numer) / polynomial(value.denom)


@cache
def scaled_gradient():
    """T G_V per entry class, from the proved moments."""
    moments = EntryMoments("attention_value", *symbolic_numbers())
    return {entry: in_ring(moments.mean(entry) * moments.T) for entry in theory.ENTRY_CLASSES}


def row_entry(row, feature):
    """T G_V[row, feature], row and token by their names given c; the same name is the same token."""
    block, token = feature
    column = token if token in ("q", "tau") else "k" if token == row else "j"
    return scaled_gradient()["k" if row in ("c", "j") else row, f"{block}({column})"]


def attended_target(is_trigger, feature, absorption):
    """T (G_Vᵀ d_c)[feature], d_c = (1-α) e_c + α e_τ - p."""
    correct, token = "q" if is_trigger else "c", feature[1]
    if token in ("q", "tau"):
        others = (n - 1) * row_entry("j", feature)
    else:
        others = row_entry(token, feature) + (n - 2) * row_entry("c" if token == "j" else "j", feature)
    ordinary, noise = row_entry("q", feature) + others, row_entry("tau", feature)
    return (1 - a) * row_entry(correct, feature) + (a - absorption) * noise - (1 - absorption) / n * ordinary


def averaged(weights):
    """T³ E_c[Σ_c w_c] per class of K, from T w_c as {c = q: {feature: value}}."""
    given_c = {is_trigger: applied(is_trigger, weights[is_trigger]) for is_trigger in (False, True)}
    found = {}
    for name in KEY_CLASSES:
        block, token = name[0], name[2:-1]
        if token == "k":  # is c, or is not c, or c is q
            terms = [given_c[False][block, "c"], (n - 2) * given_c[False][block, "j"], given_c[True][block, "j"]]
        else:
            terms = [(n - 1) * given_c[False][block, token], given_c[True][block, token]]
        found[name] = sum(terms) / n
    return found


def test_decomposition_is_the_definition():
    """Equation (6) for all N, T, α, π: Gᵀ d_c is affine in π, so its value at π = α and its slope settle it."""
    absorbed, slope = {}, {}
    for is_trigger in (False, True):
        features = covariances(is_trigger)
        absorbed[is_trigger] = {feature: attended_target(is_trigger, feature, a) for feature in features}
        slope[is_trigger] = {
            feature: attended_target(is_trigger, feature, a - 1) - absorbed[is_trigger][feature] for feature in features
        }
    parts = _symbolic_parts()
    assert {name: part.in_context for name, part in parts.items()} == averaged(absorbed)
    assert {name: part.noise for name, part in parts.items()} == averaged(slope)


def block_sum(values, block, N):
    return values[f"{block}(q)"] + (N - 1) * values[f"{block}(k)"] + values[f"{block}(tau)"]


@pytest.mark.parametrize("side", [0, 1])
def test_the_embedding_block_sums_to_zero(side):
    """Every x_t has one E feature, so Σ_{a ∈ E} K[a] = 0, for A and C and all N, T, α; the P block's sum is not 0."""
    values = {name: part[side] for name, part in _symbolic_parts().items()}
    assert block_sum(values, "E", n) == 0
    assert block_sum(values, "P", n) != 0


def divisible(value, factor):
    """Whether every coefficient of a ring element holds the factor, a polynomial in N and α, in its numerator."""
    return all(coefficient.numer.rem(factor.numer) == 0 for coefficient in value.coeffs())


def test_where_the_parts_vanish():
    """For all N, T: A = 0 at α = 1 and C = 0 at α = 1/M, to second and first order; the noise token's at α = 0."""
    n_number, level = (generator.LC for generator in (n, a))  # N and α in the coefficients' field
    for name, (in_context, noise) in _symbolic_parts().items():
        assert divisible(in_context, (1 - level) ** 2), name
        assert divisible(noise, (n_number + 1) * level - 1), name
        assert not divisible(noise, 1 - level), name
        assert all(divisible(part, level) == (name[2:] == "tau)") for part in (in_context, noise)), name


def test_two_tokens():
    """At T = 2, for all N and α: A = 0, τ never occurs, and C[P(q)] = (α - (1-α)/N)/(8N²), which needs z_1 = q."""
    parts = KeyQuery(n, 2, a, lambda ratio, exponent: n**0).scaled_parts
    assert all(part.in_context == 0 for part in parts.values())
    assert parts["E(tau)"] == parts["P(tau)"] == (0, 0)
    assert parts["P(q)"].noise / 8 == (a - (1 - a) / n) / (8 * n**2)


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


def precise(task, absorption):
    """K per class with 6000 bits, far beyond any cancellation, rounded to float64."""

    def formula(N, T, alpha):
        level = 1 / (N + 1) if absorption is None else 0 * N + absorption
        return {name: part.at(alpha - level) / T**3 for name, part in KeyQuery(N, T, alpha).scaled_parts.items()}

    found = _at_precision(formula, task, 6000)
    return {name: float(value) if abs(value) > mpmath.mpf(2) ** -1070 else 0.0 for name, value in found.items()}


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
