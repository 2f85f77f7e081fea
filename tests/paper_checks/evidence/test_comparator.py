"""The comparator's promises: its error probabilities, its refusals, and its verdicts."""

import ast
import json
import math

import numpy as np
import pytest
from scipy import stats

from paper_checks.evidence import comparator
from paper_checks.evidence.comparator import Evidence
from paper_checks.evidence.design import DESIGN, Design
from paper_checks.evidence.fitting import fit_exponent
from paper_checks.evidence.training_design import PILOT_SEED, TRAINING
from paper_checks.evidence.verdicts import verdict
from tests.places import ROOT


def test_levels_add_up_to_the_family():
    """K two-sided comparisons have together half the family's level (the other half pays for normality)."""
    total = DESIGN.family * 2 * stats.norm.sf(DESIGN.critical())
    assert math.isclose(total, DESIGN.false_alarm / 2, rel_tol=1e-9)
    assert math.isclose(stats.t.sf(DESIGN.critical(50), 50), stats.norm.sf(DESIGN.critical()), rel_tol=1e-9)


def test_planned_samples_detect_the_planned_error():
    """With the planned number an error of the planned size lies z_F + z_miss standard errors away; one fewer misses."""
    m = DESIGN.samples(value=0.5, variance=2.0, error=0.02)
    assert 0.02 * 0.5 / (2.0 / m) ** 0.5 >= DESIGN.detectable() > 0.02 * 0.5 / (2.0 / (m - 1)) ** 0.5
    assert DESIGN.samples(value=0.5, variance=0.0, error=0.02) == 2
    rare = DESIGN.samples(value=1.0, variance=1e-4, error=0.02)
    assert DESIGN.critical() ** 3 / (6 * (1e-4 * rare) ** 0.5) <= math.log(2)


def test_false_alarms_and_misses_by_simulation():
    """At a coarse design (5 % family of 10, miss 10 %) both error rates are met, within 6 binomial standard errors."""
    design = Design(false_alarm=0.05, miss=0.1, family=10)
    rng, runs, se = np.random.default_rng(3), 4000, 0.1
    alarms = misses = 0
    shift = design.detectable() * se
    for _ in range(runs):
        noise = rng.normal(0, se, 10)
        exact = np.ones(10)
        alarms += not comparator.estimate("x", exact, exact + noise, se, None, design=design).passed
        misses += comparator.estimate("x", 1.0, 1.0 + shift + noise[0], se, None, design=design).passed
    assert alarms / runs <= 0.05 / 2 + 6 * (0.025 / runs) ** 0.5
    assert abs(misses / runs - 0.1) <= 6 * (0.09 / runs) ** 0.5


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_a_number_never_passes(value):
    assert not comparator.estimate("x", [1.0, 2.0], [1.0, value], [0.1, 0.1], None).passed
    assert not comparator.estimate("x", 1.0, 1.0, value, None).passed
    assert not comparator.close("x", [1.0, 2.0], [1.0, value], 1e9, "any").passed
    assert not comparator.less("x", value, 1.0).passed
    assert not comparator.sign("x", 1, value if math.isnan(value) else -value, 1.0).passed


def test_an_underpowered_agreement_fails():
    good = comparator.estimate("x", 1.0, 1.001, 0.001, 0.02)
    assert good.passed
    assert good.detectable == pytest.approx(DESIGN.detectable() * 0.001)
    weak = comparator.estimate("x", 1.0, 1.001, 0.01, 0.02)
    assert not weak.passed
    assert "underpowered" in weak.message


def test_zero_standard_error_demands_equality():
    assert comparator.estimate("x", [0.0, 0.5], [0.0, 0.5], [0.0, 0.0], 0.02).passed
    assert not comparator.estimate("x", [0.0, 0.5], [1e-9, 0.5], [0.0, 0.0], 0.02).passed


def test_signs_need_the_full_critical_value():
    edge = DESIGN.critical()
    assert comparator.sign("x", -1, -(edge + 0.01), 1.0).passed
    assert not comparator.sign("x", -1, -(edge - 0.01), 1.0).passed
    assert not comparator.sign("x", -1, edge + 0.01, 1.0).passed
    with pytest.raises(ValueError, match="positive standard errors"):
        comparator.sign("x", 1, 1.0, 0.0)


