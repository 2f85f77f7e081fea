"""config.json, checked key by key before a model is built: every key known, none that would fetch or run anything, and
sizes that are those of the weights.

transformers takes an unknown key without a word and a default in place of the one that was meant: a misspelled number
of heads gives another model with the same weights.

Source: configuration_*.py and configuration_utils.py of transformers 5.
"""

import dataclasses
import difflib
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .architectures import ARCHITECTURES, HEAD, QUERY_KEY_VALUE, Architecture
from .weight_files import read_object

CONFIGURATION = "config.json"
DIVERTING = (
    "quantization_config", "transformers_weights", "fusion_config", "configuration_files", "per_layer_config",
    "attn_implementation", "_attn_implementation", "_attn_implementation_internal", "experts_implementation",
    "_experts_implementation", "_experts_implementation_internal", "kernels", "use_kernels", "kernel_config",
    "trust_remote_code", "custom_generate",
)  # fmt: skip
"""Keys by which transformers would read something else than the folder's plain weights, or fetch or run code."""
SIZES = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads")
"""Keys without which transformers would take the sizes of some other model."""
ROTATIONS = ("rope_theta", "rope_scaling", "partial_rotary_factor", "head_dim")
"""Keys that models with rotations read besides those of their class."""
IN_ROTATIONS = frozenset(
    (
        "rope_type", "type", "rope_theta", "factor", "partial_rotary_factor", "original_max_position_embeddings",
        "attention_factor", "beta_fast", "beta_slow", "short_factor", "long_factor", "low_freq_factor",
        "high_freq_factor", "mscale", "mscale_all_dim", "truncate",
    )
)  # fmt: skip
BESIDES: Mapping[str, tuple[str, ...]] = {
    "gpt_neox": ("rotary_pct", "rotary_emb_base"),
    "gpt2": ("n_ctx", "task_specific_params", "feed_forward_length"),
    "llama": ("is_llama_config", "rope_interleaved"),
    "gemma2": ("hidden_act",),
    "gemma3_text": ("hidden_act", "rope_local_base_freq", "sliding_window_pattern", "_sliding_window_pattern"),
}
"""Keys of published configurations that are not fields of the class, by model type."""
ONE_ROTATION = {
    "rope_theta": "rope_theta", "rotary_emb_base": "rope_theta",
    "partial_rotary_factor": "partial_rotary_factor", "rotary_pct": "partial_rotary_factor",
}  # fmt: skip
"""Keys of older versions, by what they are in rope_parameters, where transformers reads them if both are there."""
RANGES: Mapping[str, tuple[float, float]] = {
    "layer_norm_eps": (0, 1), "layer_norm_epsilon": (0, 1), "rms_norm_eps": (0, 1), "norm_epsilon": (0, 1),
    "max_position_embeddings": (1, math.inf), "n_positions": (1, math.inf), "sliding_window": (1, math.inf),
    "rope_theta": (1, math.inf), "rotary_emb_base": (1, math.inf), "rope_local_base_freq": (1, math.inf),
    "partial_rotary_factor": (0, 1), "rotary_pct": (0, 1),
}  # fmt: skip
"""Least and largest values of numbers that transformers takes as they are."""
UNREAD = frozenset(
    (
        "_name_or_path", "name_or_path", "_model_name_or_path", "_commit_hash", "transformers_version",
        "transformers.js_config", "auto_map", "_attn_implementation_autoset",
    )
)  # fmt: skip
"""Keys that no model reads: two configurations that differ in these are the same."""
OLD = frozenset(
    (
        "torch_dtype", "model_type", "num_labels", "output_attentions", "unk_token_id", "sep_token_id",
        "decoder_start_token_id", "tokenizer_class", "finetuning_task", "prefix", "pruned_heads",
        "tie_encoder_decoder", "add_cross_attention", "cross_attention_hidden_size", "is_decoder", "torchscript",
        "tf_legacy_loss", "use_bfloat16", "pretraining_tp", "cache_implementation", "model_max_length",
    )
)  # fmt: skip
"""Keys of older versions, which decoders do not read, or read as they always did."""


