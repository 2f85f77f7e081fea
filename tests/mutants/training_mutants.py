"""What the mutant tests of trainings share: two seeds per statement, each training once per mutant, in this process."""

from contextvars import ContextVar
from dataclasses import replace

from paper_checks.evidence import ledger
from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.training_design import Boundaries
from paper_checks.experiments.trainings import runs
from paper_checks.jobs import runner
from paper_checks.project import own_ledger
from simulate import initialised

from .mutation import SEED

STRICT, BOTH = Boundaries((2,), (0,), (1,), 0.25, 0.0), Boundaries((2,), (1,), (2,), 0.75, 0.0)
"""Two seeds: red where one is on the wrong side, red where both are."""
_trained = {}


class Here(runner.Here):
    """Does jobs in this process; trainings once per mutant, and what `change` makes of each."""

    def __init__(self, mutant, change):
        super().__init__()
        self._mutant, self._change = mutant, change

    def result(self, job):
        if job.function is runs.train_observed and job.identity not in self._known:
            key = self._mutant, job.identity
            if key not in _trained:
                _trained[key] = job.perform()
            self._known[job.identity] = self._change(_trained[key], job.arguments[0].training)
        return super().result(job)


def decide_by(monkeypatch, boundaries):
    """Every statement is decided by these boundaries."""
    monkeypatch.setattr(ledger.Rule, "boundaries", lambda rule, threshold: boundaries)


def train_here(monkeypatch, mutant, change=lambda run, training: run):
    """Jobs are done here from now on, nothing is known of what was measured before; `change` gets a run and its
    training."""
    current = ContextVar("runner")
    current.set(Here(mutant, change))
    monkeypatch.setattr(runner, "_current", current)


def is_red(claim, checks):
    """Whether a check of a claim is red."""
    for check in checks:
        try:
            check(Assertions(claim, SEED, [], own_ledger()))
        except AssertionError:
            return True
    return False


def transposed(run, training=None):
    """Both key matrices of the trained model as their transposes."""
    keys = {name: run.weights[name].T.clone() for name in ("W_K1", "W_K2")}
    return replace(run, weights=run.weights | keys)


def not_learned(run, training):
    """First weights in place of the last ones, and what was observed at the start."""
    history = [{**run.history[0], "step": seen["step"]} for seen in run.history]
    weights = {name: one.detach() for name, one in initialised(training.architecture, seed=5).named_parameters()}
    return replace(run, weights=weights, history=history)
