"""Streamed moments: against dense per-sample gradients, the exact law, and themselves in another order of work."""

import tracemalloc

import numpy as np
import pytest
import torch

from simulate import counted_gradient, gradient_moments, projected_moments, sample, shared_gradient_moments
from simulate.one_layer import counts as counts_module
from simulate.one_layer import moments as moments_module
from simulate.one_layer.class_averages import _group
from simulate.one_layer.counts import Counts, add_block, count_shift, torch_counts
from simulate.sequences import blocks
from simulate.sequences.sources import as_source
from simulate.sequences.torch_sampling import TorchBlock, draw_torch_block, torch_block_rows
from tests.oracles.simulate import (
    ARRAYS,
    assert_moments_of,
    dense_gradients,
    enumerate_law,
    random_chain,
    rounding,
    threshold,
)
from theory import LAYERS, Task

# M > T takes the sparse pass; T > N shifts the counts by (T-1) // N.
TASKS = [Task(3, 7, 0.3, 1), Task(2, 23, 0.5, 0), Task(11, 5, 0.6, 7), Task(5, 2, 0.4, 2)]
POOLED = ("mean", "mean_standard_error", "variance", "variance_standard_error")
both_layers = pytest.mark.parametrize("layer", LAYERS)


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of at most 256 tokens, so that a few hundred sequences fill many."""
    monkeypatch.setattr(blocks, "BLOCK_TOKENS", 256)


@both_layers
@pytest.mark.parametrize("general", [False, True])
@pytest.mark.parametrize("task", TASKS, ids=str)
def test_moments_are_those_of_dense_gradients(small_blocks, task, layer, general):
    chain = random_chain(task) if general else None
    batch = sample(task, 777, seed=3, chain=chain)
    result = gradient_moments(task, layer, 777, seed=3, chain=chain)
    assert_moments_of(dense_gradients(task, layer, batch.tokens, batch.target), result)
    assert (result.samples, result.seed, result.device, result.pooled) == (777, 3, "cpu", None)


@both_layers
@pytest.mark.parametrize("task", [*TASKS, Task(64, 256, 0.5)], ids=str)
def test_mean_is_the_counted_gradient_of_the_same_sample(task, layer):
    samples = blocks.block_rows(task) + 100
    batch = sample(task, samples, seed=3)
    expected = counted_gradient(task, layer, batch.tokens, batch.target)
    result = gradient_moments(task, layer, samples, seed=3)
    np.testing.assert_allclose(result.mean, expected, rtol=0, atol=rounding(1))


@both_layers
def test_moments_agree_with_the_enumerated_law(layer):
    task, samples = Task(3, 4, 0.5, 1), 2_000_000
    outcomes = enumerate_law(task)
    weights = np.array([float(p) for p in outcomes.values()])[:, None, None]
    gradients = dense_gradients(task, layer, [o[2:] for o in outcomes], [o[1] for o in outcomes])
    mean = (weights * gradients).sum(axis=0)
    variance = (weights * (gradients - mean) ** 2).sum(axis=0)
    result = gradient_moments(task, layer, samples, seed=8)
    for value, exact, error in (
        (result.mean, mean, result.standard_error),
        (result.variance, variance, result.variance_standard_error),
    ):
        # Entries that hardly spread are compared to rounding.
        assert (np.abs(value - exact) <= threshold(value.size) * error + rounding(len(weights))).all()


@both_layers
@pytest.mark.parametrize("general", [False, True])
def test_law_is_symmetric_under_relabelling(layer, general):
    """Relabelled ordinary tokens, trigger included, permute rows and columns of the mean and the variance."""
    order, samples = np.array([2, 3, 1, 0, 4]), 1_000_000  # token a is called order[a]; the noise token stays
    task, relabelled = Task(4, 6, 0.4, 1), Task(4, 6, 0.4, 3)
    assert order[task.q] == relabelled.q
    chain = random_chain(task) if general else None
    moved = None if chain is None else np.empty_like(chain)
    if moved is not None:
        moved[np.ix_(order, order)] = chain
    one = gradient_moments(task, layer, samples, seed=1, chain=chain)
    two = gradient_moments(relabelled, layer, samples, seed=2, chain=moved)
    entries = np.ix_(order, np.concatenate([order, 5 + order]))
    for value, error in (("mean", "standard_error"), ("variance", "variance_standard_error")):
        difference = getattr(one, value) - getattr(two, value)[entries]
        spread = np.hypot(getattr(one, error), getattr(two, error)[entries])
        assert (np.abs(difference) <= threshold(difference.size) * spread + rounding(1)).all()


@both_layers
def test_entries_that_never_vary_have_variance_exactly_zero(layer):
    task = Task(4, 6, 1, 2)
    result = gradient_moments(task, layer, 10_000, seed=1)
    if layer == "feed_forward":  # y = τ and z_T = q in every sample
        expected = np.where(np.arange(5) == task.tau, 1 - 1 / 5, -1 / 5)
        np.testing.assert_allclose(result.mean[:, task.q], expected, rtol=rounding(1))
        assert (result.variance[:, task.q] == 0).all() and (result.variance_standard_error[:, task.q] == 0).all()
    silent = gradient_moments(Task(4, 6, 0, 2), layer, 10_000, seed=1)
    for name in ARRAYS:
        assert (getattr(silent, name)[:, [task.tau, 5 + task.tau]] == 0).all()  # τ never occurs


@both_layers
@pytest.mark.parametrize("general", [False, True])
def test_any_number_of_workers_gives_the_same_bits(small_blocks, layer, general):
    task, labels = Task(3, 11, 0.3, 1), np.arange(32).reshape(4, 8) % 5
    chain, direction = random_chain(task) if general else None, np.random.default_rng(1).normal(size=(4, 8))
    results = [
        gradient_moments(task, layer, 999, seed=3, chain=chain, labels=labels, workers=w) for w in (1, 2, 5, None)
    ]
    lines = [projected_moments(task, layer, direction, 999, seed=3, chain=chain, workers=w) for w in (1, 2, 5, None)]
    for other, line in zip(results[1:], lines[1:], strict=True):
        for name in ARRAYS:
            assert getattr(other, name).tobytes() == getattr(results[0], name).tobytes()
            assert getattr(line, name) == getattr(lines[0], name)
        for name in POOLED:
            assert getattr(other.pooled, name).tobytes() == getattr(results[0].pooled, name).tobytes()


@both_layers
def test_seeds_differ(layer):
    task = TASKS[0]
    one, two = (gradient_moments(task, layer, 1000, seed=seed) for seed in (1, 2))
    assert (one.mean != two.mean).any() and (one.variance != two.variance).any()


@both_layers
@pytest.mark.parametrize("task", TASKS, ids=str)
def test_pooled_moments_are_batch_means(small_blocks, task, layer):
    labels = np.random.default_rng(0).integers(0, 4, (task.M, 2 * task.M))
    labels[labels == 2] = 3  # class 2 has no entries
    rows = blocks.block_rows(task)
    samples = 5 * rows + rows // 2
    gradients = dense_gradients(task, layer, *(getattr(sample(task, samples, seed=4), n) for n in ("tokens", "target")))
    full = gradients[: 5 * rows].reshape(5, rows, task.M, 2 * task.M)
    pooled = gradient_moments(task, layer, samples, seed=4, labels=labels).pooled
    assert pooled.blocks == 5
    for name, entries in (("mean", full.mean(axis=1)), ("variance", full.var(axis=1, ddof=1))):
        value, error = getattr(pooled, name), getattr(pooled, f"{name}_standard_error")
        assert value.shape == error.shape == (4,) and np.isnan(value[2]) and np.isnan(error[2])
        for label in (0, 1, 3):
            averages = entries[:, labels == label].mean(axis=1)
            assert abs(value[label] - averages.mean()) <= rounding(rows)
            assert abs(error[label] ** 2 - averages.var(ddof=1) / 5) <= rounding(rows)


@both_layers
def test_pooling_takes_units_of_several_blocks(monkeypatch, layer):
    """A large vocabulary shares one accumulator between blocks; the unit is then the block of the pooled moments."""
    task = Task(11, 5, 0.6, 7)
    monkeypatch.setattr(blocks, "BLOCK_TOKENS", 1000)
    monkeypatch.setattr(moments_module, "BLOCK_TOKENS", 1000)
    assert moments_module.unit_blocks(task) == 3 and blocks.block_rows(task) == 200
    labels, batch = np.zeros((12, 24), dtype=int), sample(task, 1450, seed=4)
    result = gradient_moments(task, layer, 1450, seed=4, labels=labels, workers=2)
    gradients = dense_gradients(task, layer, batch.tokens, batch.target)
    assert_moments_of(gradients, result)
    averages = [gradients[start : start + 600].mean() for start in (0, 600)]
    assert result.pooled.blocks == 2 and abs(result.pooled.mean[0] - np.mean(averages)) <= rounding(600)


@both_layers
@pytest.mark.parametrize("task", [*TASKS, Task(40, 300, 0.5, 3)], ids=str)
def test_torch_counts_equal_the_kernels(task, layer):
    block, shift = blocks.draw_block(as_source(task), 1, 0, 2000), count_shift(task, layer)
    expected = Counts.zeros(task, layer)
    add_block(expected, layer, block, shift)
    tensors = TorchBlock(*(torch.from_numpy(part.astype(np.int64)) for part in block))
    counts = torch_counts(task, layer, tensors, shift)
    assert np.array_equal(counts.samples, expected.samples)
    assert np.array_equal(counts.powers, expected.powers)
    assert counts.samples.sum() == 2000


@pytest.mark.parametrize("samples", [(999, 450), (450, 999), (700, 700)], ids=str)
@pytest.mark.parametrize("workers", [1, 3])
def test_layers_that_share_their_sequences_have_the_numbers_of_each_alone(small_blocks, samples, workers):
    """To the last bit, with labels too: the layer that is asked for fewer takes the first of the other's sequences."""
    task = Task(5, 23, 0.3, 2)
    labels, wanted = np.arange(72).reshape(6, 12) % 5, dict(zip(LAYERS, samples, strict=True))
    shared = shared_gradient_moments(task, wanted, seed=9, labels=labels, workers=workers)
    assert list(shared) == list(LAYERS)
    for layer, count in wanted.items():
        alone = gradient_moments(task, layer, count, seed=9, labels=labels)
        assert (shared[layer].samples, shared[layer].seed, shared[layer].device) == (count, 9, "cpu")
        for name in ARRAYS:
            assert np.array_equal(getattr(shared[layer], name), getattr(alone, name))
        for name in POOLED:
            assert np.array_equal(getattr(shared[layer].pooled, name), getattr(alone.pooled, name), equal_nan=True)


