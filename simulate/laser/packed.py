"""Linear maps whose weights stay as they are, with these in oneDNN's own layout.

On some processors torch multiplies float32 matrices half as fast as oneDNN, which comes with it, does (on AMD ones, by
the library that torch takes for them). Layers above a truncated one run hundreds of times with the same weights, so
laying these out once pays. Results differ by the rounding of sums in another order.
"""

import torch

LEAST_ENTRIES = 2**18
"""Of a weight: for smaller ones the layout costs what it brings."""


def can_pack(linear: torch.nn.Module) -> bool:
    """Whether it is a large float32 `torch.nn.Linear` on the CPU, and torch has oneDNN."""
    if type(linear) is not torch.nn.Linear or linear.weight.numel() < LEAST_ENTRIES:
        return False
    weight = linear.weight
    return weight.dtype == torch.float32 and weight.device.type == "cpu" and torch.backends.mkldnn.is_available()


def pack(module: torch.nn.Module) -> None:
    """Have the large linear maps in a module, or the module itself, run with weights laid out once, until `unpack`."""
    for linear in filter(can_pack, module.modules()):
        if "forward" not in vars(linear):
            linear.forward = _Packed(linear)


def unpack(module: torch.nn.Module) -> None:
    """Undo `pack`."""
    for linear in module.modules():
        if isinstance(vars(linear).get("forward"), _Packed):
            del linear.forward


class _Packed:
    def __init__(self, linear: torch.nn.Module) -> None:
        weight: torch.Tensor = linear.get_parameter("weight").detach()
        bias = linear.get_parameter("bias").detach() if linear.bias is not None else torch.zeros(len(weight))
        self._weight, self._bias = weight.to_mkldnn(), bias.to_mkldnn()

    def __call__(self, given: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = torch._C._nn.mkldnn_linear(given.to_mkldnn(), self._weight, self._bias)
        return made.to_dense()
