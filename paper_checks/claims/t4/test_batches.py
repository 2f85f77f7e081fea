"""T4.1 to T4.3 with stochastic gradient descent: batches of 1 to 10⁴ pairs, means and spreads as theory has them."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats

from paper_checks.evidence.assertions import Assertions
from paper_checks.evidence.fitting import fit_exponent
from paper_checks.experiments.memory import (
    BATCH,
    SPREAD_REPLICATES,
    Case,
    EqualSteps,
    equally_sampled,
    full_batch,
    learning_rates,
    predicted,
    sampled,
    spectra,
    squares,
    stated_variances,
    value_averages,
)
from paper_checks.experiments.named import in_words
from simulate import gradient_descent, orthonormal_embeddings, truncate
from theory.memory import gradient_flow as memory
from theory.memory import sampling_noise as memory_noise
from theory.memory.sampling_noise import Moments

SAMPLED = (Case(2, 0.3), Case(5, 0.8))
LATE_REPLICATES = 2**11
"""Of the cases above: a variance is known to 3.1 %, so that 30 % are detectable."""

BATCHES = (
    EqualSteps(2, 0.05, 100, 2.0),
    *(EqualSteps(2, 0.45, batch, rate) for batch, rate in ((1, 0.05), (10, 0.5), (100, 2.0), (10**4, 2.0))),
    *(EqualSteps(3, 0.4, batch, rate) for batch, rate in ((1, 0.05), (10, 0.5), (100, 3.0), (10**4, 3.0))),
)
"""Steps of at most a twentieth of the batch, and of n. In the first case the averages show the inputs' correlation."""

BIG_STEPS = (EqualSteps(2, 0.45, 1, 2.0), EqualSteps(3, 0.4, 1, 3.0))


def stated(case: EqualSteps) -> Moments:
    """Theory's moments at the case's snapshots."""
    rates, marks = case.schedule
    return memory_noise.sampled_moments(case.n, case.alpha, rates, case.batch, marks)


def late(case: Case) -> Moments:
    """Theory's moments at the case's times, batches of `BATCH`."""
    rates, marks = learning_rates(case.n, case.alpha, case.times)
    return memory_noise.sampled_moments(case.n, case.alpha, rates, BATCH, marks)


def averages_of(moments: Moments) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """a, b, s at the last snapshot: of gradient descent, their means, shape (3,), and their covariances, (3, 3)."""
    kinds = [0, 1, -1]
    return moments.path[-1, kinds], moments.mean[-1, kinds], memory_noise.average_covariance(moments)[-1]


def check_mean(
    claim: Assertions, name: str, exact: float, values: np.ndarray, variance: float, error: float | None
) -> None:
    """A mean over replicates; the power is that of the stated variance."""
    count = len(values)
    planned, found = (float(square) ** 0.5 / count**0.5 for square in (variance, values.var(ddof=1)))
    claim.estimate(name, exact, values.mean(), found, error, degrees=count - 1, planned_error=planned)


def check_variance(claim: Assertions, name: str, exact: float, squared: np.ndarray) -> None:
    """A variance over replicates by its cube root, to 10 %: 30 % of the variance.

    The cube root of a mean of squares of normal numbers has next to no skewness, so that the alarm's tail is a normal
    one. Its standard error is that at the stated variance, with the squares' own relative spread; the power is that of
    normal numbers.
    """
    count, root = len(squared), exact ** (1 / 3)
    found, planned = (root / 3 * (ratio / count) ** 0.5 for ratio in (squared.var() / squared.mean() ** 2, 2.0))
    name = f"cube root of the variance of {name}"
    claim.estimate(name, root, squared.mean() ** (1 / 3), found, 0.1, planned_error=planned, samples=count)


def squared_deviations(values: np.ndarray) -> np.ndarray:
    """From the mean over replicates; their mean has the variance as its expectation."""
    deviations: np.ndarray = (values - values.mean()) ** 2 * (len(values) / (len(values) - 1))
    return deviations


@pytest.mark.claims("T4.1")
@pytest.mark.parametrize("case", SAMPLED, ids=str)
def test_growing_steps_follow_the_flow(claim: Assertions, case: Case) -> None:
    """The descent that sampled training is compared with: extrapolated over halved steps, it gives theory's W."""
    rates, _ = learning_rates(case.n, case.alpha, case.times)
    found, exact = full_batch(case).logits[-1], memory.logits(case.n, case.alpha, case.times[-1])
    embeddings = orthonormal_embeddings(case.n)
    halved = gradient_descent(embeddings, case.alpha, np.repeat(rates / 2, 2), progress=False).logits[-1]
    change = float(abs(halved - found).max())
    claim.close(f"W, {in_words(case)}", exact, 2 * halved - found, change, "change by halving the steps", scale=1.0)
    rounding = 4 * len(rates) * 2.0**-52 * abs(found).max()
    path, column = late(case).path[-1], found[:, 0]
    claim.close(f"path of the moments, {in_words(case)}", column, path, rounding, "roundings of every step", scale=1.0)


