"""Folders of language models: read by plain transformers, smaller in factored form, whole or not there at all."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("transformers", reason="language models need transformers: pip install -e '.[language]'")

from safetensors.torch import load_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from simulate.laser.files import load_factored, save_factored, save_model
from simulate.laser.reduction import Choice, Laser, truncated
from tests.oracles.laser import (
    CASES,
    LAYERS,
    PLACES,
    ROLES,
    VOCABULARY,
    logits,
    model_of,
    parts_of,
    same,
    state,
    tokens,
)

every_model = pytest.mark.parametrize("name", PLACES)
LOW = [Choice(role, layer, 1) for role in ROLES for layer in range(LAYERS)]
SOME = [Choice("value", 0, 2), Choice("mlp_in", 1, 3, keep="bottom"), Choice("mlp_out", -1, 0)]
FILES = {"config.json", "generation_config.json", "laser.json", "laser.safetensors"}


def words():
    vocabulary = {f"w{number}": number for number in range(VOCABULARY)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="w0"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="w0")


def names(folder):
    return {path.name for path in folder.iterdir()}


def size(folder):
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


# The standard form


@every_model
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_plain_transformers_reads_the_model_and_the_tokenizer(name, dtype, tmp_path):
    made = truncated(model_of(name, dtype), *SOME)
    save_model(made, words(), tmp_path / "new" / "model")
    read = AutoModelForCausalLM.from_pretrained(tmp_path / "new" / "model", attn_implementation="eager")
    assert type(read) is type(made) and same(state(read), state(made)) and torch.equal(logits(read), logits(made))
    assert AutoTokenizer.from_pretrained(tmp_path / "new" / "model")("w3 w28").input_ids == [3, 28]
    assert names(tmp_path / "new") == {"model"}


def test_an_empty_folder_is_filled_and_the_tokenizer_may_be_missing(tmp_path):
    save_model(model_of("llama"), None, str(tmp_path))
    assert names(tmp_path) == {"config.json", "generation_config.json", "model.safetensors"}


# The factored form


def differences_allowed(model, made, choices):
    """5 u |L||R| in every entry of the factored matrices, from numpy's factors; none in all others."""
    allowed = {key: torch.zeros(weight.shape, dtype=torch.float64) for key, weight in state(model).items()}
    for role, layer, rank, top in [(c.role, c.layer % LAYERS, c.rank, c.keep == "top") for c in choices]:
        for place, rows in parts_of(model.config.test_name, role):
            key = place.format(layer) + ".weight"
            weight = state(model)[key][rows].double().numpy()
            if rank * sum(weight.shape) >= weight.size:
                continue
            left, sizes, right = np.linalg.svd(weight, full_matrices=False)
            kept = slice(0, rank) if top else slice(len(sizes) - rank, len(sizes))
            bound = np.abs(left[:, kept]) * sizes[kept] @ np.abs(right[kept])
            unit = torch.finfo(made.dtype).eps / 2
            # and of float64, in the two decompositions
            allowed[key][rows] = torch.from_numpy(5 * unit * bound + 1e-13)
    return allowed


def named(name, dtype, **more):
    model = model_of(name, dtype, **more)
    model.config.test_name = name
    return model


@every_model
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("choices", [LOW, SOME, []], ids=["low", "some", "none"])
def test_what_is_loaded_is_the_truncated_model_but_for_the_rounding_of_the_factors(name, dtype, choices, tmp_path):
    model = named(name, dtype)
    before = state(model)
    save_factored(Laser(model), choices, None, tmp_path / "it")
    read, made = load_factored(tmp_path / "it"), truncated(model, *choices)
    assert names(tmp_path / "it") == FILES and names(tmp_path) == {"it"} and same(before, state(model))
    assert type(read) is type(made) and not read.training and {w.dtype for w in read.parameters()} == {dtype}
    allowed = differences_allowed(model, made, choices)
    for key, weight in state(made).items():
        assert ((state(read)[key].double() - weight.double()).abs() <= allowed[key]).all(), key
    assert sum(int((bound > 0).any()) for bound in allowed.values()) == len({*_factored(tmp_path / "it")})


