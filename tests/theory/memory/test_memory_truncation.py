"""What truncations of the memory predict: numpy's own approximations, random and optimised choices of a subspace."""

import math
from fractions import Fraction

import numpy as np
import pytest

from paper_checks.witnesses.best_approximations import directions_through, end_points
from theory.memory.gradient_flow import late_constant, late_rate, logits, predictions, values
from theory.memory.spectrum import crossing_time, singular_vectors, top_space_at
from theory.memory.truncations import (
    noise_removed_error,
    noise_removed_error_limit,
    noise_removed_predictions,
    truncation,
)

EPS = 2.0**-52
HALF = Fraction(1, 2)
FLOWS = [(n, alpha, t) for n in (2, 3, 5, 12) for alpha in (0.03, 0.5, 0.9) for t in (0.1, 7.0, 1e9)]


def softmax(columns):
    weights = np.exp(columns - columns.max(axis=0))
    return weights / weights.sum(axis=0)


@pytest.mark.parametrize(("n", "alpha", "t"), FLOWS)
def test_removing_the_noise_direction_restores_recall(n, alpha, t):
    """The direction is found by projection on the all-ones input, not from the closed form."""
    W = logits(n, alpha, t)
    recalled = softmax(W - W.mean(axis=1, keepdims=True))
    found = noise_removed_predictions(n, alpha, t)
    assert (recalled.argmax(axis=0) == range(n)).all()
    assert np.allclose(recalled[0, 0], found.correct, rtol=1e-13, atol=0)
    assert np.allclose(recalled[n], found.noise, rtol=1e-13, atol=0)
    assert noise_removed_error(n, alpha, t) == pytest.approx(1 - found.correct, rel=1e-13, abs=4 * EPS)


def test_the_error_without_the_noise_direction_of_two_inputs():
    """error = z - z³ + O(z⁴), z = e^{-D/2}: relative to the limit, (g log κt + k)/(2t) - 1/(κt) + O((log t/t)²)."""
    alpha = 0.3
    g, k, kappa = 1 / (3 * alpha * 0.7), late_constant(2, alpha), late_rate(2, Fraction(alpha))
    remainders = []
    for t in (1e3, 1e4, 1e5):
        relative = noise_removed_error(2, alpha, t) / noise_removed_error_limit(2, alpha, t) - 1
        stated = (g * math.log(kappa * t) + k) / (2 * t) - 1 / (kappa * t)
        remainders.append(abs(relative - stated) * (t / math.log(t)) ** 2)
        assert abs(relative - stated) < abs(stated) / 5
    assert max(remainders) <= 3 * g**2
    assert noise_removed_error_limit(2, alpha, 1e6) == pytest.approx((4 / (3 * 0.7 * 1e6)) ** 0.5, rel=1e-13)
    slope = math.log(noise_removed_error(2, alpha, 1e8) / noise_removed_error(2, alpha, 1e6)) / math.log(100)
    assert slope == pytest.approx(-0.5, abs=1e-5)


@pytest.mark.parametrize("n", [3, 5, 8])
def test_the_error_without_the_noise_direction_of_more_inputs(n):
    """Relative to the limit 1 + (n-1) z + O(z²), z = (κt)^{-1/n}: small much later than for two inputs."""
    for size in (1e-1, 1e-2, 1e-3):
        t = (size / (n - 1)) ** -n / late_rate(n, Fraction(0.3))
        relative = noise_removed_error(n, 0.3, t) / noise_removed_error_limit(n, 0.3, t) - 1
        assert abs(relative - size) <= 2 * size**2 + 100 * n * EPS


# n, alpha, t: the correct space on top, the noise on top, the tie
ORDERS = [(2, 0.3, 50.0), (4, 0.2, 20.0), (6, 0.1, 300.0), (3, 0.1, 900.0), (2, 0.8, 3.0), (3, 0.8, 30.0)]
ORDERS += [(4, 0.3, 1e6), (6, 0.6, 200.0), (7, 0.02, 1e12), (3, HALF, 5.0), (3, HALF, 1e4), (5, 0.3, 2.0)]
CASES = [(*flow, rank) for flow in ORDERS for rank in range(1, flow[0] + 1)]


class Choices:
    """The best rank-r approximations: singular vectors as they come, those of a degenerate space mixed as one likes."""

    def __init__(self, n, alpha, t, rank):
        self.W, self.n, self.rank = logits(n, alpha, t), n, rank
        self.top, vectors = top_space_at(n, alpha, t), singular_vectors(n)
        noise_on_top = self.top == "noise"
        self.space = np.eye(n) if self.top == "tie" else vectors.correct_right
        self.dimension = min(rank - noise_on_top, self.space.shape[1])
        self.kept = np.outer(vectors.noise_right, vectors.noise_right) * noise_on_top

    def mixed(self, directions):
        """The approximation that keeps the projections on the space of the first columns given, shape (n, …)."""
        if self.rank == self.n:
            return self.W
        basis = np.linalg.qr(self.space @ (self.space.T @ directions[:, : self.dimension]))[0]
        return self.W @ (basis @ basis.T + self.kept)

    def through(self, v):
        """Directions of a subspace whose projection of the first input is v, a point of the sphere."""
        return directions_through(self.space, v)


