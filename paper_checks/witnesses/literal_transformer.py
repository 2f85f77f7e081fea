"""The transformer written out, every position of every layer: slow, and the yardstick of `Transformer`."""

import math

import torch

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
