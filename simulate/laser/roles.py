"""Where the matrices of language models lie, by the role they play in a layer.

A role names one or several matrices of a layer:

    role            GPT-NeoX                       Llama                   Phi-3
    mlp_in          dense_h_to_4h                  gate_proj, up_proj      both halves of gate_up_proj
    mlp_out         dense_4h_to_h                  down_proj               down_proj
    attention_qkv   three parts of query_key_value q_proj, k_proj, v_proj  three parts of qkv_proj
    attention_out   dense                          o_proj                  o_proj

query, key, value, mlp_gate (none in GPT-NeoX) and mlp_up (there dense_h_to_4h) are the roles of single ones. The rows
of GPT-NeoX's query_key_value go (head, query / key / value, unit of the head), those of Phi-3's qkv_proj are all query
heads, then all key heads, then all value heads, those of its gate_up_proj the gate first.

Source: transformers, modeling_gpt_neox.py, modeling_llama.py, modeling_phi3.py; the roles are those of LASER (Sharma,
Ash, Misra, 2023).
"""

from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal, TypeAlias, get_args

import torch

GroupRole: TypeAlias = Literal["mlp_in", "mlp_out", "attention_qkv", "attention_out"]
SingleRole: TypeAlias = Literal["query", "key", "value", "mlp_gate", "mlp_up"]
Role: TypeAlias = GroupRole | SingleRole
ROLES: tuple[GroupRole, ...] = get_args(GroupRole)
SINGLE_ROLES: tuple[SingleRole, ...] = get_args(SingleRole)
PARTS_OF_ROLE = {"mlp_in": ("mlp_gate", "mlp_up"), "attention_qkv": ("query", "key", "value")}
LAYERS = {
    "GPTNeoXForCausalLM": "gpt_neox.layers",
    "LlamaForCausalLM": "model.layers",
    "Phi3ForCausalLM": "model.layers",
}
PLACES = {  # parts that share a place share its rows, in this order
    "GPTNeoXForCausalLM": {
        "query": "attention.query_key_value",
        "key": "attention.query_key_value",
        "value": "attention.query_key_value",
        "attention_out": "attention.dense",
        "mlp_up": "mlp.dense_h_to_4h",
        "mlp_out": "mlp.dense_4h_to_h",
    },
    "LlamaForCausalLM": {
        "query": "self_attn.q_proj",
        "key": "self_attn.k_proj",
        "value": "self_attn.v_proj",
        "attention_out": "self_attn.o_proj",
        "mlp_gate": "mlp.gate_proj",
        "mlp_up": "mlp.up_proj",
        "mlp_out": "mlp.down_proj",
    },
    "Phi3ForCausalLM": {
        "query": "self_attn.qkv_proj",
        "key": "self_attn.qkv_proj",
        "value": "self_attn.qkv_proj",
        "attention_out": "self_attn.o_proj",
        "mlp_gate": "mlp.gate_up_proj",
        "mlp_up": "mlp.gate_up_proj",
        "mlp_out": "mlp.down_proj",
    },
}


@dataclass(frozen=True)
class Matrix:
    """One matrix of a model.

    Attributes:
        layer: from 0.   part: "query", "key", "value", "attention_out", "mlp_gate", "mlp_up" or "mlp_out".
        parameter: name in the model of the weight that it is, or whose rows it has.
        spans: those rows.   shape: (rows, columns) of the matrix.
    """

    layer: int
    part: str
    parameter: str
    spans: tuple[range, ...]
    shape: tuple[int, int]

    @property
    def rows(self) -> torch.Tensor:
        """Numbers of its rows in the parameter, int64, shape (rows,)."""
        return torch.tensor([row for span in self.spans for row in span])

    def __str__(self) -> str:
        return f"{self.parameter} ({self.part})"


