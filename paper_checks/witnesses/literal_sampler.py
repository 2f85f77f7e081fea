"""The task's definition written out token by token: slow, and the yardstick of the fast samplers."""

import random

import torch
from numpy.typing import ArrayLike

from simulate.runtime.arguments import require_drawable
from simulate.runtime.byte_limit import CPU, require_bytes
from simulate.sequences.chains import Chain, as_chain
from simulate.sequences.sampling import Batch
from theory.arguments import Count, Seed, checked
from theory.task import Task


@checked
def literal_sample(task: Task, batch: Count, *, seed: Seed, chain: ArrayLike | Chain | None = None) -> Batch:
    """Draw `batch` sequences in plain Python; arguments, result and errors as for `sample` on the CPU.

    The law is that of `sample`; the random numbers are Python's own, so the sequences differ.

    Source: Chen, Bruna, Bietti (ICLR 2025), the noisy in-context recall task.
    """
    require_drawable(task)
    links, generator = as_chain(task, chain), random.Random(seed)
    what, needed = f"batch = {batch} sequences of T = {task.T} tokens", 16 * batch * (task.T + 2)
    require_bytes(what, needed, CPU, "use a smaller batch")
    rows = [_sequence(task, links, generator) for _ in range(batch)]
    tokens, correct, target = zip(*rows, strict=True)
    return Batch(torch.tensor(tokens), torch.tensor(correct), torch.tensor(target))


def _noisy(task: Task, c: int, generator: random.Random) -> int:
    """τ with probability α, c otherwise."""
    return task.tau if generator.random() < task.alpha else c


def _sequence(task: Task, chain: Chain | None, generator: random.Random) -> tuple[list[int], int, int]:
    """One sequence z_1..z_T, its correct token and its target."""
    c = generator.randrange(task.N)
    sequence: list[int] = []
    for t in range(1, task.T + 1):
        if t == task.T:
            token = task.q
        elif t > 1 and sequence[-1] == task.q:
            token = _noisy(task, c, generator)
        elif chain is None:
            token = generator.randrange(task.N)
        else:
            weights = chain.initial if t == 1 else chain.transition[sequence[-1]]
            token = generator.choices(range(task.M), weights=weights)[0]  # type: ignore[arg-type]
        sequence.append(token)
    return sequence, c, _noisy(task, c, generator)
