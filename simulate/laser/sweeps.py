"""LASER at every layer, role and rank of a language model, and what it does to the answers of prompts.

One decomposition per matrix, and one copy of the model that computes anew what a cell changes (`runner`).

Source: Sharma, Ash, Misra (2023), search over layers, matrices and ranks; Chen, Bruna, Bietti (ICLR 2025), Pythia.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import total_ordering
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, cast

import numpy as np
import torch
from annotated_types import Interval, MinLen

from simulate.prompts.tokens import METRICS, Encoded, Readings
from simulate.runtime.alone import alone
from simulate.runtime.arrays import Floats, Integers
from simulate.runtime.files import digest_of_files
from simulate.runtime.streaming import progress_bar
from simulate.runtime.tensor_files import read_tensors, write_tensors
from theory.arguments import Natural, checked
from theory.scalars import as_count, as_probability, shown

from .reduction import Choice, Laser, planned_cuts
from .roles import ROLES, Role, layer_count, matrices
from .runner import Runner

if TYPE_CHECKING:
    from transformers import PreTrainedModel
else:
    PreTrainedModel = Any

Places: TypeAlias = slice | Integers
"""Some of the prompts of a set."""
CODE, PATTERNS = Path(__file__).parents[1], ("**/*.py", "**/*.pyi")
"""What the numbers of a sweep depend on besides the model and the prompts."""
LONG_JOB_CELLS = 50
AT_ONCE = 8
"""Versions of a matrix that are in memory at once."""


@total_ordering
@checked
@dataclass(frozen=True)
class Cell:
    """One truncation: the matrices of `role` in `layer`, each to one of: `rank`, `fraction` of its rank, or `without`
    so many of its largest directions (see `Choice`). Ordered by layer and role, ranks before fractions before these.
    """

    layer: int
    role: Role
    rank: Natural | None = None
    fraction: Annotated[float, Interval(ge=0, le=1)] | None = None
    without: Natural | None = None

    def __post_init__(self) -> None:
        _ = self.choice  # its errors

    def __str__(self) -> str:
        level = (
            f"at rank {self.rank}" if self.rank is not None
            else f"at {self.fraction:g} of its rank" if self.fraction is not None
            else f"without its top {self.without}"
        )  # fmt: skip
        return f"{self.role} of layer {self.layer} {level}"

    def __lt__(self, other: "Cell") -> bool:
        return self._place < other._place

    @property
    def _place(self) -> tuple[int, str, int, float]:
        levels = self.rank, self.fraction, self.without
        number = next(place for place, level in enumerate(levels) if level is not None)
        return self.layer, self.role, number, float(levels[number] or 0)

    @property
    def exact_rank(self) -> int:
        """The rank of a cell that has one; ValueError for another."""
        if self.rank is None:
            raise ValueError(f"cell must be at a rank, got {self}")
        return self.rank

    @property
    def choice(self) -> Choice:
        """The cell as a choice for `Laser`."""
        return Choice(self.role, self.layer, self.rank, fraction=self.fraction, without=self.without)


@checked
@dataclass(frozen=True, eq=False)
class Sweep:
    """What the whole model (`whole`) and the model of every cell say after the prompts, by the name of their set."""

    whole: dict[str, Readings]
    cells: dict[Cell, dict[str, Readings]] = field(default_factory=dict)

    @checked
    def change(self, cell: Cell, name: str, metric: str, places: Places = slice(None)) -> Floats:
        """Metric in the cell less that of the whole model, prompt by prompt; float64, shape (prompts,)."""
        known: dict[str, tuple[object, Collection[object]]] = {
            "cell": (cell, self.cells), "name": (name, self.whole), "metric": (metric, METRICS)
        }  # fmt: skip
        for argument, (value, there) in known.items():
            if value not in there:
                raise ValueError(f"{argument} must be one of {', '.join(map(str, there))}, got {shown(value)}")
        count = self.whole[name].answer.size
        if not isinstance(places, slice) and places.size and not -count <= places.min() <= places.max() < count:
            raise ValueError(f"places must be in {-count}..{count - 1}, got {places.min()}..{places.max()}")
        after, before = (getattr(found[name], metric) for found in (self.cells[cell], self.whole))
        difference: Floats = after[places] - before[places]
        return difference


def doubling_ranks(model: PreTrainedModel) -> tuple[int, ...]:
    """0, 1, 2, 4, … below the smaller side of every matrix of the model."""
    sides = (
        min(matrix.shape)
        for layer in range(layer_count(model))
        for role in ROLES
        for matrix in matrices(model, role, layer)
    )
    limit = min(sides)
    return (0, *(2**power for power in range(limit.bit_length()) if 2**power < limit))


@checked
def sweep(
    model: PreTrainedModel,
    prompts: Annotated[Mapping[str, Encoded], MinLen(1)],
    cells: Iterable[Cell] | None = None,
    *,
    roles: Annotated[Sequence[Role], MinLen(1)] = ROLES,
    layers: Iterable[int] | None = None,
    ranks: Iterable[int] | None = None,
    fractions: Iterable[float] = (),
    without: Iterable[int] = (),
    whole: Mapping[str, Readings] | None = None,
    record: Path | None = None,
    progress: bool | None = None,
) -> Sweep:
    """Truncate every role in every layer to every rank or share of it, one at a time, and read the answers.

    Args:
        model: as for `simulate.laser.Laser`; it is not changed.
        prompts: sets of encoded prompts by name, at least one.
        cells: which cells; by default all of these roles, layers and levels:
        roles, layers: layers from 0, all by default.
        ranks, fractions, without: to what, see `Cell`; ranks are `doubling_ranks` by default if no other is given.
        whole: what the model itself says after the prompts, where that is known.
        record: a file that is written, whole or not at all, after every layer and role. A sweep that finds it there
            takes the cells it has and goes on, if it is of this model, these prompts, this code and these versions.
        progress: show a progress bar; None means on an interactive terminal, for more than LONG_JOB_CELLS cells.

    Raises:
        TypeError, ValueError: what `Laser.cuts` raises for a cell, no prompts, logits that are not finite; a record of
            another model, of other prompts, or damaged.
        BlockingIOError: another sweep has this record.   OSError: it cannot be written.
    """
    if whole is not None and prompts.keys() - whole.keys():
        raise ValueError(f"whole must have every set of prompts, {', '.join(prompts)}, got {', '.join(whole)}")
    if cells is None:
        if ranks is None:
            ranks = () if fractions or without else doubling_ranks(model)
        cells = cells_of(model, roles, layers, ranks=ranks, fractions=fractions, without=without)
    cells = _checked(model, cells)
    with alone(record):
        return _swept(model, prompts, cells, whole, record, progress)


def _swept(
    model: "PreTrainedModel",
    prompts: Mapping[str, Encoded],
    cells: Sequence[Cell],
    whole: Mapping[str, Readings] | None,
    record: Path | None,
    progress: bool | None,
) -> Sweep:
    identity = "" if record is None else _identity(model, prompts)
    known = {} if record is None else _read(record, identity, prompts)
    blocks: dict[tuple[int, Role], list[Cell]] = {}
    for cell in cells:
        blocks.setdefault((cell.layer, cell.role), []).append(cell)
    runner = Runner(model, prompts, whole)
    with progress_bar(len(cells), len(cells), progress, "cells", LONG_JOB_CELLS) as advance:
        for (layer, role), block in blocks.items():
            laser, missing = Laser(model), [cell for cell in block if cell not in known]
            for some in (missing[start : start + AT_ONCE] for start in range(0, len(missing), AT_ONCE)):
                versions = [laser.weights(cell.choice) for cell in some]
                known.update(zip(some, runner.read(layer, role, versions), strict=True))
            if record is not None and missing:
                _write(record, known, identity)
            advance(len(block), f"layer {layer}, {role}")
    return Sweep(runner.whole, {cell: known[cell] for cell in cells})


def read_choices(
    model: PreTrainedModel,
    prompts: Mapping[str, Encoded],
    choices: Sequence[Choice],
    whole: Mapping[str, Readings] | None = None,
) -> list[dict[str, Readings]]:
    """The answers with each of these choices alone, in order; arguments and errors as for `sweep`."""
    layers = [matrices(model, choice.role, choice.layer)[0].layer for choice in choices]
    laser, runner = Laser(model), Runner(model, prompts, whole)
    found: list[dict[str, Readings]] = [{} for _ in choices]
    for place in sorted(range(len(choices)), key=layers.__getitem__):  # the runner goes up
        one, layer = choices[place], layers[place]
        found[place] = runner.read(layer, one.role, [laser.weights(one)])[0]
    return found


def cells_of(
    model: PreTrainedModel,
    roles: Sequence[Role],
    layers: Iterable[int] | None = None,
    *,
    ranks: Iterable[int] = (),
    fractions: Iterable[float] = (),
    without: Iterable[int] = (),
) -> tuple[Cell, ...]:
    """The cells of these roles, layers (all by default) and levels, in the order in which a sweep runs them.

    Raises:
        TypeError, ValueError: a cell that the model does not have.
    """
    count = layer_count(model)
    chosen = range(count) if layers is None else sorted({as_count("layer", layer, 0) for layer in layers})
    levels: list[dict[str, Any]] = [{"rank": one} for one in sorted({as_count("rank", rank, 0) for rank in ranks})]
    levels += [{"fraction": one} for one in sorted({float(as_probability("fraction", one)) for one in fractions})]
    levels += [{"without": one} for one in sorted({as_count("without", one, 0) for one in without})]
    return _checked(model, (Cell(layer, role, **level) for layer in chosen for role in roles for level in levels))


def _checked(model: PreTrainedModel, cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """The cells, lower layers first; errors before any work."""
    given = tuple(cells)
    for cell in given:
        if not isinstance(cell, Cell):
            raise TypeError(f"cells must be several Cell, got {shown(cell)} ({type(cell).__name__})")
    if not given:
        raise ValueError("cells must be at least one, of at least one layer and rank, fraction or without, got none")
    found = tuple(sorted(dict.fromkeys(given), key=lambda cell: cell.layer))
    for cell in found:
        planned_cuts(model, [cell.choice])
    return found


def _identity(model: PreTrainedModel, prompts: Mapping[str, Encoded]) -> str:
    """sha256 over the weights, the prompts' tokens, and what the numbers depend on besides."""
    code = digest_of_files(CODE, PATTERNS)
    digest = hashlib.sha256(f"{torch.__version__} {version('transformers')} {model.device.type} {code}\n".encode())
    for name, weight in sorted(model.state_dict().items()):
        digest.update(f"{name} {tuple(weight.shape)} {weight.dtype}\n".encode())
        digest.update(weight.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    for name, encoded in sorted(prompts.items()):
        digest.update(f"{name} {encoded.count}\n".encode())
        for places, tokens in encoded.groups:
            digest.update(places.tobytes() + tokens.numpy().tobytes())
        for ends in (encoded.answer, encoded.distractor, encoded.distributional):
            digest.update(ends.numpy().tobytes())
    return digest.hexdigest()


def _write(path: Path, cells: Mapping[Cell, dict[str, Readings]], identity: str) -> None:
    tensors = {}
    for cell, sets in cells.items():
        level = json.dumps([cell.rank, cell.fraction, cell.without])
        for name, found in sets.items():
            values = torch.tensor(np.stack([getattr(found, metric) for metric in METRICS]))
            tensors[f"{cell.layer}/{cell.role}/{level}/{name}"] = values
    write_tensors(path, tensors, {"sweep": json.dumps({"identity": identity})})


def _read(path: Path, identity: str, prompts: Mapping[str, Encoded]) -> dict[Cell, dict[str, Readings]]:
    """The cells of a record; none if there is no file."""
    if not path.exists():
        return {}
    try:
        tensors, known = read_tensors(path)
        stored = json.loads(known["sweep"])["identity"]
        found: dict[Cell, dict[str, Readings]] = {}
        for key, tensor in tensors.items():
            layer, role, level, name = key.split("/", 3)
            values = {metric: row.numpy() for metric, row in zip(METRICS, tensor, strict=True)}
            found.setdefault(Cell(int(layer), cast(Role, role), *json.loads(level)), {})[name] = Readings(**values)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"record {path} must be a whole record of a sweep: {error!r}") from error
    if stored != identity:
        raise ValueError(
            f"record {path} must be of this model, these prompts, this code and device; it is not: remove it"
        )
    return {cell: sets for cell, sets in found.items() if sets.keys() == prompts.keys()}
