"""The induction sampler's law, the two-layer model and its gradients against dense oracles."""

from itertools import product

import numpy as np
import pytest
import torch

from simulate import TwoLayer, sample_induction, two_layer_gradient
from simulate.induction import gradients as two_layer
from simulate.induction import sequences as induction
from tests.oracles.simulate import threshold
from tests.oracles.two_layer import (
    BATCH,
    BLOCKS,
    EPS,
    SHAPES,
    N,
    T,
    assert_close,
    dense,
    dense_loss,
    random_model,
    random_tokens,
    random_weights,
)

# The sampler


@pytest.mark.parametrize(("n", "length"), [(2, 3), (2, 6), (3, 5), (4, 4), (5, 3)])
def test_whole_sequences_are_equally_likely(n, length):
    """Every (q, j, tokens but q) with the same probability, nothing else: 1 part in 10 would be seen."""
    law = {
        (*rest[:j], q, *rest[j:], q): j
        for q, j in product(range(n), range(length - 2))
        for rest in product([k for k in range(n) if k != q], repeat=length - 2)
    }
    assert len(law) == n * (length - 2) * (n - 1) ** (length - 2)
    samples = int(((threshold(len(law)) + 3.1) / 0.1) ** 2 * len(law))
    batch = sample_induction(n, length, samples, seed=3)
    codes = batch.tokens.numpy() @ n ** np.arange(length)
    counts = np.bincount(codes, minlength=n**length)[[int(np.dot(z, n ** np.arange(length))) for z in law]]
    assert counts.sum() == samples, "an impossible sequence was drawn"
    expected = samples / len(law)
    assert np.abs(counts - expected).max() < threshold(len(law)) * (expected * (1 - 1 / len(law))) ** 0.5
    position = np.array([law[tuple(z)] for z in batch.tokens[:500].tolist()])
    assert (batch.position.numpy()[:500] == position).all()
    assert (batch.target.numpy() == batch.tokens.numpy()[np.arange(samples), batch.position.numpy() + 1]).all()


def test_frequencies_at_a_larger_size():
    """q, j, and z_t - q mod N at every position given j; and two neighbours that are free, jointly."""
    n, length, samples = 7, 9, 400_000
    batch = sample_induction(n, length, samples, seed=8)
    tokens, position = batch.tokens.numpy(), batch.position.numpy()
    q, rows = tokens[:, -1], np.arange(samples)
    assert batch.tokens.dtype == batch.target.dtype == batch.position.dtype == torch.int64
    assert (tokens[rows, position] == q).all() and ((tokens == q[:, None]).sum(axis=1) == 2).all()
    assert position.min() == 0 and position.max() == length - 3
    offset = (tokens - q[:, None]) % n
    tables = [np.bincount(q, minlength=n), np.bincount(position, minlength=length - 2)]
    tables += [
        np.bincount(offset[position == j, t], minlength=n)[1:]
        for j in range(length - 2)
        for t in range(length - 1)
        if t != j
    ]
    joint = [np.bincount(offset[position == 0, t] * n + offset[position == 0, t + 1], minlength=n * n) for t in (1, 4)]
    tables += [table.reshape(n, n)[1:, 1:].ravel() for table in joint]
    tables += [np.bincount(q * n + batch.target.numpy(), minlength=n * n).reshape(n, n)[~np.eye(n, dtype=bool)]]
    cells = sum(map(len, tables))
    for table in tables:
        p, total = 1 / len(table), table.sum()
        assert total > 0 and np.abs(table - total * p).max() < threshold(cells) * (total * p * (1 - p)) ** 0.5


@pytest.mark.parametrize("length", [3, 8])
def test_a_smaller_batch_is_the_beginning_of_a_larger(monkeypatch, length):
    monkeypatch.setattr(induction, "BLOCK_TOKENS", 40)  # blocks of 13 and of 5 sequences
    whole = sample_induction(5, length, 57, seed=11)
    for batch in (1, 4, 5, 6, 13, 14, 56):
        part = sample_induction(5, length, batch, seed=11)
        for name in ("tokens", "target", "position"):
            assert torch.equal(getattr(part, name), getattr(whole, name)[:batch])


