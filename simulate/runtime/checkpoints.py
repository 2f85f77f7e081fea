"""The state of a training in one safetensors file: weights, the optimiser's tensors, step, history, configuration."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch

from .tensor_files import read_tensors, write_tensors

WEIGHT, OPTIMISER = "weight/", "optimiser/"
KEYS = ("step", "history", "configuration", "rest")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Where a training stands.

    Attributes:
        step: number of updates made.
        weights: all weights by name.   optimiser: the optimiser's state by number of the parameter, as torch keeps it.
        history: what was observed so far, one dictionary per observation.
        configuration: what the training is, as canonical JSON.
    """

    step: int
    weights: dict[str, torch.Tensor]
    optimiser: dict[int, dict[str, object]]
    history: list[dict[str, float]]
    configuration: str

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all; on failure the one that was there stays."""
        tensors = {WEIGHT + name: weight.detach().cpu().contiguous() for name, weight in self.weights.items()}
        rest: dict[str, dict[str, object]] = {}
        for number, state in self.optimiser.items():
            for name, value in state.items():
                if isinstance(value, torch.Tensor):
                    tensors[f"{OPTIMISER}{number}/{name}"] = value.detach().cpu().contiguous()
                else:
                    rest.setdefault(str(number), {})[name] = value
        known = {"step": self.step, "history": self.history, "configuration": self.configuration, "rest": rest}
        write_tensors(path, tensors, {name: json.dumps(value) for name, value in known.items()})


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint in a file, its tensors on the CPU.

    Raises:
        ValueError: no complete safetensors file, one that is not as it was written, or not a checkpoint of a training.
        OSError: the file cannot be read.
    """
    try:
        tensors, known = read_tensors(path)
    except ValueError as error:
        raise ValueError(f"checkpoint {error}") from error
    missing = [key for key in KEYS if key not in known]
    if missing:
        raise ValueError(f"checkpoint {path} must hold {', '.join(KEYS)}, it lacks {', '.join(missing)}")
    try:
        return _assembled(known, tensors)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"checkpoint {path} must hold the state of a training: {error!r}") from error


def _assembled(known: dict[str, str], tensors: dict[str, torch.Tensor]) -> Checkpoint:
    step, history, configuration, rest = (json.loads(known[key]) for key in KEYS)  # NaN included
    optimiser = {int(number): dict(state) for number, state in rest.items()}
    weights = {}
    for name, tensor in tensors.items():
        if name.startswith(WEIGHT):
            weights[name.removeprefix(WEIGHT)] = tensor
        else:
            number, key = name.removeprefix(OPTIMISER).split("/", 1)
            optimiser.setdefault(int(number), {})[key] = tensor
    if not isinstance(step, int) or not isinstance(history, list) or not isinstance(configuration, str):
        raise ValueError(f"step {step!r}, configuration {configuration!r:.80}")
    return Checkpoint(step, weights, optimiser, history, configuration)
