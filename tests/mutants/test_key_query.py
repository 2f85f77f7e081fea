"""Could the checks of T3 have failed? Every formula is changed by 5 %, or in its structure, and a check turns red."""

from functools import partial

import pytest

from paper_checks.claims.t3 import test_attention_step as attention_step_checks
from paper_checks.claims.t3 import test_key_query as key_query_checks
from paper_checks.claims.t3 import test_phase_diagram as phase_diagram_checks
from paper_checks.claims.t3 import test_regions as region_checks
from paper_checks.experiments import exact
from paper_checks.experiments import key_query as key_query_experiments
from theory import Task
from theory.key_query import certified
from theory.key_query import step as key_query
from theory.key_query.limits import Expansion
from theory.key_query.step import KEY_CLASSES, KeyQuery, Parts
from theory.key_query.within_sequence import WithinSequence

from .mutation import assert_caught, assertions, stretched


def witnesses():
    key_query_checks.test_key_query_gradient(assertions())


def simulation():
    key_query_checks.test_key_query_gradient_simulated(assertions(), Task(2, 7, 0.5, 1), 0.1, 0.02)


def absorbed_simulation():
    key_query_checks.test_absorbed_noise_simulated(assertions(), Task(8, 61, 0.4, 3))


@pytest.fixture(scope="module", autouse=True)
def _simulated_once():
    """Simulations are drawn for the unchanged theory; a mutant, however many samples it would plan, meets the same."""
    drawn, draw = {}, key_query_experiments.key_query_moments

    def replay(task, values, probabilities, samples, *, seed, directions):
        if seed not in drawn:
            drawn[seed] = draw(task, values, probabilities, samples, seed=seed, directions=directions)
        return drawn[seed]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(key_query_experiments, "key_query_moments", replay)
        witnesses()
        simulation()
        absorbed_simulation()
        yield


@pytest.mark.parametrize("name", KEY_CLASSES)
@pytest.mark.parametrize("side", [0, 1], ids=["in context", "noise"])
def test_five_percent_in_one_class_is_seen_by_the_witnesses(monkeypatch, name, side):
    original = KeyQuery.scaled_parts.func

    def changed(self):
        parts = original(self)
        values = list(parts[name])
        values[side] = values[side] * 21 / 20
        return parts | {name: Parts(*values)}

    monkeypatch.setattr(KeyQuery, "scaled_parts", property(changed))
    with pytest.raises(AssertionError, match=r"differ|tolerance"):
        witnesses()


@pytest.mark.parametrize("name", KEY_CLASSES)
def test_five_percent_in_one_class_is_seen_by_the_simulation(monkeypatch, name):
    original = key_query.key_query_classes

    def changed(task, absorption=None, exact=False):
        values = original(task, absorption, exact)
        return values | {name: values[name] * 21 / 20}

    monkeypatch.setattr(key_query_checks, "key_query_classes", changed)
    with pytest.raises(AssertionError, match="class averages"):
        simulation()


def drop_correct_is_trigger(monkeypatch):
    def averaged(self, given):
        no_trigger = {feature: given[False].get(feature) for feature in given[True]}
        return original(self, {False: given[False], True: no_trigger})

    original = KeyQuery.average_over_correct
    monkeypatch.setattr(KeyQuery, "average_over_correct", averaged)


def drop_the_mean(monkeypatch):
    def uncentred(self, left, right):
        return self.chain.T * self._meetings(left, right)

    monkeypatch.setattr(WithinSequence, "_scaled_covariance", uncentred)


def exchange_blocks(monkeypatch):
    original = KeyQuery.scaled_parts.func

    def exchanged(self):
        parts = original(self)
        return {("P" if name[0] == "E" else "E") + name[1:]: part for name, part in parts.items()}

    monkeypatch.setattr(KeyQuery, "scaled_parts", property(exchanged))


def uniform_in_the_absorbed_case(monkeypatch):
    original = key_query.excess_noise
    monkeypatch.setattr(key_query, "excess_noise", lambda task, absorption, exact: original(task, None, exact))


def keep_the_noise_when_absorbed(monkeypatch):
    original = Parts.at
    monkeypatch.setattr(Parts, "at", lambda self, excess: original(self, excess + 1 / (excess * 0 + 20)))


def neighbours_exchanged(monkeypatch):
    original = WithinSequence.pair_counts.func
    monkeypatch.setattr(
        WithinSequence, "pair_counts", property(lambda self: {(j, i): pair for (i, j), pair in original(self).items()})
    )


def first_position_has_a_previous_token(monkeypatch):
    monkeypatch.setattr(WithinSequence, "_previous_total", lambda self, feature: 0 * self.counts[feature])


