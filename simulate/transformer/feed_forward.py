"""A feed-forward layer with its residual connection, slice by slice of rows, with its gradient.

A slice's hidden values stay in the processor's cache until they are used, and the gradient of the activation is taken
in place: torch's own layer asks for fresh memory of the size of all hidden values four times per update.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional

from .products import Products

SLICE = 2**16
"""Hidden values that a CPU works on at a time."""
ROWS = 1024
"""Rows at a time in bfloat16: gradients of the weights are added up over few slices, of which each is rounded."""


class _FeedForward(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, w1: torch.Tensor, w2: torch.Tensor, is_relu: bool) -> torch.Tensor:
        hidden: list[torch.Tensor] = []
        result = _layer(x, w1, w2, is_relu, hidden.append)
        ctx.is_relu = is_relu
        ctx.save_for_backward(x, w1, w2, *hidden)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, w1, w2, *hidden = ctx.saved_tensors
        by_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        by_w1 = torch.zeros_like(w1) if ctx.needs_input_grad[1] else None
        by_w2 = torch.zeros_like(w2) if ctx.needs_input_grad[2] else None
        for (start, end), values in zip(_slices(x, w1), hidden, strict=True):
            g = gradient[start:end]
            if by_w2 is not None:
                by_w2.addmm_(g.T, values)
            if by_x is None and by_w1 is None:
                continue
            by_hidden = g @ w2
            if ctx.is_relu:
                torch.ops.aten.threshold_backward.grad_input(by_hidden, values, 0, grad_input=by_hidden)
            if by_w1 is not None:
                by_w1.addmm_(by_hidden.T, x[start:end])
            if by_x is not None:
                torch.addmm(g, by_hidden, w1, out=by_x[start:end])
        return by_x, by_w1, by_w2, None


class _FeedForward16(torch.autograd.Function):
    """The same with products of bfloat16 numbers; the sum with x is of float32."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, w1: torch.Tensor, w2: torch.Tensor, is_relu: bool) -> torch.Tensor:
        rounded = x.bfloat16(), w1.bfloat16(), w2.bfloat16()
        hidden: list[torch.Tensor] = []
        result = _layer16(x, *rounded, is_relu, hidden.append)
        ctx.is_relu = is_relu
        ctx.save_for_backward(*rounded, *hidden)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, w1, w2, *hidden = ctx.saved_tensors
        by_x = gradient.clone() if ctx.needs_input_grad[0] else None
        by_w1 = torch.zeros_like(w1, dtype=gradient.dtype) if ctx.needs_input_grad[1] else None
        by_w2 = torch.zeros_like(w2, dtype=gradient.dtype) if ctx.needs_input_grad[2] else None
        for start, values in zip(range(0, len(x), ROWS), hidden, strict=True):
            end = start + ROWS
            g = gradient[start:end].bfloat16()
            if by_w2 is not None:
                by_w2 += g.T @ values
            if by_x is None and by_w1 is None:
                continue
            by_hidden = g @ w2
            if ctx.is_relu:
                torch.ops.aten.threshold_backward.grad_input(by_hidden, values, 0, grad_input=by_hidden)
            if by_w1 is not None:
                by_w1 += by_hidden.T @ x[start:end]
            if by_x is not None:
                by_x[start:end] += by_hidden @ w1
        return by_x, by_w1, by_w2, None


def _layer16(
    x: torch.Tensor,
    rounded: torch.Tensor,
    w1: torch.Tensor,
    w2: torch.Tensor,
    is_relu: bool,
    keep: Callable[[torch.Tensor], None],
) -> torch.Tensor:
    """`_layer` with products of bfloat16 numbers; `rounded` is x in these."""
    result = x.clone()
    for start in range(0, len(x), ROWS):
        values = functional.linear(rounded[start : start + ROWS], w1)
        if is_relu:
            values.relu_()
        result[start : start + ROWS] += functional.linear(values, w2)
        keep(values)
    return result


def _layer(
    x: torch.Tensor, w1: torch.Tensor, w2: torch.Tensor, is_relu: bool, keep: Callable[[torch.Tensor], None]
) -> torch.Tensor:
    """The layer; `keep` is called with the hidden values of each slice."""
    result = torch.empty_like(x)
    for start, end in _slices(x, w1):
        values = functional.linear(x[start:end], w1)
        if is_relu:
            values.relu_()
        torch.addmm(x[start:end], values, w2.T, out=result[start:end])
        keep(values)
    return result


def _slices(x: torch.Tensor, w1: torch.Tensor) -> Iterator[tuple[int, int]]:
    """Equal slices of rows but for the last; one on a GPU."""
    rows = max(1, SLICE // len(w1)) if x.device.type == "cpu" else len(x)
    return ((start, min(start + rows, len(x))) for start in range(0, len(x), rows))


def feed_forward(
    x: torch.Tensor, w1: torch.Tensor, w2: torch.Tensor, *, is_relu: bool, products: Products = "float32"
) -> torch.Tensor:
    """x + w2 f(w1 x) for each row of x, shape (rows, d), with f = max(·, 0) or the identity. Differentiable once.

    Args:
        x: shape (rows, d).   w1: shape (hidden, d).   w2: shape (d, hidden).
        is_relu: whether f is max(·, 0).
        products: as in `products`; with "bfloat16" all arguments are of float32.
    """
    made = _FeedForward if products == "float32" else _FeedForward16
    if not torch.is_grad_enabled() and products == "float32":
        return _layer(x, w1, w2, is_relu, lambda values: None)
    result: torch.Tensor = made.apply(x, w1, w2, is_relu)  # type: ignore[no-untyped-call]
    return result