def measured(W):
    """Per input: noise over correct, strongest other over correct, P(noise)."""
    n = W.shape[1]
    correct = W.diagonal()
    others = np.where(np.eye(n) == 1, -np.inf, W[:n]).max(axis=0)
    return W[n] - correct, others - correct, softmax(W)[n]


@pytest.mark.parametrize(("n", "alpha", "t", "rank"), CASES)
def test_best_approximations_stay_in_the_ranges(n, alpha, t, rank):
    """Random ones, and those near the ends of the ranges."""
    generator, found = np.random.default_rng([n, rank, 5]), truncation(n, alpha, t, rank)
    choices = Choices(n, alpha, t, rank)
    W, singular = choices.W, np.linalg.svd(choices.W, compute_uv=False)
    slack = 40 * n * EPS * max(1, singular[0])
    tried = [generator.normal(size=(n, n)) for _ in range(40)]
    if not found.unique:
        for v in end_points(choices.space):
            near = choices.through(v)
            tried += [near + size * generator.normal(size=near.shape) for size in (0.2, 0.05, 0.01) for _ in range(5)]
    spread = 0.0
    for directions in tried:
        low = choices.mixed(directions)
        assert abs(np.linalg.norm(W - low) ** 2 - (singular[rank:] ** 2).sum()) <= slack * singular[0]  # none is better
        noise, other, probability = measured(low)
        for logit, stated in ((noise, found.noise_log_odds), (other, found.other_log_odds)):
            assert stated[0] - slack <= logit.min() <= logit.max() <= stated[1] + slack
            spread = max(spread, np.ptp(logit))
        assert found.noise_log_odds_sum[0] - n * slack <= noise.sum() <= found.noise_log_odds_sum[1] + n * slack
        if found.noise_probability is not None:
            least, most = found.noise_probability
            assert least * (1 - slack) <= probability.min() <= probability.max() <= most * (1 + slack)
    assert found.unique == (spread <= slack)
    if found.unique:
        gap = singular[rank - 1] - (singular[rank] if rank < n else 0)
        u, z, v = np.linalg.svd(W)
        assert abs((u[:, :rank] * z[:rank]) @ v[:rank] - low).max() <= 4 * slack * singular[0] / gap


@pytest.mark.parametrize(("n", "alpha", "t", "rank"), [case for case in CASES if not truncation(*case).unique])
def test_the_ends_of_the_ranges_are_attained(n, alpha, t, rank):
    choices, found = Choices(n, alpha, t, rank), truncation(n, alpha, t, rank)
    ends = [[column[0] for column in measured(choices.mixed(choices.through(v)))] for v in end_points(choices.space)]
    for values_, stated in zip(
        zip(*ends, strict=True), (found.noise_log_odds, found.other_log_odds, found.noise_probability), strict=True
    ):
        if stated is not None:
            assert (min(values_), max(values_)) == pytest.approx(stated, rel=1e-12, abs=1e-13 * np.abs(choices.W).max())


def test_what_the_ranges_say_about_recall():
    """Correct space on top: below rank n-1 a choice of basis decides about an input; the noise never leads.

    Noise on top: no rank lowers P(noise) below the full model's, on any input; rank 1 keeps nothing but the noise.
    """
    for n, alpha, t in ((4, 0.2, 20.0), (9, 0.1, 30.0)):
        removed = noise_removed_predictions(n, alpha, t)
        for rank in range(1, n - 1):
            found = truncation(n, alpha, t, rank)
            assert found.noise_log_odds[1] == 0
            assert found.other_log_odds[1] > 0 > found.other_log_odds[0]
            assert found.noise_probability == (removed.noise, 1 / (n + 1))
    for n, alpha in ((4, 0.2), (9, 0.6), (3, 0.9)):
        t = 2 * crossing_time(n, alpha) + 50
        full = predictions(n, alpha, t).noise
        for rank in range(1, n):
            found = truncation(n, alpha, t, rank)
            assert found.noise_probability[0] >= full
            assert found.noise_log_odds_sum[0] >= n * values(n, alpha, t).rho
        alone = truncation(n, alpha, 1e9, 1)
        assert alone.other_log_odds == (0, 0)
        assert alone.noise_probability[0] > 0.99


def test_ranks_and_the_start():
    for rank, error in ((0, ValueError), (-1, ValueError), (1.0, TypeError), (True, TypeError), (None, TypeError)):
        with pytest.raises(error, match="rank must be an integer >= 1, got "):
            truncation(3, 0.3, 1.0, rank)
    with pytest.raises(ValueError, match=r"rank must be an integer in 1\.\.n = 1\.\.3, got 4"):
        truncation(3, 0.3, 1.0, 4)
    start = truncation(4, 0.3, 0, 2)
    assert start.unique
    assert start.noise_probability == (0.2, 0.2)