def test_blocks_have_so_many_tokens_whatever_is_changed():
    """What a seed draws stays the same: block i of 2^18 tokens is drawn from the child i of the seed."""
    batch = sample_induction(5, 2**15, 9, seed=3)
    for index, rows in ((0, slice(0, 8)), (1, slice(8, 9))):
        source = np.random.SeedSequence(entropy=3, spawn_key=(index,))
        tokens, target, _ = induction._draw(5, 2**15, rows.stop - rows.start, 8, source)
        assert np.array_equal(batch.tokens[rows], tokens) and np.array_equal(batch.target[rows], target)


def test_blocks_and_seeds_are_independent():
    length = induction.BLOCK_TOKENS // 2  # two sequences to a block
    tokens = sample_induction(50, length, 5, seed=0).tokens
    other = sample_induction(50, length, 5, seed=1).tokens
    again = sample_induction(50, length, 5, seed=0).tokens
    assert torch.equal(tokens, again)
    pairs = [(a, b) for i, a in enumerate(tokens) for b in tokens[i + 1 :]] + list(zip(tokens, other, strict=True))
    for a, b in pairs:
        equal = (a == b).double().mean().item()
        assert abs(equal - 1 / 50) < threshold(len(pairs)) * (0.02 / length) ** 0.5 + 1 / 49 - 1 / 50
    sample_induction(3, 4, 2, seed=2**200)


# The model


def test_it_is_all_zero_at_first():
    model = TwoLayer(N, T)
    assert {name: tuple(value.shape) for name, value in model.named_parameters()} == SHAPES
    assert not any(value.any() for value in model.parameters())
    assert {name: model.block(name) for name in BLOCKS} == BLOCKS
    first, second = model.attention(random_tokens()[0])
    expected = torch.ones(T, T, dtype=torch.float64).tril() / torch.arange(1, T + 1)[:, None]
    assert_close(first, expected.expand(BATCH, -1, -1))
    assert_close(second, torch.full((BATCH, T), 1 / T, dtype=torch.float64))


@pytest.mark.parametrize("seed", range(3))
def test_attention_logits_and_loss_are_the_dense_ones(seed):
    weights, (tokens, target) = random_weights(seed), random_tokens(seed + 10)
    model = TwoLayer(N, T).with_weights(**weights)
    first, second, logits = dense(weights, tokens)
    found = model.attention(tokens)
    assert second.max() > 0.5, "softmax must bend"
    assert_close(found[0], first)
    assert_close(found[1], second)
    assert_close(model(tokens), logits)
    assert_close(model.loss(tokens, target), dense_loss(weights, tokens, target))


@pytest.mark.parametrize(("matrix", "block"), [(m, b) for m in SHAPES for b in BLOCKS if m != "W_K1" or b in "EP"])
def test_every_block_acts_as_the_dense_one(matrix, block):
    """One block of columns, and for the key matrices one of rows, at a time, on top of random weights elsewhere."""
    tokens, _ = random_tokens(5)
    for rows in [slice(None)] if matrix == "W_O" else list(BLOCKS.values())[: 2 if matrix == "W_K1" else 4]:
        weights = random_weights(6)
        weights[matrix] = torch.zeros_like(weights[matrix])
        without = dense(weights, tokens)[2]
        weights[matrix][rows, BLOCKS[block]] = 3 * random_weights(7)[matrix][rows, BLOCKS[block]]
        with_block = dense(weights, tokens)[2]
        assert_close(TwoLayer(N, T).with_weights(**weights)(tokens), with_block)
        # Adding the same score to all keys changes nothing: queries alone cannot move attention.
        moved = float((with_block - without).abs().max())
        assert moved > 1e-3 or matrix != "W_O", "the block must matter"


def test_gradients_are_the_dense_ones_and_finite_differences():
    weights, (tokens, target) = random_weights(3), random_tokens(4)
    model = TwoLayer(N, T).with_weights(**weights)
    found = torch.autograd.grad(model.loss(tokens, target), [getattr(model, name) for name in SHAPES])
    leaves = {name: value.clone().requires_grad_() for name, value in weights.items()}
    expected = torch.autograd.grad(dense_loss(leaves, tokens, target), list(leaves.values()))
    for one, other in zip(found, expected, strict=True):
        assert_close(one, other)
    h = 1e-4
    for name, gradient in zip(SHAPES, found, strict=True):
        direction = random_weights(9)[name]
        ends = [
            dense_loss({**weights, name: weights[name] + k * h * direction}, tokens, target) for k in (-2, -1, 1, 2)
        ]
        slope = (8 * (ends[2] - ends[1]) - (ends[3] - ends[0])) / (12 * h)
        # Fourth order: h⁴ times a fifth derivative below 10⁴ (directions of norm 20), and rounding ε/h.
        assert abs(float(slope - (gradient * direction).sum())) < h**4 * 1e4 + 20 * EPS / h


