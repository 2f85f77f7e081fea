"""Every law against the programme over positions: Shakespeare's at M = 65, chains that mix slowly or never."""

from dataclasses import replace

import numpy as np
import pytest

import theory
from paper_checks.experiments.general.laws import shakespeare_law
from paper_checks.witnesses.general import programme
from theory import Law, general
from theory.general import counts

RELATIVE = 1e-10
MOMENTS = (theory.gradient_mean, theory.gradient_variance)


@pytest.mark.parametrize(
    ("alpha", "answers", "T", "precision"),
    [(0.3, "stationary", 256, programme.EXTENDED), (0.5, "uniform", 1024, programme.FLOAT64)],
    ids=["T = 256, extended precision", "T = 1024, float64"],
)
def test_shakespeare(alpha, answers, T, precision):
    """Every entry of both means, both variances and K at three p; extended precision takes seconds."""
    law = shakespeare_law(alpha, answers, T)
    for layer in theory.LAYERS:
        for moment, expected in zip(MOMENTS, programme.gradient_moments(law, layer, precision), strict=True):
            found = moment(law, layer)
            assert (abs(found - expected) <= RELATIVE * abs(expected)).all(), (layer, moment)
    for output in (None, "absorbed", law.first):
        expected = programme.key_query_gradient(law, output, precision)
        found = theory.key_query_gradient(law, output)
        assert (abs(found - expected) <= RELATIVE * abs(expected)).all(), output


def random_rows(generator, *sizes):
    """A chain with closed classes of these sizes."""
    M = sum(sizes)
    chain, start = np.zeros((M, M)), 0
    for size in sizes:
        block = slice(start, start + size)
        chain[block, block] = generator.dirichlet(np.ones(size), size=size)
        start += size
    return chain


def extreme_chains(M=5):
    generator, eye = np.random.default_rng(22), np.eye(M)
    dense, cycle = random_rows(generator, M), np.roll(eye, 1, axis=1)
    classes = random_rows(generator, M - 2, 2)
    absorbing = dense.copy()
    absorbing[M - 1] = eye[M - 1]
    chains = {f"stays but for {rate}": (1 - rate) * eye + rate * dense for rate in (1e-2, 1e-4, 1e-8)}
    chains |= {f"two classes joined by {rate}": (1 - rate) * classes + rate / M for rate in (1e-3, 1e-9, 0)}
    chains |= {f"period {M} but for {rate}": (1 - rate) * cycle + rate / M for rate in (1e-3, 1e-9, 0)}
    two = eye[[1, 2, 3, 0, 0]] / 2 + eye[[3, 0, 1, 2, 2]] / 2  # from {0, 2} to {1, 3} and back
    return chains | {"period 2": two, "an absorbing token": absorbing, "independent tokens": dense[[0] * M]}


@pytest.mark.parametrize("T", [3, 50, 401, 8001])
@pytest.mark.parametrize("chain", extreme_chains().values(), ids=extreme_chains().keys())
def test_chains_that_mix_slowly_or_never(chain, T):
    """Within the stated rounding of the counts, at every length: each way is taken."""
    generator = np.random.default_rng(23)
    first, answers, spread = generator.dirichlet(np.ones(5), size=3)
    for alpha, noise, trigger in ((0.3, 2, 0), (0.6, spread, 4), (0.0, 1, 1), (1.0, 3, 2)):
        law = Law(chain, T=T, trigger=trigger, alpha=alpha, first=first, answers=answers, noise=noise)
        check_counts(law)
        check_moments(law)


def check_counts(law):
    """mean/T, last and covariance/T² within the bound that `CountMoments.rounding` gives."""
    found, sums = general.count_moments(law), programme.counts(law)
    covariance = sums.product - sums.mean[:, :, None] * sums.mean[:, None, :]
    pairs = ((found.mean / law.T, sums.mean / law.T), (found.last, sums.last))
    for value, expected in (*pairs, (found.covariance / law.T**2, covariance / law.T**2)):
        assert abs(value - expected).max() <= found.rounding + programme.rounding(law)


def check_moments(law):
    """Gradients, their variances and K: combinations of the counts with weights that sum to 4 at most."""
    allowed = 4 * (general.count_moments(law).rounding + programme.rounding(law)) + 1e-16
    for layer in theory.LAYERS:
        for moment, expected in zip(MOMENTS, programme.gradient_moments(law, layer), strict=True):
            assert abs(moment(law, layer) - expected).max() <= allowed, (layer, moment)
    for output in (None, "absorbed"):
        expected = programme.key_query_gradient(law, output)
        assert abs(theory.key_query_gradient(law, output) - expected).max() <= 4 * allowed, output


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("name", ["stays but for 0.01", "period 5 but for 0.001"])
def test_two_ways_where_the_programme_does_not_go(monkeypatch, name, alpha):
    """At T = 10^7 doubling and the sums past mixing agree within both bounds."""
    chain = extreme_chains()[name]
    law = Law(chain, T=10**7, trigger=0, alpha=alpha, first=chain[1], answers=chain[2], noise=2)
    mixed = general.count_moments(law)
    monkeypatch.setattr(counts, "_past_mixing", None)
    monkeypatch.setattr(counts, "_forget", lambda chains, n: np.zeros(len(chains), dtype=bool))
    doubled = general.count_moments(replace(law))
    allowed = mixed.rounding + doubled.rounding
    assert allowed < 1e-6
    assert abs(mixed.mean - doubled.mean).max() <= allowed * law.T
    assert abs(mixed.last - doubled.last).max() <= allowed
    assert abs(mixed.covariance - doubled.covariance).max() <= allowed * law.T**2
    assert abs(doubled.last.sum(axis=1) - 1).max() <= law.M * np.finfo(float).eps  # not T of these


def test_rare_tokens_are_known_as_well_as_frequent_ones():
    """A token of frequency 10^-12: relative error of its counts, and of what attention learns of it, below 1e-10."""
    generator, rare = np.random.default_rng(24), 1e-12
    dense = 0.5 / 4 + 0.5 * generator.dirichlet(np.ones(4), size=5)
    chain = np.hstack([dense * (1 - rare), np.full((5, 1), rare)])
    law = Law(chain, T=401, trigger=0, alpha=0.3, first=chain[2], answers=chain[3], noise=1)
    assert counts._forget(law.chains, 400).all()
    found, sums = general.count_moments(law), programme.counts(law)
    pairs = [(found.mean, sums.mean), (found.last, sums.last)]
    expected = programme.gradient_moments(law, "attention_value")
    pairs += zip((moment(law, "attention_value") for moment in MOMENTS), expected, strict=True)
    for value, other in pairs:
        assert (abs(value - other) <= RELATIVE * abs(other)).all()
