"""Certified regions: every proved sign against exact values, what stays undecided, and whether an error would show."""

import re
from fractions import Fraction
from functools import cache

import flint
import numpy as np
import pytest

from theory import Task
from theory.evaluation import ball_arithmetic
from theory.key_query import certified
from theory.key_query.certified import Box, certify, certify_absorbed
from theory.key_query.phase_diagram import CONTRASTS, contrast_parts, ranking_contrasts
from theory.key_query.step import combine, key_query_parts
from theory.one_step.trigger_chain import integer_power

SIZES = ((3, 5, 7), (5, 11, 8), (16, 256, 9))  # N, T, depth
EXACT = SIZES[:2]  # small enough for fractions

NAN, INF = float("nan"), float("inf")

found = cache(certify)


@cache
def parts_at(N, T, alpha):
    """(A, C) per contrast at one noise level: fractions, for long sequences those of correctly rounded floats."""
    if T > 11:
        return {contrast: contrast_parts(Task(N, T, alpha), contrast) for contrast in CONTRASTS}
    parts = key_query_parts(Task(N, T, alpha), exact=True)
    return {contrast: combine(parts, terms) for contrast, terms in CONTRASTS.items()}


def sign_at(N, T, contrast, alpha, absorption):
    value = parts_at(N, T, alpha)[contrast].at(alpha - absorption)
    return (value > 0) - (value < 0)


def wrong_signs(regions, points):
    """(box, contrast, point) where a proved sign is not the exact one; `points(box)` lists points of a box."""
    return [
        (box, contrast, point)
        for box in regions.boxes
        for point in points(box)
        for contrast, sign in box.signs.items()
        if sign and sign_at(regions.N, regions.T, contrast, *point) != sign
    ]


def corners(box):
    (alpha, absorption), width = box.corner, box.width
    return [(alpha + i * width, absorption + j * width) for i in (0, 1) for j in (0, 1)]


def random_points(levels, generator):
    """A function that lists, per box, the given noise levels in it, each with a random absorption in it."""

    def points(box):
        alpha, absorption = box.corner
        inside = [level for level in levels if alpha <= level <= alpha + box.width]
        return [(level, absorption + box.width * Fraction(int(generator.integers(10**6)), 10**6)) for level in inside]

    return points


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_boxes_tile_the_square(size):
    """On the finest grid every cell is covered once; the areas of the three signs add up to 1."""
    regions, cells = found(*size), 2 ** size[2]
    covered = np.zeros((cells, cells), dtype=np.int64)
    for box in regions.boxes:
        side = cells >> box.level
        covered[box.column * side : (box.column + 1) * side, box.row * side : (box.row + 1) * side] += 1
    assert (covered == 1).all()
    for contrast in CONTRASTS:
        assert sum(regions.area(contrast, sign) for sign in (1, 0, -1)) == 1
    assert regions.decided() >= 1 - sum(regions.area(contrast, 0) for contrast in CONTRASTS)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_proved_signs_at_random_points(size):
    generator = np.random.default_rng(1)
    levels = [Fraction(int(number), 10**6) for number in generator.integers(0, 10**6 + 1, 30)]
    assert wrong_signs(found(*size), random_points(levels, generator)) == []


@pytest.mark.parametrize("size", EXACT, ids=str)
def test_proved_signs_at_every_corner(size):
    """A sign is proved on the closed box."""
    assert wrong_signs(found(*size), corners) == []


def test_more_depth_decides_more():
    """Undecided is what the boundaries cross: about a curve's length times the width of the boxes."""
    for N, T in ((5, 11), (16, 256)):
        coarse, middle, fine = (1 - found(N, T, depth).decided() for depth in (7, 8, 9))
        assert coarse > 1.8 * middle > 1.8**2 * fine
        assert fine <= Fraction(1, 100)


def wide_corners(box):
    """Corners of the box with its eight neighbours, within the square, and of the box's own noise levels there."""
    (alpha, absorption), width = box.corner, box.width
    levels = [alpha + i * width for i in (-1, 0, 1, 2)]
    ends = (max(Fraction(0), absorption - width), min(Fraction(1), absorption + 2 * width))
    return [(level, end) for level in levels if 0 <= level <= 1 for end in ends]


@pytest.mark.parametrize("size", EXACT, ids=str)
def test_undecided_boxes_lie_at_a_boundary(size):
    """One more box width in each direction, and the contrast takes both signs.

    The enclosure of a function linear in α is exact, so a box away from the boundary stays undecided only if the value
    is below the second-order terms, of the order of the curvature times width².
    """
    regions = found(*size)
    undecided = [(box, contrast) for box in regions.boxes for contrast, sign in box.signs.items() if not sign]
    assert all(box.level == size[2] for box, _ in undecided)
    for box, contrast in undecided:
        signs = {sign_at(regions.N, regions.T, contrast, *point) for point in wide_corners(box)}
        assert signs >= {1, -1} or 0 in signs, (box, contrast)


