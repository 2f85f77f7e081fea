"""Could the checks of E1 to E6 have failed? Trainings, models, interventions and probes are changed, and they are red.

Two seeds per statement; it is red where both are on the wrong side. CAUGHT has, by claim, the mutants that turn it red,
of those that are tried on it; what the ledger says that a claim catches is this table (see `test_catches`). Mutants:

    last token not forced     z_T follows the chain. No claim turns red: trainings see and answer the same kind of
                              positions. `test_the_last_token_is_forced` catches it.
    loss one position late    the loss is taken after each trigger that counts, not at it
    noise rate 0.55           sequences are drawn with it, the law says 0.5
    W_K transposed            both key matrices of the trained model are read as their transposes
    F2 kept                   where a layer is dropped, nothing is
    probe of another matrix   E3: w1 for w2 and w2 for w1; E4, E5: the other layer's attention; E6: W_O¹ W_V¹
    nothing learned           the first weights in place of the last ones, and what was observed at the start
    F1 in place of F2         where a layer is dropped, F1 is
    no direction removed      where W_O² W_V² is made zero on the mean input, it is left as it is
    half a direction removed  there it is halved. No claim turns red: half is enough to bring P(τ) below the threshold.
                              `test_nothing_is_left_of_the_mean_input` catches it.
    top and bottom exchanged, T4.4's space exchanged
    5 % more, no shared component, (11) a fifth higher: changes of `theory.memory.shared_inputs`
"""

from dataclasses import replace

import pytest
import torch

from paper_checks.claims.e import test_low_rank as rank_checks
from paper_checks.claims.e import test_training as training_checks
from paper_checks.experiments.trainings import attended_inputs, changes
from paper_checks.experiments.trainings import observers as recall_observers
from paper_checks.experiments.trainings import statements as two_layer_statements
from paper_checks.experiments.trainings.settings import DESK_TASK, desk
from simulate import initialised, truncated, with_weights, without
from simulate.sequences import recall
from simulate.sequences.recall import Recall
from simulate.transformer import training
from theory.memory import shared_inputs as memory_shared

from .training_mutants import BOTH, STRICT, decide_by, is_red, not_learned, train_here, transposed

CHECKS = {
    "E1": [training_checks.test_noise_is_learned_first],
    "E2": [training_checks.test_dropping_the_last_layer],
    "E3": [rank_checks.test_truncating_the_input_matrix, rank_checks.test_truncating_the_output_matrix],
    "E4": [training_checks.test_second_attention],
    "E5": [training_checks.test_first_attention],
    "E6": [
        rank_checks.test_rank_without_feed_forward_layers,
        rank_checks.test_place_of_the_noise,
        rank_checks.test_one_direction_holds_the_noise,
        rank_checks.test_shared_component_of_a_memory,
    ],
}
BASE = ("E1", "E2", "E3", "E4", "E5")
TRAINED = {"loss one position late", "W_K transposed", "nothing learned"}
CAUGHT = {
    "E1": {"loss one position late", "noise rate 0.55", "nothing learned"},
    "E2": TRAINED | {"F2 kept", "F1 in place of F2"},
    "E3": TRAINED | {"probe of another matrix", "top and bottom exchanged", "T4.4's space exchanged"},
    "E4": TRAINED | {"probe of another matrix"},
    "E5": TRAINED | {"probe of another matrix"},
    "E6": TRAINED
    | {"probe of another matrix", "top and bottom exchanged", "no direction removed"}
    | {"5 % more", "no shared component", "(11) a fifth higher"},
}


@pytest.fixture(autouse=True)
def two_seeds(monkeypatch):
    """Trainings in this process, two per statement, which is red where both are wrong."""
    decide_by(monkeypatch, BOTH)
    train_here(monkeypatch, "as it is")


def is_caught(claim):
    """Whether a check of a claim is red."""
    return is_red(claim, CHECKS[claim])


def assert_caught(mutant, claims):
    """These claims and no others of `claims` are red, as the table says."""
    assert {claim for claim in claims if is_caught(claim)} == {name for name in claims if mutant in CAUGHT[name]}


