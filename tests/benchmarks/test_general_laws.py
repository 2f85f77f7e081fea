"""All exact values of a law at two lengths, and its counts against the programme over positions, in the same floats."""

from dataclasses import replace

import numpy as np
import pytest

import theory
from paper_checks.experiments.general.laws import shakespeare_law
from tests.benchmarks.notes import at_least, at_most
from theory import general
from theory.general import counts

LAYERS = theory.LAYERS

lengths = pytest.mark.benchmark(group="every law: both gradients, variances and K, Shakespeare, M = 65")
ways = pytest.mark.benchmark(group="counts of every law: Shakespeare, M = 65, T = 1024")


def everything(law):
    """G_F and G_V, their variances, and K at uniform p, of a law of which nothing is known yet."""
    fresh = replace(law)  # what a law knows and what counts are kept belongs to this object
    found = [moment(fresh, layer) for layer in LAYERS for moment in (theory.gradient_mean, theory.gradient_variance)]
    return [*found, theory.key_query_gradient(fresh)]


def by_positions(law):
    """The same counts from position to position: equation (1) in float64, all correct tokens at once."""
    fresh = replace(law)
    return counts._by_positions(fresh.chains, fresh.first, fresh.T - 1)


@lengths
def test_a_thousand(benchmark):
    benchmark(everything, shakespeare_law(0.5, T=10**3))


@lengths
def test_a_million(benchmark):
    at_most(benchmark, 1.5, of="a_thousand", remark="the cost does not depend on T once the chain has mixed")
    benchmark(everything, shakespeare_law(0.5, T=10**6))


@ways
def test_counts(benchmark):
    law = shakespeare_law(0.5, T=1024)
    benchmark(lambda: general.count_moments(replace(law)))


@ways
def test_position_by_position(benchmark):
    """Its cost grows as T M⁴."""
    law = shakespeare_law(0.5, T=1024)
    at_least(benchmark, 20, of="counts")
    mean, last, covariance = benchmark.pedantic(by_positions, (law,), rounds=2)
    found = general.count_moments(law)
    for value, other, scale in (
        (mean, found.mean, law.T),
        (last, found.last, 1),
        (covariance, found.covariance, law.T**2),
    ):
        assert np.abs(value - other).max() <= 2 * law.T * (law.M + 3) * np.finfo(float).eps * scale