def test_layers_to_share_sequences_are_named_with_counts():
    task = Task(3, 4, 0.5)
    with pytest.raises(ValueError, match=r"samples must be a mapping of at least 1 entries, got \{\}"):
        shared_gradient_moments(task, {}, seed=0)
    with pytest.raises(ValueError, match=r"a key of samples must be .*'value'"):
        shared_gradient_moments(task, {"value": 10}, seed=0)
    with pytest.raises(ValueError, match=r"samples\['attention_value'\] must be an integer >= 2, got 1"):
        shared_gradient_moments(task, {"feed_forward": 10, "attention_value": 1}, seed=0)


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_histograms_give_the_same_powers(monkeypatch, task):
    block, found = blocks.draw_block(as_source(task), 1, 0, 2000), []
    for cells in (0, 10**9):
        monkeypatch.setattr(counts_module, "HISTOGRAM_CELLS", cells)
        found.append(Counts.zeros(task, "attention_value"))
        add_block(found[-1], "attention_value", block, count_shift(task, "attention_value"))
    assert np.array_equal(found[0].samples, found[1].samples)
    assert np.array_equal(found[0].powers, found[1].powers)


@both_layers
def test_torch_units_count_the_first_samples(layer):
    task, place = Task(64, 256, 0.5), torch.device("cpu")
    rows = torch_block_rows(task)
    count = moments_module.torch_unit_counter(as_source(task), {layer: rows + 10}, 5, place)
    block = draw_torch_block(as_source(task), 5, 1, 10, place)
    sums = moments_module.gradient_sums(task, layer, count(1)[layer])
    assert_moments_of(dense_gradients(task, layer, block.tokens, block.target), wrap(sums))
    assert count(0)[layer].samples.sum() == rows