@pytest.mark.claims("T4.1")
@pytest.mark.jobs.with_args(lambda base_seed, case: [equally_sampled.of(case, base_seed)])
@pytest.mark.parametrize("case", BATCHES, ids=str)
def test_spread_of_small_batches(claim: Assertions, case: EqualSteps) -> None:
    """2¹² runs, batches of 1 to 10⁴: means of a and s, how far b lags behind descent, and variances.

    Equations (13) and (14) of `theory.memory.sampling_noise`, of first order in 1/B. What is left is of relative order
    η/B <= 0.05: over 60 base seeds up to 1.6 % of a variance, 0.72 ± 0.13 of these standard errors. (At 0.1 it was
    1.5 of them, so that false alarms were more probable than the design has them.)
    """
    logits, moments = equally_sampled(case, claim.base_seed).logits, stated(case)
    for mark, when in enumerate(("n", "3n")):
        found = squares(logits[mark])
        for name, exact in stated_variances(moments, mark).items():
            check_variance(claim, f"{name} at t = {when}, {in_words(case)}", exact, found[name])
    averages, (path, mean, covariances) = value_averages(logits[-1]), averages_of(moments)
    for index, name in ((0, "a"), (2, "s")):
        at = f"{name} at t = 3n, {in_words(case)}"
        check_mean(claim, at, mean[index], averages[:, index], covariances[index, index], 0.1)
    power = 0.3 if case.batch == 1 else None  # less noise of b, but still less lag
    lag, found_lag = mean[1] - path[1], averages[:, 1] - path[1]
    check_mean(claim, f"b minus that of descent at t = 3n, {in_words(case)}", lag, found_lag, covariances[1, 1], power)
    sums, rounding = logits.sum(axis=-2), 4 * len(case.schedule[0]) * (case.n + 1) * 2.0**-52 * abs(logits).max()
    claim.close(f"column sums, {in_words(case)}", 0 * sums, sums, rounding, "roundings of every step", scale=1.0)


@pytest.mark.claims("T4.1")
@pytest.mark.jobs.with_args(lambda base_seed, case: [equally_sampled.of(case, base_seed)])
@pytest.mark.parametrize("case", BIG_STEPS, ids=str)
def test_one_pair_and_a_big_step(claim: Assertions, case: EqualSteps) -> None:
    """B = 1 and η = n: exact after one step; after three the variances of a and s are over 10 % above first order."""
    logits, moments = equally_sampled(case, claim.base_seed).logits, stated(case)
    (one, first), (three, last) = ((squares(logits[mark]), stated_variances(moments, mark)) for mark in (0, 1))
    for name in ("a", "s"):
        check_variance(claim, f"{name} after one step, {in_words(case)}", first[name], one[name])
        excess, error = three[name] - 1.1 * last[name], three[name].std(ddof=1) / SPREAD_REPLICATES**0.5
        at = f"variance of {name} after three steps less 1.1 times first order, {in_words(case)}"
        claim.sign(at, 1, [excess.mean()], [error], side="beyond")


@pytest.mark.claims("T4.1")
def test_order_of_what_is_left(claim: Assertions) -> None:
    """Three steps at n = 2 by summing over all batches: mean and covariance differ from first order by O(1/B²)."""
    n, alpha, rates, sizes = 2, 0.3, (1.0, 2.0, 1.5), (3, 4, 5, 7, 9, 12)
    rests: dict[str, list[float]] = {"mean": [], "own": [], "cross": []}
    for batch in sizes:
        mean, covariance = _by_enumeration(n, alpha, rates, batch)
        moments = memory_noise.sampled_moments(n, alpha, rates, batch, [3])
        for name, exact, first in (
            ("mean", mean[0], moments.mean[0]),
            ("own", covariance[0, :, 0], moments.own[0]),
            ("cross", covariance[0, :, 1], moments.cross[0]),
        ):
            rests[name].append(float(np.linalg.norm(exact - first)))
    for name, rest in rests.items():
        claim.exponent(f"order in 1/B of what first order leaves of the {name}", -2, fit_exponent(sizes, rest))


def _by_enumeration(n: int, alpha: float, rates: tuple[float, ...], batch: int) -> tuple[np.ndarray, np.ndarray]:
    """E W, shape (n, n+1), and Cov W, (n, n+1, n, n+1), inputs first, over every sequence of batches."""
    pairs = np.zeros((2 * n, n, n + 1))
    pairs[np.arange(n), np.arange(n), np.arange(n)] = 1
    pairs[n + np.arange(n), np.arange(n), n] = 1
    law = np.repeat([(1 - alpha) / n, alpha / n], n)
    counts = np.array(list(_counts(batch, 2 * n)))
    weights = stats.multinomial.pmf(counts, batch, law)
    shares = np.einsum("cp,pxk->cxk", counts / batch, pairs)
    W, probability = np.zeros((1, n, n + 1)), np.ones(1)
    for rate in rates[:-1]:
        W = (W[:, None] + rate * _change(W[:, None], shares)).reshape(-1, n, n + 1)
        probability = np.outer(probability, weights).ravel()
    # The last step by its own mean and covariance, from the pairs.
    steps = np.stack([rates[-1] * _change(W, pair) for pair in pairs])
    expected = W + np.einsum("p,pwxk->wxk", law, steps)
    mean = np.einsum("w,wxk->xk", probability, expected)
    centred = expected - mean
    covariance = np.einsum("w,wxk,wyl->xkyl", probability, centred, centred, optimize=True)
    for pair, step in zip(law, steps, strict=True):
        noise = step - (expected - W)
        covariance += pair / batch * np.einsum("w,wxk,wyl->xkyl", probability, noise, noise, optimize=True)
    return mean, covariance


