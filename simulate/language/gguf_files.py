"""GGUF files as standard folders: header checked, dequantised by transformers, written whole or not at all.

A GGUF holds weights, often quantised, a tokenizer, and text such as the template of its chats. Nothing of it is run:
the template is kept as text, which nobody renders. transformers and the package gguf read the file, alone in a folder,
so that no neighbour of it is read.
"""

import errno
import glob
import io
import json
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from simulate.runtime.alone import alone as one_writer
from simulate.runtime.files import file_digest, read_json, write_json, write_plain_json

from .gguf_header import GgufHeader, read_gguf_header

DISTRIBUTION, FOLDER = "distributional-associations-verified", "PAPER_CHECKS_WEIGHTS"
"""Whose cache it is, and the environment variable that names another folder for weights."""
SOURCE = "source.json"
"""In a folder made of a GGUF: the sha256 of that, and the sizes of the files, by which a whole folder is known."""
BYTES, BESIDES = 4, 2**25
"""Bytes of a weight on the disk at most, and of all else in a folder."""
Say = Callable[[str], None]


def weights_cache() -> Path:
    """The folder of weights in the user's cache, or as the environment says; it need not exist."""
    given = os.environ.get(FOLDER)
    found = Path(given).expanduser() if given else user_cache_path(DISTRIBUTION, appauthor=False) / "weights"
    return found.absolute()


