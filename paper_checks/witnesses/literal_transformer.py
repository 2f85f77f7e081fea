"""Both networks written out, every position of every layer: slow, the yardstick of `Transformer` and of `TwoLayer`."""

import math

import torch
from torch.nn import functional

from simulate.induction.model import TwoLayer
from simulate.transformer.interventions import FEED_FORWARD
from simulate.transformer.model import FeedForward, Transformer
from theory.arguments import checked


@checked
def literal_logits(model: Transformer, tokens: torch.Tensor) -> torch.Tensor:
    """Logits at every position, shape (batch, t, M), by (1) and (2) of `simulate.transformer.model` as they stand.

    Differentiable in the model's weights. Arguments and errors as for `Transformer.forward`.
    """
    model.check_tokens(tokens)
    x = model.E[tokens] + model.P[: tokens.shape[1]]
    for layer, name in enumerate(FEED_FORWARD, start=1):
        W_K, W_V, W_O = (getattr(model, f"{part}{layer}") for part in ("W_K", "W_V", "W_O"))
        x = x + literal_attention(x, x @ W_K.T) @ (x @ W_V.T) @ W_O.T
        feed_forward: FeedForward | None = getattr(model, name)
        if feed_forward is not None:
            hidden = x @ feed_forward.w1.T
            x = x + (hidden.clamp(min=0) if feed_forward.activation == "relu" else hidden) @ feed_forward.w2.T
    return x @ model.U.T


def literal_attention(queries: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
    """Causal softmax of the scores queries · keys / √d, shape (batch, t, t), rows queries."""
    scores = queries @ keys.mT / math.sqrt(queries.shape[-1])
    later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
    return torch.where(later, -torch.inf, scores).softmax(dim=-1)


@checked
def literal_two_layer_loss(model: TwoLayer, tokens: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """`TwoLayer.loss` by the equations of its docstring with every feature a vector; differentiable in all weights."""
    positions = torch.eye(model.T, dtype=torch.float64).expand(len(tokens), -1, -1)
    x = torch.cat([functional.one_hot(tokens, model.N).double(), positions], dim=2)
    later = torch.ones(model.T, model.T, dtype=torch.bool).triu(1)
    scores = (x @ model.W_K1 @ x.mT).mT  # rows queries
    a = torch.where(later, -torch.inf, scores).softmax(dim=2)
    x = torch.cat([x, a @ x], dim=2)
    b = (x @ model.W_K2 @ x[:, -1, :, None]).softmax(dim=1)
    return functional.cross_entropy((x * b).sum(dim=1) @ model.W_O.T, target)
