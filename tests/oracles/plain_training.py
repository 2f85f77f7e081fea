"""A small training, and what tests of the loop look at."""

import numpy as np
import torch

from simulate import Architecture, Chain, Hidden, Optimiser, Recall, Training

CHAIN = Chain(np.random.default_rng(0).dirichlet(np.ones(7), 7))
LAW = Recall(CHAIN, 11, (2, 5), 0.3, 6)
MODEL = Architecture(7, 13, 5, F2=Hidden(3))
MOMENTUM = Optimiser("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01})
ADAM = Optimiser("AdamW", {"lr": 0.02, "weight_decay": 0.1})
PLAIN = Training(MODEL, LAW, MOMENTUM, batch=3, steps=7, seed=5)


def weights(model):
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


def same(one, other):
    """Two models, or their weights, bit for bit."""
    one, other = (model if isinstance(model, dict) else weights(model) for model in (one, other))
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def size(model):
    return {"size": model.W_O2.norm().item()}
