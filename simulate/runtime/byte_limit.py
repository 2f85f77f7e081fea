"""Requests for more bytes than the machine has are refused before any work."""

import torch

from theory import byte_limit

CPU = torch.device("cpu")


def available_bytes(device: torch.device) -> int:
    """Bytes that can be had on `device` without swapping; of main memory, those that `theory.byte_limit` finds."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return byte_limit.available_bytes()


def require_bytes(what: str, needed: int, device: torch.device, remedy: str) -> None:
    """ValueError if `needed` bytes are not available; `what` names the argument and its value, `remedy` what to do."""
    byte_limit.require_within(what, needed, available_bytes(device), remedy)
