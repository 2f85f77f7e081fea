"""Could the checks of T4 have failed? Every formula is changed by 5 %, or in its structure, and one of them is red."""

import math
from dataclasses import replace
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import sympy

from paper_checks.claims.t4 import test_batches as batch_checks
from paper_checks.claims.t4 import test_boundary as boundary_checks
from paper_checks.claims.t4 import test_flow as flow_checks
from paper_checks.experiments import memory as memory_experiments
from paper_checks.experiments.memory import Case
from theory.memory import gradient_flow as memory
from theory.memory import solution as memory_solution
from theory.memory import spectrum as memory_spectrum
from theory.memory import truncations as memory_truncation

from .mutation import assert_caught, assertions, caught, stretched

symbols = flow_checks.test_three_values_are_invariant_and_conserved
flow = partial(flow_checks.test_flow_of_the_whole_matrix, n=4, alpha=0.05)
descent = partial(flow_checks.test_gradient_descent_follows_the_flow, n=2, alpha=0.3)
million = flow_checks.test_singular_values_at_a_million
remainder = partial(flow_checks.test_remainder, n=4, alpha=0.05)
vectors = partial(flow_checks.test_singular_vectors, n=5, alpha=0.95)
trained_values = partial(batch_checks.test_singular_values_of_sampled_training, case=Case(2, 0.3))
rank_one = partial(flow_checks.test_rank_one_at_two_inputs, alpha=0.3)
before_crossing = flow_checks.test_rank_one_before_the_crossing
trained_rank_one = batch_checks.test_rank_one_of_sampled_training
crossing = boundary_checks.test_top_space_and_crossing
algebra = boundary_checks.test_boundary_by_algebra
laws = boundary_checks.test_crossing_time_laws
trained_top = boundary_checks.test_top_space_of_sampled_training
edges = boundary_checks.test_three_inputs_and_the_edge
basis = partial(boundary_checks.test_a_basis_decides_about_one_input, n=5, alpha=0.1)
growing_steps = partial(batch_checks.test_growing_steps_follow_the_flow, case=Case(2, 0.3))
without_noise = partial(boundary_checks.test_without_the_noise_direction, n=4)
trained_direction = partial(boundary_checks.test_noise_is_one_direction_of_sampled_training, n=4)
random_embeddings = partial(boundary_checks.test_random_embeddings, dimension=64, expected=1)


def every_rank(claim):
    for n, alpha, early in ((3, 0.3, False), (5, 0.6, False), (8, 0.1, True)):
        boundary_checks.test_truncation_at_every_rank(claim, n, alpha, early)


@pytest.fixture(autouse=True)
def fresh_training(monkeypatch):
    """Nothing trained by a mutant is kept, and nothing kept is given to one: so it is of jobs (`conftest`)."""
    monkeypatch.setattr(batch_checks, "full_batch", memory_experiments.full_batch.__wrapped__)


def field(name):
    """5 % more of one field, or key, alone."""

    def change(value):
        if isinstance(value, dict):
            return value | {name: value[name] * 21 / 20}
        return value._replace(**{name: getattr(value, name) * 21 / 20})

    return change


def less(value):
    return value * 19 / 20


def rates_with(found, others=-1, noise=1, scale=1):
    """The rates times `scale`, with n + `others` other outputs and `noise` noise outputs in the softmax."""
    names = found[0]
    weights = {name: sympy.exp(names[name]) for name in "abs"}
    total = weights["a"] + (names["n"] + others) * weights["b"] + noise * weights["s"]
    targets = {"a": 1 - names["alpha"], "b": 0, "s": names["alpha"]}
    return names, {name: scale * (targets[name] - weights[name] / total) / names["n"] for name in weights}


RATES = {
    "n for n-1 in the softmax": partial(rates_with, others=0),
    "no noise output in the softmax": partial(rates_with, noise=0),
    "without 1/n": lambda found: rates_with(found, scale=found[0]["n"]),
    "sign": partial(rates_with, scale=-1),
    "n for n-1 in the sum": lambda found: (found[0], found[1] | {"b": found[1]["b"] * (1 - 1 / found[0]["n"])}),
}


@pytest.mark.parametrize("mutant", RATES.values(), ids=RATES.keys())
def test_changed_rates_are_caught(monkeypatch, mutant):
    assert_caught(monkeypatch, memory, "symbolic_rates", symbols, mutant)


