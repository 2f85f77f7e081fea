"""Language models are those of transformers bit for bit, named by their weights, and never silently something else."""

import hashlib
import importlib
import json
import subprocess
import sys

import pytest
import torch

pytest.importorskip("transformers", reason="the extra `language` is not installed")

from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from simulate.language import models as language_models
from simulate.language.models import LanguageModel, identical_weights, load_language_model
from tests.oracles.tiny_language_models import (
    KINDS,
    changed_json,
    changed_weights,
    forbid_building,
    tiny_tokenizer,
    written,
)

TOKENS = torch.tensor([[1, 3, 28, 5, 0], [7, 7, 2, 11, 13]])
EMBEDDING = "gpt_neox.embed_in.weight"


@pytest.fixture
def unbuilt(monkeypatch):
    """Fails if a model is built from weights."""
    forbid_building(monkeypatch)


@pytest.mark.parametrize("shard", ["5GB", "6KB"])
@pytest.mark.parametrize("kind", KINDS)
def test_logits_are_those_of_transformers_bit_for_bit(tmp_path, kind, shard):
    written(tmp_path, kind, shard=shard)
    found = load_language_model(tmp_path)
    assert type(found.model) is KINDS[kind][0] and len(found.files) == len(list(tmp_path.glob("*.safetensors")))
    assert (len(found.files) > 1) == (shard == "6KB")
    plain = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    assert torch.equal(found.model(TOKENS).logits, plain(TOKENS).logits)
    assert not found.model.training and not any(weight.requires_grad for weight in found.model.parameters())
    assert {weight.dtype for weight in found.model.parameters()} == {torch.float32}
    assert found.tokenizer("w3 w22 nothing")["input_ids"] == [3, 22, 2]
    assert (found.name, found.revision, found.label) == (str(tmp_path), None, str(tmp_path))
    assert "Parameter" not in repr(found) and found.sha256 in repr(found)


def test_files_are_named_by_the_sha256_of_their_bytes(tmp_path):
    written(tmp_path, shard="6KB")
    printed = subprocess.run(
        ["sha256sum", *(path.name for path in sorted(tmp_path.glob("*.safetensors")))],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    listed = dict(reversed(line.split()) for line in printed.splitlines())
    assert load_language_model(tmp_path).files == listed


def test_the_digest_is_of_the_weights_alone(tmp_path):
    """Shards, metadata, order, the dtype asked for and computed buffers do not matter; a bit, a name or a type does."""
    whole = load_language_model(written(tmp_path / "whole"))
    shards = load_language_model(written(tmp_path / "shards", shard="6KB"), dtype="bfloat16")
    assert shards.sha256 == whole.sha256 and shards.files != whole.files
    tensors = load_file(tmp_path / "whole" / "model.safetensors")
    buffer = {"gpt_neox.layers.0.attention.rotary_emb.inv_freq": torch.ones(1)}
    save_file(tensors | buffer, tmp_path / "whole" / "model.safetensors", {"format": "pt", "note": "another"})
    again = load_language_model(tmp_path / "whole")
    assert again.sha256 == whole.sha256 and again.files != whole.files
    head = tensors.pop("embed_out.weight")
    save_file(tensors | {"lm_head.weight": head}, tmp_path / "whole" / "model.safetensors")
    assert load_language_model(tmp_path / "whole").sha256 == whole.sha256
    head.view(torch.int32)[3, 5] ^= 1
    save_file(tensors | {"embed_out.weight": head}, tmp_path / "whole" / "model.safetensors")
    assert load_language_model(tmp_path / "whole").sha256 != whole.sha256
    assert load_language_model(written(tmp_path / "half", dtype=torch.float16)).sha256 != whole.sha256


def test_the_digest_by_hand(tmp_path):
    """sha256 of [name, dtype, shape] as a line of JSON and the bytes, tensor by tensor in the order of the names."""
    written(tmp_path, dtype=torch.bfloat16)
    tensors = load_file(tmp_path / "model.safetensors")
    tensors["lm_head.weight"] = tensors.pop("embed_out.weight")
    lines = [
        json.dumps([name, "BF16", list(tensor.shape)]).encode() + b"\n" + bytes(tensor.view(torch.uint8).numpy())
        for name, tensor in sorted(tensors.items())
    ]
    assert load_language_model(tmp_path).sha256 == hashlib.sha256(b"".join(lines)).hexdigest()


def test_old_pythia_files_load_as_exact_float32(tmp_path):
    """float16 weights, the buffers of old files with the fill value -inf, a configuration of transformers 4."""
    written(tmp_path, dtype=torch.float16)

    def add(tensors):
        for layer in range(2):
            name = f"gpt_neox.layers.{layer}.attention."
            tensors[name + "bias"] = torch.ones(1, 1, 31, 31, dtype=torch.bool).tril()
            tensors[name + "masked_bias"] = torch.tensor(-1e9).half()
            tensors[name + "rotary_emb.inv_freq"] = torch.ones(1)

    before = load_language_model(tmp_path).sha256
    changed_weights(tmp_path, add)
    old = {"rotary_pct": 0.25, "rotary_emb_base": 10000, "torch_dtype": "float16", "transformers_version": "4.24.0"}
    changed_json(tmp_path / "config.json", rope_parameters=None, dtype=None, attention_bias=None, **old)
    found = load_language_model(tmp_path)
    assert found.sha256 == before
    stored = load_file(tmp_path / "model.safetensors")
    for name, weight in found.model.named_parameters():
        half = stored[name.replace("lm_head", "embed_out")]
        assert half.dtype == torch.float16 and weight.dtype == torch.float32
        assert torch.equal(weight.double(), half.double())


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_weights_have_the_dtype_asked_for(tmp_path, dtype):
    found = load_language_model(written(tmp_path, "llama"), dtype=dtype)
    plain = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=getattr(torch, dtype))
    for weight, other in zip(found.model.parameters(), plain.parameters(), strict=True):
        assert weight.dtype == getattr(torch, dtype) and torch.equal(weight, other)


