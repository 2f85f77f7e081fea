"""The simplified two-layer transformer of the papers' experiments, as a torch module.

With x_t = E(z_t) + P(t) and one head per layer, W_Q = 1, causal softmax over s <= t:

    h_t = x_t + W_O1 W_V1 Σ_s a_ts x_s,         a_ts ∝ exp(x_tᵀ W_K1 x_s / √d),        x¹_t = h_t + F1(h_t)      (1)
    g_t = x¹_t + W_O2 W_V2 Σ_s b_ts x¹_s,       b_ts ∝ exp(x¹_tᵀ W_K2 x¹_s / √d),      ξ_t = U (g_t + F2(g_t))   (2)

(1) is needed at every position, since positions look back; (2) only at the positions that somebody asks for. So the
first layer reads its keys and values from tables over tokens and positions, and the second layer, F2 and the output are
computed at the positions asked for alone; sequences in which nobody asks are left out. `literal_transformer` writes the
same model out position by position.

Source: Bietti et al. (NeurIPS 2023), Chen, Bruna, Bietti (ICLR 2025), the simplified two-layer architecture.
"""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from simulate.runtime.arguments import FloatType, check_range, require_data, require_integers, require_rows
from simulate.runtime.byte_limit import CPU, require_bytes
from simulate.runtime.device import resolve_device
from theory.arguments import Count, Seed, Size, checked

from .causal_attention import causal_attention, causal_weights, marked_queries
from .feed_forward import feed_forward
from .products import Products, product, require_products

Activation: TypeAlias = Literal["relu", "linear"]
Positions: TypeAlias = Literal["random", "learned"]
EMBEDDINGS = ("E", "P", "U")
ATTENTION = ("W_K1", "W_V1", "W_O1", "W_K2", "W_V2", "W_O2")


@checked
@dataclass(frozen=True)
class Hidden:
    """A feed-forward layer x -> w2 f(w1 x) without biases.

    Args:
        size: number of hidden units, >= 1.
        activation: "relu" or "linear".
    """

    size: Count
    activation: Activation = "relu"


@checked
@dataclass(frozen=True)
class Architecture:
    """What a `Transformer` is made of.

    Args:
        tokens: number of tokens M, >= 2.
        length: longest sequence T, >= 2.
        width: embedding dimension d, >= 1.
        F1, F2: the feed-forward layers; None leaves one out.
        positions: "random" (frozen) or "learned" position embeddings.
        frozen: names of the weights that do not learn, besides E, U and random positions; such as ("W_V1", "W_O1").

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range.
    """

    tokens: Size
    length: Size
    width: Count
    F1: Hidden | None = None
    F2: Hidden | None = None
    positions: Positions = "random"
    frozen: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = [name for name in self.frozen if name not in self.weights]
        if unknown:
            raise ValueError(
                f"frozen must name weights, {', '.join(self.weights)}, got {', '.join(map(repr, unknown))}"
            )

    @property
    def weights(self) -> tuple[str, ...]:
        """The names of all weights."""
        layers = [name for name in ("F1", "F2") if getattr(self, name) is not None]
        return (*EMBEDDINGS, *ATTENTION, *(f"{layer}.{part}" for layer in layers for part in ("w1", "w2")))

    @property
    def entries(self) -> int:
        """Number of entries of all weights."""
        hidden = sum(layer.size for layer in (self.F1, self.F2) if layer is not None)
        return self.width * (2 * self.tokens + self.length + len(ATTENTION) * self.width + 2 * hidden)

    @property
    def learning(self) -> tuple[str, ...]:
        """The names of the weights that learn."""
        fixed = {"E", "U", *self.frozen} | ({"P"} if self.positions == "random" else set())
        return tuple(name for name in self.weights if name not in fixed)


class FeedForward(nn.Module):
    """x + w2 f(w1 x); weights w1 of shape (hidden, d) and w2 of shape (d, hidden)."""

    def __init__(self, width: int, hidden: Hidden, dtype: torch.dtype) -> None:
        super().__init__()
        self.activation = hidden.activation
        self.w1 = nn.Parameter(torch.empty(hidden.size, width, dtype=dtype))
        self.w2 = nn.Parameter(torch.empty(width, hidden.size, dtype=dtype))

    def forward(self, x: torch.Tensor, products: Products = "float32") -> torch.Tensor:
        """x + w2 f(w1 x), the layer with its residual connection, shape (..., d)."""
        rows, is_relu = x.reshape(-1, x.shape[-1]), self.activation == "relu"
        return feed_forward(rows, self.w1, self.w2, is_relu=is_relu, products=products).view(x.shape)


