"""Sampling: the law of the sequences, against enumeration, and what the same seed guarantees."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from paper_checks.witnesses.literal_sampler import literal_sample
from simulate import Chain, sample, sample_stream
from simulate.sequences import torch_sampling as torch_path
from simulate.sequences.blocks import block_rows, draw_block
from simulate.sequences.chains import alias_table, stationary_distribution
from simulate.sequences.sources import as_source
from tests.oracles.simulate import assert_follows, enumerate_law, samples_to_see
from theory import Task

CUDA = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="not run: no CUDA"))
CHAIN = [["1/2", "1/5", "3/10"], ["2/5", "2/5", "1/5"], ["1/4", "3/4", "0"]]
INITIAL = ["3/10", "1/2", "1/5"]


def fractions(values):
    return [fractions(v) if isinstance(v, list) else Fraction(v) for v in values]


def reference_chain():
    """A chain over three tokens, as exact rows, exact first distribution and `Chain`."""
    rows, initial = fractions(CHAIN), fractions(INITIAL)
    return rows, initial, Chain(np.array(rows, dtype=float), np.array(initial, dtype=float))


def torch_batches(task, samples, chain=None, device="cpu"):
    """Blocks of the torch sampler, at least `samples` sequences."""
    rows, place = torch_path.torch_block_rows(task), torch.device(device)
    for index in range(-(-samples // rows)):
        block = torch_path.draw_torch_block(as_source(task, chain), 5, index, rows, place)
        yield torch_path.TorchBlock(*(part.cpu() for part in block))


def numpy_batches(task, samples, chain=None, device="cpu"):
    return sample_stream(task, samples, seed=5, chain=chain, device=device)


def literal_batches(task, samples, chain=None, device="cpu"):
    yield literal_sample(task, samples, seed=5, chain=chain)


SAMPLERS = [
    pytest.param(numpy_batches, 0.05, id="fast"),
    pytest.param(torch_batches, 0.05, id="torch"),
    pytest.param(literal_batches, 0.4, id="literal"),
]


@pytest.mark.parametrize(("batches", "relative_error"), SAMPLERS)
@pytest.mark.parametrize("task", [Task(2, 4, Fraction(1, 3), 1), Task(3, 3, 0.5, 2), Task(2, 2, 0.25, 0)], ids=str)
def test_uniform_chain_has_the_exact_law_of_whole_sequences(batches, relative_error, task):
    law = enumerate_law(task)
    assert_follows(law, task, batches(task, samples_to_see(law, relative_error)))


@pytest.mark.parametrize(("batches", "relative_error"), SAMPLERS)
@pytest.mark.parametrize("trigger", [0, 1])
def test_general_chain_has_the_exact_law_of_whole_sequences(batches, relative_error, trigger):
    task, (rows, initial, chain) = Task(2, 4, 0.5, trigger), reference_chain()
    law = enumerate_law(task, rows, initial)
    assert_follows(law, task, batches(task, samples_to_see(law, relative_error), chain))


@pytest.mark.parametrize("batches", [numpy_batches, torch_batches])
def test_uniform_chain_given_as_a_matrix_has_the_same_law(batches):
    task = Task(2, 4, 0.5, 1)
    law = enumerate_law(task)
    chain = Chain([[0.5, 0.5, 0.0]] * 3)
    assert_follows(law, task, batches(task, samples_to_see(law, 0.05), chain))


@pytest.mark.parametrize("device", [CUDA])
def test_gpu_has_the_exact_law(device):
    task = Task(2, 4, Fraction(1, 3), 1)
    law = enumerate_law(task)
    assert_follows(law, task, torch_batches(task, samples_to_see(law, 0.05), device=device))
    assert sample(task, 7, seed=1, device=device).tokens.device.type == device


@pytest.mark.parametrize("batches", [numpy_batches, torch_batches, literal_batches])
def test_every_sequence_keeps_the_rule_far_from_the_start(batches):
    """After the trigger c or τ, each sometimes, late positions included; τ nowhere else."""
    task = Task(5, 64, 0.5, 3)
    batch = next(iter(batches(task, 400)))
    check_rule(task, batch, tau_elsewhere=False)
    after = batch.tokens[:, 1:-1][batch.tokens[:, :-2] == task.q]
    assert (after == task.tau).any() and (after != task.tau).any()
    late = batch.tokens[:, -10:-1]
    assert (late[:, 1:][late[:, :-1] == task.q] == task.tau).any()


def check_rule(task, batch, tau_elsewhere):
    z, c, y = (np.asarray(part) for part in (batch.tokens, batch.correct, batch.target))
    assert (z[:, -1] == task.q).all()
    assert (c >= 0).all() and (c < task.N).all()
    assert ((y == c) | (y == task.tau)).all()
    before, after = z[:, :-2], z[:, 1:-1]  # positions 1..T-2 and the ones that follow, 2..T-1
    followed = before == task.q
    assert ((after == c[:, None]) | (after == task.tau))[followed].all()
    assert z.min() >= 0 and z.max() <= task.tau
    if not tau_elsewhere:
        assert (z[:, 0] != task.tau).all() and (after != task.tau)[~followed].all()
    if task.alpha == 0:
        assert (y == c).all() and (after == c[:, None])[followed].all()
    if task.alpha == 1:
        assert (y == task.tau).all() and (after == task.tau)[followed].all()


@st.composite
def tasks(draw):
    N = draw(st.integers(2, 9))
    alpha = draw(st.sampled_from([0, 1, Fraction(1, 3)]) | st.floats(0, 1))
    return Task(N, draw(st.integers(2, 40)), alpha, draw(st.integers(0, N - 1)))


@settings(deadline=None)
@given(tasks(), st.integers(0, 2**70), st.integers(1, 60), st.booleans())
def test_rule_holds_for_all_tasks(task, seed, batch, general):
    rng = np.random.default_rng(seed)
    chain = Chain(rng.dirichlet(np.ones(task.M), task.M)) if general else None
    check_rule(task, sample(task, batch, seed=seed, chain=chain), general)
    check_rule(task, literal_sample(task, min(batch, 5), seed=seed, chain=chain), general)


@settings(deadline=None)
@given(st.integers(0, 2**70), st.integers(1, 25), st.integers(1, 27), st.booleans())
def test_chunks_join_to_the_sample(seed, batch, chunk, general):
    task = Task(3, 30_000, 0.3)  # eight sequences to a block, so chunks and blocks cut across each other
    assert block_rows(task) == 8
    chain = Chain([[0.1, 0.2, 0.3, 0.4]] * 4) if general else None
    whole = sample(task, batch, seed=seed, chain=chain)
    chunks = list(sample_stream(task, batch, seed=seed, chunk=chunk, chain=chain))
    assert [len(part.target) for part in chunks[:-1]] == [chunk] * (len(chunks) - 1)
    for name in ("tokens", "correct", "target"):
        assert torch.equal(torch.cat([getattr(part, name) for part in chunks]), getattr(whole, name))


@pytest.mark.parametrize("general", [False, True])
@pytest.mark.parametrize("task", [Task(5, 11, 0.4, 2), Task(64, 256, 0.5)], ids=str)
def test_a_smaller_batch_is_the_start_of_a_larger_one(task, general):
    chain = Chain(np.random.default_rng(0).dirichlet(np.ones(task.M), task.M)) if general else None
    large = sample(task, 2 * block_rows(task) + 3, seed=9, chain=chain)
    for rows in (1, 100, block_rows(task), block_rows(task) + 1):
        small = sample(task, rows, seed=9, chain=chain)
        for name in ("tokens", "correct", "target"):
            assert torch.equal(getattr(small, name), getattr(large, name)[:rows])


def test_a_part_of_a_torch_block_is_its_start():
    task, place = Task(5, 11, 0.4, 2), torch.device("cpu")
    whole = torch_path.draw_torch_block(as_source(task), 9, 1, torch_path.torch_block_rows(task), place)
    part = torch_path.draw_torch_block(as_source(task), 9, 1, 100, place)
    assert all(torch.equal(a, b[:100]) for a, b in zip(part, whole, strict=True))


def test_seeds_and_blocks_differ_in_every_part():
    source, place = as_source(Task(5, 11, 0.4, 2)), torch.device("cpu")
    draws = [lambda s, i: draw_block(source, s, i, 500)]
    draws.append(lambda s, i: torch_path.draw_torch_block(source, s, i, 500, place))
    for draw in draws:
        for other in (draw(2, 0), draw(1, 1)):
            assert all((np.asarray(a) != np.asarray(b)).any() for a, b in zip(draw(1, 0), other, strict=True))


def test_results_are_int64_tensors_of_the_documented_shapes():
    task = Task(5, 11, 0.4, 2)
    for batch in (sample(task, 7, seed=0), literal_sample(task, 7, seed=0), next(sample_stream(task, 7, seed=0))):
        shapes = [tuple(part.shape) for part in (batch.tokens, batch.correct, batch.target)]
        assert shapes == [(7, 11), (7,), (7,)]
        assert {part.dtype for part in (batch.tokens, batch.correct, batch.target)} == {torch.int64}


@pytest.mark.parametrize("N", [2**16 - 1, 2**16, 2**16 + 1])
def test_vocabularies_around_two_bytes(N):
    """The noise token is the largest: it must neither wrap to 0 nor meet an ordinary token."""
    task = Task(N, 4, 1, N - 1)
    batch = sample(task, 300_000, seed=3)
    check_rule(task, batch, tau_elsewhere=False)
    ordinary = batch.tokens[:, 0]
    # With 3e5 draws, all of the top 1 % of tokens are missed with probability 0.99^300000 < 1e-1000.
    assert ordinary.max() >= 0.99 * N and ordinary.min() <= 0.01 * N
    assert (batch.tokens == task.tau).any()


@pytest.mark.parametrize("general", [False, True])
def test_block_is_drawn_from_four_streams_of_its_own(general):
    """Correct tokens, target noise, tokens, noise after the trigger: rebuilt with numpy, token by token."""
    task = Task(5, 11, 0.4, 2)
    chain = Chain(np.random.default_rng(0).dirichlet(np.ones(6), 6)) if general else None
    streams = np.random.SeedSequence(entropy=8, spawn_key=(3,)).spawn(4)
    correct, target, tokens, noise = (np.random.Generator(np.random.SFC64(stream)) for stream in streams)
    c = correct.integers(0, 5, 50, dtype=np.uint16)
    y = np.where(target.random(50) < 0.4, 5, c)
    z = np.zeros((50, 11), dtype=int) if general else tokens.integers(0, 5, (50, 11), dtype=np.uint16)
    for row, t in np.ndindex(50, 10):
        after_trigger = t > 0 and z[row, t - 1] == 2
        if general:
            uniform = tokens.random()
            cut, alias = (table[z[row, t - 1] if t > 0 else 6] for table in chain.alias_tables)
            k = int(6 * uniform)
            z[row, t] = k if 6 * uniform < cut[k] else alias[k]
        elif after_trigger:
            uniform = noise.random()
        if after_trigger:
            z[row, t] = 5 if uniform < 0.4 else c[row]
    z[:, -1] = 2
    block = draw_block(as_source(task, chain), 8, 3, 50)
    assert all(np.array_equal(a, b) for a, b in zip(block, (z, c, y), strict=True))


@settings(deadline=None)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=12).filter(any))
def test_alias_table_gives_every_token_its_probability(weights):
    """Column k is taken with probability 1/M, kept up to cut[k], and handed to alias[k] above."""
    M, probabilities = len(weights), np.array(weights) / sum(weights)
    cut, alias = alias_table(probabilities)
    kept = cut - np.arange(M)
    total = kept.copy()
    np.add.at(total, alias, 1 - kept)
    np.testing.assert_allclose(total / M, probabilities, rtol=0, atol=4 * M * np.finfo(float).eps)
    assert (total[probabilities == 0] == 0).all()


def test_first_token_is_stationary_by_default():
    rows = fractions(CHAIN)
    pi = stationary_distribution(np.array(rows, dtype=float))
    np.testing.assert_allclose(pi @ np.array(rows, dtype=float), pi, rtol=0, atol=8 * np.finfo(float).eps)
    assert np.array_equal(Chain(np.array(rows, dtype=float)).initial, pi)
    exact = [Fraction(30, 73), Fraction(85, 219), Fraction(44, 219)]
    assert [sum(p * row[k] for p, row in zip(exact, rows, strict=True)) for k in range(3)] == exact
    np.testing.assert_allclose(pi, np.array(exact, dtype=float), rtol=8 * np.finfo(float).eps)


def test_stationary_distribution_leaves_transient_tokens_out():
    pi = stationary_distribution(np.array([[0.5, 0.5, 0.0], [0.25, 0.75, 0.0], [0.2, 0.3, 0.5]]))
    assert pi[2] == 0
    np.testing.assert_allclose(pi[:2], [1 / 3, 2 / 3], rtol=8 * np.finfo(float).eps)
