"""Could the checks of B4 to B6 have failed? Trainings, models, laws and probes are changed, and they are red.

Two seeds per statement; it is red where both are on the wrong side. CAUGHT has, by claim, the mutants that turn it red;
what the ledger says that a claim catches is this table (see `test_catches`). Mutants:

    loss one position late    what follows a position is learned at the next one
    W_K transposed            both key matrices of every model that is looked at are read as their transposes
    probe of another matrix   memory recall of W_O² for W_K¹ and the other way about; or of W_K¹ and W_K²
    nothing learned           the first weights in place of the last ones, and what was observed at the start
    losses exchanged          that on bigrams for that on answers and the other way about
    last token not forced     answers are asked for where z_T happens to hold a trigger
    at triggers as they come  answers are asked for at all triggers whose answer was shown. No claim turns red on both
                              seeds. `test_answers_are_asked_for_at_a_forced_trigger` catches it.
    rare for frequent         tokens are counted from the least frequent
    tested as trained         the law to test on is the law trained on
    trained triggers counted  where triggers are to be new, those trained on count too
    chain shared              all seeds have the same chain. No claim turns red: what they say holds of one chain too.
                              `test_every_seed_has_a_chain_of_its_own` catches it.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from paper_checks.claims.b import test_birth_trainings as checks
from paper_checks.evidence import ledger
from paper_checks.experiments.trainings import birth as experiments
from paper_checks.experiments.trainings import observers as recall_observers
from paper_checks.experiments.trainings import settings as recall_settings
from paper_checks.experiments.trainings.runs import Run
from paper_checks.experiments.trainings.settings import birth, data_law, seeds, short_sequences
from simulate import with_weights
from simulate.transformer import training

from .mutation import SEED
from .training_mutants import BOTH, STRICT, decide_by, is_red, not_learned, train_here, transposed

CHECKS = {
    "B4": [lambda claim: checks.test_bigrams_before_recall(claim, "desk", "cpu")],
    "B5": [
        lambda claim: checks.test_memories_rise_in_order(claim, "desk", "cpu", "every"),
        lambda claim: checks.test_memories_rise_in_order(claim, "desk", "cpu", "recall"),
        lambda claim: checks.test_order_in_short_sequences(claim, "cpu"),
    ],
    "B6": [
        lambda claim: checks.test_trigger_frequency_and_number(claim, "desk", "cpu"),
        lambda claim: checks.test_fixed_against_random_triggers(claim, "desk", "cpu"),
        lambda claim: checks.test_uniform_against_bigram_outputs(claim, "desk", "cpu"),
    ],
}
CAUGHT = {
    "B4": {"loss one position late", "W_K transposed", "nothing learned", "losses exchanged"},
    "B5": {"loss one position late", "W_K transposed", "probe of another matrix", "nothing learned"},
    "B6": {
        "loss one position late",
        "W_K transposed",
        "nothing learned",
        "last token not forced",
        "rare for frequent",
        "tested as trained",
        "trained triggers counted",
    },
}


@pytest.fixture(autouse=True)
def two_seeds(monkeypatch):
    """Trainings in this process, two per statement, which is red where both are wrong."""
    decide_by(monkeypatch, BOTH)
    train_here(monkeypatch, "as it is")
    forget()
    yield
    forget()


def forget():
    """The laws of settings are drawn anew."""
    for known in (experiments.observed, experiments.law_of):
        known.cache_clear()


def is_caught(claim):
    """Whether a check of a claim is red."""
    return is_red(claim, CHECKS[claim])


def assert_caught(mutant, claims=tuple(CHECKS)):
    """These claims and no others of `claims` are red, as the table says."""
    assert {claim for claim in claims if is_caught(claim)} == {name for name in claims if mutant in CAUGHT[name]}


@pytest.mark.parametrize("claim", CHECKS)
def test_the_checks_are_green_as_they_are(monkeypatch, claim):
    """On both seeds, but for the share of seeds in short sequences, which is not near 1."""

    def boundaries(rule, threshold):
        return BOTH if threshold == "reversed" else STRICT

    monkeypatch.setattr(ledger.Rule, "boundaries", boundaries)
    assert not is_caught(claim)


def late_loss(self, model, batch):
    """What follows each position that counts is asked for at the position after it."""
    at = (batch.repeated if self.loss_on == "recall" else batch.everywhere).clone()
    at[:, -1] = False
    later = torch.zeros_like(at)
    later[:, 1:] = at[:, :-1]
    return torch.nn.functional.cross_entropy(model(batch.tokens, later), batch.following[at])


def test_a_loss_one_position_late_is_caught(monkeypatch):
    monkeypatch.setattr(training.Training, "loss", late_loss)
    train_here(monkeypatch, "loss one position late")
    assert_caught("loss one position late")


def keys_transposed(model):
    """Both key matrices as their transposes."""
    return with_weights(model, {name: getattr(model, name).detach().T.clone() for name in ("W_K1", "W_K2")})


def test_transposed_keys_are_caught(monkeypatch):
    for observer in (recall_observers.ProbeObserver, recall_observers.MemoryObserver):
        call = observer.__call__
        monkeypatch.setattr(observer, "__call__", lambda self, model, call=call: call(self, keys_transposed(model)))
    train_here(monkeypatch, "W_K transposed", transposed)
    assert_caught("W_K transposed")


@pytest.mark.parametrize(
    ("mutant", "one", "other"),
    [
        ("probe of another matrix", "W_O2", "W_K1"),
        ("probe of another matrix", "W_K1", "W_K2"),
        ("losses exchanged", "bigrams", "answers"),
    ],
)
def test_exchanged_quantities_are_caught(monkeypatch, mutant, one, other):
    def exchanged(run, training):
        names = {one: other, other: one}
        return replace(run, history=[{name: seen[names.get(name, name)] for name in seen} for seen in run.history])

    train_here(monkeypatch, "as it is", exchanged)
    assert_caught(mutant, ["B4" if mutant == "losses exchanged" else "B5"])


def test_models_that_did_not_learn_are_caught(monkeypatch):
    train_here(monkeypatch, "as it is", not_learned)
    with np.errstate(divide="ignore", invalid="ignore"):
        assert_caught("nothing learned")


def test_a_last_token_that_is_not_forced_is_caught(monkeypatch):
    monkeypatch.setattr(recall_observers, "forced", lambda law: law)
    assert_caught("last token not forced", ["B6"])


def test_triggers_as_they_come_are_not_caught(monkeypatch):
    monkeypatch.setattr(recall_observers, "forced", lambda law: law)
    monkeypatch.setattr(recall_observers, "on_a_trigger", lambda batch: batch.shown.clone())
    assert_caught("at triggers as they come", ["B6"])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_answers_are_asked_for_at_a_forced_trigger(seed):
    """At z_T alone, once per sequence. Of rare triggers as they come, those that are their own answer are asked for
    more than twice as often as there."""
    law = data_law("desk", triggers=(5, 6, 7)).law(seed)
    batch = recall_observers.forced(law).sample(4000, seed=seed)
    at = recall_observers.on_a_trigger(batch)
    assert np.isin(batch.tokens[:, -1], law.triggers).all()
    assert not at[:, :-1].any() and torch.equal(at[:, -1], batch.shown[:, -1])

    def own(batch, at):
        return float((batch.correct[at] == batch.tokens[at]).double().mean())

    free = law.sample(4000, seed=seed)
    assert own(free, free.shown) > 2 * own(batch, at)


def test_rare_triggers_for_frequent_ones_are_caught(monkeypatch):
    by_frequency = recall_settings.by_frequency
    monkeypatch.setattr(recall_settings, "by_frequency", lambda chain: by_frequency(chain)[::-1])
    assert_caught("rare for frequent", ["B6"])


def test_the_law_trained_on_in_place_of_another_is_caught(monkeypatch):
    recalled = experiments.recalled
    monkeypatch.setattr(experiments, "recalled", lambda found, law, new: recalled(found))
    assert_caught("tested as trained", ["B6"])


def test_counting_trained_triggers_is_caught(monkeypatch):
    monkeypatch.setattr(experiments, "fixed_triggers", lambda law: ())
    assert_caught("trained triggers counted", ["B6"])


@pytest.mark.parametrize("setting", [birth("desk"), data_law("desk", triggers=(0, 1, 2)), short_sequences()])
def test_every_seed_has_a_chain_of_its_own(setting):
    """And all settings of a seed have the same one, if it is over as many tokens; at the paper's scale all seeds do."""
    one, two = (setting.law(seed).chain for seed in seeds(SEED, "birth", 2))
    assert np.abs(one.transition - two.transition).max() > 0.1
    again = replace(setting, loss_on="recall", outputs="chain").law(seeds(SEED, "birth", 1)[0]).chain
    assert np.array_equal(one.transition, again.transition)
    shakespeare = [replace(setting, tokens=None, T=256).chain(seed) for seed in (1, 2)]
    assert shakespeare[0] is shakespeare[1]


