"""The memory's exact flow, spectrum and truncations against integration, numpy's decompositions and expansions."""

import math
from fractions import Fraction
from itertools import pairwise

import flint
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from theory.evaluation import ball_arithmetic
from theory.memory import gradient_flow as memory
from theory.memory.gradient_flow import (
    late_constant,
    late_noise_probability,
    late_values,
    logits,
    predictions,
    top_space,
    values,
)
from theory.memory.spectrum import (
    crossing_time,
    early_crossing_time,
    early_top_space,
    late_crossing_time,
    level_at_tie,
    positive_noise_time,
    singular_values,
    singular_vectors,
    top_space_at,
)

EPS = 2.0**-52
HALF, THIRD = Fraction(1, 2), Fraction(1, 3)


def integrated_matrix(n, alpha, t, tolerance):
    """W(t) by integrating all n(n+1) logits, no symmetry used."""
    target = np.vstack([(1 - alpha) * np.eye(n), np.full((1, n), alpha)])

    def rate(_, flat):
        weights = np.exp(flat.reshape(n + 1, n))
        return ((target - weights / weights.sum(axis=0)) / n).ravel()

    start = np.zeros(n * (n + 1))
    return solve_ivp(rate, (0, t), start, "DOP853", rtol=tolerance, atol=tolerance).y[:, -1].reshape(n + 1, n)


@pytest.mark.parametrize(("n", "alpha", "t"), [(2, 0.3, 60), (3, 0.7, 200), (5, 0.1, 400), (7, 0.45, 40)])
def test_the_flow_of_the_whole_matrix(n, alpha, t):
    """Integration at two tolerances; the finer is off by less than they differ."""
    coarse, fine = (integrated_matrix(n, alpha, t, tolerance) for tolerance in (1e-7, 1e-10))
    error = abs(coarse - fine).max()
    assert error < 1e-5
    assert abs(logits(n, alpha, t) - fine).max() <= error
    assert abs(fine.sum(axis=0)).max() <= error
    assert abs(logits(n, alpha, 1.001 * t) - fine).max() > 10 * error


def integrated_values(n, alpha, t, tolerance):
    """(a, b, s) by a stiff solver in τ = log(1 + t/n)."""

    def rate(tau, state):
        weights = np.exp(state - state.max()) * (1, n - 1, 1)
        p_a, rest, p_s = weights / weights.sum()
        return np.array([1 - alpha - p_a, -rest / (n - 1), alpha - p_s]) * math.exp(tau)

    end = math.log1p(t / n)
    found = solve_ivp(rate, (0, end), np.zeros(3), "LSODA", rtol=tolerance, atol=tolerance, first_step=1e-6)
    return found.y[:, -1]


@pytest.mark.parametrize(
    ("n", "alpha", "t"), [(2, 0.99, 1e4), (4, 1e-3, 1e6), (15, 0.25, 1e3), (1000, 0.3, 1e5), (10**6, 0.01, 1e9)]
)
def test_the_flow_of_the_three_values_at_late_times_and_many_inputs(n, alpha, t):
    coarse, fine = (integrated_values(n, alpha, t, tolerance) for tolerance in (1e-8, 1e-11))
    error = abs(coarse - fine).max()
    assert error < 1e-4
    assert abs(np.array(values(n, alpha, t)[:3]) - fine).max() <= error
    assert abs(np.array(values(n, alpha, 1.01 * t)[:3]) - fine).max() > error


def taylor(n, alpha, terms):
    """Exact Taylor coefficients of e^a, e^b, e^s and of a, b, s at t = 0, from the equations times the normaliser."""
    weights, totals = (1, n - 1, 1), [Fraction(n + 1)]
    logs, exps, shares = [[Fraction(0)] for _ in range(3)], [[Fraction(1)] for _ in range(3)], [[] for _ in range(3)]
    targets = (1 - alpha, Fraction(0), alpha)
    for k in range(terms):
        for i in range(3):
            known = sum(shares[i][j] * totals[k - j] for j in range(k))
            shares[i].append((exps[i][k] - known) / totals[0])
            logs[i].append(((targets[i] if k == 0 else 0) - shares[i][k]) / (n * (k + 1)))
        for i in range(3):
            exps[i].append(sum((j + 1) * logs[i][j + 1] * exps[i][k - j] for j in range(k + 1)) / (k + 1))
        totals.append(sum(weight * exps[i][k + 1] for i, weight in enumerate(weights)))
    return logs


