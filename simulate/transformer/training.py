"""One training loop for the two-layer transformer: any torch optimiser, seeded, observed, interruptible, resumable.

Update i uses batch i of the law's stream of independent batches, so that a run that goes on from a checkpoint sees what
it would have seen. On one device and number of threads the same configuration gives the same weights, bit for bit.

Source: Chen, Bruna, Bietti (ICLR 2025) and Bietti et al. (NeurIPS 2023), training of the two-layer transformer.
"""

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch

from simulate.runtime.alone import alone
from simulate.runtime.arguments import Observed, as_observation
from simulate.runtime.checkpoints import Checkpoint, read_checkpoint
from simulate.runtime.device import resolve_device
from simulate.runtime.streaming import progress_bar
from simulate.sequences.recall import require_batch
from theory.arguments import Count, Natural, checked

from .model import Transformer, initialised
from .plan import Training
from .products import check_products

DIVERGED = 1000.0
"""A loss of so many times ln M has diverged: guessing costs ln M."""
LONG_RUN_STEPS = 200
NUMBERS_SHOWN = 6
"""Numbers of an observation beside a progress bar."""

Observe = Callable[[Transformer], dict[str, float]]
Until = Callable[[Mapping[str, float]], bool]


@checked
@dataclass(frozen=True, eq=False)
class Trained:
    """A trained model and what was observed on the way: dictionaries with "step", "loss" and what `observe` returned.

    "loss" is the model's on the batch of the next update, which it has not learned from.
    """

    model: Transformer
    history: list[dict[str, Observed]]

    @checked
    def curve(self, name: str) -> list[float]:
        """One observed quantity over the observed steps."""
        if any(name not in seen for seen in self.history):
            known = ", ".join(self.history[0])
            raise ValueError(f"name must be of what was observed, one of {known}, got {name!r}")
        return [seen[name] for seen in self.history]


@checked
def train(
    training: Training,
    *,
    device: str = "cpu",
    observe: Observe | None = None,
    at: Sequence[Natural] = (),
    until: Until | None = None,
    checkpoint: Path | None = None,
    every: Count = 100,
    progress: bool | None = None,
) -> Trained:
    """Train from the first weights, or from the checkpoint if its file is there.

    Args:
        training: what to do.
        device: as for `sample`.
        observe: called with the model after each number of updates in `at`; returns finite numbers by name.
        at: increasing numbers of updates in 0..steps.
        until: called with each observation, "step" and "loss" included, and returns a bool; at the first True the
            training ends, there: the model and the history are those of that step. None is to the end.
        checkpoint: a file to go on from and to write; None is none.
        every: number of updates between two checkpoints, >= 1; one is written at the end too.
        progress: True, False, or None for a bar if the terminal is interactive and the run long.

    Returns:
        `Trained`; with the same `at` and `until`, the same whether or not the run was interrupted and resumed.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or out of range, an unavailable device, products that it
            lacks, a checkpoint that is no whole file, of another configuration, or ahead of `steps` or of where `until`
            ends it, before any work; or what `observe` or `until` returns.
        FloatingPointError: the loss or a weight is no number, or the loss has diverged; it names step and learning
            rate. The checkpoint on file is of a model whose loss was checked.
        BlockingIOError: another training has this checkpoint.   OSError: it cannot be written.
    """
    marks, place = _as_marks(at, training.steps), resolve_device(device)
    require_batch(training.law, training.batch)
    check_products(training.products, place)
    if (observe is None) != (not marks):
        raise ValueError(f"observe and at must be given together, got observe = {observe!r} and at = {tuple(at)}")
    if until is not None and observe is None:
        raise ValueError(f"until must be given with observe, whose numbers it is called with, got until = {until!r}")
    path = None if checkpoint is None else Path(checkpoint)
    with alone(path):
        return _trained(_State(training, place, path, until), observe, marks, every, progress)


def _trained(
    state: "_State", observe: Observe | None, marks: frozenset[int], every: int, progress: bool | None
) -> Trained:
    total = state.training.steps
    with (
        _repeatable(state.place),
        progress_bar(total, total, progress, f"{total} steps", LONG_RUN_STEPS) as advance,
    ):
        advance(state.step)
        while True:
            loss = state.checked_loss()
            if observe is not None and state.step in marks and state.step > state.observed:
                seen = _observation(state.step, loss.item(), observe(state.model))
                state.history.append(seen)
                advance(0, observation_text(seen))
            ended = state.ended
            if state.step % every == 0 or ended:
                state.write()
            if ended:
                return Trained(state.model, state.history)
            state.update(loss)
            advance(1)


