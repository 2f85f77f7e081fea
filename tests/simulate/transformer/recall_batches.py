"""Batches and models on which the tests try the probes."""

import numpy as np
import pytest
import torch

from simulate import (
    Architecture,
    Chain,
    Hidden,
    Recall,
    initialised,
)

M, T, BATCH = 7, 19, 11


def random_chain(seed=0):
    """No token follows itself, so that no output is its own trigger."""
    law = np.random.default_rng(seed).dirichlet(np.ones(M), M) * (1 - np.eye(M))
    return Chain(law / law.sum(axis=1, keepdims=True))


CHAIN = random_chain()
LAWS = {
    "two fixed triggers": Recall(CHAIN, T, (1, 4), 0.4, 6, outputs="chain"),
    "three drawn triggers": Recall(CHAIN, T, 3, 0.3, 0, outputs="chain", ends_on_trigger=True),
    "without noise": Recall(CHAIN, T, 2, outputs="chain"),
}
every_law = pytest.mark.parametrize("law", LAWS)


def random_model(seed=1, **options):
    return initialised(Architecture(M, T, 13, Hidden(5), Hidden(17)), seed=seed, **{"dtype": torch.float64, **options})


def drawn(law):
    """A batch, and about half of its positions with a trigger."""
    batch = LAWS[law].sample(BATCH, seed=3)
    at = (batch.correct >= 0) & (torch.rand(BATCH, T, generator=torch.Generator().manual_seed(5)) < 0.5)
    return batch, at
