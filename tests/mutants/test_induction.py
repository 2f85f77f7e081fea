"""Could the checks of B3 have failed? Every formula is changed by 5 %, or in its structure, and one is red."""

from fractions import Fraction
from functools import partial

import numpy as np
import pytest

from paper_checks.claims.b import test_induction_head as checks
from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments import induction as experiments
from paper_checks.project import own_ledger
from theory.birth import accuracy, weights
from theory.birth import three_steps as head
from theory.birth.three_steps import InductionTask

from .mutation import SEED, assert_caught, assertions, caught, negative, stretched
from .training_mutants import STRICT, decide_by

DRAWN = {}
enumerated = partial(checks.test_steps_by_enumeration, sizes=(4, 4))
simulated = partial(checks.test_steps_simulated, task=InductionTask(7, 9), match=1.5)
lengths, rows, preferred = (
    checks.test_where_the_match_is_learned,
    checks.test_previous_token_rows,
    checks.test_what_the_scores_prefer,
)
answers = checks.test_accuracy_with_population_weights


@pytest.fixture(scope="module", autouse=True)
def _simulated_once():
    """Gradients are drawn for the unchanged theory and mutants meet the same; so are the answers of equal models."""
    draw, recall = experiments.two_layer_gradient, experiments.recalled

    def drawn(model, matrix, samples, *, seed, blocks):
        if blocks != experiments.BLOCKS:  # a step
            return draw(model, matrix, samples, seed=seed, blocks=blocks)
        key = (matrix, model.N, model.T, seed)
        if key not in DRAWN:
            DRAWN[key] = draw(model, matrix, samples, seed=seed, blocks=blocks)
        return DRAWN[key]

    def recalled(model, samples, seed):
        key = (seed, *(value.detach().numpy().tobytes() for value in model.parameters()))
        if key not in DRAWN:
            DRAWN[key] = recall(model, samples, seed)
        return DRAWN[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiments, "two_layer_gradient", drawn)
        patch.setattr(experiments, "recalled", recalled)
        for check in (enumerated, simulated, answers):
            check(assertions())
        yield


def in_every_module(monkeypatch, name, change):
    """A formula changed wherever its name was imported."""
    original = getattr(head, name)
    for module in (head, accuracy, weights, experiments):
        if getattr(module, name, None) is original:
            monkeypatch.setattr(module, name, lambda *args, **options: change(original(*args, **options)))


FORMULAS = {
    "o": ("output_association", stretched, enumerated),
    "o, simulated": ("output_association", stretched, simulated),
    "o₁": ("copied_output_association", stretched, enumerated),
    "A_E1 in closed form": ("basic_key_association", stretched, lengths),
    "sign of A_E1 in closed form": ("basic_key_association", negative, lengths),
    "b_t": ("position_bias", stretched, enumerated),
    "b_t, simulated": ("position_bias", stretched, simulated),
    "λ": ("match_score", stretched, enumerated),
    "W_K¹, first order": ("previous_token_slope", stretched, enumerated),
    "W_K¹": ("previous_token_step", stretched, simulated),
    "W_K¹, keys and queries exchanged": ("previous_token_step", np.transpose, rows),
}


@pytest.mark.parametrize(("name", "change", "check"), FORMULAS.values(), ids=FORMULAS)
def test_a_changed_formula_is_caught(monkeypatch, name, change, check):
    in_every_module(monkeypatch, name, change)
    caught(check)


@pytest.mark.parametrize(
    ("block", "change", "check"),
    [
        ("E1", stretched, enumerated),
        ("E1", stretched, lengths),
        ("E1", negative, preferred),
        ("E", stretched, enumerated),
        ("E", stretched, simulated),
        ("E", negative, enumerated),
        ("E", negative, rows),
        ("E", negative, preferred),
    ],
)
def test_a_changed_association_is_caught(monkeypatch, block, change, check):
    original = head.key_association

    def mutant(task, name, reads=head.BASIC):
        value = original(task, name, reads)
        return change(value) if name == block else value

    monkeypatch.setattr(head, "key_association", mutant)
    caught(check)


def fillers_of_all_tokens(task):
    """f = 1/N in place of 1/(N-1)."""
    rates = original_rates(task).copy()
    rates[rates == Fraction(1, task.N - 1)] = Fraction(1, task.N)
    return rates


def shares_of_one_less(rates):
    """1/(t-1) in place of 1/t for what uniform attention copies."""
    positions = np.array([Fraction(max(t, 1)) for t in range(rates.shape[1])], dtype=object)
    return np.cumsum(rates, axis=1) / positions


def not_centred(task, reads):
    """Second-layer attention that does not compete: ē = 0."""
    return head.read_values(task, reads)


def centred_over_one_less(task, reads):
    """1/(T-1) in place of uniform attention 1/T."""
    values = head.read_values(task, reads)
    return values - values.sum(axis=1, keepdims=True) / Fraction(task.T - 1)


def mean_over_one_more(task, *arguments):
    """1/(T-1) in place of 1/(T-2) positions of the trigger."""
    return original_step(task, *arguments) * (task.T - 2) / (task.T - 1)


