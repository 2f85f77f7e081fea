"""B3: the gradients of which the three steps are made, and the sequences they are taken on, written out."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments.named import in_words
from paper_checks.witnesses.literal_transformer import literal_two_layer_loss
from simulate import TwoLayer, sample_induction, two_layer_gradient
from simulate.induction.model import MATRICES
from theory.birth import accuracy
from theory.birth.three_steps import InductionTask, Reads

N, T, BLOCK = 3, 5, 2048
"""Sequences of a block are as many as are worked out at a time, and twice that: no more and no fewer are added up."""


def random_model(by_position: bool) -> TwoLayer:
    """All weights random, those of W_K1 between positions alone or all of them."""
    model, draws = TwoLayer(N, T), torch.Generator().manual_seed(3)
    weights = {name: torch.randn(getattr(model, name).shape, generator=draws, dtype=torch.float64) for name in MATRICES}
    if by_position:
        weights["W_K1"][: model.N] = weights["W_K1"][:, : model.N] = 0
    return model.with_weights(**weights)


@pytest.mark.claims("B3")
@pytest.mark.parametrize("by_position", [True, False], ids=["between positions", "all of W_K1"])
def test_gradients_are_those_of_the_equations(claim: Assertions, by_position: bool) -> None:
    """Where the first layer attends by position, by the chain rule, and where tokens matter to it, by autograd: both
    against autograd through the network written out."""
    model, because = random_model(by_position), "sums over 4096 sequences of float64, and half a dozen before each"
    for blocks in (2, 4):
        batch = sample_induction(N, T, blocks * BLOCK, seed=blocks)
        for matrix in MATRICES:
            found = two_layer_gradient(model, matrix, len(batch.tokens), seed=blocks, blocks=2)
            parts = zip(batch.tokens.chunk(2), batch.target.chunk(2), strict=True)
            losses = [literal_two_layer_loss(model, *part) for part in parts]
            exact = np.stack([-torch.autograd.grad(loss, getattr(model, matrix))[0].numpy() for loss in losses])
            name = f"gradient in {matrix}, {len(batch.tokens)} sequences"
            claim.close(name, exact, found.blocks, 1e-12, because, scale=float(np.abs(exact).max()))


@pytest.mark.claims("B3")
def test_sequences_of_the_steps(claim: Assertions) -> None:
    """As many as are asked for, beyond a block of random numbers too; z_j = z_T = q, z_{j+1} = y, no other q; y and j
    uniform."""
    size = 2**16 + 1
    batch = sample_induction(N + 1, T - 1, size, seed=claim.seed("sequences"))
    claim.equal("sequences", size, len(batch.tokens))
    few = sample_induction(N + 1, T - 1, 7, seed=claim.seed("sequences"))
    claim.equal("the first of them", few.tokens.numpy(), batch.tokens[:7].numpy())
    rows, q = torch.arange(size), batch.tokens[:, -1]
    claim.equal("z_j = q", q.numpy(), batch.tokens[rows, batch.position].numpy())
    claim.equal("z_{j+1} = y", batch.target.numpy(), batch.tokens[rows, batch.position + 1].numpy())
    claim.equal("other q", 2 * size, int((batch.tokens == q[:, None]).sum()))
    for name, values, count in (("y after q", (batch.target - q) % (N + 1) - 1, N), ("j", batch.position, T - 3)):
        exact, found = np.full(count, 1 / count), np.bincount(values.numpy(), minlength=count) / size
        spreads = np.sqrt(exact * (1 - exact) / size)
        claim.estimate(f"law of {name}", exact, found, spreads, 0.1, samples=size)


@pytest.mark.claims("B3")
def test_sizes_that_suffice_are_a_hundredth_above_the_bounds(claim: Assertions) -> None:
    """The step of W_K² that `sufficient_sizes` names is 1.01 times 4/3 log(T-1) over the least gap, with the gap as an
    exact number: the bound that its docstring argues for, and no more than a hundredth above it."""
    reads = Reads(keys=("E1", "E"))
    for size in ((5, 12), (8, 6), (20, 16)):
        task = InductionTask(*size)
        gap, found = min(accuracy.score_gaps(task, reads, 1)), accuracy.sufficient_sizes(task, reads)
        bound = math.log(task.T - 1) * float(Fraction(4, 3) / gap)
        because = "a few roundings of 2^-53"
        claim.close(f"step of W_K² over its bound, {in_words(task)}", 1.01, found[0] / bound, 1e-14, because)