def test_half_way_is_of_what_is_left():
    """From 0.5 half-way is 0.75; the first such update counts; ties are no order, nor is what is never half-way."""

    def run(**curves):
        histories = [dict(zip(curves, values, strict=True)) for values in zip(*curves.values(), strict=True)]
        return Run({}, [{"step": step} | seen for step, seen in enumerate(histories)])

    one = run(a=[0.5, 0.74, 0.75, 0.1], b=[0.0, 0.4, 0.4, 0.5], c=[0.0, 0.2, 0.6, 0.6], d=[0.9, 0.94, 0.94, 0.94])
    assert [experiments.half_way(one, name) for name in "abcd"] == [2, 3, 2, np.inf]
    assert experiments.in_order([one], "ab") == 1 and experiments.in_order([one], "ba") == -1
    assert experiments.in_order([one], "ac") == experiments.in_order([one], "ca") == -1
    assert experiments.in_order([one], "ad") == -1 and experiments.before([one], "a", "d") == 1
    assert experiments.before([one], "d", "a") == experiments.before([one], "d", "d") == -1
    assert experiments.log_wait([one], "a", "b") == pytest.approx(np.log(1.5))


def test_close_marks_are_close():
    for steps in (1, 20, 21, 120, 200, 2000):
        at = recall_settings.close_marks(steps)
        assert at[0] == 0 and at[-1] == steps and at[: min(steps, 20) + 1] == tuple(range(min(steps, 20) + 1))
        assert all(1 <= b - a <= max(1, 0.05 * a) for a, b in pairwise(at))
