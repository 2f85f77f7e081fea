"""Recall sequences of general laws: against enumeration, against `Recall` where both are possible, and from a seed."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from paper_checks.jobs.values import decode, encode
from simulate import Architecture, Hidden, LawRecall, Optimiser, Recall, Training, answers, sequences, train
from tests.simulate.sequences.test_recall import SAMPLES, counted, divergence, most_divergence
from theory import Task
from theory.law import Law

# Sixteenths, so that floats are exact.
ROWS = np.array([[1, 4, 8, 3], [6, 2, 0, 8], [5, 5, 3, 3], [2, 7, 6, 1]]) / 16
FIRST, ANSWERS, SPREAD = (np.array(counts) / 16 for counts in ([3, 1, 7, 5], [8, 0, 3, 5], [3, 4, 0, 9]))
GENERAL = Law(ROWS, T=3, trigger=1, alpha=0.375, first=FIRST, answers=ANSWERS, noise=SPREAD)
LAWS = {
    "general": GENERAL,
    "one noise token": Law(ROWS, T=4, trigger=2, alpha=0.25, answers=ANSWERS, noise=3),
    "the trigger is noise and answer": Law(ROWS, T=3, trigger=0, alpha=0.5, first=FIRST, answers=SPREAD, noise=0),
    "nothing but noise": replace(GENERAL, alpha=1.0),
    "no noise": replace(GENERAL, alpha=0.0),
}


def enumerated(law):
    """{(c, z_1, ..., z_{T+1}): probability > 0}, by the sentences of `theory.law` one after the other."""
    found = {}

    def extend(c, z, probability):
        if probability == 0:
            return
        if len(z) == law.T + 1:
            found[(c, *z)] = probability
            return
        for token in range(law.M):
            if len(z) == law.T - 1:
                chance = float(token == law.q)
            elif not z:
                chance = law.first[token]
            elif z[-1] == law.q:
                chance = (1 - law.alpha) * (token == c) + law.alpha * law.noise[token]
            else:
                chance = law.chain[z[-1], token]
            extend(c, (*z, token), probability * Fraction(float(chance)))

    for c in range(law.M):
        extend(c, (), Fraction(float(law.answers[c])))
    return {outcome: float(probability) for outcome, probability in found.items()}


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_sequences_have_the_exact_law(law):
    exact = enumerated(law)
    assert sum(exact.values()) == pytest.approx(1, abs=1e-12)
    batch = LawRecall(law).sample(SAMPLES, seed=5, index=3)
    drawn = counted(batch.answers[:, law.q], batch.sequence)
    assert divergence(drawn, exact) < most_divergence(len(exact) - 1)
    others = [token for token in range(law.M) if token != law.q]
    assert (batch.answers[:, others] == -1).all()


@pytest.mark.parametrize("law", [GENERAL, replace(GENERAL, T=9)], ids=["T = 3", "T = 9"])
def test_marks_are_those_of_plain_loops(law):
    batch = LawRecall(law).sample(500, seed=1)
    for z, c, repeated, shown in zip(
        batch.sequence.tolist(),
        batch.answers[:, law.q].tolist(),
        batch.repeated.tolist(),
        batch.shown.tolist(),
        strict=True,
    ):
        for t in range(law.T):
            earlier = [s for s in range(t) if z[s] == law.q]
            assert repeated[t] == (z[t] == law.q and len(earlier) > 0 and t != law.T - 2)
            assert shown[t] == (z[t] == law.q and any(z[s + 1] == c for s in earlier))


def test_a_task_is_the_recall_of_the_task():
    """Marks, noise and everything a training asks for, in law: the frequencies of 10⁵ sequences."""
    task = Task(5, 6, 0.375, trigger=2)
    own, other = LawRecall(Law.of_task(task)), Recall.of_task(task)
    assert (own.noise, own.triggers, own.T, own.M, own.alpha) == (5, (2,), 6, 6, 0.375) == (
        other.noise, other.triggers, other.T, other.M, other.alpha,
    )  # fmt: skip
    assert own.ends_on_trigger and own.noises == (task.tau,)
    found = [law.sample(100_000, seed=3) for law in (own, other)]
    for name in ("repeated", "shown"):
        rates = [getattr(batch, name).double().mean(dim=0) for batch in found]
        assert (rates[0] - rates[1]).abs().max() < 6 * np.sqrt(2 * 0.25 / 100_000)


def test_noise_is_a_token_or_spread():
    assert LawRecall(GENERAL).noise is None and LawRecall(GENERAL).noises == (0, 1, 3)
    assert LawRecall(LAWS["one noise token"]).noise == 3


def test_a_seed_and_an_index_give_a_batch():
    law = LawRecall(GENERAL)
    first, again = law.sample(40, seed=7, index=2), law.sample(40, seed=7, index=2)
    assert torch.equal(first.sequence, again.sequence) and torch.equal(first.answers, again.answers)
    for other in (law.sample(40, seed=7, index=3), law.sample(40, seed=8, index=2)):
        assert not torch.equal(first.sequence, other.sequence)


def test_it_is_trained_on_and_probed_as_any_recall():
    law = LawRecall(LAWS["one noise token"])
    training = Training(Architecture(4, 4, 8, Hidden(8), Hidden(8)), law, Optimiser("SGD", {"lr": 0.1}), 8, 3, seed=1)
    found = train(training, progress=False)
    batch = law.sample(50, seed=2)
    assert batch.shown.any() and (answers(found.model, batch, batch.shown).noise > 0).all()


def test_it_is_an_argument_of_a_job():
    """Encoded by the law alone; what comes out draws the same."""
    law = LawRecall(GENERAL)
    back = decode(encode(law))
    assert back.configuration == law.configuration and back.noises == law.noises
    assert torch.equal(back.sample(9, seed=1).sequence, law.sample(9, seed=1).sequence)


def test_configurations_tell_laws_apart():
    texts = [
        LawRecall(law).configuration
        for law in (
            *LAWS.values(),
            replace(GENERAL, answers=FIRST),
            replace(GENERAL, first=ANSWERS),
            replace(GENERAL, T=4),
        )
    ]
    assert all(one != other for k, one in enumerate(texts) for other in texts[:k])


def test_a_task_is_no_law():
    with pytest.raises(TypeError, match=r"law must be a theory\.Law, got Task"):
        LawRecall(Task(3, 4, 0.5))


@pytest.mark.parametrize("arguments", [{"batch": 0}, {"batch": 2.5}, {"index": -1}, {"seed": -1}, {"device": "moon"}])
def test_bad_arguments_are_refused(arguments):
    with pytest.raises((TypeError, ValueError), match=next(iter(arguments))):
        LawRecall(GENERAL).sample(**({"batch": 3, "seed": 0} | arguments))


def test_memory_is_asked_for_before_work():
    with pytest.raises(ValueError, match=r"batch = 1000000000000 sequences of T = 3 tokens"):
        LawRecall(GENERAL).sample(10**12, seed=0)


def test_it_is_in_the_face():
    assert sequences.LawRecall is LawRecall
