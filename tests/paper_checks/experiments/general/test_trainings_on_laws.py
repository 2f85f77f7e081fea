"""What G6's trainings are of: their laws, what is looked at, a weight that is held, and the numbers of pairs."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from paper_checks.experiments.general import law_statements, trained_laws
from paper_checks.experiments.general.held import held
from paper_checks.experiments.general.law_observer import LawRecallObserver
from paper_checks.experiments.general.law_settings import LEAST, QUICK, on_a_side, random_laws
from paper_checks.experiments.general.trained_laws import frequent_trigger, random_recall
from paper_checks.experiments.trainings.observers import RecallObserver, last_shown, looks
from simulate import Architecture, Hidden, LawRecall, Training, initialised, train
from theory.law import Law

ONE_NOISE = LawRecall(frequent_trigger(heavy=False))
ARCHITECTURE = Architecture(13, 24, 16, Hidden(24), Hidden(24))


def spread_law():
    """One whose noise is on three tokens, the trigger and answers among them."""
    draws = np.random.default_rng(3)
    noise, answers = np.zeros(13), draws.dirichlet(np.ones(13))
    noise[[0, 4, 7]] = 1 / 3
    return Law(draws.dirichlet(np.ones(13), 13), T=24, trigger=0, alpha=0.5, answers=answers, noise=noise)


def test_on_one_noise_token_it_sees_what_e_sees():
    """`RecallObserver` and `looks`, whose τ is the one token of ν."""
    model = initialised(ARCHITECTURE, seed=4)
    found, other = LawRecallObserver(ONE_NOISE, 300, 9)(model), RecallObserver(ONE_NOISE, 300, 9)(model)
    assert found["on (q,ν)"] == pytest.approx(other["on (q,τ)"], abs=1e-6)
    shared = found.keys() & other.keys()
    assert len(shared) == 9 and all(found[name] == pytest.approx(other[name], abs=1e-6) for name in shared)
    batch = ONE_NOISE.sample(300, seed=9)
    seen = looks(model, batch, last_shown(batch))
    assert found["of equal"] == pytest.approx(seen["on (q,τ) of equal"], abs=1e-5)


def test_on_spread_noise_it_sees_what_loops_see():
    law = LawRecall(spread_law())
    observer, model = LawRecallObserver(law, 60, 2), initialised(ARCHITECTURE, seed=4)
    batch, answered, masses, equals, right = observer.batch, [], [], [], []
    at = last_shown(batch)
    with torch.no_grad():
        probabilities, (_, attention) = model(batch.tokens, at).softmax(dim=1), model.attention(batch.tokens, at)
    for n, (row, place) in enumerate(at.nonzero().tolist()):
        z, c, p = batch.tokens[row].tolist(), int(batch.answers[row, 0]), probabilities[n].tolist()
        others = [p[token] for token in range(13) if token not in (0, 4, 7) and token != c]
        answered.append((p[0] + p[4] + p[7], p[c], p[c] > max(others), p[c] == max(p)))
        after = [s for s in range(1, place + 1) if z[s - 1] == 0]
        right.append(sum(float(attention[n, s]) for s in after if z[s] == c))
        noisy = [s for s in after if z[s] in (0, 4, 7) and z[s] != c]
        if noisy:
            masses.append(sum(float(attention[n, s]) for s in noisy))
            equals.append(len(noisy) / (place + 1))
    seen = observer(model)
    names = ("noise", "correct", "recall", "leads")
    expected = dict(zip(names, np.mean(answered, axis=0), strict=True)) | {
        "on (q,c)": np.mean(right),
        "on (q,ν)": np.mean(masses),
        "over equal": np.mean(masses) / np.mean(equals),
    }
    assert {name: seen[name] for name in expected} == pytest.approx(expected, rel=1e-5)
    assert seen["of equal"] == pytest.approx(np.sort(np.divide(masses, equals))[(len(masses) - 1) // 2], rel=1e-5)


def test_recall_is_against_tokens_outside_the_noise():
    """A model that always answers with a noise token first and c second recalls, and does not lead."""
    observer = LawRecallObserver(LawRecall(random_recall(5)), 50, 1)
    correct = observer.batch.correct[last_shown(observer.batch)]
    logits = torch.zeros(len(correct), 13).scatter(1, correct[:, None], 2.0)
    logits[:, observer.law.noises[0]] = 3.0
    found = observer._answered(logits, correct)
    assert (found["recall"], found["leads"]) == (1, 0)
    weights = np.exp([3, 2, 0, 0])
    assert found["noise"] == pytest.approx((weights[0] + 2) / (weights[:2].sum() + 11), rel=1e-5)


def test_without_noise_in_sight_there_is_nothing_to_look_at():
    law = LawRecall(replace(frequent_trigger(heavy=False), alpha=0.0))
    seen = LawRecallObserver(law, 40, 1)(initialised(ARCHITECTURE, seed=4))
    assert (seen["on (q,ν)"], seen["of equal"], seen["over equal"]) == (0, 0, 0)


@pytest.mark.parametrize("seed", range(8))
def test_random_laws_are_what_their_sentence_says(seed):
    law = random_recall(seed)
    noises = np.flatnonzero(law.noise)
    assert (law.M, law.T, law.alpha) == (13, 24, 0.5)
    assert law.noise[noises] == pytest.approx(1 / 3) and len(noises) == 3 and law.q not in noises
    assert law.first[law.q] == law.first.max()
    assert law.first @ law.chain == pytest.approx(law.first, abs=1e-12)
    assert not law.answers[noises].any()
    ranks = np.sort(law.answers)[::-1][:10]
    assert ranks == pytest.approx(ranks[0] / np.arange(1, 11), rel=1e-12)


def test_random_laws_differ_in_concentration_and_are_a_seeds():
    """The largest probability of a row tells the concentrations apart: 0.3, 1 and 10."""
    peaks = [random_recall(seed).chain.max(axis=1).mean() for seed in range(30)]
    assert sum(peak < 0.2 for peak in peaks) > 3 and sum(peak > 0.35 for peak in peaks) > 3
    assert sum(0.2 < peak < 0.33 for peak in peaks) > 3
    assert (random_recall(3).chain == random_recall(3).chain).all()


def test_the_two_laws_differ_in_the_other_tokens_alone():
    plain, heavy = frequent_trigger(False), frequent_trigger(True)
    assert (plain.answers == heavy.answers).all() and (plain.noise == heavy.noise).all()
    assert (plain.chain[:, 0] == trained_laws.TRIGGER_SHARE).all() and (heavy.chain[:, [0, -1]] == [0.3, 0]).all()
    assert (heavy.chain[:, 1] == trained_laws.HEAVY_SHARE).all()
    assert heavy.chain[0, 2:12] == pytest.approx(0.02) and plain.chain[0, 1:12] == pytest.approx(0.7 / 11)


def trained_weights(optimiser, steps):
    training = Training(ARCHITECTURE, ONE_NOISE, optimiser, 8, steps, seed=1)
    return {name: one.detach() for name, one in train(training, progress=False).model.named_parameters()}


def test_a_held_weight_changes_after_its_updates_and_not_before():
    """And no other weight is held."""
    first = {name: one.detach() for name, one in initialised(ARCHITECTURE, seed=1).named_parameters()}
    optimiser = held(QUICK, ARCHITECTURE, "W_K2", 3)
    before, after, free = trained_weights(optimiser, 3), trained_weights(optimiser, 4), trained_weights(QUICK, 3)
    assert torch.equal(before["W_K2"], first["W_K2"]) and not torch.equal(after["W_K2"], first["W_K2"])
    assert not torch.equal(free["W_K2"], first["W_K2"])
    others = ("W_K1", "W_V1", "W_O1", "W_V2", "W_O2", "F1.w1", "F2.w2")
    assert not any(torch.equal(before[name], first[name]) for name in others)


def test_settings_have_what_they_say():
    free, late = on_a_side(True).job(5), on_a_side(True, 30).job(5)
    assert free.training.optimiser is QUICK and late.training.optimiser.updates == 30
    assert free.training.law.law.chain[0, 1] == 0.5 and on_a_side(False).job(5).training.law.law.chain[0, 1] < 0.1
    assert free.at == late.at and free.at[0] == 0 and {10, 20, 30, LEAST} <= set(free.at)
    several = [random_laws().job(seed).training for seed in (5, 6)]
    assert several[0].law.configuration != several[1].law.configuration


class Seen:
    """A training by what was observed."""

    def __init__(self, *seen):
        self.history = [dict(zip(("step", "recall", "over equal"), row, strict=True)) for row in seen]


def test_later_is_the_logarithm_of_a_ratio_of_times():
    """Not finite, and so no success, where recall never comes."""
    soon, late, never = (Seen((10, 0.1, 1), (step, 0.8, 1)) for step in (40, 60, 80))
    never.history[1]["recall"] = 0.7
    found = law_statements.later([(late, soon), (soon, late), (never, soon), (never, never)], 0.8)
    assert found[:2] == pytest.approx([np.log(1.5), -np.log(1.5)]) and not np.isfinite(found[2:]).any()


def test_early_attention_is_a_mean_of_logarithms_of_the_updates_until_then():
    first = Seen((0, 0, 9.0), (1, 0, 2.0), (20, 0, 8.0), (30, 0, 100.0))
    second = Seen((0, 0, 5.0), (1, 0, 1.0), (20, 0, 1.0), (30, 0, 1.0))
    assert law_statements._more_attention([(first, second)], 20) == pytest.approx([np.log(4)])


def test_noise_of_the_first_weights_does_not_count():
    def run(*noises):
        steps = (0, 4, 20)
        return Seen(*((step, step / 25, 1.0) for step in steps)), noises

    found = []
    for seen, noises in (run(0.6, 0.5, 0.5), run(0.1, 0.2, 0.7), run(0.9, 0.1, 0.1)):
        for one, noise in zip(seen.history, noises, strict=True):
            one["noise"] = noise
        found.append(seen)
    waits = law_statements.recall_after_noise(found, 0.8, 0.5)
    assert waits[:2] == pytest.approx([np.log(5), 0]) and not np.isfinite(waits[2])
