"""GGUF files as folders: the same logits, the same tokens, numbers by hand, and whatever is wrong refused by name."""

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import torch

pytest.importorskip("transformers", reason="the extra `language` is not installed")

import gguf
from gguf import GGMLQuantizationType as Kind
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from simulate.language import gguf_files, gguf_header, saving
from simulate.language.gguf_files import converted_folder, require_space
from simulate.language.models import load_language_model
from tests.oracles.gguf_models import END, MODELS, START, TOKENS, random_model, tensors_of, write_gguf
from tests.places import ROOT

WEIGHTS = "model.safetensors"
DOWN, NORM = "blk.1.ffn_down.weight", "blk.0.attn_norm.weight"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The folder of weights; it is not there yet."""
    monkeypatch.setenv(gguf_files.FOLDER, str(tmp_path / "cache" / "weights"))
    return tmp_path / "cache" / "weights"


def held(cache):
    """What is in the cache but for locks."""
    return sorted(path.name for path in cache.glob("*") if path.suffix != ".lock") if cache.exists() else []


def llama():
    """Names and values of the tiny Llama's tensors."""
    return tensors_of("llama", random_model("llama"))


@pytest.mark.parametrize("architecture", MODELS)
def test_the_model_is_that_of_the_file(architecture, tmp_path):
    """Against the model that was written: order of rows that are rotated, transposed weights, norms of Gemma."""
    loaded = load_language_model(write_gguf(tmp_path / "it.gguf", architecture))
    wanted, tokens = random_model(architecture), torch.tensor([[START, 5, 7, 100, 200, 33, 8, 9, 44]])
    assert type(loaded.model) is type(wanted) and torch.equal(loaded.model(tokens).logits, wanted(tokens).logits)
    config = loaded.model.config
    assert (config.bos_token_id, config.eos_token_id, config.vocab_size) == (START, END, len(TOKENS))
    assert (loaded.tokenizer.bos_token_id, loaded.tokenizer.eos_token_id) == (START, END)


def test_plain_transformers_reads_the_folder(tmp_path, cache):
    folder = converted_folder(write_gguf(tmp_path / "it.gguf"))
    assert folder.parent == cache and folder.name.startswith("it-") and held(cache) == [folder.name]
    told = json.loads((folder / "config.json").read_text())
    assert "quantization_config" not in told and str(tmp_path) not in (folder / "tokenizer_config.json").read_text()
    model, tokens = AutoModelForCausalLM.from_pretrained(folder), torch.tensor([[1, 5, 7]])
    assert torch.equal(model(tokens).logits, random_model("llama")(tokens).logits)


@pytest.mark.parametrize("pieces", [False, True], ids=["bytes", "pieces"])
@pytest.mark.parametrize("architecture", ["llama", "phi3", "gpt2", "gemma3"])
def test_the_tokenizer_is_that_of_the_file(architecture, pieces, tmp_path):
    """Classes of transformers rebuild it, and add tokens of their own beyond the vocabulary."""
    path = write_gguf(tmp_path / "it.gguf", architecture, pieces=pieces)
    wanted = AutoTokenizer.from_pretrained(tmp_path, gguf_file=path.name)
    found = AutoTokenizer.from_pretrained(converted_folder(path))
    for text in ("ab a cd", "  ab  a\n", "<s>ab 1234 it's é"):
        for special in (True, False):
            assert (
                found(text, add_special_tokens=special).input_ids == wanted(text, add_special_tokens=special).input_ids
            )
    assert max(wanted.get_vocab().values()) >= len(TOKENS) > max(found.get_vocab().values())


def test_a_tokenizer_that_would_be_another_one_is_refused(tmp_path, cache):
    path = write_gguf(tmp_path / "it.gguf", "qwen2", pieces=True)
    with pytest.raises(ValueError, match=r"it\.gguf must have a tokenizer .* another pre_tokenizer there"):
        converted_folder(path)
    assert held(cache) == []


