"""Configurations and weight files that do not fit each other, are broken or are pickles: refused with a word why."""

import re

import pytest
import torch

pytest.importorskip("transformers", reason="the extra `language` is not installed")

from safetensors.torch import load_file, save_file

from simulate.language.models import load_language_model
from tests.oracles.tiny_language_models import VOCABULARY, changed_json, changed_weights, forbid_building, written

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
EMBEDDING = "gpt_neox.embed_in.weight"


@pytest.fixture
def unbuilt(monkeypatch):
    """Fails if a model is built from weights."""
    forbid_building(monkeypatch)


CONFIGURATIONS = {
    "other architecture": ({"architectures": ["OPTForCausalLM"]}, "must have one architecture of GPTNeoXFor.*OPTFor"),
    "two": ({"architectures": ["GPTNeoXForCausalLM", "LlamaForCausalLM"]}, "must have one architecture of .*Llama"),
    "no architecture": ({"architectures": None}, "must have one architecture of GPTNeoXForCausalLM, Llama.*got None"),
    "headless": ({"architectures": ["GPTNeoXModel"]}, r"must have one architecture of .* got \['GPTNeoXModel'\]"),
    "other type": ({"model_type": "mistral"}, "must have model_type 'gpt_neox' for GPTNeoXForCausalLM, got 'mistral'"),
    "quantised": ({"quantization_config": {"bits": 4}}, "must describe plain weights, without quantization_config"),
    "elsewhere": ({"transformers_weights": "x.safetensors"}, "plain weights, without transformers_weights, got 'x.s"),
    "heads": ({"num_attention_heads": 5}, "config.json must describe a GPTNeoXForCausalLM: .*divisible"),
    "word": ({"hidden_size": "wide"}, "config.json must describe a GPTNeoXForCausalLM: .*hidden_size"),
    "activation": ({"hidden_act": "none such"}, "config.json must describe a GPTNeoXForCausalLM: .*none such"),
    "end": ({"eos_token_id": VOCABULARY}, "eos_token_id of .* must be in 0..vocab_size-1 = 28, got 29"),
    "ends": ({"eos_token_id": [0, 31]}, "eos_token_id of .* must be in 0..vocab_size-1 = 28, got 31"),
    "begin": ({"bos_token_id": 29}, "bos_token_id of .* must be in .* 28, got 29"),
    "padding": ({"pad_token_id": -1}, "pad_token_id of .* must be in .* 28, got -1"),
    "deeper": ({"num_hidden_layers": 3}, "num_hidden_layers of .*config.json must be 2, as .*layers has it, got 3"),
    "flatter": ({"num_hidden_layers": 1}, "num_hidden_layers of .*config.json must be 2, .* got 1"),
    "wider": ({"intermediate_size": 19}, "intermediate_size of .* must be 17, as mlp.dense_4h_to_h has it, got 19"),
    "tied": ({"tie_word_embeddings": True}, "lm_head.weight equal to the embedding, .*tie_word_embeddings.*differ"),
    "without biases": ({"attention_bias": False}, "attention.dense.bias is unexpected"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "words"), CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_a_configuration_that_is_not_of_the_weights_is_refused(tmp_path, unbuilt, changes, words):
    written(tmp_path)
    changed_json(tmp_path / "config.json", **changes)
    with pytest.raises(ValueError, match=words):
        load_language_model(tmp_path)


def put(name, value):
    return lambda tensors: tensors.__setitem__(name, value)


def put_entry(value):
    return lambda tensors: tensors[EMBEDDING].__setitem__((3, 5), value)


BIAS = "gpt_neox.layers.1.attention.dense.bias"
WEIGHTS = {
    "missing": (lambda tensors: tensors.pop(BIAS), f"weights of .* must be those of .*: {BIAS} is missing$"),
    "no head": (lambda tensors: tensors.pop("embed_out.weight"), "describes: lm_head.weight is missing$"),
    "two heads": (put("lm_head.weight", torch.ones(29, 24)), "embed_out.weight is there twice$"),
    "unexpected": (put("gpt_neox.extra", torch.ones(2)), "gpt_neox.extra is unexpected$"),
    "a buffer's kin": (put("gpt_neox.layers.0.attention.bias.more", torch.ones(2)), "bias.more is unexpected$"),
    "mismatched": (put(BIAS, torch.ones(23)), rf"{BIAS} must have shape \(24,\), got \(23,\)$"),
    "integers": (put(BIAS, torch.ones(24, dtype=torch.int8)), f"{BIAS} must be of type F16, .*F64, got I8$"),
    "NaN": (put_entry(torch.nan), f"tensor {EMBEDDING} of .*model.safetensors must be finite"),
    "infinite": (put_entry(-torch.inf), f"tensor {EMBEDDING} of .*model.safetensors must be finite"),
}


@pytest.mark.parametrize(("change", "words"), WEIGHTS.values(), ids=WEIGHTS)
def test_weights_that_are_not_the_configurations_are_refused(tmp_path, unbuilt, change, words):
    changed_weights(written(tmp_path), change)
    with pytest.raises(ValueError, match=words):
        load_language_model(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_a_missing_file_is_named(tmp_path, unbuilt, name):
    (written(tmp_path) / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"folder {re.escape(str(tmp_path))} must hold {name}, and does not"):
        load_language_model(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"3"])
@pytest.mark.parametrize("name", ["config.json", INDEX])
def test_a_file_that_is_no_json_object_is_refused(tmp_path, unbuilt, name, content):
    (written(tmp_path, shard="6KB") / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name} must (be JSON|hold a JSON object, got)"):
        load_language_model(tmp_path)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "consolidated.00.pth", "last.ckpt"])
