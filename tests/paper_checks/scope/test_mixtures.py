"""The maps of general laws: cells by another programme, their exact levels, and what contradicts them."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from paper_checks.scope import claims as scope_claims
from paper_checks.scope import mixtures
from paper_checks.scope.claims import MAPPED, default_map, scope_map
from tests.oracles import scope as oracles
from theory.general.levels import Change
from theory.general.mixture import Turns

HALF = (Fraction(1, 2), Fraction(1, 2))
SMALL = {
    "G2": {"sizes": (0, 1), "levels": (Fraction(1, 100), Fraction(1, 10)), "rows": 3, "columns": 3},
    "G5": {"sizes": (0, Fraction(1, 4)), "levels": (Fraction(3, 10), Fraction(7, 10)), "rows": 4, "columns": 2},
}
"""Maps with cells of both kinds."""


@pytest.mark.parametrize(("claim", "part"), oracles.MIXTURES)
def test_cells_by_another_programme(claim, part):
    """Position by position, in extended precision, of all 65 tokens; both signs are seen."""
    T, seen = 12, set()
    levels = {"G2": (Fraction(1, 100), Fraction(1, 10)), "G5": (Fraction(2, 5), Fraction(9, 10))}[claim]
    shown = scope_map(claim, (0, 1), levels, str(T), part, rows=3, columns=2)
    for row, share in enumerate(shown.sizes):
        for column, alpha in enumerate(shown.levels):
            expected = bool(oracles.MIXTURES[claim, part](share, T, alpha))
            assert shown.holds[row, column] == expected, (share, alpha)
            seen.add(expected)
    assert seen == {True, False} and shown.contradictions == []


@pytest.mark.parametrize(("claim", "part"), oracles.MIXTURES)
def test_a_flipped_sign_is_a_contradiction(monkeypatch, claim, part):
    right = scope_map(claim, part=part, **SMALL[claim])
    assert right.contradictions == [] and right.judged > 0
    assert right.holds.any() and not right.holds.all()
    statement = MAPPED[claim].statements[part]
    wrong = replace(statement, quantity=lambda *cell: -statement.quantity(*cell))
    entry = replace(MAPPED[claim], statements={**MAPPED[claim].statements, part: wrong})
    monkeypatch.setitem(scope_claims.MAPPED, claim, entry)
    flipped = scope_map(claim, part=part, **SMALL[claim])
    assert len(flipped.contradictions) >= 2 and flipped.judged == right.judged


def test_levels_separate_the_cells():
    """At both ends of the bracket of λ*, far narrower than the 5 % seen below, the gradient has the signs beside it."""
    for look in ("noise", "follower"):
        (change,) = mixtures.changes(look, 256, Fraction(1, 2))
        assert 0 < change.high - change.low < change.high / 500
        for share, sign in ((change.low, change.below), (change.high, change.above)):
            assert mixtures.attraction(look, share, 256, Fraction(1, 2)) * sign > 0


def test_levels_of_g2_separate_the_cells():
    for answers in ("uniform", "stationary"):
        (threshold,) = mixtures.noise_first(answers, Fraction(1, 4), 256)
        assert mixtures.margin(answers, Fraction(1, 4), 256, threshold.low) <= 0
        assert mixtures.margin(answers, Fraction(1, 4), 256, threshold.high) > 0
        assert mixtures.lead(answers, Fraction(1, 4), 256) < threshold.low


@pytest.mark.parametrize("factor", [Fraction(19, 20), Fraction(21, 20)])
@pytest.mark.parametrize("look", ["noise", "follower"])
def test_a_shifted_level_is_a_contradiction(monkeypatch, look, factor):
    """5 % off in either direction, seen by shares 1 % apart."""
    (change,) = mixtures.changes(look, 256, Fraction(1, 2))
    level = Fraction(change.high)
    options = {"sizes": (level * Fraction(9, 10), level * Fraction(11, 10)), "levels": HALF, "rows": 21, "columns": 1}
    assert scope_map("G5", part=look, **options).contradictions == []
    moved = change._replace(low=change.low * float(factor), high=change.high * float(factor))
    statement = replace(MAPPED["G5"].statements[look], crossings=lambda T, alpha: [moved])
    monkeypatch.setitem(scope_claims.MAPPED, "G5", replace(MAPPED["G5"], statements={look: statement}))
    (wrong,) = scope_map("G5", part=look, **options).contradictions
    assert wrong.startswith("G5, α = 0.5, T = 256: at λ = ") and "(5 cells)" in wrong and "against level λ*" in wrong


@pytest.mark.parametrize("factor", [0.95, 1.05])
def test_a_shifted_threshold_of_g2_is_a_contradiction(monkeypatch, factor):
    original = mixtures.noise_threshold
    level = Fraction(float(original(mixtures._law(Fraction(1, 4), 256, HALF[0], "stationary"))[1]))
    options = {"sizes": (Fraction(1, 4),) * 2, "levels": (level * Fraction(9, 10), level * Fraction(11, 10))}
    options |= {"rows": 1, "columns": 21, "part": "stationary"}
    assert scope_map("G2", **options).contradictions == []
    monkeypatch.setattr(mixtures, "noise_threshold", lambda law: tuple(factor * end for end in original(law)))
    (wrong,) = scope_map("G2", **options).contradictions
    assert wrong.startswith("G2, λ = 0.25, T = 256: at α = ") and "against threshold of G2" in wrong


def test_what_the_answers_alone_decide():
    """Below the lower bound on the threshold the margin is never positive, above the upper one always."""
    stated = [mixtures.proved_first("stationary", Fraction(1), 256, Fraction(alpha, 100)) for alpha in (13, 15, 20, 21)]
    assert stated == [-1, 0, 0, 1]


def test_where_frequency_is_proved_to_decide():
    """At α = 9/10 on both sides of λ*, at α = 1/10, where the answers matter, nowhere near the uniform chain."""
    sides = [
        mixtures.proved_attraction("noise", share, 256, Fraction(9, 10)) for share in (Fraction(0), Fraction(1, 5))
    ]
    assert sides == [-1, 1] and mixtures.proved_attraction("noise", Fraction(0), 256, Fraction(1, 10)) == 0


def test_the_criterion_predicts_the_levels_where_noise_is_not_rare():
    """Within 5 % at α = 1/2, and 1 % off at least: it is a leading order."""
    for look in ("noise", "follower"):
        (change,) = mixtures.changes(look, 256, Fraction(1, 2))
        found = mixtures.predicted(look, 256, Fraction(1, 2))
        assert found == pytest.approx(change.high, rel=0.05) and found != pytest.approx(change.high, rel=1e-4)


def test_the_criterion_fails_at_small_noise():
    """At α = 1/10 it has a change of sign of K[E(τ)], and there is none: copying, which it leaves out, decides."""
    assert mixtures.changes("noise", 256, Fraction(1, 10)) == []
    assert mixtures.predicted("noise", 256, Fraction(1, 10)) > 0.05
    assert math.isnan(mixtures.predicted("follower", 256, Fraction(1, 10)))


def test_several_predictions_are_none(monkeypatch):
    turns = Turns([], [Change(0.1, 0.1, 1), Change(0.2, 0.2, -1)])
    monkeypatch.setattr(mixtures, "_turns", lambda T, alpha: mixtures.LookTurns(turns, turns))
    assert math.isnan(mixtures.predicted("noise", 256, Fraction(1, 3)))


def test_levels_that_cannot_be_proved_say_nothing(monkeypatch):
    def hidden(*options):
        raise ArithmeticError("rounding hides the change of sign")

    monkeypatch.setattr(mixtures, "turns", hidden)
    assert mixtures.changes("noise", 256, Fraction(17, 100)) == []
    assert math.isnan(mixtures.predicted("noise", 256, Fraction(17, 100)))
    mixtures._turns.cache_clear()


def test_the_small_maps_show_both_sides():
    for claim, part in (("G2", "stationary"), ("G5", "noise")):
        shown = default_map(claim, part)
        assert shown.contradictions == [] and 0.05 < shown.holds.mean() < 0.95
        assert np.isfinite(shown.values).all()
