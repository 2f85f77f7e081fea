"""Devices by name."""

import torch


def resolve_device(name: object) -> torch.device:
    """The torch device called `name`.

    Args:
        name: "cpu", "cuda", "cuda:<index>", or "auto" (CUDA where there is one, the CPU elsewhere).

    Raises:
        TypeError: `name` is not a string.
        ValueError: `name` is none of the above, or a CUDA device that this machine does not have.
    """
    if not isinstance(name, str):
        raise TypeError(f'device must be "cpu", "cuda", "cuda:<index>" or "auto", got {name!r} ({type(name).__name__})')
    kind, colon, index = name.partition(":")
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if kind not in ("cuda", "auto") or (kind == "auto" and colon) or (colon and not index.isdecimal()):
        raise ValueError(f'device must be "cpu", "cuda", "cuda:<index>" or "auto", got {name!r}')
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    number = int(index) if colon else 0
    if number >= count:
        raise ValueError(f"device {name!r} is not available: this machine has {count} usable CUDA devices")
    return torch.device("cuda", number)
