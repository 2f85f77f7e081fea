"""T4.4, T4.5: which singular space of the associative memory is on top, from when, and what its truncations predict."""

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.comparator import Side
from paper_checks.evidence.fitting import fit_exponent
from paper_checks.experiments.derived import boundary_algebra
from paper_checks.experiments.exact import gaps_beside_crossings
from paper_checks.experiments.memory import (
    LEVELS,
    SIZES,
    TIE,
    Case,
    decomposed,
    full_batch,
    predicted,
    recalled_draws,
    sampled,
    spectra,
)
from paper_checks.experiments.named import in_words
from paper_checks.jobs import Job, results
from paper_checks.witnesses.best_approximations import approximations_at_ends, predictions_of
from simulate import remove_direction, truncate
from theory.memory import gradient_flow as memory
from theory.memory import spectrum
from theory.memory import truncations as memory_truncation

SIDE_OF: dict[str, Side] = {"correct": "holds", "noise": "beyond"}
"""Truncation to rank n-1 removes the noise in the first case; in the second the noise is on top and stays."""

DRAWS = 240  # of random embeddings, at most: a share of 0.83 is told from one half but for one time in 10⁵


def stated_top(n: int, alpha: float) -> str:
    """The claim's own boundary."""
    if n == 2 or (n == 3 and alpha < 0.5):
        return "correct"
    return "tie" if (n, alpha) == TIE else "noise"


def looked_at(n: int) -> tuple[float, ...]:
    """Noise levels, also beside 1/√(n+1) and 1/2."""
    edge = 1 / math.sqrt(n + 1)
    return (*LEVELS, edge - 0.01, edge + 0.01, 0.495, 0.505)


@pytest.mark.claims("T4.4")
@pytest.mark.jobs.with_args(lambda n: [gaps_beside_crossings.of(n, looked_at(n))])
@pytest.mark.parametrize("n", SIZES)
def test_top_space_and_crossing(claim: Assertions, n: int) -> None:
    """For every α: numpy's singular values on both sides of t*, at late times and at early ones."""
    levels = looked_at(n)
    for alpha, (found, crossing, gaps) in zip(levels, gaps_beside_crossings(n, levels), strict=True):
        top = stated_top(n, alpha)
        claim.equal(f"top space, n = {n}, α = {in_words(alpha)}", top, found)
        if top == "tie":
            continue
        other = "noise" if top == "correct" else "correct"
        for after, t, gap in gaps:
            expected = top if after else other
            name = f"{expected} on top at t = {in_words(t, 4)}, n = {n}, α = {in_words(alpha, 4)}"
            claim.greater(name, gap if expected == "noise" else -gap, 0, side=SIDE_OF[expected])
        early = "noise" if alpha > 1 / math.sqrt(n + 1) else "correct"
        claim.equal(f"whether it crosses, n = {n}, α = {in_words(alpha)}", early != top, crossing > 0)


TIES = tuple(product((2, 3, 4, 8, 64), (0.1, 1.0, 5.0)))
"""n and D at which h is evaluated."""


@pytest.mark.claims("T4.4")
@pytest.mark.jobs.with_args(lambda: [boundary_algebra.of(TIES)])
def test_boundary_by_algebra(claim: Assertions) -> None:
    """The sign of the late gap ((n-1) - √(n+1)) D + n log(α/(1-α)), (8) from the flow, and the sign of h', any n."""
    differences, levels = boundary_algebra(TIES)
    for name, difference in differences:
        claim.equal(name, "0", difference)
    for (n, D), exact in zip(TIES, levels, strict=True):
        found, rounding = spectrum.level_at_tie(n, D), 64 * 2.0**-52 * (1 + D)
        claim.close(f"h({D}), n = {n}", exact, found, rounding, "roundings of the exponents")


@pytest.mark.claims("T4.4")
def test_three_inputs_and_the_edge(claim: Assertions) -> None:
    """n = 3: an exact tie at α = 1/2, else a gap that stays bounded; α = 1/√(n+1): the noise from the start on."""
    for t in (1e-3, 1.0, 1e3, 1e9):
        claim.equal(f"tie at t = {in_words(t)}", "tie", spectrum.top_space_at(*TIE, t), side="beyond")
        values = np.linalg.svd(memory.logits(*TIE, t), compute_uv=False)
        because = "backward error of LAPACK"
        name = f"three equal singular values at t = {in_words(t)}"
        claim.close(name, values[[0, 0]], values[1:], 64 * 2.0**-52, because, side="beyond")
    for alpha, t in ((0.05, 1e8), (0.3, 1e8), (0.7, 1e8), (0.95, 1e8)):
        shift, gap = 6 * (2 * alpha - 1) / (4 * alpha * (1 - alpha) * t), spectra(memory.logits(3, alpha, t)).gap
        found, limit = (float(gap), 1.5 * math.log(alpha / (1 - alpha)))
        because, tolerance = "first order of ρ, and as much again", 3 * abs(shift) + 1e-13
        claim.close(f"bounded gap at n = 3, α = {in_words(alpha)}", limit, found, tolerance, because, scale=1.0)
    claim.less(
        "no crossing at n = 8, α = 1/3", spectrum.crossing_time(8, Fraction(1, 3)), 0, side="beyond", strict=False
    )
    gaps = [spectrum.singular_gap(8, Fraction(1, 3), t) for t in (1e-3, 1.0, 1e3, 1e8)]
    claim.greater("the noise on top at n = 8, α = 1/3", gaps, 0, side="beyond")


