"""z values over base seeds: what is independent, and that a wrong standard error or formula shows."""

import math

import numpy as np
import pytest
from scipy import stats

from paper_checks.commands.alarms.observed import Observation
from paper_checks.commands.alarms.scores import (
    LEVEL,
    by_kind,
    deviating,
    histogram,
    independent,
    normal_scores,
    normality,
    scores_of,
    share,
    variance,
)

SEEDS = range(1, 301)
EACH = 25
"""Comparisons of a sample."""


def observation(z, claim="T1.1", name="entries, N = 3", degrees=math.inf):
    z = np.asarray(z, dtype=np.float64)
    return Observation(claim, name, "estimate", True, len(z), z, z, degrees, 10, 1)


def measured(changed=lambda z, unit: z, seed=5, units=39):
    """300 base seeds of units of 25 correlated normal z each; four units of one kind, others of their own."""
    draws = np.random.default_rng(seed)
    found = []
    for base in SEEDS:
        for unit in range(units):
            z = changed(0.8 * draws.normal() + 0.6 * draws.normal(size=EACH), unit)
            found.append((base, unit, [observation(z, name=f"kind {max(unit, 3)}, unit {unit}")]))
    return scores_of(found)


def test_one_score_of_each_unit_and_base_seed_in_turn():
    found = [(seed, unit, [observation(100 * unit + np.arange(7 + unit))]) for seed in SEEDS for unit in (0, 1)]
    chosen = independent(scores_of(reversed(found)))
    assert list(zip(chosen.seeds, chosen.units, strict=True)) == [(seed, unit) for seed in SEEDS for unit in (0, 1)]
    for unit in (0, 1):
        values, counts = np.unique(chosen.values[chosen.units == unit], return_counts=True)
        assert list(values) == [100 * unit + place for place in range(7 + unit)] and np.ptp(counts) <= 3


def test_values_of_students_law_become_normal_and_those_without_error_are_left_out():
    z = np.array([-30.0, -2.0, 0.0, 0.5, 4.0])
    found = normal_scores(z, 7.0)
    assert np.allclose(stats.norm.cdf(found), stats.t.cdf(z, 7.0), rtol=1e-9) and found[0] > -7
    assert normal_scores(z, math.inf) is z
    assert len(scores_of([(1, 0, [observation([1.0, math.nan, 2.0])])]).values) == 2


def test_shares_and_their_errors_are_those_of_base_seeds():
    """All comparisons of a base seed are the same one: the error is that of 300 values, not of 7500."""
    z = np.random.default_rng(3).normal(size=len(SEEDS))
    found = scores_of((seed, 0, [observation(np.full(EACH, one))]) for seed, one in zip(SEEDS, z, strict=True))
    spread, beyond = variance(found), share(found, 2)
    assert spread.value == pytest.approx((z**2).mean()) and beyond.value == (abs(z) > 2).mean()
    assert spread.error == pytest.approx((z**2).std(ddof=1) / 300**0.5)
    assert beyond.expected == pytest.approx(0.0455, abs=1e-5) and sum(histogram(found).values()) == 7500


def test_the_mean_of_a_comparison_is_taken_off():
    shifted = measured(lambda z, unit: z + unit, units=3)
    assert np.allclose(shifted.means.reshape(3, EACH), [[0], [1], [2]], atol=0.3)
    assert np.allclose(shifted.centred.means, 0) and variance(shifted.centred).value == pytest.approx(1, abs=0.1)
    one = scores_of([(1, 0, [observation([1.0, 2.0])])])
    assert len(one.centred.values) == 0 and normality(one.centred).each == (1, 1, 1)


@pytest.mark.parametrize("seed", range(3))
def test_normal_values_are_found_to_be_so(seed):
    found = measured(seed=seed)
    assert min(normality(found).each) > LEVEL / 3 and deviating(by_kind(found)) == {}
    assert normality(found).number == 39 * 300


def test_a_standard_error_that_is_off_by_a_tenth_shows():
    """Of all, in the law and in the variance; of one kind with a sample in four units, too; with one, seldom."""
    for factor in (0.9, 1.1):
        every = normality(measured(lambda z, unit, factor=factor: z / factor))
        assert max(every.law, every.variance) < LEVEL / 3
        kinds = deviating(by_kind(measured(lambda z, unit, factor=factor: z / (factor if unit <= 3 else 1))))
        assert set(kinds) == {"T1.1: kind 3"}


def test_a_formula_that_is_off_by_a_twentieth_shows():
    """Designed so that a fifth is detected, by 9.5 standard errors or more: a twentieth is 2.4 of them. A fifth of one
    standard error shows too."""
    for shift in (2.4, 0.25):
        assert set(deviating(by_kind(measured(lambda z, unit, s=shift: z + s * (unit == 20))))) == {"T1.1: kind 20"}


def test_heavy_tails_show():
    draws = np.random.default_rng(8)
    heavy = measured(lambda z, unit: z * np.sqrt(3 / draws.chisquare(3, size=EACH)) / 1.3)
    assert normality(heavy).law < LEVEL / 3 and share(heavy, 4).value > 10 * share(heavy, 4).expected
