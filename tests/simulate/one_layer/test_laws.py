"""The one-layer model on general laws: counted gradients by autograd, their moments, and the exact theory."""

from dataclasses import replace

import numpy as np
import pytest

import theory
from paper_checks.evidence.comparator import estimate
from simulate import (
    OneLayer,
    attention_model,
    counted_gradient,
    counted_key_query_gradient,
    gradient_moments,
    held_loss,
    key_query_moments,
    projected_moments,
    sample,
    shared_gradient_moments,
)
from simulate.sequences import blocks
from tests.oracles.simulate import ARRAYS, assert_moments_of, dense_gradients, rounding
from theory import LAYERS, Law

WEIGHTS = {"feed_forward": "W_F", "attention_value": "W_V"}


def random_law(M, T, seed, **parts):
    """Everything from Dirichlet laws; no share is so small that a count of it is far from normal."""
    draws = np.random.default_rng(seed)
    rows, (first, answers, noise) = draws.dirichlet(np.full(M, 3.0), M), draws.dirichlet(np.full(M, 3.0), 3)
    known = {"trigger": int(draws.integers(M)), "alpha": 0.35, "first": first, "answers": answers, "noise": noise}
    return Law(rows, T=T, **(known | parts))


# M > T takes the sparse pass; T > M shifts the counts; the first two have histograms.
LAWS = {
    "spread noise": random_law(5, 7, 1),
    "one noise token": random_law(4, 23, 2, noise=1),
    "the trigger is noise and answer": random_law(6, 9, 3, trigger=2, noise=2),
    "no noise": random_law(5, 8, 4, alpha=0.0),
    "nothing but noise": random_law(5, 8, 5, alpha=1.0),
    "more tokens than positions": random_law(30, 6, 6),
    "many tokens and positions": random_law(20, 40, 7),
}
every_law = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
both_layers = pytest.mark.parametrize("layer", LAYERS)


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of at most 256 tokens, so that a few hundred sequences fill many."""
    monkeypatch.setattr(blocks, "BLOCK_TOKENS", 256)


@every_law
@both_layers
def test_counting_gives_the_gradient_of_the_loss(law, layer):
    batch, model = sample(law, 300, seed=6), OneLayer(law)
    model.loss(batch.tokens, batch.target).backward()
    gradient = counted_gradient(law, layer, batch.tokens, batch.target)
    found = -getattr(model, WEIGHTS[layer]).grad.numpy()
    np.testing.assert_allclose(gradient, found, rtol=0, atol=rounding(300))
    assert np.abs(gradient).max() > 1e6 * rounding(300)


@every_law
def test_counting_gives_the_key_query_gradient_of_the_held_loss(law):
    batch = sample(law, 300, seed=6)
    W_V = counted_gradient(law, "attention_value", batch.tokens, batch.target)
    p = np.asarray(law.output)
    model = attention_model(law, W_V, np.zeros(2 * law.M))
    held_loss(model, batch.tokens, batch.target, p).backward()
    expected = -model.W_KQ.grad.numpy()[:, law.q]
    k = counted_key_query_gradient(law, W_V, p, batch.tokens, batch.target)
    np.testing.assert_allclose(k, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    assert np.abs(k).max() > 0


@every_law
def test_attention_of_a_model_of_scores(law):
    """Softmax of s[E(z_t)] + s[P(z_{t-1})]: the scores stand in the column of the law's own trigger."""
    tokens, scores = sample(law, 50, seed=6).tokens, np.random.default_rng(4).normal(size=2 * law.M)
    found = attention_model(law, np.zeros((law.M, 2 * law.M)), scores).attention(tokens).detach()
    z = tokens.numpy()
    weights = scores[z]
    weights[:, 1:] += scores[law.M + z[:, :-1]]
    expected = np.exp(weights) / np.exp(weights).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=rounding(law.T, 8), atol=0)


