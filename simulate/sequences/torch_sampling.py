"""Seed blocks drawn by torch on a device: all rows at once, token by token.

The law is that of `blocks`, the random numbers are not: a seed gives one batch on the CPU and another on a GPU.
Whole blocks are drawn and then cut, so that the first rows of a block do not depend on how many are wanted.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.random import SeedSequence

from theory.task import Task

from .chains import Chain

BLOCK_TOKENS = 2**23
MOST_ROWS = 2**17


class TorchBlock(NamedTuple):
    """Sequences as int64 tensors on a device: tokens (rows, T), correct (rows,), target (rows,)."""

    tokens: torch.Tensor
    correct: torch.Tensor
    target: torch.Tensor


def torch_block_rows(task: Task) -> int:
    """Number of sequences in a full block; neither the tokens nor a count of each token outgrow BLOCK_TOKENS."""
    return max(1, min(MOST_ROWS, BLOCK_TOKENS // max(task.T, task.M)))


def _generator(seed: int, index: int, device: torch.device) -> torch.Generator:
    word = SeedSequence(entropy=seed, spawn_key=(index,)).generate_state(1, np.uint64)[0]
    return torch.Generator(device).manual_seed(int(word >> np.uint64(1)))


def draw_torch_block(
    task: Task, seed: int, index: int, rows: int, chain: Chain | None, device: torch.device
) -> TorchBlock:
    """The first `rows` sequences of block `index`."""
    drawn, q, tau, alpha = torch_block_rows(task), task.q, task.tau, float(task.alpha)
    generator = _generator(seed, index, device)

    def uniform() -> torch.Tensor:
        return torch.rand(drawn, generator=generator, device=device, dtype=torch.float64)

    correct = torch.randint(task.N, (drawn,), generator=generator, device=device)
    target = torch.where(uniform() < alpha, tau, correct)
    tokens = torch.empty((drawn, task.T), dtype=torch.int64, device=device)
    tables = None if chain is None else tuple(torch.from_numpy(table).to(device) for table in chain.alias_tables)
    previous = torch.full((drawn,), task.M, device=device)  # the table of the first token
    for t in range(task.T - 1):
        if tables is None:
            step = torch.randint(task.N, (drawn,), generator=generator, device=device)
        else:
            cut, alias = tables
            x = uniform() * task.M
            k = x.long()
            step = torch.where(x < cut[previous, k], k, alias[previous, k].long())
        if t > 0:
            step = torch.where(previous == q, torch.where(uniform() < alpha, tau, correct), step)
        tokens[:, t] = previous = step
    tokens[:, -1] = q
    return TorchBlock(tokens[:rows], correct[:rows], target[:rows])