@pytest.mark.parametrize(("n", "alpha"), [(2, Fraction(1, 10)), (3, HALF), (8, THIRD), (100, Fraction(99, 100))])
def test_exact_taylor_series(n, alpha):
    """Every digit, D and ρ relatively; the series' terms fall at least like 2^-k up to t = n/8."""
    series = taylor(n, alpha, 30)
    for t in (Fraction(n, 8), Fraction(1, 1000), Fraction(1, 10**200)):
        a, b, s = (sum(term * t**k for k, term in enumerate(terms)) for terms in series)
        last = max(abs(terms[-1] * t**30) for terms in series)
        found = values(n, alpha, t)
        for value, exact in zip(found, (a, b, s, a - b, s - a), strict=True):
            assert abs(value - exact) <= EPS / 2 * abs(exact) + 4 * last
            assert last < 1e-18 * abs(a - b)


@pytest.mark.parametrize("n", [2, 3, 10, 10**6])
def test_the_implicit_solution_at_one_half(n):
    """4 (e^D - 1) + 2 (n-1) D = (n+1) t/n, to the rounding of D; near α = 1/2 the general formula agrees."""
    for t in (1e-300, 1e-3, 1e3, 1e300):
        D = values(n, HALF, t).D
        left, slope = 4 * math.expm1(D) + 2 * (n - 1) * D, 4 * math.exp(D) + 2 * (n - 1)
        assert abs(left - (n + 1) / n * t) <= EPS * (slope * D + 4 * left)
        assert values(n, HALF, t).rho == 0
        tiny = Fraction(1, 2**50)
        near = values(n, HALF + tiny, t)
        assert 0 < near.rho <= 8 * tiny * (1 + D)
        assert abs(near.D - D) <= 8 * tiny * (1 + D) + EPS * D


def test_extreme_arguments_stay_finite_and_monotone():
    for n, alpha in ((2, 1e-9), (5, 5e-324), (3, 1 - 2.0**-53), (10**6, Fraction(1, 10**40)), (10**30, 0.5)):
        D, rho = memory.flow(n, alpha, [0, 1e-300, 1e-5, 1.0, 1e4, 1e20, 1e300])
        assert np.isfinite(D).all()
        assert np.isfinite(rho).all()
        assert (np.diff(D[1:]) > 0).all()
        assert D[0] == rho[0] == 0
        assert (np.sign(rho[1:]) == np.sign(alpha - HALF)).all()
    assert memory.flow(3, 0.2, np.ones((2, 3))).D.shape == (2, 3)


FLOWS = [(n, alpha, t) for n in (2, 3, 5, 12) for alpha in (0.03, 0.2, 0.5, 0.9) for t in (0.1, 7.0, 300.0, 1e9)]


@pytest.mark.parametrize(("n", "alpha", "t"), FLOWS)
def test_closed_spectrum_against_a_decomposition(n, alpha, t):
    W, vectors, found = logits(n, alpha, t), singular_vectors(n), singular_values(n, alpha, t)
    stated = sorted([found.noise] + [found.correct] * (n - 1), reverse=True)
    slack = 20 * n * EPS * stated[0]  # backward stability of the decomposition
    assert abs(np.linalg.svd(W, compute_uv=False) - stated).max() <= slack
    signed = math.sqrt(n + 1) * values(n, alpha, t).s
    noise = signed * np.outer(vectors.noise_left, vectors.noise_right)
    assert abs(found.correct * vectors.correct_left @ vectors.correct_right.T + noise - W).max() <= slack
    for left, right in ((vectors.noise_left[:, None], vectors.correct_left), (vectors.noise_right[:, None], None)):
        basis = np.hstack([left, vectors.correct_right if right is None else right])
        assert abs(basis.T @ basis - np.eye(n)).max() <= 4 * n * EPS


