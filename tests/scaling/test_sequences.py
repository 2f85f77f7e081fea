"""Sampling, moments and exact tables against N, T, M, the number of sequences and of threads."""

import time

import numpy as np

import theory
from simulate import Chain, gradient_moments, sample
from theory import LAYERS, Task

from .ladders import ladder

BATCH = 2**13
TOKENS, LENGTHS, BATCHES = (32, 64, 128, 256, 512), (64, 128, 256, 512, 1024), (2**11, 2**12, 2**13, 2**14, 2**15)


def moments(task, samples, workers=1):
    gradient_moments(task, "attention_value", samples, seed=1, workers=workers)


@ladder(f"sampling against N: {BATCH} sequences, T = 256", "N", TOKENS)
def test_sampling(benchmark, N):
    benchmark(sample, Task(N, 256, 0.5), BATCH, seed=1)


@ladder(f"sampling against T: {BATCH} sequences, N = 64", "T", LENGTHS)
def test_sampling_long(benchmark, T):
    benchmark(sample, Task(64, T, 0.5), BATCH, seed=1)


@ladder("sampling against the batch: N = 64, T = 256", "batch", BATCHES)
def test_sampling_many(benchmark, batch):
    benchmark(sample, Task(64, 256, 0.5), batch, seed=1)


@ladder(f"sampling of a general chain against M: {BATCH} sequences, T = 256", "M", (33, 65, 129, 257, 513))
def test_sampling_chain(benchmark, M):
    chain = Chain(np.random.default_rng(0).dirichlet(np.full(M, 0.3), M))
    benchmark(sample, Task(M - 1, 256, 0.5), BATCH, seed=1, chain=chain)


@ladder(f"moments against N: {BATCH} samples, T = 256", "N", TOKENS)
def test_moments(benchmark, N):
    benchmark(moments, Task(N, 256, 0.5), BATCH)


@ladder(f"moments against T: {BATCH} samples, N = 64", "T", LENGTHS)
def test_moments_long(benchmark, T):
    benchmark(moments, Task(64, T, 0.5), BATCH)


@ladder("moments against the samples: N = 64, T = 256", "samples", BATCHES)
def test_moments_many(benchmark, samples):
    benchmark(moments, Task(64, 256, 0.5), samples)


@ladder(
    f"moments against threads, by the clock: {2**17} samples, N = 64, T = 256", "workers", (1, 2, 3, 4),
    timer=time.perf_counter,
)  # fmt: skip
def test_moments_parallel(benchmark, workers):
    benchmark(moments, Task(64, 256, 0.5), 2**17, workers)


def tables(task):
    for layer in LAYERS:
        theory.gradient_mean(task, layer)
        theory.gradient_variance(task, layer)


@ladder("exact tables against N: T = 10^6", "N", (125, 250, 500, 1000, 2000))
def test_tables(benchmark, N):
    benchmark(tables, Task(N, 10**6, 0.3))


@ladder("exact tables against T: N = 1000", "T", (10**3, 10**4, 10**5, 10**6))
def test_tables_long(benchmark, T):
    benchmark(tables, Task(1000, T, 0.3))
