"""Counts along one chain in blocks of positions and by doubling: equal to the sums over positions at every length."""

import math

import numpy as np
import pytest

from tests.theory.general.test_programme import extreme_chains
from theory.general import counts, slow_chains

LENGTHS = [*range(1, 28), 35, 36, 37, 63, 64, 65, 300]


@pytest.mark.parametrize("chain", extreme_chains().values(), ids=extreme_chains().keys())
def test_both_ways_are_the_sum_over_positions(chain):
    """Whole blocks, blocks that are cut, and powers of two."""
    first = np.random.default_rng(25).dirichlet(np.ones(5))
    for n in LENGTHS:
        expected = [part[0] for part in counts._by_positions(chain[None], first, n)]
        both = max(4, 1 + 5 / math.isqrt(n)) + 1
        allowed = both * 5 / 3 * n * (5 + 4) * np.finfo(float).eps / 2
        for way in (slow_chains.in_blocks, slow_chains.by_doubling):
            for value, stated, scale in zip(way(chain, first, n), expected, (n + 1, 1, (n + 1) ** 2), strict=True):
                assert np.abs(value - stated).max() <= allowed * scale, (n, way.__name__)


def test_which_way_is_cheaper():
    """Blocks for many tokens or few positions, doubling for long sequences."""
    assert slow_chains._is_short(65, 254) and slow_chains._is_short(5, 20) and slow_chains._is_short(500, 10**5)
    assert not slow_chains._is_short(5, 400) and not slow_chains._is_short(65, 10**6)


def test_the_bound_is_that_of_the_way_that_is_taken():
    unit = 5 / 3 * (65 + 4) * 2**-53
    for n, times in ((256, 1 + 5 / 16), (10**6, 4)):
        assert slow_chains.slow_rounding(65, n) == pytest.approx(n * unit * times, rel=1e-12, abs=0)