FIVE_PERCENT = {
    "W": (memory, "logits", stretched, flow),
    "W, against descent": (memory, "logits", stretched, descent),
    "a": (memory_solution, "at_time", field("a"), flow),
    "b": (memory_solution, "at_time", field("b"), flow),
    "s": (memory_solution, "at_time", field("s"), flow),
    "D, remainder": (memory, "values", field("D"), remainder),
    "D, spectrum": (memory_spectrum, "values", field("D"), vectors),
    "s, spectrum": (memory_spectrum, "values", field("s"), vectors),
    "ρ, prediction": (memory, "values", field("rho"), rank_one),
    "ρ, truncation": (memory_truncation, "values", field("rho"), every_rank),
    "D, truncation": (memory_truncation, "values", field("D"), every_rank),
    "σ": (memory_spectrum, "singular_values", field("noise"), vectors),
    "left vector": (memory_spectrum, "singular_vectors", field("noise_left"), vectors),
    "right vectors": (memory_spectrum, "singular_vectors", field("correct_right"), vectors),
    "k": (memory, "late_constant", stretched, remainder),
    "k, crossing": (memory, "late_constant", stretched, laws),
    "P(noise)": (memory, "predictions", field("noise"), rank_one),
    "t*": (memory_spectrum, "crossing_time", stretched, partial(crossing, n=4)),
    "t*, less": (memory_spectrum, "crossing_time", less, partial(crossing, n=4)),
    "t*, two inputs": (memory_spectrum, "crossing_time", stretched, partial(crossing, n=2)),
    "t*, two inputs, less": (memory_spectrum, "crossing_time", less, partial(crossing, n=2)),
    "t*, rank 1": (memory_spectrum, "crossing_time", stretched, before_crossing),
    "late law": (memory_spectrum, "late_crossing_time", stretched, laws),
    "κ in the late law": (memory_spectrum, "late_rate", stretched, laws),
    "log-odds in the late law": (memory_spectrum, "log_odds", stretched, laws),
    "early law": (memory_spectrum, "early_crossing_time", stretched, laws),
    "early law, less": (memory_spectrum, "early_crossing_time", less, laws),
    "error without noise": (memory_truncation, "noise_removed_error", stretched, rank_one),
    "P(correct) without noise": (memory_truncation, "noise_removed_predictions", field("correct"), without_noise),
    "P(noise) without noise": (memory_truncation, "noise_removed_predictions", field("noise"), without_noise),
    "limit without noise": (memory_truncation, "noise_removed_error_limit", stretched, without_noise),
    "error without noise, n = 4": (memory_truncation, "noise_removed_error", stretched, without_noise),
    "late ρ": (memory, "late_values", lambda found: (found[0], found[1] * 21 / 20), remainder),
    "late P(noise)": (memory, "late_noise_probability", stretched, remainder),
    "h": (memory_spectrum, "level_at_tie", stretched, algebra),
    "gap at the edge": (memory_spectrum, "singular_gap", lambda gap: -gap, edges),
}


@pytest.mark.parametrize(("module", "name", "change", "check"), FIVE_PERCENT.values(), ids=FIVE_PERCENT.keys())
def test_five_percent_is_caught(monkeypatch, module, name, change, check):
    assert_caught(monkeypatch, module, name, check, change)


RANGES = {
    "log-odds": lambda found: replace(found, noise_log_odds=stretched(found.noise_log_odds)),
    "log-odds, less": lambda found: replace(found, noise_log_odds=tuple(map(less, found.noise_log_odds))),
    "sum": lambda found: replace(found, noise_log_odds_sum=stretched(found.noise_log_odds_sum)),
    "uniqueness": lambda found: replace(found, unique=not found.unique),
    "P(noise)": lambda found: replace(found, noise_probability=stretched(found.noise_probability)),
    "other log-odds": lambda found: replace(found, other_log_odds=tuple(map(less, found.other_log_odds))),
}


@pytest.mark.parametrize("change", RANGES.values(), ids=RANGES.keys())
def test_a_changed_range_is_caught(monkeypatch, change):
    assert_caught(monkeypatch, memory_truncation, "truncation", every_rank, change)


def test_wider_ranges_are_caught(monkeypatch):
    def wider(found):
        least, most = found.noise_log_odds
        return replace(found, noise_log_odds=(least - 0.1, most + 0.1))

    assert_caught(monkeypatch, memory_truncation, "truncation", basis, wider)


def test_steps_at_another_time_are_caught(monkeypatch):
    def later(found):
        return found[0] * 21 / 20, found[1]

    monkeypatch.setattr(memory_experiments, "learning_rates", lambda *a: later(rates(*a)))
    monkeypatch.setattr(batch_checks, "learning_rates", lambda *a: later(rates(*a)))
    caught(growing_steps)


