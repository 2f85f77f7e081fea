"""Exact theory against independent witnesses: enumeration (equality) and a dynamic programme (rounding)."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import theory
from paper_checks.witnesses import dynamic_programme, enumeration
from tests.oracles.theory import at_precision
from theory import ENTRY_CLASSES, LAYERS, MOMENTS, Task
from theory.one_step.class_averages import class_average_variance, class_sizes
from theory.one_step.gradients import EntryMoments
from theory.one_step.symmetry import entry_labels, parse_entry_class

LEVELS = (0, Fraction(1, 7), Fraction(1, 2), Fraction(5, 6), 1)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("T", range(2, 7))
@pytest.mark.parametrize("N", range(2, 5))
def test_mean_and_variance_equal_enumeration(N, T, layer):
    """Equality of fractions for every trigger, α = 0, α = 1 and 1 - α = 1/N (a geometric ratio of 0) included."""
    for q in range(N):
        for alpha in (*LEVELS, 1 - Fraction(1, N)):
            task = Task(N, T, alpha, q)
            mean, variance = enumeration.gradient_moments(task, layer)
            assert (mean == theory.gradient_mean(task, layer, exact=True)).all(), task
            assert (variance == theory.gradient_variance(task, layer, exact=True)).all(), task


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(
    "task", [Task(5, 9, 0.3, 2), Task(199, 997, 0.37, 11), Task(200, 1000, 0.0, 3), Task(101, 503, 1.0, 7)], ids=str
)
def test_float_values_equal_dynamic_programme(task, layer):
    """Relative error below 1e-12; where theory is exactly 0, below 1e-12 of the class's second moment."""
    found = dict(zip(MOMENTS, dynamic_programme.class_values(task, layer), strict=True))
    exact = {moment: theory.class_values(task, layer, moment) for moment in MOMENTS}
    for entry in ENTRY_CLASSES:
        second = exact["variance"][entry] + exact["mean"][entry] ** 2
        for moment, scale in (("mean", second**0.5), ("variance", second)):
            a, b = exact[moment][entry], found[moment][entry]
            assert abs(a - b) <= 1e-12 * (abs(a) or scale), (entry, moment, a, b)


@given(
    N=st.integers(2, 6),
    T=st.integers(2, 12),
    alpha=st.fractions(0, 1, max_denominator=40),
    layer=st.sampled_from(LAYERS),
    moment=st.sampled_from(MOMENTS),
)
@settings(max_examples=60, deadline=None)
def test_floats_are_the_fractions_rounded_once(N, T, alpha, layer, moment):
    exact = theory.class_values(Task(N, T, alpha), layer, moment, exact=True)
    for entry, value in theory.class_values(Task(N, T, alpha), layer, moment).items():
        assert value == float(exact[entry]), entry


@pytest.mark.parametrize("alpha", [0.0, 1e-300, 1e-9, 1e-6, 0.3, 1 / (10**6 + 1), 1 - 1e-12, 1.0])
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_no_cancellation_at_a_million(alpha, layer, moment):
    """At N = T = 10⁶ every value agrees to 1e-15 with 6000-bit arithmetic, far beyond any cancellation."""
    task = Task(10**6, 10**6, alpha)

    def formula(N, T, alpha):
        moments = EntryMoments(layer, N, T, alpha)
        return {entry: getattr(moments, moment)(entry) for entry in ENTRY_CLASSES}

    precise = at_precision(formula, task, 6000)
    for entry, value in theory.class_values(task, layer, moment).items():
        reference = float(precise[entry])
        assert abs(value - reference) <= 1e-15 * abs(reference), entry


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_closed_forms_give_the_exact_values(layer, moment):
    """The published sympy expressions, evaluated at points of every kind (α = 0, r = 0, T = 2), equal the fractions."""
    for N, T, alpha in ((2, 2, Fraction(1, 2)), (3, 5, Fraction(2, 3)), (4, 3, 0), (5, 7, Fraction(3, 8)), (3, 4, 1)):
        exact = theory.class_values(Task(N, T, alpha), layer, moment, exact=True)
        for entry in ENTRY_CLASSES:
            value = theory.closed_form(layer, moment, *entry).subs({"N": N, "T": T, "alpha": alpha})
            assert Fraction(int(value.p), int(value.q)) == exact[entry], entry


