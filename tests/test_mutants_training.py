"""Could the checks of E and B4-B6 have failed? Models, interventions and probes are changed, and one of them is red.

Two seeds per claim, both of which must be on their side.
"""

from dataclasses import replace

import pytest
import torch
from mutation import SEED, caught

from paper_checks import attended_inputs, recall_runs
from paper_checks import recall_experiments as experiments
from paper_checks import test_b_training as birth_checks
from paper_checks import test_e_low_rank as rank_checks
from paper_checks import test_e_training as training_checks
from paper_checks.recall_settings import DESK_TASK, desk
from paper_checks.recorder import Recorder
from simulate import initialised, truncated, without
from simulate.recall import Recall
from theory import memory_shared


@pytest.fixture(scope="module", autouse=True)
def few_seeds():
    """Two seeds for every rule; trainings are shared by all tests."""
    with pytest.MonkeyPatch.context() as patch:
        rule = Recorder.rule.func
        patch.setattr(Recorder, "rule", property(lambda self: replace(rule(self), seeds=2, needed=2)))
        yield


def check_of(module, name, claim_name, *arguments):
    """A check of one claim with a recorder of its own."""
    return lambda _=None: getattr(module, name)(Recorder(claim_name, SEED, []), *arguments)


E1 = check_of(training_checks, "test_noise_is_learned_first", "E1")
E2 = check_of(training_checks, "test_dropping_the_last_layer", "E2")
E3_INPUT = check_of(rank_checks, "test_truncating_the_input_matrix", "E3")
E3_OUTPUT = check_of(rank_checks, "test_truncating_the_output_matrix", "E3")
E4 = check_of(training_checks, "test_second_attention", "E4")
E5 = check_of(training_checks, "test_first_attention", "E5")
E6 = check_of(rank_checks, "test_noise_without_feed_forward_layers", "E6")
E6_ORDER = check_of(rank_checks, "test_shared_component_turns_the_order_round", "E6")
E6_DIRECTION = check_of(rank_checks, "test_one_direction_holds_the_noise", "E6")
E6_MEMORY = check_of(rank_checks, "test_shared_component_of_a_memory", "E6")
B4 = check_of(birth_checks, "test_bigrams_before_recall", "B4", "desk", "cpu")
B5 = check_of(birth_checks, "test_memories_rise_in_order", "B5", "desk", "cpu", "recall")
BASE = (E1, E2, E3_INPUT, E3_OUTPUT, E4, E5)


def test_the_checks_are_green_as_they_are():
    for check in (*BASE, E6, E6_ORDER, E6_DIRECTION, E6_MEMORY, B4, B5):
        check()


def test_models_that_did_not_learn_are_caught(monkeypatch):
    """The first weights in place of the last ones, and the history of the start."""

    def start(jobs, device="cpu"):
        return [replace_history(run) for run in recall_runs_trained(jobs, device)]

    recall_runs_trained = recall_runs.trained

    def replace_history(run):
        still = [{**run.history[0], "step": seen["step"], "loss": 1.0} for seen in run.history]
        return replace(run, history=still, model=first_model(run.model))

    for module in (experiments, birth_checks):
        monkeypatch.setattr(module, "trained", start)
    for check in (*BASE, E6, B4, B5):
        caught(check)


def first_model(model):
    """A model of the same architecture with the weights of a start."""
    return initialised(model.architecture, seed=5)


def test_a_law_without_noise_is_caught(monkeypatch):
    """What the noise is held against is the noise level of the law."""
    quiet = replace(desk(), law=Recall.of_task(replace(DESK_TASK, alpha=0.0)), steps=50)
    monkeypatch.setattr(training_checks, "desk", lambda: quiet)
    caught(E1, "P.τ. up to step 10|recall at step 50")


WRONG_LAYERS = {"F1": lambda model, layer: without(model, "F1"), "nothing": lambda model, layer: model}