def read_configuration(folder: Path) -> tuple[Architecture, Any]:
    """The architecture and the configuration of a folder.

    Raises:
        FileNotFoundError: there is no config.json.
        ValueError: it is no JSON; of another architecture; a key that is not known, is missing, diverts, or says other
            than a second one; numbers out of range; special tokens beyond the vocabulary; an adapter beside it.
    """
    path = folder / CONFIGURATION
    found = read_object(path)
    known = found.get("architectures")
    if not isinstance(known, list) or len(known) != 1 or known[0] not in list(ARCHITECTURES):
        raise ValueError(f"{path} must have one architecture of {', '.join(ARCHITECTURES)}, got {known!r:.80}")
    architecture, kind = ARCHITECTURES[known[0]], found.get("model_type")
    if kind != architecture.model_type:
        raise ValueError(f"{path} must have model_type {architecture.model_type!r} for {known[0]}, got {kind!r:.80}")
    if (folder / "adapter_config.json").exists():
        raise ValueError(f"folder {folder} must hold a whole model, it has an adapter (adapter_config.json); merge it")
    import transformers  # takes a while, and a digest of a folder does without

    config_class = getattr(transformers, architecture.name).config_class
    _require_plain(path, found)
    _require_known(path, found, config_class)
    _require_agreeing(path, found, config_class.attribute_map)
    _require_ranges(path, found)
    try:
        config = config_class.from_dict({name: value for name, value in found.items() if name != "auto_map"})
    except Exception as error:  # transformers has many kinds
        raise ValueError(f"{path} must describe a {known[0]}: {' '.join(str(error).split())[:300]}") from error
    _require_special_tokens(path, config)
    return architecture, config


