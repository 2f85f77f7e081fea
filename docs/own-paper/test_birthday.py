"""The checks of the ledger beside this file: shared birthdays, exactly, by drawing, and by an approximation."""

import math
from fractions import Fraction

import numpy as np
import pytest

DAYS = 365


def shared(people):
    """The probability that two of so many people share a birthday, from the product of the formula."""
    return 1 - math.prod(Fraction(DAYS - k, DAYS) for k in range(people))


def shared_by_counting(people):
    """The same from the law of the number of different days, person by person."""
    different = {0: Fraction(1)}
    for _ in range(people):
        later = dict.fromkeys(range(people + 1), Fraction(0))
        for days, probability in different.items():
            later[days] += probability * Fraction(days, DAYS)
            later[min(days + 1, people)] += probability * Fraction(DAYS - days, DAYS)
        different = later
    return 1 - different[people]


def draw_groups(people, samples, seed):
    """The share of groups with a shared birthday, and its standard error."""
    days = np.sort(np.random.default_rng(seed).integers(DAYS, size=(samples, people), dtype=np.int16), axis=1)
    share = (days[:, 1:] == days[:, :-1]).any(axis=1).mean()
    return share, math.sqrt(share * (1 - share) / samples)


@pytest.mark.claims("S1")
def test_between_22_and_23(claim):
    """Both sides of 1/2 as fractions, which two ways of counting agree on."""
    sizes = (10, 22, 23, 40)
    claim.equal("two ways to count", [shared(n) for n in sizes], [shared_by_counting(n) for n in sizes])
    claim.less("22 people", shared(22), Fraction(1, 2))
    claim.greater("23 people", shared(23), Fraction(1, 2))


@pytest.mark.claims("S1")
def test_drawn_groups(claim):
    """So many groups that an error of 5 % would be seen; with fewer the comparison fails as too weak."""
    sizes, samples, seed = (10, 23, 40), 300_000, claim.seed("groups")
    shares, errors = zip(*(draw_groups(n, samples, [seed, n]) for n in sizes), strict=True)
    exact = [float(shared(n)) for n in sizes]
    claim.estimate("shares of drawn groups", exact, shares, errors, 0.05, samples=samples, seed=seed)


@pytest.mark.claims("S2")
def test_the_exponential_formula(claim):
    """One hundredth on both sides of where it is said to hold: a claim with a part beyond is bounded."""
    errors = [abs(float(shared(n)) - (1 - math.exp(-n * (n - 1) / (2 * DAYS)))) for n in range(2, 101)]
    claim.less("up to 30 people, and from 38 on", errors[:29] + errors[36:], 0.01)
    claim.greater("31 to 37 people", errors[29:36], 0.01, side="beyond")