def test_pickles_are_not_opened(tmp_path, unbuilt, name):
    written(tmp_path)
    (tmp_path / WHOLE).rename(tmp_path / name)
    words = rf"it holds pickles alone: {re.escape(name)}; a pickle can run any code .*use_safetensors=False\)"
    with pytest.raises(ValueError, match=words):
        load_language_model(tmp_path)


def test_a_pickle_besides_safetensors_is_left_alone(tmp_path):
    (written(tmp_path) / "pytorch_model.bin").write_bytes(b"not even a pickle")
    assert list(load_language_model(tmp_path).files) == [WHOLE]


def test_missing_weights_are_named(tmp_path, unbuilt):
    (written(tmp_path) / WHOLE).rename(tmp_path / "own.safetensors")
    (tmp_path / "training_args.bin").touch()
    with pytest.raises(FileNotFoundError, match=f"must hold weights as {WHOLE}, or {INDEX} .*holds own.safetensors$"):
        load_language_model(tmp_path)
    (tmp_path / "own.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"it holds neither$"):
        load_language_model(tmp_path)


@pytest.mark.parametrize("shard", ["5GB", "6KB"])
def test_a_file_cut_short_or_grown_is_refused(tmp_path, unbuilt, shard):
    path = sorted(written(tmp_path, shard=shard).glob("*.safetensors"))[-1]
    content = path.read_bytes()
    broken = [content[:cut] for cut in (0, 1, 7, 8, 40, 211, len(content) // 2, len(content) - 1)]
    for bad in [*broken, content + b"\0", b"\x80\x02" + content, b"{" * 99]:
        path.write_bytes(bad)
        with pytest.raises(ValueError, match=f"{path.name} must be a whole safetensors file, fetch it again"):
            load_language_model(tmp_path)


def test_a_pointer_of_git_lfs_is_refused(tmp_path, unbuilt):
    (written(tmp_path) / WHOLE).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(ValueError, match="it is a Git LFS pointer; run `git lfs pull`"):
        load_language_model(tmp_path)


def shards_of(folder):
    written(folder, shard="6KB")
    return sorted(path.name for path in folder.glob("*.safetensors"))


def test_a_missing_shard_is_named(tmp_path, unbuilt):
    name = shards_of(tmp_path)[1]
    (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"must hold the shards that {INDEX} names, it lacks {name}"):
        load_language_model(tmp_path)


def test_a_shard_must_hold_what_the_index_promises(tmp_path, unbuilt):
    first, second = shards_of(tmp_path)[:2]
    tensors = load_file(tmp_path / first)
    name = sorted(tensors)[0]
    moved = tensors.pop(name)
    save_file(tensors or {"x": torch.ones(2)}, tmp_path / first)
    with pytest.raises(ValueError, match=rf"shard .*{first} must hold the tensors that .* promises, it lacks '{name}'"):
        load_language_model(tmp_path)
    save_file(tensors | {name: moved}, tmp_path / first)
    changed_weights(tmp_path, lambda held: held.__setitem__(name, moved + 1), second)
    with pytest.raises(ValueError, match=rf"shard .*{second} must hold the tensors .* promises, it holds '{name}'"):
        load_language_model(tmp_path)


@pytest.mark.parametrize(
    ("weight_map", "words"),
    [
        (None, "must have a weight_map from tensors to shards, got None"),
        ({}, "must have a weight_map from tensors to shards, got {}"),
        ({"x": "../other.safetensors"}, "must name shards .* of its folder, it names '../other.safetensors'"),
        ({"x": "pytorch_model.bin"}, r"must name shards \*.safetensors of its folder, it names 'pytorch_model.bin'"),
        ({"x": 3}, r"must name shards \*.safetensors of its folder, it names 3"),
    ],
)
def test_an_index_that_is_none_is_refused(tmp_path, unbuilt, weight_map, words):
    shards_of(tmp_path)
    changed_json(tmp_path / INDEX, weight_map=weight_map)
    with pytest.raises(ValueError, match=f"{INDEX} {words}"):
        load_language_model(tmp_path)
