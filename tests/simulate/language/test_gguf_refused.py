"""GGUF files that cannot be taken as they are, and runs that end early: refused by name, nothing left half-written."""

import errno
import os
import resource
import signal
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("transformers", reason="the extra `language` is not installed")

import gguf
from gguf import GGMLQuantizationType as Kind

from simulate.language import gguf_files, gguf_header, saving
from simulate.language.gguf_files import converted_folder, require_space
from simulate.language.models import load_language_model
from tests.places import ROOT
from tests.simulate.language.gguf_maker import held, llama, write_gguf

DOWN = "blk.1.ffn_down.weight"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The folder of weights; it is not there yet."""
    monkeypatch.setenv(gguf_files.FOLDER, str(tmp_path / "cache" / "weights"))
    return tmp_path / "cache" / "weights"


def test_a_tokenizer_that_would_be_another_one_is_refused(tmp_path, cache):
    path = write_gguf(tmp_path / "it.gguf", "qwen2", pieces=True)
    with pytest.raises(ValueError, match=r"it\.gguf must have a tokenizer .* another pre_tokenizer there"):
        converted_folder(path)
    assert held(cache) == []


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

    def ended(model, tokenizer, temporary, folder):
        (temporary / "half").write_text("of it")
        raise error

    monkeypatch.setattr(saving, "write_files", ended)
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


def test_two_processes_convert_to_one_folder(tmp_path, cache):
    path = write_gguf(tmp_path / "it.gguf")
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        found = list(pool.map(converted_folder, [path, path]))
    assert found[0] == found[1] and held(cache) == [found[0].name]
