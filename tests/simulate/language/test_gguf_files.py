"""GGUF files: what a folder made of one holds, and the files that are refused, with nothing half-written."""

import errno
import re
import shutil

import numpy as np
import pytest

pytest.importorskip("transformers", reason="the extra `language` is not installed")
pytest.importorskip("gguf", reason="the extra `language` is not installed")

import gguf
import torch
from safetensors.numpy import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from simulate.language import gguf_files, load_language_model, saving
from simulate.language.gguf_files import converted_folder, is_whole
from tests.simulate.language.tiny_gguf import HEADS, KEY_HEADS, LAYERS, sha256, tiny_gguf

NAMES = {
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
}  # fmt: skip


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The cache of weights of this test."""
    monkeypatch.setenv(gguf_files.FOLDER, str(tmp_path / "cache"))
    return tmp_path / "cache"


def left(cache):
    """All that is in the cache; hidden files too."""
    return sorted(cache.iterdir()) if cache.is_dir() else []


def halves(matrix, heads):
    """Rows of each head: first those of even numbers, then those of odd ones, as transformers turns queries."""
    return np.concatenate([np.concatenate([head[::2], head[1::2]]) for head in np.split(matrix, heads)])


@pytest.mark.parametrize("kind", ["F32", "Q4_1", "Q8_0"])
def test_the_folder_holds_the_dequantised_weights(tmp_path, cache, kind):
    tensors = tiny_gguf(tmp_path / "tiny.gguf", kind=gguf.GGMLQuantizationType[kind])
    found = load_file(converted_folder(tmp_path / "tiny.gguf") / "model.safetensors")
    expected = {"model.embed_tokens": tensors["token_embd.weight"], "model.norm": tensors["output_norm.weight"]}
    for layer in range(LAYERS):
        for name, theirs in NAMES.items():
            matrix = tensors[f"blk.{layer}.{name}.weight"]
            heads = {"attn_q": HEADS, "attn_k": KEY_HEADS}.get(name)
            expected[f"model.layers.{layer}.{theirs}"] = matrix if heads is None else halves(matrix, heads)
    assert set(found) == {f"{name}.weight" for name in expected}
    for name, matrix in expected.items():
        assert found[f"{name}.weight"].dtype == np.float32
        np.testing.assert_array_equal(found[f"{name}.weight"], matrix)


def test_a_file_is_converted_once_and_loads_here_and_by_plain_transformers(tmp_path, cache, monkeypatch):
    path = tmp_path / "tiny.gguf"
    tiny_gguf(path)
    found = load_language_model(str(path))
    (folder,) = left(cache)
    assert is_whole(folder, sha256(path)) and not is_whole(folder, "0" * 64)
    monkeypatch.setattr(gguf_files, "_read", lambda *arguments: pytest.fail("converted twice"))
    assert load_language_model(path).sha256 == found.sha256 == load_language_model(folder).sha256
    plain, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    assert not hasattr(plain.config, "quantization_config")
    words = tokenizer("a that", return_tensors="pt", add_special_tokens=False)["input_ids"]
    assert tokenizer.convert_ids_to_tokens(words[0].tolist()) == ["a", "Ġ", "th", "a", "t"]
    with torch.no_grad():
        torch.testing.assert_close(plain(words).logits, found.model(words).logits, rtol=0, atol=0)


@pytest.mark.parametrize("part", [2, 6, 20, 0.01, 0.1, 0.3, 0.6, 0.95, 0.999])
def test_a_file_that_is_cut_is_refused(tmp_path, cache, part):
    """In its magic, its header, its tokens, its list of tensors and its tensors."""
    path = tmp_path / "tiny.gguf"
    tiny_gguf(path)
    content = path.read_bytes()
    path.write_bytes(content[: part if isinstance(part, int) else int(part * len(content))])
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))} must be a (whole )?GGUF file"):
        converted_folder(path)
    assert not left(cache)


def test_what_is_no_gguf_or_of_an_unknown_architecture_is_refused(tmp_path, cache):
    path = tmp_path / "tiny.gguf"
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(ValueError, match=r"must be a GGUF file, which begins with b'GGUF', got b'PK"):
        load_language_model(path)
    tiny_gguf(path, architecture="mamba")
    with pytest.raises(ValueError, match=r"must have general.architecture of llama, .*, got 'mamba'$"):
        load_language_model(path)
    with pytest.raises(FileNotFoundError, match="no-such"):
        converted_folder(tmp_path / "no-such.gguf")
    assert not left(cache)


def test_a_template_is_never_run(tmp_path, cache):
    mark = tmp_path / "touched"
    template = f"{{{{ cycler.__init__.__globals__.os.system('touch {mark}') }}}}"
    tiny_gguf(tmp_path / "tiny.gguf", template=template)
    load_language_model(tmp_path / "tiny.gguf")
    assert len(left(cache)) == 1 and not mark.exists()


def test_a_full_disk_is_refused_before_anything_is_written(tmp_path, cache, monkeypatch):
    tiny_gguf(tmp_path / "tiny.gguf")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: shutil._ntuple_diskusage(100, 99, 1))
    with pytest.raises(OSError, match=r"disk must have .* MB left for weights, has 0") as caught:
        converted_folder(tmp_path / "tiny.gguf")
    assert caught.value.errno == errno.ENOSPC and not left(cache)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_what_ends_it_in_the_middle_leaves_nothing(tmp_path, cache, monkeypatch, error):
    tiny_gguf(tmp_path / "tiny.gguf")

    def half(model, tokenizer, folder):
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(b"half")
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(saving, "save_model", half)
        with pytest.raises(type(error)):
            converted_folder(tmp_path / "tiny.gguf")
    assert not left(cache)
    assert converted_folder(tmp_path / "tiny.gguf") in left(cache)


def test_a_cache_that_cannot_be_written_is_said(tmp_path, cache):
    tiny_gguf(tmp_path / "tiny.gguf")
    cache.write_text("a file in its place")
    with pytest.raises(OSError, match=re.escape(str(cache))):
        converted_folder(tmp_path / "tiny.gguf")


@pytest.mark.parametrize("where", ["_read", "save_model"])
def test_a_folder_that_another_process_made_meanwhile_is_kept(tmp_path, cache, monkeypatch, where):
    path, place = tmp_path / "tiny.gguf", gguf_files if where == "_read" else saving
    tiny_gguf(path)
    original, made = getattr(place, where), []

    def overtaken(*arguments):
        monkeypatch.setattr(place, where, original)
        folder = converted_folder(path)
        made.append((folder, folder.stat().st_ino))
        return original(*arguments)

    monkeypatch.setattr(place, where, overtaken)
    folder = converted_folder(path)
    assert made == [(folder, folder.stat().st_ino)] and left(cache) == [folder]


def broken(folder, how):
    """Harm a whole folder."""
    if how == "lacks a file":
        (folder / "tokenizer.json").unlink()
    elif how == "lacks its source":
        (folder / gguf_files.SOURCE).unlink()
    elif how == "cut":
        (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:-1])
    else:
        (folder / gguf_files.SOURCE).write_text("[]")


@pytest.mark.parametrize("how", ["lacks a file", "lacks its source", "cut", "another source"])
def test_a_folder_that_is_not_whole_is_made_anew(tmp_path, cache, how):
    path = tmp_path / "tiny.gguf"
    tiny_gguf(path)
    folder = converted_folder(path)
    files = {one.name: one.read_bytes() for one in folder.iterdir()}
    broken(folder, how)
    assert not is_whole(folder, sha256(path))
    assert converted_folder(path) == folder and left(cache) == [folder]
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == files
