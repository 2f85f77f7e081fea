"""Could the checks of E and B4-B6 have failed? Models, interventions and probes are changed, and one of them is red.

Two seeds per claim, both of which must be on their side, and 300 updates, after which the unchanged checks are green.
"""

from dataclasses import replace

import pytest
from mutation import SEED

from paper_checks import test_b_training as birth_checks
from paper_checks import test_e_low_rank as rank_checks
from paper_checks import test_e_training as training_checks
from paper_checks.recorder import Recorder

UPDATES = 420


@pytest.fixture(scope="module", autouse=True)
def few_seeds():
    """Two seeds for every rule; trainings are shared by all tests."""
    with pytest.MonkeyPatch.context() as patch:
        rule = Recorder.rule.func
        few = property(lambda self: replace(rule(self), seeds=2, needed=2))
        patch.setattr(Recorder, "rule", few)
        yield


def claim(name):
    return Recorder(name, SEED, [])


def check_of(module, name, claim_name, *arguments):
    """A check of one claim, as a function of nothing but a recorder that is not used."""
    return lambda _=None: getattr(module, name)(claim(claim_name), *arguments)


E1 = check_of(training_checks, "test_noise_is_learned_first", "E1")
E2 = check_of(training_checks, "test_dropping_the_last_layer", "E2")
E3_INPUT = check_of(rank_checks, "test_truncating_the_input_matrix", "E3")
E3_OUTPUT = check_of(rank_checks, "test_truncating_the_output_matrix", "E3")
E4 = check_of(training_checks, "test_second_attention", "E4")
E5 = check_of(training_checks, "test_first_attention", "E5")
E6 = check_of(rank_checks, "test_noise_without_feed_forward_layers", "E6")
E6_ORDER = check_of(rank_checks, "test_shared_component_turns_the_order_round", "E6")
E6_MEMORY = check_of(rank_checks, "test_shared_component_of_a_memory", "E6")
B4 = check_of(birth_checks, "test_bigrams_before_recall", "B4", "desk", "cpu")
B5 = check_of(birth_checks, "test_memories_rise_in_order", "B5", "desk", "cpu", "recall")
BASE = (E1, E2, E3_INPUT, E3_OUTPUT, E4, E5)


def test_the_checks_are_green_as_they_are():
    for check in (*BASE, E6, E6_ORDER, E6_MEMORY, B4, B5):
        check()
