"""What the checks about trainings and language models declare is what their first look asks for, and nothing else.

Nothing is trained: every training gives its first weights and a made-up history.
"""

import inspect

import numpy as np
import pytest

from paper_checks.claims.b import test_birth_trainings as birth_checks
from paper_checks.claims.e import test_low_rank as rank_checks
from paper_checks.claims.e import test_training as training_checks
from paper_checks.claims.e import test_variations as variation_checks
from paper_checks.claims.p import test_pocket as pocket_checks
from paper_checks.evidence import DEFAULT_SEED
from paper_checks.experiments import language, pocket
from paper_checks.experiments.named import has_language
from paper_checks.experiments.trainings import measured
from paper_checks.experiments.trainings.runs import Run, train_observed
from paper_checks.jobs.runner import Here, running
from paper_checks.project import load_claims
from simulate import initialised
from simulate.pocket.shipped import CONFIRMING

CHECKS = [
    *((check, {}) for check in vars(training_checks).values()),
    *((check, {}) for check in vars(rank_checks).values()),
    *((variation_checks.test_noise_levels, {"alpha": alpha}) for alpha in (0.1, 0.5, 0.9)),
    (variation_checks.test_time_to_recall, {}),
    *((variation_checks.test_triggers, {"triggers": count}) for count in (1, 2)),
    *((variation_checks.test_feed_forward_layers, {"activation": a, "width": 1}) for a in ("relu", "linear")),
    *((birth_checks.test_memories_rise_in_order, {"loss_on": loss}) for loss in ("every", "recall")),
    *((check, {}) for check in vars(birth_checks).values() if check is not birth_checks.test_memories_rise_in_order),
    *((check, {"name": "recall"}) for check in vars(pocket_checks).values() if has_language()),
]
"""Checks with jobs, and their parameters; what has no jobs is left out."""


class Heard:
    """In place of a check's assertions: every statement is looked at once, and none fails."""

    base_seed = DEFAULT_SEED

    def __init__(self, claim):
        self.rule = load_claims()[claim].rule

    def replicated(self, name, threshold, expected, values, **details):
        if callable(values):
            values(self.rule.seeds)


class NoTraining(Here):
    """Does measurements alone, and keeps the identities of all jobs that it is asked for."""

    def __init__(self):
        super().__init__()
        self.asked = set()

    def result(self, job):
        self.asked.add(job.identity)
        if job.function is train_observed:
            return untrained(*job.arguments)
        if job.kind == "language models":
            raise KeyboardInterrupt
        return super().result(job)

    def results(self, jobs):
        self.asked |= {job.identity for job in jobs}
        return super().results(jobs)


def untrained(observed):
    weights = initialised(observed.training.architecture, seed=1).named_parameters()
    names = ("loss", "noise", "correct", "leads", "previous", "after", "noise without F2", "on (q,c)", "on (q,τ)")
    names += ("W_O2", "W_K2", "W_K1", "bigrams", "answers")
    history = [
        {"step": step, "recall": min(step / 90, 1.0)} | dict.fromkeys(names, 1 / (2 + step)) for step in observed.at
    ]
    return Run({name: weight.detach() for name, weight in weights}, history)


def jobs_of(check):
    return [mark.args[0] for mark in getattr(check, "pytestmark", []) if mark.name == "jobs"]


@pytest.mark.parametrize(
    ("check", "parameters"),
    [pair for pair in CHECKS if jobs_of(pair[0])],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_is_declared_is_what_is_asked_first(monkeypatch, check, parameters):
    monkeypatch.setattr(measured, "TESTED", 300)
    (claim,) = (mark.args[0] for mark in check.pytestmark if mark.name == "claims")
    known = {"claim": Heard(claim), "base_seed": DEFAULT_SEED, "scale": "desk", "device": "cpu", **parameters}
    known |= {"language": language, "pocket": pocket, "seeds": CONFIRMING}

    def called(function):
        return function(**{name: known[name] for name in inspect.signature(function).parameters})

    (declare,) = jobs_of(check)
    declared = {job.identity for job in called(declare)}
    runner = NoTraining()
    try:
        with running(runner), np.errstate(divide="ignore", invalid="ignore"):
            called(check)
    except KeyboardInterrupt:  # of language models what is asked first is all
        pass
    assert runner.asked and runner.asked <= declared
    if check not in (birth_checks.test_fixed_against_random_triggers, birth_checks.test_uniform_against_bigram_outputs):
        assert runner.asked == declared  # these two ask for less than recall of every law on every law
