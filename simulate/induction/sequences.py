"""Sequences on which an induction head is learned: one earlier trigger, followed by the answer."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge
from numpy.random import SFC64, Generator, SeedSequence

from simulate.runtime.arguments import MOST_TOKENS
from simulate.runtime.arrays import Integers
from simulate.runtime.byte_limit import CPU, require_bytes
from theory.arguments import Count, Seed, Size, checked

BLOCK_TOKENS = 2**18


@checked
@dataclass(frozen=True, eq=False)
class InductionBatch:
    """Sequences with their answers, int64 tensors on the CPU.

    Attributes:
        tokens: z_1..z_T, shape (batch, T).
        target: the answer y, shape (batch,).
        position: the 0-based index of the earlier trigger, j-1, shape (batch,).
    """

    tokens: torch.Tensor
    target: torch.Tensor
    position: torch.Tensor


@checked
def sample_induction(N: Size, T: Annotated[int, Ge(3)], batch: Count, *, seed: Seed) -> InductionBatch:
    """Draw `batch` sequences: q uniform on 0..N-1, j on 1..T-2, y on the tokens other than q; z_j = q, z_{j+1} = y,
    z_T = q, and all other tokens uniform on those other than q.

    The same seed gives the same sequences, and a smaller batch gives the first rows of a larger one.

    Args:
        N: number of tokens, >= 2.
        T: length, >= 3.
        batch: number of sequences, >= 1.
        seed: a non-negative int.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range, or a batch that does not fit in memory.

    Source: Bietti et al. (NeurIPS 2023), the data model of the three gradient steps.
    """
    if N > MOST_TOKENS:
        raise ValueError(f"N must be at most 2^62 to be drawn, got {N}")
    what = f"batch = {batch} sequences of T = {T} tokens"
    require_bytes(what, 24 * batch * (T + 2), CPU, "use a smaller batch")
    full = max(1, BLOCK_TOKENS // T)
    sizes = [min(full, batch - start) for start in range(0, batch, full)]
    sources = (SeedSequence(entropy=seed, spawn_key=(index,)) for index in range(len(sizes)))
    parts = [_draw(N, T, size, full, source) for size, source in zip(sizes, sources, strict=True)]
    return InductionBatch(*(torch.from_numpy(np.concatenate(arrays)) for arrays in zip(*parts, strict=True)))


def _draw(N: int, T: int, rows: int, full: int, source: SeedSequence) -> tuple[Integers, Integers, Integers]:
    """The first `rows` of `full` sequences: whole blocks are drawn, as numpy's integers depend on their number."""
    draws = Generator(SFC64(source))
    trigger, position = draws.integers(0, N, (full, 1)), draws.integers(0, T - 2, (full, 1))
    tokens = draws.integers(0, N - 1, (full, T))
    tokens += tokens >= trigger  # uniform on the tokens other than q; z_{j+1} = y is one of them
    np.put_along_axis(tokens, position, trigger, axis=1)
    tokens[:, -1:] = trigger
    target = np.take_along_axis(tokens, position + 1, axis=1)
    return tokens[:rows], target[:rows, 0], position[:rows, 0]
