"""Where attention lies and what ranks first: the model of given scores and the probes, against plain loops."""

import numpy as np
import pytest
import torch

from simulate import attention_model, mass_after_trigger, ranks_first, sample
from tests.oracles.simulate import random_chain, rounding
from theory import Task

TASKS = [Task(3, 7, 0.3, 1), Task(2, 23, 0.5, 0), Task(11, 5, 0.6, 7), Task(5, 2, 0.4, 2)]
every_task = pytest.mark.parametrize("task", TASKS, ids=str)


def random_values(task):
    return np.random.default_rng(2).uniform(-1 / 8, 1 / 8, (task.M, 2 * task.M))


def random_model(task, scores):
    return attention_model(task, random_values(task), scores)


@every_task
def test_attention_model_scores_keys_alone(task):
    batch, rng = sample(task, 200, seed=6), np.random.default_rng(0)
    W_V, scores = random_values(task), rng.normal(size=2 * task.M)
    kept = W_V.copy(), scores.copy()
    model = attention_model(task, W_V, scores)
    z = batch.tokens.numpy()
    weights = scores[z]
    weights[:, 1:] += scores[task.M + z[:, :-1]]
    weights = np.exp(weights)
    weights /= weights.sum(axis=1, keepdims=True)
    attention = model.attention(batch.tokens).detach()
    np.testing.assert_allclose(attention, weights, rtol=0, atol=rounding(task.T))
    assert (model.W_F == 0).all() and np.count_nonzero(model.W_KQ.detach()) == 2 * task.M
    assert np.array_equal(model.W_V.detach(), W_V)
    W_V[:], scores[:] = 7, 7  # the model has copies
    assert torch.equal(model.attention(batch.tokens), attention) and np.array_equal(model.W_V.detach(), kept[0])
    model.W_V.data.zero_()
    assert (W_V == 7).all()
    assert attention_model(task, *kept, dtype=torch.float32)(batch.tokens).dtype == torch.float32


@pytest.mark.parametrize("name", ["W_V", "key_scores"])
def test_weights_that_do_not_fit_the_type_are_refused(name):
    """The largest float16 is 65504; float64 and bfloat16 hold 70000."""
    task = Task(3, 8, 0.3, 1)
    weights = {"W_V": np.zeros((4, 8)), "key_scores": np.zeros(8)}
    weights[name].flat[3] = -70000
    for dtype in (torch.float64, torch.bfloat16):
        attention_model(task, **weights, dtype=dtype)
    with pytest.raises(ValueError, match=rf"{name} must be finite in torch.float16, its largest .* is 70000\.0"):
        attention_model(task, **weights, dtype=torch.float16)


@every_task
@pytest.mark.parametrize("general", [False, True])
def test_mass_after_trigger_is_the_loop(task, general):
    tokens = sample(task, 200, seed=6, chain=random_chain(task) if general else None).tokens
    model = random_model(task, np.random.default_rng(0).normal(size=2 * task.M))
    attention = model.attention(tokens)
    expected = [
        sum(a[t] for t in range(1, task.T) if z[t - 1] == task.q)
        for a, z in zip(attention.tolist(), tokens.tolist(), strict=True)
    ]
    mass = mass_after_trigger(attention, tokens, task.q)
    assert mass.shape == (200,) and mass.requires_grad
    np.testing.assert_allclose(mass.detach(), expected, rtol=0, atol=rounding(task.T))


def test_mass_after_trigger_counts_the_last_position_and_not_the_first():
    tokens = torch.tensor([[1, 0, 1, 1], [0, 1, 0, 1], [0, 0, 0, 1]])
    attention = torch.tensor([[1.0, 2.0, 4.0, 8.0]]).expand(3, 4)
    assert mass_after_trigger(attention, tokens, 1).tolist() == [10, 4, 0]
    task = Task(3, 12, 0.4, 1)
    tokens = sample(task, 200, seed=6).tokens
    follows = (tokens[:, :-1] == 1).any(dim=1)
    sharp = random_model(task, 60 * np.eye(8)[4 + 1])  # a large score on P(q)
    mass = mass_after_trigger(sharp.attention(tokens), tokens, 1)
    assert follows.any() and not follows.all()
    np.testing.assert_allclose(mass.detach(), follows, rtol=0, atol=rounding(12))


