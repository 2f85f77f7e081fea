"""The matrix products of a computation: their shapes, their floating-point operations, and the same ones alone."""

from collections import Counter

import torch
from torch.utils._python_dispatch import TorchDispatchMode

ATEN = torch.ops.aten
FIRST_FACTOR = {
    **dict.fromkeys((ATEN.mm, ATEN.bmm), 0),
    **dict.fromkeys((ATEN.addmm, ATEN.addmm_, ATEN.baddbmm, ATEN.baddbmm_), 1),
}
"""Products of matrices among torch's operations, and where the first factor is among their arguments."""
OTHERS = (
    ATEN.mv,
    ATEN.dot,
    ATEN.addmv,
    ATEN.addbmm,
    ATEN.convolution,
    ATEN._scaled_dot_product_flash_attention_for_cpu,
)
"""Operations that multiply and are not counted here."""


class Products(TorchDispatchMode):
    """While this is entered, counts the products of each pair of shapes, those of gradients included."""

    def __init__(self):
        super().__init__()
        self.shapes = Counter()

    def __torch_dispatch__(self, operation, types, arguments=(), keywords=None):
        kind = operation.overloadpacket
        if kind in OTHERS:
            raise NotImplementedError(f"{operation} multiplies and is not counted")
        if kind in FIRST_FACTOR:
            start = FIRST_FACTOR[kind]
            self.shapes[tuple(tuple(factor.shape) for factor in arguments[start : start + 2])] += 1
        return operation(*arguments, **keywords or {})

    @property
    def operations(self):
        """Multiplications and additions of all of them: 2 m k n for (m, k) times (k, n)."""
        return sum(2 * times * torch.Size(a).numel() * b[-1] for (a, b), times in self.shapes.items())

    def alone(self):
        """A function that does the same products and nothing else, in float32, of the same numbers over and over."""
        rounds = []
        for (a, b), times in self.shapes.items():
            left, right = torch.randn(a), torch.randn(b)
            multiply, out = (torch.mm if len(a) == 2 else torch.bmm), torch.empty(*a[:-1], b[-1])
            rounds.append((multiply, left, right, out, times))

        def run():
            for multiply, left, right, out, times in rounds:
                for _ in range(times):
                    multiply(left, right, out=out)

        return run
