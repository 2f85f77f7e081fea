"""An optimiser that leaves one weight as it is for the first updates."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from simulate import Architecture, Optimiser, Transformer


@dataclass(frozen=True)
class Held(Optimiser):
    """An `Optimiser` whose weight number `place`, of those it is over, does not change for the first `updates`.

    It has no gradient there, so that momentum and weight decay begin after them too. For trainings without checkpoints,
    which know name and settings of an optimiser alone.
    """

    place: int = 0
    updates: int = 0

    def over(self, weights: Sequence[torch.nn.Parameter]) -> torch.optim.Optimizer:
        """A new optimiser of these weights."""
        made, left = super().over(weights), [self.updates]

        def hold(*_: object) -> None:
            if left[0] > 0:
                weights[self.place].grad = None
                left[0] -= 1

        made.register_step_pre_hook(hold)
        return made


def held(optimiser: Optimiser, architecture: Architecture, name: str, updates: int) -> Held:
    """The optimiser that holds this weight of a `Transformer` for so many updates."""
    learned = [weight for weight, values in Transformer(architecture).named_parameters() if values.requires_grad]
    return Held(optimiser.name, optimiser.settings, learned.index(name), updates)
