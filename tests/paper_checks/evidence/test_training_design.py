"""The design of claims about trainings: its error probabilities against all paths, what a pilot allows, intervals."""

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from paper_checks.evidence.training_design import (
    PILOT_COUNT,
    TRAINING,
    TrainingDesign,
    beyond,
    farthest,
    follow,
    median_interval,
)

HALF, NINE = Fraction(1, 2), Fraction(9, 10)


def exact(boundaries, share):
    """P(stands) and P(fails) by each look, seed by seed in fractions, if `share` of all seeds is beyond a threshold."""
    walk, stands, fails, found = {0: Fraction(1)}, Fraction(0), Fraction(0), []
    plan = {look: (most, least) for look, most, least in zip(*boundaries[:3], strict=True)}
    for seed in range(1, boundaries.looks[-1] + 1):
        further = {}
        for wrong, weight in walk.items():
            further[wrong] = further.get(wrong, 0) + weight * share
            further[wrong + 1] = further.get(wrong + 1, 0) + weight * (1 - share)
        walk = further
        if seed in plan:
            most, least = plan[seed]
            stands += sum(weight for wrong, weight in walk.items() if wrong <= most)
            fails += sum(weight for wrong, weight in walk.items() if wrong >= least)
            walk = {wrong: weight for wrong, weight in walk.items() if most < wrong < least}
            found.append((stands, fails))
    assert not walk and stands + fails == 1  # every path is decided
    return found


@pytest.mark.parametrize(
    ("absent", "stated", "least"),
    [
        (HALF, NINE, 1),
        (HALF, NINE, 10),
        (HALF, NINE, 30),
        (Fraction(1, 4), Fraction(4, 5), 1),
        (HALF, Fraction(19, 20), 6),
    ],
)
def test_error_probabilities_are_those_of_all_paths(absent, stated, least):
    found = TRAINING.boundaries(float(absent), float(stated), least)
    chance, alarm = exact(found, absent)[-1][0], exact(found, stated)[-1][1]
    assert math.isclose(found.chance, chance, rel_tol=1e-9) and math.isclose(found.false_alarm, alarm, rel_tol=1e-9)
    assert chance <= Fraction(1, 20) and alarm * TRAINING.family <= Fraction(1, 1000)
    assert found.looks[0] >= least and all(a < f for a, f in zip(found.allowed, found.failing, strict=True))


def test_each_look_allows_as_many_wrong_sides_as_its_share_of_the_miss_pays_for():
    """One more at any look spends more than miss √(n / last look) by then; the first look of six needs all six."""
    found = TRAINING.boundaries()
    assert found.looks == (6, 9, 14, 21, 32, 48) and found.allowed[0] == 0
    for at, look in enumerate(found.looks):
        limit = TRAINING.miss * math.sqrt(look / found.looks[-1])
        assert exact(found, HALF)[at][0] <= limit
        allowed = tuple(most + (number == at) for number, most in enumerate(found.allowed))
        failing = tuple(max(least, most + 1) for least, most in zip(found.failing, allowed, strict=True))
        assert exact(found._replace(allowed=allowed, failing=failing), HALF)[at][0] > limit


def test_following_all_sequences_of_fourteen_seeds():
    """Every sequence of right and wrong sides, by the function that claims use: 2¹⁴ of them, at shares 1/2 and 0.9."""
    found = TrainingDesign(looks=(6, 9, 14), false_alarm=1.0, family=1).boundaries()
    weights = {share: [0.0, 0.0] for share in (0.5, 0.9)}
    for sides in product((0, 1), repeat=14):
        stands = follow(lambda count, sides=sides: sides[:count], 0.5, +1, found).stands
        for share, sums in weights.items():
            sums[stands] += share ** sum(sides) * (1 - share) ** (14 - sum(sides))
    assert math.isclose(weights[0.5][True], found.chance, rel_tol=1e-9)
    assert math.isclose(weights[0.9][False], found.false_alarm, rel_tol=1e-9)


def test_simulated_seeds_stand_as_often_as_is_said():
    """20,000 claims whose numbers have their median at the threshold: at most five standard errors off `chance`."""
    found, count = TRAINING.boundaries(), 20_000
    numbers = np.random.default_rng(8).normal(size=(count, found.looks[-1]))
    stood = sum(follow(lambda n, row=row: row[:n], 0.0, -1, found).stands for row in numbers)
    error = math.sqrt(found.chance * (1 - found.chance) / count)
    assert abs(stood / count - found.chance) <= 5 * error


def test_seeds_are_asked_for_until_it_is_decided():
    found, asked = TRAINING.boundaries(), []

    def values(count):
        asked.append(count)
        return [1.0] * 5 + [0.0] + [1.0] * (count - 6)

    path = follow(values, 0.5, +1, found)
    assert path.stands and asked == list(found.looks[: len(asked)]) and len(asked) > 1
    assert path.looks == [[n, 1, most] for n, most in zip(asked, found.allowed, strict=False)]
    assert len(path.values) == asked[-1]
    assert not follow(lambda count: [0.0] * count, 0.5, +1, found).stands
    with pytest.raises(ValueError, match=r"values\(6\) must return one number per seed, got shape \(5,\)"):
        follow(lambda count: [1.0] * 5, 0.5, +1, found)


