"""Layer-selective rank reduction (LASER) of language models: chosen matrices of chosen layers at a lower rank.

    laser = Laser(model)
    smaller = laser.truncated([Choice("mlp_in", -1, fraction=0.01), Choice("attention_out", 3, 16)])
    other = laser.truncated([Choice("mlp_up", -1, without=4)])

`model` is of one of `simulate.language.architectures.ARCHITECTURES`, and so is the result. Each of the
matrices that a role names (`simulate.laser.roles` lists them) is decomposed on its own. Biases and norms stay.

Source: Sharma, Ash, Misra (2023), LASER; Chen, Bruna, Bietti (ICLR 2025), truncation in pre-trained models.
"""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import torch

from simulate.runtime.byte_limit import require_bytes
from simulate.runtime.streaming import progress_bar
from simulate.truncation import FLOATING, Keep, Spectrum, as_rank, decompose
from theory.arguments import Natural, Probability, checked

from .roles import Matrix, Role, architecture_of, matrices

Model = TypeVar("Model", bound=torch.nn.Module)

LONG_JOB_PRODUCTS = 1e10  # of rows · columns · min(rows, columns): some ten seconds of decompositions on a few cores


@checked
@dataclass(frozen=True)
class Choice:
    """What to keep of the matrices of one role in one layer.

    Args:
        role: one of ROLES or SINGLE_ROLES.
        layer: from 0, or from the end: -1 is the last.
        rank, fraction, keep: as for `simulate.truncate`, for each of the matrices.
        without: number of the largest directions that each matrix loses, in place of a rank.

    Raises:
        TypeError, ValueError: another role, a layer that is no integer, or what `simulate.truncate` refuses.
    """

    role: Role
    layer: int
    rank: Natural | None = None
    fraction: Probability | None = field(default=None, kw_only=True)
    without: Natural | None = field(default=None, kw_only=True)
    keep: Keep = field(default="top", kw_only=True)

    def __post_init__(self) -> None:
        levels = {"rank": self.rank, "fraction": self.fraction, "without": self.without}
        given = [name for name, level in levels.items() if level is not None]
        if len(given) != 1:
            said = ", ".join(f"{name} = {level!r}" for name, level in levels.items())
            raise ValueError(f"give exactly one of rank, fraction and without, got {said}")
        if self.without is not None and self.keep != "top":
            raise ValueError(f"keep must be 'top' with without, which says what stays, got {self.keep!r}")


@checked
@dataclass(frozen=True)
class Cut:
    """What a choice comes to for one matrix: the largest (keep = "top") or smallest `rank` directions stay."""

    matrix: Matrix
    rank: Natural
    keep: Keep


