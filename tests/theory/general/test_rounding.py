"""What is done about rounding: laws that sum to 1, bounds of errors, levels that come near to 0."""

import numpy as np
import pytest

from tests.theory.general.test_thresholds import random_law
from theory.general.between_triggers import rounding
from theory.general.levels import CELLS, _changes
from theory.general.margins import _threshold_in_floats
from theory.law import _floats


def test_a_law_that_sums_to_1_up_to_rounding_stays_as_it_is():
    row = np.array([0.7, 0.2, 0.1])
    assert 0 < abs(row.sum() - 1) < 3 * 2**-52
    assert _floats(row).tolist() == row.tolist()
    wide = row + np.array([0.0, 0.0, 2**-50])
    assert _floats(wide).tolist() == (wide / wide.sum()).tolist() != wide.tolist()


def test_the_bound_of_laws_of_tokens_covers_a_sum_of_all_tokens_at_every_position():
    law = random_law(5, 7, 1)
    assert rounding(law) >= law.T * law.M * 2**-53


@pytest.mark.parametrize("rising", [True, False])
@pytest.mark.parametrize("above", [True, False])
def test_a_function_that_comes_near_to_0_and_stays_on_its_side_has_no_change(rising, above):
    everywhere = np.full(CELLS, True)
    certain = everywhere.copy()
    certain[10:12] = False
    side = 1 if above else -1
    assert _changes(everywhere & above, certain, everywhere & rising, everywhere, (side, side)) == []


@pytest.mark.parametrize("level", [0.0, 0.3, 0.4, 0.7, 0.9999])
@pytest.mark.parametrize("bits", [1, 20, 70])
def test_the_ends_of_a_threshold_are_certain(level, bits):
    asked = []

    def margin(at):
        asked.append(at)
        return (at - level) ** 3

    low, high = _threshold_in_floats(margin, lambda at: 1e-18, 0.0, 1.0, bits)
    assert 0 <= low <= level < high <= 1
    assert (low == 0.0 or margin(low) <= -1e-18) and (high == 1.0 or margin(high) > 1e-18)
    assert (0.99 * 2**-bits <= high - low or 0.0 in (low, 1 - high)) and high - low <= max(1.01 * 2**-bits, 8e-6)
    assert all(0 <= at <= 1 for at in asked)


@pytest.mark.parametrize(("before", "after"), [(1e-3, 1.0), (1.0, 1e-3)])
def test_each_end_of_a_threshold_is_certain_by_itself(before, after):
    """A margin that is far flatter on one side of its root."""

    def margin(at):
        return (at - 0.3) * (after if at > 0.3 else before)

    low, high = _threshold_in_floats(margin, lambda at: 1e-9, 0.0, 1.0, 50)
    assert margin(low) <= -1e-9 and margin(high) > 1e-9 and high - low <= 8e-6


def test_a_threshold_whose_lower_bound_is_cut_off_lies_at_it():
    """Where the margin is > 0 from 0 on, the bracket begins there."""
    low, high = _threshold_in_floats(lambda at: at + 0.5, lambda at: 1e-18, 0.0, 1.0, 40)
    assert low == 0.0 < high <= 2**-40