def test_with_weights_copies_and_leaves_everything_as_it_is():
    model, replacement = random_model(), random_weights(8)["W_K2"]
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    kept = replacement.clone()
    other = model.with_weights(W_K2=replacement)
    assert torch.equal(other.W_K2, kept) and torch.equal(other.W_O, model.W_O) and torch.equal(other.W_K1, model.W_K1)
    with torch.no_grad():
        for value in other.parameters():
            value.add_(1)
    assert torch.equal(replacement, kept)
    assert all(torch.equal(value, before[name]) for name, value in model.named_parameters())


# Gradients over many sequences


def by_position(model):
    """The model with the entries of W_K1 between positions alone, where gradients are by the written chain rule."""
    W_K1 = torch.zeros_like(model.W_K1)
    W_K1[BLOCKS["P"], BLOCKS["P"]] = model.W_K1.detach()[BLOCKS["P"], BLOCKS["P"]]
    return model.with_weights(W_K1=W_K1)


@pytest.mark.parametrize("entry", [None, (0, N), (N, 0), (1, 2)], ids=str)
def test_attention_by_position(entry):
    """One entry of W_K1 at a token, and the first layer's attention is another one in each sequence."""
    model, (tokens, _) = by_position(random_model()), random_tokens(3)
    with torch.no_grad():
        if entry is not None:
            model.W_K1[entry] = 1.0
        found, logits = model.attention(tokens), model(tokens)
    first, second, expected = dense(dict(model.named_parameters()), tokens)
    assert model.attends_by_position() == (entry is None)
    for one, other in ((found[0], first.expand(BATCH, -1, -1)), (found[1], second), (logits, expected)):
        assert_close(one, other.detach())


@pytest.mark.parametrize("matrix", SHAPES)
@pytest.mark.parametrize("chunk", [7, 50, 2048])
@pytest.mark.parametrize(
    "model", [random_model(), by_position(random_model()), TwoLayer(N, T)], ids=["any", "by position", "zero"]
)
def test_gradient_blocks_are_those_of_the_loss_on_the_same_sequences(monkeypatch, model, matrix, chunk):
    monkeypatch.setattr(two_layer, "CHUNK", chunk)
    samples, blocks = 150, 3
    found = two_layer_gradient(model, matrix, samples, seed=21, blocks=blocks)
    batch = sample_induction(N, T, samples, seed=21)
    weights = {name: value.detach().clone().requires_grad_() for name, value in model.named_parameters()}
    assert found.blocks.shape == (blocks, *SHAPES[matrix]) and (found.samples, found.seed) == (samples, 21)
    for index, part in enumerate(np.split(np.arange(samples), blocks)):
        loss = dense_loss(weights, batch.tokens[part], batch.target[part])
        assert_close(found.blocks[index], -torch.autograd.grad(loss, weights[matrix])[0])
    whole = dense_loss(weights, batch.tokens, batch.target)
    assert_close(found.mean, -torch.autograd.grad(whole, weights[matrix])[0])
    if matrix == "W_O" or model.W_O.any():
        assert np.abs(found.blocks[0] - found.blocks[1]).max() > 1e-3, "blocks are of fresh sequences"


def test_a_gradient_leaves_the_model_as_it_is():
    model = random_model()
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    for matrix in SHAPES:
        two_layer_gradient(model, matrix, 8, seed=0, blocks=2)
    assert all(torch.equal(value, before[name]) and value.grad is None for name, value in model.named_parameters())


def test_gradients_do_not_depend_on_the_number_of_workers():
    model = random_model()
    one, three = (two_layer_gradient(model, "W_K1", 70, seed=3, blocks=7, workers=count).blocks for count in (1, 3))
    assert (one == three).all()
    with pytest.raises(ValueError, match=r"workers must be an integer in 1\.\.1024 or None, got 0"):
        two_layer_gradient(model, "W_K1", 70, seed=3, blocks=7, workers=0)
