"""Seed blocks: the sequences of a law, drawn in blocks whose size depends on T alone.

Block i draws from `SeedSequence(entropy=seed, spawn_key=(i,))`, with one stream for each kind of draw, so that the
first rows of a block are the same however many rows are drawn.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.random import SFC64, Generator, SeedSequence
from numpy.typing import NDArray

from simulate.runtime.arguments import Sizes

from .sources import Source

BLOCK_TOKENS = 2**18
MOST_ROWS = 2**16
NONE = (np.empty(0), np.empty(0, np.int64))
"""Tables that are not looked at."""


class Block(NamedTuple):
    """Sequences in their compact integer type: tokens (rows, T), correct (rows,), target (rows,)."""

    tokens: NDArray[np.unsignedinteger]
    correct: NDArray[np.unsignedinteger]
    target: NDArray[np.unsignedinteger]


def block_rows(law: Sizes) -> int:
    """Number of sequences in a full block."""
    return max(1, min(MOST_ROWS, BLOCK_TOKENS // law.T))


def token_type(M: int) -> type[np.unsignedinteger]:
    """The integer type that holds 0..M-1 and is fastest to draw."""
    # numpy draws bounded uint16 faster than uint8.
    return np.uint16 if M <= 2**16 else np.uint32 if M <= 2**32 else np.uint64


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


@njit(inline="always")
def _looked_up(uniform, cut, alias):  # type: ignore[no-untyped-def]
    """The token of a distribution by its tables, from a number uniform in [0, 1)."""
    x = uniform * len(cut)
    k = np.int64(x)
    other = np.int64(alias[k])
    # Arithmetic in place of a branch that the processor would mispredict every other time.
    return other + (k - other) * np.int64(x < cut[k])


@njit(nogil=True, cache=True)
def _walk(tokens, correct, q, tau, alpha, after, cut, alias, uniforms):  # type: ignore[no-untyped-def]
    """Draw sequences by their tables, one uniform number per token; if τ < 0, what follows q by those of `after`."""
    rows, T = tokens.shape
    M = cut.shape[1]
    for row in range(rows):
        sequence = tokens[row]
        c = np.int64(correct[row])
        previous = M  # the table of the first token
        for t in range(T - 1):
            uniform = uniforms.random()
            if previous == q:
                if tau < 0:
                    token = _looked_up(uniform, after[0], after[1])
                    previous = c if token == M else token
                else:
                    previous = tau if uniform < alpha else c
            else:
                previous = _looked_up(uniform, cut[previous], alias[previous])
            sequence[t] = previous
        sequence[T - 1] = q


@njit(nogil=True, cache=True)
def _all_looked_up(uniforms, cut, alias, tokens):  # type: ignore[no-untyped-def]
    for row in range(len(tokens)):
        tokens[row] = _looked_up(uniforms[row], cut, alias)


def _correct(source: Source, rows: int, draws: Generator) -> NDArray[np.unsignedinteger]:
    dtype = token_type(source.M)
    if isinstance(source.answers, int):
        return draws.integers(0, source.answers, rows, dtype=dtype)
    correct = np.empty(rows, dtype)
    _all_looked_up(draws.random(rows), *source.answers, correct)
    return correct


def _target(source: Source, correct: NDArray[np.unsignedinteger], draws: Generator) -> NDArray[np.unsignedinteger]:
    uniforms = draws.random(len(correct))
    if isinstance(source.noise, int):
        return np.where(uniforms < source.alpha, correct.dtype.type(source.noise), correct)
    drawn = np.empty(len(correct), np.int64)
    _all_looked_up(uniforms, *source.noise, drawn)
    return np.where(drawn == source.M, correct, drawn.astype(correct.dtype))


def draw_block(source: Source, seed: int, index: int, rows: int) -> Block:
    """The first `rows` sequences of block `index`."""
    q, alpha = source.q, source.alpha
    dtype = token_type(source.M)
    streams = [Generator(SFC64(stream)) for stream in SeedSequence(entropy=seed, spawn_key=(index,)).spawn(4)]
    correct = _correct(source, rows, streams[0])
    target = _target(source, correct, streams[1])
    if source.walk is None:
        tokens = streams[2].integers(0, source.M - 1, (rows, source.T), dtype=dtype)
        _apply_trigger_rule(tokens, correct, dtype(q), dtype(source.M - 1), alpha, streams[3])
    else:
        tokens = np.empty((rows, source.T), dtype=dtype)
        tau, after = (source.noise, NONE) if isinstance(source.noise, int) else (-1, source.noise)
        _walk(tokens, correct, q, tau, alpha, after, *source.walk, streams[2])
    return Block(tokens, correct, target)