def test_values_computed_independently():
    """n = 2 and n = 8 at t = 10⁶, α = 0.3: 13.17 and 6.63, 12.88 and 27.80."""
    for n, stated in ((2, (13.17, 6.63)), (8, (12.88, 27.80))):
        assert np.allclose(singular_values(n, 0.3, 1e6), stated, rtol=0, atol=0.005)


@pytest.mark.parametrize(("n", "alpha"), [(2, 0.3), (3, 0.7), (8, 0.1), (20, 0.5)])
def test_late_expansions_and_the_order_of_their_remainders(n, alpha):
    """Remainder over its stated size: a constant that no longer grows with t, where a wrong term would grow like t."""
    sizes = []
    for t in (1e6, 1e7, 1e8):
        found, (D, rho), k = values(n, alpha, t), late_values(n, alpha, t), late_constant(n, alpha)
        log_t = math.log(t)
        noise = predictions(n, alpha, t).noise - late_noise_probability(n, alpha, t)
        sizes.append(abs(np.array([found.D - D + k / t, found.rho - rho, noise]) * t**2 / (log_t**2, log_t, log_t)))
    slack = 4 * EPS * 20 * 1e16 / log_t  # rounding of values up to 20, times t²/log t
    for earlier, later in pairwise(sizes):
        assert (later <= 1.3 * earlier + slack).all()
    # the expansion in full: (g log κt)²-like terms, g = n(n-1)/(2(n+1)α(1-α))
    g = n * (n - 1) / (2 * (n + 1) * alpha * (1 - alpha))
    assert sizes[0][0] <= 2 * g**2


def test_the_late_constant_at_one_half():
    """4 e^D + 2 (n-1) D = (n+1) t/n + 4 gives D = log κt - (g log κt - 4n/(n+1))/t."""
    for n in (2, 7, 1000):
        assert late_constant(n, HALF) == pytest.approx(-4 * n / (n + 1), rel=2 * EPS)


CROSSINGS = [(2, 0.6), (2, 0.8), (2, 0.97), (4, 0.05), (4, 0.3), (4, 0.44), (5, 0.2), (8, 0.1), (15, 0.2), (40, 0.02)]
NO_CROSSINGS = [
    (2, 0.1),
    (2, 0.577),
    (3, 0.3),
    (3, 0.7),
    (3, HALF),
    (4, 0.45),
    (8, THIRD),
    (15, Fraction(1, 4)),
    (40, 0.9),
]


@pytest.mark.parametrize(("n", "alpha"), CROSSINGS)
def test_the_order_changes_once(n, alpha):
    """On a grid of times, and 1e-12 to either side of the crossing time."""
    crossing, early, late = crossing_time(n, alpha), early_top_space(n, alpha), top_space(n, alpha)
    assert {early, late} == {"correct", "noise"}
    for t in (*np.geomspace(1e-6, 1, 12)[:-1] * crossing, crossing * (1 - 1e-12)):
        assert top_space_at(n, alpha, t) == early
    for t in (crossing * (1 + 1e-12), *np.geomspace(1, 1e6, 12)[1:] * crossing):
        assert top_space_at(n, alpha, t) == late
    overtaking = alpha > level_at_tie(n, values(n, alpha, crossing).D)
    assert overtaking == (late == "noise")
    found = singular_values(n, alpha, 2 * crossing)
    assert (found.noise > found.correct) == (late == "noise")


@pytest.mark.parametrize(("n", "alpha"), NO_CROSSINGS)
def test_the_order_never_changes(n, alpha):
    assert crossing_time(n, alpha) == 0
    assert early_top_space(n, alpha) == top_space(n, alpha)
    for t in np.geomspace(1e-6, 1e12, 19):
        assert top_space_at(n, alpha, t) == top_space(n, alpha)
    for asymptotics in (early_crossing_time, late_crossing_time):
        with pytest.raises(ValueError, match="the same space is on top at every time"):
            asymptotics(n, alpha)