def _change(W: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Columns of -∇L for these shares of the pairs, inputs first."""
    odds = np.exp(W)
    change: np.ndarray = shares - shares.sum(axis=-1, keepdims=True) * odds / odds.sum(axis=-1, keepdims=True)
    return change


def _counts(total: int, kinds: int) -> Iterator[tuple[int, ...]]:
    """All ways to write `total` as an ordered sum of `kinds` integers >= 0."""
    if kinds == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _counts(total - first, kinds - 1):
            yield (first, *rest)


@pytest.mark.claims("T4.1")
@pytest.mark.jobs.with_args(lambda base_seed, case: [sampled.of(case, base_seed, LATE_REPLICATES)])
@pytest.mark.parametrize("case", SAMPLED, ids=str)
def test_three_values_of_sampled_training(claim: Assertions, case: Case) -> None:
    """2¹¹ runs with batches of 10⁴ and growing steps: means of a and s to 2 %, their variances to 30 %."""
    averages = value_averages(sampled(case, claim.base_seed, LATE_REPLICATES).logits[-1])
    _, mean, covariances = averages_of(late(case))
    for index, name in ((0, "a"), (2, "s")):
        values, variance = averages[:, index], covariances[index, index]
        check_mean(claim, f"{name}, {in_words(case)}", mean[index], values, variance, 0.02)
        check_variance(claim, f"{name}, {in_words(case)}", variance, squared_deviations(values))


@pytest.mark.claims("T4.2")
@pytest.mark.jobs.with_args(lambda base_seed, case: [sampled.of(case, base_seed, LATE_REPLICATES)])
@pytest.mark.parametrize("case", SAMPLED, ids=str)
def test_singular_values_of_sampled_training(claim: Assertions, case: Case) -> None:
    """The same runs' D and σ by numpy's decomposition: means to 2 %, variances to 30 %; at first order both are linear.

    D = a - b and σ = √(n+1) s in the averages; other directions of the noise enter at second order, over B.
    """
    found = spectra(sampled(case, claim.base_seed, LATE_REPLICATES).logits[-1])
    _, mean, covariances = averages_of(late(case))
    for name, values, direction in (
        ("D", found.correct.mean(axis=-1), np.array([1.0, -1.0, 0.0])),
        ("σ", found.noise, np.array([0.0, 0.0, math.sqrt(case.n + 1)])),
    ):
        exact, variance = direction @ mean, direction @ covariances @ direction
        check_mean(claim, f"{name}, {in_words(case)}", exact, values, variance, 0.02)
        check_variance(claim, f"{name}, {in_words(case)}", variance, squared_deviations(values))


@pytest.mark.claims("T4.3")
@pytest.mark.jobs.with_args(lambda base_seed: [sampled.of(Case(2, 0.3), base_seed, LATE_REPLICATES)])
def test_rank_one_of_sampled_training(claim: Assertions) -> None:
    """The same runs at n = 2: P(noise) of the full model and the error of its rank-1 truncation, mean and variance.

    The truncation has the logits D/2, -D/2, 0, so at first order its error is that at the D of the averages.
    """
    case = Case(2, 0.3)
    W = sampled(case, claim.base_seed, LATE_REPLICATES).logits[-1]
    moments, (path, _, covariances) = late(case), averages_of(late(case))
    p = predicted(moments.path[-1][:, None])[:, 0]
    gradient = p[2] * (np.array([0.0, 0.0, 1.0]) - p)
    second = gradient[[1, 0, 2]]
    spread = (gradient @ moments.own[-1] @ gradient + gradient @ moments.cross[-1] @ second) / 2
    values = predicted(W)[:, 2].mean(axis=1)
    check_mean(claim, "P(noise), full", p[2], values, spread, 0.02)
    check_variance(claim, "P(noise), full", spread, squared_deviations(values))
    D, direction = path[0] - path[1], np.array([1.0, -1.0, 0.0])
    right, other, noise = memory.softmax(2, correct=D, other=0.0, noise=D / 2)
    slope = -right * (1 - right - noise / 2)
    spread = slope**2 * (direction @ covariances @ direction)
    values = 1 - np.einsum("rxx->r", predicted(np.stack([truncate(matrix, 1) for matrix in W]))[:, :2]) / 2
    check_mean(claim, "error, rank 1", other + noise, values, spread, 0.02)
    check_variance(claim, "error, rank 1", spread, squared_deviations(values))
