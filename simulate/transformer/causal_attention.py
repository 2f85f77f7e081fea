"""Causal softmax attention with one head, block by block of queries, with its gradient; and marked queries.

A block of queries reads the keys up to its end alone: the more blocks, the less of the square is worked out in vain.
torch's fused attention works out all of it at these sizes on a CPU, and its gradient on a GPU is not repeatable.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from .products import Products

BLOCK = 64
"""Queries that are worked out at a time."""


class _CausalAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        weights = [causal_weights(queries[:, start:end], keys[:, :end], start) for start, end in _blocks(queries)]
        ctx.save_for_backward(queries, keys, values, *weights)
        return torch.cat([a @ values[:, : a.shape[2]] for a in weights], dim=1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor, torch.Tensor]:
        queries, keys, values, *weights = ctx.saved_tensors
        by_key, by_value = torch.zeros_like(keys), torch.zeros_like(values)
        by_query = torch.empty_like(queries) if ctx.needs_input_grad[0] else None  # frozen embeddings need none
        for (start, end), a in zip(_blocks(queries), weights, strict=True):
            g = gradient[:, start:end]
            by_value[:, :end].baddbmm_(a.mT, g)
            # The gradient of softmax: a (g - Σ a g), then of the scale.
            by_score = g @ values[:, :end].mT
            by_score.sub_((by_score * a).sum(dim=2, keepdim=True)).mul_(a).mul_(1 / math.sqrt(keys.shape[2]))
            if by_query is not None:
                torch.bmm(by_score, keys[:, :end], out=by_query[:, start:end])
            by_key[:, :end].baddbmm_(by_score.mT, queries[:, start:end])
        return by_query, by_key, by_value


class _CausalAttention16(torch.autograd.Function):
    """The same with products of bfloat16 numbers but for the scores, whose softmax makes much of little."""

    @staticmethod
    def forward(ctx: Any, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        weights = [
            causal_weights(queries[:, start:end], keys[:, :end], start).bfloat16() for start, end in _blocks(queries)
        ]
        rounded = queries.bfloat16(), keys.bfloat16(), values.bfloat16()
        ctx.save_for_backward(*rounded, *weights)
        return torch.cat([a @ rounded[2][:, : a.shape[2]] for a in weights], dim=1).float()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor, torch.Tensor]:
        queries, keys, values, *weights = ctx.saved_tensors
        by_key, by_value = torch.zeros_like(keys, dtype=torch.float32), torch.zeros_like(gradient)
        by_query = torch.empty_like(gradient) if ctx.needs_input_grad[0] else None
        for (start, end), a in zip(_blocks(queries), weights, strict=True):
            g = gradient[:, start:end].bfloat16()
            by_value[:, :end] += a.mT @ g
            shares = a.float()
            by_score = (g @ values[:, :end].mT).float()
            by_score.sub_((by_score * shares).sum(dim=2, keepdim=True)).mul_(shares).mul_(1 / math.sqrt(keys.shape[2]))
            rounded = by_score.bfloat16()
            if by_query is not None:
                by_query[:, start:end] = rounded @ keys[:, :end]
            by_key[:, :end] += rounded.mT @ queries[:, start:end]
        return by_query, by_key, by_value


def _blocks(queries: torch.Tensor) -> Iterator[tuple[int, int]]:
    length = queries.shape[1]
    return ((start, min(start + BLOCK, length)) for start in range(0, length, BLOCK))


def causal_weights(queries: torch.Tensor, keys: torch.Tensor, start: int = 0) -> torch.Tensor:
    """softmax_{s <= t} queries_t · keys_s / √d for queries t from `start` on, shape (batch, queries, keys)."""
    scores = (queries @ keys.mT).mul_(1 / math.sqrt(keys.shape[2]))
    later = torch.ones(scores.shape[1:], dtype=torch.bool, device=scores.device).triu(start + 1)
    return scores.masked_fill_(later, -torch.inf).softmax(dim=2)


def causal_attention(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, products: Products = "float32"
) -> torch.Tensor:
    """Σ_{s <= t} a_ts values_s with a_t = softmax_{s <= t} queries_t · keys_s / √d; all of shape (batch, T, d).

    Differentiable once. `products` as in the module of this name; with "bfloat16" all arguments are of float32.
    """
    made = _CausalAttention if products == "float32" else _CausalAttention16
    read: torch.Tensor = made.apply(queries, keys, values)  # type: ignore[no-untyped-call]
    return read


def marked_queries(tokens: torch.Tensor, at: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The sequences (rows, t) with a marked position, their marked positions in order, filled up to equal length
    (rows, Q), and which are not filling."""
    counts = at.sum(dim=1)
    if not counts.all():
        rows = counts.nonzero()[:, 0]
        tokens, at = tokens[rows], at[rows]
    known, positions = torch.sort(at, dim=1, descending=True, stable=True)
    most = int(counts.max())
    return tokens, positions[:, :most], known[:, :most]