def layer_count(model: torch.nn.Module) -> int:
    """Number of layers of the model.

    Raises:
        TypeError: no model of a known architecture.
    """
    place = LAYERS[architecture_of(model)]
    layers = model.get_submodule(place)
    assert isinstance(layers, torch.nn.ModuleList)
    return len(layers)


def matrices(model: torch.nn.Module, role: Role, layer: int) -> tuple[Matrix, ...]:
    """The matrices of one role in one layer, in the order of the table; the weights need not be in memory.

    Raises:
        TypeError: no model of a known architecture, a layer that is no integer, or a matrix that is no ordinary
            `torch.nn.Linear` (quantised, say).
        ValueError: another role, one that the architecture does not have, or a layer out of range.
    """
    architecture = architecture_of(model)
    check_role(role)
    places = PLACES[architecture]
    parts = [part for part in PARTS_OF_ROLE.get(role, (role,)) if part in places]
    if not parts:
        there = ", ".join(dict.fromkeys((*ROLES, *places)))
        raise ValueError(f"role must be one that {architecture} has, {there}, got {role!r}")
    number = _as_layer(layer, layer_count(model))
    return tuple(_matrix(model, architecture, part, number) for part in parts)


def architecture_of(model: object) -> str:
    """Name of the model's architecture; recognised by the name of its class, without importing transformers."""
    names = [kind.__name__ for kind in type(model).__mro__ if kind.__name__ in PLACES]
    if not isinstance(model, torch.nn.Module) or not names:
        raise TypeError(f"model must be a {', '.join(PLACES)} of transformers, got {type(model).__name__}")
    return names[0]


def check_role(role: object) -> None:
    """ValueError unless `role` is one of ROLES or SINGLE_ROLES."""
    if not isinstance(role, str) or role not in ROLES + SINGLE_ROLES:
        raise ValueError(f"role must be one of {', '.join(ROLES + SINGLE_ROLES)}, got {role!r}")


def as_layer_number(layer: object) -> int:
    """`layer` as an int, negative ones included, or a TypeError."""
    if isinstance(layer, bool) or not isinstance(layer, Integral):
        raise TypeError(f"layer must be an integer, got {layer!r} ({type(layer).__name__})")
    return int(layer)


def _as_layer(layer: object, count: int) -> int:
    number = as_layer_number(layer)
    if not -count <= number < count:
        raise ValueError(f"layer must be in {-count}..{count - 1}, got {layer}")
    return number % count


def _division(config: Any, place: str) -> tuple[int, tuple[int, ...]]:
    """How the parts of a place lie in its rows: so many groups, in each of them parts of these relative sizes."""
    if place == "attention.query_key_value":
        return config.num_attention_heads, (1, 1, 1)
    if place == "self_attn.qkv_proj":
        return 1, (config.num_attention_heads, config.num_key_value_heads, config.num_key_value_heads)
    return 1, ((1, 1) if place == "mlp.gate_up_proj" else (1,))


def _matrix(model: torch.nn.Module, architecture: str, part: str, layer: int) -> Matrix:
    place = PLACES[architecture][part]
    where = f"{LAYERS[architecture]}.{layer}.{place}"
    linear = model.get_submodule(where)
    if type(linear) is not torch.nn.Linear:
        raise TypeError(
            f"{where} must be an ordinary torch.nn.Linear, neither quantised nor wrapped, got {linear!r:.80}"
        )
    rows, columns = linear.weight.shape
    groups, sizes = _division(model.config, place)
    unit, rest = divmod(rows, groups * sum(sizes))
    if rest:
        raise ValueError(f"{where} must have a multiple of {groups * sum(sizes)} rows for these heads, got {rows}")
    number = [name for name, other in PLACES[architecture].items() if other == place].index(part)
    start, length, step = unit * sum(sizes[:number]), unit * sizes[number], unit * sum(sizes)
    spans = tuple(range(group * step + start, group * step + start + length) for group in range(groups))
    return Matrix(layer, part, f"{where}.weight", spans, (groups * length, columns))
