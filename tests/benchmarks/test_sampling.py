"""Samplers against the random numbers they cannot do without, and against the task written out token by token."""

import numpy as np
import pytest
from numpy.random import SFC64, Generator

from paper_checks.witnesses.literal_sampler import literal_sample
from simulate import Chain, sample
from tests.benchmarks.notes import amount, at_least, at_most
from theory import Task

TASK = Task(64, 256, 0.5)
MANY, FEW = 2**15, 2**10
LOADED = "lower while other processes share the caches"
"""As runs on a quiet and on a busy machine showed."""

uniform = pytest.mark.benchmark(group="uniform chain: 32768 sequences, N = 64, T = 256")
general = pytest.mark.benchmark(group="general chain: 1024 sequences, M = 65, T = 256")


@pytest.fixture(scope="module")
def chain():
    return Chain(np.random.default_rng(0).dirichlet(np.full(TASK.M, 0.3), TASK.M))


@uniform
def test_sample(benchmark):
    amount(benchmark, MANY * TASK.T, "tokens")
    at_most(benchmark, 3, of="bare_random_numbers")
    benchmark(sample, TASK, MANY, seed=1)


@uniform
def test_bare_random_numbers(benchmark):
    generator = Generator(SFC64(1))
    benchmark(generator.integers, 0, TASK.N, (MANY, TASK.T), dtype=np.uint16)


@general
def test_sample_of_a_chain(benchmark, chain):
    amount(benchmark, FEW * TASK.T, "tokens")
    benchmark(sample, TASK, FEW, seed=1, chain=chain)


@general
def test_literal_sample(benchmark, chain):
    at_least(benchmark, 700, of="sample_of_a_chain", remark=LOADED)
    benchmark.pedantic(literal_sample, (TASK, FEW), {"seed": 1, "chain": chain}, rounds=5)
