"""Samples of noisy in-context recall: a batch, or a stream of chunks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike

from simulate.runtime.arrays import Array
from simulate.runtime.byte_limit import require_bytes
from simulate.runtime.device import resolve_device
from theory.arguments import Count, Seed, checked
from theory.law import Law
from theory.task import Task

from .blocks import Block, block_rows, draw_block
from .chains import Chain
from .recall import RecallBatch
from .sources import Source, as_source
from .torch_sampling import TorchBlock, draw_torch_block, torch_block_rows

Draw: TypeAlias = Callable[..., Block | TorchBlock]


@checked
@dataclass(frozen=True, eq=False)
class Batch:
    """Sequences with their correct tokens and targets, int64 tensors on one device.

    A `RecallBatch` asks at every position that holds a trigger; this is its last question alone.

    Attributes:
        tokens: z_1..z_T, shape (batch, T).
        correct: the correct token c of each sequence, shape (batch,).
        target: the target y of each sequence, shape (batch,).
    """

    tokens: torch.Tensor
    correct: torch.Tensor
    target: torch.Tensor

    @classmethod
    @checked
    def of_recall(cls, batch: RecallBatch) -> "Batch":
        """The last question of each sequence of recall: z_1..z_T, with c of the trigger z_T, and z_{T+1} as target.

        Raises:
            TypeError: not a `RecallBatch`.
            ValueError: a sequence whose z_T is no trigger; `Recall` with ends_on_trigger draws none.
        """
        correct = batch.correct[:, -1]
        if (correct < 0).any():
            row = int(correct.lt(0).nonzero()[0, 0])
            token = int(batch.tokens[row, -1])
            raise ValueError(f"batch must end in a trigger everywhere, got the token {token} at the end of row {row}")
        return cls(batch.tokens, correct, batch.following[:, -1])


@checked
def sample(
    task: Task | Law, batch: Count, *, seed: Seed, device: str = "cpu", chain: ArrayLike | Chain | None = None
) -> Batch:
    """Draw `batch` sequences of a task or of any law.

    A task, the same task on a chain and the `Law` that is either draw the same sequences from the same seed. The same
    seed gives the same sequences, and a smaller batch gives the first rows of a larger one. On the CPU numpy
    draws, on a GPU torch, with other random numbers; the tensors are torch's on both.

    Args:
        task: the task, or a law.
        batch: number of sequences, >= 1.
        seed: a non-negative int.
        device: "cpu", "cuda", "cuda:<index>" or "auto"; the tensors live there.
        chain: of a task: None for the uniform chain, or a row-stochastic (M, M) array over all M = N+1 tokens, or a
            `Chain`. A law has its own.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range, a chain beside a law, an unavailable
            device, or a batch that does not fit in memory.

    Source: Chen, Bruna, Bietti (ICLR 2025), the noisy in-context recall task.
    """
    return next(_stream("batch", task, batch, seed, batch, device, chain))


@checked
def sample_stream(
    task: Task | Law,
    batch: Count,
    *,
    seed: Seed,
    chunk: Count | None = None,
    device: str = "cpu",
    chain: ArrayLike | Chain | None = None,
) -> Iterator[Batch]:
    """Draw the sequences of `sample(task, batch, ...)` in chunks, in memory that does not grow with `batch`.

    Args:
        chunk: number of sequences per yielded `Batch` (the last may be shorter), >= 1; None means one seed block.
        task, batch, seed, device, chain: as for `sample`, with the same errors, raised by the call itself.
    """
    return _stream("chunk", task, batch, seed, chunk, device, chain)


def _stream(
    name: str, task: Task | Law, batch: int, seed: int, chunk: int | None, device: str, chain: ArrayLike | Chain | None
) -> Iterator[Batch]:
    source, place = as_source(task, chain), resolve_device(device)
    draw: Draw
    if place.type == "cpu":
        rows, draw = block_rows(source), partial(draw_block, source, seed)
    else:
        rows, draw = torch_block_rows(source), partial(draw_torch_block, source, seed, device=place)
    chunk = chunk or rows
    size = min(batch, chunk)
    what, needed = f"{name} = {size} sequences of T = {source.T} tokens", (8 * size + 8) * (source.T + 2)
    require_bytes(what, needed, place, "sample_stream (with a smaller chunk) and gradient_moments work in chunks")
    return _chunks(source, batch, chunk, rows, draw, place)


def _chunks(source: Source, batch: int, chunk: int, rows: int, draw: Draw, place: torch.device) -> Iterator[Batch]:
    """Cut the blocks, `rows` sequences each, into chunks."""
    index, block = -1, None  # the block at hand
    for start in range(0, batch, chunk):
        size = min(chunk, batch - start)
        shapes = ((size, source.T), (size,), (size,))
        parts: list[torch.Tensor] = [_empty(shape, place) for shape in shapes]
        filled = 0
        while filled < size:
            position = start + filled
            if block is None or position // rows != index:
                index = position // rows
                block = draw(index=index, rows=min(rows, batch - index * rows))
            offset = position % rows
            taken = min(size - filled, rows - offset)
            _copy(block, slice(offset, offset + taken), parts, slice(filled, filled + taken))
            filled += taken
        yield Batch(*parts)


def _empty(shape: tuple[int, ...], place: torch.device) -> torch.Tensor:
    if place.type == "cpu":  # numpy asks for large pages, which are several times faster to fill
        return torch.from_numpy(np.empty(shape, dtype=np.int64))
    return torch.empty(shape, dtype=torch.int64, device=place)


def _copy(block: Block | TorchBlock, source: slice, parts: list[torch.Tensor], goal: slice) -> None:
    columns: tuple[Array | torch.Tensor, ...] = tuple(block)
    for drawn, part in zip(columns, parts, strict=True):
        if isinstance(drawn, torch.Tensor):
            part[goal] = drawn[source]
        else:
            part.numpy()[goal] = drawn[source]
