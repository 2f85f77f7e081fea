"""The transformer: logits, attention, gradients against its literal twin and loops; causality; initial weights."""

import math
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch.nn import functional

from paper_checks.witnesses.literal_transformer import literal_logits
from simulate import Architecture, Hidden, Transformer, initialised
from simulate.transformer import feed_forward

from .models import BATCH, CASES, F1, D, M, T, every_case, made, random_tokens

lengths = pytest.mark.parametrize("length", [T, 8, 2, 1])


def masks(length):
    """One position, all positions, and rows with none, all and some."""
    one = torch.zeros(BATCH, length, dtype=torch.bool)
    one[3, length // 2] = True
    ragged = torch.rand(BATCH, length, generator=torch.Generator().manual_seed(3)) < 0.4
    ragged[1], ragged[2], ragged[4, -1] = False, True, True
    return one, torch.ones_like(one), ragged


def literal(tokens):
    return lambda model: literal_logits(model, tokens).detach()


def rounding(quantity, model):
    """Bound on what rounding makes of `quantity(model)` in float64.

    Rounding is linear in ε, so float64 loses 2^-29 of what float32 loses. Another order of the same sums draws other
    roundings of the same size: the largest of them agree within a small factor, and 64 is left for it.
    """
    return 64 * 2.0**-29 * float((quantity(model) - quantity(deepcopy(model).float())).abs().max())


def assert_within(bound, found, expected):
    found = found.detach()
    assert found.shape == expected.shape and found.dtype == expected.dtype == torch.float64
    assert (found - expected).abs().max() <= bound


def loops(model, tokens):
    """Logits, both attentions and what the second layer reads for one sequence, one position after the other."""
    w = {name: weight.detach().double().numpy() for name, weight in model.named_parameters()}
    functions = {"relu": lambda h: np.maximum(h, 0), "linear": lambda h: h}
    x, attentions = [w["E"][z] + w["P"][t] for t, z in enumerate(tokens)], []
    for layer in (1, 2):
        a, read = np.zeros((len(x), len(x))), []
        for t in range(len(x)):
            for s in range(t + 1):
                a[t, s] = math.exp(x[t] @ w[f"W_K{layer}"] @ x[s] / math.sqrt(D))
            a[t] /= a[t].sum()
            read.append(sum(a[t, s] * x[s] for s in range(t + 1)))
        x = [x[t] + w[f"W_O{layer}"] @ w[f"W_V{layer}"] @ read[t] for t in range(len(x))]
        hidden = getattr(model.architecture, f"F{layer}")
        if hidden is not None:
            x = [h + w[f"F{layer}.w2"] @ functions[hidden.activation](w[f"F{layer}.w1"] @ h) for h in x]
        attentions.append(a)
    return [torch.tensor(np.array(part)) for part in ([w["U"] @ g for g in x], *attentions, read)]


# What it computes


@lengths
@every_case
def test_logits_are_the_literal_ones_at_every_marked_position(case, length):
    """In reading order, and in float32 to 1e-5 of the largest logit."""
    model, tokens = made(case), random_tokens(length)
    expected, bound = literal(tokens)(model), rounding(literal(tokens), model)
    for at in masks(length):
        assert_within(bound, model(tokens, at), expected[at])
        single = deepcopy(model).float()(tokens, at).detach()
        assert single.dtype == torch.float32 and (single - expected[at]).abs().max() < 1e-5 * expected[at].abs().max()


@pytest.mark.parametrize("values", [1, 50, 10**6])
@pytest.mark.parametrize("case", ["F1", "linear", "some frozen"])
def test_feed_forward_layers_in_slices_are_those_in_one(monkeypatch, case, values):
    """So few hidden values at a time that each position is a slice of its own, some, and all; gradients too."""
    monkeypatch.setattr(feed_forward, "SLICE", values)
    model, tokens = made(case), random_tokens(T)
    expected, bound = literal(tokens)(model), rounding(literal(tokens), model)
    at = masks(T)[1]
    assert_within(bound, model(tokens, at), expected[at])
    with torch.no_grad():
        assert_within(bound, model(tokens, at), expected[at])
    test_gradients_are_those_of_the_literal_loss(case)


def test_sequences_without_a_marked_position_cost_nothing():
    """The rows that are worked out are those that somebody asks about."""
    model, tokens = made("F1"), random_tokens(T)
    seen = []
    model.F1.register_forward_hook(lambda layer, given, result: seen.append(len(result)))
    one, every, ragged = masks(T)
    for at in (one, every, ragged):
        model(tokens, at), model.attention(tokens, at), model.attended(tokens, at)
    assert seen == [1] * 3 + [BATCH] * 3 + [BATCH - 1] * 3
    assert torch.equal(model.first_attention(tokens), model.attention(tokens, one)[0])


@every_case
def test_one_pass_gives_what_is_read_in_and_its_attention(case):
    model, tokens = made(case), random_tokens(T)
    for at in masks(T):
        *reads, attention = model.second_layer(tokens, at)
        assert all(map(torch.equal, reads, model.read_in(tokens, at)))
        assert torch.equal(attention, model.attention(tokens, at)[1])


@lengths
@every_case
def test_logits_and_attention_are_those_of_loops_over_positions(case, length):
    model, tokens = made(case), random_tokens(length, seed=5)
    logits, first, second, read = (torch.stack(p) for p in zip(*[loops(model, z) for z in tokens], strict=True))
    assert length < T or second[:, 3:].max() > 0.5, "softmax must bend"
    every = masks(length)[1]

    def outputs(m, at):
        return m(tokens, at), *m.attention(tokens, at), m.attended(tokens, at)

    # One key has all attention, in float32 too: its bound is 0.
    bounds = [rounding(lambda m, k=k: outputs(m, every)[k].detach(), model) for k in range(4)]
    assert_within(bounds[0], literal_logits(model, tokens), logits)
    for at in masks(length):
        for parts in zip(bounds, outputs(model, at), (logits[at], first, second[at], read[at]), strict=True):
            assert_within(*parts)


@every_case
def test_gradients_are_those_of_the_literal_loss(case):
    """Of the cross entropy at ragged positions, in every weight that learns; the others have none."""
    architecture, learning = CASES[case]
    model, tokens, at = made(case), random_tokens(), masks(T)[2]
    target = random_tokens(seed=7)[at]
    assert set(architecture.learning) == learning

    def literal_gradients(m):
        leaves = [weight for name, weight in m.named_parameters() if name in learning]
        return torch.autograd.grad(functional.cross_entropy(literal_logits(m, tokens)[at], target), leaves)

    functional.cross_entropy(model(tokens, at), target).backward()
    weights = dict(model.named_parameters())
    assert set(weights) == set(architecture.weights)
    found = {name: weight.grad for name, weight in weights.items() if weight.grad is not None}
    assert set(found) == learning
    for k, (name, gradient) in enumerate(found.items()):
        expected = literal_gradients(model)[k]
        assert expected.abs().max() > 1e-3, f"{name} must matter"
        assert_within(rounding(lambda m, k=k: literal_gradients(m)[k], model), gradient, expected)


@every_case
def test_attention_is_a_law_on_the_keys_so_far(case):
    model, tokens = made(case), random_tokens()
    at = masks(T)[2]
    first, second = model.attention(tokens, at)
    later = torch.arange(T) > at.nonzero()[:, 1:]
    assert not first.triu(1).any() and not second[later].any() and (first.tril() >= 0).all() and (second >= 0).all()
    for rows in (first, second):
        # 2T roundings of ε / 2: T - 1 in the sum of exponentials, 2 in a quotient, T - 1 in the sum of the row.
        assert (rows.sum(dim=-1) - 1).abs().max() < T * torch.finfo(torch.float64).eps


@every_case
def test_later_tokens_changed_or_cut_off_leave_earlier_logits_as_they_are(case):
    model, tokens = made(case), random_tokens()
    everywhere = torch.ones_like(tokens, dtype=torch.bool)
    expected, bound = literal(tokens)(model), rounding(literal(tokens), model)
    for t in range(1, T):
        other = tokens.clone()
        other[:, t:] = (other[:, t:] + 1 + random_tokens(T - t, seed=t) % (M - 1)) % M
        earlier = everywhere.clone()
        earlier[:, t:] = False
        assert_within(bound, model(other, earlier), expected[earlier])
        assert_within(bound, model(tokens[:, :t], everywhere[:, :t]), expected[earlier])
        moved = model(other, everywhere).unflatten(0, (BATCH, T)) - expected
        assert (moved[:, t:].abs().amax(dim=(1, 2)) > 1e-3).all(), "the tokens must matter"


@every_case
def test_logits_come_in_reading_order(case):
    model, tokens, at = made(case), random_tokens(), masks(T)[2]
    expected, bound = literal(tokens)(model), rounding(literal(tokens), model)
    places = [(row, t) for row in range(BATCH) for t in range(T) if at[row, t]]
    for logits, place in zip(model(tokens, at), places, strict=True):
        assert_within(bound, logits, expected[place])


# Bad input

GOOD = {
    Hidden: {"size": 3},
    Architecture: {"tokens": M, "length": T, "width": D, "F1": F1},
    Transformer: {"architecture": CASES["F1"][0]},
    initialised: {"architecture": CASES["F1"][0], "seed": 0},
}
BAD = [
    (Hidden, "size", 0, ValueError, "size must be an integer >= 1, got 0"),
    (Hidden, "size", 2.5, TypeError, "size must be an integer >= 1, got 2.5"),
    (Hidden, "size", True, TypeError, "size must be an integer >= 1, got True"),
    (Hidden, "activation", "gelu", ValueError, r"activation must be 'relu' or 'linear', got 'gelu'"),
    (Hidden, "activation", None, ValueError, "activation must be .* got None"),
    (Architecture, "tokens", 1, ValueError, "tokens must be an integer >= 2, got 1"),
    (Architecture, "tokens", "9", TypeError, "tokens must be an integer >= 2, got '9'"),
    (Architecture, "length", 1, ValueError, "length must be an integer >= 2, got 1"),
    (Architecture, "length", None, TypeError, "length must be an integer >= 2, got None"),
    (Architecture, "width", 0, ValueError, "width must be an integer >= 1, got 0"),
    (Architecture, "width", 7.0, TypeError, r"width must be an integer >= 1, got 7\.0"),
    (Architecture, "F1", 3, TypeError, "F1 must be a simulate.transformer.Hidden or None, got 3"),
    (Architecture, "F2", "relu", TypeError, "F2 must be a simulate.transformer.Hidden or None, got 'relu'"),
    (Architecture, "positions", "sinusoidal", ValueError, r"positions must be 'random' or 'learned', got 'sinusoidal'"),
    (Architecture, "frozen", ("W_V1", "W_V3"), ValueError, "frozen must name weights, E, P, .* got 'W_V3'$"),
    (Architecture, "frozen", ("F1.w1", "F2.w1", 4), TypeError, r"frozen\[2\] must be a string, got 4"),
    (Transformer, "architecture", 3, TypeError, "architecture must be a simulate.transformer.Architecture, got 3"),
    (Transformer, "dtype", torch.int64, TypeError, "dtype must be a floating-point torch dtype, got torch.int64"),
    (Transformer, "dtype", torch.complex64, TypeError, "dtype must be a floating-point .* got torch.complex64"),
    (Transformer, "dtype", "float32", TypeError, "dtype must be a floating-point torch dtype, got 'float32'"),
    (
        initialised,
        "architecture",
        None,
        TypeError,
        "architecture must be a .*Architecture, got None",
    ),
    (initialised, "seed", -1, ValueError, "seed must be an integer >= 0, got -1"),
    (initialised, "seed", 1.0, TypeError, r"seed must be an integer >= 0, got 1\.0"),
    (initialised, "dtype", torch.bool, TypeError, "dtype must be a floating-point torch dtype, got torch.bool"),
]


@pytest.mark.parametrize(("call", "name", "value", "error", "message"), BAD)
def test_bad_input_to_what_makes_a_model_is_refused(call, name, value, error, message):
    call(**GOOD[call])
    with pytest.raises(error, match=message):
        call(**{**GOOD[call], name: value})


TOKENS = random_tokens(8)
MARKED = torch.ones(BATCH, 8, dtype=torch.bool)
BAD_TOKENS = [
    ("tokens", random_tokens(T + 1), ValueError, r"tokens must have .* t in 1\.\.11, .* positions, got \(5, 12\)"),
    ("tokens", TOKENS[0], ValueError, r"tokens must have shape \(batch, t\) .* got \(8,\)"),
    ("tokens", TOKENS[:0], ValueError, r"tokens must have shape .* got \(0, 8\)"),
    ("tokens", TOKENS[:, :0], ValueError, r"tokens must have shape .* got \(5, 0\)"),
    ("tokens", torch.full_like(TOKENS, M), ValueError, r"tokens must be in 0\.\.12, got 13\.\.13"),
    ("tokens", torch.full_like(TOKENS, -1), ValueError, r"tokens must be in 0\.\.12, got -1\.\.-1"),
    ("tokens", TOKENS.int(), TypeError, "tokens must be an int64 tensor, got torch.int32"),
    ("tokens", TOKENS.tolist(), TypeError, "tokens must be an int64 tensor, got list"),
    ("at", MARKED.double(), TypeError, "at must be a bool tensor, got torch.float64"),
    ("at", [True], TypeError, r"at must be a bool tensor, got \[True\]"),
    ("at", MARKED[:, 1:], ValueError, r"at must have the shape of tokens, \(5, 8\), got \(5, 7\)"),
    ("at", MARKED[0], ValueError, r"at must have the shape of tokens, \(5, 8\), got \(8,\)"),
    ("at", ~MARKED, ValueError, "at must mark at least one position, got none"),
]


@pytest.mark.parametrize("method", ["forward", "attention", "attended"])
@pytest.mark.parametrize(("name", "value", "error", "message"), BAD_TOKENS)
def test_bad_tokens_and_marks_are_refused(method, name, value, error, message):
    good, call = {"tokens": TOKENS, "at": MARKED}, getattr(made("F1"), method)
    call(**good)
    with pytest.raises(error, match=message):
        call(**{**good, name: value})
    if name == "tokens" and torch.is_tensor(value):
        with pytest.raises(error, match=message):
            literal_logits(made("F1"), value)
