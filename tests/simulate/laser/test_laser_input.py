"""LASER refuses what it cannot do, before any decomposition."""

import pytest
import torch

pytest.importorskip("transformers", reason="language models need transformers: pip install -e '.[language]'")

from transformers import OPTConfig, OPTForCausalLM

from simulate import truncation
from simulate.language.architectures import ARCHITECTURES
from simulate.laser.reduction import Choice, Laser, truncated
from simulate.laser.roles import layer_count, matrices
from tests.oracles.laser import HEADS, MAKERS, PLACES, model_of

every_model = pytest.mark.parametrize("name", PLACES)


BAD = [
    (lambda m: truncated(m, Choice("mlp", 0, 1)), ValueError, "role must be .*'mlp_in', .*'mlp_up', got 'mlp'"),
    (lambda m: truncated(m, Choice(None, 0, 1)), ValueError, "role must be .*'mlp_in', .* got None"),
    (lambda m: matrices(m, "qkv", 0), ValueError, "role must be .*'mlp_in', .* got 'qkv'"),
    (lambda m: truncated(m, Choice("mlp_in", 3, 1)), ValueError, r"layer must be in -3\.\.2, got 3"),
    (lambda m: truncated(m, Choice("mlp_in", -4, 1)), ValueError, r"layer must be in -3\.\.2, got -4"),
    (lambda m: matrices(m, "mlp_in", 1.0), TypeError, r"layer must be an integer, got 1\.0 \(float\)"),
    (lambda m: Choice("mlp_in", True, 1), TypeError, r"layer must be an integer, got True \(bool\)"),
    (lambda m: Choice("mlp_in", 0), ValueError, "exactly one of rank, fraction and without, got rank = None, fraction"),
    (lambda m: Choice("mlp_in", 0, 1, fraction=0.5), ValueError, "exactly one of .* rank = 1, fraction = 0.5"),
    (lambda m: Choice("mlp_in", 0, -1), ValueError, "rank must be an integer >= 0 or None, got -1"),
    (lambda m: Choice("mlp_in", 0, 1.0), TypeError, r"rank must be an integer >= 0 or None, got 1\.0"),
    (lambda m: Choice("mlp_in", 0, fraction=1.5), ValueError, r"fraction must be .* in \[0, 1\] or None, got 1\.5"),
    (lambda m: Choice("mlp_in", 0, fraction="1"), TypeError, r"fraction must be .* in \[0, 1\] or None, got '1'"),
    (lambda m: Choice("mlp_in", 0, 1, keep="middle"), ValueError, "keep must be 'top' or 'bottom', got 'middle'"),
    (
        lambda m: truncated(m, Choice("attention_qkv", 0, 9)),
        ValueError,
        r"qkv_proj.weight \(key\): rank must be at most min\(weight.shape\) = 8, got 9",
    ),
    (lambda m: truncated(m, "mlp_in"), TypeError, r"choices must be several Choice, got 'mlp_in' \(str\)"),
    (lambda m: Laser(m).truncated(Choice("value", 0, 1)), TypeError, r"choices must be .* Choice\(role='value'"),
    (
        lambda m: truncated(m, Choice("attention_qkv", 2, 1), Choice("value", -1, 2)),
        ValueError,
        r"choices must name each matrix at most once, model.layers.2.self_attn.qkv_proj.weight \(value\) is named by",
    ),
    (lambda m: truncated(m, Choice("mlp_up", 2, 1), Choice("mlp_up", 2, 1)), ValueError, "each matrix at most once"),
]


@pytest.mark.parametrize(("intervention", "error", "message"), BAD)
def test_bad_input_is_refused_before_any_decomposition(intervention, error, message, monkeypatch):
    monkeypatch.setattr(truncation, "singular_factors", lambda matrix: pytest.fail("it was decomposed"))
    with pytest.raises(error, match=message):
        intervention(model_of("phi3"))


def test_there_is_no_gate_in_neox():
    with pytest.raises(ValueError, match=r"role must be one that GPTNeoXForCausalLM has, mlp_in, .*, got 'mlp_gate'"):
        truncated(model_of("neox"), Choice("mlp_gate", 0, 1))


def _opt():
    sizes = {"vocab_size": 29, "hidden_size": 12, "ffn_dim": 20, "num_hidden_layers": 1, "num_attention_heads": 3}
    return OPTForCausalLM(OPTConfig(**sizes, word_embed_proj_dim=12, max_position_embeddings=16))


@pytest.mark.parametrize("make", [_opt, lambda: model_of("llama").model, lambda: torch.nn.Linear(2, 2), lambda: None])
@pytest.mark.parametrize("call", [Laser, layer_count, truncated, lambda model: matrices(model, "mlp_in", 0)])
def test_another_model_is_refused(make, call):
    model = make()
    message = f"model must be a {', '.join(ARCHITECTURES)} of transformers, got {type(model).__name__}"
    with pytest.raises(TypeError, match=message if isinstance(model, torch.nn.Module) else "model must be a"):
        call(model)


@every_model
def test_weights_without_data_are_refused_but_can_be_listed(name):
    with torch.device("meta"):
        model = MAKERS[name]()
    assert matrices(model, "attention_qkv", 0) == matrices(model_of(name), "attention_qkv", 0)
    with pytest.raises(TypeError, match=r"model must have its weights in memory, .* is on the meta device"):
        Laser(model)


class Quantised(torch.nn.Linear):
    """A linear layer that keeps its weight in another form."""


def _other_linear(model):
    model.model.layers[1].mlp.down_proj = Quantised(34, 18, bias=False)


def _integers(model):
    whole = torch.zeros(18, 34, dtype=torch.int8)
    model.model.layers[1].mlp.down_proj.weight = torch.nn.Parameter(whole, requires_grad=False)


def _infinite(model):
    with torch.no_grad():
        model.model.layers[1].mlp.down_proj.weight[3, 5] = float("inf")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (_other_linear, TypeError, r"layers.1.mlp.down_proj must be an ordinary torch.nn.Linear, .* got Quantised\("),
        (_integers, TypeError, r"down_proj.weight \(mlp_out\) must be .* float16, .* got Parameter of type int8"),
        (_infinite, ValueError, r"weight must be finite for .*down_proj.weight \(mlp_out\)"),
    ],
)
def test_weights_that_cannot_be_decomposed_are_refused(change, error, message):
    model = model_of("llama")
    change(model)
    with pytest.raises(error, match=message):
        truncated(model, Choice("mlp_out", 1, 1))
    truncated(model, Choice("mlp_out", 0, 1))


def test_heads_that_do_not_divide_the_rows_are_refused():
    model = model_of("phi3")
    model.config.num_attention_heads = HEADS + 1
    with pytest.raises(ValueError, match="qkv_proj must have a multiple of 11 rows for these heads, got 40"):
        matrices(model, "query", 0)


def test_a_copy_that_does_not_fit_is_refused(monkeypatch):
    laser = Laser(model_of("neox"))
    laser.truncated([Choice("mlp_in", 0, 1)])
    monkeypatch.setattr("simulate.runtime.byte_limit.available_bytes", lambda device: 5)
    with pytest.raises(ValueError, match=r"model: the weights of its copy take .* bytes and 5 are available"):
        laser.truncated([Choice("mlp_in", 0, 1)])