def test_rates_hold_for_every_distribution_on_the_unit_interval():
    """The bound is above the exact binomial tail, its worst case, and demands enough replicates."""
    design = Design(false_alarm=1e-3, family=1)
    for replicates in (50, 400):
        successes = np.arange(replicates + 1)
        accepted = [
            comparator.rate("x", 0.9, 1, [1.0] * k + [0.0] * (replicates - k), design=design).passed for k in successes
        ]
        false_alarm = stats.binom.pmf(successes, replicates, 0.9)[accepted].sum()
        assert false_alarm <= 1e-3
        assert any(accepted) == (replicates == 400)
    assert comparator.rate("x", 0.9, -1, [0.5] * 200).passed
    assert not comparator.rate("x", 0.9, -1, [1.0] * 200).passed
    with pytest.raises(ValueError, match="in \\[0, 1\\]"):
        comparator.rate("x", 0.9, 1, [0.5, 1.5])


def test_shapes_and_kinds_are_checked():
    with pytest.raises(ValueError, match="shapes"):
        comparator.close("x", [1.0, 2.0], [1.0], 0.1, "any")
    with pytest.raises(ValueError, match="shapes"):
        comparator.estimate("x", [], [], [], None)
    with pytest.raises(TypeError, match="exact numbers"):
        comparator.equal("x", 0.5, 0.5)
    assert not comparator.equal("x", 1, 2).passed
    assert not comparator.less("x", 1, 1).passed


def test_whatever_makes_evidence_says_its_relation():
    """Read from the source: no Evidence is made without one, so that no new record has a row without direction."""
    calls = [
        (path, node)
        for path in (ROOT / "paper_checks").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Evidence"
    ]
    made = [(path.name, call) for path, call in calls if call.args]  # Evidence(**kept) reads what was made
    assert len(made) >= 8
    assert [name for name, call in made if "relation" not in {word.arg for word in call.keywords}] == []


def test_the_verdict_follows_from_the_evidence():
    def evidence(side, passed=True):
        return Evidence("x", "exact", side, passed, "")

    assert verdict([evidence("holds")]) == "verified"
    assert verdict([evidence("holds"), evidence("beyond")]) == "bounded"
    assert verdict([evidence("counterexample")]) == "refuted"
    assert verdict([evidence("holds"), evidence("beyond", passed=False)]) == "failed"
    assert verdict([]) == "failed"


def test_fitted_exponents():
    """A power law with corrections is recovered within the stated error; a wrong exponent is not."""
    x = np.array([2.0**k for k in range(4, 12)])
    fit = fit_exponent(x, 3 * x**-2 * (1 + 5 / x - 7 / x**2 + 11 / x**3))
    assert abs(fit.exponent + 2) <= fit.error < 1e-3
    with pytest.raises(ValueError, match="at least 5 sizes"):
        fit_exponent([1, 2, 3], [1, 2, 3])
    with pytest.raises(ValueError, match="positive"):
        fit_exponent([1, 2, 3, 4, 5], [1, 2, 3, 4, -5])


@pytest.mark.parametrize(("values", "expected", "passes"), [
    ([1.0] * 9 + [0.0], +1, True),
    ([1.0] * 8 + [0.0] * 2, +1, False),
    ([0.0] * 9 + [1.0], -1, True),
    ([1.0] * 8 + [0.5, 2.0], +1, True),
    ([1.0] * 8 + [0.5, 0.5], +1, False),
    ([1.0] * 8 + [float("nan")] * 2, +1, False),
    ([float("nan")] * 10, -1, False),
    ([1.0] * 8 + [float("inf")] * 2, +1, False),
])  # fmt: skip
def test_all_trainings_are_counted_strictly_beyond_the_threshold(values, expected, passes):
    """Nine of ten are needed, as a coin passes with at most 0.05; the threshold itself is on neither side, and what is
    not finite is on the wrong one."""
    assert comparator.replicated("x", 0.5, expected, values).passed is passes


def test_replicated_states_its_binomial_figures():
    """Of 10 fair coins 9 or more show heads with probability 11/1024; 9 of 10 leave p, P(Bin(10, p) >= 9) = 5 %."""
    found = comparator.replicated("x", 0.5, +1, [1.0] * 9 + [0.0], side="beyond").details
    assert math.isclose(found["chance"], 11 / 1024, rel_tol=1e-12)
    assert math.isclose(stats.binom.sf(8, 10, found["lower_limit"]), 0.05, rel_tol=1e-9)
    assert comparator.replicated("x", 0.5, +1, [0.0] * 5).details["lower_limit"] == 0
    with pytest.raises(ValueError, match="3 trainings decide nothing"):
        comparator.replicated("x", 0.5, +1, [1.0] * 3)
    assert verdict([comparator.replicated("x", 0.5, +1, [1.0] * 5, side="beyond")]) == "bounded"


