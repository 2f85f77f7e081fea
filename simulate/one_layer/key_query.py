"""The first gradient of the key-query matrix: per-sample moments, batch means, the loss behind it, the model after it.

With W_V and the output probabilities p held fixed, the per-sample negative gradient at W_KQ = 0 on (key feature a) ⊗
(query feature E(q)) is, with x_t = E(z_t) + P(z_{t-1}), P(z_0) = 0, x̄ = (1/T) Σ_t x_t and the features
[E(0..M-1), P(0..M-1)],

    k[a] = Σ_t (1/T) 1{a ∈ x_t} (e_y - p)ᵀ W_V (x_t - x̄).
"""

import time
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from numba import njit
from numpy.typing import ArrayLike

from simulate.runtime.arguments import (
    FloatType,
    Sizes,
    WithGaps,
    Workers,
    as_directions,
    as_features,
    as_matrix,
    as_stochastic,
    check_row_tokens,
    check_tokens,
    require_drawable,
    require_moments,
    thread_count,
)
from simulate.runtime.arrays import Array, Floats
from simulate.runtime.byte_limit import CPU, require_bytes
from simulate.sequences.blocks import Block
from simulate.sequences.chains import Chain
from simulate.sequences.sources import as_source
from theory.arguments import FINITE, Seed, Size, checked
from theory.law import Law
from theory.task import Task

from .central import CentralSums
from .model import OneLayer
from .projected import sum_over_blocks

CHUNK_ENTRIES = 2**17


@checked
@dataclass(frozen=True, eq=False)
class KeyQueryMoments:
    """Moments of directions @ k per sample, float64 arrays of shape (D,); standard errors as in `GradientMoments`.

    `skewness` is m₃ / m₂^(3/2) of the sample, nan where nothing varies.
    """

    mean: Floats
    variance: Floats
    standard_error: Floats
    variance_standard_error: Floats
    skewness: WithGaps
    samples: int
    seed: int
    seconds: float


@checked
def key_query_moments(
    task: Task | Law,
    W_V: ArrayLike,
    probabilities: ArrayLike,
    samples: Size,
    *,
    seed: Seed,
    directions: ArrayLike | None = None,
    chain: ArrayLike | Chain | None = None,
    workers: Workers = None,
    progress: bool | None = None,
) -> KeyQueryMoments:
    """Estimate the mean and variance of directions @ k, k the per-sample negative key-query gradient at zero.

    k is the module's formula, shape (2M,). The sequences are those of `sample` with the same seed. Chunks of a
    block are summarised around their own means, in two passes, and merged in order, so nothing is lost to cancellation
    and the result is the same, bit for bit, for any number of workers.

    Args:
        W_V: real array of shape (M, 2M), rows tokens, columns [E(0..M-1), P(0..M-1)].
        probabilities: p, real array of shape (M,), >= 0, with sum 1 up to the rounding of float64.
        directions: real array of shape (D, 2M); None means every entry of k, D = 2M.
        task, samples, seed, chain, workers, progress: as for `gradient_moments`.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range, before any work.

    Source: Chen, Bruna, Bietti (ICLR 2025), the key-query step.
    """
    source, threads = as_source(task, chain), thread_count(workers)
    weights = None if directions is None else np.ascontiguousarray(as_directions(source, directions).T)
    values = _target_values(source, W_V, probabilities)
    _require_moments(np.asarray(W_V), weights, samples)
    _require_bytes(source, 2 * source.M if weights is None else weights.shape[1], threads)
    start = time.perf_counter()

    def summarise(block: Block) -> CentralSums:
        return _gradient_sums(values, weights, block.tokens, block.target)

    sums = sum_over_blocks(source, samples, seed, threads, progress, summarise)
    return KeyQueryMoments(
        sums.mean,
        sums.variance(),
        sums.standard_error(),
        sums.variance_standard_error(),
        sums.skewness(),
        samples,
        seed,
        time.perf_counter() - start,
    )


