"""Language models written as standard folders, which any tool reads with AutoModelForCausalLM.from_pretrained.

A folder is written whole or not at all, with the digests of its files, against which they are held when it is loaded.
"""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from transformers import PreTrainedModel

from simulate.runtime.alone import is_kept, remove_left, temporary_name
from simulate.runtime.files import SUMS, file_digest, read_sums, sums_of, write_whole

from .progress import progress_if_long


def save_model(model: PreTrainedModel, tokenizer: Any, folder: str | Path) -> None:
    """Write a model, and its tokenizer unless it is None, as the standard folder, with safetensors and SHA256SUMS.

    Args:
        model: any PreTrainedModel with its weights in memory.
        tokenizer: of transformers, or None.
        folder: does not exist or is empty.

    Raises:
        TypeError: another model or tokenizer, or weights on the meta device.
        ValueError: a folder that is not empty, or a file in its place.
        OSError: it cannot be written.
    """
    if not isinstance(model, PreTrainedModel):
        raise TypeError(f"model must be a PreTrainedModel of transformers, got {type(model).__name__}")
    for name, weight in model.named_parameters():
        if weight.is_meta:
            raise TypeError(f"model must have its weights in memory, {name} is on the meta device")
    _check_tokenizer(tokenizer)
    with whole_folder(folder) as temporary:
        write_files(model, tokenizer, temporary, folder)
        write_sums(temporary)


def write_files(model: PreTrainedModel, tokenizer: Any, temporary: Path, folder: str | Path) -> None:
    """Write the files of a model, and of its tokenizer unless it is None, that become `folder`, but SHA256SUMS."""
    with progress_if_long(sum(weight.nbytes for weight in model.parameters())):
        try:
            model.save_pretrained(temporary)
        except SafetensorError as error:
            raise OSError(f"weights of {folder} cannot be written: {error}") from error
        if tokenizer is not None:
            tokenizer.save_pretrained(temporary)


def write_sums(folder: Path) -> None:
    """Write SHA256SUMS over the files that a folder of a model has."""
    names = [one.name for one in folder.iterdir() if one.is_file() and one.name != SUMS]
    write_whole(folder / SUMS, sums_of(folder, names))


def require_as_saved(folder: Path, digests: Mapping[str, str] | None = None) -> None:
    """Check that the files of a model's folder are those that it was saved with, where it has SHA256SUMS.

    Args:
        digests: of files that are known already; those of the others are worked out.

    Raises:
        ValueError: a file has other bytes, or is not there; SHA256SUMS has another form.
    """
    path = folder / SUMS
    if not path.is_file():
        return
    known = digests or {}
    try:
        wanted = read_sums(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} must be as it was saved: {error}") from None
    for name, digest in wanted.items():
        file = folder / name
        found = known.get(name) or (file_digest(file) if file.is_file() else "none, it is not there")
        if found != digest:
            raise ValueError(
                f"{file} must be as it was saved, of sha256 {digest}, it has {found}: save it again, or remove {SUMS} "
                "if it was changed on purpose"
            )


@contextmanager
def whole_folder(folder: Any) -> Iterator[Path]:
    """A new folder to write in, which takes the name `folder` at the end, or goes if the block raises; what killed
    writers of it have left is gone."""
    if not isinstance(folder, str | Path):
        raise TypeError(f"folder must be a path, got {folder!r:.80} ({type(folder).__name__})")
    place = Path(folder).resolve()
    if place.exists() and not (place.is_dir() and not any(place.iterdir())):
        raise ValueError(f"folder must be a new or an empty folder, {folder} is there and not empty")
    remove_left(place.parent, re.escape(place.name))
    temporary, descriptor = _new_folder(place)
    try:
        yield temporary
        for path in temporary.rglob("*"):
            if path.is_file():
                with open(path, "rb+") as file:
                    os.fsync(file.fileno())
        os.replace(temporary, place)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    finally:
        os.close(descriptor)


def _new_folder(place: Path) -> tuple[Path, int]:
    """A temporary folder beside `place`, and the open descriptor that keeps it."""
    while True:
        temporary = temporary_name(place)
        temporary.mkdir(parents=True)
        descriptor = os.open(temporary, os.O_RDONLY)
        if is_kept(descriptor, temporary):
            return temporary, descriptor
        os.close(descriptor)


def _check_tokenizer(tokenizer: Any) -> None:
    if tokenizer is not None and not callable(getattr(tokenizer, "save_pretrained", None)):
        raise TypeError(f"tokenizer must be a tokenizer of transformers or None, got {type(tokenizer).__name__}")
