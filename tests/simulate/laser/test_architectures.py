"""LASER on every architecture of the table: whose the matrices are, seen in what models do, and in sweeps."""

from copy import deepcopy

import numpy as np
import pytest
import torch

pytest.importorskip("transformers", reason="language models need transformers: pip install -e '.[language]'")

from simulate.language.architectures import ARCHITECTURES
from simulate.laser.reduction import Choice, Laser, truncated
from simulate.laser.roles import ROLES, SINGLE_ROLES, matrices
from simulate.laser.sweeps import sweep
from simulate.prompts.tokens import METRICS, Encoded, measure
from tests.simulate.laser.decoders import (
    CASES,
    CONFIGURATIONS,
    LAYERS,
    LENGTH,
    OUTPUTS,
    SLIDING,
    SWITCHES,
    VOCABULARY,
    WINDOW,
    layers_of,
    logits,
    model_of,
    silenced,
    tokens,
)

every_architecture = pytest.mark.parametrize("name", CONFIGURATIONS)
# Norms are computed in float32: what a norm is given, rounded otherwise in the last digit of float64, may leave it
# rounded otherwise in the last of float32. What is told apart here differs by more than 1e-3.
CLOSE = 1e-5


def test_the_oracle_has_every_architecture():
    assert list(OUTPUTS) == list(CONFIGURATIONS) == list(ARCHITECTURES)


def changed(model, made):
    """What entries of which parameters differ."""
    pairs = zip(model.named_parameters(), made.named_parameters(), strict=True)
    return {key: one != other for (key, one), (_, other) in pairs}


@every_architecture
def test_every_entry_of_every_matrix_of_a_layer_is_of_exactly_one_single_role(name):
    """Truncated to rank 0, a role is where zeros appear: all roles together cover the layer's matrices once."""
    model = model_of(name)
    times = {key: torch.zeros(weight.shape, dtype=torch.int64) for key, weight in model.named_parameters()}
    for role in OUTPUTS[name]:
        made = truncated(model, Choice(role, 1, 0))
        for key, differs in changed(model, made).items():
            assert not made.get_parameter(key)[differs].any()
            times[key] += differs
    held = {id(weight) for weight in layers_of(model)[1].parameters() if weight.dim() == 2}
    for key, weight in model.named_parameters():
        assert (times[key] == (id(weight) in held)).all(), key


@every_architecture
def test_groups_are_their_single_roles(name):
    model = model_of(name)
    assert set(OUTPUTS[name]) == {*ARCHITECTURES[name].parts} <= {*SINGLE_ROLES, "mlp_out", "attention_out"}
    for role, parts in (
        ("mlp_in", [part for part in ("mlp_gate", "mlp_up") if part in OUTPUTS[name]]),
        ("attention_qkv", ["query", "key", "value"]),
    ):
        assert matrices(model, role, 2) == tuple(one for part in parts for one in matrices(model, part, 2))