@pytest.mark.claims("T4.4")
def test_crossing_time_laws(claim: Assertions) -> None:
    """t* ~ κ⁻¹ ((1-α)/α)^(n/(n-1-√(n+1))) as α → 0 (n = 2: 1), and τ (1 - (n-4) τ/(8n(n+1)) + O(τ²)) at 1/√(n+1)."""
    cases = ((2, (0.95, 0.99, 0.999)), (4, (0.05, 0.01, 1e-3)), (5, (1e-2, 1e-3, 1e-4)), (8, (1e-4, 1e-6, 1e-8)))
    for n, alphas in cases:
        for alpha in alphas:
            exact, law = spectrum.crossing_time(n, alpha), spectrum.late_crossing_time(n, alpha)
            spread = n * (n - 1) / ((n + 1) * alpha * (1 - alpha) * exact)
            log = math.log((n + 1) * (1 - alpha) * exact / (2 * n))
            delta = spread / 2 * log + memory.late_constant(n, alpha) / exact
            shift = delta - n * spread * (2 * alpha - 1) / (n - 1 - math.sqrt(n + 1))
            claim.close(f"log of t* over its late law, n = {n}, α = {in_words(alpha)}", shift, math.log(exact / law),
                        (spread * (log + n)) ** 2 + 2.0**-50 * log, "first order in log t/t, its square left",
                        scale=1.0)  # fmt: skip
    for n in (2, 4, 5, 8, 64):
        side = 1 if n == 2 else -1
        sizes, rests = [], []
        for halvings in range(8):  # each halves τ
            alpha = 1 / math.sqrt(n + 1) + side * 1e-3 / 4**halvings
            law = spectrum.early_crossing_time(n, alpha)
            sizes.append(1 / law)
            rests.append(abs(spectrum.crossing_time(n, alpha) / (law * (1 - (n - 4) * law / (8 * n * (n + 1)))) - 1))
        claim.exponent(f"order in 1/τ of what the root law leaves, n = {n}", -2, fit_exponent(sizes, rests))


@pytest.mark.claims("T4.4")
@pytest.mark.jobs.with_args(lambda base_seed, n: [decomposed.of(n, LEVELS, base_seed)])
@pytest.mark.parametrize("n", SIZES)
def test_top_space_of_sampled_training(claim: Assertions, n: int) -> None:
    """Batches of 10⁴ pairs, α = 0.05 … 0.95: the sign of σ - D before t* and after, by numpy's decomposition.

    Not at n = 4, α <= 0.1, where t* exceeds 10⁵.
    """
    for alpha, (gaps, _) in decomposed(n, LEVELS, claim.base_seed).items():
        case, top = Case(n, alpha), stated_top(n, alpha)
        if top == "tie":
            error = gaps[-1].std(ddof=1) / case.replicates**0.5
            name = f"no gap at the tie, {in_words(case)}"
            claim.estimate(name, 0.0, gaps[-1].mean(), error, None, side="beyond", degrees=case.replicates - 1)
            continue
        late = 1 if top == "noise" else -1
        for gap, sign, when in zip(gaps, (-late, late)[-len(gaps) :], ("before", "after")[-len(gaps) :], strict=True):
            side = "beyond" if sign > 0 else "holds"
            error = gap.std(ddof=1) / case.replicates**0.5
            name = f"sign of σ - D {when} t* = {in_words(case.crossing, 3)}, {in_words(case)}"
            claim.sign(name, sign, [gap.mean()], [error], side=side, degrees=case.replicates - 1)