HUGE = 3**200000
EXTREME = [Fraction(1, 2**1001), Fraction(1, 2**3000), 1 - Fraction(1, 2**3000), Fraction(5, 3**2000), Fraction(5e-324)]
EXTREME += [Fraction(HUGE, HUGE * 2**1500 + 1), 1 - Fraction(HUGE, HUGE * 2**1500 + 1), Fraction(1, 2**1000)]
EXTREME += [
    Fraction(1, 2**999),
    HALF + Fraction(1, 2**900),
    HALF - Fraction(1, 2**900),
    THIRD,
    1 - Fraction(1, 2**1000),
]


@pytest.mark.parametrize("alpha", EXTREME, ids=lambda level: f"{level.denominator.bit_length()} bits")
def test_log_odds_beyond_the_floats(alpha):
    """Against Arb at 700000 bits, within four roundings; numerators and denominators of 300000 bits do not cancel."""
    with ball_arithmetic(700000):
        odds = alpha / (1 - alpha)
        exact = flint.arb(flint.fmpq(odds.numerator, odds.denominator)).log()
        assert abs(flint.arb(memory.log_odds(alpha)) / exact - 1) <= 4 * EPS


def test_crossing_times_of_levels_beyond_the_floats():
    """α = 2^-1500 is no float, and t*, about 2^1500 and more, none either: an error that says so."""
    with pytest.raises(ValueError, match="no float is large enough"):
        late_crossing_time(64, Fraction(1, 2**1500))


@pytest.mark.parametrize(("n", "beyond"), [(2, False), (4, True), (6, True), (9, True)])
def test_the_crossing_time_far_from_the_boundary(n, beyond):
    """log(t*/t₀) = (g log κt₀ + k)/t₀ - (m-1)/(m-2) ρ₁/t₀, ρ = ℓ + ρ₁/t, up to the square of its size."""
    m = math.sqrt(n + 1)
    for distance in (Fraction(1, 10**5), Fraction(1, 10**6)):
        alpha = distance if beyond else 1 - distance
        first, shift = late_crossing_time(n, alpha), n * (n - 1) / ((n + 1) * float(alpha * (1 - alpha)))
        height = -(m - 1) / (m - 2) * memory.log_odds(alpha)
        second = shift / 2 * height + late_constant(n, alpha) - (m - 1) / (m - 2) * shift * float(2 * alpha - 1)
        found = math.log(crossing_time(n, alpha) / first)
        size = second / first
        assert abs(size) <= 20 * math.log(first) * n / (float(alpha * (1 - alpha)) * first)
        assert abs(found - size) <= size**2 + 1e3 * EPS * math.log(first)


@pytest.mark.parametrize("n", [2, 4, 5, 8, 30])
def test_the_crossing_time_next_to_the_boundary(n):
    """t*/τ = 1 - (n-4) τ/(8n(n+1)) + O(τ²): the remainder over τ² settles."""
    sign = 1 if n > 3 else -1
    boundary = Fraction(math.isqrt(10**60 // (n + 1)), 10**30)
    remainders = []
    for distance in (Fraction(1, 10**6), Fraction(1, 10**7), Fraction(1, 10**8)):
        alpha = boundary - sign * distance
        early = early_crossing_time(n, alpha)
        remainders.append((crossing_time(n, alpha) / early - 1 + (n - 4) * early / (8 * n * (n + 1))) / early**2)
    change, later = np.diff(remainders)
    assert abs(later) < 0.4 * abs(change) + 40 * EPS / early**2  # falls like τ, by √10


@pytest.mark.parametrize(("n", "alpha"), [(2, 0.2), (3, 0.01), (9, 0.09)])
def test_the_noise_logit_changes_sign_once(n, alpha):
    turn = positive_noise_time(n, alpha)
    assert all(values(n, alpha, t * turn).s < 0 for t in (1e-9, 1e-3, 0.5, 1 - 1e-12))
    assert all(values(n, alpha, t * turn).s > 0 for t in (1 + 1e-12, 2, 1e3, 1e9))
    assert np.linalg.svd(logits(n, alpha, turn), compute_uv=False)[-1] <= 20 * n * EPS * values(n, alpha, turn).D
    assert positive_noise_time(n, Fraction(1, n + 1)) == 0
    assert values(n, Fraction(1, n + 1), 1e-9).s > 0
