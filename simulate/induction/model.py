"""A two-layer attention model in one-hot coordinates."""

from typing import Literal, TypeAlias, get_args

import torch
from torch import nn

from simulate.runtime.arguments import check_row_tokens, check_tokens
from simulate.runtime.byte_limit import CPU, require_bytes
from theory.arguments import Size, checked

MatrixName: TypeAlias = Literal["W_O", "W_K2", "W_K1"]
MATRICES: tuple[MatrixName, ...] = get_args(MatrixName)
BlockName: TypeAlias = Literal["E", "P", "E1", "P1"]


@checked
class TwoLayer(nn.Module):
    """Two layers of attention over orthonormal features, all weights zero at first.

    x_t = E(z_t) + P(t); x¹_t = x_t + Σ_{s<=t} a_ts (E1(z_s) + P1(s)) with a_t = softmax_s x_sᵀ W_K1 x_t; logits
    ξ = W_O Σ_t b_t x¹_t with b = softmax_t x¹_tᵀ W_K2 x¹_T. Features [E(0..N-1), P(1..T), E1(0..N-1), P1(1..T)].

    Args:
        N: number of tokens, >= 2.
        T: sequence length, >= 2.

    Attributes:
        W_O: shape (N, 2(N+T)).   W_K2: shape (2(N+T), 2(N+T)).   W_K1: shape (N+T, N+T). float64; rows of the key
            matrices are keys, columns queries.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range, or weights that the memory does not hold.

    Source: Bietti et al. (NeurIPS 2023), the simplified two-layer architecture, at infinite width.
    """

    def __init__(self, N: Size, T: Size) -> None:
        super().__init__()
        self.N, self.T = N, T
        F = self.N + self.T
        what = f"N = {self.N} tokens, T = {self.T} positions: weights"
        require_bytes(what, 8 * (2 * self.N * F + 5 * F**2), CPU, "use fewer tokens or positions")
        self.W_O = nn.Parameter(torch.zeros(self.N, 2 * F, dtype=torch.float64))
        self.W_K2 = nn.Parameter(torch.zeros(2 * F, 2 * F, dtype=torch.float64))
        self.W_K1 = nn.Parameter(torch.zeros(F, F, dtype=torch.float64))

    def block(self, name: BlockName) -> slice:
        """The coordinates of feature block "E", "P", "E1" or "P1"."""
        sizes = {"E": (0, self.N), "P": (self.N, self.T)}
        if name not in get_args(BlockName):
            raise ValueError(f"name must be one of {get_args(BlockName)}, got {name!r}")
        start, size = sizes[name[0]]
        start += (self.N + self.T) * name.endswith("1")
        return slice(start, start + size)

    @checked
    def with_weights(self, **weights: torch.Tensor) -> "TwoLayer":
        """A new model with these matrices replaced by float64 tensors, by name; the others are copied.

        Raises:
            TypeError, ValueError: another name, type or shape, or an entry that is not finite.
        """
        model = TwoLayer(self.N, self.T)
        with torch.no_grad():
            for name in MATRICES:
                chosen = weights.pop(name, getattr(self, name))
                if chosen.dtype != torch.float64:
                    raise TypeError(f"{name} must be a float64 tensor, got {chosen.dtype}")
                if chosen.shape != getattr(model, name).shape:
                    shapes = tuple(getattr(model, name).shape), tuple(chosen.shape)
                    raise ValueError(f"{name} must have shape {shapes[0]}, got {shapes[1]}")
                if not torch.isfinite(chosen).all():
                    raise ValueError(f"{name} must be finite, got NaN or infinite entries")
                getattr(model, name).copy_(chosen)
        if weights:
            raise ValueError(f"weights must be named {', '.join(MATRICES)}, got {', '.join(weights)}")
        return model

    @checked
    def attention(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """First-layer attention, shape (batch, T, T), rows queries; second-layer attention from T, shape (batch, T).

        Raises:
            TypeError, ValueError: tokens of another type or shape, or outside 0..N-1.
        """
        first, second = self._attention(tokens)
        return first.expand(len(tokens), -1, -1), second

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits ξ at position T, shape (batch, N), for int64 tokens of shape (batch, T); errors as `attention`."""
        first, second = self._attention(tokens)
        copied = second @ first if first.ndim == 2 else (second[:, None] @ first)[:, 0]
        E, P, E1, P1 = (self.W_O[:, self.block(name)].T for name in ("E", "P", "E1", "P1"))
        sums = [token_sums(self.N, tokens, weights) for weights in (second, copied)]
        return sums[0] @ E + second @ P + sums[1] @ E1 + copied @ P1

    @checked
    def loss(self, tokens: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy at position T, in nats; target of shape (batch,), int64, in 0..N-1."""
        logits = self(tokens)
        check_row_tokens("target", target, len(tokens), self.N)
        return nn.functional.cross_entropy(logits, target)

    def _check(self, tokens: torch.Tensor) -> None:
        check_tokens(tokens, self.N)
        if tokens.shape[1] != self.T:
            raise ValueError(f"tokens must have length T = {self.T}, got {tokens.shape[1]}")

    def attends_by_position(self) -> bool:
        """Whether no token matters to the first layer's attention, as W_K1 has entries between positions alone."""
        E = self.block("E")
        return not (self.W_K1[E].any() or self.W_K1[:, E].any())

    def position_attention(self) -> torch.Tensor:
        """First-layer attention by the entries of W_K1 between positions alone, shape (T, T), rows queries."""
        P = self.block("P")
        return self._causal(self.W_K1[P, P])

    def _attention(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """`attention`, the first layer's without the batch where it is the same for every sequence."""
        self._check(tokens)
        # A gradient in W_K1 has entries for tokens too.
        by_position = not torch.is_grad_enabled() and self.attends_by_position()
        first = self.position_attention() if by_position else self._first(tokens)
        return first, self._second(tokens, first)

    def _first(self, tokens: torch.Tensor) -> torch.Tensor:
        E, P = self.block("E"), self.block("P")
        keys = self.W_K1[E][tokens] + self.W_K1[P]  # (batch, s, N+T)
        return self._causal(keys[:, :, P] + keys[:, :, E].gather(2, tokens[:, None].expand(-1, self.T, -1)))

    def _causal(self, scores: torch.Tensor) -> torch.Tensor:
        """Softmax over the keys s <= t of scores [s, t]; rows of the result are queries."""
        later = torch.ones(self.T, self.T, dtype=torch.bool).tril(-1)
        return scores.masked_fill(later, -torch.inf).softmax(dim=-2).mT

    def _second(self, tokens: torch.Tensor, first: torch.Tensor) -> torch.Tensor:
        W, last = self.W_K2, first[..., -1, :].expand(len(tokens), -1)
        query = W.T[tokens[:, -1]] + W[:, self.block("P")][:, -1]
        query = query + token_sums(self.N, tokens, last) @ W[:, self.block("E1")].T + last @ W[:, self.block("P1")].T
        copied = query[:, self.block("E1")].gather(1, tokens) + query[:, self.block("P1")]
        own = query[:, self.block("E")].gather(1, tokens) + query[:, self.block("P")]
        mixed = copied @ first.mT if first.ndim == 2 else (first @ copied[:, :, None])[:, :, 0]
        return (own + mixed).softmax(dim=1)


def token_sums(N: int, tokens: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Σ_t weights_t 1{z_t = k}, shape (batch, N)."""
    return weights.new_zeros(len(tokens), N).scatter_add(1, tokens, weights)