class Laser(Generic[Model]):
    """The decompositions of a model's matrices, each computed at first use and reused for every rank.

    The model is neither changed nor copied. A matrix that has changed since it was decomposed is decomposed anew. Each
    decomposition holds 8 (rows + columns) min(rows, columns) bytes on the matrix's device for as long as this does.

    Args:
        model: of one of `simulate.language.architectures.ARCHITECTURES`, with its weights in memory.

    Raises:
        TypeError: another model, or weights on the meta device.
    """

    def __init__(self, model: Model) -> None:
        architecture_of(model)
        for name, weight in model.named_parameters():
            if weight.is_meta:
                raise TypeError(f"model must have its weights in memory, {name} is on the meta device")
        self.model = model
        self._spectra: dict[Matrix, Spectrum[torch.Tensor]] = {}

    @checked
    def spectrum(self, matrix: Matrix) -> Spectrum[torch.Tensor]:
        """The decomposition of one matrix of the model, as `simulate.decompose` gives it.

        Raises:
            TypeError, ValueError: a weight that `simulate.truncate` refuses.
        """
        weight = matrix.taken_from(self.model.get_parameter(matrix.parameter).detach())
        known = self._spectra.get(matrix)
        if known is None or not _equal(known.truncate(min(matrix.shape)), weight):
            try:
                known = self._spectra[matrix] = decompose(weight)
            except (TypeError, ValueError) as error:
                raise type(error)(f"{matrix}: {error}") from error
        return known

    def cuts(self, choices: Iterable[Choice]) -> tuple[Cut, ...]:
        """What the choices come to, matrix by matrix; checks all that can be checked before any decomposition.

        Raises:
            TypeError: no choices, or weights that are no floating point numbers or quantised.
            ValueError: a role or layer that the model does not have, a rank beyond the smaller side of a matrix, two
                choices for one matrix, or weights that are not finite.
        """
        made = planned_cuts(self.model, choices)
        for cut in made:
            self.spectrum(cut.matrix)
        return made

    @checked
    def part(self, cut: Cut) -> torch.Tensor:
        """What stays of the matrix: a tensor of its shape, type and device; at full rank the matrix bit by bit.

        Raises:
            ValueError: an entry beyond the weight's type.
        """
        try:
            return self.spectrum(cut.matrix).truncate(cut.rank, keep=cut.keep)
        except ValueError as error:
            raise ValueError(f"{cut.matrix}: {error}") from error

    @checked
    def weights(self, choice: Choice) -> dict[str, torch.Tensor]:
        """The whole parameters that hold the matrices of a choice, by name, with the matrices truncated.

        Errors as for `cuts`.
        """
        made: dict[str, torch.Tensor] = {}
        for cut in self.cuts([choice]):
            name = cut.matrix.parameter
            weight = made.setdefault(name, self.model.get_parameter(name).detach().clone())
            cut.matrix.put_into(weight, self.part(cut))
        return made

    @checked
    def truncated(self, choices: Iterable[Choice], *, progress: bool | None = None) -> Model:
        """A new model with the chosen matrices truncated, of the same class, types and devices; nothing is shared.

        Args:
            choices: in any order; no matrix may be named twice.
            progress: show a progress bar; None means on an interactive terminal, for more than some ten seconds.

        Raises:
            TypeError, ValueError: what `cuts` raises; no memory for a copy of the model.
        """
        cuts = self.cuts(choices)
        made = copied(self.model)
        work = sum(cut.matrix.shape[0] * cut.matrix.shape[1] * min(cut.matrix.shape) for cut in cuts)
        with progress_bar(len(cuts), work, progress, "matrices", LONG_JOB_PRODUCTS) as advance, torch.no_grad():
            for cut in cuts:
                cut.matrix.put_into(made.get_parameter(cut.matrix.parameter), self.part(cut))
                advance(1)
        return made


def truncated(model: Model, *choices: Choice) -> Model:
    """A new model with the chosen matrices truncated; `Laser(model).truncated(choices)`."""
    return Laser(model).truncated(choices)


def planned_cuts(model: torch.nn.Module, choices: Iterable[Choice]) -> tuple[Cut, ...]:
    """As `Laser.cuts`, without any decomposition."""
    if not isinstance(choices, Iterable):
        raise TypeError(f"choices must be several Choice, got {choices!r:.80} ({type(choices).__name__})")
    chosen = tuple(choices)
    for choice in chosen:
        if not isinstance(choice, Choice):
            raise TypeError(f"choices must be several Choice, got {choice!r:.80} ({type(choice).__name__})")
    made: dict[Matrix, Cut] = {}
    for choice in chosen:
        for matrix in matrices(model, choice.role, choice.layer):
            if matrix in made:
                raise ValueError(f"choices must name each matrix at most once, {matrix} is named by two")
            _check(model, matrix)
            made[matrix] = _cut(matrix, choice)
    return tuple(made.values())


def _check(model: torch.nn.Module, matrix: Matrix) -> None:
    weight = model.get_parameter(matrix.parameter)
    kind = str(weight.dtype).removeprefix("torch.")
    if kind not in FLOATING or type(weight) is not torch.nn.Parameter:
        got = f"{type(weight).__name__} of type {kind}"
        raise TypeError(f"{matrix} must be an ordinary Parameter of type {', '.join(FLOATING)}, got {got}")


def _cut(matrix: Matrix, choice: Choice) -> Cut:
    size = min(matrix.shape)
    if choice.without is not None:
        if choice.without > size:
            raise ValueError(f"{matrix}: without must be at most min(weight.shape) = {size}, got {choice.without}")
        return Cut(matrix, size - choice.without, "bottom")
    try:
        return Cut(matrix, as_rank(size, choice.rank, choice.fraction), choice.keep)
    except ValueError as error:
        raise ValueError(f"{matrix}: {error}") from error


def _equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.device == other.device and one.dtype == other.dtype and torch.equal(one, other)


def copied(model: Model) -> Model:
    """A copy of the model with which nothing is shared; ValueError where there is no memory for it."""
    needed: dict[torch.device, int] = {}
    for weight in model.parameters():
        needed[weight.device] = needed.get(weight.device, 0) + weight.nbytes
    for device, size in needed.items():
        require_bytes("model: the weights of its copy", size, device, "use a smaller one")
    return deepcopy(model)
