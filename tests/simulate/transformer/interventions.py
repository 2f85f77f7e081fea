"""Interventions that the tests try, on a model with every kind of weight."""

import torch

from simulate import (
    Architecture,
    Hidden,
    frozen,
    initialised,
    merged_values,
    truncated,
    with_weights,
    without,
)

M, T, D, BATCH = 13, 11, 7, 5
BOTH = Architecture(M, T, D, Hidden(5), Hidden(17), positions="learned", frozen=("W_V1", "F1.w2"))
NAMES = BOTH.weights
NEW = torch.arange(D * D, dtype=torch.float64).reshape(D, D)
F1, F2 = {"F1.w1", "F1.w2"}, {"F2.w1", "F2.w2"}
INTERVENTIONS = {  # and the weights whose values change or that go
    "with no weights": (lambda m: with_weights(m, {}), set()),
    "with W_K2": (lambda m: with_weights(m, {"W_K2": NEW}), {"W_K2"}),
    "without F1": (lambda m: without(m, "F1"), F1),
    "without F2": (lambda m: without(m, "F2"), F2),
    "E, W_K1 frozen": (lambda m: frozen(m, ["W_K1", "E"]), set()),
    "P of full rank": (lambda m: truncated(m, "P", D), set()),
    "W_K1 of rank 3": (lambda m: truncated(m, "W_K1", 3), {"W_K1"}),
    "W_K2 without its 2 largest": (lambda m: truncated(m, "W_K2", D - 2, keep="bottom"), {"W_K2"}),
    "F1.w2 of rank 0": (lambda m: truncated(m, "F1.w2", 0), {"F1.w2"}),
    "half of U": (lambda m: truncated(m, "U", fraction=0.5), {"U"}),
    "merged 1": (lambda m: merged_values(m, 1), {"W_V1", "W_O1"}),
    "merged 2": (lambda m: merged_values(m, 2), {"W_V2", "W_O2"}),
}


def random_model(dtype=torch.float64, seed=1):
    return initialised(BOTH, seed=seed, dtype=dtype)
