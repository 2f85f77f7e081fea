"""An update of the two-layer transformer at the paper's size: against the plain model that computes every position, and
against its matrix products alone."""

from functools import cache

import pytest
import torch
from torch.nn import functional

from paper_checks.experiments.trainings.settings import paper
from paper_checks.witnesses.literal_transformer import literal_logits
from simulate import initialised
from tests.benchmarks.notes import amount, at_least
from tests.benchmarks.products import Products

SEQUENCES = 128
"""Of the paper's 512: all sides are linear in the batch."""
OPERATIONS = "floating-point operations"
"""In matrix products, of which nearly all are."""

update = pytest.mark.benchmark(group="update of the transformer: 128 sequences, T = d = 256, hidden 1024")


@cache
def prepared():
    """The training, a model, a batch, and the function that makes an update from logits at the repeated triggers."""
    training = paper().job(seed=1).training
    model, batch = initialised(training.architecture, seed=1), training.law.sample(SEQUENCES, seed=1)
    optimiser = training.optimiser.over([weight for weight in model.parameters() if weight.requires_grad])

    def learn(logits):
        optimiser.zero_grad()
        functional.cross_entropy(logits, batch.following[batch.repeated]).backward()
        optimiser.step()

    return model, batch, learn


def where_needed():
    model, batch, learn = prepared()
    learn(model(batch.tokens, batch.repeated))


def everywhere():
    model, batch, learn = prepared()
    learn(literal_logits(model, batch.tokens)[batch.repeated])


@cache
def products():
    """Those of an update where needed."""
    prepared()
    with Products() as found:
        where_needed()
    return found


@update
def test_asked_positions(benchmark):
    amount(benchmark, products().operations, OPERATIONS)
    benchmark.pedantic(where_needed, rounds=5, warmup_rounds=1)


@update
def test_every_position(benchmark):
    at_least(benchmark, 2.5, of="asked_positions", remark="lower while other processes share the caches")
    model, batch, _ = prepared()
    with torch.no_grad():
        apart = model(batch.tokens, batch.repeated) - literal_logits(model, batch.tokens)[batch.repeated]
    assert apart.abs().max() <= 1e-5
    benchmark.pedantic(everywhere, rounds=3)


@update
def test_matrix_products_alone(benchmark):
    amount(benchmark, products().operations, OPERATIONS)
    at_least(benchmark, 0.6, of="asked_positions", remark="share of the time that sgemm needs")
    benchmark.pedantic(products().alone(), rounds=5, warmup_rounds=1)
