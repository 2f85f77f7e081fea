"""The one-layer model in one-hot coordinates, and its gradient at zero by counting."""

import numpy as np
import torch
from torch import nn

from simulate.runtime.arguments import FloatType, check_row_tokens, check_tokens, require_drawable
from simulate.runtime.arrays import Floats
from simulate.runtime.byte_limit import CPU, require_bytes
from simulate.runtime.device import resolve_device
from theory.arguments import checked
from theory.law import Law
from theory.task import Layer, Task


@checked
class OneLayer(nn.Module):
    """One layer of attention and a linear feed-forward layer over orthonormal embeddings.

    x_t = E(z_t) + P(z_{t-1}), P(z_0) = 0, in the coordinates [E(0..M-1), P(0..M-1)];
    logits ξ = W_F x_T + W_V Σ_t a_t x_t with a = softmax_t(x_tᵀ W_KQ x_T). All weights start at zero.

    Args:
        task: the task or law, of which only the number of tokens M matters; sequences may have any length >= 2.
        dtype: floating-point type of the weights.
        device: as for `sample`.

    Attributes:
        W_F, W_V: shape (M, 2M).
        W_KQ: shape (2M, 2M), rows for keys and columns for queries.

    Source: Chen, Bruna, Bietti (ICLR 2025), the one-layer model of the theory.
    """

    def __init__(self, task: Task | Law, *, dtype: FloatType = torch.float64, device: str = "cpu") -> None:
        super().__init__()
        require_drawable(task)
        self.M = task.M
        place = resolve_device(device)
        require_bytes(f"M = {self.M} tokens: weights", 8 * 8 * self.M**2, place, "use fewer tokens")
        self.W_F = nn.Parameter(torch.zeros(self.M, 2 * self.M, dtype=dtype, device=place))
        self.W_V = nn.Parameter(torch.zeros(self.M, 2 * self.M, dtype=dtype, device=place))
        self.W_KQ = nn.Parameter(torch.zeros(2 * self.M, 2 * self.M, dtype=dtype, device=place))

    @checked
    def attention(self, tokens: torch.Tensor) -> torch.Tensor:
        """Attention a_t of the last position, shape (batch, T), for tokens of shape (batch, T), int64.

        Raises:
            TypeError, ValueError: tokens of another type or shape, or outside 0..M-1.
        """
        check_tokens(tokens, self.M)
        return self._attention(tokens)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits ξ at the last position, shape (batch, M); tokens and errors as for `attention`."""
        check_tokens(tokens, self.M)
        weights, previous = self._attention(tokens), tokens[:, :-1] + self.M
        context = weights.new_zeros(len(tokens), 2 * self.M)
        context = context.scatter_add(1, tokens, weights).scatter_add(1, previous, weights[:, 1:])
        return self.W_F.T[tokens[:, -1]] + self.W_F.T[previous[:, -1]] + context @ self.W_V.T

    @checked
    def loss(self, tokens: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy at the last position, in nats; target of shape (batch,), int64, in 0..M-1."""
        logits = self(tokens)
        check_row_tokens("target", target, len(tokens), self.M)
        return nn.functional.cross_entropy(logits, target)

    def _attention(self, tokens: torch.Tensor) -> torch.Tensor:
        previous = tokens[:, :-1] + self.M
        keys = self.W_KQ.T[tokens[:, -1]] + self.W_KQ.T[previous[:, -1]]
        scores = keys.gather(1, tokens)
        scores = torch.cat([scores[:, :1], scores[:, 1:] + keys.gather(1, previous)], dim=1)
        return scores.softmax(dim=1)


@checked
def counted_gradient(task: Task | Law, layer: Layer, tokens: torch.Tensor, target: torch.Tensor) -> Floats:
    """Batch mean of the per-sample negative gradient at zero initialisation, by counting tokens.

    g_F = (e_y - 1/M) x_Tᵀ, g_V = (e_y - 1/M) x̄ᵀ.

    Args:
        task: the task or law, of which only M matters.
        layer: "feed_forward" or "attention_value".
        tokens: shape (batch, T), int64.
        target: shape (batch,), int64.

    Returns:
        float64 array of shape (M, 2M), columns [E(0..M-1), P(0..M-1)].

    Raises:
        TypeError, ValueError: an unknown layer, or tensors of another type, shape or range.
    """
    require_drawable(task)
    M = task.M
    check_tokens(tokens, M)
    check_row_tokens("target", target, len(tokens), M)
    require_bytes(f"M = {M} tokens: a gradient", 48 * M**2, CPU, "use fewer tokens")
    z, y = tokens.cpu().numpy(), target.cpu().numpy()
    current, previous = (z[:, -1:], z[:, -2:-1]) if layer == "feed_forward" else (z, z[:, :-1])
    features = np.concatenate([current, previous + M], axis=1)
    pairs = np.bincount((y[:, None] * 2 * M + features).ravel(), minlength=2 * M * M).reshape(M, 2 * M)
    positions = len(y) * (1 if layer == "feed_forward" else z.shape[1])
    gradient: Floats = (pairs - pairs.sum(axis=0) / M) / positions
    return gradient