def by_hand(packed, kind):
    """The numbers in blocks of 32, in float32."""
    size = {Kind.Q4_1: 20, Kind.Q8_0: 34}[kind]
    blocks = packed.reshape(-1, size)
    scale = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    if kind == Kind.Q8_0:
        return scale * blocks[:, 2:].copy().view(np.int8).astype(np.float32)
    least = blocks[:, 2:4].copy().view(np.float16).astype(np.float32)
    quarters = np.concatenate([blocks[:, 4:] & 15, blocks[:, 4:] >> 4], axis=1)
    return scale * quarters.astype(np.float32) + least


@pytest.mark.parametrize("kind", [Kind.Q4_1, Kind.Q8_0], ids=lambda kind: kind.name)
def test_numbers_in_few_bits_are_those_of_the_blocks(kind, tmp_path):
    path = write_gguf(tmp_path / "it.gguf", kinds={DOWN: kind})
    packed = gguf.quantize(llama()[DOWN], kind)
    found = load_file(converted_folder(path) / WEIGHTS)["model.layers.1.mlp.down_proj.weight"]
    assert found.dtype == torch.float32 and np.array_equal(found.numpy(), by_hand(packed, kind).reshape(found.shape))
    assert not np.array_equal(found.numpy(), llama()[DOWN])


@pytest.mark.parametrize(
    "kind,kept", [(Kind.F16, torch.float16), (Kind.BF16, torch.bfloat16), (Kind.F32, torch.float32)], ids=str
)
def test_the_smallest_type_that_has_all_numbers_is_stored(kind, kept, tmp_path):
    """Matrices in 16 bits, norms in 32 as llama.cpp writes them; of a model trained in 16 bits these are exact too."""
    rounded = {name: torch.tensor(values).to(kept).float().numpy() for name, values in llama().items()}
    kinds = {name: kind for name in rounded if rounded[name].ndim == 2}
    folder = converted_folder(write_gguf(tmp_path / "it.gguf", tensors=rounded, kinds=kinds))
    assert {weight.dtype for weight in load_file(folder / WEIGHTS).values()} == {kept}
    rounded[NORM] = llama()[NORM]
    folder = converted_folder(write_gguf(tmp_path / "other.gguf", tensors=rounded, kinds=kinds))
    found = load_file(folder / WEIGHTS)["model.layers.0.input_layernorm.weight"]
    assert found.dtype == torch.float32 and np.array_equal(found.numpy(), llama()[NORM])


def test_a_file_is_converted_once(tmp_path, monkeypatch, cache):
    path = write_gguf(tmp_path / "it.gguf")
    first = load_language_model(path)
    monkeypatch.setattr(gguf_files, "convert", lambda *_: pytest.fail("converted again"))
    assert load_language_model(path).sha256 == first.sha256 and len(held(cache)) == 1
    monkeypatch.undo()
    monkeypatch.setenv(gguf_files.FOLDER, str(cache))
    other = load_language_model(write_gguf(path, seed=1))  # under the same name
    assert other.sha256 != first.sha256 and len(held(cache)) == 2


@pytest.mark.parametrize("harm", ["shorter", "gone", "manifest"])
def test_a_folder_that_is_not_whole_is_made_again(harm, tmp_path, cache):
    path = write_gguf(tmp_path / "it.gguf")
    folder = converted_folder(path)
    before = (folder / WEIGHTS).read_bytes()
    if harm == "shorter":
        os.truncate(folder / WEIGHTS, 1000)
    elif harm == "gone":
        (folder / "tokenizer.json").unlink()
    else:
        (folder / gguf_files.SOURCE).write_text("{")
    assert converted_folder(path) == folder and (folder / WEIGHTS).read_bytes() == before
    assert held(cache) == [folder.name]


def no_tensor(tensors):
    del tensors[DOWN]


