"""Tiny random language models, and where their matrices lie, row by row, written apart from the code under test."""

import numpy as np
import torch
from transformers import (
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
)

VOCABULARY, LENGTH, LAYERS = 29, 11, 3
HEADS, KEY_HEADS, HEAD, HIDDEN, INNER = 6, 2, 4, 18, 34  # of Llama and Phi-3; 6 · 4 is not 18
NEOX_HEADS, NEOX_HEAD, NEOX_HIDDEN, NEOX_INNER = 3, 4, 12, 20
ROPE = {"rope_type": "default", "rope_theta": 10000.0}
COMMON = {"vocab_size": VOCABULARY, "num_hidden_layers": LAYERS, "max_position_embeddings": 32}
TOKENS = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
GROUPED = {"num_attention_heads": HEADS, "num_key_value_heads": KEY_HEADS, "head_dim": HEAD, "rope_parameters": ROPE}
SIZES = {"hidden_size": HIDDEN, "intermediate_size": INNER}


def _neox(**more):
    sizes = {"hidden_size": NEOX_HIDDEN, "num_attention_heads": NEOX_HEADS, "intermediate_size": NEOX_INNER}
    rope = {**ROPE, "partial_rotary_factor": 0.5}
    return GPTNeoXForCausalLM(GPTNeoXConfig(**COMMON, **TOKENS, **sizes, rope_parameters=rope, **more))


def _llama(**more):
    return LlamaForCausalLM(LlamaConfig(**COMMON, **TOKENS, **SIZES, **GROUPED, **more))


def _phi3(**more):
    return Phi3ForCausalLM(Phi3Config(**COMMON, **TOKENS, **SIZES, **GROUPED, **more))


MAKERS = {"neox": _neox, "llama": _llama, "phi3": _phi3}


def _neox_rows(third):
    return [head * 3 * NEOX_HEAD + third * NEOX_HEAD + unit for head in range(NEOX_HEADS) for unit in range(NEOX_HEAD)]


QUERIES, KEYS = HEADS * HEAD, KEY_HEADS * HEAD
NEOX = "gpt_neox.layers.{}."
OTHERS = "model.layers.{}."
PLACES = {  # part: name of the linear layer, rows of the matrix in it
    "neox": {
        "query": (NEOX + "attention.query_key_value", _neox_rows(0)),
        "key": (NEOX + "attention.query_key_value", _neox_rows(1)),
        "value": (NEOX + "attention.query_key_value", _neox_rows(2)),
        "attention_out": (NEOX + "attention.dense", list(range(NEOX_HIDDEN))),
        "mlp_up": (NEOX + "mlp.dense_h_to_4h", list(range(NEOX_INNER))),
        "mlp_out": (NEOX + "mlp.dense_4h_to_h", list(range(NEOX_HIDDEN))),
    },
    "llama": {
        "query": (OTHERS + "self_attn.q_proj", list(range(QUERIES))),
        "key": (OTHERS + "self_attn.k_proj", list(range(KEYS))),
        "value": (OTHERS + "self_attn.v_proj", list(range(KEYS))),
        "attention_out": (OTHERS + "self_attn.o_proj", list(range(HIDDEN))),
        "mlp_gate": (OTHERS + "mlp.gate_proj", list(range(INNER))),
        "mlp_up": (OTHERS + "mlp.up_proj", list(range(INNER))),
        "mlp_out": (OTHERS + "mlp.down_proj", list(range(HIDDEN))),
    },
    "phi3": {
        "query": (OTHERS + "self_attn.qkv_proj", list(range(QUERIES))),
        "key": (OTHERS + "self_attn.qkv_proj", list(range(QUERIES, QUERIES + KEYS))),
        "value": (OTHERS + "self_attn.qkv_proj", list(range(QUERIES + KEYS, QUERIES + 2 * KEYS))),
        "attention_out": (OTHERS + "self_attn.o_proj", list(range(HIDDEN))),
        "mlp_gate": (OTHERS + "mlp.gate_up_proj", list(range(INNER))),
        "mlp_up": (OTHERS + "mlp.gate_up_proj", list(range(INNER, 2 * INNER))),
        "mlp_out": (OTHERS + "mlp.down_proj", list(range(HIDDEN))),
    },
}
ROLES = ("mlp_in", "mlp_out", "attention_qkv", "attention_out")
CASES = [(name, role) for name, places in PLACES.items() for role in dict.fromkeys((*ROLES, *places))]


def model_of(name, dtype=torch.float64, seed=1, **more):
    """A model of which every parameter, biases and norms included, is random: N(0, 0.09), for norms about 1."""
    model = MAKERS[name](attn_implementation="eager", **more)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for key, weight in model.named_parameters():
            mean = 1.0 if "norm" in key and key.endswith("weight") else 0.0
            weight.copy_(mean + 0.3 * torch.randn(weight.shape, generator=generator))
    for weight in model.parameters():  # but not the frequencies of the rotations, which no file holds
        weight.data = weight.data.to(dtype)
    return model.eval()


def parts_of(name, role):
    """The parts a role stands for: [(name of the linear layer with {} for the number, rows), ...]."""
    several = {"mlp_in": ("mlp_gate", "mlp_up"), "attention_qkv": ("query", "key", "value")}.get(role, (role,))
    return [PLACES[name][part] for part in several if part in PLACES[name]]


def smallest_side(name, role):
    columns = {
        "mlp_out": {"neox": NEOX_INNER}.get(name, INNER),
        "attention_out": NEOX_HIDDEN if name == "neox" else QUERIES,
    }
    hidden = NEOX_HIDDEN if name == "neox" else HIDDEN
    return min(min(len(rows), columns.get(role, hidden)) for _, rows in parts_of(name, role))


def kept(matrix, rank, keep="top"):
    """The part of an array made of its `rank` largest or smallest singular terms, term by term."""
    left, sizes, right = np.linalg.svd(matrix, full_matrices=False)
    terms = [size * np.outer(u, v) for u, size, v in zip(left.T, sizes, right, strict=True)]
    chosen = terms[:rank] if keep == "top" else terms[len(terms) - rank :]
    return sum(chosen, np.zeros(matrix.shape))


def tokens(seed=2, rows=4):
    return torch.randint(VOCABULARY, (rows, LENGTH), generator=torch.Generator().manual_seed(seed))


def logits(model):
    with torch.no_grad():
        return model(tokens()).logits


def state(model):
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def same(one, other):
    """Whether two state dictionaries are equal bit by bit, types included."""
    return set(one) == set(other) and all(
        one[name].dtype == other[name].dtype and torch.equal(one[name], other[name]) for name in one
    )
