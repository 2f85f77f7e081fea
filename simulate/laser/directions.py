"""In which singular directions of a matrix a language model keeps its distributional continuation.

    one, = noise_directions(model, prompts, "mlp_out", layer=-1)
    one.of_top(4).mean(), one.total.mean()  # how far the top 4 directions, and all, lift " the" over the answer

Of the matrix W = Σ_i σ_i u_i v_iᵀ and the lead of the noise, d = logit of the distributional continuation less that of
the answer, the contribution of direction i to a prompt's lead is

    c_i = σ_i u_iᵀ (∂d/∂W) v_i,    Σ_i c_i = <W, ∂d/∂W>    (1)

the derivative of d as σ_i is scaled, so -c_i is what removing the direction changes d by in first order: final norm,
layers above, gate and activation are linearised where the model is. For the MLP's output matrix ∂d/∂W is Σ_t g_t h_tᵀ
over positions t, with g the gradient at the MLP's output and h what the matrix is given, and Σ_i c_i = Σ_t g_t · W h_t
is all that the MLP contributes (but for its bias). Of input matrices (1) sees the activations' slope alone, and
removing large directions is no small change: what it comes to is `leads` of a sweep's cells, at a rank or without the
top directions.

Source: T4.4 (associative memory, which singular space is on top); Sharma, Ash, Misra (2023), what the smaller
directions hold.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import torch

from simulate.prompts.tokens import Encoded, Readings
from simulate.runtime.arrays import Floats
from theory.arguments import Natural, Shape, checked

from .reduction import Laser
from .roles import Matrix, Role, matrices

if TYPE_CHECKING:
    from transformers import PreTrainedModel
else:
    PreTrainedModel = Any


@checked
@dataclass(frozen=True, eq=False)
class NoiseDirections:
    """What each singular direction of one matrix contributes to the lead of the noise.

    Attributes:
        values: singular values σ_1 >= σ_2 >= …, float64, shape (directions,).
        contributions: c of (1), prompt by prompt, float64, shape (prompts, directions).
    """

    matrix: Matrix
    values: Annotated[Floats, Shape("directions")]
    contributions: Annotated[Floats, Shape("prompts directions")]

    @property
    def total(self) -> Floats:
        """Of all directions, shape (prompts,)."""
        found: Floats = self.contributions.sum(axis=1)
        return found

    @checked
    def of_top(self, count: Natural) -> Floats:
        """Of the `count` largest directions together, shape (prompts,); ValueError for a count out of range."""
        found: Floats = self.contributions[:, : self._checked(count)].sum(axis=1)
        return found

    @checked
    def share_of_top(self, count: Natural) -> float:
        """Of the directions whose mean contribution is for the noise, the part of their sum that the `count` largest
        directions have; 0 to 1, not a number where no direction is for it."""
        mean = np.maximum(self.contributions.mean(axis=0), 0)
        return float(mean[: self._checked(count)].sum() / mean.sum()) if mean.any() else float("nan")

    def _checked(self, count: int) -> int:
        if count > self.values.size:
            raise ValueError(f"count must be at most {self.values.size}, the directions of {self.matrix}, got {count}")
        return count


@checked
def noise_directions(model: PreTrainedModel, prompts: Encoded, role: Role, layer: int) -> list[NoiseDirections]:
    """The contributions (1) for every matrix of a role, in the order of `matrices`.

    Args:
        model: as for `Laser`; it is not changed.
        prompts: what is asked.
        role, layer: as for `Choice`.

    Raises:
        TypeError, ValueError: what `matrices` or `Laser.spectrum` raises, or a gradient that is not finite.
    """
    found, laser = [], Laser(model)
    for matrix in matrices(model, role, layer):
        spectrum = laser.spectrum(matrix)
        left, values, right = spectrum.left, spectrum.values, spectrum.right
        contributions = np.empty((prompts.count, values.size))
        for place, gradient in _gradients(model, prompts, matrix):
            contributions[place] = values * ((gradient.T @ left) * right).sum(axis=0)
        found.append(NoiseDirections(matrix, values, contributions))
    return found


def _gradients(model: "PreTrainedModel", prompts: Encoded, matrix: Matrix) -> Iterator[tuple[int, Floats]]:
    """Place of each prompt and ∂d/∂W for it, float64, shape of the matrix."""
    weight = model.get_parameter(matrix.parameter).detach().clone().requires_grad_()
    for places, tokens in prompts.groups:
        options = {"input_ids": tokens.to(model.device), "use_cache": False, "logits_to_keep": 1}
        with torch.enable_grad():  # whatever the caller has
            logits = torch.func.functional_call(model, {matrix.parameter: weight}, (), options).logits[:, -1].double()
            rows = torch.arange(len(places), device=logits.device)
            generic, answer = (end[places].to(logits.device) for end in (prompts.distributional, prompts.answer))
            found = (logits[rows, generic] - logits[rows, answer]).unbind()
        for place, lead in zip(places.tolist(), found, strict=True):
            (gradient,) = torch.autograd.grad(lead, weight, retain_graph=True)
            if not gradient.isfinite().all():
                raise ValueError(f"model must have finite gradients, at {matrix} got NaN or infinite ones")
            yield place, matrix.taken_from(gradient).double().numpy(force=True)


@checked
def leads(found: Readings) -> Floats:
    """d, the logit of the distributional continuation less that of the answer, shape (prompts,): the logarithm of the
    ratio of their probabilities.

    Raises:
        ValueError: a probability that is 0.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        difference: Floats = np.log(found.distributional) - np.log(found.answer)
    if not np.isfinite(difference).all():
        raise ValueError("found must have positive probabilities of both continuations, got one that is not")
    return difference
