"""Moments pooled over classes of entries, with standard errors from batch means."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from simulate.runtime.arguments import Sizes, WithGaps
from simulate.runtime.arrays import Floats, Integers
from theory.arguments import Natural, checked
from theory.task import Layer

from .counts import Counts, count_shift


@checked
@dataclass(frozen=True, eq=False)
class PooledMoments:
    """Class averages of entry means and variances; arrays of shape (K,), nan for a class without entries.

    Attributes:
        mean, variance: averages over the full blocks of the block's class averages; variances are per sample, unbiased.
        mean_standard_error, variance_standard_error: standard deviation between blocks / √blocks.
        blocks: number of full blocks.
    """

    mean: WithGaps
    mean_standard_error: WithGaps
    variance: WithGaps
    variance_standard_error: WithGaps
    blocks: Natural


class Pool:
    """Running mean and spread, over blocks, of the class averages of one law, layer and labelling."""

    def __init__(self, law: Sizes, layer: Layer, labels: Integers) -> None:
        self._law, self._layer, self._labels = law, layer, labels
        self._sizes = np.bincount(labels.ravel())
        self._blocks = 0
        self._mean = np.zeros((2, len(self._sizes)))
        self._spread = np.zeros((2, len(self._sizes)))

    def averages(self, counts: Counts) -> Floats:
        """Class averages of the entry means and the entry variances of one block, shape (2, K)."""
        sums = np.zeros((2, len(self._sizes)))
        attention = self._layer == "attention_value"
        shift = count_shift(self._law, self._layer)
        _class_sums(*counts, shift, self._law.q, self._law.T if attention else 0, self._labels, sums)
        with np.errstate(invalid="ignore"):
            return sums / self._sizes

    def add(self, averages: Floats) -> None:
        """Take in the class averages of the next block."""
        self._blocks += 1
        step = averages - self._mean
        self._mean += step / self._blocks
        self._spread += step * (averages - self._mean)

    def result(self) -> PooledMoments:
        """The pooled moments of the blocks so far, at least two."""
        error = np.sqrt(self._spread / (self._blocks - 1) / self._blocks)
        return PooledMoments(self._mean[0], error[0], self._mean[1], error[1], self._blocks)


@njit(inline="always")
def _group(samples, first, second, shift):  # type: ignore[no-untyped-def]
    """Mean and sum of squared deviations of one group's counts."""
    d = first / max(samples, 1.0)
    return shift + d, max(second - samples * d * d, 0.0)


@njit(inline="always")
def _moments(ones, one_mean, one_square, zeros, zero_mean, zero_square, M):  # type: ignore[no-untyped-def]
    """Mean and unbiased variance of (1{y = k} - 1/M) n, from the counts n of the samples with y = k and the others."""
    hit, miss = 1 - 1 / M, -1 / M
    total = ones + zeros
    mean = (ones * hit * one_mean + zeros * miss * zero_mean) / total
    between = (hit * one_mean - miss * zero_mean) ** 2 * ones * zeros / total
    return mean, (hit**2 * one_square + miss**2 * zero_square + between) / (total - 1)


@njit(nogil=True, cache=True)
def _class_sums(samples, powers, shift, q, T, labels, sums):  # type: ignore[no-untyped-def]
    """Add each entry's mean and variance to its class; T = 0 stands for the feed-forward layer."""
    M, square = powers.shape[0], min(1, powers.shape[1] - 1)  # feed-forward: the powers of 0 and 1 are equal
    scale, total, column = 1 / T if T else 1.0, samples.sum(), powers.sum(axis=0)
    for k in range(M):
        ones, zeros, row = samples[k], total - samples[k], powers[k]
        for token in range(M):
            one_mean, one_square = _group(ones, row[0, token], row[square, token], shift)
            others = column[0, token] - row[0, token], column[square, token] - row[square, token]
            zero_mean, zero_square = _group(zeros, others[0], others[1], shift)
            mean, variance = _moments(ones, one_mean, one_square, zeros, zero_mean, zero_square, M)
            label = labels[k, M + token]
            sums[0, label] += mean * scale
            sums[1, label] += variance * scale**2
            if T and token == q:  # E(q) occurs once more than P(q), at t = T
                mean, variance = _moments(ones, one_mean + 1, one_square, zeros, zero_mean + 1, zero_square, M)
            elif token == q:  # the feed-forward layer sees E(q) always and no other E
                mean, variance = _moments(ones, 1.0, 0.0, zeros, 1.0, 0.0, M)
            elif not T:
                mean, variance = 0.0, 0.0
            label = labels[k, token]
            sums[0, label] += mean * scale
            sums[1, label] += variance * scale**2
