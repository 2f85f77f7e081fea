"""Trainings of the two-layer transformer on laws: the desk size of E, with a law of its own for each seed or one."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from paper_checks.evidence import experiment_seed
from paper_checks.experiments.trainings.runs import ObservedTraining, Reached
from paper_checks.experiments.trainings.settings import DESK_WIDTH
from paper_checks.experiments.trainings.variants import later_marks
from paper_checks.project import rule_of
from simulate import Architecture, Hidden, LawRecall, Optimiser, Training
from theory.law import Law

from .held import held
from .law_observer import LawRecallObserver
from .trained_laws import frequent_trigger, random_recall

QUICK = Optimiser("SGD", {"lr": 0.06, "momentum": 0.9, "weight_decay": 1e-4})
"""E's optimiser at twice its learning rate."""
BATCH = 64
BUDGET = 400
"""Most updates of a training."""
LEAST = 60
"""Updates that every training has."""
LEARNED = 0.95
"""Recall at which a training on a random law ends."""
HELD = 30
"""Updates for which W_K² is held, where it is: by then the noise is at α."""
FIRST = (0, 1, 2, 3, 4, 5, 7, 10, 14)
"""When a model is looked at before `variants.later_marks`."""


@dataclass(frozen=True, eq=False)
class LawSetting:
    """One experiment: the law of the training with a seed, whether there is an F1, and for how long W_K² is held."""

    law: Callable[[int], Law]
    recall: float
    watched: int
    has_F1: bool = True
    held: int = 0

    def job(self, seed: int) -> ObservedTraining:
        """The training with this seed, until so much recall is seen."""
        law, hidden = LawRecall(self.law(seed)), Hidden(4 * DESK_WIDTH)
        architecture = Architecture(law.M, law.T, DESK_WIDTH, hidden if self.has_F1 else None, hidden)
        optimiser = held(QUICK, architecture, "W_K2", self.held) if self.held else QUICK
        training = Training(architecture, law, optimiser, BATCH, BUDGET, seed)
        observer = LawRecallObserver(law, self.watched, experiment_seed(seed, "watched"))
        return ObservedTraining(
            training, observer, (*FIRST, *later_marks(BUDGET)), Reached("recall", self.recall, LEAST)
        )


@cache
def random_laws() -> LawSetting:
    """A law of its own for each seed, to a recall of LEARNED or the end of BUDGET: on some laws it stays below."""
    return LawSetting(lambda seed: random_recall(experiment_seed(seed, "law")), LEARNED, watched=400)


@cache
def on_a_side(heavy: bool, updates: int = 0) -> LawSetting:
    """One of the two laws that the criterion tells apart, W_K² held for so many updates, to the recall of the rule.

    Without F1: with it a training takes two thirds more time.
    """
    recall = rule_of("G6").thresholds["recall_reached"]
    return LawSetting(lambda seed: frequent_trigger(heavy), recall, watched=200, has_F1=False, held=updates)
