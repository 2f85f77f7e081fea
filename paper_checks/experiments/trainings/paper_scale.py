"""Trainings at the paper's own size: one after the other on one device, resumable, and what is kept of each.

On a GPU the products are of float32 and all updates are made. On a processor the products are of bfloat16 numbers, and
a training ends AFTER_RECALL updates after recall is there. That was fixed before any training of this size was made: in
three trainings at desk scale all that is stated of the end was there within 30 updates of it.

A record is valid for the code of this file and of those that it uses, `recorded_code` in the ledger: for the code that
made it, and for later code with which the first REPLAYED updates give the same numbers, bit for bit (`--scale replay`).

Source: Chen, Bruna, Bietti (ICLR 2025), the two-layer experiments.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from paper_checks.evidence import experiment_seed
from paper_checks.jobs.memory import keep_memory
from simulate import Architecture, Hidden, Optimiser, Recall, Trained, Training, resolve_device, train
from simulate.sequences.shakespeare import shakespeare_chain
from simulate.transformer.products import Products

from .changes import TESTED, Change, Cut, Dropped, tested, unchanged
from .observers import RecallObserver, last_shown, looks

STEPS = 5000
WATCHED = 200
"""Sequences that a model is looked at on during training."""
MARKS = (0, 1, 2, 3, 4, 5, 7, 10, 14, 20, 30, 40, 50, 70, 100, 140, 200)
EVERY = 30
"""A model is looked at after these numbers of updates, and every so many."""
CHECKPOINTS = 25
"""Updates between two checkpoints: a few minutes on a processor."""
RECALLED = 0.8
AFTER_RECALL = 500
"""On a processor a training ends so many updates after the first observation of this recall, or at STEPS."""

REPLAYED = 20
"""Updates of a record that later code has to make again: two minutes or more on a processor."""

CHANGES: dict[str, Change] = {"full": unchanged, "without F2": Dropped("F2"), "without F1": Dropped("F1")}
"""By name, those whose answers E10 is about."""


@dataclass(frozen=True)
class Kept:
    """A training on record: its "seed" and those of the sequences "watched" and "fresh", "products", "updates" made,
    "history", "tested" by the name of a change, "looked"."""

    run: dict[str, Any]

    @property
    def history(self) -> list[dict[str, float]]:
        """What was observed on the way."""
        history: list[dict[str, float]] = self.run["history"]
        return history

    def answers(self, change: Change) -> dict[str, float]:
        """What was answered after one of CHANGES."""
        name = next(name for name, known in CHANGES.items() if known == change)
        answers: dict[str, float] = self.run["tested"][name]
        return answers

    def looks(self) -> dict[str, float]:
        """Where the second layer looked."""
        looked: dict[str, float] = self.run["looked"]
        return looked


class UpdatesAfter:
    """True of an observation `updates` or more after the first in which a quantity is at least so large.

    Of one training: it is called with all its observations in order, as `train` does, also after an interruption.
    """

    def __init__(self, name: str, least: float, updates: int) -> None:
        self.name, self.least, self.updates = name, least, updates
        self.reached: float | None = None

    def __call__(self, seen: Mapping[str, float]) -> bool:
        """Whether it is."""
        if self.reached is None and seen[self.name] >= self.least:
            self.reached = seen["step"]
        return self.reached is not None and seen["step"] >= self.reached + self.updates


def paper_training(seed: int, products: Products = "float32", alpha: float = 0.5) -> Training:
    """Tiny-Shakespeare bigrams, T = 256, d = 256, batches of 512; the space triggers, "!" is the noise."""
    chain, characters = shakespeare_chain()
    law = Recall(chain, 256, (characters.index(" "),), alpha, characters.index("!"))
    architecture = Architecture(law.M, law.T, 256, Hidden(1024), Hidden(1024))
    optimiser = Optimiser("SGD", {"lr": 0.03, "momentum": 0.9, "weight_decay": 1e-4})
    return Training(architecture, law, optimiser, 512, STEPS, seed, products=products)


def products_on(device: str) -> Products:
    """Of a training at this size: float32 on a GPU, bfloat16 on a processor."""
    return "float32" if resolve_device(device).type == "cuda" else "bfloat16"


def train_and_test(trainings: Sequence[Training], device: str, folder: Path) -> list[dict[str, Any]]:
    """Train and test on fresh sequences; one dictionary per training, see `Kept`.

    A training goes on from the checkpoint that an interrupted one left in `folder`.

    Raises:
        ValueError: products that the device lacks, before any work.
    """
    keep_memory()
    return [_one(training, device, folder) for training in trainings]


def _one(training: Training, device: str, folder: Path) -> dict[str, Any]:
    law, seed, steps = training.law, training.seed, training.steps
    marks = sorted({*(mark for mark in MARKS if mark < steps), *range(EVERY, steps, EVERY), steps})
    drawn = {name: experiment_seed(seed, name) for name in ("watched", "fresh")}
    watched = RecallObserver(law, WATCHED, drawn["watched"])
    shortened = UpdatesAfter("recall", RECALLED, AFTER_RECALL) if training.products == "bfloat16" else None
    path = folder / f"{seed}.safetensors"
    found: Trained = train(
        training, device=device, observe=watched, at=marks, until=shortened, checkpoint=path, every=CHECKPOINTS
    )
    batch = law.sample(TESTED, seed=drawn["fresh"], device=str(found.model.E.device))
    width, changes = training.architecture.width, dict(CHANGES)
    for name in ("F2.w1", "F2.w2"):
        changes |= {f"{name} at rank 1": Cut(name, 1), f"{name} without rank 1": Cut(name, width - 1, "bottom")}
    with torch.no_grad():
        results = {name: tested(change(found.model), batch) for name, change in changes.items()}
        looked = looks(found.model, batch, last_shown(batch))
    known = {"seed": seed, **drawn, "products": training.products, "updates": found.history[-1]["step"]}
    return known | {"history": found.history, "tested": results, "looked": looked}


def replayed(run: Mapping[str, Any], device: str, updates: int = REPLAYED) -> list[dict[str, float]]:
    """What is observed when the first updates of a training on record are made again."""
    keep_memory()
    training = replace(paper_training(run["seed"], run["products"]), steps=updates)
    watched = RecallObserver(training.law, WATCHED, run["watched"])
    return train(training, device=device, observe=watched, at=[mark for mark in MARKS if mark <= updates]).history
