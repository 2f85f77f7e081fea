"""GGUF files as standard folders: header checked, dequantised by transformers, written whole or not at all.

A GGUF holds weights, often quantised, a tokenizer, and text such as the template of its chats. Nothing of it is run:
the template is kept as text, which nobody renders. transformers and the package gguf read the file.

Source: the GGUF specification, ggml-org/ggml, docs/gguf.md.
"""

import errno
import io
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from simulate.runtime.files import file_digest, write_json

DISTRIBUTION, FOLDER = "distributional-associations-verified", "PAPER_CHECKS_WEIGHTS"
"""Whose cache it is, and the environment variable that names another folder for weights."""
SOURCE = "source.json"
"""In a folder made of a GGUF: the sha256 of that, and the sizes of the files, by which a whole folder is known."""
MAGIC = b"GGUF"
SPACE_PER_BYTE = 8
"""Bytes on the disk that a folder takes at most for a byte of the GGUF: 4 bits become 32."""
CLASSES: Mapping[str, str] = {
    "llama": "LlamaForCausalLM",
    "mistral": "MistralForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "phi3": "Phi3ForCausalLM",
    "gpt2": "GPT2LMHeadModel",
    "gemma2": "Gemma2ForCausalLM",
    "gemma3": "Gemma3ForCausalLM",
}
"""A GGUF's general.architecture -> the class, of those that transformers reads from GGUF and that are known here."""


def weights_cache() -> Path:
    """The folder of weights in the user's cache, or as the environment says; it need not exist."""
    given = os.environ.get(FOLDER)
    found = Path(given).expanduser() if given else user_cache_path(DISTRIBUTION, appauthor=False) / "weights"
    return found.absolute()


def is_whole(folder: Path, gguf_sha256: str) -> bool:
    """Whether the folder was made of this GGUF and has all its files in their sizes; nothing is read but sizes."""
    try:
        source = json.loads((folder / SOURCE).read_bytes())
        sizes = {name: (folder / name).stat().st_size for name in source["sizes"]}
        return bool(source["gguf"] == gguf_sha256 and sizes == source["sizes"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def converted_folder(path: Path) -> Path:
    """The folder in the cache that holds what a GGUF file holds, made if it is not there.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no GGUF, one that is cut short, of an unknown architecture, or with what cannot be read.
        OSError: the cache cannot be written, or the disk is full.
    """
    sha256 = file_digest(path)
    folder = weights_cache() / f"{path.stem}-{sha256[:12]}"
    if not is_whole(folder, sha256):
        convert(path, folder, sha256)
    return folder


def convert(path: Path, folder: Path, sha256: str) -> None:
    """Write the folder of a GGUF file whose sha256 is known; errors as for `converted_folder`."""
    architecture = architecture_of_gguf(path)
    require_space(folder.parent, SPACE_PER_BYTE * path.stat().st_size)
    from simulate.language.saving import save_model, whole_folder

    model, tokenizer = _read(path, architecture)
    if folder.exists():  # not whole, or it would have been taken
        shutil.rmtree(folder)
    try:
        with whole_folder(folder) as temporary:
            save_model(model, tokenizer, temporary / "model")
            for one in (temporary / "model").iterdir():
                one.rename(temporary / one.name)
            (temporary / "model").rmdir()
            sizes = {one.name: one.stat().st_size for one in sorted(temporary.iterdir())}
            write_json(temporary / SOURCE, {"gguf": sha256, "architecture": architecture, "sizes": sizes})
    except OSError:
        if not is_whole(folder, sha256):  # another process may have been faster
            raise


def require_space(folder: Path, needed: int) -> None:
    """OSError unless the disk of a folder, which need not exist yet, has so many bytes left."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise OSError(
            errno.ENOSPC, f"disk must have {needed / 1e6:.0f} MB left for weights, has {free / 1e6:.0f}", there
        )


def architecture_of_gguf(path: Path) -> str:
    """The class of transformers of a GGUF file; its header and the extent of its tensors are checked.

    Raises:
        FileNotFoundError, ValueError: see `converted_folder`.
    """
    with open(path, "rb") as stream:
        magic = stream.read(len(MAGIC))
    if magic != MAGIC:
        raise ValueError(f"{path} must be a GGUF file, which begins with {MAGIC!r}, got {magic!r}")
    try:
        from gguf import GGUFReader
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"GGUF files need the extra `language` ({error})") from error
    try:
        reader = GGUFReader(path)
        name = str(reader.fields["general.architecture"].contents())
    except Exception as error:  # of numpy and of gguf, many kinds
        said = " ".join(str(error).split())[:200]
        raise ValueError(f"{path} must be a whole GGUF file, fetch it again: {type(error).__name__}: {said}") from error
    if name not in CLASSES:
        raise ValueError(f"{path} must have general.architecture of {', '.join(CLASSES)}, got {name!r:.80}")
    return CLASSES[name]


@contextmanager
def _bars_on_terminals_alone() -> Iterator[None]:
    """The bar of transformers' dequantisation has no option."""
    if sys.stderr.isatty():
        yield
        return
    with redirect_stderr(io.StringIO()):
        yield


def _read(path: Path, architecture: str) -> tuple[Any, Any]:
    """Model in float32 and tokenizer, without what says that it was quantised."""
    import torch
    import transformers
    from transformers import AutoTokenizer

    from simulate.language.progress import without_progress

    try:
        with without_progress(), _bars_on_terminals_alone():
            tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name, local_files_only=True)
            model = getattr(transformers, architecture).from_pretrained(
                path.parent, gguf_file=path.name, dtype=torch.float32, local_files_only=True
            )
    except Exception as error:  # transformers, tokenizers and gguf have many kinds
        said = " ".join(str(error).split())[:200]
        raise ValueError(f"{path} must be a GGUF that transformers reads as {architecture}: {said}") from error
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    for name in ("is_quantized", "hf_quantizer", "quantization_method"):  # it is not, any more
        if name in vars(model):
            delattr(model, name)
    return model, tokenizer
