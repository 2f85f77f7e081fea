"""Tiny GGUF files of random models, written with the package gguf as llama.cpp's converters lay them out."""

from pathlib import Path

import gguf
import numpy as np
import torch
import transformers
from tokenizers.pre_tokenizers import ByteLevel

HEADS, LAYERS = 2, 2
SPECIAL, UNUSED = ["<|end|>", "<s>", "<unk>", "<mask>"], [f"[PAD{number}]" for number in range(4)]
TOKENS = [*SPECIAL, *sorted(ByteLevel.alphabet()), "ab", "Ġa", *UNUSED]
MERGES = ["a b", "Ġ a"]
PIECES = [*SPECIAL, *(f"<0x{number:02X}>" for number in range(256)), "▁", "a", "b", "▁a", "ab", "▁ab"]
START, END, UNKNOWN = 1, 0, 2
SIZES = {
    "vocab_size": len(TOKENS), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS, "max_position_embeddings": 64,
    "bos_token_id": START, "eos_token_id": END, "pad_token_id": None,
}  # fmt: skip
GROUPED = {"num_key_value_heads": 1, "rms_norm_eps": 1e-5}
MODELS = {
    "llama": ("LlamaForCausalLM", GROUPED | {"tie_word_embeddings": True, "rope_theta": 5000.0}),
    "qwen2": ("Qwen2ForCausalLM", GROUPED),
    "qwen3": ("Qwen3ForCausalLM", GROUPED | {"head_dim": 128}),
    "phi3": ("Phi3ForCausalLM", GROUPED),
    "gpt2": ("GPT2LMHeadModel", {"n_inner": None, "max_position_embeddings": 1024}),
    "gemma2": ("Gemma2ForCausalLM", GROUPED | {"head_dim": 256, "query_pre_attn_scalar": 256}),
    "gemma3": ("Gemma3ForCausalLM", GROUPED | {"head_dim": 256, "query_pre_attn_scalar": 256}),
}  # fmt: skip
"""A GGUF's general.architecture -> class of transformers, and what its configuration has besides SIZES."""
TRANSPOSED = ("attn_qkv.weight", "attn_output.weight", "ffn_up.weight", "ffn_down.weight")


def random_model(architecture: str, seed: int = 0):
    """A model with weights of all sizes, also those that a fresh one has at 0 or 1."""
    name, more = MODELS[architecture]
    sizes = SIZES | more
    if architecture == "gpt2":
        del sizes["intermediate_size"]
        sizes["n_inner"] = None
    model = getattr(transformers, name)(getattr(transformers, name).config_class(**sizes)).eval()
    draws = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=draws) / 4)
    return model


def _permuted(weight: np.ndarray, heads: int) -> np.ndarray:
    """Rows of queries and keys in llama.cpp's order: pairs that are rotated together stand side by side."""
    halves = weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return halves.swapaxes(1, 2).reshape(weight.shape)


def tensors_of(architecture: str, model) -> dict[str, np.ndarray]:
    """Names and values of a model's weights as a GGUF has them."""
    known = next(key for key, value in gguf.MODEL_ARCH_NAMES.items() if value == architecture)
    names = gguf.get_tensor_name_map(known, LAYERS)
    found = {}
    for name, weight in model.named_parameters():
        stem, _, kind = name.rpartition(".")
        new, values = f"{names.get_name(stem)}.{kind}", weight.detach().numpy()
        if architecture == "llama" and ".attn_q." in new:
            values = _permuted(values, HEADS)
        if architecture == "llama" and ".attn_k." in new:
            values = _permuted(values, 1)
        if architecture == "gpt2" and new.endswith(TRANSPOSED):
            values = values.T
        if architecture.startswith("gemma") and new.endswith("norm.weight"):
            values = values + 1
        found[new] = np.ascontiguousarray(values)
    return found


def _add_tokens(writer, architecture: str, pieces: bool) -> None:
    """Of bytes, or pieces of SentencePiece with bytes for what is unknown."""
    normal, control, unused, byte = 1, 3, 5, 6
    if pieces:
        writer.add_tokenizer_model("llama")
        writer.add_token_list(PIECES)
        writer.add_token_scores([0.0] * 260 + [-float(number) for number in range(6)])
        writer.add_token_types([control] * 4 + [byte] * 256 + [normal] * 6)
        return
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2" if architecture.startswith("qwen") else "gpt-2")
    writer.add_token_list(TOKENS)
    writer.add_token_types([control] * 4 + [normal] * 258 + [unused] * 4)
    writer.add_token_merges(MERGES)


def write_gguf(
    path: Path,
    architecture: str = "llama",
    *,
    said: str | None = None,
    kinds=None,
    tensors=None,
    raw=None,
    pieces: bool = False,
    template: str | None = None,
    more=None,
    seed: int = 0,
) -> Path:
    """A whole GGUF file, with a tokenizer of bytes.

    Args:
        said: general.architecture, if another.   kinds: type of a tensor by its name, if other than float32.
        tensors: in place of the random model's.   raw: the type, if their bytes are of one.
        pieces: of SentencePiece, in place of bytes.   template: of chats.   more: called with the writer at last.
    """
    model = random_model(architecture, seed)
    config = model.config
    writer = gguf.GGUFWriter(path, architecture if said is None else said)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(64)
    writer.add_head_count(HEADS)
    if architecture == "gpt2":
        writer.add_layer_norm_eps(config.layer_norm_epsilon)
    else:
        head = getattr(config, "head_dim", None) or config.hidden_size // HEADS
        writer.add_head_count_kv(1)
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
        writer.add_rope_dimension_count(head)
        writer.add_key_length(head)
        writer.add_value_length(head)
        theta = config.rope_parameters
        writer.add_rope_freq_base((theta.get("full_attention") or theta)["rope_theta"])
    _add_tokens(writer, architecture, pieces)
    writer.add_bos_token_id(START)
    writer.add_eos_token_id(END)
    writer.add_unk_token_id(UNKNOWN)
    writer.add_pad_token_id(END)
    if template is not None:
        writer.add_chat_template(template)
    if more is not None:
        more(writer)
    for name, values in (tensors_of(architecture, model) if tensors is None else tensors).items():
        kind = (kinds or {}).get(name)
        if kind is None:
            writer.add_tensor(name, values, raw_dtype=raw)
        else:
            writer.add_tensor(name, gguf.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def held(cache):
    """What is in the cache but for locks."""
    return sorted(path.name for path in cache.glob("*") if path.suffix != ".lock") if cache.exists() else []


def llama():
    """Names and values of the tiny Llama's tensors."""
    return tensors_of("llama", random_model("llama"))