@pytest.mark.parametrize(("name", "part"), CASES)
def test_a_matrix_is_the_map_from_inputs_to_these_outputs(name, part):
    """W x + b, by hand, is what the module gives there."""
    model = model_of(name)
    where, outputs = OUTPUTS[name][part]
    module = layers_of(model)[1].get_submodule(where)
    (matrix,) = matrices(model, part, 1)
    weight = matrix.taken_from(module.weight.detach())
    assert weight.shape == matrix.shape and model.get_parameter(matrix.parameter) is module.weight
    given = torch.randn(5, matrix.shape[1], dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    bias = 0 if module.bias is None else module.bias.detach()[outputs]
    with torch.no_grad():
        assert torch.allclose(module(given)[:, outputs], given @ weight.T + bias, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("name", "part"), CASES)
def test_rank_zero_is_the_layer_without_the_contribution_and_full_rank_the_original(name, part):
    """Without: the outputs are overwritten by their bias, or zero, and the weights stay."""
    model = model_of(name)
    before, without = logits(model), logits(silenced(deepcopy(model), part, 1))
    assert (logits(truncated(model, Choice(part, 1, 0))) - without).abs().max() < CLOSE
    assert (before - without).abs().max() > 1e-3
    (matrix,) = matrices(model, part, 1)
    assert torch.equal(logits(truncated(model, Choice(part, 1, min(matrix.shape)))), before)
    assert not torch.equal(logits(truncated(model, Choice(part, 1, min(matrix.shape) - 1))), before)


@pytest.mark.parametrize(("name", "part"), CASES)
def test_a_truncated_matrix_is_numpys(name, part):
    """In whichever way it is stored: σ_1 u_1 v_1ᵀ + σ_2 u_2 v_2ᵀ of the outputs that are the part's."""
    model = model_of(name)
    where, outputs = OUTPUTS[name][part]
    weights = [layers_of(one)[2].get_submodule(where) for one in (model, truncated(model, Choice(part, -1, 2)))]
    before, after = (
        (module.weight.T if type(module) is not torch.nn.Linear else module.weight).detach()[outputs].numpy()
        for module in weights
    )
    left, sizes, right = np.linalg.svd(before, full_matrices=False)
    np.testing.assert_allclose(after, left[:, :2] * sizes[:2] @ right[:2], rtol=0, atol=1e-12)
    (matrix,) = matrices(model, part, -1)
    np.testing.assert_allclose(Laser(model).spectrum(matrix).values, sizes, rtol=1e-10)


def without_attention_biases(name):
    """A model whose attention has no biases, by the configuration or because they are zero."""
    model = model_of(name, **dict.fromkeys(SWITCHES.get(name, ()), False))
    with torch.no_grad():
        for key, weight in layers_of(model).named_parameters():
            if ".mlp." not in key and "norm" not in key and "ln_" not in key and key.endswith("bias"):
                weight.zero_()
    return model


@every_architecture
def test_without_values_attention_adds_nothing(name):
    """A hook takes away all that the attention, and the norm that follows it, adds to the layer."""
    model = without_attention_biases(name)
    cut = deepcopy(model)
    attention = layers_of(cut)[1].get_submodule(OUTPUTS[name]["query"][0].partition(".")[0])
    attention.register_forward_hook(lambda module, inputs, output: (torch.zeros_like(output[0]), *output[1:]))
    if name in ("Gemma2ForCausalLM", "Gemma3ForCausalLM", "Olmo2ForCausalLM"):
        norm = layers_of(cut)[1].post_attention_layernorm
        norm.register_forward_hook(lambda module, inputs, output: torch.zeros_like(output))
    made = logits(truncated(model, Choice("value", 1, 0)))
    assert (made - logits(cut)).abs().max() < CLOSE < 1e-3 < (made - logits(model)).abs().max()
    assert (made - logits(truncated(model, Choice("attention_out", 1, 0)))).abs().max() < CLOSE


def evenly(windowed):
    """The weights of attention that looks at all it may look at alike."""
    place = torch.arange(LENGTH)
    seen = (place[None] <= place[:, None]) & ((place[None] > place[:, None] - WINDOW) | torch.tensor(not windowed))
    return seen / seen.sum(1, keepdim=True)


@every_architecture
@pytest.mark.parametrize("layer", range(LAYERS))
def test_without_queries_or_keys_attention_is_even_within_its_window(name, layer):
    model = without_attention_biases(name)
    kinds = getattr(model.config, "layer_types", None)
    windowed = kinds[layer] == SLIDING if kinds else getattr(model.config, "sliding_window", None) is not None
    for role, even in (("query", True), ("key", True), ("value", False), ("attention_out", False)):
        with torch.no_grad():
            weights = truncated(model, Choice(role, layer, 0))(tokens(), output_attentions=True).attentions[layer]
        assert bool((weights - evenly(windowed)).abs().max() < 1e-6) == even


class Cosine(torch.nn.Module):
    def forward(self, values):
        return values.cos()


@pytest.mark.parametrize("name", [name for name, part in CASES if part == "mlp_gate"])
def test_gates_go_through_the_activation_and_ups_do_not(name):
    """With cos for the activation: no gate leaves cos(0) · up, which is not zero; no up leaves nothing."""
    for role, gone in (("mlp_gate", False), ("mlp_up", True)):
        model = truncated(model_of(name, **dict.fromkeys(SWITCHES.get(name, ()), False)), Choice(role, 0, 0))
        mlp = layers_of(model)[0].mlp
        (activation,) = [key for key in ("act_fn", "activation_fn") if hasattr(mlp, key)]
        setattr(mlp, activation, Cosine())
        seen = []
        mlp.down_proj.register_forward_pre_hook(lambda module, inputs, seen=seen: seen.append(inputs[0]))
        logits(model)
        assert bool((seen[0] == 0).all()) == gone


# The sweep


def prompts():
    """Random tokens, prompts of two lengths, both longer than the window."""
    draw = torch.Generator().manual_seed(5)
    groups = ((np.array([0, 2]), (2, WINDOW + 3)), (np.array([1, 3, 4]), (3, LENGTH)))
    texts = tuple((places, torch.randint(VOCABULARY, shape, generator=draw)) for places, shape in groups)
    return {"set": Encoded(5, texts, *(torch.randint(VOCABULARY, (5,), generator=draw) for _ in range(3)))}


def stacked(readings):
    return np.stack([getattr(readings, metric) for metric in METRICS])


def assert_swept(model, layers):
    sets = prompts()
    roles = (*ROLES, *(role for role in SINGLE_ROLES if role in OUTPUTS[type(model).__name__]))
    found = sweep(model, sets, roles=roles, layers=layers, ranks=(0, 1))
    whole = stacked(measure(model, sets["set"]))
    for cell, answers in found.cells.items():
        expected = stacked(measure(truncated(model, cell.choice), sets["set"]))
        np.testing.assert_allclose(stacked(answers["set"]), expected, rtol=0, atol=CLOSE, err_msg=str(cell))
        assert np.abs(expected - whole).max() > 1e-3
    assert len(found.cells) == len(layers) * len(roles) * 2


@every_architecture
def test_every_cell_of_a_sweep_is_a_truncated_model(name):
    """What is kept of lower layers and of the other part is what a whole run computes, masks and rotations included."""
    assert_swept(model_of(name), range(LAYERS))


@pytest.mark.parametrize("name", [name for name, more in CONFIGURATIONS.items() if "layer_types" in more])
def test_layers_left_out_of_a_sweep_keep_the_kinds_of_the_others(name):
    """From one layer with a window to the last, over one without."""
    assert_swept(model_of(name), (0, LAYERS - 1))


def test_a_serial_gpt_neox_is_not_taken_for_a_parallel_one():
    for parallel in (True, False):
        model = model_of("GPTNeoXForCausalLM", use_parallel_residual=parallel)
        assert ARCHITECTURES["GPTNeoXForCausalLM"].is_parallel(model.config) == parallel
        assert_swept(model, (1, 2))
