"""T4.1 to T4.3: the associative memory's three values, how they grow, and its rank-1 truncation at n = 2."""

import math
from fractions import Fraction

import flint
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments.derived import three_values
from paper_checks.experiments.memory import predicted
from paper_checks.experiments.named import in_words
from simulate import gradient_descent, orthonormal_embeddings, truncate
from theory.evaluation import ball_arithmetic
from theory.memory import gradient_flow as memory
from theory.memory import spectrum as memory_spectrum
from theory.memory import truncations as memory_truncation
from theory.memory.solution import Curve

TOLERANCE = 1e-10
"""Of the integrators, relatively; asked of D and ρ, which are of order log t."""

CASES = ((2, 0.3), (3, 0.5), (4, 0.05), (5, 0.95), (8, 0.6))


@pytest.mark.claims("T4.1")
@pytest.mark.jobs.with_args(lambda: [three_values.of()])
def test_three_values_are_invariant_and_conserved(claim: Assertions) -> None:
    """Symbolic: the sum of the rates (1) vanishes for every n; the flow of a whole matrix keeps three values."""
    for name, difference in three_values():
        claim.equal(name, "0", difference)


@pytest.mark.claims("T4.1")
@pytest.mark.parametrize(("n", "alpha"), CASES)
def test_flow_of_the_whole_matrix(claim: Assertions, n: int, alpha: float) -> None:
    """The (n+1) x n flow integrated without its symmetry, to t = 10⁸: three values, zero column sums, theory's W."""
    times = np.array([1.0, 1e2, 1e4, 1e6, 1e8])
    found = _integrate(n, alpha, times)
    because = "tolerance of the integrator, and roundings of the rates times t"
    for matrix, t in zip(found, times, strict=True):
        stated = memory.logits(n, alpha, t)
        allowed, at = (
            TOLERANCE * (1 + abs(stated).max()) + 2.0**-53 * t / n,
            f"n = {n}, α = {in_words(alpha)}, t = {in_words(t)}",
        )
        claim.close(f"W, {at}", stated, matrix, allowed, because, scale=1.0)
        sums = matrix.sum(axis=0)
        claim.close(f"column sums, {at}", 0 * sums, sums, n * allowed, because, scale=1.0)


@pytest.mark.claims("T4.1")
def test_slopes_are_those_of_differences(claim: Assertions) -> None:
    """dt/dX in closed form against a central difference of t in 400 bits: X is found by Newton's steps along it."""
    for n, alpha in CASES:
        with ball_arithmetic(400):
            curve, X, h = Curve(n, Fraction(alpha)), flint.arb(2), flint.arb(2) ** -80
            slope = (curve.at(X + h).t - curve.at(X - h).t) / (2 * h)
            exact, found = float(slope.mid()), float(curve.at(X).slope.mid())
        claim.close(f"dt/dX at X = 2, n = {n}, α = {in_words(alpha)}", exact, found, 1e-15, "h² = 2^-160")


@pytest.mark.claims("T4.2")
def test_the_noise_logit_turns_positive_once(claim: Assertions) -> None:
    """Below α = 1/(n+1) the noise's logit is negative first and positive from a time on, which is known."""
    for n, alpha in ((2, 0.2), (3, 0.01), (9, 0.09)):
        turn = memory_spectrum.positive_noise_time(n, alpha)
        early, late = (memory.values(n, alpha, turn * factor).s for factor in (1 - 1e-12, 1 + 1e-12))
        claim.less(f"s just before t = {turn:.4g}, n = {n}, α = {alpha}", early, 0.0)
        claim.greater(f"s just after t = {turn:.4g}, n = {n}, α = {alpha}", late, 0.0)


def _integrate(n: int, alpha: float, times: np.ndarray) -> np.ndarray:
    """W at the times, integrated in log(1 + t), shape (times, n+1, n)."""
    target = np.vstack([(1 - alpha) * np.eye(n), np.full(n, alpha)])

    def rate(x: float, flat: np.ndarray) -> np.ndarray:
        change: np.ndarray = (target - predicted(flat.reshape(n + 1, n))).ravel() / n * math.exp(x)
        return change

    def jacobian(x: float, flat: np.ndarray) -> np.ndarray:
        p = predicted(flat.reshape(n + 1, n))
        full = np.einsum("kx,xy,lx->kxly", p, np.eye(n), p) - np.einsum("kx,kl,xy->kxly", p, np.eye(n + 1), np.eye(n))
        matrix: np.ndarray = full.reshape(n * (n + 1), -1) / n * math.exp(x)
        return matrix

    solved = solve_ivp(rate, (0, math.log1p(times[-1])), np.zeros(n * (n + 1)), method="LSODA", jac=jacobian,
                       t_eval=np.log1p(times), rtol=TOLERANCE / 100, atol=TOLERANCE / 100)  # fmt: skip
    found: np.ndarray = solved.y.T.reshape(len(times), n + 1, n)
    return found


