"""The safetensors files of a model's folder: which there are, what they promise, what they hold, and their digests.

A folder holds model.safetensors, or model.safetensors.index.json and the shards it names. Pickles are never opened.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from simulate.runtime.files import file_digest
from simulate.runtime.plain_json import parsed

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
STATES_OF_TRAINING = ("training_args.bin", "optimizer.pt", "scheduler.pt", "optimizer.bin", "scheduler.bin")
FLOATING = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32, "F64": torch.float64}


@dataclass(frozen=True)
class Stored:
    """One tensor of a file: where it lies, its name there, its type in the words of safetensors, its shape."""

    file: Path
    name: str
    dtype: str
    shape: tuple[int, ...]


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no JSON, or JSON that is no object.
    """
    if not path.is_file():
        raise FileNotFoundError(f"folder {path.parent} must hold {path.name}, and does not")
    try:
        found = parsed(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} must be JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path} must hold a JSON object, got {found!r:.80}")
    return found


def pickles(names: Iterable[str]) -> list[str]:
    """Those of the names of files that are weights as a pickle."""
    return sorted(name for name in names if name.endswith(PICKLES) and Path(name).name not in STATES_OF_TRAINING)


def refuse_pickles(place: str, found: list[str]) -> None:
    """ValueError that says why the pickles found in a place are not opened, and how to convert them."""
    raise ValueError(
        f"{place} must hold weights as safetensors, it holds pickles alone: {_listed(found)}; a pickle can run any "
        "code when it is opened, so it is not; if you trust its source, convert it once where it can do no harm: "
        "AutoModelForCausalLM.from_pretrained(FOLDER, use_safetensors=False).save_pretrained(NEW_FOLDER), and copy the "
        "tokenizer's files"
    )


def weight_paths(folder: Path) -> list[Path]:
    """The weight files of a folder, all there: model.safetensors, or else the shards of the index, sorted by name.

    Raises:
        FileNotFoundError: no weight file, or a shard is missing.
        ValueError: pickles alone, or an index that is none.
    """
    if (folder / WHOLE).is_file():
        return [folder / WHOLE]
    if (folder / INDEX).is_file():
        shards = sorted({folder / shard for shard in _weight_map(folder).values()})
        missing = [shard.name for shard in shards if not shard.is_file()]
        if missing:
            raise FileNotFoundError(f"folder {folder} must hold the shards that {INDEX} names, it lacks {missing[0]}")
        return shards
    names = [path.name for path in folder.iterdir()]
    if pickles(names):
        refuse_pickles(f"folder {folder}", pickles(names))
    others = sorted(name for name in names if name.endswith(".safetensors"))
    held = _listed(others) or "neither"
    raise FileNotFoundError(f"folder {folder} must hold weights as {WHOLE}, or {INDEX} and its shards; it holds {held}")


def read_headers(folder: Path) -> dict[str, Stored]:
    """What the weight files of a folder hold, by the tensors' names; no tensor is read.

    Raises:
        FileNotFoundError: a weight file is missing.
        ValueError: pickles alone; a file that is cut short or no safetensors file; a shard that does not hold exactly
            the tensors that the index promises.
    """
    paths = weight_paths(folder)
    headers = {path: _header(path) for path in paths}
    if paths[0].name != WHOLE:
        promised = _weight_map(folder)
        for path, found in headers.items():
            differing = set(found) ^ {name for name, shard in promised.items() if shard == path.name}
            for name in sorted(differing):
                verb = "holds" if name in found else "lacks"
                raise ValueError(f"shard {path} must hold the tensors that {INDEX} promises, it {verb} {name!r}")
    return {name: stored for found in headers.values() for name, stored in found.items()}


def file_digests(paths: Iterable[Path]) -> dict[str, str]:
    """The sha256 of each file's bytes, by the file's name.

    Raises:
        ValueError: a file of the hub's cache whose bytes are not those that the hub listed.
    """
    digests = {}
    for path in paths:
        digest = file_digest(path)
        blob = path.resolve()  # the cache links a file to blobs/<its sha256>
        if blob.parent.name == "blobs" and re.fullmatch("[0-9a-f]{64}", blob.name) and blob.name != digest:
            raise ValueError(f"{path} must have the hub's sha256 {blob.name}, got {digest}; delete it, fetch it again")
        digests[path.name] = digest
    return digests


def tensor_digest(tensors: Mapping[str, Stored], dtype: torch.dtype) -> str:
    """sha256 over the tensors in the order of their names: a line of JSON [name, dtype, shape] of each, then its bytes.

    The names are the keys of `tensors`, types and bytes those stored: shards, metadata and `dtype` do not matter.

    Raises:
        ValueError: a tensor that is not finite, or not within the range of `dtype`.
    """
    digest = hashlib.sha256()
    for name, tensor in read_tensors(tensors):
        _require_finite(f"tensor {name} of {tensors[name].file}", tensor, dtype)
        digest.update(f"{json.dumps([name, tensors[name].dtype, list(tensor.shape)])}\n".encode())
        digest.update(tensor.contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def read_tensors(tensors: Mapping[str, Stored]) -> Iterable[tuple[str, torch.Tensor]]:
    """Pairs (name, tensor) in the order of the names, one at a time, as stored and on the CPU."""
    with ExitStack() as stack:
        files = {
            path: stack.enter_context(safe_open(path, framework="pt"))
            for path in {stored.file for stored in tensors.values()}
        }
        for name, stored in sorted(tensors.items()):
            yield name, files[stored.file].get_tensor(stored.name)


def _require_finite(what: str, tensor: torch.Tensor, dtype: torch.dtype) -> None:
    if not torch.isfinite(tensor).all():
        raise ValueError(f"{what} must be finite, it holds NaN or infinite entries")
    if not torch.isfinite(tensor.to(dtype)).all():
        kind = str(dtype).removeprefix("torch.")
        raise ValueError(f"{what} must be within the range of dtype {kind}, it holds {tensor.abs().max().item():g}")


def _weight_map(folder: Path) -> dict[str, str]:
    """Name of a tensor -> name of its shard, from the index."""
    found = read_object(folder / INDEX).get("weight_map")
    if not isinstance(found, dict) or not found:
        raise ValueError(f"{folder / INDEX} must have a weight_map from tensors to shards, got {found!r:.80}")
    for shard in found.values():
        if not isinstance(shard, str) or Path(shard).name != shard or not shard.endswith(".safetensors"):
            raise ValueError(f"{folder / INDEX} must name shards *.safetensors of its folder, it names {shard!r}")
    return found


def _header(path: Path) -> dict[str, Stored]:
    with open(path, "rb") as stream:  # for the usual errors: not allowed, a folder
        start = stream.read(40)
    if start.startswith(b"version https://git-lfs"):
        raise ValueError(f"{path} must be a whole safetensors file, it is a Git LFS pointer; run `git lfs pull`")
    try:
        with safe_open(path, framework="pt") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            return {
                name: Stored(path, name, part.get_dtype(), tuple(part.get_shape())) for name, part in slices.items()
            }
    except (SafetensorError, ValueError) as error:
        raise ValueError(f"{path} must be a whole safetensors file, fetch it again: {error}") from error


def _listed(names: Iterable[str]) -> str:
    """At most four of the names, and how many more there are."""
    known = list(names)
    return ", ".join(known[:4]) + (f" and {len(known) - 4} more" if len(known) > 4 else "")