@pytest.mark.claims("T4.4")
@pytest.mark.parametrize(("n", "alpha", "early"), [
    (2, 0.3, False), (3, 0.3, False), (3, 0.7, False), (4, 0.3, False), (5, 0.6, False), (8, 0.1, False),
    (64, 0.3, False), (2, 0.8, True), (5, 0.2, True), (8, 0.1, True),
])  # fmt: skip
def test_truncation_at_every_rank(claim: Assertions, n: int, alpha: float, early: bool) -> None:
    """Best approximations of rank 1 … n, after t* and before it, lie in theory's ranges; equal them where unique."""
    crossing = spectrum.crossing_time(n, alpha)
    t = crossing / 2 if early else 100 * max(crossing, 10.0 * n)
    top, W = spectrum.top_space_at(n, alpha, t), memory.logits(n, alpha, t)
    rounding = 64 * n * 2.0**-52 * abs(W).max()
    for rank in range(1, n + 1):
        stated, kept = memory_truncation.truncation(n, alpha, t, rank), truncate(W, rank)
        odds, at = kept[n] - kept[:n].diagonal(), f"rank {rank}, n = {n}, α = {in_words(alpha)}, t = {in_words(t, 3)}"
        others = np.where(np.eye(n) == 1, -np.inf, kept[:n]).max(axis=0) - kept[:n].diagonal()
        for name, ends, found in (
            ("noise log-odds", stated.noise_log_odds, odds),
            ("other log-odds", stated.other_log_odds, others),
            ("P(noise)", stated.noise_probability, predicted(kept)[n]),
        ):
            assert ends is not None
            claim.greater(f"{name} above the least, {at}", found, ends[0] - rounding, side=SIDE_OF[top], strict=False)
            claim.less(f"{name} below the most, {at}", found, ends[1] + rounding, side=SIDE_OF[top], strict=False)
        name, total = f"sum of the noise log-odds, {at}", stated.noise_log_odds_sum[0]
        claim.close(name, total, odds.sum(), n * rounding, "backward error of LAPACK", side=SIDE_OF[top], scale=1.0)
        unique = rank in ((1, n) if top == "noise" else (n - 1, n))
        claim.equal(f"whether it is unique, {at}", unique, stated.unique, side=SIDE_OF[top])
    removed, full = (predicted(truncate(W, rank))[n] for rank in (n - 1, n))
    if top == "correct":
        claim.less(f"rank n-1 removes noise, n = {n}, α = {in_words(alpha)}", removed, full)
    else:
        claim.greater(
            f"rank n-1 keeps it, n = {n}, α = {in_words(alpha)}", removed, full - rounding, side="beyond", strict=False
        )
        alone = 1 / (1 + n * math.exp(-(n + 1) / n * memory.values(n, alpha, t).s))
        found = predicted(truncate(W, 1))[n]
        name, because = f"rank 1 keeps nothing else, n = {n}, α = {in_words(alpha)}", "backward error of LAPACK"
        claim.close(name, np.full(n, alone), found, rounding, because, side="beyond", scale=1.0)


@pytest.mark.claims("T4.4")
@pytest.mark.parametrize(("n", "alpha"), [(3, 0.3), TIE, (5, 0.1), (5, 0.6), (8, 0.1), (8, 0.6)])
def test_a_basis_decides_about_one_input(claim: Assertions, n: int, alpha: float) -> None:
    """Best approximations of one rank, equally near to W, take one input to both ends of every stated range."""
    crossing = spectrum.crossing_time(n, alpha)
    t = crossing / 2 if crossing else 100.0 * n
    W, top = memory.logits(n, alpha, t), spectrum.top_space_at(n, alpha, t)
    side, values = "beyond" if top != "correct" else "holds", np.linalg.svd(W, compute_uv=False)
    rounding, because = 64 * n * 2.0**-52 * abs(W).max(), "roundings of n terms"
    for rank in range(1 + (top == "noise"), n - (top == "correct")):
        stated, at = memory_truncation.truncation(n, alpha, t, rank), f"rank {rank}, n = {n}, α = {in_words(alpha)}"
        kept = approximations_at_ends(W, top, rank)
        found = np.linalg.norm(W - np.array(kept), axis=(1, 2))
        nearest = np.full(len(kept), math.hypot(*values[rank:]))
        claim.close(f"distance, {at}", nearest, found, rounding, because, side=side, scale=1.0)
        for name, numbers in predictions_of(kept).items():
            ends, attained = getattr(stated, name), [np.min(numbers), np.max(numbers)]
            if ends is not None:
                claim.close(f"ends of {name}, {at}", ends, attained, n * rounding, because, side=side, scale=1.0)