def bias(tensors):
    tensors["blk.0.attn_q.bias"] = np.ones(32, np.float32)


def other_shape(tensors):
    tensors[DOWN] = tensors[DOWN][:, :32].copy()


def rotations(tensors):
    tensors["rope_freqs.weight"] = np.ones(8, np.float32)


WRONG_TENSORS = {
    no_tensor: r"have all weights of a LlamaForCausalLM, it lacks model\.layers\.1\.mlp\.down_proj\.weight",
    bias: r"have the \d+ weights of a LlamaForCausalLM of its sizes and no others, it has \d+",
    other_shape: r"be a GGUF that transformers reads as LlamaForCausalLM",
    rotations: r"it has tensor rope_freqs\.weight",
}


@pytest.mark.parametrize("change", WRONG_TENSORS, ids=lambda change: change.__name__)
def test_tensors_that_would_be_random_or_left_out_are_refused(change, tmp_path, cache):
    tensors = llama()
    change(tensors)
    path = write_gguf(tmp_path / "it.gguf", tensors=tensors)
    with pytest.raises(ValueError, match=rf"it\.gguf must .*{WRONG_TENSORS[change]}"):
        converted_folder(path)
    assert held(cache) == []


SAID = {
    "scaled": (lambda writer: writer.add_rope_scaling_type(gguf.RopeScalingType.YARN), r"rope\.scaling\.type 'yarn'"),
    "parts": (lambda writer: writer.add_uint16("split.count", 3), r"3 parts \(split\.count\).*merge them"),
}


@pytest.mark.parametrize("more", SAID)
def test_what_is_not_read_is_refused(more, tmp_path, cache):
    path = write_gguf(tmp_path / "it.gguf", more=SAID[more][0])
    with pytest.raises(ValueError, match=rf"it\.gguf must have what transformers reads .*{SAID[more][1]}"):
        converted_folder(path)
    assert held(cache) == []


@pytest.mark.parametrize("architecture", ["mistral", "mamba", "__import__"])
def test_another_architecture_is_refused_by_name(architecture, tmp_path, cache):
    path = write_gguf(tmp_path / "it.gguf", said=architecture)
    known = "llama, qwen2, qwen3, phi3, gpt2, gemma2, gemma3"
    with pytest.raises(ValueError, match=rf"it\.gguf must have general\.architecture of {known}, got '{architecture}'"):
        converted_folder(path)
    assert held(cache) == []


def test_heads_of_gemma_of_another_size_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(gguf_header, "GEMMA_HEAD", 128)
    with pytest.raises(ValueError, match=r"gemma2\.attention\.key_length 256, not 128"):
        converted_folder(write_gguf(tmp_path / "it.gguf", "gemma2"))


def test_a_type_that_cannot_be_dequantised_is_refused_by_name(tmp_path, cache):
    size = gguf.GGML_QUANT_SIZES[Kind.Q8_K][1]
    blocks = {"token_embd.weight": np.zeros((4, size), np.uint8)}
    path = write_gguf(tmp_path / "it.gguf", tensors=blocks, raw=Kind.Q8_K)
    with pytest.raises(ValueError, match=r"it\.gguf .* it has tensor token_embd\.weight of type Q8_K"):
        converted_folder(path)
    assert held(cache) == []


def magic(content):
    return b"GGML" + content[4:]


def version(content):
    return content[:4] + b"\x09" + content[5:]


def unknown_type(content):
    """The type of the first tensor, which follows its name, the number of dimensions and these."""
    place = content.index(b"token_embd.weight") + len(b"token_embd.weight") + 4 + 16
    return content[:place] + b"\xc8" + content[place + 1 :]


