"""Names: of what comparisons are of, in words, and what the options of a run of P name (checkpoints, files)."""

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_SYMBOLS = {"alpha": "α", "trigger": "q"}
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LANGUAGE_PACKAGES = ("gguf", "huggingface_hub", "tokenizers", "transformers")
"""What the extra `language` installs."""


def in_words(value: Any, digits: int = 6) -> str:
    """What a comparison is of, in its name: a task or a case as "N = 7, T = 5, α = 3/4, q = 4", a float in so many
    digits, 10⁶ and not 1e+06, several words as "c and k", anything else as it is printed."""
    if isinstance(value, float):
        size, _, exponent = f"{value:.{digits}g}".partition("e")
        return f"{size}·10{str(int(exponent)).translate(_RAISED)}".removeprefix("1·") if exponent else size
    if is_dataclass(value):
        parts = ((_SYMBOLS.get(one.name, one.name), in_words(getattr(value, one.name))) for one in fields(value))
        return ", ".join(f"{name}{' = ' if len(name) == 1 else ' '}{part}" for name, part in parts)
    return " and ".join(value) if isinstance(value, Iterable) and not isinstance(value, str) else str(value)


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
