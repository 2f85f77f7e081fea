"""LASER on tiny language models: which rows change and into what, against numpy, hooks and the models' behaviour."""

from copy import deepcopy
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("transformers", reason="language models need transformers: pip install -e '.[language]'")

from simulate.laser.reduction import Choice, Laser, truncated
from simulate.laser.roles import ROLES, layer_count, matrices
from tests.oracles.laser import (
    CASES,
    LAYERS,
    LENGTH,
    PLACES,
    kept,
    logits,
    model_of,
    parts_of,
    same,
    smallest_side,
    state,
    tokens,
)

every_model = pytest.mark.parametrize("name", PLACES)
every_role = pytest.mark.parametrize(("name", "role"), CASES)
grouped_model = pytest.mark.parametrize("name", ["llama", "phi3"])


def expected_state(model, name, role, layer, rank, keep="top"):
    """The model's state with these matrices truncated by numpy in float64 and rounded."""
    wanted = state(model)
    for place, rows in parts_of(name, role):
        weight = wanted[place.format(layer) + ".weight"]
        for row, values in zip(rows, kept(weight[rows].double().numpy(), rank, keep), strict=True):
            weight[row] = torch.from_numpy(values).to(weight.dtype)
    return wanted


def distance(one, other):
    assert set(one) == set(other) and all(one[name].dtype == other[name].dtype for name in one)
    return max(float((one[name].double() - other[name].double()).abs().max()) for name in one)


# Which rows


@every_role
@pytest.mark.parametrize("layer", [0, 2])
def test_the_matrices_are_those_of_the_role(name, role, layer):
    found = matrices(model_of(name), role, layer)
    assert [(f.parameter, f.rows.tolist()) for f in found] == [
        (place.format(layer) + ".weight", rows) for place, rows in parts_of(name, role)
    ]
    assert found == matrices(model_of(name), role, layer - LAYERS) and {f.layer for f in found} == {layer}
    weights = state(model_of(name))
    assert [f.shape for f in found] == [(len(f.rows), weights[f.parameter].shape[1]) for f in found]


@every_model
def test_layers_are_counted_and_every_part_has_its_own_rows(name):
    model = model_of(name)
    assert layer_count(model) == LAYERS
    found = [matrix for role in ROLES for layer in range(LAYERS) for matrix in matrices(model, role, layer)]
    taken = [(matrix.parameter, row) for matrix in found for row in matrix.rows.tolist()]
    layers = [key for key in state(model) if ".layers." in key and "norm" not in key and key.endswith("weight")]
    assert len(set(taken)) == len(taken) == sum(len(state(model)[key]) for key in layers)
    assert {matrix.part for matrix in found} == set(PLACES[name])


def without_biases(name):
    model = model_of(name)
    with torch.no_grad():
        for key, weight in model.named_parameters():
            if key.endswith("query_key_value.bias"):
                weight.zero_()
    return model


def looked_at(model):
    with torch.no_grad():
        return model(tokens(), output_attentions=True, use_cache=True)


@every_model
@pytest.mark.parametrize("layer", range(LAYERS))
def test_without_queries_or_keys_attention_is_uniform_and_without_values_it_adds_nothing(name, layer):
    """The rows are what the model reads as queries, keys and values: seen in its attention and its cache."""
    model = without_biases(name)
    uniform = torch.ones(LENGTH, LENGTH).tril()  # the models' softmax is in float32
    uniform /= uniform.sum(1, keepdim=True)
    for role, even, no_keys, no_values in (
        ("query", True, False, False),
        ("key", True, True, False),
        ("value", False, False, True),
        ("attention_qkv", True, True, True),
    ):
        out = looked_at(truncated(model, Choice(role, layer, 0)))
        cache = out.past_key_values.layers[layer]
        assert bool((out.attentions[layer] - uniform).abs().max() < 1e-7) == even
        assert (bool((cache.keys == 0).all()), bool((cache.values == 0).all())) == (no_keys, no_values)
        others = [number for number in range(LAYERS) if number != layer]
        assert all((out.attentions[number] - uniform).abs().max() > 1e-2 for number in others)


@every_model
def test_without_values_the_attention_output_is_zero_whatever_the_input(name):
    model = truncated(without_biases(name), Choice("value", 1, 0))
    place = parts_of(name, "attention_out")[0][0].format(1)
    seen = []
    model.get_submodule(place).register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    for seed in range(5):
        with torch.no_grad():
            model(tokens(seed))
    assert len(seen) == 5 and all(torch.equal(values, torch.zeros_like(values)) for values in seen)


class Cosine(torch.nn.Module):
    def forward(self, values):
        return values.cos()


@grouped_model
def test_gates_go_through_the_activation_and_ups_do_not(name):
    """With cos for the activation: no gate leaves cos(0) · up, which is not zero; no up leaves nothing."""
    for role, gone in (("mlp_gate", False), ("mlp_up", True)):
        model = truncated(model_of(name), Choice(role, 0, 0))
        mlp = model.model.layers[0].mlp
        setattr(mlp, "act_fn" if name == "llama" else "activation_fn", Cosine())
        seen = []
        mlp.down_proj.register_forward_pre_hook(lambda module, inputs, seen=seen: seen.append(inputs[0]))
        logits(model)
        assert bool((seen[0] == 0).all()) == gone


