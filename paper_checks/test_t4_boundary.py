"""T4.4, T4.5: which singular space of the associative memory is on top, from when, and what its truncations predict."""

import math
from itertools import product

import numpy as np
import pytest
import sympy

from simulate import AssociativeMemory, gaussian_embeddings, gradient_descent, remove_direction, truncate
from theory import memory, memory_truncation
from theory import memory_spectrum as spectrum

from .memory_experiments import LEVELS, REPLICATES, SIZES, Case, learning_rates, predicted, sampled, spectra
from .recorder import Recorder

SIDES = {"correct": "holds", "noise": "beyond"}
"""Truncation to rank n-1 removes the noise in the first case; in the second the noise is on top and stays."""

TIE = (3, 0.5)


def stated_top(n: int, alpha: float) -> str:
    """The claim's own boundary."""
    if n == 2 or (n == 3 and alpha < 0.5):
        return "correct"
    return "tie" if (n, alpha) == TIE else "noise"


@pytest.mark.claims("T4.4")
@pytest.mark.parametrize("n", SIZES)
def test_top_space_and_crossing(claim: Recorder, n: int) -> None:
    """For every α: numpy's top singular vector on both sides of t*, at late times and at early ones."""
    edge = 1 / math.sqrt(n + 1)
    for alpha in (*LEVELS, edge - 0.01, edge + 0.01, 0.495, 0.505):
        top, crossing = stated_top(n, alpha), spectrum.crossing_time(n, alpha)
        claim.equal(f"top space, n = {n}, α = {alpha}", top, memory.top_space(n, alpha))
        if top == "tie":
            continue
        late = [factor * max(crossing, 1.0) for factor in (1e2, 1e5, 1e8)]
        seen = {True: [1.001 * crossing if crossing else 0.001, *late], False: [0.999 * crossing, 0.01 * crossing]}
        other = "noise" if top == "correct" else "correct"
        for after, times in seen.items():
            expected = top if after else other
            for t in times if after or crossing else []:
                found = spectra(memory.logits(n, alpha, t)).gap
                name = f"{expected} on top at t = {t:.4g}, n = {n}, α = {alpha:.4g}"
                claim.less(name, 0, found if expected == "noise" else -found, side=SIDES[expected])
        early = "noise" if alpha > edge else "correct"
        claim.equal(f"whether it crosses, n = {n}, α = {alpha}", early != top, crossing > 0)


@pytest.mark.claims("T4.4")
def test_boundary_by_algebra(claim: Recorder) -> None:
    """The sign of the late gap ((n-1) - √(n+1)) D + n log(α/(1-α)), and of h' in (2), for every n; the tie at n = 3."""
    n, y, m = sympy.Symbol("n", positive=True), sympy.Symbol("y", positive=True), sympy.Symbol("m", positive=True)
    claim.equal("(n-1)² - (n+1)", sympy.Integer(0), sympy.expand((n - 1) ** 2 - (n + 1) - n * (n - 3)))
    inverse = (y ** (m - 1) + y + m**2 - 2) / (y + m - 1)
    slope = sympy.diff(inverse, y) * (y + m - 1) ** 2
    factor = (m - 2) * y ** (m - 1) + (m - 1) ** 2 * y ** (m - 2) - (m**2 - m - 1)
    claim.equal("(1/h)'", sympy.Integer(0), sympy.simplify(sympy.powsimp(sympy.expand(slope - factor))))
    claim.equal("it vanishes at y = 1", sympy.Integer(0), sympy.expand(factor.subs(y, 1)))
    growth = sympy.diff(factor, y) - (m - 1) * (m - 2) * y ** (m - 3) * (y + m - 1)
    claim.equal("and has the sign of m - 2", sympy.Integer(0), sympy.simplify(sympy.powsimp(sympy.expand(growth))))
    for t in (1e-3, 1.0, 1e3, 1e9):
        claim.equal(f"tie at t = {t:g}", "tie", spectrum.top_space_at(*TIE, t), side="beyond")
        values = np.linalg.svd(memory.logits(*TIE, t), compute_uv=False)
        claim.close(f"three equal singular values at t = {t:g}", values[[0, 0]], values[1:], 64 * 2.0**-52,
                    "backward error of LAPACK", side="beyond")  # fmt: skip