def _factored(folder):
    entries = json.loads((folder / "laser.json").read_text())["matrices"]
    return [entry["parameter"] for entry in entries if entry["stored"] == "factors"]


@every_model
def test_the_logits_differ_by_what_that_rounding_does_to_them(name, tmp_path):
    """|Δ logit| <= Σ |∂ logit / ∂ W| 5 u |L||R| to first order, both computed in float64; 1 % for the second."""
    model = named(name, torch.float32)
    save_factored(Laser(model), LOW, None, tmp_path / "it")
    made = truncated(model, *LOW)
    allowed = differences_allowed(model, made, LOW)
    made, read = made.double(), load_factored(tmp_path / "it").double()
    read.set_attn_implementation("eager")
    given, weights = tokens()[:1], dict(made.named_parameters())
    for place in (2, 10):
        one, other = made(given).logits[0, place], read(given).logits[0, place].detach()
        for token in (0, 13, 28):
            slopes = torch.autograd.grad(one[token], list(weights.values()), retain_graph=True)
            bound = sum(float((s.abs() * allowed[k]).sum()) for k, s in zip(weights, slopes, strict=True))
            # The softmax of both is in float32: of the logits, some last places.
            rounding = 64 * 2.0**-24 * float(other.abs().max())
            assert abs(float(one[token].detach() - other[token])) <= 1.01 * bound + rounding < 1e-2


@every_model
def test_it_is_smaller_on_disk_where_the_rank_is_low(name, tmp_path):
    model = model_of(name, torch.float32)
    save_factored(Laser(model), LOW, None, tmp_path / "factored")
    save_model(truncated(model, *LOW), None, tmp_path / "dense")
    saved = 0
    for role in ROLES:
        for place, rows in parts_of(name, role):
            columns = model.get_submodule(place.format(0)).in_features
            saved += 4 * LAYERS * (len(rows) * columns - (len(rows) + columns))
    # Headers aside: JSON of less than 200 bytes for each tensor.
    tensors = len(load_file(tmp_path / "factored" / "laser.safetensors"))
    assert size(tmp_path / "factored") <= size(tmp_path / "dense") - saved + 200 * tensors
    assert size(tmp_path / "factored") < 0.8 * size(tmp_path / "dense")


def test_each_matrix_takes_the_form_with_fewer_numbers(tmp_path):
    """query 24 x 18: factors up to rank 10 (42 · 10 < 432 < 42 · 11); a fused weight keeps its other rows."""
    model = model_of("phi3", torch.float32)
    choices = [Choice("query", 0, 10), Choice("query", 1, 11), Choice("attention_qkv", 2, 4), Choice("mlp_up", 0, 0)]
    save_factored(Laser(model), choices, None, tmp_path / "it")
    there = {key: tuple(value.shape) for key, value in load_file(tmp_path / "it" / "laser.safetensors").items()}
    at = "model.layers.{}.self_attn.qkv_proj.weight"
    gate = "model.layers.0.mlp.gate_up_proj.weight"
    assert {key: shape for key, shape in there.items() if "qkv" in key or key.startswith(gate)} == {
        at.format(0) + "/query.left": (24, 10),
        at.format(0) + "/query.right": (10, 18),
        at.format(0) + "/rest": (16, 18),
        at.format(1): (40, 18),
        at.format(2) + "/query.left": (24, 4),
        at.format(2) + "/query.right": (4, 18),
        at.format(2) + "/key.left": (8, 4),
        at.format(2) + "/key.right": (4, 18),
        at.format(2) + "/value.left": (8, 4),
        at.format(2) + "/value.right": (4, 18),
        gate + "/mlp_up.left": (34, 0),
        gate + "/mlp_up.right": (0, 18),
        gate + "/rest": (34, 18),
    }
    known = json.loads((tmp_path / "it" / "laser.json").read_text())
    assert known["architecture"] == "Phi3ForCausalLM" and len(known["matrices"]) == 6
    assert known["matrices"][1] == {
        "layer": 1,
        "part": "query",
        "parameter": at.format(1),
        "rank": 11,
        "keep": "top",
        "stored": "dense",
    }
    made, read = state(truncated(model, *choices)), state(load_factored(tmp_path / "it"))
    assert torch.equal(made[at.format(1)], read[at.format(1)]) and torch.equal(made[gate], read[gate])
    assert torch.equal(made[at.format(0)][24:], read[at.format(0)][24:])


