"""What the options of a run of P name: checkpoints of a model, files of results."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

LANGUAGE_PACKAGES = ("huggingface_hub", "tokenizers", "transformers")
"""What the extra `language` installs."""


def has_language() -> bool:
    """Whether the packages of the extra are there; they are not imported, which takes a while."""
    return all(find_spec(name) is not None for name in LANGUAGE_PACKAGES)


def require_packages() -> None:
    """Before jobs that need them: ModuleNotFoundError, which says what to install, where one is missing."""
    if any(find_spec(name) is None for name in LANGUAGE_PACKAGES):
        import_module("simulate.language.models")


def checkpoint_source(model: str, named: str) -> tuple[str, str | None]:
    """Where a checkpoint lies that --checkpoints names: a folder, or a revision of the model."""
    return (named, None) if Path(named).is_dir() else (model, named)


def gsm8k_files(given: str) -> tuple[Path, Path]:
    """The two files that --gsm8k names.

    Raises:
        ValueError: not two.
    """
    paths = given.split(",")
    if len(paths) != 2 or not all(paths):
        raise ValueError(f"--gsm8k must be two files, BASELINE.json,LASER.json, got {given!r}")
    return Path(paths[0]), Path(paths[1])
