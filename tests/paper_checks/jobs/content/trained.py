"""A training as a job, and a job that asks for it."""

from collections.abc import Callable

import torch

from paper_checks.jobs import Job, job
from simulate import Training, Transformer, train

Observe = Callable[[Transformer], dict[str, float]]


@job("trainings")
def trained(training: Training, observe: Observe) -> dict[str, torch.Tensor]:
    """Weights of a training, and the loss at its end."""
    found = train(training, observe=observe, at=(0, training.steps), progress=False)
    weights = {name: weight.detach() for name, weight in found.model.named_parameters()}
    return weights | {"loss": torch.tensor(found.history[-1]["loss"])}


def same_training(training: Training, observe: Observe) -> list[Job]:
    """The job that `largest` asks for."""
    return [trained.of(training, observe)]


@job("largest weights", inputs=same_training)
def largest(training: Training, observe: Observe) -> float:
    """Of a training."""
    return max(float(weight.abs().max()) for weight in trained(training, observe).values())
