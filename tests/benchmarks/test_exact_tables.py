"""Exact means and variances of all entries: against writing as many numbers, and against the dynamic programme."""

import numpy as np
import pytest

import theory
from paper_checks.witnesses import dynamic_programme
from theory import Task
from theory.one_step import class_values

LARGE, SMALL = Task(1000, 10**6, 0.3), Task(64, 256, 0.3)
LAYERS = ("feed_forward", "attention_value")

tables = pytest.mark.benchmark(group="exact tables: both layers, mean and variance, N = 1000, T = 10^6")
classes = pytest.mark.benchmark(group="exact values of all classes: attention values, N = 64, T = 256")


@tables
def test_closed_forms(benchmark):
    def four():
        return [moment(LARGE, layer) for layer in LAYERS for moment in (theory.gradient_mean, theory.gradient_variance)]

    benchmark(four)


@tables
def test_writing_as_many_numbers(benchmark):
    benchmark(lambda: [np.full((LARGE.M, 2 * LARGE.M), float(number)) for number in range(4)])


@classes
def test_closed_form(benchmark):
    found = benchmark(lambda: [class_values(SMALL, "attention_value", moment) for moment in ("mean", "variance")])
    for exact, other in zip(found, dynamic_programme.class_values(SMALL, "attention_value"), strict=True):
        assert other == pytest.approx(exact, rel=1e-9, abs=1e-15)


@classes
def test_dynamic_programme(benchmark):
    """Its cost grows as T N², so that it cannot be asked for the tables above."""
    benchmark(dynamic_programme.class_values.__wrapped__, SMALL, "attention_value")  # what is kept takes no time
