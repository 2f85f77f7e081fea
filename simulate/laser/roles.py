"""Where the matrices of language models lie, by the role they play in a layer.

A role names one or several matrices of a layer:

    role            matrices                 GPT-NeoX                       Llama, and most others
    mlp_in          mlp_gate, mlp_up         dense_h_to_4h (no gate)        gate_proj, up_proj
    mlp_out         itself                   dense_4h_to_h                  down_proj
    attention_qkv   query, key, value        three parts of query_key_value q_proj, k_proj, v_proj
    attention_out   itself                   dense                          o_proj

query, key, value, mlp_gate and mlp_up are the roles of single ones. Where they lie in each architecture, and how fused
ones split, is said in `simulate.language.architectures`.

Source: the roles are those of LASER (Sharma, Ash, Misra, 2023).
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch

from simulate.language.architectures import ARCHITECTURES, Architecture
from theory.arguments import Natural, checked

GroupRole: TypeAlias = Literal["mlp_in", "mlp_out", "attention_qkv", "attention_out"]
SingleRole: TypeAlias = Literal["query", "key", "value", "mlp_gate", "mlp_up"]
Role: TypeAlias = Literal[GroupRole, SingleRole]
ROLES: tuple[GroupRole, ...] = get_args(GroupRole)
SINGLE_ROLES: tuple[SingleRole, ...] = get_args(SingleRole)
PARTS_OF_ROLE = {"mlp_in": ("mlp_gate", "mlp_up"), "attention_qkv": ("query", "key", "value")}


@checked
@dataclass(frozen=True)
class Matrix:
    """One matrix of a model.

    Attributes:
        layer: from 0.   part: "query", "key", "value", "attention_out", "mlp_gate", "mlp_up" or "mlp_out".
        parameter: name in the model of the weight that holds it.
        spans: its rows among the outputs of the parameter.   shape: (outputs, inputs) of the matrix.
        transposed: whether the parameter has the shape (inputs, outputs), as those of GPT-2.
    """

    layer: Natural
    part: str
    parameter: str
    spans: tuple[range, ...]
    shape: tuple[int, int]
    transposed: bool = False

    @property
    def rows(self) -> torch.Tensor:
        """Numbers of its rows among the outputs of the parameter, int64, shape (outputs,)."""
        return torch.tensor([row for span in self.spans for row in span])

    @checked
    def taken_from(self, weight: torch.Tensor) -> torch.Tensor:
        """A copy of the matrix, of its shape, from the values of the parameter; ValueError for another shape."""
        self._check(weight)
        return (weight.T if self.transposed else weight)[self.rows]

    @checked
    def put_into(self, weight: torch.Tensor, matrix: torch.Tensor) -> None:
        """Write the matrix over its place in the values of the parameter; ValueError for another shape or type."""
        self._check(weight)
        if tuple(matrix.shape) != self.shape or matrix.dtype != weight.dtype or not torch.isfinite(matrix).all():
            got = f"{matrix.dtype} of shape {tuple(matrix.shape)}"
            raise ValueError(f"matrix must be finite, {weight.dtype} of shape {self.shape}, got {got}")
        (weight.T if self.transposed else weight)[self.rows] = matrix

    def _check(self, weight: torch.Tensor) -> None:
        outputs, inputs = max(span.stop for span in self.spans), self.shape[1]
        shape = tuple(weight.T.shape if self.transposed else weight.shape) if weight.ndim == 2 else ()
        if not shape or shape[0] < outputs or shape[1] != inputs:
            got = tuple(weight.shape)
            raise ValueError(f"weight must have {inputs} inputs and at least {outputs} outputs for {self}, got {got}")
        if not weight.is_floating_point():
            raise TypeError(f"weight must be of floating point numbers for {self}, got {weight.dtype}")
        if not torch.isfinite(weight).all():
            raise ValueError(f"weight must be finite for {self}, got NaN or infinite entries")

    def __str__(self) -> str:
        return f"{self.parameter} ({self.part})"


def layer_count(model: torch.nn.Module) -> int:
    """Number of layers of the model.

    Raises:
        TypeError: no model of a known architecture.
    """
    architecture = ARCHITECTURES[architecture_of(model)]
    layers = model.get_submodule(architecture.layers)
    assert isinstance(layers, torch.nn.ModuleList)
    return len(layers)


@checked
def matrices(model: torch.nn.Module, role: Role, layer: int) -> tuple[Matrix, ...]:
    """The matrices of one role in one layer, in the order of the table; the weights need not be in memory.

    Raises:
        TypeError: no model of a known architecture, a layer that is no integer, or a matrix in another module than the
            ordinary one (quantised, say).
        ValueError: another role, one that the architecture does not have, or a layer out of range.
    """
    architecture = ARCHITECTURES[architecture_of(model)]
    parts = [part for part in PARTS_OF_ROLE.get(role, (role,)) if part in architecture.parts]
    if not parts:
        there = ", ".join(dict.fromkeys((*ROLES, *architecture.parts)))
        raise ValueError(f"role must be one that {architecture.name} has, {there}, got {role!r}")
    number = _as_layer(layer, layer_count(model))
    return tuple(_matrix(model, architecture, part, number) for part in parts)


def architecture_of(model: object) -> str:
    """Name of the model's architecture; recognised by the name of its class, without importing transformers."""
    names = [kind.__name__ for kind in type(model).__mro__ if kind.__name__ in ARCHITECTURES]
    if not isinstance(model, torch.nn.Module) or not names:
        raise TypeError(f"model must be a {', '.join(ARCHITECTURES)} of transformers, got {type(model).__name__}")
    return names[0]


def check_role(role: str) -> None:
    """ValueError unless `role`, a word of a command, is one of ROLES or SINGLE_ROLES."""
    if role not in ROLES + SINGLE_ROLES:
        raise ValueError(f"role must be one of {', '.join(ROLES + SINGLE_ROLES)}, got {role!r}")


def _as_layer(layer: int, count: int) -> int:
    if not -count <= layer < count:
        raise ValueError(f"layer must be in {-count}..{count - 1}, got {layer}")
    return layer % count


def _matrix(model: torch.nn.Module, architecture: Architecture, part: str, layer: int) -> Matrix:
    where = f"{architecture.layers}.{layer}.{architecture.module_of(part)}"
    linear = model.get_submodule(where)
    if not _is_ordinary(linear, architecture.transposed):
        wanted = "Conv1D of transformers" if architecture.transposed else "torch.nn.Linear"
        raise TypeError(f"{where} must be an ordinary {wanted}, neither quantised nor wrapped, got {linear!r:.80}")
    weight = linear.get_parameter("weight")
    outputs, inputs = (weight.T if architecture.transposed else weight).shape
    try:
        spans = architecture.spans(part, outputs, model.config)
    except ValueError as error:
        raise ValueError(f"{where} {error}") from error
    shape = (sum(map(len, spans)), inputs)
    return Matrix(layer, part, f"{where}.weight", spans, shape, architecture.transposed)


def _is_ordinary(module: torch.nn.Module, transposed: bool) -> bool:
    """Whether a module is a plain linear map; Conv1D is recognised by its name, without importing transformers."""
    kind = type(module)
    if transposed:
        return f"{kind.__module__}.{kind.__qualname__}" == "transformers.pytorch_utils.Conv1D"
    return kind is torch.nn.Linear