@checked
def counted_key_query_gradient(
    task: Task | Law, W_V: ArrayLike, probabilities: ArrayLike, tokens: torch.Tensor, target: torch.Tensor
) -> Annotated[Floats, FINITE]:
    """Batch mean of the per-sample negative key-query gradient k at zero (the module's formula), by counting tokens.

    Args:
        task: the task or law, of which only M and the trigger q matter.
        W_V, probabilities: as for `key_query_moments`.
        tokens: shape (batch, T), int64; every sequence ends in q, the query.
        target: shape (batch,), int64.

    Returns:
        float64 array of shape (2M,), [E(0..M-1), P(0..M-1)].

    Raises:
        TypeError, ValueError: an array or tensor of another type, shape or range.

    Source: Chen, Bruna, Bietti (ICLR 2025), the key-query step.
    """
    require_drawable(task)
    M = task.M
    values = _target_values(task, W_V, probabilities)
    check_tokens(tokens, M)
    check_row_tokens("target", target, len(tokens), M)
    others = tokens[:, -1][tokens[:, -1] != task.q]
    if len(others):
        raise ValueError(f"tokens must end in the trigger {task.q}, got a last token {others[0].item()}")
    mean: Floats = _gradient_sums(values, None, tokens.cpu().numpy(), target.cpu().numpy()).mean
    return mean


@checked
def held_loss(model: OneLayer, tokens: torch.Tensor, target: torch.Tensor, probabilities: ArrayLike) -> torch.Tensor:
    """-(batch mean of (e_y - p)ᵀ ξ) at the last position, with p held constant; a scalar.

    Its gradient in the logits, p - e_y, is that of the cross-entropy where the softmax output is p. At W_KQ = 0 the
    negative gradient in W_KQ, column E(q), is the batch mean of k, the module's formula.

    Args:
        model: the model whose logits ξ are meant.
        tokens: shape (batch, T), int64, in 0..M-1.
        target: shape (batch,), int64, in 0..M-1.
        probabilities: p, as for `key_query_moments`; taken to the type and device of the model.

    Raises:
        TypeError, ValueError: an argument of another type, shape or range; p is no constant if it requires a gradient.

    Source: Chen, Bruna, Bietti (ICLR 2025), the key-query step.
    """
    check_tokens(tokens, model.M)
    check_row_tokens("target", target, len(tokens), model.M)
    held = torch.tensor(_held(model.M, probabilities)).to(model.W_V)
    logits: torch.Tensor = model(tokens)
    return (logits @ held - logits.gather(1, target[:, None])[:, 0]).mean()


@checked
def attention_model(
    task: Task | Law, W_V: ArrayLike, key_scores: ArrayLike, *, dtype: FloatType = torch.float64
) -> OneLayer:
    """A new `OneLayer` with values W_V and attention scores key_scores[E(z_t)] + key_scores[P(z_{t-1})].

    The scores stand in column E(q) of W_KQ, so they hold on sequences that end in q. A key-query step of size η is
    `attention_model(task, W_V, η * K)`.

    Args:
        task: the task or law.
        W_V: real array of shape (M, 2M); copied.
        key_scores: real array of shape (2M,), [E(0..M-1), P(0..M-1)]; copied.
        dtype: as for `OneLayer`.

    Raises:
        TypeError, ValueError: an argument of another type, shape or range, or too large for `dtype`.

    Source: Chen, Bruna, Bietti (ICLR 2025), the one-layer model of the theory.
    """
    values, scores = as_matrix(task, "W_V", W_V), as_features(task, "key_scores", key_scores)
    model = OneLayer(task, dtype=dtype)
    with torch.no_grad():
        model.W_V.copy_(_cast("W_V", values, dtype))
        model.W_KQ[:, task.q] = _cast("key_scores", scores, dtype)
    return model


def _cast(name: str, values: Floats, dtype: torch.dtype) -> torch.Tensor:
    """Finite `values` as a tensor of `dtype`, or a ValueError if some do not fit."""
    cast = torch.from_numpy(values).to(dtype)
    if not cast.double().isfinite().all():
        raise ValueError(f"{name} must be finite in {dtype}, its largest absolute entry is {np.abs(values).max()}")
    return cast


