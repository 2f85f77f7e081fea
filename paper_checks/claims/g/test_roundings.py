"""G1 to G5, G7: numbers near the edges of what floats tell, where a sign or a law must be what it is said to be."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from paper_checks.evidence.assertions import Assertions
from theory import Law, gradient_mean, gradient_variance
from theory.general import count_moments
from theory.general.between_triggers import POSITIONS, rounding, token_laws, visits_between_triggers
from theory.general.copying import excess_visits, lifts
from theory.general.criterion import attractions, gradient_rounding, noise_direction
from theory.general.levels import Interpolant
from theory.general.margins import margin_sign_changes, noise_threshold, smallest_margin
from theory.general.samples import NoiseSteps, noise_samples
from theory.general.signal import copying_signal

UNIT = 2.0**-52
SIXTEENTHS = [[1, 4, 0, 8, 3], [6, 2, 0, 0, 8], [5, 5, 0, 3, 3], [2, 7, 0, 6, 1], [4, 4, 0, 4, 4]]
CHAIN = np.array([[Fraction(count, 16) for count in row] for row in SIXTEENTHS], dtype=object)
"""Token 2 never occurs."""
ANSWERS = np.array([Fraction(n, 16) for n in (5, 0, 3, 8, 0)], dtype=object)
NOISE = np.array([Fraction(n, 16) for n in (0, 0, 0, 0, 16)], dtype=object)


def law_of(T: int, alpha: Fraction = Fraction(3, 8)) -> Law:
    """A law that is exact; 3 is its trigger and an answer too."""
    return Law(CHAIN, T=T, trigger=3, alpha=alpha, first=CHAIN[0], answers=ANSWERS, noise=NOISE)


def law_of_two_noises() -> Law:
    """The trigger is first, c or noise second; the third tells which: 4 after 1, 5 after 2, either after 3. So 1 and 2,
    both noise and answers, have a token each before which they lead at levels that are too low before any other."""
    half, follows = Fraction(1, 2), ((1, 4), (2, 5), (4, 0), (5, 0), (0, 0))
    rows = np.full((6, 6), Fraction(0), dtype=object)
    for token, after in follows:
        rows[token, after] = Fraction(1)
    rows[3, 4] = rows[3, 5] = half
    shares = [[Fraction(n, 4) for n in counts] for counts in ((0, 1, 1, 2, 0, 0), (0, 2, 2, 0, 0, 0))]
    answers, noise = (np.array(part, dtype=object) for part in shares)
    return Law(rows, T=4, trigger=0, alpha=half, first=rows[0], answers=answers, noise=noise)


@pytest.mark.claims("G1")
def test_laws_off_by_roundings_are_laws(claim: Assertions) -> None:
    """Rows off 1 by three roundings for each token are divided by their sums; rows within the rounding of a sum stay
    as they are, bit by bit."""
    rows = CHAIN.astype(float)
    off, near = rows * (1 + 3 * 5 * UNIT), rows * (1 + 2 * UNIT)
    same = {"trigger": 3, "alpha": 0.375, "first": rows[0], "answers": ANSWERS.astype(float), "noise": 4}
    found = [Law(given, T=5, **same).chain for given in (off, near)]
    claim.close("sums of rows", np.ones(5), found[0].sum(axis=1), 5 * UNIT, "a quotient each and a sum of five")
    claim.equal(
        "rows that stay",
        [[float(x).hex() for x in row] for row in near],
        [[float(x).hex() for x in row] for row in found[1]],
    )


@pytest.mark.claims("G2")
def test_bounds_on_roundings(claim: Assertions) -> None:
    """What is stated of roundings, T (M+2) u of visits and 14 e + 40 (2M+5) u/2 of K, as numbers; and it does bound
    the errors of visits."""
    for T in (4, 60):
        law = law_of(T)
        exact, floats = token_laws(law, exact=True), token_laws(law.in_floats)
        worst = max(
            float(np.abs(exact.visits.astype(float) - floats.visits).max() / T),
            float(np.abs(exact.last.astype(float) - floats.last).max()),
        )
        claim.less(f"errors of visits, T = {T}", worst, rounding(law), strict=False)
        claim.close(f"bound on them, T = {T}", T * 7 * UNIT, rounding(law), 1e-14, "a product of three numbers")
        moments = 14 * count_moments(law.in_floats).rounding
        bound = moments + 40 * 15 * UNIT / 2
        claim.close(f"bound on K's, T = {T}", bound, gradient_rounding(law.in_floats), 1e-14, "a sum of two products")
    claim.less("T of the first bound", T, POSITIONS)


@pytest.mark.claims("G2")
def test_levels_in_floats_are_those_of_fractions(claim: Assertions) -> None:
    """On laws with tokens that never stand before the last trigger: the bracket of floats holds that of fractions, also
    where more halvings are asked for than floats tell, and the signs at its ends are beyond rounding."""
    for law in (law_of(3), law_of(9), law_of_two_noises()):
        T = law.T
        (exact,), floats = margin_sign_changes(law) or [], margin_sign_changes(law.in_floats) or []
        claim.equal(f"changes of sign, T = {T}", 1, len(floats))
        claim.less(f"lower end, T = {T}", floats[0].low, float(exact.low), strict=False)
        claim.greater(f"upper end, T = {T}", floats[0].high, float(exact.high), strict=False)
        claim.less(f"distance of the ends, T = {T}", floats[0].high - floats[0].low, 0.002)
        low, high = noise_threshold(law.in_floats, bits=70)
        for end, level, side in (("below", low, -1), ("above", high, 1)):
            margin = side * smallest_margin(replace(law.in_floats, alpha=level))
            claim.greater(f"margin {end} the level, T = {T}", margin, 4 * rounding(law))
        claim.equal(f"width of the exact bracket, T = {T}", Fraction(1, 2**61), exact.high - exact.low)


@pytest.mark.claims("G2")
def test_what_vanishes_everywhere_has_no_certain_sign(claim: Assertions) -> None:
    """Of a function that is 0 on [0, 1] no change of sign is certified, of α - 1/2 the one that there is."""
    levels = np.cos((np.arange(4) + 0.5) * np.pi / 8) ** 2
    found = Interpolant.of(np.stack([0 * levels, levels - 0.5], axis=1), 0.0).sign_changes()
    claim.equal("certified of 0", 1, int(found[0] is None))
    claim.equal("changes of α - 1/2", [1], [change.direction for change in found[1] or []])


@pytest.mark.claims("G5")
def test_a_direction_in_which_nothing_is_has_no_sign(claim: Assertions) -> None:
    """Of d = 0 both parts and the bound are 0: the sign is not decided. The copying part is (40) with P(q)'s share."""
    law = law_of(9).in_floats
    nothing, all_of_it = attractions(law, np.stack([np.zeros(10), np.ones(10)]))
    claim.equal("d·K is decided at d = 0", 0, int(nothing.is_decided))
    visits = law.answers @ (count_moments(law).mean) / law.T
    share = (1 - law.alpha) ** 4 * (law.answers**2).sum() * visits[law.q] ** 2
    claim.close("copying part", float(share), all_of_it.copying, 1e-13, "sums of float64")
    noise = attractions(law, noise_direction(law)[None])[0]
    rest = abs(noise.gradient - noise.frequency)
    claim.greater("bound on d·R along the noise", noise.bound, rest, strict=False)
    claim.less("and it is of the size of K", noise.bound, 1.0)