@pytest.mark.claims("T4.1")
@pytest.mark.parametrize(("n", "alpha"), CASES)
def test_gradient_descent_follows_the_flow(claim: Assertions, n: int, alpha: float) -> None:
    """Full-batch descent of the torch model with steps η, η/2, η/4, extrapolated: order 2, W within its last change."""
    time, embeddings = 40.0, orthonormal_embeddings(n)
    runs = [gradient_descent(embeddings, alpha, np.full(count, time / count)).logits[0] for count in (400, 800, 1600)]
    coarse, fine = 2 * runs[1] - runs[0], 2 * runs[2] - runs[1]
    change = float(abs(fine - coarse).max())
    stated = memory.logits(n, alpha, time)
    claim.close(
        f"W(40), n = {n}, α = {in_words(alpha)}", stated, fine, change, "last change of the extrapolation", scale=1.0
    )
    halved = abs(runs[0] - stated).max() / abs(runs[1] - stated).max()
    claim.close(
        f"error of η over η/2, n = {n}, α = {in_words(alpha)}",
        2.0,
        halved,
        time / 400,
        "order 1, next order relative η",
    )


@pytest.mark.claims("T4.2")
def test_singular_values_at_a_million(claim: Assertions) -> None:
    """D = log κt and the stated σ to 0.5 % at t = 10⁶; not while α(1-α) t is below n log t."""
    for n, alpha, D, noise in ((2, 0.3, 13.17, 6.63), (8, 0.3, 12.88, 27.80)):
        found = np.array(memory_spectrum.singular_values(n, alpha, 1e6))
        claim.close(f"tabulated, n = {n}", np.array([D, noise]), found, 0.005, "two printed decimals", scale=1.0)
    for n in (2, 3, 4, 8, 64):
        for alpha in (0.05, 0.3, 0.5, 0.8, 0.95):
            stated, found = _leading(n, alpha, 1e6), np.array(memory_spectrum.singular_values(n, alpha, 1e6))
            at = f"n = {n}, α = {in_words(alpha)}"
            claim.close(f"D and σ at t = 10⁶, {at}", stated, found, 0.005, "the claim's own accuracy")
    for n, alpha in ((64, 1e-5), (8, 1e-6), (2, 1 - 1e-6)):
        stated, found = _leading(n, alpha, 1e6), np.array(memory_spectrum.singular_values(n, alpha, 1e6))
        error = (abs(found - stated) / stated).max()
        claim.greater(
            f"error at α(1-α) t of order n and below, n = {n}, α = {in_words(alpha)}", error, 0.005, side="beyond"
        )


def _leading(n: int, alpha: float, t: float) -> np.ndarray:
    D = math.log((n + 1) * (1 - alpha) * t / (2 * n))
    return np.array([D, abs((n - 1) * D + n * math.log(alpha / (1 - alpha))) / math.sqrt(n + 1)])


def _delta(n: int, alpha: float, t: float) -> float:
    """(g log κt + |k|)/t, the size of log κt - D."""
    g, log = n * (n - 1) / (2 * (n + 1) * alpha * (1 - alpha)), math.log((n + 1) * (1 - alpha) * t / (2 * n))
    return (g * log + abs(memory.late_constant(n, alpha))) / t


@pytest.mark.claims("T4.2")
@pytest.mark.parametrize(("n", "alpha"), CASES)
def test_remainder(claim: Assertions, n: int, alpha: float) -> None:
    """D = log κt - (g log κt + k)/t + O((log t/t)²): the o(1) of the claim is of order log t/t, with its constants."""
    g, k = n * (n - 1) / (2 * (n + 1) * alpha * (1 - alpha)), memory.late_constant(n, alpha)
    times = np.logspace(5, 9, 9) * n / (alpha * (1 - alpha))
    D = np.array([memory.values(n, alpha, t).D for t in times])
    logs = np.log((n + 1) * (1 - alpha) / (2 * n) * times)
    rest = D - logs + (g * logs + k) / times
    bound = np.array([_delta(n, alpha, t) for t in times]) ** 2 + 2.0**-52 * D
    claim.less(f"remainder, n = {n}, α = {in_words(alpha)}", abs(rest), bound)
    claim.greater(f"log t/t is needed, n = {n}, α = {in_words(alpha)}", abs(D - logs)[:4], 10 * bound[:4])
    for t, log in zip(times, logs, strict=True):
        values, delta, odds = memory.values(n, alpha, t), _delta(n, alpha, t), math.log(alpha / (1 - alpha))
        at, because = f"n = {n}, α = {in_words(alpha)}, t = {in_words(t, 3)}", "square of the first order in log t/t"
        late, noise = memory.late_values(n, alpha, t)[1], memory.late_noise_probability(n, alpha, t)
        size = 2.0**-50 * (1 + abs(odds))
        claim.close(f"ρ, {at}", late, values.rho, delta**2 + size, because, scale=1.0)
        found = memory.predictions(n, alpha, t).noise
        claim.close(f"P(noise), {at}", noise, found, delta**2 + 2.0**-50, because, scale=1.0)
        stated = ((n - 1) * log + n * odds) / (n + 1)
        claim.close(f"s, {at}", stated, values.s, delta + 2.0**-50 * log, "first order in log t/t", scale=1.0)


