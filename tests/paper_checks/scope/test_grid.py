"""Sizes, levels and lengths of a map's cells."""

from fractions import Fraction

from paper_checks.scope import grid as scope_grid


def test_grids():
    assert scope_grid.sizes_between(8, 512, 7) == (8, 16, 32, 64, 128, 256, 512)
    assert scope_grid.sizes_between(8, 12, 24) == (8, 9, 10, 11, 12)
    assert scope_grid.sizes_between(2, 1000, 1) == (2,) and scope_grid.sizes_between(5, 5, 3) == (5,)
    assert scope_grid.sizes_between(2, 9, 7) == tuple(sorted(set(scope_grid.sizes_between(2, 9, 7))))
    assert scope_grid.levels_between(Fraction(1, 100), Fraction(99, 100), 99)[49] == Fraction(1, 2)
    assert scope_grid.levels_between(Fraction(1, 3), Fraction(1, 3), 9) == (Fraction(1, 3),)
    assert scope_grid.length_rule("N^3", 2, (2, 10)) == ("T = N³", (8, 1000))
    assert scope_grid.length_rule("17", 2, (2, 10)) == ("T = 17", (17, 17))
