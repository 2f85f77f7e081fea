"""Trainings of two-layer transformers for the claims B4 to B6 and E, as jobs: each one once, whoever asks for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from paper_checks.jobs import job, results
from simulate import Training, Transformer, answers, resolve_device, train, with_weights

from .observers import LawObserver, Observer, ProbeObserver, last_shown, mean_probabilities


@dataclass(frozen=True, eq=False)
class AnswerObserver(LawObserver):
    """`mean_probabilities` of the answers at the last trigger whose c was shown, and nothing else: a third of the work
    of a `RecallObserver`."""

    def __call__(self, model: Transformer) -> dict[str, float]:
        """The numbers."""
        batch = self.batch.to(model.E.device)
        return mean_probabilities(answers(model, batch, last_shown(batch)))


@dataclass(frozen=True)
class Probes(ProbeObserver):
    """A `ProbeObserver`, as the argument of a job."""


@dataclass(frozen=True)
class Reached:
    """True of an observation, not before so many updates, in which a quantity is at least so large."""

    name: str
    least: float
    since: int = 0

    def __call__(self, seen: Mapping[str, float]) -> bool:
        """Whether it is."""
        return seen["step"] >= self.since and seen[self.name] >= self.least


@dataclass(frozen=True, eq=False)
class ObservedTraining:
    """A training, by whom and after which numbers of updates it is looked at, and at which observation it ends, if not
    at its last step."""

    training: Training
    observer: Observer
    at: tuple[int, ...]
    until: Reached | None = None


@dataclass(frozen=True, eq=False)
class Run:
    """What a training leaves: the weights of the trained model by name, and what was observed on the way."""

    weights: dict[str, torch.Tensor]
    history: list[dict[str, float]]


def seconds(observed: ObservedTraining) -> float:
    """About how long a training takes one processor, at most; from products of matrices at 10¹¹ operations a second."""
    training = observed.training
    model, T = training.architecture, training.law.T
    hidden = [layer.size for layer in (model.F1, model.F2 if training.loss_on == "every" else None) if layer]
    products = model.width * (4 * model.width + T + 2 * sum(hidden))
    return training.steps * (0.7e-3 + 6e-11 * training.batch * T * products)


@job("trainings", cost=seconds)
def train_observed(observed: ObservedTraining) -> Run:
    """One training."""
    return train_on("cpu", observed)


def train_on(device: str, observed: ObservedTraining) -> Run:
    """One training, here and now."""
    until = observed.until
    found = train(
        observed.training, device=device, observe=observed.observer, at=observed.at, until=until, progress=False
    )
    return Run({name: weight.detach() for name, weight in found.model.named_parameters()}, found.history)


def trained(wanted: Sequence[ObservedTraining], device: str = "cpu") -> list[Run]:
    """What these trainings leave, in order. On the CPU they are jobs; on a GPU they are made here, one after the other,
    each once per session."""
    jobs = [train_observed.of(observed) for observed in wanted]
    if resolve_device(device).type == "cpu":
        found: list[Run] = results(jobs)
        return found
    for one, observed in zip(jobs, wanted, strict=True):
        if (device, one.identity) not in _on_a_gpu:
            _on_a_gpu[device, one.identity] = train_on(device, observed)
    return [_on_a_gpu[device, one.identity] for one in jobs]


_on_a_gpu: dict[tuple[str, str], Run] = {}


def model_of(training: Training, run: Run) -> Transformer:
    """The trained model."""
    weights = run.weights
    return with_weights(Transformer(training.architecture).to(next(iter(weights.values())).device), weights)