def wrap(sums):
    """Central sums with the attributes of `GradientMoments`."""
    names = zip(
        ARRAYS, (sums.mean, sums.variance(), sums.standard_error(), sums.variance_standard_error()), strict=True
    )
    return type("Moments", (), dict(names))


@both_layers
@pytest.mark.parametrize("general", [False, True])
@pytest.mark.parametrize("task", TASKS, ids=str)
def test_projected_moments_are_those_of_dense_projections(small_blocks, task, layer, general):
    chain = random_chain(task) if general else None
    direction = np.random.default_rng(2).normal(size=(task.M, 2 * task.M))
    direction /= np.abs(direction).sum()  # so that |S| <= 1
    batch = sample(task, 777, seed=3, chain=chain)
    gradients = dense_gradients(task, layer, batch.tokens, batch.target)
    result = projected_moments(task, layer, direction, 777, seed=3, chain=chain)
    assert_moments_of(np.tensordot(gradients, direction, axes=2), result)
    assert (result.samples, result.seed) == (777, 3)


@both_layers
def test_projection_on_one_entry_is_that_entry(layer):
    task, direction = TASKS[0], np.zeros((4, 8))
    direction[2, 5] = 1
    line, full = (
        f(task, layer, *a, seed=3) for f, a in ((projected_moments, (direction, 5000)), (gradient_moments, (5000,)))
    )
    assert abs(line.mean - full.mean[2, 5]) <= rounding(5000)
    assert abs(line.variance - full.variance[2, 5]) <= rounding(5000)


@pytest.mark.parametrize("estimate", ["moments", "projected"])
def test_memory_does_not_grow_with_the_number_of_samples(estimate):
    task, direction = Task(5, 16, 0.4), np.ones((6, 12))

    def peak(samples):
        tracemalloc.start()
        if estimate == "moments":
            gradient_moments(task, "attention_value", samples, seed=1, workers=1)
        else:
            projected_moments(task, "attention_value", direction, samples, seed=1, workers=1)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    rows = blocks.block_rows(task)
    peak(rows)  # compile
    assert peak(40 * rows) - peak(4 * rows) < 2 * rows * task.T  # less than the tokens of a single block


def test_equal_counts_have_no_variance():
    mean, square = _group.py_func(4.0, 8.0, 16.0, 1.0)
    assert (mean, square) == (3.0, 0.0)