def test_the_two_factors_are_balanced(tmp_path):
    """LᵀL = RRᵀ = diag(σ)."""
    model = model_of("llama")
    save_factored(Laser(model), [Choice("mlp_out", 1, 5, keep="bottom")], None, tmp_path / "it")
    there = load_file(tmp_path / "it" / "laser.safetensors")
    key = "model.layers.1.mlp.down_proj.weight"
    left, right = there[key + "/mlp_out.left"], there[key + "/mlp_out.right"]
    sizes = torch.linalg.svdvals(state(model)[key])[-5:].diag()
    assert (left.T @ left - sizes).abs().max() < 1e-13 and (right @ right.T - sizes).abs().max() < 1e-13


@given(data=st.data())
@settings(max_examples=15, deadline=None, derandomize=True)
def test_any_choice_comes_back(data, tmp_path_factory):
    name, role = data.draw(st.sampled_from(CASES))
    model = named(name, torch.float64)
    choices = [Choice(role, 1, data.draw(st.integers(0, 8)), keep=data.draw(st.sampled_from(("top", "bottom"))))]
    folder = tmp_path_factory.mktemp("any") / "it"
    save_factored(Laser(model), choices, None, folder)
    read, made = state(load_factored(folder)), truncated(model, *choices)
    allowed = differences_allowed(model, made, choices)
    assert all(((read[key] - weight).abs() <= allowed[key]).all() for key, weight in state(made).items())


def test_products_of_the_stored_factors_are_rounded_once(tmp_path):
    """Half a unit in the last place of the product in float64, not of its greatest term."""
    save_factored(Laser(model_of("phi3", torch.float32)), [Choice("mlp_out", 0, 3)], None, tmp_path / "it")
    key, there = "model.layers.0.mlp.down_proj.weight", load_file(tmp_path / "it" / "laser.safetensors")
    left, right = (there[f"{key}/mlp_out.{side}"].double().numpy() for side in ("left", "right"))
    exact = torch.from_numpy(sum(np.outer(u, v) for u, v in zip(left.T, right, strict=True)))
    read = state(load_factored(tmp_path / "it"))[key]
    # The products of entries are exact in float64, their sum is off by some 2^-53 of the greatest, below 1.
    assert ((read.double() - exact).abs() <= 2.0**-24 * exact.abs() + 2.0**-50).all()


def test_tied_weights_mixed_types_a_tokenizer_and_the_settings_of_generation_come_back(tmp_path):
    model = named("llama", torch.bfloat16, tie_word_embeddings=True)
    model.model.norm.float()
    model.model.layers[1].mlp.down_proj.float()
    model.generation_config.max_new_tokens = 7
    save_factored(Laser(model), [Choice("mlp_in", 0, 2), Choice("mlp_out", 1, 2)], words(), tmp_path / "it")
    assert json.loads((tmp_path / "it" / "config.json").read_text())["dtype"] == "bfloat16"
    read = load_factored(tmp_path / "it")
    assert read.lm_head.weight is read.model.embed_tokens.weight and read.generation_config.max_new_tokens == 7
    assert [w.dtype for w in read.parameters()] == [w.dtype for w in model.parameters()]
    assert torch.equal(read.model.norm.weight, model.model.norm.weight)
    assert AutoTokenizer.from_pretrained(tmp_path / "it")("w3 w28").input_ids == [3, 28]


def test_a_model_that_is_loaded_can_be_saved_and_truncated_again(tmp_path):
    model = model_of("neox")
    save_factored(Laser(model), SOME, None, tmp_path / "one")
    read = load_factored(tmp_path / "one")
    save_model(truncated(read, Choice("query", 0, 1)), None, tmp_path / "two")
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "two")
    assert same(state(again), state(truncated(read, Choice("query", 0, 1))))
