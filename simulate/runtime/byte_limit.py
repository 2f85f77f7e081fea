"""Requests for more bytes than the machine has are refused before any work."""

import psutil
import torch

CPU = torch.device("cpu")


def available_bytes(device: torch.device) -> int:
    """Bytes that can be had on `device` without swapping (page cache that can be dropped included)."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return int(psutil.virtual_memory().available)


def require_bytes(what: str, needed: int, device: torch.device, remedy: str) -> None:
    """ValueError if `needed` bytes are not available; `what` names the argument and its value, `remedy` what to do."""
    available = available_bytes(device)
    if needed > available:
        raise ValueError(f"{what} take {needed} bytes and {available} are available; {remedy}")
