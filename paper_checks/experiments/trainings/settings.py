"""Sizes of the two-layer experiments: at desk scale and at the paper's own, and their trainings."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from paper_checks.evidence import experiment_seed
from simulate import Architecture, Hidden, Optimiser, Recall, Training
from simulate.sequences.chains import Chain
from simulate.sequences.recall import Outputs
from simulate.sequences.shakespeare import shakespeare_chain
from simulate.transformer.plan import LossOn
from theory import Task

from .observers import MemoryObserver, RecallObserver
from .paper_scale import paper_training
from .runs import ObservedTraining, Probes

MARKS = (0, 1, 2, 3, 4, 5, 7, 10, 14, 20, 30, 40, 50, 70, 100, 140, 200, 280, 400, 560, 800,
         1100, 1600, 2200, 3200, 4400)  # fmt: skip
"""Numbers of updates after which a model is looked at, besides the last."""
EVERY = 30
"""And on noisy recall so often besides."""
WATCHED = 200
"""Sequences that a model is looked at on during training."""
LOOKED_AT = 100
"""Sequences on which bigrams and answers are looked at, without noise."""


@dataclass(frozen=True, eq=False)
class Setting:
    """One experiment on noisy recall: the law, the model, the optimiser.

    `F1` and `F2` are None where a layer is left out.
    """

    law: Recall
    width: int
    F1: Hidden | None
    F2: Hidden | None
    optimiser: Optimiser
    batch: int
    steps: int

    def job(self, seed: int) -> ObservedTraining:
        """The training with this seed."""
        architecture = Architecture(self.law.M, self.law.T, self.width, self.F1, self.F2)
        training = Training(architecture, self.law, self.optimiser, self.batch, self.steps, seed)
        return ObservedTraining(
            training, RecallObserver(self.law, WATCHED, experiment_seed(seed, "watched")), fine_marks(self.steps)
        )


def marks(steps: int) -> tuple[int, ...]:
    """When a training of so many updates is looked at."""
    return (*(mark for mark in MARKS if mark < steps), steps)


def fine_marks(steps: int) -> tuple[int, ...]:
    """`marks`, and every EVERY updates: what is learned settles to values that vary from update to update."""
    return tuple(sorted({*marks(steps), *range(EVERY, steps, EVERY)}))


MATRICES = ("W_O2", "W_K2", "W_K1")
"""Those with a memory recall probe, in the order of the claim B5."""
LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
LEARNED = 0.7
"""The highest of these noise levels at which recall is waited for: at 0.9 it takes some 25 times as long as at 0.5."""

SGD = Optimiser("SGD", {"lr": 0.03, "momentum": 0.9, "weight_decay": 1e-4})
DESK_TASK = Task(12, 24, 0.5)
DESK_WIDTH = 48


@cache
def desk(alpha: float = 0.5, triggers: int = 1, steps: int = 600) -> Setting:
    """N = 12 ordinary tokens, T = 24, d = 48, both feed-forward layers ReLU of width 4d, batches of 64."""
    law, hidden = Recall.of_task(replace(DESK_TASK, alpha=alpha), count=triggers), Hidden(4 * DESK_WIDTH)
    return Setting(law, DESK_WIDTH, hidden, hidden, SGD, 64, steps)


@cache
def paper(alpha: float = 0.5) -> Setting:
    """Of `paper_scale.paper_training`."""
    made = paper_training(0, alpha=alpha)
    model = made.architecture
    return Setting(made.law, model.width, model.F1, model.F2, made.optimiser, made.batch, made.steps)


def updates(alpha: float) -> int:
    """Of the pictures, at desk scale: recall takes longer the more noise there is; from 0.8 on it is not waited for."""
    steps = ((0.35, 300), (0.45, 400), (0.55, 600), (0.65, 800), (0.75, 1200), (0.85, 600), (1.0, 200))
    return next(count for most, count in steps if alpha <= most)


def seeds(base_seed: int, name: str, count: int) -> list[int]:
    """The seeds of the replicates of one experiment."""
    return [experiment_seed(base_seed, f"{name} {index}") for index in range(count)]


SUCCESSORS = 4
"""Tokens that follow one often, in `sparse_chain`."""


@cache
def sparse_chain(M: int, successors: int, seed: int) -> Chain:
    """A chain whose rows put nine tenths on a few random successors and one tenth on all tokens alike."""
    draws = np.random.default_rng(seed)
    rows = np.zeros((M, M))
    for row in rows:
        row[draws.choice(M, successors, replace=False)] = draws.dirichlet(np.ones(successors))
    return Chain(0.9 * rows + 0.1 / M)


FAST = Optimiser("SGD", {"lr": 0.2, "momentum": 0.9, "weight_decay": 1e-4})


@dataclass(frozen=True)
class MemorySetting:
    """One experiment on the birth of an induction head, without noise; every seed has a chain of its own.

    `triggers` is their number, drawn anew for each sequence, or the places of fixed ones in the order of the chain's
    frequencies, from 0. `tokens` None is tiny Shakespeare, whose chain is the same for all seeds. `looked_at` is the
    number of sequences on which the answers are looked at in training; with 0 the memories alone are.
    """

    tokens: int | None
    T: int
    width: int
    batch: int
    steps: int
    triggers: tuple[int, ...] | int = 3
    outputs: Outputs = "uniform"
    loss_on: LossOn = "every"
    looked_at: int = 0

    def chain(self, seed: int) -> Chain:
        """The chain of the training with this seed."""
        if self.tokens is None:
            return shakespeare_chain().chain
        return sparse_chain(self.tokens, SUCCESSORS, experiment_seed(seed, "chain"))

    def law(self, seed: int) -> Recall:
        """What the training with this seed is on."""
        chain, places = self.chain(seed), self.triggers
        chosen = places if isinstance(places, int) else tuple(by_frequency(chain)[place] for place in places)
        return Recall(chain, self.T, chosen, outputs=self.outputs)

    def job(self, seed: int) -> ObservedTraining:
        """The training with this seed: linear F2, no F1, W_V of both layers and W_O of the first frozen at random."""
        law, hidden, fixed = self.law(seed), Hidden(self.width, "linear"), ("W_V1", "W_O1", "W_V2")
        architecture = Architecture(law.M, law.T, self.width, None, hidden, frozen=fixed)
        training = Training(architecture, law, FAST, self.batch, self.steps, seed, self.loss_on)
        watched = MemoryObserver(law, self.looked_at, experiment_seed(seed, "watched"))
        return ObservedTraining(training, watched if self.looked_at else Probes(), close_marks(self.steps))


def close_marks(steps: int) -> tuple[int, ...]:
    """When a training of so many updates is looked at: after every update up to 20, then at most 5 % apart."""
    found = [0]
    while found[-1] < steps:
        found.append(min(max(found[-1] + 1, int(1.05 * found[-1])), steps))
    return tuple(found)


def by_frequency(chain: Chain) -> list[int]:
    """Tokens from the most to the least frequent."""
    return [int(token) for token in np.argsort(-np.asarray(chain.initial), kind="stable")]


def birth(scale: str, **changes: Any) -> MemorySetting:
    """At desk scale M = 8, T = 24, d = 48, 200 updates; at the paper's tiny Shakespeare, T = 256, d = 128, 2000.

    Three random triggers with uniform outputs and the loss on every token, but for `changes`. The answers are looked at
    during training where the loss is on every token.

    Source: Bietti et al. (NeurIPS 2023), the synthetic experiments.
    """
    sizes = MemorySetting(8, 24, 48, 32, 200) if scale == "desk" else MemorySetting(None, 256, 128, 512, 2000)
    setting = replace(sizes, **changes)
    return replace(setting, looked_at=LOOKED_AT if setting.loss_on == "every" else 0)


def data_law(scale: str, **changes: Any) -> MemorySetting:
    """`birth` at 120 updates, when recall is under way, and looked at in the end alone; at the paper's 2000 too."""
    setting = birth(scale, **changes)
    return replace(setting, steps=120 if scale == "desk" else setting.steps, looked_at=0)


def short_sequences() -> MemorySetting:
    """Fewer positions than tokens: M = 12, T = 8, d = 64; half of the tokens are triggers, without which the few
    positions hold no trigger twice. 120 updates."""
    return MemorySetting(12, 8, 64, 32, 120, triggers=6)
