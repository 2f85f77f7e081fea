"""Memories whose inputs share a component: equations (10) and (11) against numpy and sympy."""

import math

import numpy as np
import pytest
import sympy

from theory.memory import shared_inputs as memory_shared
from theory.memory.gradient_flow import top_space

EPS = np.finfo(np.float64).eps


def least_weight(n, correct, other, noise, shared):
    """The weight of least norm with these logits on inputs e_i + γ e_0, by numpy's pseudo-inverse."""
    logits = np.full((n + 1, n), other)
    logits[:n] += (correct - other) * np.eye(n)
    logits[n] = noise
    inputs = np.vstack([np.full(n, math.sqrt(shared)), np.eye(n)])  # columns x_i
    return logits @ np.linalg.pinv(inputs)


@pytest.mark.parametrize("n", [2, 3, 7])
@pytest.mark.parametrize("shared", [0.0, 0.3, 5.0])
def test_singular_values_are_those_of_the_least_weight(n, shared):
    correct, noise = 2.3, -0.7
    other = -(correct + noise) / (n - 1)
    values = np.linalg.svd(least_weight(n, correct, other, noise, shared), compute_uv=False)[:n]
    found = memory_shared.shared_spectrum(n, correct - other, noise, shared)
    expected = np.sort([found.noise, *[found.correct] * (n - 1)])[::-1]
    # numpy's pseudo-inverse and decomposition: a few times n roundings of the largest value, times the condition.
    assert np.abs(values - expected).max() <= 32 * n * (1 + n * shared) * EPS * expected[0]


def test_the_boundary_is_where_both_values_are_equal_as_they_grow():
    """s = (n-1) D/(n+1) to leading order: (n+1) s² = (1 + nγ²) D² at γ² = (n-3)/(n+1) and nowhere else."""
    n, x = sympy.symbols("n x", positive=True)
    difference = (n + 1) * ((n - 1) / (n + 1)) ** 2 - (1 + n * x)
    assert sympy.solve(difference, x) == [sympy.simplify((n - 3) / (n + 1))]
    for count in (2, 3, 4, 12, 10**6):
        exact = memory_shared.largest_shared(count)
        assert exact == sympy.Rational(count - 3, count + 1)
        if count != 3:  # a tie, decided by α
            assert (exact > 0) == (top_space(count, 0.3) == "noise")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((1, 1.0, 1.0, 1.0), ["n", "1"]),
        ((2, -1.0, 1.0, 1.0), ["spread", "-1.0"]),
        ((2, 1.0, float("nan"), 1.0), ["noise_logit", "nan"]),
        ((2, 1.0, 1.0, -0.5), ["shared", "-0.5"]),
        ((2, 1.0, 1.0, "x"), ["shared", "x"]),
    ],
)
def test_bad_input_is_named(arguments, words):
    with pytest.raises((TypeError, ValueError)) as caught:
        memory_shared.shared_spectrum(*arguments)
    assert all(word in str(caught.value) for word in words)
