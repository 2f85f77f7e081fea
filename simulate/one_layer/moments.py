"""Mean and variance of the per-sample gradients at zero initialisation, streamed."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import MinLen
from numpy.typing import ArrayLike

from simulate.runtime.arguments import IntegerArray, Sizes, Workers, as_labels, thread_count
from simulate.runtime.arrays import Floats
from simulate.runtime.byte_limit import require_bytes
from simulate.runtime.device import resolve_device
from simulate.runtime.streaming import for_each_in_order, progress_bar
from simulate.sequences.blocks import BLOCK_TOKENS, Block, block_rows, draw_block
from simulate.sequences.chains import Chain
from simulate.sequences.sources import Source, as_source
from simulate.sequences.torch_sampling import TorchBlock, draw_torch_block, torch_block_rows
from theory.arguments import Seed, Size, checked
from theory.law import Law
from theory.task import Layer, Task

from .central import CentralSums
from .class_averages import Pool, PooledMoments
from .counts import Counts, add_block, count_shift, torch_counts


@checked
@dataclass(frozen=True, eq=False)
class GradientMoments:
    """Moments of per-sample negative gradients, float64 arrays of shape (M, 2M).

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


def unit_blocks(law: Sizes) -> int:
    """Number of seed blocks that share one accumulator: enough to outweigh merging it, of size 4 M²."""
    return -(-16 * law.M**2 // BLOCK_TOKENS)


def unit_rows(law: Sizes, device: torch.device) -> int:
    """Number of sequences in a full accumulation unit, the "block" of `PooledMoments`."""
    return unit_blocks(law) * block_rows(law) if device.type == "cpu" else torch_block_rows(law)


@checked
def gradient_moments(
    task: Task | Law,
    layer: Layer,
    samples: Size,
    *,
    seed: Seed,
    device: str = "cpu",
    chain: ArrayLike | Chain | None = None,
    labels: IntegerArray | None = None,
    workers: Workers = None,
    progress: bool | None = None,
) -> GradientMoments:
    """Estimate the mean and variance of the per-sample negative gradients at zero initialisation.

    With x_t = E(z_t) + P(z_{t-1}), P(z_0) = 0: g_F = (e_y - 1/M) x_Tᵀ and g_V = (e_y - 1/M) x̄ᵀ, x̄ = (1/T) Σ_t x_t.
    Rows are tokens 0..M-1, columns [E(0..M-1), P(0..M-1)]. The sequences are those of `sample` with the same seed and
    device. Memory does not grow with `samples`; the result is the same, bit for bit, for any number of workers.

    Args:
        task: the task, or a law.
        layer: "feed_forward" (g_F) or "attention_value" (g_V).
        samples: number of sequences, >= 2.
        seed, device, chain: as for `sample`.
        labels: optional integer array of shape (M, 2M) with class numbers 0..K-1: also pool the entries of each
            class, with standard errors from the spread between full blocks; needs at least two full blocks.
        workers: number of threads, >= 1; None means one per processor. A GPU is fed by one thread.
        progress: show a bar on standard error; None means on an interactive terminal, for long jobs.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range, before any work.

    Source: Chen, Bruna, Bietti (ICLR 2025), gradient noise at the first step.
    """
    return shared_gradient_moments(
        task, {layer: samples}, seed=seed, device=device, chain=chain, labels=labels, workers=workers, progress=progress
    )[layer]


@checked
def shared_gradient_moments(
    task: Task | Law,
    samples: Annotated[Mapping[Layer, Size], MinLen(1)],
    *,
    seed: Seed,
    device: str = "cpu",
    chain: ArrayLike | Chain | None = None,
    labels: IntegerArray | None = None,
    workers: Workers = None,
    progress: bool | None = None,
) -> dict[Layer, GradientMoments]:
    """`gradient_moments` of each layer in `samples`, from the same sequences: of each layer the first so many.

    The numbers are those of `gradient_moments` with the same seed, so the layers' moments depend on each other.

    Args:
        samples: number of sequences, >= 2, per layer.
        task, seed, device, chain, labels, workers, progress: as for `gradient_moments`, with the same errors.
    """
    source, place, threads = as_source(task, chain), resolve_device(device), thread_count(workers)
    rows, classes = unit_rows(source, place), None if labels is None else as_labels(source, labels)
    for count in samples.values():
        if classes is not None and count < 2 * rows:
            raise ValueError(f"samples must be at least {2 * rows} (two full blocks) with labels, got {count}")
    _require_bytes(source, threads, place)
    start = time.perf_counter()
    totals = {
        layer: _Total(source, layer, count, None if classes is None else Pool(source, layer, classes))
        for layer, count in samples.items()
    }
    count_unit = unit_counter(source, samples, seed, place)
    _accumulate(count_unit, source.T, totals, rows, threads if place.type == "cpu" else 1, progress)
    seconds = time.perf_counter() - start
    return {layer: total.moments(seed, str(place), seconds) for layer, total in totals.items()}


class _Total:
    """The counts of one layer so far, and the class averages of its full units."""

    def __init__(self, law: Sizes, layer: Layer, samples: int, pool: Pool | None) -> None:
        self.law, self.layer, self.samples, self.pool = law, layer, samples, pool
        self.counts = Counts.zeros(law, layer)

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
        sums = gradient_sums(self.law, self.layer, self.counts)
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


def _require_bytes(law: Sizes, workers: int, place: torch.device) -> None:
    """Grouped power sums in flight, the central sums of all entries, and one block of tokens per worker."""
    matrices = 4 * (2 * workers + 2) + 60
    what = f"M = {law.M} tokens: moments of M x 2M entries"
    require_bytes(what, 8 * matrices * law.M**2, place, "use fewer tokens")
    require_bytes(f"T = {law.T}: blocks of sequences", 8 * workers * law.T, place, "use a smaller T")


UnitCounts = dict[Layer, Counts]
"""Of one unit; without layers that are complete already."""


def unit_counter(
    source: Source, samples: Mapping[Layer, int], seed: int, device: torch.device
) -> Callable[[int], UnitCounts]:
    """The function from a unit's index to its counts, with the unit's part of the first samples[layer] sequences."""
    rows, blocks, most = block_rows(source), unit_blocks(source), max(samples.values())
    shifts = {layer: count_shift(source, layer) for layer in samples}

    def on_cpu(index: int) -> UnitCounts:
        counts: UnitCounts = {}
        for number in range(index * blocks, (index + 1) * blocks):
            size = min(rows, most - number * rows)
            if size > 0:
                block = draw_block(source, seed, number, size)
                for layer, count in samples.items():
                    part = count - number * rows
                    if part > 0:
                        held = counts.setdefault(layer, Counts.zeros(source, layer))
                        add_block(held, layer, Block(*(array[:part] for array in block)), shifts[layer])
        return counts

    return on_cpu if device.type == "cpu" else torch_unit_counter(source, samples, seed, device)


def torch_unit_counter(
    source: Source, samples: Mapping[Layer, int], seed: int, device: torch.device
) -> Callable[[int], UnitCounts]:
    """`unit_counter` with blocks drawn and counted by torch."""
    rows, most = torch_block_rows(source), max(samples.values())

    def on_device(index: int) -> UnitCounts:
        block = draw_torch_block(source, seed, index, min(rows, most - index * rows), device)
        return {
            layer: torch_counts(source, layer, TorchBlock(*(part[: count - index * rows] for part in block)),
                                count_shift(source, layer))
            for layer, count in samples.items() if count > index * rows
        }  # fmt: skip

    return on_device


def _accumulate(
    count_unit: Callable[[int], UnitCounts],
    T: int,
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

    with progress_bar(most, float(most) * T, progress) as advance:

        def consume(unit: list[tuple[_Total, Counts, Floats | None]]) -> None:
            for total, counts, averages in unit:
                total.add(counts, averages)
            advance(max(int(counts.samples.sum()) for _, counts, _ in unit))

        for_each_in_order(produce, consume, -(-most // rows), workers)


def gradient_sums(law: Sizes, layer: Layer, counts: Counts) -> CentralSums:
    """Central sums of the gradient entries, arrays of shape (M, 2M), from the grouped counts.

    Entry (k, a) is (1{y = k} - 1/M) n_a (/ T for attention values): the samples with y = k and the others are
    summarised apart, scaled by 1 - 1/M and -1/M, and merged.
    """
    M, shift = law.M, count_shift(law, layer)
    hits = counts.samples[:, None]
    powers = np.broadcast_to(np.moveaxis(counts.powers, 1, 0), (4, M, M))
    with_target = _columns(law, layer, CentralSums.of_powers(hits, powers, shift))
    misses, other_powers = hits.sum() - hits, powers.sum(axis=1, keepdims=True) - powers
    without_target = _columns(law, layer, CentralSums.of_powers(misses, other_powers, shift))
    scale = 1.0 if layer == "feed_forward" else 1.0 / law.T
    return with_target.scaled((1 - 1 / M) * scale).merge(without_target.scaled(-scale / M))


def _columns(law: Sizes, layer: Layer, previous: CentralSums) -> CentralSums:
    """Summaries of all 2M features, [E(0..N), P(0..N)], from those of the P features."""
    count, mean, *spread = previous
    if layer == "feed_forward":  # E(z_T) = E(q) is the one E feature there is
        current = np.zeros_like(mean)
        current[:, law.q] = 1.0
        halves = [(current, mean), *((np.zeros_like(part), part) for part in spread)]
    else:  # each token counts equally often as E and as P, but for z_T = q, which is no previous token
        current = mean.copy()
        current[:, law.q] += 1.0
        halves = [(current, mean), *((part, part) for part in spread)]
    return CentralSums(count, *(np.concatenate(pair, axis=1) for pair in halves))
