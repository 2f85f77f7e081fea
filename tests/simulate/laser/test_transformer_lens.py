"""TransformerLens, which computes models by code of its own, agrees on Pythia's and SmolLM2's architectures.

What its W_Q, W_K, W_V, W_O, W_in, W_gate and W_out are, its authors found in transformers by themselves.
"""

import pytest
import torch

pytest.importorskip("transformers", reason="language models need transformers: pip install -e '.[language]'")
pytest.importorskip("transformer_lens", reason="needs TransformerLens: pip install -e '.[test]'")

from transformer_lens import HookedTransformer, HookedTransformerConfig
from transformer_lens.pretrained.weight_conversions import convert_llama_weights, convert_neox_weights

from simulate.laser.reduction import Choice, truncated
from simulate.laser.roles import layer_count, matrices
from tests.simulate.laser.decoders import (
    HEAD,
    HEADS,
    INNER,
    KEY_HEADS,
    LAYERS,
    OUTPUTS,
    SWITCHES,
    VOCABULARY,
    WIDTH,
    logits,
    model_of,
    tokens,
)

pytestmark = pytest.mark.filterwarnings("ignore:HookedTransformer is deprecated:DeprecationWarning")
COMMON = {
    "n_layers": LAYERS, "n_heads": HEADS, "d_head": HEAD, "d_mlp": INNER, "d_vocab": VOCABULARY, "n_ctx": 32,
    "positional_embedding_type": "rotary", "rotary_adjacent_pairs": False, "dtype": torch.float32,
}  # fmt: skip
NEOX = {"d_model": HEADS * HEAD, "act_fn": "gelu", "normalization_type": "LN", "rotary_dim": HEAD // 2}
LLAMA = {
    "d_model": WIDTH, "act_fn": "silu", "normalization_type": "RMS", "final_rms": True, "rotary_dim": HEAD,
    "gated_mlp": True, "n_key_value_heads": KEY_HEADS,
}  # fmt: skip
MODELS = {
    "parallel": ("GPTNeoXForCausalLM", {"use_parallel_residual": True}, NEOX | {"parallel_attn_mlp": True}),
    "serial": ("GPTNeoXForCausalLM", {"use_parallel_residual": False}, NEOX | {"parallel_attn_mlp": False}),
    # It knows no biases of Llama.
    "llama": ("LlamaForCausalLM", dict.fromkeys(SWITCHES["LlamaForCausalLM"], False), LLAMA),
}
every_model = pytest.mark.parametrize("kind", MODELS)
CHOICES = [
    Choice("query", 1, 3),
    Choice("value", 0, 2),
    Choice("mlp_up", 2, 4),
    Choice("mlp_out", 0, 3),
    Choice("attention_out", 1, 2),
]


def plain_and_hooked(kind, choices=()):
    """A truncated model of transformers, and TransformerLens' with its weights."""
    name, more, config = MODELS[kind]
    model = truncated(model_of(name, torch.float32, **more), *choices)
    eps = model.config.layer_norm_eps if name.startswith("GPTNeoX") else model.config.rms_norm_eps
    config = HookedTransformerConfig(**COMMON, **config, eps=eps)
    convert = convert_neox_weights if name.startswith("GPTNeoX") else convert_llama_weights
    hooked = HookedTransformer(config)
    missing = hooked.load_state_dict(convert(model, config), strict=False)
    assert not missing.unexpected_keys
    assert {key.rpartition(".")[2] for key in missing.missing_keys} <= {"mask", "IGNORE", "rotary_sin", "rotary_cos"}
    return model, hooked.eval()


@every_model
def test_the_logits_are_those_of_transformer_lens(kind):
    """In float32: sums in another order leave up to 9e-6 here, truncation changes logits by more than 1."""
    whole = logits(plain_and_hooked(kind)[0])
    for choices in ([], CHOICES):
        model, hooked = plain_and_hooked(kind, choices)
        with torch.no_grad():
            said = hooked(tokens())
        assert (said - logits(model)).abs().max() < 5e-5
        assert ((said - whole).abs().max() > 1) == bool(choices)


WEIGHTS = {"query": "W_Q", "key": "W_K", "value": "W_V", "mlp_gate": "W_gate", "mlp_up": "W_in", "mlp_out": "W_out"}


def outputs_by_inputs(block, part):
    """The matrix of a part from the weights of a block of TransformerLens; heads one after the other."""
    if part == "attention_out":
        return block.attn.W_O.flatten(0, 1).T
    if part.startswith("mlp"):
        return getattr(block.mlp, WEIGHTS[part]).T
    weight = getattr(block.attn, WEIGHTS[part])  # (heads, inputs, units of a head), shared keys and values repeated
    shared = HEADS // KEY_HEADS if hasattr(block.attn, "_W_K") and part != "query" else 1
    return weight[::shared].transpose(1, 2).flatten(0, 1)


@every_model
def test_the_matrices_are_those_of_transformer_lens(kind):
    model, hooked = plain_and_hooked(kind)
    for layer in range(layer_count(model)):
        for part in OUTPUTS[MODELS[kind][0]]:
            (matrix,) = matrices(model, part, layer)
            ours = matrix.taken_from(model.get_parameter(matrix.parameter).detach())
            assert torch.equal(ours, outputs_by_inputs(hooked.blocks[layer], part)), (part, layer)