original_rates, original_step, original_scores = head.target_rates, head.third_step, head.key_scores
STRUCTURE = {
    "target_rates": fillers_of_all_tokens,
    "running_mean": shares_of_one_less,
    "centred_values": not_centred,
    "centred_values, T-1": centred_over_one_less,
    "third_step": mean_over_one_more,
}


@pytest.mark.parametrize(
    ("case", "check"),
    [(case, enumerated) for case in STRUCTURE]
    + [(case, simulated) for case in STRUCTURE if "T-1" not in case]  # there λ, and with it the size, is negative
    + [("target_rates", lengths), ("running_mean", lengths), ("centred_values", lengths)],
)
def test_changed_structure_is_caught(monkeypatch, case, check):
    monkeypatch.setattr(head, case.split(",")[0], STRUCTURE[case])
    caught(check)


def first_position_copies_nothing(task, reads, copied):
    copied = copied.copy()
    copied[0, 0] = Fraction(0)
    return original_scores(task, reads, copied)


def copies_of_its_own_token(task, reads, copied):
    """A first layer that attends to the position itself: column t in place of t-1."""
    return original_scores(task, reads, np.roll(copied, -1, axis=1))


def positions_without(part):
    def mutant(task, reads, copied):
        scores = original_scores(task, reads, copied)
        if "P" in reads.keys:
            scores = scores - part(task, reads) * head.position_bias(task, reads)
        return scores

    return mutant


SCORES = {
    "first position copies nothing": first_position_copies_nothing,
    "each copies its own token": copies_of_its_own_token,
    "1 for 1 + 1/N": positions_without(lambda task, reads: Fraction(1, task.N)),
    "1/N for 1 + 1/N": positions_without(lambda task, reads: int("P" in reads.query)),
}


@pytest.mark.parametrize("mutant", SCORES)
def test_changed_scores_are_caught(monkeypatch, mutant):
    monkeypatch.setattr(accuracy, "key_scores", SCORES[mutant])
    if "N" in mutant:  # seen at the thresholds, which come last: skip the table over (N, T)
        monkeypatch.setattr(accuracy, "least_length", lambda N, most: None)
    caught(preferred)


every_answer = checks.test_accuracy_over_all_sequences


def binomial(task, free, most):
    f = Fraction(1, task.N - 1)
    first = (1 - f) ** free
    return first + (free * f * (1 - f) ** (free - 1) if most else 0)


ACCURACIES = {
    "trigger at T-1 positions": lambda task: 1 - binomial(task, task.T - 3, 1) / (task.T - 1),
    "one repetition of y is enough": lambda task: 1 - binomial(task, task.T - 3, 0) / (task.T - 2),
    "T-2 free tokens": lambda task: 1 - binomial(task, task.T - 2, 1) / (task.T - 2),
    "5 % of the errors": lambda task: 1 - stretched(binomial(task, task.T - 3, 1)) / (task.T - 2),
}


@pytest.mark.parametrize("mutant", ACCURACIES.values(), ids=ACCURACIES.keys())
def test_a_changed_accuracy_is_caught(monkeypatch, mutant):
    monkeypatch.setattr(accuracy, "basic_accuracy", mutant)
    caught(every_answer)


def test_half_the_sufficient_sizes_are_caught(monkeypatch):
    assert_caught(monkeypatch, accuracy, "sufficient_sizes", answers, lambda pair: (pair[0] / 2, pair[1] / 2))


def test_the_opposite_match_in_the_weights_is_caught(monkeypatch):
    assert_caught(monkeypatch, weights, "key_query_weights", answers, negative)


def test_the_unchanged_theory_passes():
    """The checks that the fixture did not run; the two long tables are left to the claims themselves."""
    lengths(assertions())


def is_red(check):
    claim = Assertions("B3", SEED, [], own_ledger())
    with pytest.raises(AssertionError, match="of 2 seeds"):
        check(claim)
    return claim.evidence[-1].name


@pytest.mark.parametrize(("width", "side"), [(2048, "accuracy, d = 384"), (384, "accuracy, d = 2048")])
def test_one_width_for_both_is_caught(monkeypatch, width, side):
    """Both models with the wide embeddings, or both with the narrow ones: one of the two sides is red."""
    decide_by(monkeypatch, STRICT)
    original = experiments.gaussian_grams
    monkeypatch.setattr(experiments, "gaussian_grams", lambda N, T, _, *, seed: original(N, T, width, seed=seed))
    assert is_red(checks.test_finite_width) == side


def test_as_many_sequences_are_caught(monkeypatch):
    """With all the sequences infinite width loses nothing."""
    decide_by(monkeypatch, STRICT)
    monkeypatch.setattr(checks, "SEQUENCES", 8 * checks.SEQUENCES)
    assert is_red(checks.test_few_sequences) == "accuracy from 2¹² sequences"


def test_probes_and_reads_are_caught(monkeypatch):
    """Keys that read copies alone in the place of tokens; probes that are not all 1."""
    decide_by(monkeypatch, STRICT)
    with monkeypatch.context() as patch:
        patch.setattr(checks, "TOKENS", checks.BASIC)
        assert is_red(checks.test_three_simulated_steps) == "accuracy, tokens"
    monkeypatch.setattr(experiments, "memory_recall", lambda model: {"W_O": 1.0, "W_K2": 1.0, "W_K1": 0.9})
    assert is_red(checks.test_three_simulated_steps) == "all probes are 1"
