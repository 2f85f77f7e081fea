"""The key-query gradient: counting and streaming against autograd, the definition and the law."""

import threading
import tracemalloc

import numpy as np
import pytest
import torch

from simulate import (
    OneLayer,
    attention_model,
    counted_gradient,
    counted_key_query_gradient,
    held_loss,
    key_query_moments,
    sample,
)
from simulate.one_layer import key_query, projected
from simulate.runtime import byte_limit
from simulate.sequences import blocks
from tests.oracles.simulate import ARRAYS, assert_moments_of, enumerate_law, random_chain, rounding, threshold
from theory import Task

TASKS = [Task(3, 7, 0.3, 1), Task(2, 23, 0.5, 0), Task(11, 5, 0.6, 7), Task(5, 2, 0.4, 2)]
HELD = {
    "uniform": lambda task: np.full(task.M, 1 / task.M),
    "absorbed": lambda task: np.array([(1 - task.alpha) / task.N] * task.N + [task.alpha]),
    "random": lambda task: np.random.default_rng(4).dirichlet(np.ones(task.M)),
    "certain": lambda task: np.eye(task.M)[0],
}
every_task = pytest.mark.parametrize("task", TASKS, ids=str)
both_chains = pytest.mark.parametrize("general", [False, True])
every_held = pytest.mark.parametrize("held", HELD.values(), ids=HELD)


def draw(task, general=False, batch=200, seed=6):
    return sample(task, batch, seed=seed, chain=random_chain(task) if general else None)


def random_values(task):
    """W_V with entries within 1/8, so that |k[a]| <= 1."""
    return np.random.default_rng(2).uniform(-1 / 8, 1 / 8, (task.M, 2 * task.M))


