"""All exact values of a law against M and T."""

import numpy as np

from paper_checks.experiments.general.laws import shakespeare_law
from tests.benchmarks.test_general_laws import everything
from theory import Law

from .ladders import ladder


@ladder("every law against M: both gradients, variances and K, T = 1000", "M", (17, 33, 65, 129))
def test_law(benchmark, M):
    chain = np.random.default_rng(0).dirichlet(np.ones(M), M)
    benchmark(everything, Law(chain, T=1000, trigger=0, alpha=0.5, noise=M - 1))


@ladder("every law against T: both gradients, variances and K, Shakespeare, M = 65", "T", (10**3, 10**4, 10**5, 10**6))
def test_law_long(benchmark, T):
    benchmark(everything, shakespeare_law(0.5, T=T))