@pytest.mark.claims("T4.2")
@pytest.mark.parametrize(("n", "alpha"), CASES)
def test_singular_vectors(claim: Assertions, n: int, alpha: float) -> None:
    """W equals its stated decomposition, and numpy's singular values are D, n-1 times, and √(n+1)|s|."""
    for t in (0.01, 1.0, 1e2, 1e4, 1e8):
        W, found = memory.logits(n, alpha, t), memory.values(n, alpha, t)
        u, v, U, V = memory_spectrum.singular_vectors(n)
        size = abs(W).max()
        rounding = 8 * n * 2.0**-52
        built = found.D * U @ V.T + math.sqrt(n + 1) * found.s * np.outer(u, v)
        at, because = (
            f"n = {n}, α = {in_words(alpha)}, t = {in_words(t)}",
            "n + 1 terms of size at most the largest, a few roundings each",
        )
        claim.close(f"W from its singular vectors, {at}", W, built, rounding, because, scale=size)
        stated = memory_spectrum.singular_values(n, alpha, t)
        values = np.sort([stated.correct] * (n - 1) + [stated.noise])[::-1]
        numeric = np.linalg.svd(W, compute_uv=False)
        scale = float(values[0])
        claim.close(
            f"numpy's singular values, {at}", values, numeric, rounding, "backward error of LAPACK", scale=scale
        )


@pytest.mark.claims("T4.3")
@pytest.mark.parametrize("alpha", [0.05, 0.3, 0.5, 0.8, 0.95])
def test_rank_one_at_two_inputs(claim: Assertions, alpha: float) -> None:
    """n = 2: the full model gives the noise α - 2/(3t); rank 1 errs by (4/(3(1-α)t))^(1/2), slope -1/2 in log t."""
    t = 1e6
    shift, delta = 2 / (3 * t), _delta(2, alpha, t)
    noise = memory.predictions(2, alpha, t).noise
    because = "next order, relatively (g log t + k)/t, and as much again"
    claim.close(
        f"P(noise), α = {in_words(alpha)}", alpha - shift, noise, 2 * shift * delta + 2.0**-52, because, scale=1.0
    )
    top = truncate(memory.logits(2, alpha, t), 1)
    error = 1 - float(predicted(top)[0, 0])
    constant = math.sqrt(4 / (3 * (1 - alpha) * t))
    claim.close(f"error of rank 1 at t = 10⁶, α = {in_words(alpha)}", constant, error, 0.01, "the claim's own accuracy")
    exact = memory_truncation.noise_removed_error(2, alpha, t)
    claim.close(
        f"error of rank 1, exact, α = {in_words(alpha)}", exact, error, 64 * 2.0**-52 / exact, "roundings of 1 - p"
    )
    # error = x - x³ + …, x = e^(-D/2), and D = log κt - δ with δ = (g log κt + k)/t, decreasing
    errors = [memory_truncation.noise_removed_error(2, alpha, time) for time in (1e6, 1e7)]
    slope = math.log(errors[1] / errors[0]) / math.log(10)
    rest = constant**2 + delta
    claim.close(f"slope of the error, α = {in_words(alpha)}", -0.5, slope, rest, "δ + x² at its left end", scale=1.0)


@pytest.mark.claims("T4.3")
def test_rank_one_before_the_crossing(claim: Assertions) -> None:
    """n = 2, α > 1/√3: before t* rank 1 keeps the noise alone; from t* on it recalls."""
    for alpha in (0.6, 0.8, 0.95):
        crossing = memory_spectrum.crossing_time(2, alpha)
        for factor, side in ((0.99, "beyond"), (1.01, "holds")):
            kept = predicted(truncate(memory.logits(2, alpha, factor * crossing), 1))
            ahead = kept[0, 0] - kept[2, 0]
            if factor < 1:
                name, because = f"rank 1 keeps the noise alone, α = {in_words(alpha)}", "backward error of LAPACK"
                claim.close(name, kept[0, 0], kept[1, 0], 256 * 2.0**-52, because, side="beyond", scale=1.0)
            claim.greater(
                f"rank 1 at {factor} t*, α = {in_words(alpha)}", -ahead if factor < 1 else ahead, 0, side=side
            )
    below = [memory_spectrum.crossing_time(2, alpha) for alpha in (0.01, 0.3, 0.5, Fraction(57, 100))]
    claim.equal("no crossing for α <= 1/√3", np.zeros(4, dtype=object), np.array(below, dtype=object))
