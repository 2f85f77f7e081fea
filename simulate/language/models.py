"""Causal language models of the known architectures, from safetensors, checked before they are built.

Needs the extra `language`. What is loaded is the model of transformers itself; what is added is that nothing is taken
silently: every weight comes from the files, none from a random start, and the weights have a name, their sha256.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from simulate.runtime.byte_limit import require_bytes
from simulate.runtime.device import resolve_device

from .architectures import HEAD, Architecture
from .weight_files import FLOATING, Stored, file_digests, read_headers, read_object, read_tensors, tensor_digest

try:
    import transformers
    from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

    from .configurations import CONFIGURATION, read_configuration, require_sizes
    from .fingerprints import description_digest, fingerprint
    from .folders import TOKENIZER, find_folder
    from .progress import progress_if_long
    from .saving import require_as_saved
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"language models need the extra `language` ({error}); from the checkout: pip install -e '.[language]', "
        "or pip install 'distributional-associations-verified[language]'"
    ) from error

__all__ = ["LanguageModel", "find_folder", "identical_weights", "load_language_model"]

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
HEAD_WEIGHT = f"{HEAD}.weight"


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A causal language model and where it comes from.

    Attributes:
        model: the model of transformers, in evaluation mode, its parameters without gradient.   tokenizer: its own.
        name: the hub name or folder asked for.   revision: the revision asked for.
        files: sha256 of each weight file's bytes, by the file's name (what the hub lists).
        sha256: of the weights as stored, in whatever files; equal weights of equal types and names have equal ones.
        description: sha256 of configuration and tokenizer (`description_digest`).
    """

    model: PreTrainedModel = field(repr=False)
    tokenizer: PreTrainedTokenizerFast = field(repr=False)
    name: str
    revision: str | None
    files: dict[str, str]
    sha256: str
    description: str = ""

    @property
    def fingerprint(self) -> str:
        """sha256 of all that the answers depend on: weights, configuration, tokenizer."""
        return fingerprint(self.sha256, self.description)

    @property
    def label(self) -> str:
        """Name and revision, such as "EleutherAI/pythia-160m@step1000"."""
        return self.name if self.revision is None else f"{self.name}@{self.revision}"


def load_language_model(
    source: str | Path,
    revision: str | None = None,
    *,
    device: str = "cpu",
    dtype: str = "float32",
    cache_dir: str | Path | None = None,
) -> LanguageModel:
    """A language model and its tokenizer, from safetensors alone; code that comes with a model is never run.

    Args:
        source, revision, cache_dir: as for `find_folder`.
        device: "cpu", "cuda", "cuda:<index>" or "auto".
        dtype: "float32", "bfloat16" or "float16". Weights stored as float16 or bfloat16 are exact in float32.

    Raises:
        TypeError, ValueError, FileNotFoundError, PermissionError, ConnectionError: as for `find_folder` and
            `resolve_device`.
        ValueError: another dtype; a configuration of another architecture, or one that is none; pickles alone; weight
            files that are cut short, not the index's or not the hub's; tensors that the configuration's model lacks,
            has besides, or has in another shape; weights that are no floating-point numbers, not finite or beyond the
            dtype; a tokenizer or special tokens beyond the vocabulary; more than the memory holds.
        ValueError: a file of a folder of `save_model` that is not as it was saved.
        FileNotFoundError: no configuration, tokenizer or weights.
    """
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(DTYPES)}, got {dtype!r:.80}")
    place, kind = resolve_device(device), DTYPES[dtype]
    folder = find_folder(source, revision, cache_dir=cache_dir)
    architecture, config = read_configuration(folder)
    tokenizer = _tokenizer(folder, config)
    held = read_headers(folder)
    shapes = {_stable(architecture, name): stored.shape for name, stored in held.items()}
    require_sizes(folder / CONFIGURATION, architecture, config, shapes)
    weights = _matched(folder, architecture, _skeleton(folder, architecture, config), held)
    needed = kind.itemsize * sum(torch.Size(stored.shape).numel() for stored in weights.values())
    for where in {torch.device("cpu"), place}:
        require_bytes(f"weights of {folder} as {dtype}", needed, where, "use a smaller model or a shorter dtype")
    files = file_digests(sorted({stored.file for stored in held.values()}))
    require_as_saved(folder, files)
    sha256, description = tensor_digest(weights, kind), description_digest(folder)
    with progress_if_long(needed):
        model = _class(architecture).from_pretrained(
            folder, config=config, dtype=kind, use_safetensors=True, local_files_only=True
        )
    _require_loaded(architecture, model, weights, kind)
    model.requires_grad_(False).eval().to(place)
    return LanguageModel(model, tokenizer, str(source), revision, files, sha256, description)


def identical_weights(models: Iterable[LanguageModel]) -> list[tuple[str, ...]]:
    """Groups of models of different name or revision that have the same weights.

    Args:
        models: may be a generator; no model is kept.

    Returns:
        Per group of two or more its labels, such as ("EleutherAI/pythia-160m@step1000", …), in the order given.

    Raises:
        TypeError: anything else than language models.
    """
    if not isinstance(models, Iterable):
        raise TypeError(f"models must be several of type LanguageModel, got {type(models).__name__}")
    groups: dict[str, dict[str, None]] = {}
    for model in models:
        if not isinstance(model, LanguageModel):
            raise TypeError(f"models must be of type LanguageModel, got {type(model).__name__}")
        groups.setdefault(model.sha256, {})[model.label] = None
    return [tuple(labels) for labels in groups.values() if len(labels) > 1]


