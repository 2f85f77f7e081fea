"""Optimisers of torch by name and settings, checked before any work."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
import torch
from annotated_types import MinLen

from theory.arguments import checked
from theory.scalars import as_float, as_real, out_of_range

SETTING = "a finite number, a bool, a string, None or a tuple of these"


@checked
@dataclass(frozen=True)
class Optimiser:
    """An optimiser of `torch.optim` by name, such as Optimiser("SGD", {"lr": 0.03, "momentum": 0.9}).

    Raises:
        TypeError, ValueError: no optimiser of this name, one that needs a closure or sparse gradients, or settings that
            are not finite or that it refuses.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        made = getattr(torch.optim, self.name, None)
        base = torch.optim.Optimizer
        if not (isinstance(made, type) and issubclass(made, base)) or self.name in ("Optimizer", "LBFGS", "SparseAdam"):
            raise ValueError(f"optimiser must be the name of one in torch.optim, such as 'SGD', got {self.name!r}")
        known = {name: _as_setting(f"settings[{name!r}]", value) for name, value in self.settings.items()}
        object.__setattr__(self, "settings", known)
        rate = self.settings.get("lr")
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not rate > 0:
            raise ValueError(f"optimiser {self.name} must have a positive, finite learning rate lr, got {rate!r}")
        try:
            self.over([torch.nn.Parameter(torch.zeros(1, 1))])
        except (TypeError, ValueError) as error:
            raise ValueError(f"optimiser {self.name} refuses {dict(self.settings)}: {error}") from error

    @checked
    def over(self, weights: Annotated[Sequence[torch.nn.Parameter], MinLen(1)]) -> torch.optim.Optimizer:
        """A new optimiser of these weights."""
        made: torch.optim.Optimizer = getattr(torch.optim, self.name)(weights, **self.settings)
        return made


def _as_setting(name: str, value: object) -> Any:
    """A setting in JSON's types, numbers of any library as Python's, or an error that names it."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, list | tuple):
        return type(value)(_as_setting(name, one) for one in value)
    number = as_real(name, SETTING, value)
    found = number if isinstance(number, int) else as_float(name, SETTING, number)
    if not math.isfinite(found):
        raise out_of_range(name, SETTING, found)
    return found
