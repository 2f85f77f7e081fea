"""Folders with tiny random language models, as the hub has them, for the tests of loading."""

import hashlib
import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPTNeoXForCausalLM, LlamaForCausalLM, Phi3ForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

VOCABULARY, WIDTH, INNER = 29, 24, 17
SIZES = {
    "vocab_size": VOCABULARY, "hidden_size": WIDTH, "intermediate_size": INNER, "num_hidden_layers": 2,
    "num_attention_heads": 3, "max_position_embeddings": 31, "bos_token_id": 1, "eos_token_id": 0, "pad_token_id": None,
}  # fmt: skip
KINDS = {
    "neox": (GPTNeoXForCausalLM, {"rotary_pct": 0.25, "use_parallel_residual": True}),
    "llama": (LlamaForCausalLM, {"num_key_value_heads": 1}),
    "phi3": (Phi3ForCausalLM, {"num_key_value_heads": 1}),
    "tied llama": (LlamaForCausalLM, {"num_key_value_heads": 1, "tie_word_embeddings": True}),
    "tied neox": (GPTNeoXForCausalLM, {"tie_word_embeddings": True}),
}
WORDS = [f"w{number}" for number in range(3, 23)]


def tiny_model(kind, seed=0):
    """A model with weights of all sizes, also those that a fresh model has at 0 or 1."""
    model_class, more = KINDS[kind]
    model = model_class(model_class.config_class(**SIZES, **more))
    draws = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=draws) / 3)
    return model


def tiny_tokenizer(words=WORDS):
    vocabulary = {word: number for number, word in enumerate(["<|end|>", "<s>", "<unk>", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>", bos_token="<s>", unk_token="<unk>")


def written(folder, kind="neox", *, seed=0, dtype=torch.float32, shard="5GB"):
    """The folder, with a model and its tokenizer."""
    tiny_model(kind, seed).to(dtype).save_pretrained(folder, max_shard_size=shard)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def changed_json(path, **changes):
    """Change entries of a JSON file; None leaves one out."""
    entries = json.loads(path.read_text()) | changes
    left_out = [name for name, value in changes.items() if value is None]
    path.write_text(json.dumps({name: value for name, value in entries.items() if name not in left_out}))


def changed_weights(folder, change, file="model.safetensors"):
    """Change the dictionary of tensors of a weight file in place; the file is written anew."""
    tensors = load_file(folder / file)
    change(tensors)
    save_file(tensors, folder / file, {"format": "pt"})


COMMIT = "0123456789abcdef0123456789abcdef01234567"


def cached(cache, folder, name="org/tiny", revision="step1000", commit=COMMIT):
    """The files of a folder in the layout of the hub's cache: a reference, and a snapshot of links to blobs."""
    place = cache / f"models--{name.replace('/', '--')}"
    snapshot = place / "snapshots" / commit
    for part in (place / "refs", place / "blobs", snapshot):
        part.mkdir(parents=True, exist_ok=True)
    (place / "refs" / revision).write_text(commit)
    for path in folder.iterdir():
        blob = place / "blobs" / hashlib.sha256(path.read_bytes()).hexdigest()
        blob.write_bytes(path.read_bytes())
        if not (snapshot / path.name).is_symlink():
            (snapshot / path.name).symlink_to(Path("..", "..", "blobs", blob.name))
    return snapshot


def forbid_building(monkeypatch):
    """From here on, building a model from weights fails."""

    def fail(*arguments, **options):
        raise AssertionError("a model was built")

    monkeypatch.setattr(PreTrainedModel, "from_pretrained", fail)
