"""A linear associative memory with one noise output: the smallest model that recalls and that stores noise.

Inputs x = 0..n-1, outputs 0..n, of which n is the noise output. Frozen embeddings u_x and v_y, one trained matrix W,

    logits(x) = V W u_x,   V with rows v_y;   target: x with probability 1-α, n with probability α;  x uniform.

Interventions are matrices: `memory.with_weight(truncate(memory.W, 1))` is a memory like any other.

Source: Chen, Bruna, Bietti (ICLR 2025), the associative memory with noise.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import numpy as np
import torch
from annotated_types import Gt, Lt
from torch import nn

from simulate.runtime.arguments import check_row_tokens
from simulate.runtime.arrays import Array
from simulate.runtime.byte_limit import CPU, require_bytes
from theory.arguments import Count, Seed, Size, checked

NoiseLevel: TypeAlias = Annotated[float, Gt(0), Lt(1)]


@checked
@dataclass(frozen=True, eq=False)
class Embeddings:
    """Frozen embeddings of n inputs and n+1 outputs. Made by `orthonormal_embeddings` or `gaussian_embeddings`.

    Attributes:
        inputs: U, rows u_x, float64 tensor (n, input dimension).
        outputs: V, rows v_y, float64 tensor (n+1, output dimension).
    """

    inputs: torch.Tensor
    outputs: torch.Tensor

    def __post_init__(self) -> None:
        for name, value in (("inputs", self.inputs), ("outputs", self.outputs)):
            if (value.dtype, value.device) != (torch.float64, CPU):
                raise TypeError(f"{name} must be a float64 tensor on the CPU, got {value.dtype} on {value.device}")
            if value.requires_grad:
                raise ValueError(f"{name} are frozen and must not require a gradient")
            if value.ndim != 2 or value.shape[1] < 1 or not torch.isfinite(value).all():
                raise ValueError(f"{name} must be a finite matrix of rows, got shape {tuple(value.shape)}")
        if len(self.inputs) < 2 or len(self.outputs) != len(self.inputs) + 1:
            raise ValueError(f"need n >= 2 inputs and n+1 outputs, got {len(self.inputs)} and {len(self.outputs)}")

    @property
    def n(self) -> int:
        """Number of inputs."""
        return len(self.inputs)

    @property
    def weight_shape(self) -> tuple[int, int]:
        """Shape of W: (output dimension, input dimension)."""
        return self.outputs.shape[1], self.inputs.shape[1]

    def reduced(self) -> "Embeddings":
        """The same embeddings in coordinates of their own spans, of dimension at most n and n+1.

        Uᵀ = Q R and Vᵀ = Q' R' with orthonormal columns of Q and Q' become Rᵀ and R'ᵀ. A matrix Q' M Qᵀ, and every W
        trained from zero is one, has the singular values of M and its logits are those of M in the new coordinates;
        so truncation and removal of directions may be done on M, however large the dimension was.
        """
        inputs, outputs = (torch.linalg.qr(rows.T).R.T.contiguous() for rows in (self.inputs, self.outputs))
        return Embeddings(inputs, outputs)


@checked
def orthonormal_embeddings(n: Size) -> Embeddings:
    """One-hot embeddings: W has shape (n+1, n) and is the logit matrix itself.

    Raises:
        TypeError, ValueError: n no integer >= 2, or more than the memory holds.
    """
    require_bytes(f"n = {n}: embeddings", 16 * (n + 1) ** 2, CPU, "use fewer inputs")
    return Embeddings(torch.eye(n, dtype=torch.float64), torch.eye(n + 1, dtype=torch.float64))


@checked
def gaussian_embeddings(n: Size, dimension: Count, *, seed: Seed) -> Embeddings:
    """Random embeddings with independent N(0, 1/d) entries, d = `dimension`: W has shape (d, d).

    Raises:
        TypeError, ValueError: n no integer >= 2, dimension none >= 1, seed none >= 0, or more than the memory holds.
    """
    needed = 3 * 8 * (2 * n + 1) * dimension
    require_bytes(f"n = {n} and dimension = {dimension}: embeddings", needed, CPU, "use a smaller dimension")
    rows = torch.from_numpy(np.random.default_rng(seed).standard_normal((2 * n + 1, dimension)) / dimension**0.5)
    return Embeddings(rows[:n].clone(), rows[n:].clone())


@checked
class AssociativeMemory(nn.Module):
    """The memory x -> V W u_x with a trainable matrix W.

    Args:
        embeddings: frozen embeddings, shared with every model derived from this one.
        weight: initial W, a floating-point array or tensor of shape `embeddings.weight_shape`, copied; None is zero.

    Attributes:
        W: the trainable matrix, float64, shape (output dimension, input dimension).
        embeddings: as given.

    Raises:
        TypeError, ValueError: no Embeddings, or a weight of another kind or shape, or with NaN or infinite entries.

    Source: Chen, Bruna, Bietti (ICLR 2025), the associative memory with noise.
    """

    def __init__(self, embeddings: Embeddings, weight: torch.Tensor | Array | None = None) -> None:
        super().__init__()
        self.embeddings = embeddings
        shape = embeddings.weight_shape
        require_bytes(f"weights of shape {shape}", 8 * shape[0] * shape[1], CPU, "use embeddings.reduced()")
        self.W = nn.Parameter(torch.zeros(shape, dtype=torch.float64) if weight is None else _as_weight(weight, shape))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits, shape (batch, n+1), for inputs of shape (batch,), int64, in 0..n-1.

        Raises:
            TypeError, ValueError: inputs of another type or shape, or outside 0..n-1.
        """
        rows = inputs.shape[0] if isinstance(inputs, torch.Tensor) and inputs.ndim == 1 and len(inputs) else 1
        check_row_tokens("inputs", inputs, rows, self.embeddings.n)
        return self.embeddings.inputs[inputs] @ self.W.T @ self.embeddings.outputs.T

    def logit_matrix(self) -> torch.Tensor:
        """V W Uᵀ, shape (n+1, n), one column per input."""
        return self.embeddings.outputs @ self.W @ self.embeddings.inputs.T

    @checked
    def population_loss(self, alpha: NoiseLevel) -> torch.Tensor:
        """Mean over x of -(1-α) log p(x|x) - α log p(n|x), in nats, a scalar with gradient; 0 < alpha < 1."""
        n = self.embeddings.n
        logs = self.logit_matrix().log_softmax(dim=0)
        return -((1 - alpha) * logs.diagonal() + alpha * logs[n]).mean()

    @checked
    def with_weight(self, weight: torch.Tensor | Array) -> "AssociativeMemory":
        """A new memory with the same embeddings and this W; errors as for the class."""
        return AssociativeMemory(self.embeddings, weight)


def _as_weight(weight: Array | torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
    if not (weight.dtype.is_floating_point if isinstance(weight, torch.Tensor) else weight.dtype.kind == "f"):
        raise TypeError(f"weight must be floating-point, got {weight.dtype}")
    tensor = weight.detach() if isinstance(weight, torch.Tensor) else torch.from_numpy(weight.astype(np.float64))
    if tuple(tensor.shape) != shape:
        raise ValueError(
            f"weight must have shape (output dimension, input dimension) = {shape}, got {tuple(tensor.shape)}"
        )
    if not torch.isfinite(tensor).all():
        raise ValueError("weight must be finite, got NaN or infinite entries")
    return tensor.to(torch.float64, copy=True).cpu()