def test_models_with_the_same_weights_are_found(tmp_path):
    one = load_language_model(written(tmp_path / "one"))
    other = load_language_model(written(tmp_path / "other", seed=1))
    named = [("a/b", "step0"), ("a/b", "step1"), ("a/b", "step2"), ("a/c", None), ("a/b", "step0"), ("d", "main")]
    models = [
        LanguageModel(kind.model, kind.tokenizer, name, revision, kind.files, kind.sha256)
        for (name, revision), kind in zip(named, [one, other, one, other, one, one], strict=True)
    ]
    groups = [("a/b@step0", "a/b@step2", "d@main"), ("a/b@step1", "a/c")]
    assert identical_weights(models) == groups and identical_weights(iter(models)) == groups
    assert identical_weights([one, other, one]) == [] and identical_weights([]) == []
    with pytest.raises(TypeError, match="models must be of type LanguageModel, got str"):
        identical_weights(["a/b@step0"])


def test_code_that_comes_with_a_model_is_not_run(tmp_path):
    """As at the hub for Phi-3: auto_map names modules of the folder."""
    written(tmp_path, "phi3")
    for name in ("configuration", "modeling", "tokenization"):
        (tmp_path / f"{name}_phi3.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    own = {"AutoConfig": "configuration_phi3.Phi3Config", "AutoModelForCausalLM": "modeling_phi3.Phi3ForCausalLM"}
    changed_json(tmp_path / "config.json", auto_map=own)
    found = load_language_model(tmp_path)
    assert type(found.model) is KINDS["phi3"][0]
    changed_json(
        tmp_path / "tokenizer_config.json",
        tokenizer_class="OwnTokenizer", auto_map={"AutoTokenizer": [None, "tokenization_phi3.OwnTokenizer"]},
    )  # fmt: skip
    try:
        load_language_model(tmp_path)
    except ValueError as error:
        assert "tokenizer" in str(error)
    assert not (tmp_path / "ran").exists()


def test_weights_beyond_the_dtype_are_refused(tmp_path, unbuilt):
    changed_weights(written(tmp_path), lambda tensors: tensors[EMBEDDING].__setitem__((3, 5), -65536.0))
    with pytest.raises(ValueError, match=f"tensor {EMBEDDING} .* within the range of dtype float16, it holds 65536"):
        load_language_model(tmp_path, dtype="float16")


@pytest.mark.parametrize("kind", ["tied llama", "tied neox"])
def test_a_head_besides_a_tied_embedding_must_be_equal_to_it(tmp_path, kind):
    before = load_language_model(written(tmp_path, kind))
    name = next(name for name in before.model.state_dict() if "embed" in name)
    changed_weights(tmp_path, lambda tensors: tensors.__setitem__("lm_head.weight", tensors[name].clone()))
    found = load_language_model(tmp_path)
    assert found.sha256 == before.sha256 and found.model.lm_head.weight is found.model.get_input_embeddings().weight
    changed_weights(tmp_path, lambda tensors: tensors["lm_head.weight"].mul_(2))
    with pytest.raises(ValueError, match=r"must have lm_head.weight equal to the embedding, .* ties them"):
        load_language_model(tmp_path)
    changed_weights(tmp_path, lambda tensors: tensors.pop(name))
    with pytest.raises(ValueError, match=f"{name} is missing"):
        load_language_model(tmp_path)


def test_weights_that_transformers_starts_at_random_are_noticed(tmp_path, monkeypatch):
    written(tmp_path)
    load = KINDS["neox"][0].from_pretrained

    def forgetful(*arguments, **options):
        model = load(*arguments, **options)
        model.gpt_neox.layers[1].mlp.dense_h_to_4h.bias.data.normal_()
        return model

    monkeypatch.setattr(KINDS["neox"][0], "from_pretrained", forgetful)
    with pytest.raises(RuntimeError, match=r"must load all weights as the files have .* not so .*dense_h_to_4h.bias"):
        load_language_model(tmp_path)


def test_a_tokenizer_of_another_model_is_refused(tmp_path, unbuilt):
    written(tmp_path)
    tiny_tokenizer([f"w{number}" for number in range(3, 30)]).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"tokenizer .* must have ids in .* = 28, its token 'w29' has 29"):
        load_language_model(tmp_path)
    grown = tiny_tokenizer([f"w{number}" for number in range(3, 29)])
    grown.add_special_tokens({"pad_token": "<pad>"})
    grown.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"tokenizer .* its special token '<pad>' has 29; .*tokens were added"):
        load_language_model(tmp_path)


