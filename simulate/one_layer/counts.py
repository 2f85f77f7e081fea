"""Power sums of token counts, grouped by target: all that the moments of the one-layer gradients need.

Per sample, the feature P(a) has the count n_a = #{t <= T-1 : z_t = a} (attention values) or 1{z_{T-1} = a} (feed-
forward, where only the last position counts); E(q) has one more than P(q), or just 1. The sums are over samples with
target y, of (n_a - shift)^p for p = 1..4; they are integers, exact in float64 below 2^53.
"""

from typing import NamedTuple

import numpy as np
import torch
from numba import njit

from simulate.runtime.arguments import Sizes
from simulate.runtime.arrays import Floats
from simulate.sequences.blocks import Block
from simulate.sequences.torch_sampling import TorchBlock
from theory.task import Layer

HISTOGRAM_CELLS = 2**12
"""Up to so many counts by target, token and number, these are kept in place of powers: fewer additions, same sums."""


class Counts(NamedTuple):
    """Samples per target, shape (M,), and power sums, shape (M, P, M): target, power - 1, token.

    P is 4 for attention values and 1 for feed-forward, where every power of 0 or 1 is itself.
    """

    samples: Floats
    powers: Floats

    @classmethod
    def zeros(cls, law: Sizes, layer: Layer) -> "Counts":
        return cls(np.zeros(law.M), np.zeros((law.M, 1 if layer == "feed_forward" else 4, law.M)))

    def add(self, other: "Counts") -> None:
        self.samples[:] += other.samples
        self.powers[:] += other.powers


def count_shift(law: Sizes, layer: Layer) -> int:
    """An integer near the count of a token of mean frequency: it keeps the powers small, hence exact, at large T.

    Sums of fourth powers beyond 2^53, as of a frequent token in a law far from uniform, are rounded.
    """
    return 0 if layer == "feed_forward" else (law.T - 1) // max(1, law.M - 1)


@njit(nogil=True, cache=True)
def _add_pairs(tokens, target, samples, powers):  # type: ignore[no-untyped-def]
    """Feed-forward: count the pairs (y, z_{T-1})."""
    T = tokens.shape[1]
    for row in range(len(target)):
        samples[target[row]] += 1
        powers[target[row], 0, tokens[row, T - 2]] += 1


@njit(nogil=True, cache=True)
def _add_counts(tokens, target, shift, samples, powers):  # type: ignore[no-untyped-def]
    """Attention values: count the tokens z_1..z_{T-1} of each sequence and add the powers to its target's sums."""
    T, M = tokens.shape[1], powers.shape[2]
    sparse = shift == 0 and M > T
    counts = np.zeros(M, dtype=np.int32)
    for row in range(len(target)):
        sequence = tokens[row]
        sums = powers[target[row]]
        samples[target[row]] += 1
        for t in range(T - 1):
            counts[sequence[t]] += 1
        if sparse:  # only the tokens that occur, each once
            for t in range(T - 1):
                token = sequence[t]
                _add_powers(sums, token, np.float64(counts[token]))
                counts[token] = 0
        else:
            for token in range(M):
                _add_powers(sums, token, np.float64(counts[token] - shift))
            counts[:] = 0


@njit(nogil=True, cache=True)
def _add_histograms(tokens, target, shift, samples, histograms):  # type: ignore[no-untyped-def]
    """Attention values, few tokens and positions: count the samples by target, token and the token's count.

    How often a count is 0 is right with a shift alone; without one it does not matter.
    """
    T, M = tokens.shape[1], len(samples)
    sparse = shift == 0 and M >= T
    counts = np.zeros(M, dtype=np.int64)
    for row in range(len(target)):
        sequence, y = tokens[row], target[row]
        samples[y] += 1
        for t in range(T - 1):
            counts[sequence[t]] += 1
        if sparse:  # only the tokens that occur; each is counted once, and 0 times where it occurs again
            for t in range(T - 1):
                token = sequence[t]
                histograms[y, token, counts[token]] += 1
                counts[token] = 0
        else:
            for token in range(M):
                histograms[y, token, counts[token]] += 1
                counts[token] = 0


@njit(inline="always")
def _add_powers(sums, token, d):  # type: ignore[no-untyped-def]
    square = d * d
    sums[0, token] += d
    sums[1, token] += square
    sums[2, token] += square * d
    sums[3, token] += square * square


def add_block(counts: Counts, layer: Layer, block: Block, shift: int) -> None:
    """Add a block drawn on the CPU to `counts`."""
    M, T = len(counts.samples), block.tokens.shape[1]
    if layer == "feed_forward":
        _add_pairs(block.tokens, block.target, *counts)
    elif M * M * T <= HISTOGRAM_CELLS:
        histograms = np.zeros((M, M, T), dtype=np.int64)
        _add_histograms(block.tokens, block.target, shift, counts.samples, histograms)
        powers = (np.arange(T) - shift) ** np.arange(1, 5)[:, None]
        counts.powers[:] += np.einsum("kan,pn->kpa", histograms, powers)
    else:
        _add_counts(block.tokens, block.target, shift, *counts)


def torch_counts(law: Sizes, layer: Layer, block: TorchBlock, shift: int) -> Counts:
    """The counts of a block drawn by torch, summed on its device."""
    device, rows = block.tokens.device, len(block.target)
    counted = block.tokens[:, -2:-1] if layer == "feed_forward" else block.tokens[:, :-1]
    counts = torch.zeros(rows, law.M, dtype=torch.float64, device=device)
    counts.scatter_add_(1, counted, torch.ones(1, dtype=torch.float64, device=device).expand(counted.shape))
    counts -= shift
    result = Counts.zeros(law, layer)
    for power in range(result.powers.shape[1]):
        sums = torch.zeros(law.M, law.M, dtype=torch.float64, device=device)
        result.powers[:, power] = sums.index_add_(0, block.target, counts ** (power + 1)).cpu().numpy()
    result.samples[:] = torch.bincount(block.target, minlength=law.M).cpu().numpy()
    return result