@pytest.mark.claims("T4.5")
@pytest.mark.parametrize("n", SIZES)
def test_without_the_noise_direction(claim: Assertions, n: int) -> None:
    """W - σ u vᵀ recalls every input at every time, with theory's error, which tends to (κt)^(-(n-1)/n)."""
    right = np.full(n, n**-0.5)
    for alpha, t in product((*LEVELS, 1 / math.sqrt(n + 1)), (1e-2, 1.0, 1e6)):
        W = memory.logits(n, alpha, t)
        kept = remove_direction(W, right)
        answers = kept.argmax(axis=0)
        claim.equal(f"inputs recalled, n = {n}, α = {in_words(alpha)}, t = {in_words(t)}", np.arange(n), answers)
        shares, stated = predicted(kept), memory_truncation.noise_removed_predictions(n, alpha, t)
        rounding, because = 32 * n * 2.0**-52 * (1 + abs(W).max()), "roundings of n logits of this size"
        for name, share, found in (
            ("P(correct)", stated.correct, shares[:n].diagonal()),
            ("P(noise)", stated.noise, shares[n]),
        ):
            claim.close(
                f"{name}, n = {n}, α = {in_words(alpha)}, t = {in_words(t)}",
                np.full(n, share),
                found,
                rounding,
                because,
            )
    rate = (n + 1) * 0.7 * 1e300 / (2 * n)  # κt at α = 0.3, t = 10³⁰⁰
    limit, z = rate ** (-(n - 1) / n), (n - 1) * rate ** (-1 / n)
    rounding, because = 64 * 690 * 2.0**-52, "roundings of n log t, log t = 690"
    found = memory_truncation.noise_removed_error_limit(n, 0.3, 1e300)
    claim.close(f"limit of the error, n = {n}", limit, found, rounding, because)
    found = memory_truncation.noise_removed_error(n, 0.3, 1e300)
    claim.close(
        f"error, n = {n}", limit * (1 + z), found, 2 * z**2 + rounding, "next order, z² with z = (n-1)(κt)^(-1/n)"
    )


@pytest.mark.claims("T4.5")
@pytest.mark.jobs.with_args(lambda base_seed, n: [decomposed.of(n, LEVELS, base_seed)])
@pytest.mark.parametrize("n", SIZES)
def test_noise_is_one_direction_of_sampled_training(claim: Assertions, n: int) -> None:
    """Batches of 10⁴ pairs, every α, before and after t*: without one singular direction every input recalls.

    A random count compared exactly: margins of the logits exceed their spread 30 times. Not at n = 4, α <= 0.1, where
    t* exceeds 10⁵.
    """
    for alpha, (_, forgotten) in decomposed(n, LEVELS, claim.base_seed).items():
        claim.equal(f"inputs not recalled, n = {n}, α = {in_words(alpha)}", 0, forgotten)


@pytest.mark.claims("T4.5")
@pytest.mark.jobs.with_args(lambda base_seed, case: [sampled.of(case, base_seed)])
@pytest.mark.parametrize("case", [Case(5, 0.8), Case(8, 0.5)], ids=str)
def test_probabilities_without_noise_of_sampled_training(claim: Assertions, case: Case) -> None:
    """P(correct) and P(noise) of sampled training without the direction 1/√n, from full-batch descent's D; 2 %."""
    exact, right = full_batch(case).logits[-1], np.full(case.n, case.n**-0.5)
    D = exact[0, 0] - exact[1, 0]
    stated = memory.softmax(case.n, correct=D, other=0.0, noise=D / case.n)
    shares = predicted(np.stack([remove_direction(W, right) for W in sampled(case, claim.base_seed).logits[-1]]))
    for name, value, found in (
        ("P(correct)", stated.correct, np.einsum("rxx->r", shares[:, : case.n]) / case.n),
        ("P(noise)", stated.noise, shares[:, case.n].mean(axis=1)),
    ):
        error = found.std(ddof=1) / case.replicates**0.5
        claim.estimate(f"{name}, {in_words(case)}", value, found.mean(), error, 0.02, degrees=case.replicates - 1)


def embedding_draws(base_seed: int, dimension: int, expected: int) -> list[Job]:
    """At α = 1/2, where the share recalled is above (+1) or below (-1) one half, and at 10⁻³, where it is above."""
    looks = ((0.5, expected), (1e-3, 1))
    return [recalled_draws.of(8, dimension, alpha, side, DRAWS, base_seed) for alpha, side in looks]


@pytest.mark.claims("T4.5")
@pytest.mark.jobs.with_args(embedding_draws)
@pytest.mark.parametrize(("dimension", "expected"), [(64, 1), (12, 1), (6, -1)])
def test_random_embeddings(claim: Assertions, dimension: int, expected: int) -> None:
    """n = 8, Gaussian embeddings: without the direction nearest the noise most draws recall all inputs at d >= 12, few
    at d = 6, where the dimension is not what fails: trained almost without noise most do, 87 % of 864 pilot draws."""
    found, rare = results(embedding_draws(claim.base_seed, dimension, expected))
    side = "holds" if expected > 0 else "beyond"
    claim.rate(f"draws recalled without the noise, d = {dimension}", 0.5, expected, found, most=DRAWS, side=side)
    claim.rate(f"draws recalled after training at α = 10⁻³, d = {dimension}", 0.5, 1, rare, most=DRAWS, side=side)