def _held(M: int, probabilities: ArrayLike) -> Floats:
    """`probabilities` as a distribution over M tokens, or a TypeError / ValueError."""
    held = as_stochastic("probabilities", probabilities, 1)
    if held.shape != (M,):
        raise ValueError(f"probabilities must have shape (M,) = {(M,)}, got {held.shape}")
    return held


def _target_values(law: Sizes, W_V: ArrayLike, probabilities: ArrayLike) -> Floats:
    """(e_y - p)ᵀ W_V for each target y, shape (M, 2M)."""
    weights = as_matrix(law, "W_V", W_V)
    with np.errstate(over="ignore", invalid="ignore"):
        weights -= _held(law.M, probabilities) @ weights
    return weights


def _require_moments(W_V: Array, weights: Floats | None, samples: int) -> None:
    """ValueError where the moments would exceed float64: |k| is at most 8 max |W_V|, its sum over features 16."""
    largest = float(np.abs(W_V).max())
    require_moments("W_V", largest, 8, samples)
    if weights is not None:
        require_moments("directions", float(np.abs(weights).max()), 16 * max(largest, 1.0), samples)


def _require_bytes(law: Sizes, width: int, workers: int) -> None:
    """Chunks with what is computed from them, summaries in flight, the matrices given; tokens and their values."""
    chunk = max(CHUNK_ENTRIES, 2 * law.M, width)
    numbers = 6 * workers * chunk + 4 * (2 * workers + 6) * width + 4 * law.M * (law.M + width)
    require_bytes(f"M = {law.M} tokens: moments of {width} directions", 8 * numbers, CPU, "use fewer directions")
    require_bytes(f"T = {law.T}: blocks of sequences", 2 * 8 * workers * law.T, CPU, "use a smaller T")


def _gradient_sums(values: Floats, weights: Floats | None, tokens: Array, target: Array) -> CentralSums:
    """Summary of k @ weights (k itself if None) over the sequences, in chunks that bound the memory."""
    features = values.shape[1]
    rows = max(1, CHUNK_ENTRIES // (features if weights is None else max(weights.shape)))
    total = CentralSums(0, 0.0, 0.0, 0.0, 0.0)
    for start in range(0, len(target), rows):
        part = slice(start, start + rows)
        gradients = np.zeros((len(target[part]), features))
        _add_gradients(tokens[part], target[part], values, gradients)
        projected = gradients
        if weights is not None:
            projected = np.zeros((len(gradients), weights.shape[1]))
            _add_projections(gradients, weights, projected)
        total = total.merge(CentralSums.of_values(projected))
    return total


@njit(nogil=True, cache=True)
def _add_gradients(tokens, target, values, gradients):  # type: ignore[no-untyped-def]
    """Add k of each sequence to its row of `gradients`, shape (rows, 2M)."""
    T, M = tokens.shape[1], values.shape[0]
    gains = np.empty(T)
    for row in range(len(target)):
        sequence, value, gradient = tokens[row], values[target[row]], gradients[row]
        # halves, so that a token is an index as it stands: unsigned 64-bit ones turn into floats when added to M
        value_before, gradient_before = value[M:], gradient[M:]
        gains[0] = value[sequence[0]]
        total = gains[0]
        for t in range(1, T):
            gains[t] = value[sequence[t]] + value_before[sequence[t - 1]]
            total += gains[t]
        mean = total / T
        gradient[sequence[0]] += (gains[0] - mean) / T
        for t in range(1, T):
            step = (gains[t] - mean) / T
            gradient[sequence[t]] += step
            gradient_before[sequence[t - 1]] += step


@njit(nogil=True, cache=True)
def _add_projections(gradients, weights, projected):  # type: ignore[no-untyped-def]
    """projected += gradients @ weights, each sum in the order of the features; a BLAS promises no order."""
    rows, features = gradients.shape
    for row in range(rows):
        for feature in range(features):
            for direction in range(weights.shape[1]):
                projected[row, direction] += gradients[row, feature] * weights[feature, direction]