STRUCTURE = {
    "the event c = q left out": drop_correct_is_trigger,
    "x̄ not subtracted": drop_the_mean,
    "E and P blocks exchanged": exchange_blocks,
    "π → 1/M in the absorbed case": uniform_in_the_absorbed_case,
    "α - π off by 1/20": keep_the_noise_when_absorbed,
    "previous and current token exchanged": neighbours_exchanged,
    "P(z_0) taken for a token": first_position_has_a_previous_token,
}


@pytest.mark.parametrize("mutate", STRUCTURE.values(), ids=STRUCTURE.keys())
@pytest.mark.parametrize("check", [witnesses, simulation], ids=["witnesses", "simulation"])
def test_changed_structure(monkeypatch, mutate, check):
    mutate(monkeypatch)
    with pytest.raises(AssertionError):
        check()


def test_uniform_for_absorbed_is_seen_by_the_absorbed_simulation(monkeypatch):
    uniform_in_the_absorbed_case(monkeypatch)
    with pytest.raises(AssertionError):
        absorbed_simulation()


def more_noise(value):
    """5 % more of the part or logit that the statement turns on; all of them alike would leave every sign as it was."""
    if isinstance(value, Parts):
        return Parts(value.in_context * 21 / 20, value.noise)
    if isinstance(value, Expansion):
        return Expansion(value.exponent, stretched(value.coefficients))
    if isinstance(value, dict):
        return value | {"tau": value["tau"] * 21 / 20}
    return stretched(value)


ABSORBED, PHASE, REGIONS, STEP = key_query_checks, phase_diagram_checks, region_checks, attention_step_checks
DERIVED = {
    "absorbed threshold": (ABSORBED, "absorbed_threshold", ABSORBED.test_absorbed_noise_both_sides),
    "ranking threshold": (ABSORBED, "ranking_threshold", ABSORBED.test_followers_of_the_trigger_rank_first),
    "long-sequence parts": (ABSORBED, "long_sequence_parts", ABSORBED.test_absorbed_noise_in_the_limit),
    "expansions at fixed α": (PHASE, "fixed_noise_expansion", PHASE.test_leading_orders),
    "expansions at fixed αN": (PHASE, "scaled_noise_expansion", PHASE.test_leading_orders),
    "critical noise level": (PHASE, "critical_noise_level", PHASE.test_critical_noise_level),
    "threshold series": (PHASE, "threshold_series", PHASE.test_critical_noise_level_in_the_limit),
    "uniform threshold": (PHASE, "uniform_threshold", PHASE.test_uniform_probabilities_at_tiny_noise),
    "avoidance threshold": (PHASE, "avoidance_threshold", PHASE.test_avoiding_noise_both_sides),
    "reversal range": (PHASE, "reversal_range", PHASE.test_reversal_at_absorbed_noise),
    "turning absorption": (PHASE, "turning_absorption", PHASE.test_where_the_order_turns),
    "turning expansion": (PHASE, "turning_expansion", PHASE.test_where_the_order_turns),
    "window": (REGIONS, "window", REGIONS.test_window_of_absorption),
    "logits of followers": (
        STEP,
        "follower_logits",
        partial(STEP.test_when_noise_outranks_the_correct_token, n=8, length=64),
    ),
    "noise rank threshold": (STEP, "noise_rank_threshold", STEP.test_ranks_in_the_limit),
}


@pytest.mark.parametrize(("module", "name", "check"), DERIVED.values(), ids=DERIVED.keys())
def test_five_percent_in_a_derived_formula(monkeypatch, module, name, check):
    assert_caught(monkeypatch, module, name, check, more_noise)


def test_certified_boxes_of_a_changed_contrast_are_caught(monkeypatch):
    """Boxes certified with α - π 5 % too large, so with the boundary α - π* 5 % too small, against exact values."""
    original, certify = Parts.at, exact.certify

    def certify_changed(n, length):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Parts, "at", lambda self, excess: original(self, excess * 21 / 20))
            patch.setattr(certified, "sign_within", lambda F, H, level, radius: sign(F, H, level * 21 / 20, radius))
            return certify(n, length)

    sign = certified.sign_within
    monkeypatch.setattr(exact, "certify", certify_changed)
    with pytest.raises(AssertionError, match="wrong ones"):
        region_checks.test_certified_regions(assertions(), 5, 11)


@pytest.mark.parametrize("factor", [1 / 3, -1])
def test_another_step_size_is_caught(monkeypatch, factor):
    """The bound on the missing attention holds on every sequence, so it is not tight to 5 %."""
    original = attention_step_checks.concentrating_step
    changed = lambda *arguments: factor * original(*arguments)  # noqa: E731
    monkeypatch.setattr(attention_step_checks, "concentrating_step", changed)
    with pytest.raises(AssertionError):
        attention_step_checks.test_attention_after_the_step(assertions(), Task(8, 64, 0.4, 3))