def is_whole(folder: Path, gguf_sha256: str) -> bool:
    """Whether the folder was made of this GGUF and has all its files in their sizes; nothing is read but sizes."""
    try:
        source = read_json(folder / SOURCE)
        sizes = {name: (folder / name).stat().st_size for name in source["sizes"]}
        return bool(source["gguf"] == gguf_sha256 and sizes and sizes == source["sizes"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def converted_folder(path: Path) -> Path:
    """The folder in the cache that holds what a GGUF file holds, made if it is not there.

    Raises:
        FileNotFoundError, ModuleNotFoundError, ValueError: as for `read_gguf_header`.
        ValueError: what transformers does not read; weights that are missing, or more than the model has.
        OSError: the cache cannot be written, or the disk is full.
    """
    sha256 = file_digest(path)
    folder = weights_cache() / f"{path.stem}-{sha256[:12]}"
    if not is_whole(folder, sha256):
        read_gguf_header(path)
        with alone(folder):
            if not is_whole(folder, sha256):
                convert(path, folder, sha256)
    return folder


@contextmanager
def alone(folder: Path, say: Say | None = None) -> Iterator[None]:
    """Within the block no other process makes this folder of the cache; what a killed one has left of it is removed.

    Args:
        say: is told if there is another process to wait for.

    Raises:
        OSError: the cache cannot be written.
    """
    cache = folder.parent
    with ExitStack() as held:
        try:
            try:
                held.enter_context(one_writer(folder))
            except BlockingIOError:
                if say is not None:
                    say("another process is at it, waiting for that")
                held.enter_context(one_writer(folder, math.inf))
        except OSError as error:
            said = f"cache of weights must be writable, {error.strerror or error}; {FOLDER} names another folder"
            raise OSError(error.errno, said, str(cache)) from error
        name = glob.escape(folder.name)
        for left in (*cache.glob(f".{name}.*"), *cache.glob(f"..{name}.*")):  # of it, of its weights
            if left.is_dir():
                shutil.rmtree(left)
        yield


def convert(path: Path, folder: Path, sha256: str, weights_sha256: str | None = None) -> None:
    """Write the folder of a GGUF file, `alone`; one that is there is not whole and goes. Errors as for
    `converted_folder`.

    Args:
        sha256: of the file.
        weights_sha256: what the weights must have, as `LanguageModel.sha256`; None is not known.
    """
    header = read_gguf_header(path)
    require_space(folder.parent, BYTES * header.numbers + BESIDES)
    from .saving import whole_folder, write_files, write_sums

    model, tokenizer = _read(path, header)
    if folder.is_dir():
        shutil.rmtree(folder)
    with whole_folder(folder) as temporary:
        write_files(model, tokenizer, temporary, folder)
        _as_in_the_file(temporary, header.tokens)
        _require_tokenizer(path, temporary, tokenizer)
        if weights_sha256 is not None:
            _require_weights(temporary, weights_sha256)
        write_sums(temporary)
        sizes = {one.name: one.stat().st_size for one in sorted(temporary.iterdir())}
        write_json(temporary / SOURCE, {"gguf": sha256, "architecture": header.architecture, "sizes": sizes})


def require_space(folder: Path, needed: int) -> None:
    """OSError unless the disk of a folder, which need not exist yet, has so many bytes left."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        said = f"disk must have {needed / 1e6:.0f} MB left for weights, has {free / 1e6:.0f}"
        raise OSError(errno.ENOSPC, said, str(there))


@contextmanager
def _bars_on_terminals_alone() -> Iterator[None]:
    """The bar of transformers' dequantisation has no option."""
    if sys.stderr.isatty():
        yield
        return
    with redirect_stderr(io.StringIO()):
        yield


def _read(path: Path, header: GgufHeader) -> tuple[Any, Any]:
    """Model in the smallest exact type and tokenizer, without what says that it was quantised."""
    import torch
    import transformers
    from transformers import AutoTokenizer

    from .progress import without_progress

    try:
        with without_progress(), _bars_on_terminals_alone(), tempfile.TemporaryDirectory() as place:
            (Path(place) / "it.gguf").symlink_to(path.absolute())
            there = {"pretrained_model_name_or_path": place, "gguf_file": "it.gguf", "local_files_only": True}
            tokenizer = AutoTokenizer.from_pretrained(**there, trust_remote_code=False)
            model, loaded = getattr(transformers, header.architecture).from_pretrained(
                **there, dtype=torch.float32, output_loading_info=True
            )
    except Exception as error:  # transformers, tokenizers and gguf have many kinds
        said = " ".join(str(error).split())[:200]
        raise ValueError(f"{path} must be a GGUF that transformers reads as {header.architecture}: {said}") from error
    missing = sorted(loaded["missing_keys"])
    if missing:
        raise ValueError(f"{path} must have all weights of a {header.architecture}, it lacks {missing[0]}")
    numbers = sum(weight.numel() for weight in model.parameters())
    if numbers != header.numbers:
        raise ValueError(
            f"{path} must have the {numbers} weights of a {header.architecture} of its sizes and no others, it has "
            f"{header.numbers}"
        )
    for owner, name in [(model.config, "quantization_config"), *((model, name) for name in QUANTISED)]:
        if name in vars(owner):
            delattr(owner, name)
    return model.to(_smallest_type(model)), tokenizer


QUANTISED = ("is_quantized", "hf_quantizer", "quantization_method")
"""Attributes of a model that was, which save_pretrained does not write."""


def _smallest_type(model: Any) -> Any:
    """The smallest type that has all weights exactly, on the disk; it is run in any other."""
    import torch

    for kind in (torch.bfloat16, torch.float16):
        if all(torch.equal(weight.to(kind).to(weight.dtype), weight) for weight in model.parameters()):
            return kind
    return torch.float32


def _as_in_the_file(folder: Path, tokens: int) -> None:
    """Have the tokenizer of a folder read as it is written there: not rebuilt by a class for the models of some name,
    and without the tokens that such a class adds after those of the file, which have no weights."""
    path, settings = folder / "tokenizer.json", folder / "tokenizer_config.json"
    found = json.loads(path.read_bytes())
    write_plain_json(path, found | {"added_tokens": [token for token in found["added_tokens"] if token["id"] < tokens]})
    write_plain_json(settings, json.loads(settings.read_bytes()) | {"tokenizer_class": "PreTrainedTokenizerFast"})


def _require_tokenizer(path: Path, folder: Path, tokenizer: Any) -> None:
    """ValueError unless the tokenizer of a folder, read again, splits text as that of the file does. The normalizer is
    not compared: a GGUF does not hold it, and the class that transformers takes for Qwen brings Qwen's own."""
    from transformers import AutoTokenizer

    again = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    found, wanted = (json.loads(one.backend_tokenizer.to_str()) for one in (again, tokenizer))
    wrong = [part for part in ("pre_tokenizer", "model") if found[part] != wanted[part]]
    if wrong:
        raise ValueError(
            f"{path} must have a tokenizer that transformers reads from a folder as from the file, it has another "
            f"{wrong[0]} there"
        )


def _require_weights(folder: Path, sha256: str) -> None:
    """ValueError unless the weights of a folder are these."""
    import torch
    import transformers

    from .weight_files import read_headers, tensor_digest

    found = tensor_digest(read_headers(folder), torch.float32)
    if found != sha256:
        raise ValueError(
            f"weights must have sha256 {sha256} when dequantised, got {found} by transformers "
            f"{transformers.__version__}; another version is needed"
        )