@checked
class Transformer(nn.Module):
    """Equations (1) and (2), with weights as they are created: uninitialised. `initialised` draws them.

    Attributes:
        E, U: shape (M, d).   P: shape (T, d).   W_K1, W_V1, W_O1, W_K2, W_V2, W_O2: shape (d, d), outputs first.
        F1, F2: `FeedForward` or None.
    """

    E: nn.Parameter
    P: nn.Parameter
    U: nn.Parameter
    W_K1: nn.Parameter
    W_V1: nn.Parameter
    W_O1: nn.Parameter
    W_K2: nn.Parameter
    W_V2: nn.Parameter
    W_O2: nn.Parameter
    F1: FeedForward | None
    F2: FeedForward | None

    def __init__(self, architecture: Architecture, *, dtype: FloatType = torch.float32) -> None:
        super().__init__()
        what, needed = f"{architecture}: weights", dtype.itemsize * architecture.entries
        require_bytes(f"architecture = {what}", needed, CPU, "use a smaller one")
        self.architecture = architecture
        M, T, d = architecture.tokens, architecture.length, architecture.width
        for name, rows in (("E", M), ("P", T), ("U", M), *((name, d) for name in ATTENTION)):
            setattr(self, name, nn.Parameter(torch.empty(rows, d, dtype=dtype)))
        self.F1 = None if architecture.F1 is None else FeedForward(d, architecture.F1, dtype)
        self.F2 = None if architecture.F2 is None else FeedForward(d, architecture.F2, dtype)
        for name, weight in self.named_parameters():
            weight.requires_grad_(name in architecture.learning)

    def forward(self, tokens: torch.Tensor, at: torch.Tensor, products: Products = "float32") -> torch.Tensor:
        """Logits ξ at the positions marked in `at`, in reading order.

        Args:
            tokens: int64, shape (batch, t), t <= T.
            at: bool, same shape, true at one position or more.   products: as in `Training`.

        Returns:
            shape (marked positions, M).

        Raises:
            TypeError, ValueError: an argument of another type or shape, tokens out of range, or a sequence longer than
                the positions.
        """
        return self.read_out(*self.read_in(tokens, at, products), products)

    def attention(self, tokens: torch.Tensor, at: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Attention a of the first layer, shape (batch, t, t), and b of the second at the positions marked in `at`,
        shape (marked positions, t); rows are queries. Arguments and errors as for `forward`.
        """
        second = self.second_layer(tokens, at)[2]
        return self.first_attention(tokens), second

    def first_attention(self, tokens: torch.Tensor) -> torch.Tensor:
        """Attention a of the first layer, shape (batch, t, t); tokens and errors as for `forward`."""
        self.check_tokens(tokens)
        return causal_weights(self._embedded(tokens), self._table(tokens, (self.W_K1,)))

    def attended(self, tokens: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        """What the second layer reads, Σ_s b_ts x¹_s, at the positions marked in `at`, shape (marked positions, d).
        Arguments and errors as for `forward`.
        """
        return self.read_in(tokens, at)[1]

    def read_in(
        self, tokens: torch.Tensor, at: torch.Tensor, products: Products = "float32"
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """x¹_t and Σ_s b_ts x¹_s at the positions marked in `at`, each of shape (marked positions, d): all that (2)
        needs besides W_V2, W_O2, F2 and U. Arguments and errors as for `forward`.
        """
        asked, read, _, known = self._read(tokens, at, products)
        return asked[known], read[known]

    def second_layer(self, tokens: torch.Tensor, at: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What `read_in` returns, and b as `attention` does, of one pass. Arguments and errors as for `forward`."""
        *found, known = self._read(tokens, at, "float32")
        asked, read, attention = (values[known] for values in found)
        return asked, read, attention

    @checked
    def read_out(self, asked: torch.Tensor, read: torch.Tensor, products: Products = "float32") -> torch.Tensor:
        """Logits ξ of (2) from what `read_in` returns, shape (marked positions, M)."""
        require_rows("asked", asked, self.U, asked.shape)
        require_rows("read", read, self.U, asked.shape)
        g = asked + functional.linear(functional.linear(read, self.W_V2), self.W_O2)
        return functional.linear(g if self.F2 is None else self.F2(g, products), self.U)

    def check(self, tokens: torch.Tensor, at: torch.Tensor) -> None:
        """Raise what `forward` raises for these arguments."""
        self.check_tokens(tokens)
        if not isinstance(at, torch.Tensor) or at.dtype != torch.bool:
            raise TypeError(f"at must be a bool tensor, got {at.dtype if isinstance(at, torch.Tensor) else at!r:.80}")
        require_data("at", at)
        if at.shape != tokens.shape:
            raise ValueError(f"at must have the shape of tokens, {tuple(tokens.shape)}, got {tuple(at.shape)}")
        if not at.any():
            raise ValueError("at must mark at least one position, got none")

    def check_tokens(self, tokens: torch.Tensor) -> None:
        """Raise what `forward` raises for these tokens."""
        require_integers("tokens", tokens)
        most = self.architecture.length
        if tokens.ndim != 2 or 0 in tokens.shape or tokens.shape[1] > most:
            raise ValueError(
                f"tokens must have shape (batch, t) with batch >= 1 and t in 1..{most}, the number of positions, "
                f"got {tuple(tokens.shape)}"
            )
        check_range("tokens", tokens, self.architecture.tokens)

    def _embedded(self, tokens: torch.Tensor) -> torch.Tensor:
        return functional.embedding(tokens, self.E).add_(self.P[: tokens.shape[1]])

    def _table(self, tokens: torch.Tensor, weights: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """The weights applied to x_t, by linearity from tables over tokens and positions."""
        by_token: torch.Tensor = self.E
        by_position = self.P[: tokens.shape[1]]
        for weight in weights:
            by_token, by_position = functional.linear(by_token, weight), functional.linear(by_position, weight)
        return functional.embedding(tokens, by_token).add_(by_position)

    def _stream(self, tokens: torch.Tensor, products: Products = "float32") -> torch.Tensor:
        """x¹, shape (batch, t, d)."""
        x = self._embedded(tokens)
        keys, values = self._table(tokens, (self.W_K1,)), self._table(tokens, (self.W_V1, self.W_O1))
        h = x + causal_attention(x, keys, values, products)
        return h if self.F1 is None else self.F1(h, products)

    def _read(self, tokens: torch.Tensor, at: torch.Tensor, products: Products) -> tuple[torch.Tensor, ...]:
        """x¹ at the queries, Σ_s b_ts x¹_s, b, and which queries are marked positions."""
        self.check(tokens, at)
        require_products(products)
        tokens, queries, known = marked_queries(tokens, at)
        stream = self._stream(tokens, products)
        attention, asked = self._second(stream, queries)
        return asked, product(attention, stream, products), attention, known

    def _second(self, stream: torch.Tensor, queries: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """b, shape (batch, Q, t), and x¹ at the queries, shape (batch, Q, d)."""
        asked = stream.gather(1, queries[:, :, None].expand(-1, -1, stream.shape[2]))
        scores = functional.linear(asked, self.W_K2.T) @ stream.mT / math.sqrt(self.architecture.width)
        later = torch.arange(stream.shape[1], device=stream.device) > queries[:, :, None]
        return scores.masked_fill(later, -torch.inf).softmax(dim=-1), asked


@checked
def initialised(
    architecture: Architecture, *, seed: Seed, dtype: FloatType = torch.float32, device: str = "cpu"
) -> Transformer:
    """A transformer with random weights: embeddings E, P of standard normal entries, all matrices with entries
    uniform within ±1/√(inputs).

    Drawn on the CPU from `seed`, in the order of `Architecture.weights`, so that the device does not matter.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range, an unavailable device, or weights that the
            memory does not hold.

    Source: the initialisation of both papers' experiments.
    """
    place, model = resolve_device(device), Transformer(architecture, dtype=dtype)
    word = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]
    generator = torch.Generator().manual_seed(int(word >> np.uint64(1)))
    weights = dict(model.named_parameters())
    with torch.no_grad():
        for name in architecture.weights:
            shape = weights[name].shape
            if name in ("E", "P"):
                drawn = torch.randn(shape, generator=generator, dtype=torch.float64)
            else:
                drawn = (2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1) / math.sqrt(shape[1])
            weights[name].copy_(drawn)
    return model.to(place)
