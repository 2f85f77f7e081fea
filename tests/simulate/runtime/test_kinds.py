"""Numbers of every library are taken, and nothing that is no number, no bool, empty or not finite."""

import math

import numpy as np
import pytest
import torch

from simulate import (
    Architecture,
    Hidden,
    Optimiser,
    Recall,
    Training,
    TwoLayer,
    gradient_moments,
    gradient_step,
    initialised,
    key_query_moments,
    merged_values,
    projected_moments,
    sample,
    stochastic_gradient_descent,
    train,
    truncated,
    with_weights,
)
from simulate.memory import gaussian_embeddings
from simulate.runtime.arguments import as_observation
from theory import Task

TASK = Task(3, 8, 0.5)
LAW = Recall.of_task(TASK)
MODEL = initialised(Architecture(4, 8, 5, F1=Hidden(3)), seed=0)
STEEP = np.full((2 * 11, 2 * 11), 1e200)
TRAINING = Training(Architecture(4, 8, 5), LAW, Optimiser("SGD", {"lr": 0.1}), 2, 1, 0)


def step(size, gradient=STEEP / 1e200):
    return gradient_step(TwoLayer(5, 6), "W_K2", gradient, size, ("E",), ("E",))


def equal(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("half", [np.float32(0.5), np.float64(0.5), np.array(0.5), torch.tensor(0.5)], ids=repr)
def test_real_numbers_of_every_library_are_taken(half):
    assert equal(step(half), step(0.5))
    assert stochastic_gradient_descent(
        gaussian_embeddings(3, 4, seed=1), half, [half] * 3, batch=2, replicates=1, seed=0
    ).times[0] == pytest.approx(1.5)
    assert Recall(LAW.chain, 8, (1,), half, 3).alpha == 0.5
    assert equal(truncated(MODEL, "W_K1", fraction=half), truncated(MODEL, "W_K1", fraction=0.5))
    assert Optimiser("SGD", {"lr": half}).settings == {"lr": 0.5}


@pytest.mark.parametrize("two", [np.int64(2), np.uint8(2), np.array(2), torch.tensor(2)], ids=repr)
def test_integers_of_every_library_are_taken(two):
    assert equal(merged_values(MODEL, two), merged_values(MODEL, 2))
    assert equal(truncated(MODEL, "W_K1", two), truncated(MODEL, "W_K1", 2))
    assert torch.equal(sample(TASK, two, seed=two).tokens, sample(TASK, 2, seed=2).tokens)
    assert Architecture(two, two, two, Hidden(two)) == Architecture(2, 2, 2, Hidden(2))
    made = Training(TRAINING.architecture, LAW, TRAINING.optimiser, two, two, two)
    assert made.configuration == Training(TRAINING.architecture, LAW, TRAINING.optimiser, 2, 2, 2).configuration
    assert train(made, observe=lambda model: {"two": two}, at=[two], every=two).curve("two") == [2.0]


@pytest.mark.parametrize("flag", [1, 0, "no", "", None, np.array([True]), []], ids=repr)
def test_what_is_merely_true_or_false_is_refused(flag):
    with pytest.raises(TypeError, match="ends_on_trigger must be True or False, got"):
        Recall(LAW.chain, 8, (1,), ends_on_trigger=flag)
    if flag is not None:
        with pytest.raises(TypeError, match="progress must be True or False or None, got"):
            gradient_moments(TASK, "feed_forward", 10, seed=0, progress=flag)


DIRECTION = np.ones((4, 8)) * np.arange(4)[:, None] / 4


@pytest.mark.parametrize("large", [1e308, 1e200, 1e100])
def test_moments_that_exceed_the_floats_are_refused_by_name(large):
    with pytest.raises(ValueError, match=r"direction must have entries up to .* for moments of 10 samples"):
        projected_moments(TASK, "feed_forward", large * DIRECTION, 10, seed=0)
    with pytest.raises(ValueError, match=r"W_V must have entries up to .* for moments of 10 samples"):
        key_query_moments(TASK, large * DIRECTION, np.full(4, 0.25), 10, seed=0)
    with pytest.raises(ValueError, match=r"directions must have entries up to .* for moments of 10 samples"):
        key_query_moments(TASK, DIRECTION, np.full(4, 0.25), 10, seed=0, directions=large * DIRECTION)


def test_moments_just_within_the_floats_are_finite():
    """The bound that the message names is taken, and gives finite moments."""
    with pytest.raises(ValueError, match="direction must have entries up to") as error:
        projected_moments(TASK, "feed_forward", 1e308 * DIRECTION, 10**4, seed=0)
    bound = float(str(error.value).split("up to ")[1].split(" ")[0])
    found = projected_moments(TASK, "feed_forward", 0.99 * bound * DIRECTION, 10**4, seed=0)
    assert all(map(math.isfinite, (found.mean, found.variance, found.standard_error, found.variance_standard_error)))
    assert found.variance_standard_error > 1e100


def test_steps_to_weights_that_are_not_finite_are_refused():
    with pytest.raises(
        ValueError, match=r"size must give finite weights, got 1e\+200 with gradient entries up to 1e\+200"
    ):
        step(1e200, STEEP)
    with pytest.raises(ValueError, match=r"weights\['E'\] must be finite"):
        with_weights(MODEL, {"E": torch.full((4, 5), math.nan)})
    with pytest.raises(ValueError, match="W_O must be finite"):
        TwoLayer(2, 3).with_weights(W_O=torch.full((2, 10), math.inf, dtype=torch.float64))


NONSENSE = [None, 3, "loss", [0.5], {1: 0.5}, {"step": 1.0}] + [
    {"a": value} for value in ("0.5", None, [0.5], math.nan, math.inf, True, 1j, torch.ones(2))
]


@pytest.mark.parametrize("seen", NONSENSE, ids=repr)
def test_observers_return_finite_numbers_by_name(seen):
    with pytest.raises((TypeError, ValueError), match="observe"):
        as_observation(seen, ("step", "loss"))
    with pytest.raises((TypeError, ValueError), match="observe"):
        train(TRAINING, observe=lambda model: seen, at=(0,))


def test_masked_and_meta_arrays_are_refused_and_other_layouts_taken():
    masked = np.ma.masked_array(DIRECTION, mask=DIRECTION > 1)
    with pytest.raises(TypeError, match=r"direction must be .*without a mask"):
        projected_moments(TASK, "feed_forward", masked, 10, seed=0)
    with pytest.raises(TypeError, match=r"weights.* must be a torch.Tensor that has data"):
        with_weights(MODEL, {"E": torch.empty(4, 5, device="meta")})
    frozen = np.asfortranarray(DIRECTION)
    frozen.flags.writeable = False
    wide = np.zeros((8, 16))[::2, ::2] + DIRECTION
    found = {projected_moments(TASK, "feed_forward", one, 10, seed=0).mean for one in (DIRECTION, frozen, wide)}
    assert len(found) == 1