@pytest.mark.claims("T4.4")
def test_crossing_time_laws(claim: Recorder) -> None:
    """t* ~ κ⁻¹ ((1-α)/α)^(n/(n-1-√(n+1))) as α → 0 (n = 2: α → 1), and its root law as α → 1/√(n+1)."""
    cases = ((2, (0.95, 0.99, 0.999)), (4, (0.05, 0.01, 1e-3)), (5, (1e-2, 1e-3, 1e-4)), (8, (1e-4, 1e-6, 1e-8)))
    for n, alphas in cases:
        for alpha in alphas:
            exact, law = spectrum.crossing_time(n, alpha), spectrum.late_crossing_time(n, alpha)
            spread = n * (n - 1) / ((n + 1) * alpha * (1 - alpha) * exact)
            log = math.log((n + 1) * (1 - alpha) * exact / (2 * n))
            delta = spread / 2 * log + memory.late_constant(n, alpha) / exact
            shift = delta - n * spread * (2 * alpha - 1) / (n - 1 - math.sqrt(n + 1))
            claim.close(f"log of t* over its late law, n = {n}, α = {alpha}", shift, math.log(exact / law),
                        (spread * (log + n)) ** 2 + 2.0**-50 * log, "first order in log t/t, its square left",
                        scale=1.0)  # fmt: skip
    for n in (2, 4, 5, 8, 64):
        side = 1 if n == 2 else -1
        for distance in (1e-4, 1e-6):
            alpha = 1 / math.sqrt(n + 1) + side * distance
            law = spectrum.early_crossing_time(n, alpha)
            correction = abs(n - 4) * law / (8 * n * (n + 1)) + law**2 / n**2
            exact = spectrum.crossing_time(n, alpha)
            name = f"root law, n = {n}, |α - 1/√(n+1)| = {distance:g}"
            claim.close(name, law, exact, correction, "its own next terms, (n-4) τ/(8n(n+1)) and of order (τ/n)²")


@pytest.mark.claims("T4.4")
@pytest.mark.parametrize("n", SIZES)
def test_top_space_of_sampled_training(claim: Recorder, n: int) -> None:
    """Stochastic gradient descent, α = 0.05 … 0.95: the sign of σ - D before t* and after, by numpy's decomposition."""
    for alpha in LEVELS:
        case = Case(n, alpha)
        gaps, top = spectra(sampled(case, claim.base_seed).logits).gap, stated_top(n, alpha)
        if top == "tie":
            error = gaps[-1].std(ddof=1) / REPLICATES**0.5
            name = f"no gap at the tie, {case}"
            claim.estimate(name, 0.0, gaps[-1].mean(), error, None, side="beyond", degrees=REPLICATES - 1)
            continue
        late = 1 if top == "noise" else -1
        for gap, sign, when in zip(gaps, (-late, late)[-len(gaps) :], ("before", "after")[-len(gaps) :], strict=True):
            side = "beyond" if sign > 0 else "holds"
            error = gap.std(ddof=1) / REPLICATES**0.5
            name = f"sign of σ - D {when} t* = {case.crossing:.3g}, {case}"
            claim.sign(name, sign, [gap.mean()], [error], side=side, degrees=REPLICATES - 1)


@pytest.mark.claims("T4.4")
def test_truncation_at_every_rank(claim: Recorder) -> None:
    """Best approximations of rank 1 … n, from numpy, lie in theory's ranges; where they are unique they equal them."""
    for n, alpha in ((2, 0.3), (3, 0.3), (3, 0.7), (4, 0.3), (5, 0.6), (8, 0.1)):
        t = 100 * max(spectrum.crossing_time(n, alpha), 10.0 * n)
        top, W = memory.top_space(n, alpha), memory.logits(n, alpha, t)
        for rank in range(1, n + 1):
            stated, kept = memory_truncation.truncation(n, alpha, t, rank), truncate(W, rank)
            odds = kept[n] - kept[:n].diagonal()
            rounding = 64 * n * 2.0**-52 * abs(W).max()
            at = f"rank {rank}, n = {n}, α = {alpha}"
            least, most = np.array(stated.noise_log_odds) + np.array([-rounding, rounding])
            claim.less(f"noise log-odds above the least, {at}", least, odds, side=SIDES[top], strict=False)
            claim.less(f"noise log-odds below the most, {at}", odds, most, side=SIDES[top], strict=False)
            total = stated.noise_log_odds_sum[0]
            name, because = f"sum of the noise log-odds, {at}", "backward error of LAPACK, n logits"
            claim.close(name, total, odds.sum(), n * rounding, because, side=SIDES[top], scale=1.0)
            unique = rank in ((1, n) if top == "noise" else (n - 1, n))
            claim.equal(f"whether it is unique, {at}", unique, stated.unique, side=SIDES[top])
        removed, kept = (predicted(truncate(W, rank))[n].max() for rank in (n - 1, n))
        if top == "correct":
            claim.less(f"rank n-1 removes noise, n = {n}, α = {alpha}", removed, kept)
            exact = memory_truncation.noise_removed_predictions(n, alpha, t).noise
            claim.close(f"what is left, n = {n}, α = {alpha}", exact, removed, rounding, "backward error of LAPACK")
        else:
            claim.less(f"rank n-1 keeps it, n = {n}, α = {alpha}", kept - rounding, removed, side="beyond")
            bound = n * math.exp(-(n + 1) / n * memory.values(n, alpha, t).s)
            only = predicted(truncate(W, 1))[:n].sum(axis=0).max()
            claim.less(f"rank 1 keeps nothing else, n = {n}, α = {alpha}", only, bound, side="beyond")