rates = memory_experiments.learning_rates


def test_another_root_in_the_noise_singular_value_is_caught(monkeypatch):
    """√n for √(n+1)."""
    original = memory_spectrum.singular_values

    def singular_values(n, alpha, t):
        found = original(n, alpha, t)
        return found._replace(noise=found.noise * math.sqrt(n / (n + 1)))

    monkeypatch.setattr(memory_spectrum, "singular_values", singular_values)
    for check in (vectors, million):
        caught(check)


def another_sum(n, alpha, t):
    """b too large by 1/n of it."""
    W = logits(n, alpha, t)
    W[:n] -= (1 - np.eye(n)) * abs(W[:n]) / n
    return W


def no_noise_row(n, alpha, t):
    return logits(n, alpha, t) * (np.arange(n + 1) < n)[:, None]


logits = memory.logits
MATRICES = {
    "weight in the sum": another_sum,
    "noise row": no_noise_row,
    "sign": lambda n, alpha, t: -logits(n, alpha, t),
    "time not divided by n": lambda n, alpha, t: logits(n, alpha, n * t),
    "α for 1-α": lambda n, alpha, t: logits(n, 1 - Fraction(alpha), t),
}


@pytest.mark.parametrize("mutant", MATRICES.values(), ids=MATRICES.keys())
def test_another_matrix_is_caught(monkeypatch, mutant):
    monkeypatch.setattr(memory, "logits", mutant)
    for check in (flow, descent):
        caught(check)


top_space = memory.top_space
BOUNDARIES = {
    "n = 4 like 3": (4, lambda n, alpha: top_space(3 if n == 4 else n, alpha)),
    "n = 3 like 4": (3, lambda n, alpha: top_space(4 if n == 3 else n, alpha)),
    "sides of 1/2": (3, lambda n, alpha: top_space(n, 1 - Fraction(alpha))),
    "α <= 1/2": (3, lambda n, alpha: top_space(n, alpha).replace("tie", "correct")),
}


@pytest.mark.parametrize(("n", "mutant"), BOUNDARIES.values(), ids=BOUNDARIES.keys())
def test_a_moved_boundary_is_caught(monkeypatch, n, mutant):
    """By the statement; where the statement agrees, by the matrix (at the tie by its roundings alone) and training."""
    monkeypatch.setattr(memory, "top_space", mutant)
    caught(partial(crossing, n=n), "top space")
    monkeypatch.setattr(boundary_checks, "stated_top", mutant)
    monkeypatch.setattr(boundary_checks, "LEVELS", (0.45, 0.5) if n == 3 else (0.45,))
    caught(partial(trained_top, n=n), "sign of σ - D")
    if mutant(3, 0.5) == "tie" or n != 3:
        caught(partial(crossing, n=n), "on top at")


def test_another_beginning_is_caught(monkeypatch):
    """α against 1/√(n+2) for 1/√(n+1): no crossing where there is one."""
    original = memory_spectrum.early_top_space
    monkeypatch.setattr(memory_spectrum, "early_top_space", lambda n, alpha: original(n + 1, alpha))
    monkeypatch.setattr(boundary_checks, "LEVELS", (0.4,))
    caught(partial(crossing, n=5), "noise on top at")


def test_another_exponent_of_the_crossing_is_caught(monkeypatch):
    """q = x^{(2-m)/m - 1/10} for x^{(2-m)/m} at t*, which is not found for every α."""
    original = memory_spectrum._gap
    monkeypatch.setattr(memory_spectrum, "_gap", lambda n, X, log_q: original(n, X, log_q + X / 10))
    with pytest.raises((AssertionError, ArithmeticError)):
        crossing(assertions(), n=4)
    caught(laws)


def test_spaces_exchanged_are_caught(monkeypatch):
    exchange = {"correct": "noise", "noise": "correct", "tie": "noise"}
    assert_caught(monkeypatch, memory_truncation, "top_space_at", every_rank, exchange.get)
    assert_caught(monkeypatch, memory_spectrum, "top_space_at", edges, exchange.get)


def test_the_unchanged_theory_passes(monkeypatch):
    monkeypatch.setattr(boundary_checks, "LEVELS", (0.4, 0.45, 0.5))
    unchanged = [flow, descent, million, remainder, vectors, trained_values, rank_one, before_crossing]
    unchanged += [trained_rank_one, algebra, edges, laws, every_rank, basis, growing_steps]
    unchanged += [without_noise, trained_direction, random_embeddings]
    for check in (*unchanged, *(partial(check, n=n) for check in (crossing, trained_top) for n in (3, 4))):
        check(assertions())
