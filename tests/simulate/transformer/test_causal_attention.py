"""Causal attention in blocks: against the plain formula, its gradient against differences, bits that repeat."""

import pytest
import torch

from paper_checks.witnesses.literal_transformer import literal_attention
from simulate.transformer import causal_attention as blocks
from tests.oracles.simulate import rounding

SHAPE = (2, 7, 3)


def random_parts(seed=0, shape=SHAPE):
    draws = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=draws, dtype=torch.float64, requires_grad=True) for _ in range(3)]


@pytest.mark.parametrize("block", [1, 2, 3, 7, 64])
def test_blocks_give_the_plain_attention_and_its_gradient(monkeypatch, block):
    monkeypatch.setattr(blocks, "BLOCK", block)
    queries, keys, values = parts = random_parts()
    found, expected = blocks.causal_attention(*parts), literal_attention(queries, keys) @ values
    bound = float(rounding(7 * 3, 10.0))
    assert (found - expected).abs().max() <= bound
    weights = torch.randn(SHAPE, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    gradients = (torch.autograd.grad((outcome * weights).sum(), parts) for outcome in (found, expected))
    for own, plain in zip(*gradients, strict=True):
        assert (own - plain).abs().max() <= 10 * bound


def test_gradient_is_that_of_differences(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 3)
    assert torch.autograd.gradcheck(blocks.causal_attention, random_parts(seed=1))


def test_the_same_bits_in_every_run():
    parts = random_parts(seed=2, shape=(3, 150, 5))
    one, other = (torch.autograd.grad(blocks.causal_attention(*parts).square().sum(), parts) for _ in range(2))
    assert all(torch.equal(*pair) for pair in zip(one, other, strict=True))


def test_queries_that_do_not_learn_change_no_other_gradient():
    parts = random_parts(seed=3)
    fixed = [parts[0].detach(), *parts[1:]]
    expected = torch.autograd.grad(blocks.causal_attention(*parts).square().sum(), parts[1:])
    found = torch.autograd.grad(blocks.causal_attention(*fixed).square().sum(), parts[1:])
    assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))