@pytest.mark.claims("G3")
def test_copying_signals_of_a_small_law(claim: Assertions) -> None:
    """(22) without approximation: for every answer that is no noise, the trigger included, SNR² of (k, E(k)) is that of
    the gradient's moments."""
    law = law_of(7).in_floats
    answers = np.flatnonzero((law.answers > 0) & (law.noise == 0) & (law.first + law.chain.sum(axis=0) > 0))
    mean, variance = gradient_mean(law, "attention_value"), gradient_variance(law, "attention_value")
    exact = np.array([mean[k, k] ** 2 / variance[k, k] for k in answers])
    claim.close(
        "SNR² of copying", exact, copying_signal(law).exact[answers], 1e-11, "differences of moments in float64"
    )


@pytest.mark.claims("G4")
def test_lifts_are_ratios_of_visits(claim: Assertions) -> None:
    """λ_k = E[C_k + δ_kq | c = k] over its average, also of tokens that occur less than once; none where k never is."""
    law = law_of(4).in_floats
    counts = count_moments(law).mean + np.eye(law.M)[law.q]
    average, found = law.answers @ counts, lifts(law)
    there = average > 0
    claim.greater("tokens less frequent than 1", int((there & (average < 1)).sum()), 0)
    exact = np.diagonal(counts)[there] / average[there]
    claim.close("lifts", exact, found[there], 1e-13, "sums of float64")
    claim.equal("lifts that are none", int((~there).sum()), int(np.isnan(found).sum()))
    visits = visits_between_triggers(law)
    ratio = np.diagonal(visits)[there] / (law.answers @ visits)[there] - 1
    claim.close("excess visits", ratio, excess_visits(law)[there], 1e-13, "sums of float64", scale=1.0)
    claim.close("excess visits of the trigger", 0.0, excess_visits(law)[law.q], 1e-13, "sums of float64", scale=1.0)


@pytest.mark.claims("G7")
def test_no_number_is_enough_for_a_margin_of_zero(claim: Assertions) -> None:
    """One answer and one noise token, each with 1/2: neither leads, whatever the number of samples."""
    even = np.array([[0.5, 0.5], [0.5, 0.5]])
    law = Law(even, T=2, trigger=0, alpha=0.5, first=even[0], answers=np.array([1.0, 0.0]), noise=1)
    claim.equal("means of a step", np.zeros(2, dtype=int), NoiseSteps.of(law).means[:, 0].astype(int))
    few, enough = noise_samples(law)
    claim.equal("samples that are too few, and enough", [0, 1], [few, int(enough is None)])
