"""A rate told value by value (`design`): both error probabilities by exact sums, and no value more than it takes."""

import math

import numpy as np
import pytest
from scipy import stats

from paper_checks.evidence import comparator
from paper_checks.evidence import design as design_module
from paper_checks.evidence.design import DESIGN, Design

COARSE = Design(false_alarm=0.02, miss=0.1, family=1)


def crossing(threshold, expected, most, rate, design):
    """Exact law of the number of Bernoulli values that are looked at: P(told after n values), n = 1..most."""
    sign = [design_module.exponents([x], threshold, expected, most, design)[0] for x in (0.0, 1.0)]
    walk, told = np.ones(1), np.zeros(most)  # probability of each number of ones while nothing is told
    for n in range(1, most + 1):
        walk = np.append(walk * (1 - rate), 0) + np.append(0, walk * rate)
        ones = np.arange(n + 1)
        with np.errstate(invalid="ignore"):  # 0 ones times a factor of 0
            wealth = np.where(ones < n, (n - ones) * sign[0], 0) + ones * sign[1]
        over = wealth >= design_module.needed_exponent(design)
        told[n - 1] = walk[over].sum()
        walk[over] = 0
    return told


@pytest.mark.parametrize(("threshold", "expected"), [(0.95, 1), (0.95, -1), (0.5, 1), (0.5, -1)])
@pytest.mark.parametrize("design", [COARSE, DESIGN], ids=["coarse", "the run's"])
def test_both_errors_of_a_rate_told_value_by_value(threshold, expected, design):
    """By exact sums over the paths of Bernoulli values: the false alarm is at most the level, whenever it comes; every
    rate is told with no less power than by Hoeffding's bound of all values; and at the rate that Hoeffding's bound
    detects, after about half of them."""
    level = design.false_alarm / design.family
    for most in (40, 600):
        assert crossing(threshold, expected, most, threshold, design).sum() <= level
        for beyond in (0.3, 0.6):
            wrong = threshold - expected * beyond * (threshold if expected > 0 else 1 - threshold)
            assert crossing(threshold, expected, most, wrong, design).sum() <= level
        edge = design_module.hoeffding_mean(threshold, expected, most, design)
        if edge in (0, 1):  # so few values tell nothing
            continue
        for rate in np.linspace(threshold, 1.0 if expected > 0 else 0.0, 6)[1:]:
            whole = stats.binom.sf(np.ceil(edge * most - 1e-9) - 1, most, rate)
            if expected < 0:
                whole = stats.binom.cdf(np.floor(edge * most + 1e-9), most, rate)
            assert crossing(threshold, expected, most, rate, design).sum() >= whole - 1e-12
    if 0.05 < edge < 0.95:  # where the number of ones is about normal
        rate = edge + expected * design.miss_quantile() * math.sqrt(edge * (1 - edge) / most)
        told = crossing(threshold, expected, most, rate, design)
        assert told.sum() > 1 - 2 * design.miss and told @ np.arange(1, most + 1) < 0.6 * most


def test_as_few_values_are_drawn_as_it_takes():
    """The iterator is left where the rate is told; the evidence has the same values, and needs no more of them."""
    drawn = iter([1.0] * 1000)
    found = design_module.told(drawn, 0.5, 1, 400)
    assert len(found) == 78 and len(list(drawn)) == 1000 - len(found)
    evidence = comparator.rate("x", 0.5, 1, found, most=400)
    assert evidence.passed and evidence.used == len(found) / 400 and "(at most 400)" in evidence.message
    assert not comparator.rate("x", 0.5, 1, found[:-1], most=400).passed
    short = design_module.told(iter([1.0, 0.0] * 50), 0.5, 1, 100)
    assert len(short) == 100 and not comparator.rate("x", 0.5, 1, short, most=100).passed
    with pytest.raises(ValueError, match="rates must be at most 30 numbers, got 31"):
        comparator.rate("x", 0.5, 1, [1.0] * 31, most=30)


def test_a_rate_that_no_mean_tells_is_not_told():
    """20 values are too few for the run's level at 1/2, however they come out; an ill threshold is said."""
    assert design_module.hoeffding_mean(0.5, 1, 20) == 1 and design_module.hoeffding_mean(0.5, -1, 20) == 0
    assert len(design_module.told(iter([1.0] * 50), 0.5, 1, 20)) == 20
    assert not comparator.rate("x", 0.5, 1, [1.0] * 20, most=20).passed
    assert not comparator.rate("x", 0.5, 1, [0.0, 1.0] * 10, most=20).passed
    for threshold, most, named in ((1.0, 9, "threshold must be in"), (0.5, 0, "most must be at least 1, got 0")):
        with pytest.raises(ValueError, match=named):
            design_module.told(iter([1.0]), threshold, 1, most)


@pytest.mark.parametrize("most", [None, 40])
@pytest.mark.parametrize(("share", "passes"), [(0.999, False), (1.001, True)])
def test_the_level_of_a_rate_is_that_of_one_comparison(share, passes, most):
    """40 values of 1 rule out a mean of θ at the level θ⁴⁰: just short of 10⁻⁶ / 4096, and just beyond it."""
    threshold = math.exp(-share * math.log(4096 / 1e-6) / 40)
    assert comparator.rate("x", threshold, +1, [1.0] * 40, most).passed is passes
