"""The three steps of `three_steps` as matrices over the features [E(0..N-1), P(1..T), E1(0..N-1), P1(1..T)].

Source: this project, on Bietti et al. (NeurIPS 2023).
"""

from typing import Annotated, NamedTuple

import numpy as np

from theory.arguments import NonNegative, Shape, checked
from theory.arrays import Floats
from theory.byte_limit import require_bytes
from theory.memory.gradient_flow import MOST_BYTES

from .three_steps import (
    BASIC,
    ExactTask,
    InductionTask,
    Reads,
    copied_output_association,
    key_association,
    output_association,
    position_bias,
    previous_token_step,
)


@checked
class Weights(NamedTuple):
    """W_O², shape (N, 2(N+T)); W_K², shape (2(N+T), 2(N+T)); W_K¹, shape (N+T, N+T); float64, rows of the last two
    are keys, columns queries.
    """

    W_O: Annotated[Floats, Shape("N B")]
    W_K2: Annotated[Floats, Shape("B B")]
    W_K1: Annotated[Floats, Shape("F F")]


@checked
def population_weights(task: ExactTask, size: NonNegative, last: NonNegative, reads: Reads = BASIC) -> Weights:
    """W_O², W_K² and W_K¹ after one population step each; W_K¹ as exact as `previous_token_step`, the others rounded.

    Args:
        task, reads: the law and what is read.
        size: o times the step size on W_K²; the step size on W_O² is 1.
        last: o times the step size on W_K¹, a finite number >= 0.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range, or N too large for the matrices.
    """
    N, T = task.N, task.T
    needed = 8 * (2 * (N + T)) ** 2
    if needed > MOST_BYTES:
        raise ValueError(f"N = {N}: W_K² takes {needed} bytes, at most {MOST_BYTES}")
    require_bytes(f"N = {N}: the weights", 3 * needed, "take a smaller N")
    step = previous_token_step(task, size, reads)
    W_K1 = np.zeros((N + T, N + T))
    with np.errstate(over="ignore"):
        W_K1[N:, N:] = float(last) * step
        W_K2 = float(size) * key_query_weights(task, reads)
    for name, value, matrix in (("last", last, W_K1), ("size", size, W_K2)):
        if not np.isfinite(matrix).all():
            raise ValueError(f"{name} must be small enough for a result within the floats, got {float(value)!r}")
    return Weights(_output_weights(task, reads), W_K2, W_K1)


def _centred(N: int) -> Floats:
    """δ_kl - 1/N."""
    return np.eye(N) - 1 / N


def _output_weights(task: InductionTask, reads: Reads) -> Floats:
    """Equation (1) of `theory.birth.three_steps`, in the blocks that are read."""
    N, F = task.N, task.N + task.T
    W_O = np.zeros((N, 2 * F))
    W_O[:, :N] = float(output_association(task)) * _centred(N)
    if "E1" in reads.values:
        W_O[:, F : F + N] = float(copied_output_association(task)) * _centred(N)
    return W_O


def key_query_weights(task: InductionTask, reads: Reads) -> Floats:
    """Equation (2) divided by o, in the blocks that are read."""
    N, F = task.N, task.N + task.T
    W = np.zeros((2 * F, 2 * F))
    for block, start in (("E", 0), ("E1", F)):
        if block in reads.keys:
            W[start : start + N, :N] = float(key_association(task, block, reads) / (N - 1)) * _centred(N)
    if "P" in reads.keys:
        bias = position_bias(task, reads).astype(np.float64)
        W[N:F, :N] = bias[:, None] / N
        if "P" in reads.query:
            W[N:F, F - 1] = bias
    return W
