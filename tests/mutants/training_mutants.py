"""What the mutant tests of trainings share: two seeds per statement, each training once per mutant, in this process."""

from paper_checks.evidence import ledger
from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.training_design import Boundaries
from paper_checks.experiments.trainings import runs as recall_runs
from paper_checks.project import own_ledger

from .mutation import SEED

STRICT, BOTH = Boundaries((2,), (0,), (1,), 0.25, 0.0), Boundaries((2,), (1,), (2,), 0.75, 0.0)
"""Two seeds: red where one is on the wrong side, red where both are."""
_trained = {}


def decide_by(monkeypatch, boundaries):
    """Every statement is decided by these boundaries."""
    monkeypatch.setattr(ledger.Rule, "boundaries", lambda rule, threshold: boundaries)


def train_here(monkeypatch, module, mutant, change=lambda run: run):
    """The trainings that a module asks for: each once per mutant, and what `change` makes of it."""

    def trained(jobs, device="cpu"):
        for job in jobs:
            if (mutant, job.key) not in _trained:
                _trained[mutant, job.key] = recall_runs.train_job(job)
        return [change(_trained[mutant, job.key]) for job in jobs]

    monkeypatch.setattr(module, "trained", trained)


def is_red(claim, checks):
    """Whether a check of a claim is red."""
    for check in checks:
        try:
            check(Assertions(claim, SEED, [], own_ledger()))
        except AssertionError:
            return True
    return False
