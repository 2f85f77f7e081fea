"""Interventions refuse what they cannot do, and name it."""

import pytest
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

from .interventions import BOTH, INTERVENTIONS, D, M, T, random_model

W = torch.zeros(D, D, dtype=torch.float64)
ONLY_F2 = initialised(Architecture(M, T, D, F2=Hidden(3)), seed=0)
BAD = [
    (
        lambda m: with_weights(m, {"W_Q1": W}),
        ValueError,
        "weights must be of weights, named E, P, .* got 'W_Q1'",
    ),
    (lambda m: with_weights(m, {"U": W}), ValueError, r"weights\['U'\] must have shape \(13, 7\), got \(7, 7\)"),
    (lambda m: with_weights(m, {"F1.w1": W}), ValueError, r"weights\['F1.w1'\] must have shape \(5, 7\), got \(7, 7\)"),
    (lambda m: with_weights(m, {"W_K1": W.float()}), TypeError, "W_K1.* must be .* torch.float64, got torch.float32"),
    (
        lambda m: with_weights(m, {"W_K1": W.numpy()}),
        TypeError,
        "must be a torch.Tensor that has data, got array",
    ),
    (lambda m: without(m, "F3"), ValueError, r"layer must be a feed-forward .*one of \['F1', 'F2'\], got 'F3'"),
    (lambda m: without(m, 1), TypeError, "layer must be a string, got 1"),
    (lambda m: without(without(m, "F1"), "F1"), ValueError, r"layer must be .* one of \['F2'\], got 'F1'"),
    (lambda m: without(ONLY_F2, "F1"), ValueError, r"layer must be .* one of \['F2'\], got 'F1'"),
    (lambda m: frozen(m, ["W_K1", "F3.w1"]), ValueError, "names must be of weights, named E, .*F2.w2, got 'F3.w1'"),
    (
        lambda m: frozen(without(m, "F2"), ["F2.w1"]),
        ValueError,
        "names must be of weights, .*F1.w2, got 'F2.w1'",
    ),
    (lambda m: truncated(m, "F2", 1), ValueError, "name must be of weights, named E, .*F2.w2, got 'F2'"),
    (lambda m: truncated(m, "U", 8), ValueError, r"rank must be at most min\(weight.shape\) = 7, got 8"),
    (lambda m: truncated(m, "U", -1), ValueError, "rank must be an integer >= 0 or None, got -1"),
    (lambda m: truncated(m, "U", 1.0), TypeError, r"rank must be an integer >= 0 or None, got 1\.0"),
    (lambda m: truncated(m, "U"), ValueError, "exactly one of rank and fraction, got rank = None and fraction = None"),
    (lambda m: truncated(m, "U", 1, fraction=0.1), ValueError, "exactly one of .* rank = 1 and fraction = 0.1"),
    (
        lambda m: truncated(m, "U", fraction=1.5),
        ValueError,
        r"fraction must be .* in \[0, 1\] or None, got 1\.5",
    ),
    (lambda m: truncated(m, "U", 1, keep="middle"), ValueError, "keep must be 'top' or 'bottom', got 'middle'"),
    (lambda m: merged_values(m, 0), ValueError, r"layer must be an integer in 1\.\.2, got 0"),
    (lambda m: merged_values(m, 3), ValueError, r"layer must be an integer in 1\.\.2, got 3"),
    (lambda m: merged_values(m, "1"), TypeError, r"layer must be an integer in 1\.\.2, got '1'"),
    (lambda m: merged_values(m, True), TypeError, r"layer must be an integer in 1\.\.2, got True"),
]


@pytest.mark.parametrize(("intervention", "error", "message"), BAD)
def test_bad_input_is_refused(intervention, error, message):
    with pytest.raises(error, match=message):
        intervention(random_model())


@pytest.mark.parametrize("name", INTERVENTIONS)
@pytest.mark.parametrize("other", [None, torch.nn.Linear(D, D), BOTH], ids=lambda other: type(other).__name__)
def test_what_is_no_transformer_is_refused(name, other):
    with pytest.raises(TypeError, match=f"model must be a .*Transformer, got .*{type(other).__name__}"):
        INTERVENTIONS[name][0](other)
