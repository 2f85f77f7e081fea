"""A model, prompts and cells as arguments of jobs; what the model says, whole and with the cells of one layer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from paper_checks.jobs import Job, job, results
from simulate.laser.runner import measure_packed
from simulate.laser.sweeps import Cell, Sweep, sweep
from simulate.prompts.sets import Prompt
from simulate.prompts.tokens import Readings, encode

if TYPE_CHECKING:
    from simulate.language.models import LanguageModel

Sets = tuple[tuple[str, tuple[Prompt, ...]], ...]
"""Pairs of the name of a set and its prompts, in order: what a job has in place of a mapping."""
SECONDS_PER_PROMPT = 0.002
"""About what one layer takes one processor for one short prompt, of a model of SmolLM2's size."""


@dataclass(frozen=True)
class Subject:
    """The model of a sweep.

    Attributes:
        place: a name of `simulate.language.pretrained`, a hub name, a folder or a file *.gguf.
        sha256: of its weights, as `LanguageModel.sha256`: what a job's result depends on.
        start: the token before every prompt, see `simulate.prompts.encode`.
        revision, dtype: as for `load_language_model`.   device: where it is run.
        layers: how many it has.
        description: sha256 of its configuration and tokenizer, as `LanguageModel.description`; "" asks for none.
    """

    place: str
    sha256: str
    layers: int
    start: str | None = None
    revision: str | None = None
    dtype: str = "float32"
    device: str = "cpu"
    description: str = ""


@lru_cache(maxsize=1)
def loaded(subject: Subject) -> "LanguageModel":
    """The model, once per process.

    Raises:
        ValueError: it has other weights, or another configuration or tokenizer, than the subject says.
    """
    from simulate.language.models import load_language_model  # needs the extra `language`, and takes a while

    found = load_language_model(subject.place, subject.revision, device=subject.device, dtype=subject.dtype)
    if found.sha256 != subject.sha256:
        raise ValueError(f"model {subject.place} must have weights of sha256 {subject.sha256}, got {found.sha256}")
    if subject.description not in ("", found.description):
        raise ValueError(
            f"model {subject.place} must have a configuration and tokenizer of sha256 {subject.description}, got "
            f"{found.description}"
        )
    return found


def _whole_cost(subject: Subject, prompts: Sequence[Prompt]) -> float:
    return 3.0 + subject.layers * len(prompts) * SECONDS_PER_PROMPT


@job("language models", cost=_whole_cost)
def asked(subject: Subject, prompts: tuple[Prompt, ...]) -> Readings:
    """What the whole model says after these prompts."""
    found = loaded(subject)
    return measure_packed(found.model, {"": encode(prompts, found.tokenizer, subject.start)})[""]


def _sweep_cost(subject: Subject, sets: Sets, cells: Sequence[Cell]) -> float:
    above = subject.layers - min(cell.layer for cell in cells)
    count = sum(len(prompts) for _, prompts in sets)
    return 3.0 + count * SECONDS_PER_PROMPT * (subject.layers + len(cells) * (above + 1))


def _whole(subject: Subject, sets: Sets, cells: Sequence[Cell]) -> list[Job]:
    return [asked.of(subject, prompts) for _, prompts in sets]


@job("sweeps of language models", cost=_sweep_cost, inputs=_whole)
def layer_sweep(subject: Subject, sets: Sets, cells: tuple[Cell, ...]) -> Sweep:
    """What the model says after these prompts with each of these cells, which are of one layer."""
    found = loaded(subject)
    encoded = {name: encode(prompts, found.tokenizer, subject.start) for name, prompts in sets}
    whole = {name: asked(subject, prompts) for name, prompts in sets}
    return sweep(found.model, encoded, cells, whole=whole, progress=False)


def sweep_jobs(subject: Subject, sets: Mapping[str, Sequence[Prompt]], cells: Iterable[Cell]) -> list[Job]:
    """The jobs of a sweep, a layer each, the top one first."""
    layers: dict[int, list[Cell]] = {}
    for cell in sorted(cells, reverse=True):
        layers.setdefault(cell.layer, []).append(cell)
    fixed = tuple((name, tuple(prompts)) for name, prompts in sets.items())
    return [layer_sweep.of(subject, fixed, tuple(sorted(several))) for several in layers.values()]


def swept(subject: Subject, sets: Mapping[str, Sequence[Prompt]], cells: Iterable[Cell]) -> Sweep:
    """The sweep of these cells.

    Raises:
        TypeError, ValueError: what `simulate.laser.sweep` raises, or `loaded`.
    """
    parts: list[Sweep] = results(sweep_jobs(subject, sets, cells))
    if not parts:
        raise ValueError("cells must be at least one, got none")
    return joined(parts)


def joined(parts: Sequence[Sweep]) -> Sweep:
    """Sweeps of different cells of one model on the same prompts, at least one, as one."""
    return Sweep(parts[0].whole, {cell: found for part in parts for cell, found in part.cells.items()})
