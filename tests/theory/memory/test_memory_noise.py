"""Mean and covariance of the memory under sampling noise, against a recursion on the whole matrix pair by pair."""

import numpy as np
import pytest
from scipy.special import softmax

from simulate import gradient_descent, orthonormal_embeddings
from theory.memory.sampling_noise import average_covariance, sampled_moments

EPS = np.finfo(np.float64).eps
RATES = np.array([0.5, 3.0, 2.0, 4.0, 1.0, 2.5])


def by_pairs(n, alpha, rates, batch):
    """E W and Cov W of all (n+1) n entries, columns after each other: Jacobians and covariances from the 2n pairs."""
    size = n * (n + 1)
    law = np.repeat([(1 - alpha) / n, alpha / n], n)
    inputs, outputs = np.tile(np.arange(n), 2), np.concatenate([np.arange(n), np.full(n, n)])
    w, mean, covariance = np.zeros(size), np.zeros(size), np.zeros((size, size))

    def gradients(weights):
        p = softmax(weights.reshape(n, n + 1), axis=1)
        found = np.zeros((2 * n, n, n + 1))
        found[np.arange(2 * n), inputs] = np.eye(n + 1)[outputs] - p[inputs]
        return found.reshape(2 * n, size)

    for rate in rates:
        g, h = gradients(w), 1e-3
        steps = h * np.eye(size)
        slopes = np.stack([law @ (gradients(w + step) - gradients(w - step)) / (2 * h) for step in steps], axis=1)
        bend = sum(
            covariance[i, j]
            * law
            @ (
                gradients(w + steps[i] + steps[j])
                - gradients(w + steps[i] - steps[j])
                - gradients(w - steps[i] + steps[j])
                + gradients(w - steps[i] - steps[j])
            )
            / (4 * h**2)
            for i in range(size)
            for j in range(size)
        )
        J, expected = np.eye(size) + rate * slopes, law @ g
        mean = J @ mean + rate / 2 * bend
        noise = (g - expected).T @ (law[:, None] * (g - expected))
        covariance = J @ covariance @ J.T + rate**2 / batch * noise
        w = w + rate * expected
    return w + mean, covariance.reshape(n, n + 1, n, n + 1)


@pytest.mark.parametrize(("n", "alpha"), [(2, 0.1), (3, 0.6), (4, 0.3)])
def test_moments_are_those_of_the_whole_matrix(n, alpha):
    """Differences with h = 10⁻³ leave h² of slopes and 10⁻¹⁰ of roundings in the second ones; 10⁻⁵ of the largest."""
    batch = 7
    mean, covariance = by_pairs(n, alpha, RATES, batch)
    found = sampled_moments(n, alpha, RATES, batch, [len(RATES)])
    for exact, value in (
        (mean.reshape(n, n + 1)[0], found.mean[0]),
        (covariance[0, :, 0], found.own[0]),
        (covariance[0, :, 1], found.cross[0]),
    ):
        np.testing.assert_allclose(value, exact, rtol=0, atol=1e-5 * abs(exact).max())
    kinds = np.stack([
        np.eye(n, n + 1).ravel() / n,
        np.hstack([1 - np.eye(n), np.zeros((n, 1))]).ravel() / (n * (n - 1)),
        np.tile(np.eye(n + 1)[n], n) / n,
    ])  # fmt: skip
    exact = kinds @ covariance.reshape(n * (n + 1), -1) @ kinds.T
    np.testing.assert_allclose(average_covariance(found)[0], exact, rtol=0, atol=1e-5 * abs(exact).max())


@pytest.mark.parametrize("n", [2, 5, 64])
def test_path_is_gradient_descent_and_columns_keep_their_sum(n):
    marks = [0, 1, 4, len(RATES)]
    found = sampled_moments(n, 0.3, RATES, 3, marks)
    path = gradient_descent(orthonormal_embeddings(n), 0.3, RATES, snapshots=marks).logits[..., 0]
    np.testing.assert_allclose(found.path, path, rtol=0, atol=16 * EPS * RATES.sum())
    rounding = 16 * (n + 1) * EPS
    np.testing.assert_allclose(found.mean.sum(axis=-1), 0, atol=rounding * RATES.sum())
    for blocks in (found.own, found.cross):
        np.testing.assert_allclose(blocks.sum(axis=-1), 0, atol=rounding * RATES.sum() ** 2)
    np.testing.assert_array_equal(found.own[0], 0)
    np.testing.assert_array_equal(found.mean[1], found.path[1])


def test_noise_falls_as_one_over_the_batch():
    one, many = (sampled_moments(3, 0.3, RATES, batch, [6]) for batch in (1, 1000))
    np.testing.assert_allclose(many.own * 1000, one.own, rtol=8 * EPS)
    np.testing.assert_allclose(many.cross * 1000, one.cross, rtol=8 * EPS)
    lag = (many.mean - many.path) * 1000
    np.testing.assert_allclose(lag, one.mean - one.path, rtol=0, atol=4000 * EPS)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"n": 1}, ValueError, "n must be an integer >= 2, got 1"),
        ({"alpha": 1}, ValueError, "alpha must be a real number strictly between 0 and 1, got 1"),
        ({"batch": 0}, ValueError, "batch must be an integer >= 1, got 0"),
        ({"batch": 2.0}, TypeError, "batch must be an integer >= 1, got 2.0"),
        ({"learning_rates": ["1"]}, TypeError, "learning_rates must be a real array, got dtype <U1"),
        ({"learning_rates": []}, ValueError, r"learning_rates must have shape \(steps,\), got \(0,\)"),
        ({"learning_rates": [1.0, 0.0]}, ValueError, "learning_rates must be an array of real numbers > 0, got 0.0"),
        ({"learning_rates": [1.0, np.nan]}, ValueError, "learning_rates must be finite, got NaN"),
        ({"snapshots": [1.0]}, TypeError, "snapshots must be an integer array, got dtype float64"),
        ({"snapshots": 1}, ValueError, r"snapshots must have shape \(S,\) with S >= 1, got \(\)"),
        ({"snapshots": [7]}, ValueError, r"snapshots must be in 0..6, got 7..7"),
        ({"snapshots": [2, 2]}, ValueError, "snapshots must be strictly increasing"),
    ],
)
def test_bad_arguments_are_named(changes, error, message):
    good = {"n": 3, "alpha": 0.3, "learning_rates": RATES, "batch": 5, "snapshots": [6]}
    with pytest.raises(error, match=message):
        sampled_moments(**{**good, **changes})
