"""What a model is besides its weights, as one digest: its configuration and its tokenizer, as they are read."""

import hashlib
import json
from pathlib import Path

from simulate.runtime.plain_json import parsed

from .configurations import CONFIGURATION, meaning
from .weight_files import read_object

TOKENIZERS = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
    "merges.txt", "vocab.txt", "tokenizer.model",
)  # fmt: skip
"""Files of which transformers makes a tokenizer."""


def description_digest(folder: Path) -> str:
    """sha256 over config.json, without the keys that no model reads, and the tokenizer's files that are there.

    JSON counts by what it says, not by its spaces and the order of its keys.

    Raises:
        FileNotFoundError: there is no config.json.
        ValueError: a file *.json that is no JSON.
    """
    digest = hashlib.sha256(_canonical(meaning(read_object(folder / CONFIGURATION))))
    for name in TOKENIZERS:
        path = folder / name
        if path.is_file():
            content = path.read_bytes()
            if name.endswith(".json"):
                try:
                    content = _canonical(parsed(content))
                except ValueError as error:
                    raise ValueError(f"{path} must be JSON: {error}") from error
            digest.update(f"\n{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def fingerprint(weights: str, description: str) -> str:
    """sha256 over the digests of the weights and of what describes them."""
    return hashlib.sha256(f"{weights} {description}\n".encode()).hexdigest()


def _canonical(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