BROKEN = {
    "empty": (lambda content: b"", r"begins with b'GGUF', got b''"),
    "magic": (magic, r"begins with b'GGUF', got b'GGML'"),
    "version": (version, "whole GGUF file .*version 9"),
    "header cut": (lambda content: content[:500], "whole GGUF file .*fetch it again"),
    "names cut": (lambda content: content[: content.index(b"blk.1.ffn")], "whole GGUF file .*fetch it again"),
    "tensors cut": (lambda content: content[:-100], "whole GGUF file .*fetch it again"),
    "unknown type": (unknown_type, "whole GGUF file of known types.*200.* is not a valid GGMLQuantizationType"),
    "web page": (lambda content: b"<!doctype html>", "begins with b'GGUF', got b'<!do'"),
}


@pytest.mark.parametrize("harm", BROKEN)
def test_a_broken_file_is_refused_by_name(harm, tmp_path, cache):
    path = write_gguf(tmp_path / "it.gguf")
    path.write_bytes(BROKEN[harm][0](path.read_bytes()))
    with pytest.raises(ValueError, match=rf"it\.gguf must be a.*{BROKEN[harm][1]}") as refusal:
        load_language_model(path)
    assert "\n" not in str(refusal.value) and held(cache) == []


def test_a_file_that_is_not_there_is_not_looked_for_at_the_hub(tmp_path):
    for source in (tmp_path / "it.gguf", "it.gguf", "org/it.gguf"):
        with pytest.raises(
            FileNotFoundError, match=r"source must be a GGUF file that exists, there is none at .*it\.gguf"
        ):
            load_language_model(source)
    path = write_gguf(tmp_path / "it.gguf")
    with pytest.raises(ValueError, match="revision must be None for a folder or file"):
        load_language_model(path, "main")


