"""The checks of P1-P5 on the training seeds from which their rules come, in this process."""

from contextvars import ContextVar

import numpy as np

from paper_checks.claims.p import test_pocket as checks
from paper_checks.evidence import DEFAULT_SEED, comparator
from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.training_design import Boundaries
from paper_checks.experiments import language as language_experiments
from paper_checks.experiments import pocket as pocket_experiments
from paper_checks.experiments.rise import CLAIMED
from paper_checks.jobs import runner
from paper_checks.project import own_ledger

SEED = DEFAULT_SEED
CHECKS = {
    "P1": [(checks.test_recall_competes_with_the, name) for name in ("recall", "names")],
    "P2": [(checks.test_facts_compete_with_the, None)],
    "P3": [(checks.test_the_rises_first, name) for name in CLAIMED],
    "P4": [
        (check, name) for check in (checks.test_last_input_matrix, checks.test_last_output_matrix) for name in CLAIMED
    ],
    "P5": [
        (check, name)
        for check in (checks.test_late_attention_matrices, checks.test_attention_matrices_of_every_layer)
        for name in CLAIMED
    ],
}
"""The checks with statements about training seeds, by claim, and their sets of prompts."""


class OfAll(Assertions):
    """Assertions that want all training seeds on their side, however few, but for one where the rule is about a share
    of several; it keeps what it was given."""

    def __init__(self, claim):
        super().__init__(claim, SEED, [], own_ledger())
        self.given = {}

    def replicated(self, name, threshold, expected, values, **details):
        numbers, limit = np.asarray(values, dtype=float), self.rule.thresholds[threshold]
        self.given[threshold] = (expected, [*self.given.get(threshold, (0, []))[1], *numbers])
        wrong = int(f"{threshold}_absent" in self.rule.thresholds and numbers.size > 1)
        one_look = Boundaries((numbers.size,), (wrong,), (wrong + 1,), 0.5**numbers.size, 0.0)
        self.record(comparator.replicated(name, limit, expected, lambda count: numbers, one_look, **details))


def run(check, claim, seeds, name=None):
    """A check on these training seeds; returns its assertions."""
    assertions = OfAll(claim)
    wanted = check.__code__.co_varnames[: check.__code__.co_argcount]
    known = {"language": language_experiments, "pocket": pocket_experiments, "seeds": seeds, "name": name}
    check(assertions, **{key: value for key, value in known.items() if key in wanted})
    return assertions


def in_this_process(monkeypatch):
    """Models are asked one after the other in this process, and nothing is remembered from before."""
    current = ContextVar("runner")
    current.set(runner.Here())
    monkeypatch.setattr(runner, "_current", current)
