"""GGUF files as folders: the same logits, the same tokens, numbers by hand, and whatever is wrong refused by name."""

import json
import os

import numpy as np
import pytest
import torch

pytest.importorskip("transformers", reason="the extra `language` is not installed")

import gguf
from gguf import GGMLQuantizationType as Kind
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from simulate.language import gguf_files
from simulate.language.gguf_files import converted_folder
from simulate.language.models import load_language_model
from tests.simulate.language.gguf_maker import (
    END,
    MODELS,
    START,
    TOKENS,
    held,
    llama,
    random_model,
    write_gguf,
)

WEIGHTS = "model.safetensors"
DOWN, NORM = "blk.1.ffn_down.weight", "blk.0.attn_norm.weight"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The folder of weights; it is not there yet."""
    monkeypatch.setenv(gguf_files.FOLDER, str(tmp_path / "cache" / "weights"))
    return tmp_path / "cache" / "weights"


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