def test_names_of_entry_classes():
    assert parse_entry_class("k'", "E(k)") == ("k", "E(j)")
    assert parse_entry_class("k", "P(k)") == ("k", "P(k)")
    assert parse_entry_class("τ", "E(k)") == ("tau", "E(j)")
    assert parse_entry_class("q", "P(τ)") == ("q", "P(tau)")
    for row, column in (("kk", "E(q)"), ("k", "E(q"), ("k", "F(q)"), ("", "E(q)"), ("k", "E(3)")):
        with pytest.raises(ValueError, match="must be"):
            theory.closed_form("feed_forward", "mean", row, column)
    with pytest.raises(TypeError, match="row"):
        theory.closed_form("feed_forward", "mean", 3, "E(q)")


@pytest.mark.parametrize("task", [Task(2, 3, 0.5, 1), Task(5, 3, 0.5, 3), Task(3, 4, 0.1, 0)], ids=str)
def test_labels_follow_the_names(task):
    """Entry by entry, against the words of the naming rule."""
    labels = entry_labels(task)

    def name(token):
        return "q" if token == task.q else "tau" if token == task.tau else "ordinary"

    for row in range(task.M):
        for column in range(2 * task.M):
            token = column % task.M
            row_name = {"ordinary": "k"}.get(name(row), name(row))
            column_name = {"ordinary": "k" if token == row else "j"}.get(name(token), name(token))
            block = "E" if column < task.M else "P"
            assert ENTRY_CLASSES[labels[row, column]] == (row_name, f"{block}({column_name})")
    sizes = class_sizes(task.N)
    assert [int((labels == i).sum()) for i in range(len(ENTRY_CLASSES))] == [sizes[entry] for entry in ENTRY_CLASSES]


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(
    "task", [Task(2, 4, Fraction(1, 3), 1), Task(3, 4, Fraction(2, 7), 2), Task(4, 3, 1, 1)], ids=str
)
def test_class_average_variance_equals_enumeration(task, layer):
    """The exact variance of every class average, as fractions."""
    labels, values = entry_labels(task), class_average_variance(task, layer, exact=True)
    for index, entry in enumerate(ENTRY_CLASSES):
        members = (labels == index).astype(np.int64)
        if members.any():
            _, variance = enumeration.projected_moments(task, layer, members)
            assert values[entry] == variance / int(members.sum()) ** 2, entry
        else:
            assert entry not in values


def test_structural_zeros_are_exact():
    values = theory.class_values(Task(7, 9, 0.3), "feed_forward", "variance")
    assert all(values[row, f"E({token})"] == 0 for row, token in (("q", "j"), ("k", "k"), ("tau", "tau")))
    assert theory.class_values(Task(7, 2, 0.3), "attention_value", "mean")["k", "P(tau)"] == 0


@given(
    N=st.integers(2, 200),
    T=st.integers(2, 8),
    exponent=st.integers(0, 320),
    near_one=st.booleans(),
    layer=st.sampled_from(LAYERS),
    moment=st.sampled_from(MOMENTS),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_floats_survive_extreme_noise_levels(N, T, exponent, near_one, layer, moment):
    """α = 10^-x and 1 - 10^-x as fractions: each float is still the exact value rounded once."""
    tiny = Fraction(1, 10**exponent)
    task = Task(N, T, 1 - tiny if near_one else tiny)
    exact = theory.class_values(task, layer, moment, exact=True)
    for entry, value in theory.class_values(task, layer, moment).items():
        assert value == float(exact[entry]), entry
