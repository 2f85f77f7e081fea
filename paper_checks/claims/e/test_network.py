"""E1, E4, E10: what is trained is the network of the equations, on sequences of the law; both against their twins."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from paper_checks.evidence.assertions import Assertions
from paper_checks.experiments.trainings.settings import SGD, desk
from paper_checks.witnesses.literal_recall import followers, literal_marks
from paper_checks.witnesses.literal_transformer import literal_logits
from simulate import Architecture, Hidden, Recall, Training, Transformer, attention_on_answers, initialised
from simulate.sequences.recall import RecallBatch
from theory import Task

LAW = Recall.of_task(Task(12, 65, 0.5))
"""65 positions are two blocks of attention, and of three sequences one row more than two slices of F1."""
TRAINING = Training(Architecture(13, 65, 8, Hidden(675), Hidden(17)), LAW, SGD, 3, 1, 0)
FLOAT64 = 1e-11
SUMS = "some ten sums of up to 675 products, each off by 675 * 2^-53 of the largest or less"
BFLOAT16 = 16 * 2.0**-8
"""Of root mean squares: some ten roundings of 2^-8 one after the other, and softmax in between."""


def literal_loss(model: Transformer, batch: RecallBatch) -> torch.Tensor:
    """`Training.loss` on recall with the literal network."""
    at = batch.repeated
    return functional.cross_entropy(literal_logits(model, batch.tokens)[at], batch.following[at])


def gradient(model: Transformer, loss: torch.Tensor) -> list[np.ndarray]:
    """In every weight that learns, float64."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    return [found.double().numpy() for found in torch.autograd.grad(loss, weights)]


@pytest.mark.claims("E1")
def test_the_network_is_that_of_the_equations(claim: Assertions) -> None:
    """Logits at every position and the gradient of the training's loss, in float64: the model's own backward pass
    against autograd through equations (1) and (2) written out."""
    model, batch = initialised(TRAINING.architecture, seed=1, dtype=torch.float64), LAW.sample(3, seed=2)
    expected = literal_logits(model, batch.tokens).detach().numpy()
    found = model(batch.tokens, batch.everywhere).detach().numpy().reshape(expected.shape)
    claim.close("logits of the network", expected, found, FLOAT64, SUMS, scale=float(np.abs(expected).max()))
    literal, own = (gradient(model, loss(model, batch)) for loss in (literal_loss, TRAINING.loss))
    for name, exact, value in zip(TRAINING.architecture.learning, literal, own, strict=True):
        claim.close(f"gradient in {name}", exact, value, FLOAT64, SUMS, scale=float(np.abs(exact).max()))


@pytest.mark.claims("E10")
def test_products_of_bfloat16_round_and_no_more(claim: Assertions) -> None:
    """Loss and gradient with products of bfloat16 numbers against the literal network in float64: off by roundings, and
    by more than float32's. 17 sequences are more rows than one slice."""
    batch, training = LAW.sample(17, seed=3), replace(TRAINING, products="bfloat16")
    model = initialised(training.architecture, seed=1)
    twin = initialised(training.architecture, seed=1, dtype=torch.float64)
    exact, found = gradient(twin, literal_loss(twin, batch)), gradient(model, training.loss(model, batch))
    errors = [
        float(np.linalg.norm(one - other) / np.linalg.norm(other)) for one, other in zip(found, exact, strict=True)
    ]
    claim.less("error of gradients in bfloat16, root mean square over the gradient's", errors, BFLOAT16)
    claim.greater("that it is not float32's", errors, 1e-5)


@pytest.mark.claims("E1")
def test_the_sequences_are_those_of_the_law(claim: Assertions) -> None:
    """Marks by plain loops; after a trigger c, or τ with probability α; after any other token one of N alike."""
    law = desk().law
    few, many, N = law.sample(500, seed=4), law.sample(2**14, seed=claim.seed("sequences")), law.M - 1
    marks = few.repeated, few.shown
    for name, exact, value in zip(("repeated", "shown"), literal_marks(few, True), marks, strict=True):
        claim.equal(f"positions that are {name}", exact, value.numpy())
    drawn = many.everywhere.clone()
    drawn[:, -2] = False
    after = drawn & (many.correct >= 0)
    tau, total = many.following[after].eq(law.noise or 0), int(after.sum())
    claim.equal("other tokens after a trigger", 0, int((~tau & (many.following != many.correct)[after]).sum()))
    spread = (law.alpha * (1 - law.alpha) / total) ** 0.5
    claim.estimate("share of τ after a trigger", law.alpha, float(tau.double().mean()), spread, 0.05, samples=total)
    counts = followers(many, drawn & (many.correct < 0), law.M)
    exact = np.append(np.full(N, 1 / N), 0.0)
    spreads = np.sqrt(exact * (1 - exact) / counts.sum())
    claim.estimate("after other tokens", exact, counts / counts.sum(), spreads, 0.1, samples=int(counts.sum()))


@pytest.mark.claims("E4")
def test_what_attention_on_answers_adds_up(claim: Assertions) -> None:
    """Attention on c and on τ after earlier triggers by a loop over positions; without τ none is on it."""
    for name, law, size in (("α = 1/2", LAW, 3), ("without τ", Recall(LAW.chain, 65, (3, 0)), 30)):
        model, batch = initialised(TRAINING.architecture, seed=5, dtype=torch.float64), law.sample(size, seed=6)
        at, tokens = batch.correct >= 0, batch.tokens.tolist()
        attention, found = model.attention(batch.tokens, at)[1].tolist(), attention_on_answers(model, batch, at)
        sums = np.zeros((2, len(attention)))
        for place, (row, t) in enumerate(at.nonzero().tolist()):
            z, c = tokens[row], int(batch.correct[row, t])
            for s in (s for s in range(1, t + 1) if z[s - 1] == z[t]):
                sums[0, place] += attention[place][s] * (z[s] == c)
                sums[1, place] += attention[place][s] * (z[s] == batch.noise)
        because = "sums of at most 65 terms of float64"
        claim.close(f"attention on c after q, {name}", sums[0], found.correct.numpy(), 1e-14, because, scale=1.0)
        claim.close(f"attention on τ after q, {name}", sums[1], found.noise.numpy(), 1e-14, because, scale=1.0)
