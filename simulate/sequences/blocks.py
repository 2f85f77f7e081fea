"""Seed blocks: the sequences of a task, drawn in blocks whose size depends on T alone.

Block i draws from `SeedSequence(entropy=seed, spawn_key=(i,))`, with one stream for each kind of draw, so that the
first rows of a block are the same however many rows are drawn.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.random import SFC64, Generator, SeedSequence
from numpy.typing import NDArray

from theory.task import Task

from .chains import Chain

BLOCK_TOKENS = 2**18
MOST_ROWS = 2**16


class Block(NamedTuple):
    """Sequences in their compact integer type: tokens (rows, T), correct (rows,), target (rows,)."""

    tokens: NDArray[np.unsignedinteger]
    correct: NDArray[np.unsignedinteger]
    target: NDArray[np.unsignedinteger]


def block_rows(task: Task) -> int:
    """Number of sequences in a full block."""
    return max(1, min(MOST_ROWS, BLOCK_TOKENS // task.T))


def token_type(task: Task) -> type[np.unsignedinteger]:
    """The integer type that holds 0..N and is fastest to draw."""
    # numpy draws bounded uint16 faster than uint8.
    return np.uint16 if task.N < 2**16 else np.uint32 if task.N < 2**32 else np.uint64


@njit(nogil=True, cache=True)
def _apply_trigger_rule(tokens, correct, q, tau, alpha, noise):  # type: ignore[no-untyped-def]
    """Turn uniform tokens into sequences: after q comes c, or τ with probability α; the last token is q."""
    rows, T = tokens.shape
    for row in range(rows):
        sequence, c = tokens[row], correct[row]
        for t in range(T - 2):
            if sequence[t] == q:
                uniform = noise.random()  # apart: compiled to a choice, not to a branch that is mispredicted
                sequence[t + 1] = tau if uniform < alpha else c
        sequence[T - 1] = q


@njit(nogil=True, cache=True)
def _walk(tokens, correct, q, tau, alpha, cut, alias, uniforms):  # type: ignore[no-untyped-def]
    """Draw sequences of a general chain, one uniform number per token."""
    rows, T = tokens.shape
    M = cut.shape[1]
    for row in range(rows):
        sequence = tokens[row]
        c = np.int64(correct[row])
        previous = M  # the table of the first token
        for t in range(T - 1):
            uniform = uniforms.random()
            if previous == q:
                previous = tau if uniform < alpha else c
            else:
                x = uniform * M
                k = np.int64(x)
                other = np.int64(alias[previous, k])
                # Arithmetic in place of a branch that the processor would mispredict every other time.
                previous = other + (k - other) * np.int64(x < cut[previous, k])
            sequence[t] = previous
        sequence[T - 1] = q


def draw_block(task: Task, seed: int, index: int, rows: int, chain: Chain | None) -> Block:
    """The first `rows` sequences of block `index`."""
    q, tau, alpha = task.q, task.tau, float(task.alpha)
    dtype = token_type(task)
    streams = SeedSequence(entropy=seed, spawn_key=(index,)).spawn(4)
    correct = Generator(SFC64(streams[0])).integers(0, task.N, rows, dtype=dtype)
    noisy = Generator(SFC64(streams[1])).random(rows) < alpha
    target = np.where(noisy, dtype(tau), correct)
    if chain is None:
        tokens = Generator(SFC64(streams[2])).integers(0, task.N, (rows, task.T), dtype=dtype)
        _apply_trigger_rule(tokens, correct, dtype(q), dtype(tau), alpha, Generator(SFC64(streams[3])))
    else:
        tokens = np.empty((rows, task.T), dtype=dtype)
        _walk(tokens, correct, q, tau, alpha, *chain.alias_tables, Generator(SFC64(streams[2])))
    return Block(tokens, correct, target)
