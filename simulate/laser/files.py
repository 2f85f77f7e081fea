"""Folders of language models: the standard form, and a factored one that a lower rank makes smaller.

`save_model` writes what any tool reads with AutoModelForCausalLM.from_pretrained. `save_factored` stores L = U sqrt(σ)
and R = sqrt(σ) Vᵀ in place of a truncated matrix W_r = L R where they are fewer numbers, r (rows + columns) < rows ·
columns, in these files:

    config.json, generation_config.json   as in the standard form, and the tokenizer's
    laser.safetensors                     NAME: a whole weight;  NAME/PART.left (rows, r), NAME/PART.right (r, columns):
                                          the factors of one matrix in it;  NAME/rest: its rows in no factored matrix
    laser.json                            the architecture, the matrices that were truncated, and laser.safetensors'
                                          SHA-256

`load_factored` makes an ordinary model of it. A folder is written whole or not at all.
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import GenerationConfig, GPTNeoXForCausalLM, LlamaForCausalLM, Phi3ForCausalLM, PreTrainedModel

from simulate.language.progress import progress_if_long
from simulate.runtime.files import file_digest

from .reduction import Choice, Cut, Laser
from .roles import Matrix, matrices

FORMAT = 1
CONFIGURATION, GENERATION = "config.json", "generation_config.json"
WEIGHTS, DESCRIPTION = "laser.safetensors", "laser.json"
CLASSES: dict[str, type[PreTrainedModel]] = {
    kind.__name__: kind for kind in (GPTNeoXForCausalLM, LlamaForCausalLM, Phi3ForCausalLM)
}


def save_model(model: PreTrainedModel, tokenizer: Any, folder: str | Path) -> None:
    """Write a model, and its tokenizer unless it is None, as the standard folder, with safetensors.

    Args:
        model: any PreTrainedModel with its weights in memory.
        tokenizer: of transformers, or None.
        folder: does not exist or is empty.

    Raises:
        TypeError: another model or tokenizer, or weights on the meta device.
        ValueError: a folder that is not empty, or a file in its place.
        OSError: it cannot be written.
    """
    if not isinstance(model, PreTrainedModel):
        raise TypeError(f"model must be a PreTrainedModel of transformers, got {type(model).__name__}")
    for name, weight in model.named_parameters():
        if weight.is_meta:
            raise TypeError(f"model must have its weights in memory, {name} is on the meta device")
    _check_tokenizer(tokenizer)
    size = sum(weight.nbytes for weight in model.parameters())
    with _whole_folder(folder) as temporary, progress_if_long(size):
        model.save_pretrained(temporary)
        if tokenizer is not None:
            tokenizer.save_pretrained(temporary)


def save_factored(laser: Laser[PreTrainedModel], choices: Iterable[Choice], tokenizer: Any, folder: str | Path) -> None:
    """Write the truncated model, and its tokenizer unless it is None, in the factored form.

    Both factors are computed in float64 and rounded to the model's type, of unit roundoff u. An entry of a factored
    matrix of the model loaded is within 5 u |L||R| of that in `laser.truncated(choices)`: u of either factor and of
    either result, and products of these. All other weights are the same bit by bit.

    Args:
        laser: of the model that is to be truncated.
        choices: as for `Laser.truncated`.
        tokenizer, folder: as for `save_model`.

    Raises:
        TypeError, ValueError, OSError: what `Laser.cuts` and `save_model` raise.
    """
    if not isinstance(laser, Laser):
        raise TypeError(f"laser must be a Laser, got {type(laser).__name__}")
    cuts = laser.cuts(choices)
    _check_tokenizer(tokenizer)
    model = laser.model
    with _whole_folder(folder) as temporary:
        save_file(_stored(laser, cuts), temporary / WEIGHTS, metadata={"format": "pt"})
        description = {
            "format": FORMAT,
            "architecture": _class_name(model),
            "sha256": file_digest(temporary / WEIGHTS),
            "matrices": [_described(cut) for cut in cuts],
        }
        (temporary / DESCRIPTION).write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")
        configuration = deepcopy(model.config)
        configuration.architectures, configuration.dtype = [_class_name(model)], model.dtype
        configuration.save_pretrained(temporary)
        if model.generation_config is not None:
            model.generation_config.save_pretrained(temporary)
        if tokenizer is not None:
            tokenizer.save_pretrained(temporary)


def load_factored(folder: str | Path) -> PreTrainedModel:
    """The model in a folder that `save_factored` wrote, on the CPU: an ordinary one with all its matrices whole.

    Products of factors are computed in float64 and rounded once to the model's type.

    Raises:
        ValueError: a folder without one of the files, or with one that is damaged or does not fit the others.
        OSError: a file cannot be read.
    """
    place = Path(folder)
    missing = [name for name in (DESCRIPTION, CONFIGURATION, WEIGHTS) if not (place / name).is_file()]
    if missing:
        raise ValueError(f"folder {place} must hold a model in factored form, it lacks {', '.join(missing)}")
    kind, factored = _read_description(place)
    configuration = _read_configuration(place, kind)
    with torch.device("meta"):
        skeleton = kind(configuration)
    try:
        tensors = load_file(place / WEIGHTS)
    except (SafetensorError, ValueError) as error:
        raise ValueError(f"{place / WEIGHTS} must be a whole safetensors file: {error}") from error
    try:
        for group in _by_parameter(skeleton, factored):
            tensors[group[0].parameter] = _product(group, skeleton, tensors)
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise ValueError(f"{place / WEIGHTS} must hold the factors that {DESCRIPTION} lists: {error}") from error
    _check_fit(place, skeleton, tensors)
    model = _assembled(kind, configuration, tensors)
    if (place / GENERATION).is_file():
        model.generation_config = GenerationConfig.from_pretrained(place)
    return model


@contextmanager
def _whole_folder(folder: Any) -> Iterator[Path]:
    """A new folder to write in, which takes the name `folder` at the end, or goes if the block raises."""
    if not isinstance(folder, str | Path):
        raise TypeError(f"folder must be a path, got {folder!r:.80} ({type(folder).__name__})")
    place = Path(folder).resolve()
    if place.exists() and not (place.is_dir() and not any(place.iterdir())):
        raise ValueError(f"folder must be a new or an empty folder, {folder} is there and not empty")
    temporary = place.with_name(f".{place.name}.{secrets.token_hex(8)}.tmp")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        for path in temporary.rglob("*"):
            if path.is_file():
                with open(path, "rb+") as file:
                    os.fsync(file.fileno())
        os.replace(temporary, place)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _check_tokenizer(tokenizer: Any) -> None:
    if tokenizer is not None and not callable(getattr(tokenizer, "save_pretrained", None)):
        raise TypeError(f"tokenizer must be a tokenizer of transformers or None, got {type(tokenizer).__name__}")


def _class_name(model: PreTrainedModel) -> str:
    return next(kind.__name__ for kind in type(model).__mro__ if kind.__name__ in CLASSES)


def _own_tensors(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """What has to be stored: parameters, tied ones once, and persistent buffers."""
    tied = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    buffers = {name: value for name, value in model.state_dict().items() if name not in tied}
    return {name: weight.detach() for name, weight in model.named_parameters()} | buffers


# Writing


def _is_factored(matrix: Matrix, rank: int) -> bool:
    rows, columns = matrix.shape
    return rank * (rows + columns) < rows * columns


def _described(cut: Cut) -> dict[str, Any]:
    matrix = cut.matrix
    known = {"layer": matrix.layer, "part": matrix.part, "parameter": matrix.parameter}
    stored = "factors" if _is_factored(matrix, cut.rank) else "dense"
    return known | {"rank": cut.rank, "keep": cut.keep, "stored": stored}


def _factors(laser: Laser[PreTrainedModel], cut: Cut) -> tuple[torch.Tensor, torch.Tensor]:
    """L = U sqrt(σ), shape (rows, rank), and R = sqrt(σ) Vᵀ, shape (rank, columns), of what stays, in float64."""
    spectrum = laser.spectrum(cut.matrix)
    size = len(spectrum.values)
    kept = slice(0, cut.rank) if cut.keep == "top" else slice(size - cut.rank, size)
    roots = torch.from_numpy(spectrum.values[kept]).sqrt()
    left, right = torch.from_numpy(spectrum.left[:, kept]), torch.from_numpy(spectrum.right[:, kept])
    return left * roots, (right * roots).T


def _stored(laser: Laser[PreTrainedModel], cuts: Iterable[Cut]) -> dict[str, torch.Tensor]:
    tensors = _own_tensors(laser.model)
    factors: dict[str, torch.Tensor] = {}
    taken: dict[str, list[torch.Tensor]] = {}
    for cut in cuts:
        name, rows = cut.matrix.parameter, cut.matrix.rows
        if _is_factored(cut.matrix, cut.rank):
            left, right = (factor.to(tensors[name].dtype) for factor in _factors(laser, cut))
            factors[f"{name}/{cut.matrix.part}.left"], factors[f"{name}/{cut.matrix.part}.right"] = left, right
            taken.setdefault(name, []).append(rows)
        else:
            tensors[name] = tensors[name].clone()
            tensors[name][rows] = laser.part(cut)
    for name, rows_taken in taken.items():
        weight = tensors.pop(name)
        rest = _others(torch.cat(rows_taken), len(weight))
        if len(rest):
            factors[f"{name}/rest"] = weight[rest]
    return {name: tensor.cpu().contiguous() for name, tensor in (tensors | factors).items()}


def _others(rows: torch.Tensor, count: int) -> torch.Tensor:
    free = torch.ones(count, dtype=torch.bool)
    free[rows] = False
    return free.nonzero().flatten()


# Reading


def _read_description(place: Path) -> tuple[type[PreTrainedModel], list[tuple[int, str]]]:
    """The class of the model and the (layer, part) of the matrices that are stored as factors."""
    path = place / DESCRIPTION
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        form, kind, digest = known["format"], CLASSES[known["architecture"]], known["sha256"]
        factored = [(entry["layer"], entry["part"]) for entry in known["matrices"] if entry["stored"] == "factors"]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} must describe a model in factored form: {error!r}") from error
    if form != FORMAT:
        raise ValueError(f"{path} must be of format {FORMAT}, got {form!r}")
    if file_digest(place / WEIGHTS) != digest:
        raise ValueError(f"{place / WEIGHTS} must have the SHA-256 that {DESCRIPTION} states, it is damaged")
    return kind, factored


def _read_configuration(place: Path, kind: type[PreTrainedModel]) -> Any:
    try:
        return kind.config_class.from_pretrained(place, local_files_only=True)  # type: ignore[union-attr]
    except Exception as error:  # transformers raises many kinds
        raise ValueError(f"{place / CONFIGURATION} must be a configuration of a {kind.__name__}: {error}") from error


def _by_parameter(skeleton: PreTrainedModel, factored: Iterable[tuple[int, str]]) -> list[list[Matrix]]:
    """The matrices of these (layer, part), those of one parameter together."""
    groups: dict[str, list[Matrix]] = {}
    for layer, part in factored:
        for matrix in matrices(skeleton, part, layer):
            groups.setdefault(matrix.parameter, []).append(matrix)
    return list(groups.values())


def _product(group: list[Matrix], skeleton: PreTrainedModel, tensors: dict[str, torch.Tensor]) -> torch.Tensor:
    """The whole weight of these matrices; takes the factors out of `tensors`."""
    name = group[0].parameter
    shape = skeleton.get_parameter(name).shape
    rest = _others(torch.cat([matrix.rows for matrix in group]), shape[0])
    weight: torch.Tensor | None = None
    for matrix in group:
        left, right = (tensors.pop(f"{name}/{matrix.part}.{side}") for side in ("left", "right"))
        if weight is None:
            weight = torch.empty(shape, dtype=left.dtype)
        weight[matrix.rows] = (left.double() @ right.double()).to(left.dtype)
    assert weight is not None
    if len(rest):
        weight[rest] = tensors.pop(f"{name}/rest")
    return weight


def _check_fit(place: Path, skeleton: PreTrainedModel, tensors: dict[str, torch.Tensor]) -> None:
    needed = {name: tuple(tensor.shape) for name, tensor in _own_tensors(skeleton).items()}
    there = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    for name in sorted(needed.keys() | there.keys()):
        if needed.get(name) != there.get(name):
            shapes = f"{needed.get(name, 'no such weight')}, got {there.get(name, 'none')}"
            raise ValueError(f"{place / WEIGHTS} must fit {CONFIGURATION}: {name} must have shape {shapes}")


def _assembled(kind: type[PreTrainedModel], configuration: Any, tensors: dict[str, torch.Tensor]) -> PreTrainedModel:
    """The model with these weights, each of its own type."""
    model: PreTrainedModel = kind.from_pretrained(None, config=configuration, state_dict=tensors)
    for name, weight in _own_tensors(model).items():
        if weight.dtype != tensors[name].dtype:
            model.get_parameter(name).data = tensors[name]
    return model
