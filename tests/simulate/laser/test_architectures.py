"""Every decoder that is known, on a tiny random model: roles, truncation, sweeps and loading do what they say."""

import numpy as np
import pytest
import torch

pytest.importorskip("transformers", reason="needs the extra language", exc_type=ModuleNotFoundError)

from transformers import BloomConfig, BloomForCausalLM

from simulate.language import load_language_model, save_model
from simulate.language.architectures import ARCHITECTURES
from simulate.laser import Choice, matrices, sweep, truncated
from simulate.laser.sweeps import Cell
from simulate.prompts.tokens import METRICS, Encoded, measure
from tests.oracles.tiny_language_models import tiny_tokenizer
from tests.places import ROOT
from tests.simulate.laser.decoders import (
    CASES,
    CONFIGURATIONS,
    HEADS,
    LAYERS,
    LENGTH,
    OUTPUTS,
    VOCABULARY,
    layers_of,
    logits,
    model_of,
    silenced,
    tokens,
)


def test_the_table_and_the_oracle_have_the_same_decoders():
    assert list(ARCHITECTURES) == list(CONFIGURATIONS)
    for name, outputs in OUTPUTS.items():
        assert set(ARCHITECTURES[name].parts) == set(outputs)


def test_the_page_names_them_all():
    titles = ", ".join(one.title for one in ARCHITECTURES.values())
    assert f"Decoders that are known: {titles}." in " ".join((ROOT / "docs" / "models.md").read_text("utf-8").split())


@pytest.mark.parametrize(("name", "part"), CASES)
def test_rank_zero_is_the_layer_without_what_the_matrix_gives(name, part):
    """By hooks on the outputs of the module, biases stay; in the middle layer, which has another mask where masks
    differ, and in the last one."""
    for layer in (1, LAYERS - 1):
        found = logits(truncated(model_of(name), Choice(part, layer, 0)))
        # The same operations in float64 but for products with zero.
        torch.testing.assert_close(found, logits(silenced(model_of(name), part, layer)), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("name", "part"), CASES)
def test_full_rank_is_the_model_bit_by_bit_and_one_less_is_not(name, part):
    model = model_of(name)
    (matrix,) = matrices(model, part, 1)
    assert torch.equal(logits(truncated(model, Choice(part, 1, min(matrix.shape)))), logits(model))
    assert not torch.equal(logits(truncated(model, Choice(part, 1, min(matrix.shape) - 1))), logits(model))


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_zero_values_give_no_attention(name):
    """Without biases of its own, attention without values is attention without its output matrix."""
    model = model_of(name)
    with torch.no_grad():
        for key, weight in model.named_parameters():
            if key.endswith("bias") and any(word in key for word in ("attn", "attention")):
                weight.zero_()
    without = [logits(truncated(model, Choice(part, 1, 0))) for part in ("value", "attention_out")]
    torch.testing.assert_close(*without, rtol=1e-10, atol=1e-12)
    assert not torch.allclose(without[0], logits(model))


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_matrix_of_a_layer_has_one_role(name):
    """All entries of all two-dimensional weights of a layer, each in one of the single roles."""
    model, layer = model_of(name), 1
    seen = {}
    for part in ARCHITECTURES[name].parts:
        for matrix in matrices(model, part, layer):
            weight = model.get_parameter(matrix.parameter)
            count = seen.setdefault(matrix.parameter, torch.zeros(weight.shape))
            marked = torch.ones(matrix.shape)
            before = torch.zeros(weight.shape)
            matrix.put_into(before, marked)
            count += before
    inside = {id(weight) for weight in layers_of(model)[layer].parameters() if weight.dim() == 2}
    assert {id(model.get_parameter(key)) for key in seen} == inside
    assert all(torch.equal(count, torch.ones(count.shape)) for count in seen.values())


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_sweep_gives_what_truncated_models_say(name):
    """What the runner leaves out changes nothing: every role, in every layer, prompts of two lengths."""
    model, draw = model_of(name), torch.Generator().manual_seed(4)
    groups = (
        (np.array([0, 2]), tokens(rows=2)),
        (np.array([1, 3, 4]), torch.randint(VOCABULARY, (3, LENGTH - 4), generator=draw)),
    )
    encoded = Encoded(5, groups, *(torch.randint(VOCABULARY, (5,), generator=draw) for _ in range(3)))
    roles = ("mlp_in", "attention_qkv", *ARCHITECTURES[name].parts)
    cells = [Cell(layer, role, rank) for layer in range(LAYERS) for role in roles for rank in (0, 2)]
    found = sweep(model, {"set": encoded}, cells)
    for cell in cells:
        expected = measure(truncated(model, cell.choice), encoded)
        for metric in METRICS:
            got = getattr(found.cells[cell]["set"], metric)
            np.testing.assert_allclose(got, getattr(expected, metric), rtol=1e-9, atol=1e-11, err_msg=str(cell))


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_what_is_saved_is_loaded_with_the_same_logits(name, tmp_path):
    """A folder as transformers writes it, in float32."""
    model = model_of(name, torch.float32)
    save_model(model, tiny_tokenizer([f"w{number}" for number in range(3, VOCABULARY - 4)]), tmp_path / "model")
    found = load_language_model(tmp_path / "model")
    assert type(found.model).__name__ == name
    found.model.config._attn_implementation = "eager"
    torch.testing.assert_close(logits(found.model), logits(model), rtol=1e-5, atol=1e-5)


def test_an_unknown_decoder_is_refused_by_name():
    sizes = {"vocab_size": VOCABULARY, "hidden_size": 12, "n_head": HEADS // 2, "n_layer": 1}
    model = BloomForCausalLM(BloomConfig(**sizes))
    with pytest.raises(
        TypeError, match=r"model must be a GPTNeoXForCausalLM, .*Olmo2ForCausalLM.*got BloomForCausalLM"
    ):
        matrices(model, "mlp_up", 0)
