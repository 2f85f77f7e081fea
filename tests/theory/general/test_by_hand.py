"""Numbers of the chapter that can be had by hand: bounds, long-run visits, and the tolerance of a law's rows."""

from fractions import Fraction

import numpy as np
import pytest

from theory import Law, general

F = Fraction
FREQUENCIES = [F(1, 2), F(1, 4), F(1, 8), F(1, 8)]
MEMORYLESS = Law([FREQUENCIES] * 4, T=50, trigger=0, alpha=F(1, 3), answers=[0, F(1, 2), F(1, 3), F(1, 6)], noise=3)


def test_threshold_bounds():
    """ρ* = 1/2, ρ_s = 1/6, ν* = 1: (1/3)/(4/3), and the odds 2ρ*/(1 + ρ*) = 2/3."""
    assert general.threshold_bounds(MEMORYLESS) == (F(1, 4), F(2, 5))


def test_signal_bound():
    """p_y = (0, 1/3, 2/9, 4/9)."""
    assert general.signal_bound(MEMORYLESS).tolist() == [0, F(1, 2), F(2, 7), F(4, 5)]


def test_visits_of_a_chain_without_memory():
    """V[c, k] = 1{c=k} + φ_k/φ_q from c ≠ q."""
    for k, part in ((1, F(1, 2)), (2, F(1, 4)), (3, F(1, 4))):
        expected = (1 + part) / (MEMORYLESS.answers[k] + part) - 1
        assert general.excess_visits(MEMORYLESS)[k] == pytest.approx(float(expected), rel=1e-14)
    assert general.excess_visits(MEMORYLESS)[0] == pytest.approx(0, abs=1e-15)


def test_spread_in_long_contexts():
    """v = 1/(T f_k[k]), f_k[k] = t_k V[k] over the length of a stretch, t_k V[k] = 2/3 + φ_k/φ_q for k = 1, 2."""
    found = general.limiting_copying_signal(MEMORYLESS).spread
    for k, visits in ((1, F(2, 3) + F(1, 2)), (2, F(2, 3) + F(1, 4))):
        length = 1 + 1 + 1  # the trigger, the token that is put after it, and Σ_{a≠q} φ_a/φ_q
        assert found[k] == pytest.approx(float(length / (50 * visits)), rel=1e-14)


@pytest.mark.parametrize("rate", [0.5, 0.95, 0.999])
def test_too_few_samples_by_definition(rate):
    """The most m with 1 - (1-p_c)^m < rate."""
    for c in (1, 2):
        missing, few = 1 - float(MEMORYLESS.output[c]), general.answer_samples(MEMORYLESS, c, rate).too_few
        assert 1 - missing**few < rate <= 1 - missing ** (few + 1)


def test_rows_may_be_off_by_their_rounding_and_no_more():
    unit = np.finfo(np.float64).eps
    for off, refused in ((8 * unit, False), (32 * unit, True)):
        rows = [[0.5, 0.5 + off], [0.5, 0.5]]
        if refused:
            with pytest.raises(ValueError, match=r"chain must sum to 1 .*row 0 is off by"):
                Law(rows, T=3, trigger=0, alpha=0.5, noise=1)
        else:
            assert Law(rows, T=3, trigger=0, alpha=0.5, noise=1).chain[0].sum() == 1