def literal_gradients(task, W_V, held, tokens, target):
    """k of each sequence, shape (batch, 2M): one-hot vectors and the definition, one position and feature at a time."""
    gradients = np.zeros((len(tokens), 2 * task.M))
    for k, z, y in zip(gradients, np.asarray(tokens), np.asarray(target), strict=True):
        x = np.zeros((len(z), 2 * task.M))
        for t, token in enumerate(z):
            x[t, token] = 1
            if t > 0:
                x[t, task.M + z[t - 1]] = 1
        error = np.eye(task.M)[y] - held
        for t, a in zip(*np.nonzero(x), strict=True):
            k[a] += error @ W_V @ (x[t] - x.mean(axis=0)) / len(z)
    return gradients


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of at most 256 tokens in chunks of few rows, so that a few hundred sequences fill many of both."""
    monkeypatch.setattr(blocks, "BLOCK_TOKENS", 256)
    monkeypatch.setattr(key_query, "CHUNK_ENTRIES", 100)


@every_task
@both_chains
@every_held
@pytest.mark.parametrize("values", ["one step", "random"])
def test_counting_gives_the_gradient_of_the_held_loss(task, general, held, values):
    batch, p = draw(task, general), held(task)
    assert (batch.correct == task.q).any() and (batch.correct != task.q).any()
    step = counted_gradient(task, "attention_value", batch.tokens, batch.target)
    W_V = step if values == "one step" else random_values(task)
    model = attention_model(task, W_V, np.zeros(2 * task.M))
    held_loss(model, batch.tokens, batch.target, p).backward()
    expected = -model.W_KQ.grad.numpy()[:, task.q]
    k = counted_key_query_gradient(task, W_V, p, batch.tokens, batch.target)
    assert k.shape == (2 * task.M,) and np.abs(k).max() > 0
    np.testing.assert_allclose(k, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


@every_task
@every_held
def test_held_loss_is_linear_and_has_the_gradient_of_cross_entropy(task, held):
    """Where the softmax output is p on every sequence: W_F[:, E(q)] = log p and nothing else."""
    batch, p = draw(task), held(task)
    p = (p + 0.1) / (p + 0.1).sum()  # log p is finite
    gradients = []
    for name in ("held", "cross-entropy"):
        model = OneLayer(task)
        with torch.no_grad():
            model.W_F[:, task.q] = torch.from_numpy(np.log(p))
        plain = model.loss(batch.tokens, batch.target)
        loss = plain if name == "cross-entropy" else held_loss(model, batch.tokens, batch.target, p)
        loss.backward()
        gradients.append([weight.grad.numpy() for weight in model.parameters()])
    expected = p @ np.log(p) - np.log(p)[batch.target].mean()
    assert abs(held_loss(model, batch.tokens, batch.target, p).item() - expected) <= rounding(200)
    for one, two in zip(*gradients, strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=rounding(200))


@every_task
@both_chains
@pytest.mark.parametrize("chunks", ["one", "many"])
def test_moments_are_those_of_the_definition(request, task, general, chunks):
    if chunks == "many":
        request.getfixturevalue("small_blocks")
    batch, W_V, p = draw(task, general, 333, seed=3), random_values(task), HELD["random"](task)
    chain = random_chain(task) if general else None
    k = literal_gradients(task, W_V, p, batch.tokens, batch.target)
    result = key_query_moments(task, W_V, p, 333, seed=3, chain=chain)
    assert_moments_of(k, result)
    assert all(getattr(result, name).shape == (2 * task.M,) for name in ARRAYS)
    assert (result.samples, result.seed) == (333, 3) and result.seconds > 0
    directions = np.random.default_rng(5).normal(size=(3, 2 * task.M))
    directions /= np.abs(directions).sum(axis=1, keepdims=True)
    line = key_query_moments(task, W_V, p, 333, seed=3, chain=chain, directions=directions)
    assert_moments_of(k @ directions.T, line)
    assert all(getattr(line, name).shape == (3,) for name in ARRAYS)


@both_chains
@pytest.mark.parametrize("task", [*TASKS, Task(64, 256, 0.5, 5)], ids=str)
def test_mean_is_the_counted_gradient_of_the_same_sample(task, general):
    samples, W_V, p = blocks.block_rows(task) + 100, random_values(task), HELD["absorbed"](task)
    batch = draw(task, general, samples, seed=3)
    k = counted_key_query_gradient(task, W_V, p, batch.tokens, batch.target)
    chain = random_chain(task) if general else None
    result = key_query_moments(task, W_V, p, samples, seed=3, chain=chain)
    np.testing.assert_allclose(result.mean, k, rtol=0, atol=rounding(100))
    assert np.abs(k).max() > 1e4 * rounding(100)


def test_moments_agree_with_the_enumerated_law():
    task, samples = Task(3, 4, 0.5, 1), 1_000_000
    law, W_V, p = enumerate_law(task), random_values(task), HELD["absorbed"](task)
    weights = np.array([float(probability) for probability in law.values()])[:, None]
    k = literal_gradients(task, W_V, p, [outcome[2:] for outcome in law], [outcome[1] for outcome in law])
    mean = (weights * k).sum(axis=0)
    variance = (weights * (k - mean) ** 2).sum(axis=0)
    result = key_query_moments(task, W_V, p, samples, seed=8)
    for value, exact, error in (
        (result.mean, mean, result.standard_error),
        (result.variance, variance, result.variance_standard_error),
    ):
        assert (np.abs(value - exact) <= threshold(value.size) * error + rounding(len(law))).all()


def test_class_averages_are_the_averages_of_the_entries():
    task = Task(5, 16, 0.4, 2)
    W_V, p, labels = random_values(task), HELD["uniform"](task), np.arange(12) % 5
    averages = np.array([(labels == label) / (labels == label).sum() for label in range(5)])
    pooled = key_query_moments(task, W_V, p, 5000, seed=1, directions=averages)
    entries, identity = (
        key_query_moments(task, W_V, p, 5000, seed=1, directions=d) for d in (None, np.eye(12, dtype=int))
    )
    np.testing.assert_allclose(pooled.mean, averages @ entries.mean, rtol=0, atol=rounding(12))
    for name in ARRAYS:
        assert np.array_equal(getattr(identity, name), getattr(entries, name))


def test_what_cancels_is_zero():
    """Σ_E k[a] = Σ_t (v_t - v̄) / T = 0; a row added to every row of W_V changes nothing; α = 0 leaves τ out."""
    task = Task(5, 16, 0, 2)
    W_V, p = random_values(task), HELD["random"](task)
    result = key_query_moments(task, W_V, p, 2000, seed=1, directions=[[1] * 6 + [0] * 6])
    assert np.abs(result.mean) <= rounding(16) and result.variance <= rounding(16) ** 2
    one, two = (key_query_moments(task, values, p, 2000, seed=1) for values in (W_V, W_V + np.arange(12)))
    np.testing.assert_allclose(one.mean, two.mean, rtol=0, atol=rounding(12, 12))
    assert all(getattr(one, name)[[5, 11]].tolist() == [0, 0] for name in ARRAYS)


@both_chains
@pytest.mark.parametrize("directions", [None, np.random.default_rng(1).normal(size=(3, 8))], ids=["entries", "three"])
def test_any_number_of_workers_gives_the_same_bits(small_blocks, general, directions):
    task = Task(3, 11, 0.3, 1)
    chain, W_V, p = random_chain(task) if general else None, random_values(task), HELD["random"](task)
    one, *others = (
        key_query_moments(task, W_V, p, 999, seed=3, directions=directions, chain=chain, workers=workers)
        for workers in (1, 2, 3, None)
    )
    for other in others:
        for name in ARRAYS:
            assert getattr(other, name).tobytes() == getattr(one, name).tobytes()


def test_an_interrupt_is_raised_and_leaves_no_thread(small_blocks, monkeypatch):
    task, drawn, threads = Task(3, 11, 0.3, 1), [], threading.active_count()

    def interrupted(source, seed, index, rows):
        drawn.append(index)
        if index == 3:
            raise KeyboardInterrupt
        return blocks.draw_block(source, seed, index, rows)

    monkeypatch.setattr(projected, "draw_block", interrupted)
    with pytest.raises(KeyboardInterrupt):
        key_query_moments(task, random_values(task), HELD["uniform"](task), 10**6, seed=1, workers=2)
    assert len(drawn) < 20 and threading.active_count() == threads


def test_memory_depends_on_neither_the_samples_nor_the_rows_of_a_block():
    task = Task(300, 4, 0.5)  # a block has 65536 rows, the dense gradients of which would take 315 MB
    W_V, p, one = random_values(task), HELD["uniform"](task), np.ones((1, 602))
    for directions in (None, one):
        key_query_moments(task, W_V, p, 2, seed=1, directions=directions)  # compile
        tracemalloc.start()
        key_query_moments(task, W_V, p, blocks.block_rows(task), seed=1, directions=directions, workers=1)
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
        tracemalloc.stop()


def test_oversize_requests_are_refused(monkeypatch):
    with pytest.raises(ValueError, match=r"T = 1000000000000000.*bytes"):
        key_query_moments(Task(3, 10**15, 0.5), np.ones((4, 8)), [0.25] * 4, 10, seed=0)
    monkeypatch.setattr(byte_limit, "available_bytes", lambda device: 2**20)
    with pytest.raises(ValueError, match=r"M = 4 tokens: moments of 8 directions.*bytes.*use fewer directions"):
        key_query_moments(Task(3, 8, 0.5), np.ones((4, 8)), [0.25] * 4, 10, seed=0)


TASK = Task(3, 8, 0.3, 1)
TOKENS, TARGET = draw(TASK, batch=5).tokens, draw(TASK, batch=5).target
GOOD = {"W_V": np.ones((4, 8)), "probabilities": np.full(4, 0.25), "tokens": TOKENS, "target": TARGET}
CALLS = {
    "key_query_moments": lambda W_V, probabilities, directions=None, samples=10, **_: key_query_moments(
        TASK, W_V, probabilities, samples, seed=0, directions=directions
    ),
    "counted_key_query_gradient": lambda **kw: counted_key_query_gradient(TASK, **kw),
    "held_loss": lambda tokens, target, probabilities, model=None, **_: held_loss(
        OneLayer(TASK) if model is None else model, tokens, target, probabilities
    ),
    "attention_model": lambda W_V, key_scores=(0.0,) * 8, dtype=torch.float64, **_: attention_model(
        TASK, W_V, key_scores, dtype=dtype
    ),
}
ESTIMATE, COUNTED, LOSS, MODEL = ([name] for name in CALLS)
VALUES, HOLDS, BATCHES = ESTIMATE + COUNTED + MODEL, ESTIMATE + COUNTED + LOSS, COUNTED + LOSS
SHAPE = r"must have shape \(M, 2M\) = \(4, 8\), got"
GRADED = torch.full((4,), 0.25, requires_grad=True)
WRONG_END = TOKENS.clone()
WRONG_END[3, -1] = 2
BAD = [
    (VALUES, "W_V", np.ones((8, 4)), ValueError, f"W_V {SHAPE}"),
    (VALUES, "W_V", np.ones((1, 4, 8)), ValueError, f"W_V {SHAPE}"),
    (VALUES, "W_V", np.full((4, 8), np.nan), ValueError, "W_V must be finite"),
    (VALUES, "W_V", np.ones((4, 8), complex), TypeError, "W_V must be a real array, got dtype comp"),
    (VALUES, "W_V", None, TypeError, "W_V must be an array of real numbers, got None"),
    (VALUES, "W_V", OneLayer(TASK).W_V, TypeError, "W_V must be a real array: .*grad"),
    (VALUES, "W_V", torch.ones(4, 8, device="meta"), TypeError, "W_V must be a real array: .*meta"),
    (HOLDS, "probabilities", np.full(5, 0.2), ValueError, r"shape \(M,\) = \(4,\), got \(5,\)"),
    (HOLDS, "probabilities", np.full((4, 4), 0.25), ValueError, r"probabilities .* shape \(M,\)"),
    (HOLDS, "probabilities", 0.25, ValueError, r"probabilities must be an array of shape \(M,\)"),
    # the bound is 4 M roundings of float64, 3.6e-15 here: what adding up M quotients can err by, and not 1e-14
    (HOLDS, "probabilities", [0.25, 0.25, 0.25, 0.25 + 1e-14], ValueError, "must sum to 1 .*3.6e-15"),
    (HOLDS, "probabilities", [0.5, 0.75, -0.25, 0], ValueError, "must be >= 0, .* -0.25"),
    (HOLDS, "probabilities", [np.nan, 0.5, 0.5, 0], ValueError, "probabilities must be finite"),
    (HOLDS, "probabilities", "uniform", TypeError, "probabilities must be an array of real numbers"),
    (HOLDS, "probabilities", GRADED, TypeError, "probabilities must be a real array: .*grad"),
    (ESTIMATE, "directions", np.ones(8), ValueError, r"must have shape \(D, 2M\) = \(1, 8\), got \(8,\)"),
    (ESTIMATE, "directions", np.ones((3, 7)), ValueError, r"directions must have .* = \(3, 8\), got \(3, 7\)"),
    (ESTIMATE, "directions", np.ones((0, 8)), ValueError, r"directions must have .* = \(1, 8\), got \(0, 8\)"),
    (ESTIMATE, "directions", np.full((2, 8), np.inf), ValueError, "directions must be finite"),
    (ESTIMATE, "directions", "all", TypeError, "directions must be an array of real numbers"),
    (ESTIMATE, "samples", 1, ValueError, "samples must be an integer >= 2, got 1"),
    (BATCHES, "tokens", TOKENS.numpy(), TypeError, "tokens must be a torch.Tensor that has data, got array"),
    (BATCHES, "tokens", TOKENS[0], ValueError, r"tokens must have shape \(batch, T\)"),
    (BATCHES, "tokens", TOKENS + 4, ValueError, r"tokens must be in 0\.\.3"),
    (COUNTED, "tokens", WRONG_END, ValueError, "tokens must end in the trigger 1, got a last token 2"),
    (BATCHES, "target", TARGET[1:], ValueError, r"target must have shape \(batch,\) = \(5,\), got \(4,\)"),
    (BATCHES, "target", TARGET.double(), TypeError, "target must be an int64 tensor, got torch.float64"),
    (BATCHES, "target", TARGET - 4, ValueError, r"target must be in 0\.\.3"),
    (LOSS, "model", torch.nn.Linear(8, 4), TypeError, "model must be a simulate.one_layer.OneLayer, got Linear"),
    (MODEL, "key_scores", np.ones(4), ValueError, r"key_scores must have shape \(2M,\) = \(8,\), got \(4,\)"),
    (MODEL, "key_scores", np.full(8, np.inf), ValueError, "key_scores must be finite"),
    (MODEL, "key_scores", ["a"] * 8, TypeError, "key_scores must be a real array"),
    (MODEL, "dtype", torch.int64, TypeError, "dtype must be a floating-point torch dtype"),
]


@pytest.mark.parametrize(
    ("call", "name", "value", "error", "message"),
    [
        pytest.param(CALLS[call], *case, id=f"{call}-{index}")
        for index, (calls, *case) in enumerate(BAD)
        for call in calls
    ],
)
def test_bad_input_is_refused(call, name, value, error, message):
    call(**GOOD)
    with pytest.raises(error, match=message):
        call(**{**GOOD, name: value})
