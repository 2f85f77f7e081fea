"""Gradients of the two-layer model over many sequences.

Where no token matters to the first layer's attention A (at zero, say, and after steps between positions alone), which
is then one (T, T) matrix for all sequences, the chain rule is written out, a few times faster than autograd, which
serves all other weights. With x¹_t the features [E, P, E1, P1], scores s_t = x¹_tᵀ W_K2 x¹_T, b = softmax s,
f = Σ_t b_t x¹_t and δ = e_y - softmax(W_O f), the negative gradients of one sequence are

    W_O:   δ fᵀ                                                                                                      (1)
    W_K2:  g x¹_Tᵀ,  g = Σ_t d_t x¹_t,  d_t = b_t δᵀ W_O (x¹_t - f)                                                  (2)
    W_K1:  Σ_t Σ_{s<=t} A_ts (a_ts - Σ_r A_tr a_tr) x_s x_tᵀ,  a_ts = b_t c_s + d_t k_s + 1{t = T} r_s               (3)

where c_s, k_s and r_s are what the copy E1(z_s) + P1(s) adds to δᵀ W_O, to (W_K2 x¹_T)ᵀ and to (W_K2ᵀ g)ᵀ.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from numba import njit

from simulate.runtime.arguments import Workers, thread_count
from simulate.runtime.arrays import Floats
from simulate.runtime.byte_limit import CPU, require_bytes
from simulate.runtime.streaming import for_each_in_order
from theory.arguments import Natural, Seed, Shape, Size, checked

from .model import MatrixName, TwoLayer, token_sums
from .sequences import sample_induction

CHUNK = 2048
"""Sequences at a time: more fall out of the processor's cache."""


@checked
@dataclass(frozen=True, eq=False)
class BlockGradients:
    """Negative gradients of one matrix, averaged over each of many equal blocks of fresh sequences.

    Attributes:
        blocks: shape (blocks, rows, columns); their scatter gives the standard error of any linear statistic.
        samples: number of sequences in all.   seed: the seed.
    """

    blocks: Annotated[Floats, Shape("blocks rows columns")]
    samples: Natural
    seed: Seed

    @property
    def mean(self) -> Floats:
        """The estimate of the population's negative gradient, shape (rows, columns)."""
        average: Floats = self.blocks.mean(axis=0)
        return average


@checked
def two_layer_gradient(
    model: TwoLayer, matrix: MatrixName, samples: Size, *, seed: Seed, blocks: Size = 32, workers: Workers = None
) -> BlockGradients:
    """Negative loss gradients in W_O, W_K2 or W_K1 on `samples` sequences of `sample_induction`, `blocks` of them.

    Args:
        model: where the gradient is taken; it is left as it is.
        matrix: "W_O", "W_K2" or "W_K1".
        samples: number of sequences, a multiple of `blocks`.
        seed: a non-negative int.
        blocks: number of blocks, >= 2.
        workers: threads that work on blocks; None is one per processor. The numbers do not depend on it.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range, before any work.
    """
    weight = getattr(model, matrix)
    if samples % blocks:
        raise ValueError(f"samples must be a multiple of blocks = {blocks}, got {samples}")
    threads = thread_count(workers)
    what = f"blocks = {blocks} gradients of shape {tuple(weight.shape)}"
    require_bytes(what, 16 * blocks * weight.numel(), CPU, "use fewer blocks")
    batch = sample_induction(model.N, model.T, samples, seed=seed)
    gradients: list[Floats] = []
    size, summed = samples // blocks, _by_chain_rule if model.attends_by_position() else _by_autograd

    def mean_gradient(block: int) -> Floats:
        total, end = np.zeros(weight.shape), (block + 1) * size
        for first in range(block * size, end, CHUNK):
            rows = slice(first, min(first + CHUNK, end))
            total += summed(model, matrix, batch.tokens[rows], batch.target[rows])
        mean: Floats = total / size
        return mean

    for_each_in_order(mean_gradient, gradients.append, blocks, threads)
    return BlockGradients(np.stack(gradients), samples, seed)


def _by_autograd(model: TwoLayer, matrix: str, tokens: torch.Tensor, target: torch.Tensor) -> Floats:
    """The sum of the negative gradients of these sequences."""
    loss = model.loss(tokens, target) * -len(tokens)
    found: Floats = torch.autograd.grad(loss, getattr(model, matrix))[0].numpy()
    return found


@torch.no_grad()
def _by_chain_rule(model: TwoLayer, matrix: str, tokens: torch.Tensor, target: torch.Tensor) -> Floats:
    """The same by equations (1) to (3), at weights with which the first layer attends by position."""
    A, W_O, W_K2 = model.position_attention(), model.W_O, model.W_K2
    E, P, E1, P1 = (model.block(name) for name in ("E", "P", "E1", "P1"))

    def summed(weights: torch.Tensor) -> torch.Tensor:
        """Σ_t weights_t x¹_t, shape (batch, 2(N+T))."""
        copied = weights @ A
        parts = [token_sums(model.N, tokens, weights), weights, token_sums(model.N, tokens, copied), copied]
        return torch.cat(parts, dim=1)

    def read(values: torch.Tensor, token: slice, position: slice) -> torch.Tensor:
        """What the features of each z_t and t are worth, shape (batch, T)."""
        return values[:, token].gather(1, tokens) + values[:, position]

    last = torch.zeros(len(tokens), model.T, dtype=torch.float64)
    last[:, -1] = 1
    query = summed(last)
    asked = query @ W_K2.T
    k = read(asked, E1, P1)
    b = (read(asked, E, P) + k @ A.T).softmax(dim=1)
    f = summed(b)
    delta = -(f @ W_O.T).softmax(dim=1)
    delta[torch.arange(len(target)), target] += 1
    if matrix == "W_O":
        return np.asarray(delta.T @ f)
    values = delta @ W_O
    c = read(values, E1, P1)
    gains = read(values, E, P) + c @ A.T
    d = b * (gains - (b * gains).sum(dim=1, keepdim=True))
    g = summed(d)
    if matrix == "W_K2":
        return np.asarray(g.T @ query)
    r = read(g @ W_K2, E1, P1)
    found = np.zeros((model.N + model.T,) * 2)
    parts = (array.numpy() for array in (A.contiguous(), b, c, d, k, r))
    _add_first_scores(tokens.numpy(), *parts, found)  # type: ignore[call-arg]
    return found


@njit(nogil=True, cache=True)
def _add_first_scores(tokens, A, b, c, d, k, r, found):  # type: ignore[no-untyped-def]
    """Equation (3), added up over the sequences; rows keys, columns queries, [E, P]."""
    rows, T = tokens.shape
    N = len(found) - T
    gains = np.empty(T)
    for row in range(rows):
        for t in range(T):
            mean = 0.0
            for s in range(t + 1):
                gains[s] = b[row, t] * c[row, s] + d[row, t] * k[row, s]
                if t == T - 1:
                    gains[s] += r[row, s]
                mean += A[t, s] * gains[s]
            query = tokens[row, t]
            for s in range(t + 1):
                step, key = A[t, s] * (gains[s] - mean), tokens[row, s]
                found[key, query] += step
                found[key, N + t] += step
                found[N + s, query] += step
                found[N + s, N + t] += step