def test_neighbours_of_a_file_are_not_read(tmp_path):
    """A folder of downloads may hold anything; a configuration beside the file named code to be run."""
    path = write_gguf(tmp_path / "it.gguf")
    ran = tmp_path / "ran"
    (tmp_path / "evil.py").write_text(f"open({str(ran)!r}, 'w')\n")
    told = {"auto_map": {"AutoConfig": "evil.A", "AutoTokenizer": ["evil.A", "evil.A"]}, "tokenizer_class": "A"}
    for name in ("config.json", "tokenizer_config.json", "generation_config.json", "special_tokens_map.json"):
        (tmp_path / name).write_text(json.dumps(told | {"model_type": "gpt2", "bos_token": "<mask>"}))
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04cos\nsystem\n(S'touch " + bytes(ran) + b"'\ntR.")
    (tmp_path / "chat_template.jinja").write_text("{{ 1 }}")
    loaded = load_language_model(path)
    assert loaded.tokenizer.bos_token == "<s>" and loaded.tokenizer.chat_template is None and not ran.exists()


EVIL = "{{ cycler.__init__.__globals__.os.system('touch RAN') }}{{ ''.__class__.__mro__[1].__subclasses__() }}"


def test_a_template_that_runs_code_is_kept_as_text_and_not_rendered(tmp_path, monkeypatch):
    jinja = pytest.importorskip("jinja2", reason="templates need jinja2")
    template, ran = EVIL.replace("RAN", str(tmp_path / "ran")), tmp_path / "ran"
    path = write_gguf(tmp_path / "it.gguf", template=template)
    with monkeypatch.context() as patch:
        patch.setattr(jinja.Environment, "from_string", lambda *_: pytest.fail("a template was compiled"))
        patch.setattr(jinja.Environment, "compile", lambda *_: pytest.fail("a template was compiled"))
        loaded = load_language_model(path)
        assert loaded.tokenizer("ab").input_ids and loaded.tokenizer.chat_template == template
    with pytest.raises(jinja.exceptions.SecurityError):  # transformers' own sandbox, if someone asks for it
        loaded.tokenizer.apply_chat_template([{"role": "user", "content": "a"}])
    assert not ran.exists()


def test_a_disk_with_too_little_room_is_seen_before_the_weights_are_read(tmp_path, monkeypatch, cache):
    path = write_gguf(tmp_path / "it.gguf")
    monkeypatch.setattr(gguf_files.shutil, "disk_usage", lambda _: SimpleNamespace(free=10**6))
    monkeypatch.setattr(gguf_files, "_read", lambda *_: pytest.fail("read"))
    with pytest.raises(OSError, match=r"disk must have 34 MB left for weights, has 1") as refusal:
        converted_folder(path)
    assert refusal.value.errno == errno.ENOSPC and held(cache) == []


def test_room_is_that_of_the_disk_of_a_folder_to_be(tmp_path):
    require_space(tmp_path / "not" / "there", 1)
    with pytest.raises(OSError, match="MB left for weights"):
        require_space(tmp_path / "not" / "there", 10**18)


def test_a_disk_that_fills_while_the_weights_are_written_leaves_nothing(tmp_path, cache):
    """The kernel refuses the rest of the file."""
    path = write_gguf(tmp_path / "it.gguf")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, hard))
    try:
        with pytest.raises(OSError, match=r"cannot be written|too large"):
            converted_folder(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert held(cache) == []
    assert converted_folder(path).is_dir()


def test_a_cache_that_cannot_be_written_is_named_before_the_weights_are_read(tmp_path, monkeypatch, cache):
    path = write_gguf(tmp_path / "it.gguf")
    monkeypatch.setattr(gguf_files, "_read", lambda *_: pytest.fail("read"))
    cache.parent.mkdir()
    cache.write_text("a file in its place")
    said = r"cache of weights must be writable, .*; PAPER_CHECKS_WEIGHTS names another folder"
    with pytest.raises(OSError, match=said):
        converted_folder(path)
    cache.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", read_only)
        with pytest.raises(OSError, match=said) as refusal:
            converted_folder(path)
    assert refusal.value.errno == errno.EROFS and str(cache) in str(refusal.value) and held(cache) == []


def read_only(*arguments, **options):
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


KILLED = """
import os, signal, sys
from pathlib import Path
from simulate.language import saving
from simulate.language.gguf_files import converted_folder
saving.os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
converted_folder(Path(sys.argv[1]))
"""


def test_what_a_killed_run_leaves_is_removed_by_the_next(tmp_path, cache):
    path = write_gguf(tmp_path / "it.gguf")
    done = subprocess.run([sys.executable, "-c", KILLED, path], cwd=ROOT, timeout=100, check=False)
    left = held(cache)
    assert done.returncode == -signal.SIGKILL and left and left[-1].startswith(".it-")
    folder = converted_folder(path)
    assert held(cache) == [folder.name]


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), MemoryError(), OSError(errno.ENOSPC, "No space left")], ids=repr
)
def test_what_ends_a_conversion_leaves_nothing(error, tmp_path, monkeypatch, cache):
    path = write_gguf(tmp_path / "it.gguf")

    def ended(model, tokenizer, folder):
        (folder / "half").write_text("of it")
        raise error

    monkeypatch.setattr(saving, "save_model", ended)
    with pytest.raises(type(error)):
        converted_folder(path)
    assert held(cache) == []


def test_two_at_once_convert_once(tmp_path, monkeypatch, cache):
    path, read, calls, both = write_gguf(tmp_path / "it.gguf"), gguf_files._read, [], threading.Barrier(2)
    header, first = gguf_files.read_gguf_header, iter((True, True))

    def together(path):
        if next(first, False):
            both.wait(20)  # until both have seen that there is no folder
        return header(path)

    def counted(*arguments):
        calls.append(arguments)
        return read(*arguments)

    monkeypatch.setattr(gguf_files, "read_gguf_header", together)
    monkeypatch.setattr(gguf_files, "_read", counted)
    found = []
    threads = [threading.Thread(target=lambda: found.append(converted_folder(path))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1 and len(set(found)) == 1 and len(found) == 2 and held(cache) == [found[0].name]
