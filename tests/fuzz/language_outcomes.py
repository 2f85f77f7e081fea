"""What was counted of changed files of language models, for the record of a run with --trust-full --record-trust."""

from collections import Counter

REFUSED, AS_BEFORE, SHOWN = "refused", "same answer", "another answer, another fingerprint"
CHANGED, OBSCURE = "another answer, same fingerprint", "obscure"
OUTCOMES = REFUSED, AS_BEFORE, SHOWN, CHANGED, OBSCURE
FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors", "it.gguf")
COUNTED: Counter[tuple[str, str]] = Counter()
"""By file and outcome."""
WHAT = (
    "Files of small language models (config.json, the tokenizer's, safetensors, GGUF), with one or two changes each: "
    "refused by name, read with the same answer bit for bit, or with another one under another fingerprint."
)
COMMAND = "pytest tests/fuzz/test_language_readers.py --trust-full --record-trust"