class _State:
    """Where a training stands: model, optimiser, number of updates, observations."""

    def __init__(self, training: Training, place: torch.device, path: Path | None, until: Until | None) -> None:
        self.training, self.place, self.path, self.until = training, place, path, until
        self.model = initialised(training.architecture, seed=training.seed, device=str(place))
        self.optimiser = training.optimiser.over([w for w in self.model.parameters() if w.requires_grad])
        self.step, self.history = 0, list[dict[str, float]]()
        if path is not None and path.exists():
            self._restore(path)

    @property
    def observed(self) -> float:
        """The step of the last observation; -1 before the first."""
        return self.history[-1]["step"] if self.history else -1

    @property
    def ended(self) -> bool:
        """Whether all updates are made, or `until` is true of the observation made now."""
        return self.step == self.training.steps or (self.observed == self.step and self._enough(self.history[-1]))

    def _enough(self, seen: Mapping[str, float]) -> bool:
        if self.until is None:
            return False
        found = self.until(dict(seen))
        if not isinstance(found, bool | np.bool_):
            raise TypeError(f"until must return a bool, got {found!r}")
        return bool(found)

    def checked_loss(self) -> torch.Tensor:
        """The loss on the batch of the next update, if it and all weights are what they should be."""
        batch = self.training.law.sample(
            self.training.batch, seed=self.training.seed, index=self.step, device=str(self.place)
        )
        loss = self.training.loss(self.model, batch)
        value = loss.item()
        if not value <= DIVERGED * math.log(self.training.architecture.tokens):  # NaN fails too
            self._stop(f"loss is {value}")
        return loss

    def update(self, loss: torch.Tensor) -> None:
        """One update; none after a batch in which no position counts."""
        if loss.requires_grad:
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
        self.step += 1

    def write(self) -> None:
        """Check the weights and write the checkpoint."""
        weights = {name: weight.detach() for name, weight in self.model.named_parameters()}
        for name, weight in weights.items():
            if not torch.isfinite(weight).all():
                self._stop(f"weight {name} is not finite")
        if self.path is not None:
            kept = self.optimiser.state_dict()["state"]
            Checkpoint(self.step, weights, kept, self.history, self.training.configuration).write(self.path)

    def _stop(self, reason: str) -> NoReturn:
        kept = f"; {self.path} keeps an earlier state" if self.path is not None and self.path.exists() else ""
        rate = self.training.optimiser.settings["lr"]
        raise FloatingPointError(f"{reason} at step {self.step}, learning rate {rate}{kept}")

    def _restore(self, path: Path) -> None:
        found, own = read_checkpoint(path), self.training.configuration
        if found.configuration != own:
            where = _difference(own, found.configuration)
            raise ValueError(f"checkpoint {path} must be of this training, it differs in {where}")
        if found.step > self.training.steps:
            raise ValueError(
                f"checkpoint {path} must be of a step up to steps = {self.training.steps}, got {found.step}"
            )
        for seen in found.history:
            if seen["step"] < found.step and self._enough(seen):
                raise ValueError(
                    f"checkpoint {path} must be of a step up to {seen['step']:g}, where until is true, got {found.step}"
                )
        own_weights = dict(self.model.named_parameters())
        if found.weights.keys() != own_weights.keys():
            raise ValueError(f"checkpoint {path} must hold the weights {', '.join(own_weights)}")
        with torch.no_grad():
            for name, weight in own_weights.items():
                weight.copy_(found.weights[name])
        self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": found.optimiser})
        self.step, self.history = found.step, found.history


def _observation(step: int, loss: float, seen: object) -> dict[str, float]:
    return {"step": step, "loss": loss} | as_observation(seen, ("step", "loss"))


def observation_text(seen: Mapping[str, float]) -> str:
    """The first numbers of an observation, as many as a line holds."""
    return ", ".join(f"{name} {value:.4g}" for name, value in islice(seen.items(), NUMBERS_SHOWN))


def _difference(own: str, other: str) -> str:
    here, there = json.loads(own), json.loads(other)
    keys = [key for key in here | there if there.get(key) != here.get(key)]
    return ", ".join(f"{key}: {there.get(key)} there, {here.get(key)} here" for key in keys)


def _as_marks(at: Sequence[int], steps: int) -> frozenset[int]:
    if at and (max(at) > steps or any(b <= a for a, b in pairwise(at))):
        raise ValueError(f"at must be increasing numbers of updates in 0..{steps}, got {tuple(at)}")
    return frozenset(at)


@contextmanager
def _repeatable(place: torch.device) -> Iterator[None]:
    """On a GPU: only operations that give the same bits in every run; torch's setting is put back afterwards."""
    if place.type != "cuda":
        yield
        return
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # asked for by torch's deterministic mode
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
