"""Trainings in parallel processes: the numbers of a single one, each job once, faults passed on."""

import os
from dataclasses import replace

import pytest
import torch

from paper_checks.experiments.trainings import runs as recall_runs
from paper_checks.experiments.trainings.runs import Reached, trained
from paper_checks.experiments.trainings.settings import birth, desk, sparse_chain, updates
from simulate import Optimiser, train

TINY = replace(desk(), width=5, batch=3, steps=4)


def same(one, other):
    pairs = zip(one.model.parameters(), other.model.parameters(), strict=True)
    return one.history == other.history and all(torch.equal(*pair) for pair in pairs)


def test_processes_give_the_numbers_of_this_one_and_work_once(monkeypatch):
    """In order, whatever is asked for twice; the second time nothing is trained."""
    before = dict(os.environ)
    jobs = [TINY.job(seed) for seed in (3, 1, 3, 2)]
    found = trained(jobs)
    assert dict(os.environ) == before
    assert found[0] is found[2] and found[0] is not found[1]
    for job, run in zip(jobs, found, strict=True):
        assert same(run, train(job.training, observe=job.observer, at=job.at))
    monkeypatch.setattr(recall_runs, "train_job", None)
    assert all(
        again is run for again, run in zip(trained([TINY.job(seed) for seed in (3, 1, 3, 2)]), found, strict=True)
    )


def test_a_training_that_fails_is_said_and_the_next_ones_run():
    wild = replace(TINY, optimiser=Optimiser("SGD", {"lr": 1e9}))
    with pytest.raises(FloatingPointError, match="learning rate 1000000000"):
        trained([wild.job(seed) for seed in (4, 5)])
    assert len(trained([TINY.job(seed) for seed in (6, 7)])) == 2


def test_jobs_differ_by_what_they_do():
    one = birth("desk").job(1)
    ended = [
        replace(one, until=Reached(name, least)) for name, least in (("recall", 0.5), ("recall", 0.6), ("answers", 0.5))
    ]
    others = [birth("desk").job(2), birth("desk", loss_on="recall").job(1), birth("desk", triggers=1).job(1),
              birth("desk", width=24).job(1), desk().job(1), desk(0.3).job(1), desk(steps=5).job(1),
              *ended]  # fmt: skip
    assert len({one.key, *(job.key for job in others)}) == 1 + len(others)
    assert one.key == birth("desk").job(1).key
    assert ended[0].key == replace(one, until=Reached("recall", 0.5)).key


def test_jobs_end_where_a_quantity_is_reached():
    """The first observation with so much of it is the last, in this process and in another."""
    whole = TINY.job(8)
    history = trained([whole])[0].history
    least = history[2]["loss"]  # reached at the third observation, if not before
    ended = [replace(TINY.job(seed), until=Reached("loss", least)) for seed in (8, 9)]
    expected = next(k for k, seen in enumerate(history) if seen["loss"] >= least)
    assert trained(ended)[0].history == history[: expected + 1] == trained(ended[:1])[0].history


def test_settings_are_those_of_the_ledger():
    levels = {0.1: 300, 0.3: 300, 0.4: 400, 0.5: 600, 0.6: 800, 0.7: 1200, 0.8: 600, 0.9: 200}
    assert {alpha: updates(alpha) for alpha in levels} == levels
    chain = sparse_chain(7, 3, 1)
    assert ((chain.transition > 0.1 / 7 + 1e-12).sum(axis=1) == 3).all() and chain is sparse_chain(7, 3, 1)