@pytest.mark.claims("T4.5")
@pytest.mark.parametrize("n", SIZES)
def test_without_the_noise_direction(claim: Recorder, n: int) -> None:
    """W - σ u vᵀ recalls every input at every time, with theory's error, which tends to (κt)^(-(n-1)/n)."""
    right = np.full(n, n**-0.5)
    for alpha, t in product((*LEVELS, 1 / math.sqrt(n + 1)), (1e-2, 1.0, 1e6)):
        W = memory.logits(n, alpha, t)
        kept = remove_direction(W, right)
        answers = kept.argmax(axis=0)
        claim.equal(f"inputs recalled, n = {n}, α = {alpha}, t = {t:g}", np.arange(n), answers)
        shares = predicted(kept)[:n].diagonal()
        stated = memory_truncation.noise_removed_predictions(n, alpha, t).correct
        rounding = 32 * n * 2.0**-52 * (1 + abs(W).max())
        name, because = f"P(correct), n = {n}, α = {alpha}, t = {t:g}", "roundings of n logits of this size"
        claim.close(name, np.full(n, stated), shares, rounding, because)
    late = [memory_truncation.noise_removed_error(n, 0.3, t) for t in (1e200, 1e300)]
    slope = math.log(late[1] / late[0]) / math.log(1e100)
    rest = (n - 1) * (0.35 * 1e200) ** (-1 / n) / math.log(1e100) + 2.0**-40  # κ > 0.35 at α = 0.3
    claim.close(f"exponent of the error, n = {n}", -(n - 1) / n, slope, rest, "next order (n-1)(κt)^(-1/n)", scale=1.0)


@pytest.mark.claims("T4.5")
@pytest.mark.parametrize("n", SIZES)
def test_noise_is_one_direction_of_sampled_training(claim: Recorder, n: int) -> None:
    """Stochastic gradient descent, every α, before and after t*: without one singular direction every input recalls."""
    for alpha in LEVELS:
        logits = sampled(Case(n, alpha), claim.base_seed).logits
        left, values, right = np.linalg.svd(logits, full_matrices=False)
        noise = abs(right.sum(axis=-1)).argmax(axis=-1)
        values[(*np.indices(noise.shape), noise)] = 0
        if (n, alpha) == TIE:  # no basis of the singular space is meant: the direction is 1/√n itself
            kept = logits - logits.mean(axis=-1, keepdims=True)
        else:
            kept = (left * values[..., None, :]) @ right
        wrong = int((kept.argmax(axis=-2) != np.arange(n)).sum())
        claim.equal(f"inputs not recalled, n = {n}, α = {alpha}", 0, wrong)


@pytest.mark.claims("T4.5")
@pytest.mark.parametrize(("dimension", "expected"), [(64, 1), (4, -1)])
def test_random_embeddings(claim: Recorder, dimension: int, expected: int) -> None:
    """n = 8, Gaussian embeddings: without the direction nearest the noise all inputs recall at d = 64, not at d = 4."""
    draws, n, alpha = 48, 8, 0.5
    rates, _ = learning_rates(n, alpha, [1e3])
    recalled = np.zeros(draws)
    for draw in range(draws):
        embeddings = gaussian_embeddings(n, dimension, seed=claim.seed(f"embeddings {dimension} {draw}")).reduced()
        model = gradient_descent(embeddings, alpha, rates, progress=False).model(0)
        W = model.W.detach().numpy()
        left, _, right = np.linalg.svd(W)
        outputs = embeddings.outputs.numpy()
        noise = abs(left.T @ outputs[n]).argmax()
        without = AssociativeMemory(embeddings, remove_direction(W, right[noise]))
        answers = without.logit_matrix().argmax(dim=0).numpy()
        recalled[draw] = (answers == np.arange(n)).all()
    side = "holds" if expected > 0 else "beyond"
    claim.rate(f"draws that recall all inputs, d = {dimension}", 0.5, expected, recalled, side=side)