@every_law
@both_layers
def test_moments_are_those_of_dense_gradients(small_blocks, law, layer):
    batch, result = sample(law, 777, seed=3), gradient_moments(law, layer, 777, seed=3)
    gradients = dense_gradients(law, layer, batch.tokens, batch.target)
    assert_moments_of(gradients, result)
    direction = np.random.default_rng(2).normal(size=(law.M, 2 * law.M))
    direction /= np.abs(direction).sum()  # so that |S| <= 1
    line = projected_moments(law, layer, direction, 777, seed=3)
    assert_moments_of(np.tensordot(gradients, direction, axes=2), line)


def test_any_number_of_workers_and_layers_gives_the_same_bits(small_blocks):
    law, labels = LAWS["spread noise"], np.arange(50).reshape(5, 10) % 4
    W_V, p = np.random.default_rng(1).normal(size=(5, 10)), np.asarray(law.output)
    alone = {layer: gradient_moments(law, layer, 999, seed=3, labels=labels, workers=1) for layer in LAYERS}
    k = key_query_moments(law, W_V, p, 999, seed=3, workers=1)
    for workers in (1, 2, 5):
        shared = shared_gradient_moments(law, dict.fromkeys(LAYERS, 999), seed=3, labels=labels, workers=workers)
        for layer in LAYERS:
            for name in ARRAYS:
                assert getattr(shared[layer], name).tobytes() == getattr(alone[layer], name).tobytes()
            assert shared[layer].pooled.mean.tobytes() == alone[layer].pooled.mean.tobytes()
        for name in ARRAYS:
            other = key_query_moments(law, W_V, p, 999, seed=3, workers=workers)
            assert getattr(other, name).tobytes() == getattr(k, name).tobytes()


SAMPLES = 2_000_000


def agrees(law, found, layer):
    """Whether mean and variance of all entries are those of theory, in the comparator's eyes."""
    return all(
        estimate("mean or variance", exact(law, layer), value, error, None).passed
        for exact, value, error in (
            (theory.gradient_mean, found.mean, found.standard_error),
            (theory.gradient_variance, found.variance, found.variance_standard_error),
        )
    )


@pytest.fixture(scope="module")
def simulated():
    """Moments of both layers of one law, from the same sequences."""
    law = LAWS["spread noise"]
    return law, shared_gradient_moments(law, dict.fromkeys(LAYERS, SAMPLES), seed=12)


@both_layers
@pytest.mark.parametrize("name", [name for name in LAWS if not name.startswith("m")])
def test_moments_agree_with_theory(layer, name):
    assert agrees(LAWS[name], gradient_moments(LAWS[name], layer, SAMPLES, seed=11), layer)


@both_layers
@pytest.mark.parametrize("part", ["alpha", "answers", "noise", "chain"])
def test_five_percent_in_a_part_of_the_law_are_seen(simulated, layer, part):
    """Its largest share 5 % larger, in every row of the chain, and α so."""
    law, found = simulated
    assert agrees(law, found[layer], layer)
    more = 1.05 * law.alpha if part == "alpha" else np.apply_along_axis(five_percent_more, -1, getattr(law, part))
    assert not agrees(replace(law, **{part: more}), found[layer], layer)


def five_percent_more(shares):
    largest = np.argmax(shares)
    more = shares * (1 - 1.05 * shares[largest]) / (1 - shares[largest])
    more[largest] = 1.05 * shares[largest]
    return more


@pytest.mark.parametrize("output", [None, "absorbed"])
@pytest.mark.parametrize("name", ["spread noise", "one noise token", "the trigger is noise and answer"])
def test_key_query_gradients_agree_with_theory(output, name):
    law = LAWS[name]
    p = np.full(law.M, 1 / law.M) if output is None else np.asarray(law.output)
    G_V = theory.gradient_mean(law, "attention_value")
    found = key_query_moments(law, G_V, p, SAMPLES, seed=21)
    exact = theory.key_query_gradient(law, output=output)
    assert estimate("key-query gradient", exact, found.mean, found.standard_error, None).passed
    other = theory.key_query_gradient(replace(law, alpha=0.3), output=output)
    assert not estimate("another α", other, found.mean, found.standard_error, None).passed
