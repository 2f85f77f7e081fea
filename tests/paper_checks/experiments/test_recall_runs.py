"""Trainings as jobs: the numbers of `train`, told apart by what they do, ended where they are to end."""

from dataclasses import replace

import pytest
import torch

from paper_checks.evidence.assertions import Assertions, PilotAssertions
from paper_checks.experiments.trainings import changes
from paper_checks.experiments.trainings.changes import Cut, Dropped, unchanged
from paper_checks.experiments.trainings.measured import attention_looks, fresh_sequences
from paper_checks.experiments.trainings.replicates import (
    first_look,
    layers_dropped,
    measured,
    replicates,
    swept,
    together,
)
from paper_checks.experiments.trainings.runs import Reached, model_of, train_observed, trained
from paper_checks.experiments.trainings.settings import birth, desk, sparse_chain, updates
from paper_checks.experiments.trainings.variants import no_feed_forward
from paper_checks.jobs.code import code_digest
from paper_checks.jobs.runner import Here, running
from paper_checks.jobs.values import decode, encode
from paper_checks.jobs.worker import perform
from paper_checks.project import own_ledger
from simulate import Optimiser, train

TINY = replace(desk(), width=5, batch=3, steps=4)


@pytest.fixture(autouse=True)
def here():
    """Nothing is known from other tests."""
    with running(Here()):
        yield


def test_a_job_gives_the_numbers_of_train():
    """In order, whatever is asked for twice; and the same by way of the bytes in which a worker gives it."""
    wanted = [TINY.job(seed) for seed in (3, 1, 3, 2)]
    found = trained(wanted)
    assert found[0] is found[2] and found[0] is not found[1]
    for observed, run in zip(wanted, found, strict=True):
        expected = train(observed.training, observe=observed.observer, at=observed.at)
        assert run.history == expected.history
        model = model_of(observed.training, run)
        for one, other in zip(model.parameters(), expected.model.parameters(), strict=True):
            assert torch.equal(one, other)
    again = decode(encode(found[1]))
    assert again.history == found[1].history
    assert all(torch.equal(again.weights[name], weight) for name, weight in found[1].weights.items())


def test_a_training_that_fails_is_said():
    wild = replace(TINY, optimiser=Optimiser("SGD", {"lr": 1e9}))
    with pytest.raises(FloatingPointError, match="learning rate 1000000000"):
        trained([wild.job(4)])


def test_jobs_differ_by_what_they_do():
    one = birth("desk").job(1)
    ended = [
        replace(one, until=Reached(name, least)) for name, least in (("recall", 0.5), ("recall", 0.6), ("answers", 0.5))
    ]
    others = [birth("desk").job(2), birth("desk", loss_on="recall").job(1), birth("desk", triggers=1).job(1),
              birth("desk", width=24).job(1), desk().job(1), desk(0.3).job(1), desk(steps=5).job(1),
              *ended]  # fmt: skip
    identities = {train_observed.of(observed).identity for observed in (one, *others)}
    assert len(identities) == 1 + len(others)
    assert train_observed.of(birth("desk").job(1)).identity in identities
    assert train_observed.of(replace(one, until=Reached("recall", 0.5))).identity in identities


def test_jobs_end_where_a_quantity_is_reached():
    """The first observation with so much of it is the last."""
    whole = TINY.job(8)
    history = train_observed(whole).history
    least = history[2]["loss"]  # reached at the third observation, if not before
    ended = replace(whole, until=Reached("loss", least))
    expected = next(k for k, seen in enumerate(history) if seen["loss"] >= least)
    assert train_observed(ended).history == history[: expected + 1]


@pytest.mark.parametrize("change", [unchanged, Dropped("F2"), Cut("F2.w1", 3), Cut("W_OV2", 47, "bottom")])
def test_a_worker_measures_what_this_process_does(change):
    """It asks for the training, which it is given, and for nothing else."""
    (run,) = replicates(3, replace(desk(), batch=3, steps=4), 1)
    job = run.answers_job(change)
    (needed,) = job.inputs
    given = {needed.identity: encode(run.run)}
    found = decode(perform(job, given, code_digest(job.function.module)).content)
    place = together(run.observed, change).index(change)
    assert found[place] == run.answers(change)
    with torch.no_grad():
        model = change(model_of(run.observed.training, run.run))
    assert found[place] == pytest.approx(changes.tested(model, fresh_sequences(run.observed)), abs=1e-6)


def test_a_check_declares_the_trainings_of_its_first_look():
    """Of its rule, or of a pilot; with what is measured of each."""
    claim, pilot = (kind("E6", 7, [], own_ledger()) for kind in (Assertions, PilotAssertions))
    for assertions, count in ((claim, 6), (pilot, 16)):
        jobs = first_look(no_feed_forward(), layers_dropped, swept("W_OV2"), measured(attention_looks))(assertions)
        assert [job.kind for job in jobs] == ["trainings", "answers", "answers", "attention"] * count
        assert len({job.identity for job in jobs}) == 4 * count


def test_later_seeds_are_trained_no_further_than_is_looked_at():
    """The first six go on, the others are their beginning."""
    whole, beginning = replace(desk(), batch=3, steps=8), replace(desk(), batch=3, steps=5)
    found, others = replicates(4, whole, 8, beginning), replicates(4, whole, 8)
    assert [run.history[-1]["step"] for run in found] == [8] * 6 + [5] * 2
    for run, other in zip(found, others, strict=True):
        assert [seen for seen in other.history if seen["step"] <= run.history[-1]["step"]] == run.history


def test_settings_are_those_of_the_ledger():
    levels = {0.1: 300, 0.3: 300, 0.4: 400, 0.5: 600, 0.6: 800, 0.7: 1200, 0.8: 600, 0.9: 200}
    assert {alpha: updates(alpha) for alpha in levels} == levels
    chain = sparse_chain(7, 3, 1)
    assert ((chain.transition > 0.1 / 7 + 1e-12).sum(axis=1) == 3).all() and chain is sparse_chain(7, 3, 1)