def test_seeds_are_looked_at_in_turn_and_the_path_is_kept():
    """One of the first six is on the wrong side: nine seeds do not do, fourteen do."""
    found = comparator.replicated("x", 0.5, +1, lambda n: [0.4, *[0.6] * (n - 1)], pilot=[0.7] * 16)
    bounds = TRAINING.boundaries()
    seeds = next(n for n, most in zip(bounds.looks, bounds.allowed, strict=True) if most >= 1)
    assert found.passed and found.numbers == seeds and found.estimate == 0.6
    assert found.details["looks"][-1] == [seeds, 1, bounds.allowed[bounds.looks.index(seeds)]]
    assert found.details["holds"] == seeds - 1 and len(found.details["values"]) == seeds
    assert found.details["interval"][:2] == [0.6, 0.6] and found.details["boundaries"]["failing"] == list(
        bounds.failing
    )
    assert found.details["pilot"] == {"seed": PILOT_SEED, "median": 0.7, "values": [0.7] * 16}
    assert math.isclose(found.detectable, 0.2 / 0.7)
    never = comparator.replicated("x", 0.5, +1, lambda n: [math.inf] * n, pilot=[0.7] * 15 + [math.nan])
    assert not never.passed and never.estimate is None and never.details["values"] == [None] * never.numbers
    assert json.dumps([found.as_dict(), never.as_dict()], allow_nan=False)


@pytest.mark.parametrize("missing", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_leaves_the_median_of_the_others_and_counts_against_it(missing):
    """Numbers 1 to 5 and one that is missing: at the low end where more is claimed, at the high end where less is."""
    five = [1.0, 2.0, 3.0, 4.0, 5.0]
    above = comparator.replicated("x", 0.5, +1, np.array([*five, missing]), pilot=[*five, missing])
    assert above.estimate == 2.5 and above.details["pilot"]["median"] == 2.5 and above.details["holds"] == 5
    below = comparator.replicated("x", 9, -1, np.array([*five, missing]), pilot=[*five, missing])
    assert below.estimate == 3.5 and below.details["pilot"]["median"] == 3.5
    assert below.details["interval"][:2] == [1.0, None]


def test_what_a_comparison_used_of_its_tolerance_is_1_at_the_alarm():
    """By kind: at the alarm, and half of the way or a known share of it; none for exact numbers and inequalities."""
    edge, degrees = DESIGN.critical(), 30
    for share in (0.5, 1.0):
        for found in (
            comparator.estimate("x", [1.0, 1.0], [1.0, 1.0 - share * edge * 1e-3], 1e-3, None),
            comparator.estimate("x", 1.0, 1 + share * DESIGN.critical(degrees) * 1e-3, 1e-3, None, degrees=degrees),
            comparator.close("x", [2.0, 1.0], [2.0, 1.0 + share * 1e-3], 1e-3, "any"),
            comparator.sign("x", -1, [-99.0, -edge / share], [1.0, 1.0]),
        ):
            assert math.isclose(found.used, share, rel_tol=1e-9), found
    rates = comparator.rate("x", 0.5, +1, [1.0] * 100)  # the bound is 2^-100
    assert math.isclose(rates.used, math.log(DESIGN.family / DESIGN.false_alarm) / (100 * math.log(2)), rel_tol=1e-9)
    assert comparator.rate("x", 0.5, +1, [0.4] * 9).used is None and comparator.sign("x", 1, -1.0, 1.0).used is None
    assert comparator.close("x", 1.0, 1.0, 0.0, "any").used is comparator.less("x", 1, 2).used is None
    assert comparator.equal("x", 1, 1).used is None and comparator.estimate("x", 0.0, 1.0, 0.0, None).used is None


def test_what_trainings_used_is_seeds_on_the_wrong_side_or_the_way_of_the_median():
    """Over those that fail, at the worst look; from the pilot's median, 0.9, to the threshold, 0.5."""
    first = TRAINING.boundaries().failing[0]

    def used(values, expected=+1, threshold=0.5, pilot=None):
        return comparator.replicated("x", threshold, expected, values, pilot=pilot).used

    assert used([0.6] * 10) == 0 and used([0.6] * 9 + [0.4]) == 1 / 2 and used([0.6] * 8 + [0.4] * 2) == 1
    assert math.isclose(used(lambda n: [0.4, *[0.6] * (n - 1)]), 1 / first)
    assert math.isclose(used(lambda n: [0.6] * n, pilot=[0.9] * 16), 3 / 4)
    assert math.isclose(used(lambda n: [-0.6] * n, -1, -0.5, [-0.9] * 16), 3 / 4)
    assert used(lambda n: [0.95] * n, pilot=[0.9] * 16) == 0 == used(lambda n: [0.6] * n, pilot=[0.4] * 16)