@pytest.mark.parametrize("claim", CHECKS)
def test_the_checks_are_green_as_they_are(monkeypatch, claim):
    decide_by(monkeypatch, STRICT)
    assert not is_caught(claim)


def late_loss(self, model, batch):
    """The loss at the position after each that counts."""
    at = torch.zeros_like(batch.repeated)
    at[:, 1:] = batch.repeated[:, :-1]
    return torch.nn.functional.cross_entropy(model(batch.tokens, at), batch.following[at])


def test_a_loss_one_position_late_is_caught(monkeypatch):
    monkeypatch.setattr(training.Training, "loss", late_loss)
    train_here(monkeypatch, "loss one position late")
    assert_caught("loss one position late", CHECKS)


def test_another_noise_rate_is_caught(monkeypatch):
    """By E1 alone, whose level is held against α closely enough."""
    walk = recall.walk

    def noisier(tokens, answers, last, tau, alpha, *rest):
        walk(tokens, answers, last, tau, 0.55, *rest)

    monkeypatch.setattr(recall, "walk", noisier)
    train_here(monkeypatch, "noise rate 0.55")
    assert_caught("noise rate 0.55", BASE)


def test_a_last_token_that_is_not_forced_is_not_caught(monkeypatch):
    """Answers are learned, and asked for, at the last trigger, wherever it stands."""
    sample = Recall.sample

    def free(law, batch, **options):
        return sample(replace(law, ends_on_trigger=False), batch, **options)

    monkeypatch.setattr(Recall, "sample", free)
    train_here(monkeypatch, "last token not forced")
    assert_caught("last token not forced", BASE)


def test_the_last_token_is_forced():
    """A task whose law does not force it lets z_T differ from the trigger."""
    forced = Recall.of_task(DESK_TASK)
    assert forced.ends_on_trigger
    assert (forced.sample(200, seed=1).tokens[:, -1] == DESK_TASK.q).all()
    free = replace(forced, ends_on_trigger=False)
    assert not (free.sample(200, seed=1).tokens[:, -1] == DESK_TASK.q).all()


def test_transposed_keys_are_caught(monkeypatch):
    """Wherever the sentence depends on who looks at whom: not in E1, which is about answers during training."""
    train_here(monkeypatch, "as it is", transposed)
    assert_caught("W_K transposed", CHECKS)


def test_models_that_did_not_learn_are_caught(monkeypatch):
    train_here(monkeypatch, "as it is", not_learned)
    assert_caught("nothing learned", CHECKS)


@pytest.mark.parametrize(
    ("mutant", "change"),
    [("F2 kept", lambda model, layer: model), ("F1 in place of F2", lambda model, layer: without(model, "F1"))],
)
def test_dropping_another_layer_is_caught(monkeypatch, mutant, change):
    monkeypatch.setattr(changes, "without", change)
    assert_caught(mutant, BASE)


def other_matrix(model, name, rank, keep="top"):
    """w1 for w2 and w2 for w1."""
    return truncated(model, {"F2.w1": "F2.w2", "F2.w2": "F2.w1"}.get(name, name), rank, keep=keep)


def exchanged(model, name, rank, keep="top"):
    return truncated(model, name, rank, keep={"top": "bottom", "bottom": "top"}[keep])


@pytest.mark.parametrize(
    ("mutant", "change", "claims"),
    [
        ("probe of another matrix", other_matrix, ["E3"]),
        ("top and bottom exchanged", exchanged, ["E1", "E2", "E3", "E6"]),
    ],
)
def test_another_truncation_is_caught(monkeypatch, mutant, change, claims):
    monkeypatch.setattr(changes, "truncated", change)
    assert_caught(mutant, claims)


def test_another_layers_attention_is_caught(monkeypatch):
    """E4 on the first layer's rows at the same positions, E5 on the second layer's, which has one row per sequence."""

    def exchanged_layers(self, tokens, at):
        first, _ = attention(self, tokens, at)
        everywhere = torch.ones_like(at)
        _, second = attention(self, tokens, everywhere)
        return second.reshape(first.shape), first[at]

    transformer = type(initialised(desk().job(1).training.architecture, seed=1))
    attention = transformer.attention
    monkeypatch.setattr(transformer, "attention", exchanged_layers)
    monkeypatch.setattr(recall_observers, "previous_token_attention", previous_from_attention)
    assert_caught("probe of another matrix", ["E4", "E5"])