def test_box_at():
    """Lower edges belong to a box, so that every point of [0, 1)² lies in one; its quarters share it out."""
    regions = found(3, 5, 7)
    for point in (
        (Fraction(1, 3), Fraction(2, 7)),
        (Fraction(0), Fraction(127, 128)),
        (Fraction(1, 2), Fraction(1, 2)),
    ):
        box = regions.box_at(*point)
        assert all(low <= x < low + box.width for low, x in zip(box.corner, point, strict=True))
    assert [regions.box_at(*box.corner) for box in regions.boxes] == list(regions.boxes)
    for alpha, absorption in ((1, 0), (0, 1), (Fraction(-1, 9), 0), (2, 2), (NAN, 0), (0, INF)):
        with pytest.raises(ValueError, match=r"must (lie in \[0, 1\) × \[0, 1\)|be a finite real number), got "):
            regions.box_at(alpha, absorption)
    assert {quarter.corner for quarter in Box(4, 1, 3).quarters()} == {
        (Fraction(i, 32), Fraction(j, 32)) for i in (2, 3) for j in (6, 7)
    }


@pytest.mark.parametrize(("N", "T"), [(3, 5), (5, 11)])
def test_absorbed_signs(N, T):
    """Intervals tile [0, 1]; a proved sign is that of A at both ends and in between; α = 1 stays undecided."""
    contrasts = CONTRASTS | ranking_contrasts(Task(N, T, Fraction(1, 2)))
    exact = cache(lambda alpha: key_query_parts(Task(N, T, alpha), exact=True))
    for contrast, intervals in certify_absorbed(N, T, contrasts, 6).items():
        assert [low for low, _, _ in intervals] == [0, *(high for _, high, _ in intervals[:-1])]
        assert intervals[-1][1:] == (1, 0)
        for low, high, sign in intervals:
            values = [
                combine(exact(alpha), contrasts[contrast]).in_context for alpha in (low, (2 * low + high) / 3, high)
            ]
            assert not sign or all(value * sign > 0 for value in values), (contrast, low, high)
        assert any(sign for _, _, sign in intervals)


def exact_series(N, T, alpha):
    """T³ F and T³ H per contrast as fractions, F = A + αC, H = C."""
    parts = key_query_parts(Task(N, T, alpha), exact=True)
    combined = {contrast: combine(parts, terms) for contrast, terms in CONTRASTS.items()}
    return {contrast: (T**3 * (A + alpha * C), T**3 * C) for contrast, (A, C) in combined.items()}


def holds(terms, offset, value):
    """Whether Σ_i terms[i] h^i contains a fraction at h = offset."""
    h, exact = (flint.fmpq(x.numerator, x.denominator) for x in (Fraction(offset), value))
    total = sum((term * flint.arb(h) ** i for i, term in enumerate(terms)), flint.arb(0))
    return bool(total.is_finite() and total.contains(exact))


INTERVALS = [(4, column) for column in range(0, 16, 3)] + [(6, 0), (6, 22), (6, 61), (9, 3), (9, 333), (9, 511)]


@pytest.mark.parametrize(("N", "T"), [(3, 5), (16, 256)])
def test_enclosures_hold_the_exact_values(N, T):
    """On intervals of three widths, some taken over from wider ones; without Lagrange's remainder they would not."""
    order, missed = certified.ORDER, 0
    with ball_arithmetic(certified.PRECISION, certified.ORDER + 1):
        enclosures = certified.Enclosures(N, T, CONTRASTS)
        for level, column in INTERVALS:
            radius = Fraction(1, 2 ** (level + 1))
            for share in (-1, Fraction(1, 3), 1):
                exact = exact_series(N, T, (2 * column + 1 + share) * radius)
                for contrast, pair in enclosures.on(level, column).items():
                    for terms, value in zip(pair, exact[contrast], strict=True):
                        assert holds(terms, share * radius, value), (level, column, share, contrast)
                        missed += not holds(terms[:order], share * radius, value)
    assert missed > 0


