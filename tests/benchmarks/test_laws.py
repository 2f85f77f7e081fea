"""Sequences of general laws against the walk of chains that knew one noise token alone; moments against sampling."""

import numpy as np
import pytest
from numba import njit
from numpy.random import SFC64, Generator, SeedSequence

from simulate import sample, shared_gradient_moments
from simulate.sequences import shakespeare_chain
from simulate.sequences.blocks import block_rows, draw_block
from simulate.sequences.sources import as_source
from tests.benchmarks.notes import amount, at_most
from theory import LAYERS, Law

CHAIN, CHARACTERS = shakespeare_chain()
SPREAD = np.full(65, 1 / 65)
SAMPLES = 2**15


def shakespeare(noise, answers=None):
    """Tiny Shakespeare's bigrams, the blank as the trigger."""
    known = {"first": CHAIN.initial, "answers": answers, "noise": noise}
    return Law(CHAIN.transition, T=256, trigger=CHARACTERS.index(" "), alpha=0.5, **known)


ONE, MANY = shakespeare(CHARACTERS.index("!")), shakespeare(SPREAD, CHAIN.initial)
FULL = block_rows(ONE)

drawing = pytest.mark.benchmark(group=f"laws: {FULL} sequences of tiny Shakespeare, T = 256")
counting = pytest.mark.benchmark(group=f"moments of a law: {SAMPLES} samples of tiny Shakespeare, T = 256")


@njit(nogil=True)
def walk(tokens, correct, q, tau, alpha, cut, alias, uniforms):
    """How sequences of a chain were drawn before there were laws."""
    rows, T = tokens.shape
    M = cut.shape[1]
    for row in range(rows):
        sequence = tokens[row]
        c = np.int64(correct[row])
        previous = M
        for t in range(T - 1):
            uniform = uniforms.random()
            if previous == q:
                previous = tau if uniform < alpha else c
            else:
                x = uniform * M
                k = np.int64(x)
                other = np.int64(alias[previous, k])
                previous = other + (k - other) * np.int64(x < cut[previous, k])
            sequence[t] = previous
        sequence[T - 1] = q


def block_with_one_noise_token():
    streams = [Generator(SFC64(stream)) for stream in SeedSequence(entropy=1, spawn_key=(0,)).spawn(4)]
    correct = streams[0].integers(0, 65, FULL, dtype=np.uint16)
    target = np.where(streams[1].random(FULL) < 0.5, np.uint16(CHARACTERS.index("!")), correct)
    tokens = np.empty((FULL, 256), np.uint16)
    walk(tokens, correct, ONE.q, CHARACTERS.index("!"), 0.5, *CHAIN.alias_tables, streams[2])
    return tokens, correct, target


@drawing
def test_law_with_one_noise_token(benchmark):
    amount(benchmark, FULL * 256, "tokens")
    at_most(benchmark, 1.05, of="walk_of_before", remark="the same sequences; above 1 by the spread between runs")
    block = benchmark(draw_block, as_source(ONE), 1, 0, FULL)
    assert all(np.array_equal(a, b) for a, b in zip(block, block_with_one_noise_token(), strict=True))


@drawing
def test_law_with_spread_noise(benchmark):
    benchmark(draw_block, as_source(MANY), 1, 0, FULL)


@drawing
def test_walk_of_before(benchmark):
    benchmark(block_with_one_noise_token)


@counting
def test_sample(benchmark):
    benchmark(sample, MANY, SAMPLES, seed=1)


@counting
def test_moments_of_both(benchmark):
    amount(benchmark, SAMPLES, "samples")
    at_most(benchmark, 2, of="sample")
    benchmark(shared_gradient_moments, MANY, dict.fromkeys(LAYERS, SAMPLES), seed=1, workers=1)
