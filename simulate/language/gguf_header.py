"""What a GGUF file says of itself, checked before its weights are read: that it is whole, of a known architecture, and
has nothing that the reader of transformers would leave out without a word.

Source: the GGUF specification, ggml-org/ggml, docs/gguf.md; what is left out: transformers, integrations/ggml.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAGIC = b"GGUF"
CLASSES: Mapping[str, str] = {
    "llama": "LlamaForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "phi3": "Phi3ForCausalLM",
    "gpt2": "GPT2LMHeadModel",
    "gemma2": "Gemma2ForCausalLM",
    "gemma3": "Gemma3ForCausalLM",
}
"""A GGUF's general.architecture -> the class, of those that transformers reads from GGUF and that are known here. Files
of Mistral say "llama"."""
GEMMA_HEAD = 256
"""The size of a head of Gemma by which transformers scales attention unless told otherwise, as a GGUF does not."""


@dataclass(frozen=True)
class GgufHeader:
    """What is said before the weights.

    Attributes:
        architecture: the class of transformers.
        numbers: how many weights there are, all tensors together.
        tokens: how many tokens the vocabulary has.
    """

    architecture: str
    numbers: int
    tokens: int


def read_gguf_header(path: Path) -> GgufHeader:
    """The header of a GGUF file; no tensor is read.

    Raises:
        FileNotFoundError: no such file.
        ModuleNotFoundError: without the package gguf.
        ValueError: no GGUF, one that is cut short, a part of several, of an unknown architecture, with tensors of a
            type that cannot be dequantised, or with what transformers does not read: scaled rotations, heads of Gemma
            of another size than GEMMA_HEAD.
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
        name = str(_said(reader, "general.architecture"))
        tokens = len(_said(reader, "tokenizer.ggml.tokens") or ())
    except Exception as error:  # of numpy and of gguf, many kinds
        said = " ".join(str(error).split())[:200]
        raise ValueError(
            f"{path} must be a whole GGUF file of known types, fetch it again: {type(error).__name__}: {said}"
        ) from error
    if name not in CLASSES:
        raise ValueError(f"{path} must have general.architecture of {', '.join(CLASSES)}, got {name!r:.80}")
    wrong = _left_out(reader, name) or _undequantised(reader)
    if wrong:
        raise ValueError(f"{path} must have what transformers reads of a GGUF alone, it has {wrong}")
    if not tokens:
        raise ValueError(f"{path} must have a vocabulary (tokenizer.ggml.tokens), it has none")
    return GgufHeader(CLASSES[name], sum(int(tensor.n_elements) for tensor in reader.tensors), tokens)


def _said(reader: Any, key: str) -> Any:
    """The value of a key, None without it."""
    field = reader.fields.get(key)
    return None if field is None else field.contents()


def _left_out(reader: Any, name: str) -> str:
    """What changes the model and is not read, in words; empty if there is nothing."""
    parts = _said(reader, "split.count")
    if parts is not None and int(parts) > 1:
        return f"{parts} parts (split.count), of which this is one; merge them"
    scaling = _said(reader, f"{name}.rope.scaling.type")
    if scaling not in (None, "none"):
        return f"{name}.rope.scaling.type {scaling!r:.40}"
    rotations = [tensor.name for tensor in reader.tensors if tensor.name.startswith("rope_")]
    if rotations:
        return f"tensor {rotations[0]}"
    size = _said(reader, f"{name}.attention.key_length")
    if name.startswith("gemma") and size != GEMMA_HEAD:
        return f"{name}.attention.key_length {size}, not {GEMMA_HEAD}, and does not say how attention is scaled"
    return ""


def _undequantised(reader: Any) -> str:
    """A type of tensors that cannot be dequantised, in words; empty if there is none."""
    import numpy as np
    from gguf import GGML_QUANT_SIZES, dequantize

    for kind in sorted({tensor.tensor_type for tensor in reader.tensors}):
        try:
            dequantize(np.zeros((1, GGML_QUANT_SIZES[kind][1]), np.uint8), kind)
        except NotImplementedError:
            where = next(tensor.name for tensor in reader.tensors if tensor.tensor_type == kind)
            return f"tensor {where} of type {kind.name}"
    return ""