def test_powers_of_balls():
    """The ball [-1, 1] to any power holds the powers of its points, and stays of their size."""
    ball = flint.arb(0, 1)
    for exponent in (0, 1, 2, 3, 254, 10**6):
        power = integer_power(ball, exponent)
        assert abs(power) < 1.01
        assert all(power.contains(flint.fmpq(numerator, 2) ** exponent) for numerator in (-2, -1, 0, 1, 2))
    assert integer_power(flint.arb(0), 0) == 1
    cube = integer_power(flint.arb_series([ball, 1]), 3)  # of b + x
    for b in (-1, 0, 1):
        assert all(cube[i].contains(term) for i, term in enumerate((b**3, 3 * b**2, 3 * b, 1)))


@pytest.fixture
def arithmetic_of_others():
    """A precision and a series length set by somebody else."""
    before = flint.ctx.prec, flint.ctx.cap
    flint.ctx.prec, flint.ctx.cap = 77, 5
    yield 77, 5
    flint.ctx.prec, flint.ctx.cap = before


@pytest.mark.parametrize("interruption", [None, ZeroDivisionError, KeyboardInterrupt])
def test_arb_is_left_as_it_was(monkeypatch, arithmetic_of_others, interruption):
    """`certify` restores Arb's global precision, also when it is interrupted, and does not depend on it."""
    if interruption:

        def interrupted(*arguments):
            raise interruption

        monkeypatch.setattr(certified.Enclosures, "sign", interrupted)
        with pytest.raises(interruption):
            certify(3, 5, 5)
    else:
        assert certify(3, 5, 7) == found(3, 5, 7)
    assert (flint.ctx.prec, flint.ctx.cap) == arithmetic_of_others


def half_the_spread(monkeypatch):
    original = certified.sign_within
    monkeypatch.setattr(certified, "sign_within", lambda F, H, level, radius: original(F, H, level, radius / 2))


def one_edge_for_two(monkeypatch):
    original = certified.sign_within

    def lower_edge(F, H, absorption, radius):
        return original(F, H, absorption - 2 * radius * (absorption > 0), radius)

    monkeypatch.setattr(certified, "sign_within", lower_edge)


def column_off_by_one(monkeypatch):
    original = certified.Enclosures.sign

    def sign_of_next(self, contrast, box):
        return original(self, contrast, Box(box.level, min(box.column + 1, 2**box.level - 1), box.row))

    monkeypatch.setattr(certified.Enclosures, "sign", sign_of_next)


@pytest.mark.parametrize("mutate", [half_the_spread, one_edge_for_two, column_off_by_one])
def test_unsound_regions_are_noticed(monkeypatch, mutate):
    """The comparison at the corners is what sees an enclosure that is too narrow, or of another box."""
    assert wrong_signs(certify(3, 5, 6), corners) == []
    mutate(monkeypatch)
    assert wrong_signs(certify(3, 5, 6), corners)


@pytest.mark.parametrize("call", [certify, lambda *sizes: certify_absorbed(*sizes[:2], CONTRASTS, *sizes[2:])])
def test_sizes_are_limited(call):
    """At the limits there is an answer; beyond them a refusal; T has none."""
    call(2**32, 2**64, 4)
    for sizes, message in (
        ((2**32 + 1, 9), "N must be an integer in 2..4294967296, got 4294967297"),
        ((3, 5, 13), "depth must be an integer in 4..12, got 13"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            call(*sizes)


def test_an_infinite_enclosure_is_not_sharp():
    """Nor is one that is not a number: its halves are enclosed anew."""
    terms = [flint.arb(1)] * certified.ORDER + [flint.arb(2) ** -40]
    assert certified.terms_are_sharp(terms, 0.5)
    for bad in (NAN, INF):
        assert not certified.terms_are_sharp([*terms[:-1], flint.arb(bad)], 0.5)


def test_areas_refuse():
    for arguments, message in ((("avoid", 1), "contrast must be one of"), (("attends", 2), "sign must be -1, 0 or 1")):
        with pytest.raises(ValueError, match=f"{message}.*, got {arguments[arguments[0] == 'attends']!r}"):
            found(3, 5, 7).area(*arguments)


def test_contrasts_refuse():
    for contrasts, error, message in (
        ("attends", TypeError, "contrasts must be a mapping, got 'attends' (str)"),
        ({"a": "P(q)"}, TypeError, "contrasts['a'] must be a mapping, got 'P(q)' (str)"),
        ({"a": {"P(r)": 1}}, ValueError, "a key of contrasts['a'] must be one of ('E(q)',"),
        ({"a": {"P(q)": 0.5}}, TypeError, "contrasts['a']['P(q)'] must be an integer, got 0.5 (float)"),
    ):
        with pytest.raises(error, match=re.escape(message)):
            certify_absorbed(3, 5, contrasts, 4)
