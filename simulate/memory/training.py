"""Training of the associative memory from W = 0, by gradient descent and by stochastic gradient descent.

The gradient lies in the span of the embeddings, so W = Vᵀ A U throughout, with a matrix A of coefficients, of shape
(n+1, n) whatever the dimension. With L = (V Vᵀ) A (U Uᵀ) the logits, p their softmax over outputs, and f the share of
each pair (output y, input x), of which f_x = Σ_y f[y, x] have the input x, a step of size η is

    A[y, x] += η (f[y, x] - f_x p[y, x]).                                                                           (1)

Gradient descent has f[x, x] = (1-α)/n and f[n, x] = α/n. Stochastic gradient descent has the frequencies in a batch of
B independent pairs, drawn as such: multinomial counts over the 2n possible pairs, divided by B, at a cost that does not
grow with B. The loss is a mean over samples, so η is the time of the gradient flow by which a step advances. Mean and
covariance of W over batches are in `theory.memory.sampling_noise`, to first order in 1/B.

Runs take seconds (some 10⁴ steps each), so an interrupted one leaves nothing behind and begins again.

Source: Chen, Bruna, Bietti (ICLR 2025), the associative memory with noise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from numpy.typing import ArrayLike

from simulate.runtime.arguments import MOST_TOKENS, IntegerArray, as_array
from simulate.runtime.arrays import Floats, Integers
from simulate.runtime.byte_limit import CPU, require_bytes
from simulate.runtime.streaming import progress_bar
from theory.arguments import Count, Seed, Shape, checked
from theory.task import as_snapshots

from .model import AssociativeMemory, Embeddings, NoiseLevel

CHUNK_STEPS, CHUNK_ENTRIES = 1024, 2**24
"""Most steps, and most frequencies, that are drawn at once; the numbers do not depend on them."""

GENERATOR_BYTES = 2**10
"""Least that numpy keeps for a generator with its seed sequence."""

LONG_RUN_STEPS = 10**5

Frequencies = Callable[[int], torch.Tensor]
"""Frequencies of the next so many steps, shape (steps, replicates or 1, n, n+1)."""


@checked
@dataclass(frozen=True, eq=False)
class Trajectory:
    """Snapshots of a training run, or of R independent ones: below, S snapshots, and R only where there are replicates.

    Attributes:
        embeddings: those trained on.
        steps: numbers of steps done, int64 (S,).
        times: sums of the step sizes so far, float64 (S,).
        coefficients: A of equation (1), float64 (S, [R,] n+1, n).
    """

    embeddings: Embeddings
    steps: Annotated[Integers, Shape("S")]
    times: Annotated[Floats, Shape("S")]
    coefficients: Floats

    @property
    def logits(self) -> Floats:
        """Logits V W Uᵀ, shape (S, [R,] n+1, n)."""
        inputs, outputs = self.embeddings.inputs.numpy(), self.embeddings.outputs.numpy()
        logits: Floats = (outputs @ outputs.T) @ self.coefficients @ (inputs @ inputs.T)
        return logits

    @checked
    def model(self, *index: int) -> AssociativeMemory:
        """The memory at a snapshot: `model(snapshot)`, with replicates `model(snapshot, replicate)`.

        Raises:
            TypeError, ValueError: another number of indices, one that is no integer, or one out of range.
        """
        if len(index) != self.coefficients.ndim - 2:
            raise ValueError(f"model takes {self.coefficients.ndim - 2} indices here, got {len(index)}")
        for place, size in zip(index, self.coefficients.shape, strict=False):
            if not -size <= place < size:
                raise ValueError(f"index must be in {-size}..{size - 1}, got {place}")
        coefficients = torch.from_numpy(self.coefficients[index].copy())
        return AssociativeMemory(self.embeddings, self.embeddings.outputs.T @ coefficients @ self.embeddings.inputs)


@checked
def gradient_descent(
    embeddings: Embeddings,
    alpha: NoiseLevel,
    learning_rates: ArrayLike,
    *,
    snapshots: IntegerArray | None = None,
    progress: bool | None = None,
) -> Trajectory:
    """Full-batch gradient descent on the exact population loss, from W = 0, in float64.

    Args:
        embeddings: of n inputs and n+1 outputs.
        alpha: noise level in (0, 1).
        learning_rates: step sizes, positive and finite, shape (steps,).
        snapshots: numbers of steps, strictly increasing, in 0..steps, after which W is recorded; None: the last alone.
        progress: a bar on standard error; None: if the terminal is interactive and there are more than 10⁵ steps.

    Returns:
        `Trajectory` without replicates.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or range.
        FloatingPointError: logits that are no longer finite; names the step and its learning rate.

    Source: Chen, Bruna, Bietti (ICLR 2025), the associative memory with noise.
    """
    n, rates = embeddings.n, _as_rates(learning_rates)
    marks = _as_marks(snapshots, len(rates))
    _require_bytes(1, n, len(marks))
    frequencies = torch.from_numpy(dense_frequencies(_pair_probabilities(n, alpha), n))[None, None]
    found = _train(embeddings, rates, marks, 1, lambda steps: frequencies.expand(steps, 1, n, n + 1), progress)
    return Trajectory(embeddings, marks, _times(rates)[marks], found[:, 0])


@checked
def stochastic_gradient_descent(
    embeddings: Embeddings,
    alpha: NoiseLevel,
    learning_rates: ArrayLike,
    *,
    batch: Count,
    replicates: Count,
    seed: Seed,
    snapshots: IntegerArray | None = None,
    progress: bool | None = None,
) -> Trajectory:
    """Plain stochastic gradient descent from W = 0: every step takes the mean gradient over a fresh batch, in float64.

    Args:
        embeddings, alpha, learning_rates, snapshots, progress: as for `gradient_descent`.
        batch: independent pairs (x, y) per step, B >= 1.
        replicates: number of independent runs, R >= 1.
        seed: run i has the generator spawned as number i from it: its numbers do not depend on R.

    Returns:
        `Trajectory` with replicates.

    Raises:
        TypeError, ValueError, FloatingPointError: as for `gradient_descent`.

    Source: Chen, Bruna, Bietti (ICLR 2025), the associative memory with noise.
    """
    n, rates = embeddings.n, _as_rates(learning_rates)
    marks = _as_marks(snapshots, len(rates))
    if batch > MOST_TOKENS:
        raise ValueError(f"batch must be at most 2^62 to be drawn, got {batch}")
    _require_bytes(replicates, n, len(marks))
    sources = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(replicates)]
    probabilities = _pair_probabilities(n, alpha)

    def frequencies(steps: int) -> torch.Tensor:
        counts = np.stack([source.multinomial(batch, probabilities, steps) for source in sources], axis=1)
        return torch.from_numpy(dense_frequencies(counts / batch, n))

    found = _train(embeddings, rates, marks, replicates, frequencies, progress)
    return Trajectory(embeddings, marks, _times(rates)[marks], found)


def _require_bytes(replicates: int, n: int, marks: int) -> None:
    """Snapshots, frequencies of the steps at once with what is computed of them, and a generator per replicate."""
    size = replicates * n * (n + 1)
    needed = 8 * size * (marks + 2 * _steps_at_once(size)) + GENERATOR_BYTES * replicates
    what = f"replicates = {replicates} of n = {n} inputs at {marks} snapshots"
    require_bytes(what, needed, CPU, "ask for fewer")


def _steps_at_once(size: int) -> int:
    """How many steps' frequencies are drawn at once, `size` of them per step."""
    return max(1, min(CHUNK_STEPS, CHUNK_ENTRIES // size))


def _pair_probabilities(n: int, alpha: float) -> Floats:
    """Of the pairs (x, x), x = 0..n-1, then (x, n)."""
    return np.repeat([(1 - alpha) / n, alpha / n], n)


def dense_frequencies(pairs: Floats, n: int) -> Floats:
    """Frequencies of pairs in that order, shape (..., 2n), as matrices indexed by input, then output: (..., n, n+1)."""
    matrix = np.zeros((*pairs.shape[:-1], n, n + 1))
    matrix[..., np.arange(n), np.arange(n)] = pairs[..., :n]
    matrix[..., n] = pairs[..., n:]
    return matrix


def _train(
    embeddings: Embeddings,
    rates: Floats,
    marks: Integers,
    replicates: int,
    draw: Frequencies,
    progress: bool | None,
) -> Floats:
    """A after each of the steps in `marks`, shape (S, replicates, n+1, n)."""
    n = embeddings.n
    most = _steps_at_once(replicates * n * (n + 1))
    found = np.empty((len(marks), replicates, n + 1, n))
    # Inputs before outputs: softmax over the last axis treats each row alike, wherever it lies in the batch.
    A = torch.zeros(replicates, n, n + 1, dtype=torch.float64)
    logits_of, row = _logits(embeddings, replicates), 0
    steps = len(rates)
    with progress_bar(steps, steps, progress, f"{steps} steps", LONG_RUN_STEPS) as advance:
        for first in range(0, steps, most):
            chunk, start = rates[first : first + most], A.clone()
            frequencies = draw(len(chunk))
            inputs = frequencies.sum(dim=-1, keepdim=True)
            for step, (rate, f, f_x) in enumerate(zip(chunk.tolist(), frequencies, inputs, strict=True)):
                if row < len(marks) and marks[row] == first + step:
                    found[row], row = A.mT.numpy(), row + 1
                update(A, logits_of(A), rate, f, f_x)
            if not torch.isfinite(logits_of(A)).all():
                _report_divergence(start, logits_of, chunk, frequencies, first)
            advance(len(chunk))
    if row < len(marks):
        found[row] = A.mT.numpy()
    return found


def update(A: torch.Tensor, logits: torch.Tensor, rate: float, f: torch.Tensor, f_x: torch.Tensor) -> None:
    """Equation (1), in place, with indices (replicate, input, output)."""
    change = torch.softmax(logits, dim=-1).mul_(f_x)
    A.add_(torch.sub(f, change, out=change).mul_(rate))


def _logits(embeddings: Embeddings, replicates: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """A -> (U Uᵀ) Aᵀ (V Vᵀ) on (replicates, n, n+1); A itself where the embeddings are one-hot."""
    rows = (embeddings.inputs, embeddings.outputs)
    if all(torch.equal(part, torch.eye(len(part), dtype=torch.float64)) for part in rows):
        return lambda A: A
    inputs, outputs = ((part @ part.T).expand(replicates, -1, -1) for part in rows)
    return lambda A: torch.bmm(torch.bmm(inputs, A), outputs)


def _report_divergence(
    A: torch.Tensor,
    logits_of: Callable[[torch.Tensor], torch.Tensor],
    rates: Floats,
    frequencies: torch.Tensor,
    first: int,
) -> None:
    """Repeat a chunk of steps to find the one whose logits are not finite, and raise an error that names it."""
    for step, (rate, f) in enumerate(zip(rates.tolist(), frequencies, strict=True)):
        update(A, logits_of(A), rate, f, f.sum(dim=-1, keepdim=True))
        if not torch.isfinite(logits_of(A)).all():
            raise FloatingPointError(f"logits are not finite after step {first + step + 1}, learning rate {rate}")


def _as_rates(learning_rates: ArrayLike) -> Floats:
    given = as_array("learning_rates", learning_rates, "iuf")
    if given.ndim != 1 or given.size == 0:
        raise ValueError(f"learning_rates must have shape (steps,) with steps >= 1, got {given.shape}")
    wrong = given[~(np.isfinite(given) & (given > 0))]
    if wrong.size:
        raise ValueError(f"learning_rates must be positive and finite, got {wrong[0]}")
    rates = given.astype(np.float64)
    if rates.max() > np.finfo(np.float64).max / len(rates):
        raise ValueError(f"learning_rates must have a finite sum, got up to {rates.max()} in {len(rates)} steps")
    return rates


def _times(rates: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(rates)])


def _as_marks(snapshots: ArrayLike | None, steps: int) -> Integers:
    if snapshots is None:
        return np.array([steps])
    return as_snapshots(np.asarray(snapshots), steps)
