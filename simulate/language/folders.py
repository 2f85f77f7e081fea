"""Where the files of a language model lie: a folder of this machine, the hub's cache, or the hub itself."""

import os
from pathlib import Path
from typing import NoReturn

from huggingface_hub import HfApi, snapshot_download, try_to_load_from_cache
from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError comes from httpx or its successor
    GatedRepoError,
    HFValidationError,
    HTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from .configurations import CONFIGURATION
from .gguf_files import converted_folder
from .pretrained import PRETRAINED, pretrained_folder
from .weight_files import pickles, refuse_pickles, weight_paths

TOKENIZER = "tokenizer.json"
FETCHED = ["*.safetensors", "*.json", "tokenizer*", "merges.txt", "vocab.txt", "special_tokens*"]
NOT_FETCHED = ["*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.h5", "*.msgpack", "*.onnx", "*.gguf", "*.py"]


def find_folder(source: str | Path, revision: str | None = None, *, cache_dir: str | Path | None = None) -> Path:
    """The folder with the files of a language model.

    A folder of this machine is taken as it is, a file *.gguf is dequantised once into a folder of the user's cache, a
    name of `pretrained.PRETRAINED` stands for its folder there. A hub name is looked up in the hub's cache, without any
    network; only if the cache lacks the configuration, the tokenizer or the weights are they fetched from the hub into
    the cache, and of weights only safetensors.

    Args:
        source: a folder, a file *.gguf, "smollm2", or a hub name such as "EleutherAI/pythia-160m".
        revision: branch, tag or commit at the hub, such as "step1000"; None is its main branch. Not for a folder.
        cache_dir: the hub's cache; None is that of huggingface_hub (environment variable HF_HUB_CACHE).

    Raises:
        TypeError: source, revision or cache_dir of another type.
        ValueError: a revision of a folder, a source that is neither a folder nor a hub name, a revision that the hub
            does not have, or pickles alone.
        FileNotFoundError: no such folder, no such model at the hub, or one without configuration, tokenizer or weights.
        PermissionError: the hub asks for permission.   ConnectionError: not in the cache, and the hub is not reached.
    """
    _check_types(source, revision, cache_dir)
    folder = Path(os.path.expanduser(source))
    if not folder.exists() and str(source) in PRETRAINED:
        _refuse_revision(revision, f"pretrained model {source}")
        return _pretrained(str(source))
    if folder.suffix == ".gguf" and not folder.is_dir():
        if not folder.is_file():
            raise FileNotFoundError(f"source must be a GGUF file that exists, there is none at {folder}")
        _refuse_revision(revision, f"file {folder}")
        return converted_folder(folder)
    if folder.is_dir():
        _refuse_revision(revision, f"folder {folder}")
        if missing := _missing(folder):
            raise FileNotFoundError(missing)
        return folder
    name = _as_hub_name(source, folder)
    cached = _cached(name, revision, cache_dir)
    lacks = "nothing of it is there" if cached is None else _lack(cached)
    if cached is not None and not lacks:
        return cached
    fetched = _fetched(name, revision, cache_dir, lacks)
    lacks = _lack(fetched)
    if lacks:
        raise FileNotFoundError(f"hub model {_at(name, revision)} must hold all it needs: {lacks}")
    return fetched


def _refuse_revision(revision: str | None, what: str) -> None:
    if revision is not None:
        raise ValueError(
            f"revision must be None for a folder or file, which has no revisions, got {revision!r} for {what}; "
            "pass the folder of that revision, or a hub name that is no folder here"
        )


def _pretrained(name: str) -> Path:
    found = pretrained_folder(name)
    if found is None:
        raise FileNotFoundError(f"weights of {name} must be in the cache, they are not: paper-checks weights {name}")
    return found


