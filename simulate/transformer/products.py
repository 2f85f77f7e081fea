"""In which numbers the large matrix products of a training are worked out: float32, or bfloat16 on a processor for it.

With "bfloat16" the operands of a product are rounded to bfloat16, its sums are of float32, and its result is rounded to
bfloat16 again: what torch's product of bfloat16 matrices is on a CPU (measured: `docs/paper-scale.md`), and what
torch's autocast makes of a product. Weights, their gradients, softmax, the loss and updates are float32, and so are the
products whose results go into an exponential, scores and logits. The products of the feed-forward layers, of attention
with what it reads, and their gradients are what is rounded: nine tenths of all operations.
"""

from typing import Literal, TypeAlias, get_args

import torch

from theory.scalars import shown

Products: TypeAlias = Literal["float32", "bfloat16"]


def require_products(products: object) -> None:
    """ValueError unless these are products of a training."""
    if not isinstance(products, str) or products not in get_args(Products):
        raise ValueError(f"products must be one of {get_args(Products)}, got {shown(products)}")


def check_products(products: Products, place: torch.device) -> None:
    """ValueError unless a device has these products: in the processor's own instructions, not made of float32's."""
    if products == "float32":
        return
    if place.type != "cpu":
        raise ValueError(f"products must be 'float32' on {place.type}, 'bfloat16' is for processors, got {products!r}")
    if not has_bfloat16():
        raise ValueError(
            f"products must be 'float32' on this processor, which has neither avx512_bf16 nor AMX, got {products!r}"
        )


def has_bfloat16() -> bool:
    """Whether the processor has instructions for products of bfloat16 numbers."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def product(left: torch.Tensor, right: torch.Tensor, products: Products) -> torch.Tensor:
    """left @ right, float32 in and out, with its gradient in the same products."""
    if products == "float32":
        return left @ right
    return (left.bfloat16() @ right.bfloat16()).float()
