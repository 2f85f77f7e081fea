"""Oracles for the tests of simulate: the task's exact law by enumeration, and dense per-sample gradients."""

import math
from fractions import Fraction
from itertools import pairwise, product
from statistics import NormalDist

import numpy as np

FALSE_ALARM = 1e-6  # probability that a correct sampler fails one statistical test
MISS = 1e-3  # probability that an error of the stated size passes
ARRAYS = ("mean", "variance", "standard_error", "variance_standard_error")  # of every object with moments

BAD_COUNTS = [  # in place of a count >= 1
    (0, ValueError),
    (-3, ValueError),
    (2.5, TypeError),
    (True, TypeError),
    ("9", TypeError),
    (None, TypeError),
]


def enumerate_law(task, transition=None, initial=None):
    """{(c, y, z_1, ..., z_T): probability > 0} in exact arithmetic; the uniform chain if no `transition` is given."""
    ordinary = [Fraction(1, task.N)] * task.N + [Fraction(0)]
    noise = [Fraction(0)] * task.N + [Fraction(1)]
    rows, first = transition or [ordinary] * task.M, initial or ordinary
    return enumerate_outcomes(rows, first, ordinary, noise, task.T, task.q, Fraction(task.alpha))


def enumerate_general_law(law):
    """`enumerate_law` of a `theory.Law`; distributions of floats are the fractions that they are over their sum."""

    def exactly(shares):
        shares = [Fraction(share) for share in shares]
        return [share / sum(shares) for share in shares]

    rows = [exactly(row) for row in law.chain]
    first, answers, noise = map(exactly, (law.first, law.answers, law.noise))
    return enumerate_outcomes(rows, first, answers, noise, law.T, law.q, Fraction(law.alpha))


def enumerate_outcomes(rows, first, answers, noise, T, q, alpha):
    """{(c, y, z_1, ..., z_T): probability > 0}, in `Fraction`s."""
    M, law = len(rows), {}
    for c, *z in product(range(M), *[range(M)] * (T - 1)):
        after_trigger = [alpha * share for share in noise]
        after_trigger[c] += 1 - alpha
        probability = answers[c] * first[z[0]]
        for before, after in pairwise(z):
            probability *= after_trigger[after] if before == q else rows[before][after]
        for y in range(M) if probability else ():
            if after_trigger[y]:
                law[(c, y, *z, q)] = probability * after_trigger[y]
    assert sum(law.values()) == 1
    return law


def samples_to_see(law, relative_error):
    """Samples that show a `relative_error` of any outcome's probability, with the error rates above."""
    z = threshold(len(law)) - NormalDist().inv_cdf(MISS)
    return math.ceil((z / relative_error) ** 2 / float(min(law.values())))


def threshold(comparisons):
    """Two-sided bound on |z| that `comparisons` standard normal values all keep, but for FALSE_ALARM (union bound)."""
    return -NormalDist().inv_cdf(FALSE_ALARM / (2 * comparisons))


def assert_follows(law, task, batches):
    """The outcomes of `batches` have the frequencies of `law`, and none is impossible."""
    weights = (task.M) ** np.arange(task.T + 2)
    counts, total = np.zeros(task.M ** (task.T + 2), dtype=np.int64), 0
    for batch in batches:
        outcomes = np.column_stack([np.asarray(part) for part in (batch.correct, batch.target, batch.tokens)])
        counts += np.bincount(outcomes.astype(np.int64) @ weights, minlength=len(counts))
        total += len(outcomes)
    codes = [int(np.dot(outcome, weights)) for outcome in law]
    assert counts[codes].sum() == total, "an outcome of probability zero was drawn"
    expected = np.array([float(p) for p in law.values()])
    z = (counts[codes] - total * expected) / np.sqrt(total * expected * (1 - expected))
    assert np.abs(z).max() < threshold(len(law)), f"largest |z| = {np.abs(z).max():.2f} of {len(law)} outcomes"


def dense_gradients(task, layer, tokens, target):
    """Per-sample negative gradients at zero, shape (batch, M, 2M), from one-hot vectors and the definition."""
    z, y, M, T = np.asarray(tokens), np.asarray(target), task.M, task.T
    x = np.zeros((len(y), T, 2 * M))
    for t in range(T):
        x[np.arange(len(y)), t, z[:, t]] = 1
        if t > 0:
            x[np.arange(len(y)), t, M + z[:, t - 1]] = 1
    features = x[:, -1] if layer == "feed_forward" else x.mean(axis=1)
    return (np.eye(M)[y] - 1 / M)[:, :, None] * features[:, None, :]


def rounding(terms, scale=1.0):
    """Bound on the rounding error of two ways to add `terms` numbers of size up to `scale`, a few roundings each."""
    return 8 * terms * np.finfo(np.float64).eps * scale


def random_chain(task, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(task.M), task.M)


def assert_moments_of(values, result):
    """`result` holds the moments of `values` (first axis samples, entries of size <= 1), to rounding."""
    m, bound = len(values), rounding(len(values))
    mean, variance = values.mean(axis=0), values.var(axis=0, ddof=1)
    second, fourth = (((values - mean) ** p).mean(axis=0) for p in (2, 4))
    np.testing.assert_allclose(result.mean, mean, rtol=0, atol=bound)
    np.testing.assert_allclose(result.variance, variance, rtol=0, atol=bound)
    np.testing.assert_allclose(np.square(result.standard_error) * m, variance, rtol=0, atol=bound)
    np.testing.assert_allclose(np.square(result.variance_standard_error) * m, fourth - second**2, rtol=0, atol=bound)
