"""Sizes of the two-layer experiments: at desk scale and at the paper's own, and the jobs they make."""

from dataclasses import dataclass, replace
from functools import cache

from simulate import Architecture, Hidden, Optimiser, Recall, Training
from simulate.shakespeare import shakespeare_chain
from theory import Task

from .recall_observers import RecallObserver
from .recall_runs import Job
from .recorder import experiment_seed

MARKS = (
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    10,
    14,
    20,
    30,
    40,
    50,
    70,
    100,
    140,
    200,
    280,
    400,
    560,
    800,
    1100,
    1600,
    2200,
    3200,
    4400,
)
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


def seeds(base_seed: int, name: str, count: int) -> list[int]:
    """The seeds of the replicates of one experiment."""
    return [experiment_seed(base_seed, f"{name} {index}") for index in range(count)]
