"""Interventions on a transformer: what each changes and leaves, against numpy and literal models; composition."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from paper_checks.witnesses.literal_transformer import literal_logits
from simulate import (
    Architecture,
    Transformer,
    frozen,
    merged_values,
    truncated,
    with_weights,
    without,
)

from .interventions import BATCH, BOTH, INTERVENTIONS, NAMES, NEW, D, M, T, random_model

ranks = {name: min(w.shape) for name, w in Transformer(BOTH).named_parameters()}
every_weight = pytest.mark.parametrize("name", NAMES)
precisions = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
every_intervention = pytest.mark.parametrize("name", INTERVENTIONS)


def values(model):
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


def random_input(seed=2):
    """Tokens, and marks with a row that has none."""
    draws = torch.Generator().manual_seed(seed)
    tokens, at = torch.randint(M, (BATCH, T), generator=draws), torch.rand(BATCH, T, generator=draws) < 0.5
    at[3] = False
    return tokens, at


def logits(model):
    return model(*random_input()).detach()


def literal(model):
    tokens, at = random_input()
    return literal_logits(model, tokens)[at].detach()


def rounding(quantity, model):
    """Bound on the rounding of `quantity(model)` in float64: 2^-29 of what float32 loses, and 64 for another order."""
    return 64 * 2.0**-29 * float((quantity(model) - quantity(deepcopy(model).float())).abs().max())


def distance(one, other):
    assert one.shape == other.shape and one.dtype == other.dtype == torch.float64
    return float((one - other).abs().max())


def parts(weight, rank):
    """Sums of the `rank` largest singular terms and of the others in float64, the norm, and norm / smallest gap."""
    left, sizes, right = np.linalg.svd(weight.double().numpy(), full_matrices=False)
    terms = [size * np.outer(u, v) for u, size, v in zip(left.T, sizes, right, strict=True)]
    nothing = np.zeros(weight.shape)
    return sum(terms[:rank], nothing), sum(terms[rank:], nothing), sizes[0], sizes[0] / -np.diff(sizes).max()


# What all do


@every_intervention
def test_a_new_model_is_made_and_the_old_one_left_as_it_was(name):
    intervention, touched = INTERVENTIONS[name]
    model, given_weight = random_model(), NEW.clone()
    before, learning = values(model), [w.requires_grad for w in model.parameters()]
    made = intervention(model)
    after = values(made)
    assert type(made) is Transformer and set(after) == set(made.architecture.weights)
    assert {k for k in before if k not in after or not torch.equal(before[k], after[k])} == touched
    assert {k for k, w in made.named_parameters() if w.requires_grad} == set(made.architecture.learning)
    places = [{w.untyped_storage().data_ptr() for w in m.parameters()} for m in (model, made)]
    assert made is not model and not places[0] & places[1] and len(places[1]) == len(after)
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(1)
    assert model.architecture == BOTH and [w.requires_grad for w in model.parameters()] == learning
    assert all(torch.equal(before[k], w) and w.grad is None for k, w in model.named_parameters())
    assert torch.equal(NEW, given_weight)


@pytest.mark.parametrize("name", sorted(set(INTERVENTIONS) - {"with W_K2"}))
def test_the_type_stays(name):
    made = INTERVENTIONS[name][0](random_model(torch.float32))
    assert {weight.dtype for weight in made.parameters()} == {torch.float32}


def test_weights_put_in_are_those_computed_with():
    """All but one from another model: the logits are its own, but for that one."""
    model, other = random_model(), random_model(seed=3)
    made = with_weights(model, {k: w for k, w in values(other).items() if k != "U"})
    expected = with_weights(other, {"U": values(model)["U"]})
    assert torch.equal(logits(made), logits(expected)) and not torch.equal(logits(made), logits(other))
    assert torch.equal(logits(with_weights(model, dict(other.named_parameters()))), logits(other))


# Truncation


@precisions
@every_weight
def test_truncation_is_numpys_and_the_two_parts_add_up(name, dtype):
    model = random_model(dtype)
    weight = values(model)[name]
    for rank in range(ranks[name] + 1):
        top = values(truncated(model, name, rank))[name]
        bottom = values(truncated(model, name, ranks[name] - rank, keep="bottom"))[name]
        large, small, norm, turn = parts(weight, rank)
        # One rounding to the type of entries up to the norm, and of float64 the backward error of two decompositions,
        # which turns singular spaces by the error over the gap.
        bound = norm * (torch.finfo(dtype).eps / 2 + 2 * max(weight.shape) * 2.0**-52 * (1 + 2 * turn))
        assert bound < 1e-5 * norm
        for part, expected in ((top, large), (bottom, small)):
            assert np.abs(part.double().numpy() - expected).max() <= bound
        assert np.abs((top.double() + bottom.double() - weight.double()).numpy()).max() <= 2 * bound


@every_weight
def test_at_full_rank_the_logits_are_the_same(name):
    model = random_model()
    for whole in ({"rank": ranks[name]}, {"fraction": 1}, {"rank": ranks[name], "keep": "bottom"}):
        assert torch.equal(logits(truncated(model, name, **whole)), logits(model))
    assert distance(logits(truncated(model, name, 0)), logits(model)) > 1e-3


@pytest.mark.parametrize("part", ["w1", "w2"])
@pytest.mark.parametrize("layer", ["F1", "F2"])
def test_at_rank_zero_of_either_matrix_a_layer_is_gone(layer, part):
    model = random_model()
    assert torch.equal(logits(truncated(model, f"{layer}.{part}", 0)), logits(without(model, layer)))


def test_fractions_are_of_the_smaller_side():
    model = random_model()
    for name, fraction, rank in (("F1.w1", 0.4, 2), ("U", 0.5, 4), ("F2.w2", 1 / 7, 1), ("P", 0, 0)):
        one, other = truncated(model, name, fraction=fraction), truncated(model, name, rank)
        assert torch.equal(values(one)[name], values(other)[name])
        assert np.linalg.matrix_rank(values(one)[name].numpy()) == rank


# Values merged, layers dropped, weights frozen


@pytest.mark.parametrize("layers", [(1,), (2,), (1, 2)], ids=str)
def test_merged_values_compute_the_same_function(layers):
    model = random_model()
    made, before = model, values(model)
    for layer in layers:
        made = merged_values(made, layer)
        product = before[f"W_O{layer}"].numpy() @ before[f"W_V{layer}"].numpy()
        # Sums of D products of entries below 1.
        assert np.abs(values(made)[f"W_O{layer}"].numpy() - product).max() <= D * D * 2.0**-52
        assert torch.equal(values(made)[f"W_V{layer}"], torch.eye(D, dtype=torch.float64))
    assert distance(logits(made), literal(model)) <= rounding(literal, model)
    assert distance(logits(merged_values(made, layer)), literal(model)) <= rounding(literal, model), (
        "once more changes nothing"
    )


@pytest.mark.parametrize("layer", [1, 2])
def test_merged_values_round_once_in_float32(layer):
    single = random_model(torch.float32)
    double = deepcopy(single).double()
    name = f"W_O{layer}"
    assert torch.equal(values(merged_values(single, layer))[name], values(merged_values(double, layer))[name].float())


@pytest.mark.parametrize("layer", [1, 2])
def test_merged_values_truncated_are_the_product_truncated(layer):
    """The same as W_O with the product's largest terms and W_V = 1; the factors truncated one by one are not."""
    model, rank = random_model(), 3
    W_O, W_V = f"W_O{layer}", f"W_V{layer}"
    made = truncated(merged_values(model, layer), W_O, rank)
    kept, _, _, turn = parts(values(model)[W_O] @ values(model)[W_V], rank)
    expected = with_weights(model, {W_O: torch.tensor(kept), W_V: torch.eye(D, dtype=torch.float64)})
    # The product's rounding turns its singular spaces by as much over the gap.
    assert distance(logits(made), literal(expected)) <= (1 + 2 * turn) * rounding(literal, expected)
    apart = truncated(truncated(model, W_O, rank), W_V, rank)
    assert distance(logits(apart), logits(made)) > 1e-3


