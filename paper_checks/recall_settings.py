"""Sizes of the two-layer experiments: at desk scale and at the paper's own, and the jobs they make."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from simulate import Architecture, Chain, Hidden, Optimiser, Recall, Training
from simulate.shakespeare import shakespeare_chain
from theory import Task

from .recall_observers import MemoryObserver, RecallObserver
from .recall_runs import Job
from .recorder import experiment_seed

MARKS = (0, 1, 2, 3, 4, 5, 7, 10, 14, 20, 30, 40, 50, 70, 100, 140, 200, 280, 400, 560, 800,
         1100, 1600, 2200, 3200, 4400)  # fmt: skip
"""Numbers of updates after which a model is looked at, besides the last."""
WATCHED = 200
"""Sequences that a model is looked at on during training."""


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

    def job(self, seed: int) -> Job:
        """The training with this seed."""
        architecture = Architecture(self.law.M, self.law.T, self.width, self.F1, self.F2)
        training = Training(architecture, self.law, self.optimiser, self.batch, self.steps, seed)
        return Job(training, RecallObserver(self.law, WATCHED, experiment_seed(seed, "watched")), marks(self.steps))


def marks(steps: int) -> tuple[int, ...]:
    """When a training of so many updates is looked at."""
    return (*(mark for mark in MARKS if mark < steps), steps)


MATRICES = ("W_O2", "W_K2", "W_K1")
"""Those with a memory recall probe, in the order of the claim B5."""
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
LEARNED = 0.7
"""The highest of these noise levels at which recall is learned."""

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
    """Tiny-Shakespeare bigrams, T = 256, d = 256, batches of 512, 5000 updates; the space triggers, "!" is the noise.

    Source: Chen, Bruna, Bietti (ICLR 2025), the two-layer experiments.
    """
    chain, characters = shakespeare_chain()
    law = Recall(chain, 256, (characters.index(" "),), alpha, characters.index("!"))
    return Setting(law, 256, Hidden(1024), Hidden(1024), SGD, 512, 5000)


def updates(alpha: float) -> int:
    """At desk scale: recall takes longer the more noise there is, and at 0.8 and 0.9 it is not waited for."""
    steps = ((0.35, 300), (0.45, 400), (0.55, 600), (0.65, 800), (0.75, 1200), (0.85, 600), (1.0, 200))
    return next(count for most, count in steps if alpha <= most)


def seeds(base_seed: int, name: str, count: int) -> list[int]:
    """The seeds of the replicates of one experiment."""
    return [experiment_seed(base_seed, f"{name} {index}") for index in range(count)]


@cache
def sparse_chain(M: int, successors: int, seed: int) -> Chain:
    """A chain whose rows put nine tenths on a few random successors and one tenth on all tokens alike."""
    draws = np.random.default_rng(seed)
    rows = np.zeros((M, M))
    for row in rows:
        row[draws.choice(M, successors, replace=False)] = draws.dirichlet(np.ones(successors))
    return Chain(0.9 * rows + 0.1 / M)


FAST = Optimiser("SGD", {"lr": 0.2, "momentum": 0.9, "weight_decay": 1e-4})


@dataclass(frozen=True, eq=False)
class MemorySetting:
    """One experiment on the birth of an induction head, without noise: the law, the law to test on, the model."""

    law: Recall
    other: Recall
    width: int
    loss_on: str
    optimiser: Optimiser
    batch: int
    steps: int

    def job(self, seed: int) -> Job:
        """The training with this seed: linear F2, no F1, W_V of both layers and W_O of the first frozen at random."""
        hidden, fixed = Hidden(self.width, "linear"), ("W_V1", "W_O1", "W_V2")
        architecture = Architecture(self.law.M, self.law.T, self.width, None, hidden, frozen=fixed)
        training = Training(architecture, self.law, self.optimiser, self.batch, self.steps, seed, self.loss_on)
        observer = MemoryObserver(self.law, self.other, WATCHED, experiment_seed(seed, "watched"))
        return Job(training, observer, marks(self.steps))


def by_frequency(chain: Chain) -> list[int]:
    """Tokens from the most to the least frequent."""
    return [int(token) for token in np.argsort(-np.asarray(chain.initial), kind="stable")]


@cache
def birth(
    scale: str,
    triggers: tuple[int, ...] | int = 3,
    outputs: str = "uniform",
    loss_on: str = "every",
    width: int | None = None,
) -> MemorySetting:
    """At desk scale a sparse random chain, M = 16, T = 24, d = 80; at the paper's tiny Shakespeare, T = 256, d = 128.

    Fixed triggers are given by their place in the order of frequency, from 0. The other law is that of random triggers
    with uniform outputs, or, for a model trained on it, of random triggers with bigram outputs.

    Source: Bietti et al. (NeurIPS 2023), the synthetic experiments.
    """
    desk_scale = scale == "desk"
    chain = sparse_chain(16, 4, 0) if desk_scale else shakespeare_chain().chain
    T, d, batch, steps = (24, 80, 64, 400) if desk_scale else (256, 128, 512, 2000)
    chosen = triggers if isinstance(triggers, int) else tuple(by_frequency(chain)[place] for place in triggers)
    count = triggers if isinstance(triggers, int) else len(triggers)
    law = Recall(chain, T, chosen, outputs=outputs)
    is_plain = isinstance(triggers, int) and outputs == "uniform"
    other = Recall(chain, T, count, outputs="chain" if is_plain else "uniform")
    return MemorySetting(law, other, width or d, loss_on, FAST, batch, steps)
