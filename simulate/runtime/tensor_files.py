"""Safetensors files of ours: written whole, sealed, and read if they are as they were written (`seals`)."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from .files import write_whole
from .plain_json import parsed
from .seals import EMPTY, NAME, SIZE, require_sealed, seal


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor], known: Mapping[str, str]) -> None:
    """Write tensors by name and what is `known` of them, whole or not at all, with a digest; missing folders are made.

    Raises:
        OSError: the file cannot be written; the one that was there stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, seal(save(dict(tensors), {**known, NAME: EMPTY})))


def read_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors of a file by name, on the CPU, and what is known of them.

    Raises:
        ValueError: the file is not as `write_tensors` wrote it, or is another one.
        OSError: it cannot be read.
    """
    file = path.read_bytes()
    try:
        require_sealed(file)
        known = parsed(file[SIZE : SIZE + int.from_bytes(file[:SIZE], "little")])["__metadata__"]
        tensors: dict[str, torch.Tensor] = load(file)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} must be a whole safetensors file as it was written: {error}") from error
    return tensors, {name: text for name, text in known.items() if name != NAME}
