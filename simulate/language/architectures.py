"""Decoders of transformers as data: where the layers and their matrices lie, and what stands before and after them.

Loading (`simulate.language.models`), the roles of matrices (`simulate.laser.roles`) and the sweeps
(`simulate.laser.runner`) know of an architecture what is said here, and nothing else. Imports neither torch nor
transformers.

Source: modeling_*.py of transformers 5.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

QUERY_KEY_VALUE = ("query", "key", "value")
ATTENTION = (*QUERY_KEY_VALUE, "attention_out")
MLP = ("mlp_gate", "mlp_up", "mlp_out")
PARTS = (*ATTENTION, *MLP)
"""The matrices that a layer may have, by the part they play; a role of one matrix is one of these."""
NORMS = ("before attention", "query", "key", "after attention", "before mlp", "after mlp")
"""Where a norm may stand: in what a part is given, on its queries and keys, on what it gives, before that is added."""
ALWAYS = "always"
HEAD = "lm_head"

_UNFUSED: Mapping[str, tuple[str, ...]] = {
    "self_attn.q_proj": ("query",),
    "self_attn.k_proj": ("key",),
    "self_attn.v_proj": ("value",),
    "self_attn.o_proj": ("attention_out",),
    "mlp.gate_proj": ("mlp_gate",),
    "mlp.up_proj": ("mlp_up",),
    "mlp.down_proj": ("mlp_out",),
}
_BEFORE = {"before attention": "input_layernorm", "before mlp": "post_attention_layernorm"}


@dataclass(frozen=True, eq=False)
class Architecture:
    """A decoder of transformers.

    Attributes:
        name: its class.   title: in words.   model_type: that of its configuration.
        layers: the list of its layers.   embedding: the module of its token embedding, to which the head may be tied.
        attention, mlp: the two parts of a layer, modules within it.
        matrices: modules within a layer -> the parts of PARTS whose rows it has, in this order.
        by_head: whether the rows of a fused query, key and value go head by head; else all rows of a part together.
        transposed: whether these are transformers' Conv1D, with weights of shape (inputs, outputs), in place of torch's
            Linear, with weights of shape (outputs, inputs).
        biases: parts to which a bias is added -> ALWAYS, or the entry of the configuration that says so.
        norms: places of NORMS -> modules within a layer.
        parallel: the entry of the configuration that says whether the MLP is given what the attention is given rather
            than what it made; empty if it never is.
        computed: pattern of the end of the names of buffers that older files hold and transformers computes.
        renamed: (pattern, replacement) for names of weights that are others in some files.
    """

    name: str
    title: str
    model_type: str
    layers: str = "model.layers"
    embedding: str = "model.embed_tokens"
    attention: str = "self_attn"
    mlp: str = "mlp"
    matrices: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _UNFUSED)
    by_head: bool = False
    transposed: bool = False
    biases: Mapping[str, str] = field(default_factory=dict)
    norms: Mapping[str, str] = field(default_factory=lambda: _BEFORE)
    parallel: str = ""
    computed: str = r"\.self_attn\.rotary_emb\.inv_freq"
    renamed: tuple[tuple[str, str], ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """Those of PARTS that it has, in their order."""
        held = [part for parts in self.matrices.values() for part in parts]
        return tuple(part for part in PARTS if part in held)

    def module_of(self, part: str) -> str:
        """The module within a layer that holds the rows of a part.

        Raises:
            KeyError: a part that it does not have.
        """
        for module, parts in self.matrices.items():
            if part in parts:
                return module
        raise KeyError(part)

    def is_parallel(self, config: Any) -> bool:
        """Whether the MLP of a model of this configuration is given what the attention is given."""
        return bool(self.parallel) and bool(getattr(config, self.parallel))

    def spans(self, part: str, outputs: int, config: Any) -> tuple[range, ...]:
        """The rows of a part among the `outputs` rows of its module.

        Args:
            outputs: number of rows of the module, all its parts together.
            config: the model's, with its numbers of heads.

        Raises:
            KeyError: a part that the architecture does not have.
            ValueError: rows that do not divide by the heads.
        """
        parts = self.matrices[self.module_of(part)]
        groups, sizes = 1, _sizes(parts, config)
        if self.by_head and len(parts) > 1:
            groups, sizes = config.num_attention_heads, [1] * len(parts)
        unit, rest = divmod(outputs, groups * sum(sizes))
        if rest:
            raise ValueError(f"must have a multiple of {groups * sum(sizes)} rows for these heads, got {outputs}")
        number = parts.index(part)
        start, length, step = unit * sum(sizes[:number]), unit * sizes[number], unit * sum(sizes)
        return tuple(range(group * step + start, group * step + start + length) for group in range(groups))


def _sizes(parts: tuple[str, ...], config: Any) -> list[int]:
    """Relative numbers of rows of the parts of one module."""
    if parts != QUERY_KEY_VALUE:
        return [1] * len(parts)
    heads: int = config.num_attention_heads
    keys: int = getattr(config, "num_key_value_heads", heads)
    return [heads, keys, keys]


_AFTER = {"after attention": "post_attention_layernorm", "after mlp": "post_feedforward_layernorm"}
_AROUND = {"before attention": "input_layernorm", "before mlp": "pre_feedforward_layernorm", **_AFTER}
_OF_HEADS = {"query": "self_attn.q_norm", "key": "self_attn.k_norm"}
_ATTENTION_BIAS = dict.fromkeys(ATTENTION, "attention_bias")

_ALL = (
    Architecture(
        "GPTNeoXForCausalLM",
        "GPT-NeoX (Pythia)",
        "gpt_neox",
        layers="gpt_neox.layers",
        embedding="gpt_neox.embed_in",
        attention="attention",
        matrices={
            "attention.query_key_value": QUERY_KEY_VALUE,
            "attention.dense": ("attention_out",),
            "mlp.dense_h_to_4h": ("mlp_up",),
            "mlp.dense_4h_to_h": ("mlp_out",),
        },
        by_head=True,
        biases=_ATTENTION_BIAS | {"mlp_up": ALWAYS, "mlp_out": ALWAYS},
        parallel="use_parallel_residual",
        computed=r"\.attention\.(bias|masked_bias|rotary_emb\.inv_freq)",
        renamed=((r"^embed_out\.", f"{HEAD}."),),
    ),
    Architecture(
        "LlamaForCausalLM",
        "Llama (SmolLM2)",
        "llama",
        biases=_ATTENTION_BIAS | dict.fromkeys(MLP, "mlp_bias"),
    ),
    Architecture(
        "Phi3ForCausalLM",
        "Phi-3",
        "phi3",
        matrices={
            "self_attn.qkv_proj": QUERY_KEY_VALUE,
            "self_attn.o_proj": ("attention_out",),
            "mlp.gate_up_proj": ("mlp_gate", "mlp_up"),
            "mlp.down_proj": ("mlp_out",),
        },
    ),
    Architecture(
        "GPT2LMHeadModel",
        "GPT-2",
        "gpt2",
        layers="transformer.h",
        embedding="transformer.wte",
        attention="attn",
        matrices={
            "attn.c_attn": QUERY_KEY_VALUE,
            "attn.c_proj": ("attention_out",),
            "mlp.c_fc": ("mlp_up",),
            "mlp.c_proj": ("mlp_out",),
        },
        transposed=True,
        biases=dict.fromkeys((*ATTENTION, "mlp_up", "mlp_out"), ALWAYS),
        norms={"before attention": "ln_1", "before mlp": "ln_2"},
        computed=r"\.attn\.(bias|masked_bias)",
        renamed=((rf"^(?!transformer\.|{HEAD}\.)", "transformer."),),  # as saved without the head
    ),
    Architecture("Qwen2ForCausalLM", "Qwen2", "qwen2", biases=dict.fromkeys(QUERY_KEY_VALUE, ALWAYS)),
    Architecture("Qwen3ForCausalLM", "Qwen3", "qwen3", biases=_ATTENTION_BIAS, norms=_BEFORE | _OF_HEADS),
    Architecture("MistralForCausalLM", "Mistral", "mistral"),
    Architecture("Gemma2ForCausalLM", "Gemma 2", "gemma2", biases=_ATTENTION_BIAS, norms=_AROUND),
    Architecture("Gemma3ForCausalLM", "Gemma 3", "gemma3_text", biases=_ATTENTION_BIAS, norms=_AROUND | _OF_HEADS),
    Architecture("OlmoForCausalLM", "OLMo", "olmo", biases=_ATTENTION_BIAS),
    Architecture("Olmo2ForCausalLM", "OLMo 2", "olmo2", biases=_ATTENTION_BIAS, norms=_AFTER | _OF_HEADS),
)
ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType({one.name: one for one in _ALL})
"""By the name of the class."""

_COLUMNS = (QUERY_KEY_VALUE, ("attention_out",), ("mlp_gate", "mlp_up"), ("mlp_out",))


def markdown_table() -> str:
    """The architectures as docs/models.md lists them, a line for each; modules without those that they lie in."""
    columns = ["", *(", ".join(parts) for parts in _COLUMNS), "biases", "norms"]
    rows = [[one.title, *(_modules(one, parts) for parts in _COLUMNS), _biases(one), _norms(one)] for one in _ALL]
    return "".join(f"| {' | '.join(row)} |\n" for row in (columns, ["---"] * len(columns), *rows))


def _modules(one: Architecture, parts: tuple[str, ...]) -> str:
    held = [part for part in parts if part in one.parts]
    modules = dict.fromkeys(one.module_of(part).rpartition(".")[2] for part in held)
    manner = "" if len(modules) == len(held) else ", head by head" if one.by_head else ", one after the other"
    return ", ".join(f"`{module}`" for module in modules) + manner + (", transposed" if one.transposed else "")


def _biases(one: Architecture) -> str:
    entries: dict[str, list[str]] = {}
    for part, entry in one.biases.items():
        entries.setdefault(entry, []).append(part)
    words = {ATTENTION: "attention", MLP: "mlp", MLP[1:]: "mlp", ATTENTION + MLP[1:]: "attention, mlp"}
    said = []
    for entry, parts in entries.items():
        where = words.get(tuple(parts), ", ".join(parts))
        said.append(where if entry == ALWAYS else f"{where} with `{entry}`")
    return "; ".join(said) or "none"


def _norms(one: Architecture) -> str:
    return ", ".join(place for place in NORMS if place in one.norms)
