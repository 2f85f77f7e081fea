"""The uniform task as a law: the generic code gives the closed forms, for symbolic α, as fractions and in floats."""

from fractions import Fraction
from functools import cache

import numpy as np
import pytest
import sympy

import theory
from theory import ENTRY_CLASSES, KEY_CLASSES, LAYERS, MOMENTS, Law, Task, closed_form, entry_labels, general
from theory.general import counts
from theory.key_query import key_query_closed_form

FIELD = sympy.QQ.frac_field(sympy.Symbol("alpha"))
ALPHA = FIELD.field.ring.gens[0]
SYMBOLIC = [Task(2, 2, 0, 1), Task(2, 5, 0, 0), Task(3, 4, 0, 2), Task(3, 7, 0, 0), Task(4, 5, 0, 1)]
LEVELS = (Fraction(0), Fraction(1, 7), Fraction(2, 3), Fraction(1))
GENERAL = {"mean": general.gradient_mean, "variance": general.gradient_variance}
CLOSED = {"mean": theory.gradient_mean, "variance": theory.gradient_variance}
key_closed_form = cache(key_query_closed_form)  # which takes half a second each time


@pytest.fixture
def symbolic_law(monkeypatch):
    """The law of a task whose level is the polynomial α: the generic code meets polynomials in place of fractions."""
    monkeypatch.setattr(counts, "_rationals", lambda array: array)
    monkeypatch.setattr(counts, "fractions", lambda array: array)

    def law_of(task):
        law = Law.of_task(task)
        object.__setattr__(law, "alpha", np.array([ALPHA], dtype=object))  # an array, which numpy multiplies with
        return law

    return law_of


def element(value):
    """A polynomial in α that the generic code found, or a constant, in the field."""
    return FIELD.field(value) if isinstance(value, type(ALPHA)) else FIELD.field(sympy.Rational(value))


def at_size(expression, task, **values):
    """A closed form at the task's N and T, and at further values, as an element of the field."""
    numbers = {"N": sympy.Integer(task.N), "T": sympy.Integer(task.T)} | values
    return FIELD.field.from_expr(expression.xreplace({sympy.Symbol(name): value for name, value in numbers.items()}))


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("task", SYMBOLIC, ids=str)
def test_gradients_for_symbolic_noise(task, layer, moment, symbolic_law):
    """Every entry, as rational functions of α: the closed forms of T1 and T2."""
    found, labels = GENERAL[moment](symbolic_law(task), layer, exact=True), entry_labels(task)
    for index, entry in enumerate(ENTRY_CLASSES):
        members = found[labels == index]
        if members.size:
            expected = at_size(closed_form(layer, moment, *entry), task)
            assert all(element(value) == expected for value in members), entry


def key_labels(task):
    """The class of every entry of K."""
    token = ["q" if other == task.q else "tau" if other == task.tau else "k" for other in range(task.M)]
    return [f"{block}({name})" for block in "EP" for name in token]


@pytest.mark.parametrize("output", [None, "absorbed"])
@pytest.mark.parametrize("task", SYMBOLIC, ids=str)
def test_key_query_step_for_symbolic_noise(task, output, symbolic_law):
    """K at uniform and at absorbed p, which are all p_τ since K is affine in it: the closed forms of T3."""
    found = general.key_query_gradient(symbolic_law(task), output, exact=True)
    held = sympy.Rational(1, task.M) if output is None else sympy.Symbol("alpha")
    expected = {name: at_size(key_closed_form(name), task, pi=held) for name in KEY_CLASSES}
    assert all(element(value) == expected[name] for value, name in zip(found, key_labels(task), strict=True))


TASKS = [
    Task(N, T, alpha, q)
    for N, T, q in ((2, 3, 1), (2, 24, 0), (3, 5, 2), (3, 17, 1), (5, 6, 0), (6, 8, 3), (8, 4, 7))
    for alpha in LEVELS
]


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_fractions_are_those_of_the_task(task):
    law = Law.of_task(task)
    for layer in LAYERS:
        for moment in MOMENTS:
            assert (GENERAL[moment](law, layer, exact=True) == CLOSED[moment](task, layer, exact=True)).all(), layer
    for output, absorption in ((None, None), ("absorbed", task.alpha)):
        found = general.key_query_gradient(law, output, exact=True)
        assert (found == theory.key_query_gradient(task, absorption, exact=True)).all(), output
    level = Fraction(3, 8)
    found = general.key_query_gradient(law, [(1 - level) / task.N] * task.N + [level], exact=True)
    assert (found == theory.key_query_gradient(task, level, exact=True)).all()


@pytest.mark.parametrize(
    "task", [Task(64, 256, 0.3), Task(64, 10**6, 0.3, 5), Task(16, 4096, 0.7), Task(4, 10**9, 0.5, 2)], ids=str
)
def test_floats_are_those_of_the_task(task):
    """At lengths from 256 to 10^9: relative error below 1e-10 of every entry that is not 0."""
    law = Law.of_task(task)
    for layer in LAYERS:
        for moment in MOMENTS:
            found, exact = GENERAL[moment](law, layer), CLOSED[moment](task, layer)
            assert (abs(found - exact) <= 1e-10 * abs(exact) + 1e-16 * (exact == 0)).all(), (layer, moment)
    for output, absorption in ((None, None), ("absorbed", task.alpha)):
        found, exact = general.key_query_gradient(law, output), theory.key_query_gradient(task, absorption)
        assert (abs(found - exact) <= 1e-10 * abs(exact)).all(), output