def test_ties_and_what_is_not_finite_are_on_the_wrong_side():
    values = [0.4, 0.5, 0.6, np.inf, -np.inf, np.nan]
    assert beyond(values, 0.5, +1) == 1 and beyond(values, 0.5, -1) == 1


def test_all_trainings_that_there_are():
    """A coin passes with at most 0.05: 0 wrong of 5 (1/32), 1 of 8 (9/256), 1 of 10 (11/1024); 4 decide nothing."""
    for count, most, chance in ((5, 0, 1 / 32), (8, 1, 9 / 256), (10, 1, 11 / 1024)):
        found = TRAINING.of_all(count)
        assert found.allowed == (most,) and math.isclose(found.chance, chance, rel_tol=1e-12)
    with pytest.raises(ValueError, match=r"4 trainings decide nothing: a share 0\.5 passes with probability 0\.0625"):
        TRAINING.of_all(4)


def test_all_trainings_against_another_share():
    """7 trainings, a share of 0.3 or less: with 5 or more beyond it passes with at most 0.05, with 4 with more."""
    found = TRAINING.of_all(7, 0.3)
    chances = [sum(math.comb(7, k) * 0.3**k * 0.7 ** (7 - k) for k in range(least, 8)) for least in (4, 5)]
    assert found.allowed == (2,) and found.failing == (3,) and chances[0] > 0.05 > chances[1]
    assert math.isclose(found.chance, chances[1], rel_tol=1e-12)
    for absent in (0.0, 0.9, 1.1):
        with pytest.raises(ValueError, match="0 < absent < stated < 1"):
            TRAINING.of_all(7, absent)


@pytest.mark.parametrize(
    ("absent", "stated", "message"),
    [(0.9, 0.5, "0 < absent < stated < 1"), (0.0, 0.9, "0 < absent"), (0.5, 1.0, "stated < 1"),
     (0.8, 0.9, "not told apart by 48 seeds")],
)  # fmt: skip
def test_shares_that_cannot_be_told_apart(absent, stated, message):
    with pytest.raises(ValueError, match=message):
        TRAINING.boundaries(absent, stated)


def test_three_deviations_leave_a_tenth_of_any_law_and_all_of_it_of_one():
    """Cantelli's bound is attained: 0.1 at μ - 3σ = -3, 0.9 at 1/3."""
    values, weights = np.array([-3, 1 / 3]), np.array([0.1, 0.9])
    mean = weights @ values
    assert abs(mean) < 1e-15 and math.isclose(weights @ values**2 - mean**2, 1)
    assert weights[values > -3].sum() == 0.9


def test_what_a_pilot_allows_is_beyond_three_deviations_nine_times_in_ten():
    """Of normal pilots: two limits at 95 % each, so that the threshold is too strong with probability at most 0.1; it
    moves and scales with the numbers, and the other side is the mirror."""
    pilots = np.random.default_rng(3).normal(size=(4000, PILOT_COUNT))
    too_strong = np.mean([farthest(pilot, +1) > -3 for pilot in pilots])
    assert 0.02 < too_strong <= 0.1
    one = pilots[0]
    assert math.isclose(farthest(7 + 2 * one, +1), 7 + 2 * farthest(one, +1), rel_tol=1e-12)
    assert math.isclose(farthest(-one, -1), -farthest(one, +1), rel_tol=1e-12)
    assert farthest(np.full(PILOT_COUNT, 0.5), +1) == 0.5


def test_what_a_pilot_allows_by_hand():
    """Eight 0 and eight 1: mean 1/2, variance 4/15; with 15 degrees χ² at 0.05 is 7.261, t at 0.95 1.753 (tables)."""
    spread = math.sqrt(4 / 15)
    wanted = 0.5 - 3 * spread * math.sqrt(15 / 7.260944) - 1.753050 * spread / 4
    assert math.isclose(farthest([0.0, 1.0] * 8, +1), wanted, rel_tol=1e-6)


@pytest.mark.parametrize("pilot", [[1.0] * 15, [1.0] * 15 + [math.inf], [1.0] * 15 + [math.nan]])
def test_a_pilot_that_allows_nothing(pilot):
    with pytest.raises(ValueError, match=f"a threshold needs {PILOT_COUNT} finite pilot values, got {len(pilot)}"):
        farthest(pilot, +1)


@pytest.mark.parametrize("n", [1, 5, 6, 9, 10, 14, 21, 32, 48])
def test_the_interval_of_the_median(n):
    """The order statistics r and n + 1 - r miss the median with 2 P(Bin(n, 1/2) < r): the largest r that keeps 0.95, or
    the whole range, in any order of the numbers."""
    missed = [2 * sum(math.comb(n, k) for k in range(r)) / 2**n for r in range(n + 1)]
    place = max((r for r in range(1, (n + 1) // 2 + 1) if missed[r] <= 0.05), default=1)
    numbers = np.random.default_rng(n).permutation(n) + 1.0
    low, high, covered = median_interval(numbers)
    assert (low, high) == (place, n + 1 - place) and math.isclose(covered, 1 - missed[place], abs_tol=1e-12)
    assert covered >= 0.95 or n < 6


def test_numbers_that_were_never_reached_are_ends_of_the_interval():
    assert median_interval([1.0] * 5 + [math.inf])[:2] == (1.0, math.inf)