def test_a_tokenizer_that_just_fits_is_taken(tmp_path):
    tiny_tokenizer([f"w{number}" for number in range(3, 29)]).save_pretrained(written(tmp_path))
    assert load_language_model(tmp_path).tokenizer("w28")["input_ids"] == [28]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "tokenizer.json must be JSON"),
        (b"[1]", r"tokenizer.json must hold a JSON object, got \[1\]"),
        (b'{"model": 3}', "tokenizer.json must be a tokenizer that transformers knows"),
    ],
)
def test_a_tokenizer_that_is_none_is_refused(tmp_path, unbuilt, content, words):
    (written(tmp_path) / "tokenizer.json").write_bytes(content)
    with pytest.raises(ValueError, match=words):
        load_language_model(tmp_path)


def test_an_adapter_is_refused(tmp_path, unbuilt):
    (written(tmp_path) / "adapter_config.json").write_text("{}")
    with pytest.raises(ValueError, match="must hold a whole model, it has an adapter"):
        load_language_model(tmp_path)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"dtype": "float64"}, ValueError, "dtype must be one of float32, bfloat16, float16, got 'float64'"),
        ({"dtype": torch.float32}, ValueError, "dtype must be one of float32, bfloat16, float16, got torch.float32"),
        ({"device": "tpu"}, ValueError, "device must be .* got 'tpu'"),
        ({"device": "cuda:99"}, ValueError, "device 'cuda:99' is not available"),
        ({"device": 0}, TypeError, "device must be .* got 0"),
    ],
)
def test_a_bad_argument_is_refused_before_any_work(tmp_path, options, error, words):
    with pytest.raises(error, match=words):
        load_language_model(tmp_path / "nothing", **options)


def test_more_than_the_memory_holds_is_refused(tmp_path, unbuilt, monkeypatch):
    written(tmp_path)
    monkeypatch.setattr("simulate.runtime.byte_limit.available_bytes", lambda device: 10_000)
    with pytest.raises(ValueError, match=r"weights of .* as bfloat16 take \d+ bytes and 10000 are available; use"):
        load_language_model(tmp_path, dtype="bfloat16")


@pytest.mark.parametrize("absent", ["transformers", "huggingface_hub"])
def test_without_the_extra_the_remedy_is_said(monkeypatch, absent):
    for name in [name for name in sys.modules if name.split(".")[0] == absent or name == "simulate.language.folders"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, absent, None)
    monkeypatch.delitem(sys.modules, language_models.__name__)
    with pytest.raises(ModuleNotFoundError, match=rf"{absent}.*pip install -e '\.\[language\]'"):
        importlib.import_module("simulate.language.models")


def test_the_room_itself_does_not_need_the_extra():
    code = "import sys, simulate; assert not {'transformers', 'tokenizers', 'huggingface_hub'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)