@pytest.mark.parametrize("gone", [("F1",), ("F2",), ("F1", "F2"), ("F2", "F1")], ids=str)
def test_without_a_layer_it_is_the_literal_model_of_that_architecture(gone):
    model = made = random_model()
    for layer in gone:
        made = without(made, layer)
    layers = {layer: getattr(BOTH, layer) for layer in ("F1", "F2") if layer not in gone}
    still = ("W_V1", "F1.w2") if "F1" in layers else ("W_V1",)
    architecture = Architecture(M, T, D, **layers, positions="learned", frozen=still)
    expected = Transformer(architecture, dtype=torch.float64)
    expected.load_state_dict({name: w for name, w in values(model).items() if name.split(".")[0] not in gone})
    assert made.architecture == architecture
    assert distance(logits(made), literal(expected)) <= rounding(literal, expected)
    assert distance(logits(made), logits(model)) > 1e-3


def gradients(model):
    twin = deepcopy(model)
    twin(*random_input()).square().mean().backward()
    return {name: weight.grad for name, weight in twin.named_parameters() if weight.grad is not None}


def test_frozen_weights_stop_learning_for_good():
    """The gradients of the others stay; those of the frozen are none."""
    model = random_model()
    made = frozen(frozen(model, ("W_K2", "F2.w1")), iter(["P", "W_K2", "U"]))
    gone = {"W_K2", "F2.w1", "P"}
    assert made.architecture.learning == tuple(name for name in BOTH.learning if name not in gone)
    assert frozen(made, ()).architecture == made.architecture
    assert set(gradients(made)) == set(BOTH.learning) - gone and set(gradients(model)) == set(BOTH.learning)
    for name, gradient in gradients(made).items():
        assert distance(gradient, gradients(model)[name]) <= rounding(lambda m, name=name: gradients(m)[name], model)
    assert frozen(without(made, "F2"), ["F1.w1"]).architecture.learning == ("W_K1", "W_O1", "W_V2", "W_O2")


@given(data=st.data())
@settings(max_examples=30, deadline=None, derandomize=True)
def test_interventions_on_different_weights_compose_in_any_order(data):
    """Bit by bit, and so do the names of what learns."""
    chosen, touched = [], set()
    for name in data.draw(st.permutations(sorted(INTERVENTIONS))):
        if not touched & INTERVENTIONS[name][1]:
            touched |= INTERVENTIONS[name][1]
            chosen.append(name)
    models = []
    for order in (chosen, data.draw(st.permutations(chosen))):
        models.append(random_model())
        for name in order:
            models[-1] = INTERVENTIONS[name][0](models[-1])
    one, other = map(values, models)
    assert set(one) == set(other) and all(torch.equal(one[name], other[name]) for name in one)
    assert models[0].architecture.learning == models[1].architecture.learning
    assert torch.equal(logits(models[0]), logits(models[1]))
