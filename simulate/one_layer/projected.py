"""Mean and variance of the per-sample gradients along one direction, streamed."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from simulate.runtime.arguments import Sizes, Workers, as_matrix, require_moments, thread_count
from simulate.runtime.arrays import Floats
from simulate.runtime.byte_limit import CPU, require_bytes
from simulate.runtime.streaming import for_each_in_order, progress_bar
from simulate.sequences.blocks import Block, block_rows, draw_block
from simulate.sequences.chains import Chain
from simulate.sequences.sources import Source, as_source
from theory.arguments import Seed, Size, checked
from theory.law import Law
from theory.task import Layer, Task

from .central import CentralSums


@checked
@dataclass(frozen=True)
class ProjectedMoments:
    """Moments of S = ⟨direction, g⟩ per sample; the standard errors are those of `GradientMoments`."""

    mean: float
    variance: float
    standard_error: float
    variance_standard_error: float
    samples: int
    seed: int
    seconds: float


@checked
def projected_moments(
    task: Task | Law,
    layer: Layer,
    direction: ArrayLike,
    samples: Size,
    *,
    seed: Seed,
    chain: ArrayLike | Chain | None = None,
    workers: Workers = None,
    progress: bool | None = None,
) -> ProjectedMoments:
    """Estimate the mean and variance of S = ⟨direction, g⟩, g the per-sample negative gradient at zero.

    The sequences are those of `sample` with the same seed. Each block is summarised around its own mean, in two passes,
    and the blocks' summaries are merged in order, so nothing is lost to cancellation and the result is the same, bit
    for bit, for any number of workers.

    Args:
        direction: real array of shape (M, 2M), columns [E(0..M-1), P(0..M-1)].
        task, layer, samples, seed, chain, workers, progress: as for `gradient_moments`.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range, before any work.

    Source: Chen, Bruna, Bietti (ICLR 2025), gradient noise at the first step.
    """
    source, threads = as_source(task, chain), thread_count(workers)
    weights = as_matrix(source, "direction", direction)
    require_moments("direction", float(np.abs(weights).max()), 4, samples)  # |S| is at most twice a centred entry
    require_bytes(f"T = {source.T}: blocks of sequences", 8 * threads * source.T, CPU, "use a smaller T")
    start = time.perf_counter()
    # (e_y - 1/M)ᵀ direction x = (direction[y] - its mean over rows) · x
    centred = weights - weights.mean(axis=0)

    def summarise(block: Block) -> CentralSums:
        return CentralSums.of_values(_project(source, layer, centred, block))

    total = sum_over_blocks(source, samples, seed, threads, progress, summarise)
    return ProjectedMoments(
        float(total.mean),
        float(total.variance()),
        float(total.standard_error()),
        float(total.variance_standard_error()),
        samples,
        seed,
        time.perf_counter() - start,
    )


def sum_over_blocks(
    source: Source,
    samples: int,
    seed: int,
    workers: int,
    progress: bool | None,
    summarise: Callable[[Block], CentralSums],
) -> CentralSums:
    """The summaries of the blocks that hold the first `samples` sequences, merged in block order."""
    rows, total = block_rows(source), CentralSums(0, 0.0, 0.0, 0.0, 0.0)

    def produce(index: int) -> CentralSums:
        return summarise(draw_block(source, seed, index, min(rows, samples - index * rows)))

    with progress_bar(samples, float(samples) * source.T, progress) as advance:

        def consume(summary: CentralSums) -> None:
            nonlocal total
            total = total.merge(summary)
            advance(summary.count)

        for_each_in_order(produce, consume, -(-samples // rows), workers)
    return total


def _project(law: Sizes, layer: Layer, centred: Floats, block: Block) -> Floats:
    """S for each sequence of a block, shape (rows,)."""
    current, previous = centred[:, : law.M], centred[:, law.M :]
    if layer == "feed_forward":
        projected: Floats = current[block.target, law.q] + previous[block.target, block.tokens[:, -2]]
        return projected
    # z_t, t < T, occurs as E(z_t) and as P(z_t); z_T = q as E(q) alone.
    projected = current[block.target, law.q].copy()
    _add_token_weights(block.tokens, block.target, current + previous, projected)
    projected /= law.T
    return projected


@njit(nogil=True, cache=True)
def _add_token_weights(tokens, target, weights, sums):  # type: ignore[no-untyped-def]
    """Add Σ_{t<T} weights[y, z_t] to each sequence's sum."""
    T = tokens.shape[1]
    for row in range(len(target)):
        sequence, row_weights = tokens[row], weights[target[row]]
        for t in range(T - 1):
            sums[row] += row_weights[sequence[t]]
