"""Tiny random decoders of every architecture, and which outputs are whose, written apart from the table.

Sizes differ from each other, so that what is taken for something else shows. Where an architecture has sliding windows,
the first layer and the last have one of WINDOW tokens and the layer between has none, and rotations of the two kinds
differ where they can.
"""

import torch
import transformers

VOCABULARY, LENGTH, LAYERS, WINDOW = 29, 11, 3, 4
HEADS, KEY_HEADS, HEAD, WIDTH, INNER = 6, 2, 4, 18, 34  # 6 · 4 is not 18
SIZES = {
    "vocab_size": VOCABULARY, "hidden_size": WIDTH, "intermediate_size": INNER, "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS, "max_position_embeddings": 32, "bos_token_id": 1, "eos_token_id": 2,
    "pad_token_id": None, "tie_word_embeddings": False,
}  # fmt: skip
GROUPED = SIZES | {"num_key_value_heads": KEY_HEADS, "head_dim": HEAD}
SLIDING, FULL = "sliding_attention", "full_attention"
MIXED = {"sliding_window": WINDOW, "layer_types": [SLIDING, FULL, SLIDING]}
ROTATIONS = {
    FULL: {"rope_type": "default", "rope_theta": 100.0},
    SLIDING: {"rope_type": "default", "rope_theta": 5.0},
}
GEMMA = GROUPED | MIXED | {"query_pre_attn_scalar": 7, "final_logit_softcapping": 3.0}
NEOX = SIZES | {"hidden_size": HEADS * HEAD, "rotary_pct": 0.5}
GPT2 = {name: value for name, value in SIZES.items() if name != "intermediate_size"} | {"n_inner": INNER}
CONFIGURATIONS = {
    "GPTNeoXForCausalLM": NEOX,
    "LlamaForCausalLM": GROUPED,
    "Phi3ForCausalLM": GROUPED | {"sliding_window": WINDOW},
    "GPT2LMHeadModel": GPT2,
    "Qwen2ForCausalLM": GROUPED | MIXED | {"use_sliding_window": True},
    "Qwen3ForCausalLM": GROUPED | MIXED | {"use_sliding_window": True},
    "MistralForCausalLM": GROUPED | {"sliding_window": WINDOW},
    "Gemma2ForCausalLM": GEMMA | {"attn_logit_softcapping": 2.0},
    "Gemma3ForCausalLM": GEMMA | {"rope_parameters": ROTATIONS},
    "OlmoForCausalLM": GROUPED | {"clip_qkv": 1.5},
    "Olmo2ForCausalLM": GROUPED,
}
SWITCHES = {  # entries of the configuration by which there are biases
    "GPTNeoXForCausalLM": ("attention_bias",),
    "LlamaForCausalLM": ("attention_bias", "mlp_bias"),
    **dict.fromkeys(("Qwen3ForCausalLM", "Gemma2ForCausalLM", "Gemma3ForCausalLM"), ("attention_bias",)),
    **dict.fromkeys(("OlmoForCausalLM", "Olmo2ForCausalLM"), ("attention_bias",)),
}


def _neox_outputs(third):
    return [head * 3 * HEAD + third * HEAD + unit for head in range(HEADS) for unit in range(HEAD)]


QUERIES, KEYS = HEADS * HEAD, KEY_HEADS * HEAD
ALL = slice(None)
SEPARATE = {
    "query": ("self_attn.q_proj", ALL),
    "key": ("self_attn.k_proj", ALL),
    "value": ("self_attn.v_proj", ALL),
    "attention_out": ("self_attn.o_proj", ALL),
    "mlp_gate": ("mlp.gate_proj", ALL),
    "mlp_up": ("mlp.up_proj", ALL),
    "mlp_out": ("mlp.down_proj", ALL),
}
OUTPUTS = dict.fromkeys(CONFIGURATIONS, SEPARATE) | {  # part: its module in a layer, and which of that one's outputs
    "GPTNeoXForCausalLM": {
        "query": ("attention.query_key_value", _neox_outputs(0)),
        "key": ("attention.query_key_value", _neox_outputs(1)),
        "value": ("attention.query_key_value", _neox_outputs(2)),
        "attention_out": ("attention.dense", ALL),
        "mlp_up": ("mlp.dense_h_to_4h", ALL),
        "mlp_out": ("mlp.dense_4h_to_h", ALL),
    },
    "Phi3ForCausalLM": {
        "query": ("self_attn.qkv_proj", slice(0, QUERIES)),
        "key": ("self_attn.qkv_proj", slice(QUERIES, QUERIES + KEYS)),
        "value": ("self_attn.qkv_proj", slice(QUERIES + KEYS, QUERIES + 2 * KEYS)),
        "attention_out": ("self_attn.o_proj", ALL),
        "mlp_gate": ("mlp.gate_up_proj", slice(0, INNER)),
        "mlp_up": ("mlp.gate_up_proj", slice(INNER, 2 * INNER)),
        "mlp_out": ("mlp.down_proj", ALL),
    },
    "GPT2LMHeadModel": {
        "query": ("attn.c_attn", slice(0, WIDTH)),
        "key": ("attn.c_attn", slice(WIDTH, 2 * WIDTH)),
        "value": ("attn.c_attn", slice(2 * WIDTH, 3 * WIDTH)),
        "attention_out": ("attn.c_proj", ALL),
        "mlp_up": ("mlp.c_fc", ALL),
        "mlp_out": ("mlp.c_proj", ALL),
    },
}
CASES = [(name, part) for name, outputs in OUTPUTS.items() for part in outputs]


def model_of(name, dtype=torch.float64, seed=1, **more):
    """A model of which every parameter, biases and norms included, is random: N(0, 0.09), for norms about 1."""
    model_class = getattr(transformers, name)
    switched = dict.fromkeys(SWITCHES.get(name, ()), True)
    config = model_class.config_class(**CONFIGURATIONS[name] | switched | more)
    config._attn_implementation = "eager"
    model = model_class(config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for key, weight in model.named_parameters():
            mean = 1.0 if ("norm" in key or "ln_" in key) and key.endswith("weight") else 0.0
            weight.copy_(mean + 0.3 * torch.randn(weight.shape, generator=generator))
    for weight in model.parameters():  # but not the frequencies of the rotations, which no file holds
        weight.data = weight.data.to(dtype)
    return model.eval()


def layers_of(model):
    """The list of layers: the only one of the model."""
    (found,) = [module for module in model.modules() if isinstance(module, torch.nn.ModuleList)]
    return found


def silenced(model, part, layer):
    """Hook the model so that the outputs of a part in a layer are its bias alone, or zero; the weights stay."""
    where, outputs = OUTPUTS[type(model).__name__][part]
    linear = layers_of(model)[layer].get_submodule(where)

    def silence(module, inputs, output):
        output = output.clone()
        output[..., outputs] = 0 if module.bias is None else module.bias[outputs]
        return output

    linear.register_forward_hook(silence)
    return model


def tokens(seed=2, rows=4):
    return torch.randint(VOCABULARY, (rows, LENGTH), generator=torch.Generator().manual_seed(seed))


def logits(model):
    with torch.no_grad():
        return model(tokens()).logits
