"""Samplers at their edges: a uniform number that is the noise level, sequences longer than a block, memory."""

import tracemalloc
from types import SimpleNamespace

import numpy as np
import torch

from simulate import Chain, Recall
from simulate.sequences import blocks
from simulate.sequences.torch_sampling import torch_block_rows


def test_a_uniform_number_that_is_the_noise_level_is_no_noise():
    """Numbers are k 2^-53 in [0, 1): those below α are a share of α, and none is where α = 0."""
    to_trigger = Chain(np.eye(4)[np.zeros(4, dtype=int)]).alias_tables
    for alpha, uniform, expected in ((0.0, 0.0, 2), (0.25, 0.25, 2), (0.25, 0.25 - 2.0**-53, 3)):
        tokens, numbers = np.empty((1, 3), dtype=np.int64), iter([0.5, uniform])
        draws = SimpleNamespace(random=lambda numbers=numbers: next(numbers))
        blocks._walk.py_func(tokens, np.array([2]), 0, 3, alpha, blocks.NONE, *to_trigger, draws)
        assert tokens.tolist() == [[0, expected, 0]]


def test_a_sequence_longer_than_a_block_of_torch_is_a_block():
    assert torch_block_rows(SimpleNamespace(T=2**24, M=3)) == 1


def test_a_batch_takes_no_more_memory_than_is_asked_for():
    """Many tokens and few positions, so that the laws over tokens are what it takes."""
    law = Recall(Chain(np.full((300, 300), 1 / 300)), 2, 1)
    law.sample(2, seed=0)  # tables, compiled code
    tracemalloc.start()
    batch = law.sample(500, seed=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert torch.is_tensor(batch.tokens) and 500 * 300 * 8 < peak <= 500 * law.sequence_bytes