# Into what


@every_role
@pytest.mark.parametrize("keep", ["top", "bottom"])
def test_truncation_is_numpys_and_changes_nothing_else(name, role, keep):
    model = model_of(name, torch.float32)
    laser = Laser(model)
    size = smallest_side(name, role)
    for rank in (0, 1, 3, size // 2, size - 1):
        for layer in (0, -1):
            made = state(laser.truncated([Choice(role, layer, rank, keep=keep)]))
            expected = expected_state(model, name, role, layer % LAYERS, rank, keep)
            touched = {place.format(layer % LAYERS) + ".weight" for place, _ in parts_of(name, role)}
            assert distance(made, expected) <= 2**-23 * max(float(w.abs().max()) for w in expected.values()) < 1e-5
            assert {key for key in made if not torch.equal(made[key], state(model)[key])} == touched
            whole = laser.weights(Choice(role, layer, rank, keep=keep))
            assert set(whole) == touched and all(torch.equal(whole[key], made[key]) for key in whole)


@every_role
def test_at_full_rank_every_bit_is_the_same(name, role):
    model = model_of(name, torch.float32)
    full = [{"fraction": 1}, {"fraction": 1.0, "keep": "bottom"}]
    if len({min(matrix.shape) for matrix in matrices(model, role, 1)}) == 1:
        full.append({"rank": smallest_side(name, role)})
    for whole in full:
        made = truncated(model, Choice(role, 1, **whole))
        assert same(state(made), state(model)) and torch.equal(logits(made), logits(model))


@every_role
def test_at_rank_zero_the_contribution_of_the_matrix_is_gone(name, role):
    """The oracle overwrites these outputs of the linear layer by their bias, or zero, and keeps the weights."""
    model = model_of(name)
    cut = deepcopy(model)
    for place, rows in parts_of(name, role):
        linear = cut.get_submodule(place.format(1))

        def silenced(module, inputs, output, rows=rows):
            output = output.clone()
            output[..., rows] = 0 if module.bias is None else module.bias[rows]
            return output

        linear.register_forward_hook(silenced)
    made = logits(truncated(model, Choice(role, 1, 0)))
    assert (made - logits(cut)).abs().max() < 1e-13 * made.abs().max()
    assert (made - logits(model)).abs().max() > 1e-3


def test_fractions_are_of_each_matrix():
    model = model_of("phi3")
    laser = Laser(model)
    cuts = laser.cuts([Choice("attention_qkv", 0, fraction=0.25), Choice("mlp_in", 0, fraction=Fraction(1, 3))])
    assert [(cut.matrix.part, cut.rank) for cut in cuts] == [
        ("query", 5),  # of 18: 4.5 is rounded up
        ("key", 2),  # of 8
        ("value", 2),
        ("mlp_gate", 6),  # of 18
        ("mlp_up", 6),
    ]
    for cut in cuts:
        assert np.linalg.matrix_rank(laser.part(cut).numpy()) == cut.rank


@every_model
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision_is_rounded_once(name, dtype):
    model = model_of(name, dtype)
    made = truncated(model, Choice("attention_qkv", 2, 3), Choice("mlp_out", 0, 5))
    assert {weight.dtype for weight in made.parameters()} == {dtype}
    for place, rows, rank in ((*parts_of(name, "key")[0], 3), (*parts_of(name, "mlp_out")[0], 5)):
        key = place.format(2 if rank == 3 else 0) + ".weight"
        exact = kept(state(model)[key][rows].double().numpy(), rank)
        off = np.abs(state(made)[key][rows].double().numpy() - exact)
        smallest = torch.finfo(dtype).smallest_normal
        # Half a unit in the last place, and the rounding of float64 in either decomposition.
        assert (off <= torch.finfo(dtype).eps / 2 * np.maximum(np.abs(exact), smallest) + 1e-13).all()


@given(data=st.data())
@settings(max_examples=40, deadline=None, derandomize=True)
def test_the_error_is_the_norm_of_what_is_dropped_and_falls_with_the_rank(data):
    """||W - W_r||_F² = Σ_{i > r} σ_i², σ by numpy from the rows as the oracle lists them."""
    name, role = data.draw(st.sampled_from(CASES))
    model, layer = model_of(name, seed=data.draw(st.integers(0, 50))), data.draw(st.integers(0, LAYERS - 1))
    laser, errors = Laser(model), []
    for rank in sorted(data.draw(st.tuples(*[st.integers(0, smallest_side(name, role))] * 2))):
        made, dropped = laser.weights(Choice(role, layer, rank)), 0.0
        for place, rows in parts_of(name, role):
            weight = state(model)[place.format(layer) + ".weight"][rows].numpy()
            dropped += float(np.sum(np.linalg.svd(weight, compute_uv=False)[rank:] ** 2))
        error = sum(float((weight - state(model)[key]).square().sum()) for key, weight in made.items())
        assert np.sqrt(error) == pytest.approx(np.sqrt(dropped), rel=1e-10, abs=1e-12)
        errors.append(error)
    assert errors[1] <= errors[0] + 1e-12