@pytest.mark.parametrize("candidates", [range(5), [4, 0, 0, 2], np.array([6]), torch.arange(7), (3,)], ids=str)
def test_ranks_first_is_the_loop(candidates):
    rng = np.random.default_rng(0)
    logits = rng.integers(0, 4, (300, 7)).astype(float)  # with ties
    correct = rng.integers(0, 7, 300)
    first = [
        all(row[c] > row[int(k)] for k in candidates if int(k) != c) for row, c in zip(logits, correct, strict=True)
    ]
    found = ranks_first(torch.from_numpy(logits), torch.from_numpy(correct), candidates)
    assert found.dtype == torch.bool and found.tolist() == first
    assert any(first) and not all(first)


TOKENS, TARGET = (getattr(sample(Task(3, 8, 0.3, 1), 5, seed=6), name) for name in ("tokens", "target"))
NEGATIVE = torch.full((5, 8), 1 / 8)
NEGATIVE[3, 2] = -0.25
GOOD_MASS = {"attention": torch.full((5, 8), 1 / 8), "tokens": TOKENS, "trigger": 1}
GOOD_RANKS = {"logits": torch.zeros(5, 4), "correct": TARGET, "candidates": [0, 1]}
BAD_PROBES = [
    (mass_after_trigger, "attention", torch.zeros(5, 7), ValueError, r"shape of tokens, \(5, 8\), got \(5, 7\)"),
    (mass_after_trigger, "attention", torch.full((5, 8), np.nan), ValueError, "attention must be finite"),
    (mass_after_trigger, "attention", NEGATIVE, ValueError, r"attention must be >= 0, its least entry is -0\.25"),
    (mass_after_trigger, "attention", TOKENS, TypeError, "attention must be a floating-point tensor, got torch.int64"),
    (
        mass_after_trigger,
        "attention",
        np.ones((5, 8)),
        TypeError,
        "attention must be a .*ensor that has data, got array",
    ),
    (mass_after_trigger, "tokens", TOKENS.int(), TypeError, "tokens must be an int64 tensor"),
    (mass_after_trigger, "tokens", TOKENS - 9, ValueError, r"tokens must be in 0\.\."),
    (mass_after_trigger, "trigger", -1, ValueError, "trigger must be an integer >= 0, got -1"),
    (mass_after_trigger, "trigger", 1.0, TypeError, "trigger must be an integer >= 0, got 1.0"),
    (ranks_first, "logits", torch.zeros(4), ValueError, r"logits must have shape \(batch, M\)"),
    (ranks_first, "logits", torch.zeros(0, 4), ValueError, r"logits must have shape \(batch, M\)"),
    (ranks_first, "logits", torch.full((5, 4), np.nan), ValueError, "logits must be finite, got NaN"),
    (ranks_first, "logits", torch.zeros(5, 4).long(), TypeError, "logits must be a floating-point tensor"),
    (ranks_first, "correct", TARGET[1:], ValueError, r"correct must have shape \(batch,\) = \(5,\), got \(4,\)"),
    (ranks_first, "correct", TARGET + 4, ValueError, r"correct must be in 0\.\.3"),
    (ranks_first, "correct", TARGET.tolist(), TypeError, "correct must be a torch.Tensor that has data, got .*list"),
    (ranks_first, "candidates", [0, 4], ValueError, r"candidates must be in 0\.\.3, got 0\.\.4"),
    (ranks_first, "candidates", [-1], ValueError, r"candidates must be in 0\.\.3, got -1\.\.-1"),
    (ranks_first, "candidates", range(0), ValueError, "candidates must be one-dimensional and not empty"),
    (ranks_first, "candidates", [], ValueError, "candidates must be one-dimensional and not empty"),
    (ranks_first, "candidates", np.zeros(0, int), ValueError, "candidates must be one-dimensional and not empty"),
    (ranks_first, "candidates", [[0], [1]], ValueError, "candidates must be one-dimensional"),
    (ranks_first, "candidates", [0.0, 1.0], TypeError, "candidates must be an integer array, got dtype float64"),
    (ranks_first, "candidates", {0, 1}, TypeError, "candidates must be an integer array, got dtype object"),
]


@pytest.mark.parametrize(("probe", "name", "value", "error", "message"), BAD_PROBES)
def test_bad_input_to_probes_is_refused(probe, name, value, error, message):
    good = GOOD_MASS if probe is mass_after_trigger else GOOD_RANKS
    probe(**good)
    with pytest.raises(error, match=message):
        probe(**{**good, name: value})
