"""Seed blocks drawn by torch on a device: all rows at once, position by position.

The law is that of `blocks`, the random numbers are not: a seed gives one batch on the CPU and another on a GPU.
Whole blocks are drawn and then cut, so that the first rows of a block do not depend on how many are wanted.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.random import SeedSequence

from simulate.runtime.arguments import Sizes

from .sources import Source, Tables

BLOCK_TOKENS = 2**23
MOST_ROWS = 2**17


class TorchBlock(NamedTuple):
    """Sequences as int64 tensors on a device: tokens (rows, T), correct (rows,), target (rows,)."""

    tokens: torch.Tensor
    correct: torch.Tensor
    target: torch.Tensor


def torch_block_rows(law: Sizes) -> int:
    """Number of sequences in a full block; neither the tokens nor a count of each token outgrow BLOCK_TOKENS."""
    return max(1, min(MOST_ROWS, BLOCK_TOKENS // max(law.T, law.M)))


class _Rows:
    """Alias tables on a device, one distribution or several."""

    def __init__(self, tables: Tables, device: torch.device) -> None:
        self._cut, self._alias = (torch.from_numpy(table).to(device) for table in tables)

    def look_up(self, uniforms: torch.Tensor, row: torch.Tensor | None = None) -> torch.Tensor:
        """Tokens of the distributions `row`, or of the one there is, from numbers uniform in [0, 1)."""
        x = uniforms * self._cut.shape[-1]
        k = x.long()
        at = (k,) if row is None else (row, k)
        return torch.where(x < self._cut[at], k, self._alias[at].long())


class _Draws:
    """Random numbers of one block, and the tokens that come of them, for all its rows at once."""

    def __init__(self, source: Source, seed: int, index: int, device: torch.device) -> None:
        self._rows, self._device = torch_block_rows(source), device
        self._M, self._alpha = source.M, source.alpha
        word = SeedSequence(entropy=seed, spawn_key=(index,)).generate_state(1, np.uint64)[0]
        self._generator = torch.Generator(device).manual_seed(int(word >> np.uint64(1)))

    def uniform(self) -> torch.Tensor:
        """Numbers uniform in [0, 1)."""
        return torch.rand(self._rows, generator=self._generator, device=self._device, dtype=torch.float64)

    def integers(self, count: int) -> torch.Tensor:
        """Tokens uniform in 0..count-1."""
        return torch.randint(count, (self._rows,), generator=self._generator, device=self._device)

    def after_trigger(self, correct: torch.Tensor, noise: int | _Rows) -> torch.Tensor:
        """c, or the noise token or a draw of ν with probability α, by one uniform number each."""
        uniform = self.uniform()
        if isinstance(noise, int):
            return torch.where(uniform < self._alpha, noise, correct)
        drawn = noise.look_up(uniform)
        return torch.where(drawn == self._M, correct, drawn)


def draw_torch_block(source: Source, seed: int, index: int, rows: int, device: torch.device) -> TorchBlock:
    """The first `rows` sequences of block `index`."""
    draws, drawn = _Draws(source, seed, index, device), torch_block_rows(source)
    walk = None if source.walk is None else _Rows(source.walk, device)
    noise = source.noise if isinstance(source.noise, int) else _Rows(source.noise, device)
    if isinstance(source.answers, int):
        correct = draws.integers(source.answers)
    else:
        correct = _Rows(source.answers, device).look_up(draws.uniform())
    target = draws.after_trigger(correct, noise)
    tokens = torch.empty((drawn, source.T), dtype=torch.int64, device=device)
    previous = torch.full((drawn,), source.M, device=device)  # the table of the first token
    for t in range(source.T - 1):
        step = draws.integers(source.M - 1) if walk is None else walk.look_up(draws.uniform(), previous)
        if t > 0:
            step = torch.where(previous == source.q, draws.after_trigger(correct, noise), step)
        tokens[:, t] = previous = step
    tokens[:, -1] = source.q
    return TorchBlock(tokens[:rows], correct[:rows], target[:rows])
