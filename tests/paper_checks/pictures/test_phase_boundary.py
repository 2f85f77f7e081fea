"""The boundaries of the phase diagram are where exact contrasts change sign, fine, and without jumps over poles."""

from fractions import Fraction
from functools import cache
from itertools import pairwise

import pytest

from paper_checks.pictures.phase.boundary import FINEST, RISE, boundary
from theory import Task
from theory.key_query.phase_diagram import CONTRASTS, contrast_parts, turning_absorption

CACHED = cache(boundary)  # seconds each


@pytest.mark.parametrize("contrast", CONTRASTS)
@pytest.mark.parametrize(("N", "T"), [(3, 7), (5, 11)])
def test_boundaries_are_where_the_contrast_changes_sign(N, T, contrast):
    """Along lines of constant π: branches cross an interval of α oddly often iff the exact signs at its ends differ."""
    branches = CACHED(N, T, contrast)
    pieces = [piece for branch in branches for piece in pairwise(branch)]
    levels, grid = (0.23, 0.61, 0.97), [(2 * i + 1) / 101 for i in range(51)]
    parts = {alpha: contrast_parts(Task(N, T, alpha), contrast) for alpha in grid}
    for level in levels:
        crossed = [
            left + (level - low) / (high - low) * (right - left)
            for (left, low), (right, high) in pieces
            if (low - level) * (high - level) < 0
        ]
        values = [(alpha, part.at(Fraction(alpha) - Fraction(level))) for alpha, part in parts.items()]
        for (left, before), (right, after) in pairwise(values):
            assert sum(left < alpha < right for alpha in crossed) % 2 == (before * after < 0)


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_boundaries_are_fine_and_inside_the_square(contrast):
    for branch in CACHED(5, 11, contrast):
        for (left, low), (right, high) in pairwise(branch):
            assert 0 <= low <= 1 and 0 <= high <= 1
            assert left < right and (abs(high - low) <= RISE or right - left <= FINEST)
        for alpha, level in branch[1:-1:8]:
            if 0 < level < 1:
                assert turning_absorption(Task(5, 11, alpha), contrast) in (level, pytest.approx(level, abs=1e-12))


def test_no_branch_crosses_a_pole():
    """C of "avoids" changes sign at 1/(N+1), where π* jumps over the square, and near 0.954, where it crosses it."""
    branches = CACHED(5, 11, "avoids")
    zeros = [1 / 6, 0.2874, 0.9541]
    for zero in zeros:
        below, above = (contrast_parts(Task(5, 11, zero + step), "avoids").noise for step in (-1e-3, 1e-3))
        assert below * above < 0
        assert not any(branch[0][0] < zero - 1e-3 and branch[-1][0] > zero + 1e-3 for branch in branches)
    ends = [point for branch in branches for point in (branch[0], branch[-1]) if abs(point[0] - zeros[-1]) < 1e-3]
    assert sorted(level for _, level in ends) == [0, 1]
