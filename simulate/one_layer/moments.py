"""Mean and variance of the per-sample gradients at zero initialisation, streamed."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike

from simulate.runtime.arguments import as_drawable_task, as_labels, as_seed, as_workers
from simulate.runtime.arrays import Floats
from simulate.runtime.byte_limit import require_bytes
from simulate.runtime.device import resolve_device
from simulate.runtime.streaming import for_each_in_order, progress_bar
from simulate.sequences.blocks import BLOCK_TOKENS, Block, block_rows, draw_block
from simulate.sequences.chains import Chain, as_chain
from simulate.sequences.torch_sampling import TorchBlock, draw_torch_block, torch_block_rows
from theory.task import Layer, Task, as_count, as_layer

from .central import CentralSums
from .class_averages import Pool, PooledMoments
from .counts import Counts, add_block, count_shift, torch_counts


@dataclass(frozen=True, eq=False)
class GradientMoments:
    """Moments of per-sample negative gradients, float64 arrays of shape (N+1, 2(N+1)).

    Attributes:
        mean: sample mean of each entry.
        variance: unbiased per-sample variance of each entry.
        standard_error: of `mean`, √(variance / samples).
        variance_standard_error: of `variance`, √((m₄ - m₂²) / samples), m_p the central sample moments.
        samples, seed, device: what was asked for (the device as resolved).
        seconds: wall time.
        pooled: class averages, if `labels` were given.
    """

    mean: Floats
    variance: Floats
    standard_error: Floats
    variance_standard_error: Floats
    samples: int
    seed: int
    device: str
    seconds: float
    pooled: PooledMoments | None = None


def unit_blocks(task: Task) -> int:
    """Number of seed blocks that share one accumulator: enough to outweigh merging it, of size 4 M²."""
    return -(-16 * task.M**2 // BLOCK_TOKENS)


def unit_rows(task: Task, device: torch.device) -> int:
    """Number of sequences in a full accumulation unit, the "block" of `PooledMoments`."""
    return unit_blocks(task) * block_rows(task) if device.type == "cpu" else torch_block_rows(task)


def gradient_moments(
    task: Task,
    layer: Layer,
    samples: int,
    *,
    seed: int,
    device: str = "cpu",
    chain: ArrayLike | Chain | None = None,
    labels: ArrayLike | None = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> GradientMoments:
    """Estimate the mean and variance of the per-sample negative gradients at zero initialisation.

    With x_t = E(z_t) + P(z_{t-1}), P(z_0) = 0: g_F = (e_y - 1/M) x_Tᵀ and g_V = (e_y - 1/M) x̄ᵀ, x̄ = (1/T) Σ_t x_t.
    Rows are tokens 0..N, columns [E(0..N), P(0..N)]. The sequences are those of `sample` with the same seed and device.
    Memory does not grow with `samples`; the result is the same, bit for bit, for any number of workers.

    Args:
        task: the task.
        layer: "feed_forward" (g_F) or "attention_value" (g_V).
        samples: number of sequences, >= 2.
        seed, device, chain: as for `sample`.
        labels: optional integer array of shape (N+1, 2(N+1)) with class numbers 0..K-1: also pool the entries of each
            class, with standard errors from the spread between full blocks; needs at least two full blocks.
        workers: number of threads, >= 1; None means one per processor. A GPU is fed by one thread.
        progress: show a bar on standard error; None means on an interactive terminal, for long jobs.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range, before any work.

    Source: Chen, Bruna, Bietti (ICLR 2025), gradient noise at the first step.
    """
    task, layer, samples = as_drawable_task(task), as_layer(layer), as_count("samples", samples, 2)
    return shared_gradient_moments(
        task, {layer: samples}, seed=seed, device=device, chain=chain, labels=labels, workers=workers, progress=progress
    )[layer]


def shared_gradient_moments(
    task: Task,
    samples: Mapping[Layer, int],
    *,
    seed: int,
    device: str = "cpu",
    chain: ArrayLike | Chain | None = None,
    labels: ArrayLike | None = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> dict[Layer, GradientMoments]:
    """`gradient_moments` of each layer in `samples`, from the same sequences: of each layer the first so many.

    The numbers are those of `gradient_moments` with the same seed, so the layers' moments depend on each other.

    Args:
        samples: number of sequences, >= 2, per layer.
        task, seed, device, chain, labels, workers, progress: as for `gradient_moments`, with the same errors.
    """
    task, seed = as_drawable_task(task), as_seed(seed)
    wanted = {as_layer(layer): as_count("samples", count, 2) for layer, count in samples.items()}
    if not wanted:
        raise ValueError("samples must name at least one layer, got none")
    place, links, threads = resolve_device(device), as_chain(task, chain), as_workers(workers)
    rows, classes = unit_rows(task, place), None if labels is None else as_labels(task, labels)
    for count in wanted.values():
        if classes is not None and count < 2 * rows:
            raise ValueError(f"samples must be at least {2 * rows} (two full blocks) with labels, got {count}")
    _require_bytes(task, threads, place)
    start = time.perf_counter()
    totals = {
        layer: _Total(task, layer, count, None if classes is None else Pool(task, layer, classes))
        for layer, count in wanted.items()
    }
    count_unit = unit_counter(task, wanted, seed, links, place)
    _accumulate(count_unit, task, totals, rows, threads if place.type == "cpu" else 1, progress)
    seconds = time.perf_counter() - start
    return {layer: total.moments(seed, str(place), seconds) for layer, total in totals.items()}


class _Total:
    """The counts of one layer so far, and the class averages of its full units."""

    def __init__(self, task: Task, layer: Layer, samples: int, pool: Pool | None) -> None:
        self.task, self.layer, self.samples, self.pool = task, layer, samples, pool
        self.counts = Counts.zeros(task, layer)

    def averages(self, counts: Counts, is_full: bool) -> Floats | None:
        """What the pool takes of a unit, if it is a full one."""
        return self.pool.averages(counts) if self.pool and is_full else None

    def add(self, counts: Counts, averages: Floats | None) -> None:
        """Take in the next unit."""
        self.counts.add(counts)
        if self.pool and averages is not None:
            self.pool.add(averages)

    def moments(self, seed: int, device: str, seconds: float) -> GradientMoments:
        """Of all units so far."""
        sums = gradient_sums(self.task, self.layer, self.counts)
        return GradientMoments(
            sums.mean,
            sums.variance(),
            sums.standard_error(),
            sums.variance_standard_error(),
            self.samples,
            seed,
            device,
            seconds,
            self.pool.result() if self.pool else None,
        )


def _require_bytes(task: Task, workers: int, place: torch.device) -> None:
    """Grouped power sums in flight, the central sums of all entries, and one block of tokens per worker."""
    matrices = 4 * (2 * workers + 2) + 60
    require_bytes(
        f"N = {task.N}: moments of (N+1) x 2(N+1) entries", 8 * matrices * task.M**2, place, "use a smaller N"
    )
    require_bytes(f"T = {task.T}: blocks of sequences", 8 * workers * task.T, place, "use a smaller T")


UnitCounts = dict[Layer, Counts]
"""Of one unit; without layers that are complete already."""


def unit_counter(
    task: Task, samples: Mapping[Layer, int], seed: int, chain: Chain | None, device: torch.device
) -> Callable[[int], UnitCounts]:
    """The function from a unit's index to its counts, with the unit's part of the first samples[layer] sequences."""
    rows, blocks, most = block_rows(task), unit_blocks(task), max(samples.values())
    shifts = {layer: count_shift(task, layer) for layer in samples}

    def on_cpu(index: int) -> UnitCounts:
        counts: UnitCounts = {}
        for number in range(index * blocks, (index + 1) * blocks):
            size = min(rows, most - number * rows)
            if size > 0:
                block = draw_block(task, seed, number, size, chain)
                for layer, count in samples.items():
                    part = count - number * rows
                    if part > 0:
                        held = counts.setdefault(layer, Counts.zeros(task, layer))
                        add_block(held, layer, Block(*(array[:part] for array in block)), shifts[layer])
        return counts

    return on_cpu if device.type == "cpu" else torch_unit_counter(task, samples, seed, chain, device)


def torch_unit_counter(
    task: Task, samples: Mapping[Layer, int], seed: int, chain: Chain | None, device: torch.device
) -> Callable[[int], UnitCounts]:
    """`unit_counter` with blocks drawn and counted by torch."""
    rows, most = torch_block_rows(task), max(samples.values())

    def on_device(index: int) -> UnitCounts:
        block = draw_torch_block(task, seed, index, min(rows, most - index * rows), chain, device)
        return {
            layer: torch_counts(task, layer, TorchBlock(*(part[: count - index * rows] for part in block)),
                                count_shift(task, layer))
            for layer, count in samples.items() if count > index * rows
        }  # fmt: skip

    return on_device


def _accumulate(
    count_unit: Callable[[int], UnitCounts],
    task: Task,
    totals: Mapping[Layer, _Total],
    rows: int,
    workers: int,
    progress: bool | None,
) -> None:
    """The counts of all units added up in order; full units also go to the pools."""
    most = max(total.samples for total in totals.values())

    def produce(index: int) -> list[tuple[_Total, Counts, Floats | None]]:
        found = []
        for layer, counts in count_unit(index).items():
            total = totals[layer]
            found.append((total, counts, total.averages(counts, total.samples >= (index + 1) * rows)))
        return found

    with progress_bar(most, float(most) * task.T, progress) as advance:

        def consume(unit: list[tuple[_Total, Counts, Floats | None]]) -> None:
            for total, counts, averages in unit:
                total.add(counts, averages)
            advance(max(int(counts.samples.sum()) for _, counts, _ in unit))

        for_each_in_order(produce, consume, -(-most // rows), workers)


def gradient_sums(task: Task, layer: Layer, counts: Counts) -> CentralSums:
    """Central sums of the gradient entries, arrays of shape (M, 2M), from the grouped counts.

    Entry (k, a) is (1{y = k} - 1/M) n_a (/ T for attention values): the samples with y = k and the others are
    summarised apart, scaled by 1 - 1/M and -1/M, and merged.
    """
    M, shift = task.M, count_shift(task, layer)
    hits = counts.samples[:, None]
    powers = np.broadcast_to(np.moveaxis(counts.powers, 1, 0), (4, M, M))
    with_target = _columns(task, layer, CentralSums.of_powers(hits, powers, shift))
    misses, other_powers = hits.sum() - hits, powers.sum(axis=1, keepdims=True) - powers
    without_target = _columns(task, layer, CentralSums.of_powers(misses, other_powers, shift))
    scale = 1.0 if layer == "feed_forward" else 1.0 / task.T
    return with_target.scaled((1 - 1 / M) * scale).merge(without_target.scaled(-scale / M))


def _columns(task: Task, layer: Layer, previous: CentralSums) -> CentralSums:
    """Summaries of all 2M features, [E(0..N), P(0..N)], from those of the P features."""
    count, mean, *spread = previous
    if layer == "feed_forward":  # E(z_T) = E(q) is the one E feature there is
        current = np.zeros_like(mean)
        current[:, task.q] = 1.0
        halves = [(current, mean), *((np.zeros_like(part), part) for part in spread)]
    else:  # each token counts equally often as E and as P, but for z_T = q, which is no previous token
        current = mean.copy()
        current[:, task.q] += 1.0
        halves = [(current, mean), *((part, part) for part in spread)]
    return CentralSums(count, *(np.concatenate(pair, axis=1) for pair in halves))