@pytest.mark.parametrize("mutant", WRONG_LAYERS.values(), ids=WRONG_LAYERS)
def test_dropping_another_layer_is_caught(monkeypatch, mutant):
    monkeypatch.setattr(experiments, "without", mutant)
    caught(E2, "without F2")


def exchanged(model, name, rank, keep="top"):
    return truncated(model, name, rank, keep={"top": "bottom", "bottom": "top"}[keep])


def other_matrix(model, name, rank, keep="top"):
    return truncated(model, {"F2.w1": "F2.w2", "F2.w2": "F2.w1"}.get(name, name), rank, keep=keep)


@pytest.mark.parametrize("mutant", [exchanged, other_matrix])
def test_another_truncation_is_caught(monkeypatch, mutant):
    monkeypatch.setattr(experiments, "truncated", mutant)
    for check in (E3_INPUT, E3_OUTPUT):
        caught(check)


@pytest.mark.parametrize("mutant", [exchanged, lambda model, name, rank, keep="top": model])
def test_another_truncation_of_the_product_is_caught(monkeypatch, mutant):
    monkeypatch.setattr(experiments, "truncated", mutant)
    caught(E6, "rank 2N/3")


@pytest.mark.parametrize("change", [lambda W, v: W, lambda W, v: W - 0.5 * torch.outer(W @ v.to(W), v.to(W))])
def test_removing_half_a_direction_or_none_is_caught(monkeypatch, change):

    monkeypatch.setattr(attended_inputs, "remove_direction", change)
    caught(E6_DIRECTION)


@pytest.mark.parametrize("name", ["shared_spectrum"])
def test_formula_of_the_shared_component_is_caught(monkeypatch, name):
    """5 % on the noise's singular value, n for n+1, and without the shared component."""
    original = memory_shared.shared_spectrum
    for change in (
        lambda n, D, s, g: original(n, D, 1.05 * s, g),
        lambda n, D, s, g: original(n, D, s * ((n + 2) / (n + 1)) ** 0.5, g),
        lambda n, D, s, g: original(n, D, s, 0.0 * g),
        lambda n, D, s, g: original(n, D, s, 1.05 * g),
        lambda n, D, s, g: original(n, 1.05 * D, s, g),
    ):
        monkeypatch.setattr(rank_checks, name, change)
        caught(E6_MEMORY, "singular values")


def test_the_boundary_of_the_shared_component_is_caught(monkeypatch):
    monkeypatch.setattr(rank_checks, "largest_shared", lambda n: 1.2 * float(memory_shared.largest_shared(n)))
    caught(E6_MEMORY, "top space")


def test_noise_spread_over_the_outputs_is_caught(monkeypatch):
    """A memory whose noise is not on top of its logits, or is on top of its weight."""
    original = rank_checks.attended_memory
    for change in ({"place": 2}, {"ratio": 1.01}):
        monkeypatch.setattr(rank_checks, "attended_memory", lambda *given, c=change: original(*given)._replace(**c))
        caught(E6_ORDER)


def test_another_probe_is_caught(monkeypatch):
    """Attention on (q,c) and (q,τ) exchanged; the own position in place of the previous one."""
    original = experiments.last
    names = {"on (q,c)": "on (q,τ)", "on (q,τ)": "on (q,c)"}
    monkeypatch.setattr(experiments, "last", lambda found, name: original(found, names.get(name, name)))
    caught(E4)
    monkeypatch.setattr(experiments, "last", lambda found, name: 1 - original(found, name))
    caught(E5)


@pytest.mark.parametrize("order", [("W_K2", "W_O2", "W_K1"), ("W_O2", "W_K1", "W_K2")])
def test_another_order_of_memories_is_caught(monkeypatch, order):
    monkeypatch.setattr(birth_checks, "MATRICES", order)
    caught(B5)


def test_bigrams_after_recall_are_caught(monkeypatch):
    original = experiments.first_step_below
    monkeypatch.setattr(experiments, "first_step_below", lambda *given: 30 * original(*given))
    caught(B4, "step of recall over step of bigrams")