def _class(architecture: Architecture) -> Any:
    return getattr(transformers, architecture.name)


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a model's folder alone; raises as `load_language_model` does."""
    return _tokenizer(folder, read_configuration(folder)[1])


def _tokenizer(folder: Path, config: Any) -> Any:
    """The tokenizer of a folder, all its tokens within the vocabulary of the configuration."""
    path = folder / TOKENIZER
    read_object(path)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # transformers and tokenizers have many kinds
        raise ValueError(f"{path} must be a tokenizer that transformers knows: {_said(error)}") from error
    vocabulary = tokenizer.get_vocab()
    if not vocabulary:
        raise ValueError(f"tokenizer {path} must have tokens, it has none")
    token = max(vocabulary, key=lambda text: int(vocabulary[text]))
    if vocabulary[token] >= config.vocab_size:
        special = "special token" if token in tokenizer.all_special_tokens else "token"
        raise ValueError(
            f"tokenizer {path} must have ids in 0..vocab_size-1 = {config.vocab_size - 1}, its {special} {token!r} has "
            f"{vocabulary[token]}; it is of another model, or tokens were added to it"
        )
    return tokenizer


def _skeleton(folder: Path, architecture: Architecture, config: Any) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights that the configuration asks for; tied ones once. No memory is taken."""
    try:
        with torch.device("meta"):
            model = _class(architecture)(config)
    except Exception as error:  # sizes of the configuration that do not fit each other
        raise ValueError(f"{folder / CONFIGURATION} must describe a {architecture.name}: {_said(error)}") from error
    return {_stable(architecture, name): tuple(weight.shape) for name, weight in model.named_parameters()}


def _stable(architecture: Architecture, name: str) -> str:
    """The name of a weight in any version of transformers and of the files."""
    for pattern, replacement in architecture.renamed:
        name = re.sub(pattern, replacement, name)
    return name


def _matched(
    folder: Path, architecture: Architecture, expected: dict[str, tuple[int, ...]], held: dict[str, Stored]
) -> dict[str, Stored]:
    """What the files hold, by stable names and without computed buffers, if it is exactly what is expected."""
    stable = {name: _stable(architecture, name) for name in held}
    kept = {name: new for name, new in stable.items() if not re.search(architecture.computed + "$", new)}
    found = {new: held[name] for name, new in kept.items()}
    if HEAD_WEIGHT in found and HEAD_WEIGHT not in expected:
        _drop_tied_head(folder, architecture, found)
    wrong = [f"{name} is there twice" for name, new in kept.items() if name != new and new in held]
    wrong += [f"{name} is missing" for name in sorted(expected.keys() - found.keys())]
    wrong += [f"{name} is unexpected" for name in sorted(found.keys() - expected.keys())]
    for name in sorted(expected.keys() & found.keys()):
        if found[name].shape != expected[name]:
            wrong.append(f"{name} must have shape {expected[name]}, got {found[name].shape}")
        if found[name].dtype not in FLOATING:
            wrong.append(f"{name} must be of type {', '.join(FLOATING)}, got {found[name].dtype}")
    if wrong:
        more = f"; and {len(wrong) - 4} more" if len(wrong) > 4 else ""
        raise ValueError(
            f"weights of {folder} must be those of the {architecture.name} that its {CONFIGURATION} describes: "
            f"{'; '.join(wrong[:4])}{more}"
        )
    return found


def _drop_tied_head(folder: Path, architecture: Architecture, found: dict[str, Stored]) -> None:
    """Drop the head from what was found: the configuration ties it to the embedding, and it must be equal to it."""
    embedding = f"{architecture.embedding}.weight"
    tensors = dict(read_tensors({name: found[name] for name in (HEAD_WEIGHT, embedding) if name in found}))
    if not all(torch.equal(tensor, tensors[HEAD_WEIGHT]) for tensor in tensors.values()):
        raise ValueError(
            f"weights of {folder} must have {HEAD_WEIGHT} equal to the embedding, as its {CONFIGURATION} ties them "
            "(tie_word_embeddings); they differ"
        )
    del found[HEAD_WEIGHT]


def _require_loaded(architecture: Architecture, model: Any, weights: dict[str, Stored], dtype: torch.dtype) -> None:
    """RuntimeError unless every parameter is the tensor of the file, converted: none may come from a random start."""
    parameters = {_stable(architecture, name): parameter for name, parameter in model.named_parameters()}
    wrong = sorted(parameters.keys() ^ weights.keys())
    for name, tensor in [] if wrong else read_tensors(weights):
        if parameters[name].dtype != dtype or not torch.equal(parameters[name], tensor.to(dtype)):
            wrong.append(name)
    if wrong:
        version = transformers.__version__
        raise RuntimeError(f"transformers {version} must load all weights as the files have them, not so {wrong[0]}")


def _said(error: Exception) -> str:
    """What an error of transformers says, on one line."""
    return " ".join(str(error).split())[:300]