def meaning(found: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without the keys that no model reads."""
    return {name: value for name, value in found.items() if name not in UNREAD}


def _require_plain(path: Path, found: Mapping[str, Any]) -> None:
    for name in DIVERTING:
        if found.get(name) is not None:
            raise ValueError(f"{path} must describe plain weights, without {name}, got {found[name]!r:.80}")
    code = found.get("auto_map")
    if code is not None and not (isinstance(code, dict) and all(_is_module_here(one) for one in code.values())):
        raise ValueError(f"{path} must not name code elsewhere (auto_map), got {code!r:.80}")


def _is_module_here(name: object) -> bool:
    """Whether an entry of auto_map is a class of a module of the folder, which is never run; not owner/repo--module."""
    return isinstance(name, str) and re.fullmatch(r"[\w.]+", name) is not None


def _require_known(path: Path, found: Mapping[str, Any], config_class: Any) -> None:
    """ValueError unless every key is one that the class has, and those of the sizes are there."""
    from transformers import GenerationConfig

    fields, renamed = {one.name for one in dataclasses.fields(config_class)}, config_class.attribute_map
    known = fields | UNREAD | OLD | set(renamed) | set(BESIDES.get(config_class.model_type, ()))
    known |= set(GenerationConfig().to_dict()) | set(DIVERTING)
    if "rope_parameters" in fields:
        known |= set(ROTATIONS)
    for name in found:
        if name not in known:
            raise ValueError(
                f"{path} must have keys of a {config_class.__name__}, got {name!r:.80}{_like(name, known)}"
            )
    for name in ("rope_parameters", "rope_scaling"):
        _require_known_rotations(path, name, found.get(name))
    for name in SIZES:
        if found.get(name) is None and found.get(renamed.get(name, name)) is None:
            raise ValueError(f"{path} must have {renamed.get(name, name)}, and does not")


def _require_known_rotations(path: Path, name: str, found: object) -> None:
    for key, value in found.items() if isinstance(found, dict) else ():
        if isinstance(value, dict) and key in ("full_attention", "sliding_attention"):
            _require_known_rotations(path, f"{name}.{key}", value)
        elif key not in IN_ROTATIONS:
            likely = _like(key, IN_ROTATIONS)
            raise ValueError(f"{path} must have keys of rotations in {name}, got {key!r:.80}{likely}")


def _require_agreeing(path: Path, found: Mapping[str, Any], renamed: Mapping[str, str]) -> None:
    """ValueError if two keys for one thing have different values; transformers would take one of them."""
    rotations = found.get("rope_parameters")
    inner = rotations if isinstance(rotations, dict) else {}
    pairs = [(new, found.get(new), old, found.get(old)) for new, old in renamed.items()]
    pairs += [(f"rope_parameters.{new}", inner.get(new), old, found.get(old)) for old, new in ONE_ROTATION.items()]
    scaling = found.get("rope_scaling")
    for key, value in scaling.items() if isinstance(scaling, dict) and inner else ():
        name = "rope_type" if key == "type" else key
        pairs.append((f"rope_parameters.{name}", inner.get(name, "absent"), f"rope_scaling.{key}", value))
    for first, value, second, other in pairs:
        if value is not None and other is not None and value != other:
            raise ValueError(
                f"{second} of {path} must be {first} = {value!r:.80}, as it is the same, got {other!r:.80}"
            )


def _require_ranges(path: Path, found: Mapping[str, Any], where: str = "") -> None:
    for name, value in found.items():
        if isinstance(value, dict) and name in (
            "rope_parameters",
            "rope_scaling",
            "full_attention",
            "sliding_attention",
        ):
            _require_ranges(path, value, f"{where}{name}.")
        least, most = RANGES.get(name, (-math.inf, math.inf))
        if isinstance(value, int | float) and not least <= value <= most:
            raise ValueError(f"{where}{name} of {path} must be in [{least}, {most}], got {value!r:.80}")


def _like(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), 1)
    return f"; is it {near[0]}?" if near else ""


def _require_special_tokens(path: Path, config: Any) -> None:
    for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
        value = getattr(config, name, None)
        for number in value if isinstance(value, list) else [value]:
            if number is not None and not 0 <= number < config.vocab_size:
                raise ValueError(f"{name} of {path} must be in 0..vocab_size-1 = {config.vocab_size - 1}, got {number}")


def require_sizes(path: Path, architecture: Architecture, config: Any, held: Mapping[str, tuple[int, ...]]) -> None:
    """ValueError that names the entry of the configuration which the shapes of the weights contradict, before a model
    of these sizes is described.

    Args:
        held: shapes of the weights, and of buffers that older files hold, by stable name.
    """
    names = type(config).attribute_map

    def require(key: str, wanted: int, where: str) -> None:
        got = getattr(config, key)
        if got != wanted:
            raise ValueError(f"{names.get(key, key)} of {path} must be {wanted}, as {where} has it, got {got!r:.80}")

    embedding = f"{architecture.embedding}.weight"
    if len(held.get(embedding, ())) == 2:
        require("vocab_size", held[embedding][0], embedding)
        require("hidden_size", held[embedding][1], embedding)
    layers = re.compile(re.escape(architecture.layers) + r"\.(\d+)\.")
    numbers = {int(found[1]) for name in held if (found := layers.match(name))}
    if numbers:
        require("num_hidden_layers", max(numbers) + 1, architecture.layers)
    first = {name.removeprefix(f"{architecture.layers}.0."): shape for name, shape in held.items()}
    inner = first.get(f"{architecture.module_of('mlp_out')}.weight", ())
    if len(inner) == 2:
        key = "n_inner" if hasattr(config, "n_inner") else "intermediate_size"
        wanted = inner[0] if architecture.transposed else inner[1]
        if not (key == "n_inner" and config.n_inner is None and wanted == 4 * config.hidden_size):
            require(key, wanted, architecture.module_of("mlp_out"))
    if "transformer.wpe.weight" in held:
        require("max_position_embeddings", held["transformer.wpe.weight"][0], "transformer.wpe.weight")
    _require_heads(path, architecture, config, first)


def _require_heads(path: Path, architecture: Architecture, config: Any, first: Mapping[str, tuple[int, ...]]) -> None:
    """As `require_sizes`: the rows of queries and keys of the first layer, the rotations that old files hold."""
    heads = config.num_attention_heads
    size = getattr(config, "head_dim", None) or (config.hidden_size // heads if heads else 0)
    keys = getattr(config, "num_key_value_heads", None) or heads
    for part, number, key in (("query", heads, "num_attention_heads"), ("key", keys, "num_key_value_heads")):
        module = architecture.module_of(part)
        if architecture.matrices[module] == QUERY_KEY_VALUE:
            number, key = heads + 2 * keys, "num_attention_heads + 2 num_key_value_heads"
        shape = first.get(f"{module}.weight", ())
        rows = shape[1 if architecture.transposed else 0] if len(shape) == 2 else number * size
        if rows != number * size:
            raise ValueError(
                f"{key} of {path} must be {rows} / head_dim, as {module} has {rows} rows, got {number} heads of {size}"
            )
    norm = first.get(f"{architecture.norms.get('query', HEAD)}.weight", ())
    if len(norm) == 1 and norm[0] not in (size, heads * size):
        raise ValueError(f"head_dim of {path} must be {norm[0]}, as the norm of queries has it, got {size}")
    rotations = first.get(f"{architecture.attention}.rotary_emb.inv_freq", ())
    parameters = getattr(config, "rope_parameters", None) or {}
    turned = int(size * (parameters.get("partial_rotary_factor") or 1.0))
    if len(rotations) == 1 and rotations[0] != (turned + 1) // 2:
        raise ValueError(
            f"rotations of {path} must be of {2 * rotations[0]} of the {size} entries of a head, as "
            f"{architecture.attention}.rotary_emb.inv_freq has it, got {turned}"
        )
