"""Could the checks of B1 and B2 have failed? Every formula is changed by 5 %, or in its structure, and one is red."""

from functools import partial

import numpy as np
import pytest

from paper_checks.claims.b import test_gradient_memory as checks
from paper_checks.experiments import simulations
from theory import Task
from theory.birth import gradient_memory as memory
from theory.birth.gradient_memory import ConditionalMeans, ContextParts

from .mutation import assert_caught, assertions, caught, negative, stretched

TASK = Task(3, 11, 0.4, 1)
DRAWN = {}


@pytest.fixture(scope="module", autouse=True)
def _simulated_once():
    """Simulations are drawn for the unchanged theory; a mutant, however many samples it would plan, meets the same."""
    draw = simulations.projected_moments

    def replay(task, layer, direction, samples, *, seed):
        if seed not in DRAWN:
            DRAWN[seed] = draw(task, layer, direction, samples, seed=seed)
        return DRAWN[seed]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulations, "projected_moments", replay)
        simulation(assertions())
        yield


identity = partial(checks.test_gradient_is_a_sum_of_memories, sizes=(2, 3, 1, 2))
grouped = partial(checks.test_gradient_by_conditional_means, sizes=(2, 2, 1, 2))
enumerated = partial(checks.test_context_signal, n=3)
simulation = partial(checks.test_signal_and_residual_simulated, task=TASK)
networks, grouped_networks = (
    checks.test_gradient_is_the_networks,
    checks.test_gradient_by_conditional_means_is_the_networks,
)


def exchanged(means):
    return means._replace(actual=means.predicted, predicted=means.actual)


def unconditional(means):
    """μ = E x in place of every μ_k."""
    mean = means.probability @ means.actual
    return means._replace(actual=np.stack([mean] * len(means.probability)))


FIVE_PERCENT = {
    "coefficients, identity": ("memory_coefficients", stretched, identity),
    "coefficients, any direction": ("memory_coefficients", stretched, checks.test_gradient_along_any_direction),
    "sum of memories": ("outer_products", stretched, identity),
    "association gradient": ("association_gradient", stretched, networks),
    "predicted probabilities": ("predicted_probabilities", stretched, networks),
    "cross-talk": ("recalled", stretched, checks.test_reading_one_memory),
    "conditional mean gradient": ("conditional_mean_gradient", stretched, grouped_networks),
    "parts at W = 0, by noise": ("zero_weight_parts", stretched, checks.test_what_survives_the_noise),
    "parts at W = 0, by enumeration": ("zero_weight_parts", stretched, enumerated),
    "signal": ("context_signal", stretched, enumerated),
    "signal, simulated": ("context_signal", stretched, simulation),
    "residual": ("distributional_residual", lambda parts: (stretched(parts[0]), parts[1]), enumerated),
    "mean input": ("distributional_residual", lambda parts: (parts[0], stretched(parts[1])), enumerated),
    "residual, simulated": ("distributional_residual", lambda parts: (stretched(parts[0]), parts[1]), simulation),
    "entries of the signal": ("context_signal_classes", stretched, checks.test_entries_of_the_signal),
    "limit of the signal": ("context_signal_closed_form", stretched, checks.test_sizes_of_signal_and_residual),
    "sign": ("memory_coefficients", negative, identity),
    "sign, networks": ("memory_coefficients", negative, networks),
    "μ̂_k and μ_k exchanged": ("conditional_means", exchanged, grouped),
    "μ̂_k and μ_k exchanged, networks": ("_conditional_means", exchanged, grouped_networks),
    "μ for μ_k": ("conditional_means", unconditional, grouped),
    "μ for μ_k, networks": ("_conditional_means", unconditional, grouped_networks),
}


@pytest.mark.parametrize(("name", "change", "check"), FIVE_PERCENT.values(), ids=FIVE_PERCENT.keys())
def test_a_changed_formula_is_caught(monkeypatch, name, change, check):
    assert_caught(monkeypatch, memory, name, check, change)


@pytest.mark.parametrize("field", ["signal", "residual", "spread", "scatter"])
def test_five_percent_in_one_size_is_caught(monkeypatch, field):
    def more(sizes):
        return sizes._replace(**{field: stretched(getattr(sizes, field))})

    assert_caught(monkeypatch, memory, "part_sizes", enumerated, more)


def exchange_probabilities(marginal, predicted, joint):
    return joint - marginal * predicted


def conditional_in_place_of_joint(marginal, predicted, joint):
    """p̂(k|z) - p(z,k): the inputs' probabilities forgotten."""
    return predicted - joint


@pytest.mark.parametrize("mutant", [exchange_probabilities, conditional_in_place_of_joint])
@pytest.mark.parametrize(
    "check", [identity, networks, checks.test_what_survives_the_noise, checks.test_output_that_never_occurs]
)
def test_changed_coefficients_are_caught(monkeypatch, mutant, check):
    monkeypatch.setattr(memory, "memory_coefficients", mutant)
    caught(check)


def no_difference(self, entry):
    return 0 * self.N


def ordinary_for_trigger(self, entry):
    return excess(self, ("k", entry[1]) if entry[0] == "q" and entry[1][2:-1] != "j" else entry)


def five_percent(original):
    return lambda self, *arguments: original(self, *arguments) * 21 / 20


def level_of_other_tokens(self, row):
    """N for N+1 in r."""
    level = self.alpha - 1 / self.N
    return level if row == "tau" else -level / self.N


def all_tokens_alike(self, row):
    """r = α - 1/M in every row."""
    return self.alpha - 1 / (self.N + 1)


excess = ContextParts.excess
STRUCTURE = {
    "μ for μ_k": ("excess", no_difference),
    "c = q taken for any other": ("excess", ordinary_for_trigger),
    "5 % of S": ("signal", five_percent(ContextParts.signal)),
    "5 % of r": ("residual", five_percent(ContextParts.residual)),
    "N for N+1 in r": ("residual", level_of_other_tokens),
    "r alike in all rows": ("residual", all_tokens_alike),
}


@pytest.mark.parametrize(("name", "mutant"), STRUCTURE.values(), ids=STRUCTURE.keys())
def test_changed_structure_is_caught(monkeypatch, name, mutant):
    monkeypatch.setattr(ContextParts, name, mutant)
    caught(enumerated)


@pytest.mark.parametrize("case", [case for case in STRUCTURE if case != "r alike in all rows"])
def test_changed_structure_is_seen_by_the_simulation(monkeypatch, case):
    """Its direction reads r in row τ alone."""
    monkeypatch.setattr(ContextParts, *STRUCTURE[case])
    caught(simulation)


def test_a_sign_in_the_grouped_gradient_is_caught(monkeypatch):
    original = ConditionalMeans.gradient
    monkeypatch.setattr(ConditionalMeans, "gradient", lambda self, outputs: -original(self, outputs))
    for check in (grouped, grouped_networks):
        caught(check)


def test_the_unchanged_theory_passes():
    for check in (identity, grouped, networks, grouped_networks, enumerated, simulation):
        check(assertions())
