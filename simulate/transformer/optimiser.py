"""Optimisers of torch by name and settings, checked before any work."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch


@dataclass(frozen=True)
class Optimiser:
    """An optimiser of `torch.optim` by name, such as Optimiser("SGD", {"lr": 0.03, "momentum": 0.9}).

    Raises:
        ValueError: no optimiser of this name, one that needs a closure or sparse gradients, or settings it refuses.
    """

    name: str
    settings: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        made = getattr(torch.optim, self.name, None) if isinstance(self.name, str) else None
        base = torch.optim.Optimizer
        if not (isinstance(made, type) and issubclass(made, base)) or self.name in ("Optimizer", "LBFGS", "SparseAdam"):
            raise ValueError(f"optimiser must be the name of one in torch.optim, such as 'SGD', got {self.name!r}")
        if not isinstance(self.settings, Mapping):
            raise TypeError(f"settings must be a mapping such as {{'lr': 0.03}}, got {self.settings!r}")
        rate = self.settings.get("lr")
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not (math.isfinite(rate) and rate > 0):
            raise ValueError(f"optimiser {self.name} must have a positive, finite learning rate lr, got {rate!r}")
        try:
            json.dumps(dict(self.settings))  # goes into checkpoints
            self.over([torch.nn.Parameter(torch.zeros(1, 1))])
        except (TypeError, ValueError) as error:
            raise ValueError(f"optimiser {self.name} refuses {dict(self.settings)}: {error}") from error

    def over(self, weights: Sequence[torch.nn.Parameter]) -> torch.optim.Optimizer:
        """A new optimiser of these weights."""
        made: torch.optim.Optimizer = getattr(torch.optim, self.name)(weights, **self.settings)
        return made