def _check_types(source: object, revision: object, cache_dir: object) -> None:
    if not isinstance(source, str | Path):
        raise TypeError(f"source must be a folder or a hub name, got {source!r:.80} ({type(source).__name__})")
    if not isinstance(revision, str | None):
        raise TypeError(f"revision must be a string or None, got {revision!r:.80} ({type(revision).__name__})")
    if not isinstance(cache_dir, str | Path | None):
        raise TypeError(f"cache_dir must be a folder or None, got {cache_dir!r:.80} ({type(cache_dir).__name__})")
    if source == "" or revision == "":
        raise ValueError(f"source and revision must not be empty, got source {source!r} and revision {revision!r}")


def _as_hub_name(source: str | Path, folder: Path) -> str:
    """`source` if it can be a name at the hub, "organisation/name" or "name"; else it was meant as a folder."""
    name = str(source)
    if folder.is_file():
        raise NotADirectoryError(f"source must be a folder or a hub name, got the file {folder}; pass its folder")
    if isinstance(source, Path) or name.startswith((".", os.sep, "~")) or name.endswith(os.sep) or name.count("/") > 1:
        raise FileNotFoundError(f"source must be a folder that exists or a hub name, there is no folder {folder}")
    return name


def _cached(name: str, revision: str | None, cache_dir: str | Path | None) -> Path | None:
    """The snapshot in the cache, whole or not, without any network; None if there is none."""
    try:
        found = try_to_load_from_cache(name, CONFIGURATION, cache_dir=cache_dir, revision=revision)
    except HFValidationError as error:
        raise ValueError(f"source must be a folder that exists or a hub name, got {name!r}: {error}") from error
    return Path(found).parent if isinstance(found, str) else None


def _lack(folder: Path) -> str:
    """What a folder lacks of configuration, tokenizer and weights, in words; empty if nothing."""
    if missing := _missing(folder):
        return missing
    try:
        weight_paths(folder)
    except (FileNotFoundError, ValueError) as error:
        return str(error)
    return ""


def _missing(folder: Path) -> str:
    names = [name for name in (CONFIGURATION, TOKENIZER) if not (folder / name).is_file()]
    return f"folder {folder} must hold {' and '.join(names)}, and does not" if names else ""


def _fetched(name: str, revision: str | None, cache_dir: str | Path | None, lacks: str) -> Path:
    """The snapshot after it was fetched from the hub, the files of `FETCHED` alone."""
    try:
        listed = HfApi().model_info(name, revision=revision).siblings or []
        names = [file.rfilename for file in listed]
        if pickles(names) and not any(name.endswith(".safetensors") for name in names):
            refuse_pickles(f"hub model {_at(name, revision)}", pickles(names))
        return Path(
            snapshot_download(
                name, revision=revision, cache_dir=cache_dir, allow_patterns=FETCHED, ignore_patterns=NOT_FETCHED
            )
        )
    except (HTTPError, ConnectionError, TimeoutError, FileNotFoundError) as error:
        _explain(error, name, revision, lacks)


def _explain(error: Exception, name: str, revision: str | None, lacks: str) -> NoReturn:
    """Raise what an error of the hub means, and what to do."""
    if isinstance(error, GatedRepoError):
        raise PermissionError(
            f"hub model {name} asks for permission: ask for it on its page, then `hf auth login`"
        ) from error
    if isinstance(error, RevisionNotFoundError):
        raise ValueError(f"revision must be one that the hub has of {name}, got {revision!r}") from error
    if isinstance(error, RepositoryNotFoundError):
        raise FileNotFoundError(
            f"source must be a folder that exists or a hub name, {name!r} is neither; for a private model, "
            "`hf auth login`"
        ) from error
    command = f"hf download {name}" + ("" if revision is None else f" --revision {revision}")
    raise ConnectionError(
        f"{_at(name, revision)} is not whole in the hub's cache ({lacks}) and the hub is not reached "
        f"({type(error).__name__}); where there is a network, run `{command}`, or pass a folder"
    ) from error


def _at(name: str, revision: str | None) -> str:
    return name if revision is None else f"{name}@{revision}"