def previous_from_attention(model, batch):
    """`previous_token_attention` of what `attention` calls the first layer."""
    with torch.no_grad():
        first, _ = model.attention(batch.tokens, recall_observers.last_shown(batch))
    return first.diagonal(offset=-1, dim1=1, dim2=2)


def test_the_product_of_another_layer_is_caught(monkeypatch):
    """W_O¹ W_V¹ for W_O² W_V²."""

    def other_product(model, layer):
        merged = merged_values(model, 1)
        names = {"W_O1": "W_O2", "W_V1": "W_V2", "W_O2": "W_O1", "W_V2": "W_V1"}
        return with_weights(merged, {name: getattr(merged, other).detach() for name, other in names.items()})

    merged_values = changes.merged_values
    monkeypatch.setattr(changes, "merged_values", other_product)
    monkeypatch.setattr(attended_inputs, "merged_values", other_product)
    assert_caught("probe of another matrix", ["E6"])


def test_leaving_the_direction_is_caught(monkeypatch):
    monkeypatch.setattr(attended_inputs, "remove_direction", lambda W, v: W)
    assert_caught("no direction removed", ["E6"])


def test_nothing_is_left_of_the_mean_input(monkeypatch):
    """What W_O² W_V² makes of the mean input is zero to rounding; not so with half of it removed."""
    model = initialised(desk().job(1).training.architecture, seed=1)
    batch = Recall.of_task(DESK_TASK).sample(50, seed=2)
    mean = model.attended(batch.tokens, recall_observers.last_shown(batch)).detach().double().mean(dim=0)

    def left():
        less = attended_inputs.without_mean_input(model, batch)
        return [float((one.W_O2.double() @ one.W_V2.double() @ mean).detach().norm()) for one in (less, model)]

    less, whole = left()
    assert less < 48 * 2.0**-23 * whole
    monkeypatch.setattr(attended_inputs, "remove_direction", lambda W, v: W - 0.5 * torch.outer(W @ v.to(W), v.to(W)))
    less, whole = left()
    assert less == pytest.approx(whole / 2, rel=1e-4)


def test_another_top_space_is_caught(monkeypatch):
    monkeypatch.setattr(two_layer_statements, "top_space", lambda n, alpha: "correct")
    assert_caught("T4.4's space exchanged", ["E3"])


FORMULAS = {
    "5 % more": [
        lambda n, D, s, g: memory_shared.shared_spectrum(n, D, 1.05 * s, g),
        lambda n, D, s, g: memory_shared.shared_spectrum(n, 1.05 * D, s, g),
        lambda n, D, s, g: memory_shared.shared_spectrum(n, D, s, 1.05 * g),
        lambda n, D, s, g: memory_shared.shared_spectrum(n, D, s * ((n + 2) / (n + 1)) ** 0.5, g),
    ],
    "no shared component": [lambda n, D, s, g: memory_shared.shared_spectrum(n, D, s, 0.0 * g)],
}


@pytest.mark.parametrize("mutant", FORMULAS)
def test_formula_of_the_shared_component_is_caught(monkeypatch, mutant):
    monkeypatch.setitem(CHECKS, "E6", [rank_checks.test_shared_component_of_a_memory])
    for change in FORMULAS[mutant]:
        monkeypatch.setattr(rank_checks, "shared_spectrum", change)
        assert_caught(mutant, ["E6"])


def test_the_boundary_of_the_shared_component_is_caught(monkeypatch):
    monkeypatch.setitem(CHECKS, "E6", [rank_checks.test_shared_component_of_a_memory])
    monkeypatch.setattr(rank_checks, "largest_shared", lambda n: 1.2 * float(memory_shared.largest_shared(n)))
    assert_caught("(11) a fifth higher", ["E6"])
