"""Products of bfloat16 numbers: what they are, what of a training they change, and where they are refused."""

import json
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from simulate import Hidden, initialised, train
from simulate.transformer import products as products_module
from simulate.transformer.causal_attention import causal_attention
from simulate.transformer.feed_forward import ROWS, feed_forward
from simulate.transformer.products import check_products, has_bfloat16, product
from tests.oracles.plain_training import LAW, MODEL, PLAIN, same, size

BOTH = replace(MODEL, F1=Hidden(4), F2=Hidden(3, "linear"))
ROUNDED = replace(PLAIN, architecture=BOTH, products="bfloat16")
EPSILON = 2.0**-8
"""Largest relative error of rounding to bfloat16."""

needs_bfloat16 = pytest.mark.skipif(not has_bfloat16(), reason="not run: the processor has no bfloat16 products")


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def error(value, exact):
    """Root mean square of the error over that of the exact entries."""
    return float((value.detach().double() - exact).norm() / exact.norm())


@needs_bfloat16
@pytest.mark.parametrize("shape", [(), (3,)], ids=["matrices", "batches"])
def test_torch_adds_up_in_float32_and_rounds_once(shape):
    """4096 products: but for ties, the exact sum of the rounded operands' products, rounded; sums of bfloat16 numbers
    would be off by a tenth."""
    left, right = drawn(*shape, 32, 4096).bfloat16(), drawn(*shape, 4096, 24, seed=1).bfloat16()
    exact = left.double() @ right.double()
    assert (left @ right == exact.bfloat16()).double().mean() > 0.99
    short = torch.zeros(*shape, 32, 24, dtype=torch.bfloat16)
    for k in range(4096):
        short += left[..., k, None] * right[..., k, None, :]
    assert error(short, exact) > 0.03 > error(left @ right, exact)


@needs_bfloat16
def test_a_product_has_rounded_operands_and_result_and_so_has_its_gradient():
    left, right, weight = drawn(6, 5), drawn(5, 4, seed=1), drawn(6, 4, seed=2)
    pair = [tensor.clone().requires_grad_() for tensor in (left, right)]
    found = product(*pair, "bfloat16")
    (found * weight).sum().backward()
    rounded = [tensor.bfloat16().double() for tensor in (left, right, weight)]
    assert torch.equal(found, (rounded[0] @ rounded[1]).bfloat16().float())
    assert torch.equal(pair[0].grad, (rounded[2] @ rounded[1].T).bfloat16().float())
    assert torch.equal(pair[1].grad, (rounded[0].T @ rounded[2]).bfloat16().float())
    assert torch.equal(product(left, right, "float32"), left @ right)


@needs_bfloat16
@pytest.mark.parametrize("is_relu", [True, False])
def test_the_feed_forward_layer_over_several_slices(is_relu):
    """Value and gradients against autograd in float64: off by roundings, and by more than float32's. Where they turn
    the sign of a hidden value its gradient comes or goes."""
    shapes = ((2 * ROWS + 3, 7), (5, 7), (7, 5))
    single = [drawn(*shape, seed=seed).requires_grad_() for seed, shape in enumerate(shapes)]
    double = [tensor.detach().double().requires_grad_() for tensor in single]
    x, w1, w2 = double
    hidden = functional.linear(x, w1)
    exact = x + functional.linear(hidden.relu() if is_relu else hidden, w2)
    found = feed_forward(*single, is_relu=is_relu, products="bfloat16")
    weight = drawn(*exact.shape, seed=9)
    (found * weight).sum().backward()
    (exact * weight.double()).sum().backward()
    assert found.dtype == torch.float32 and 1e-5 < error(found, exact.detach()) < 4 * EPSILON
    for one, other in zip(single, double, strict=True):
        assert one.grad.dtype == torch.float32 and 1e-5 < error(one.grad, other.grad) < 16 * EPSILON
    with torch.no_grad():
        assert torch.equal(feed_forward(*single, is_relu=is_relu, products="bfloat16"), found)


@needs_bfloat16
def test_causal_attention_over_several_blocks():
    """As for the feed-forward layer; 130 positions are three blocks."""
    single = [drawn(2, 130, 6, seed=seed).requires_grad_() for seed in range(3)]
    double = [tensor.detach().double().requires_grad_() for tensor in single]
    queries, keys, values = double
    scores = (queries @ keys.mT / 6**0.5).masked_fill(torch.ones(130, 130).triu(1).bool(), -torch.inf)
    exact, weight = scores.softmax(dim=2) @ values, drawn(2, 130, 6, seed=9)
    found = causal_attention(*single, "bfloat16")
    (found * weight).sum().backward()
    (exact * weight.double()).sum().backward()
    assert found.dtype == torch.float32 and 1e-5 < error(found, exact.detach()) < 4 * EPSILON
    for one, other in zip(single, double, strict=True):
        assert one.grad.dtype == torch.float32 and 1e-5 < error(one.grad, other.grad) < 8 * EPSILON


@needs_bfloat16
def test_gradients_of_a_model_are_those_of_float32_but_for_roundings():
    model, batch = initialised(BOTH, seed=5), LAW.sample(200, seed=3)
    gradients = {}
    for products in ("float32", "bfloat16"):
        model.zero_grad()
        replace(ROUNDED, products=products).loss(model, batch).backward()
        gradients[products] = {n: w.grad.clone() for n, w in model.named_parameters() if w.requires_grad}
    for name, exact in gradients["float32"].items():
        rounded = gradients["bfloat16"][name]
        assert rounded.dtype == torch.float32 and 0 < error(rounded, exact.double()) < 0.05, name


@needs_bfloat16
def test_an_interrupted_training_gives_the_same_bits(tmp_path):
    place = tmp_path / "state"
    whole = train(ROUNDED, observe=size, at=(2, 7))
    train(replace(ROUNDED, steps=4), observe=size, at=(2,), checkpoint=place)
    resumed = train(ROUNDED, observe=size, at=(2, 7), checkpoint=place)
    assert same(resumed.model, whole.model) and resumed.history == whole.history
    assert not same(whole.model, train(replace(ROUNDED, products="float32")).model)


def test_the_configuration_of_float32_trainings_is_as_before_there_were_others():
    """Byte for byte: their checkpoints stay good."""
    plain = json.loads(PLAIN.configuration)
    assert list(plain) == ["architecture", "batch", "law", "loss_on", "optimiser", "seed"]
    rounded = json.loads(replace(PLAIN, products="bfloat16").configuration)
    assert rounded == plain | {"products": "bfloat16"}


@needs_bfloat16
@pytest.mark.parametrize(("there", "here"), [("float32", "bfloat16"), ("bfloat16", "float32")])
def test_a_checkpoint_of_other_products_is_refused(tmp_path, there, here):
    place = tmp_path / "state"
    train(replace(PLAIN, products=there), checkpoint=place)
    shown = {"float32": "None", "bfloat16": "bfloat16"}
    with pytest.raises(ValueError, match=f"differs in products: {shown[there]} there, {shown[here]} here"):
        train(replace(PLAIN, products=here), checkpoint=place)


def test_unknown_products_are_named():
    with pytest.raises(ValueError, match=r"products must be 'float32' or 'bfloat16', got 'float16'"):
        replace(PLAIN, products="float16")


def test_products_that_the_device_lacks_are_refused_before_any_work(monkeypatch, tmp_path):
    monkeypatch.setattr(products_module, "has_bfloat16", lambda: False)
    place = tmp_path / "state"
    with pytest.raises(ValueError, match=r"products must be 'float32' on this processor, .* neither avx512_bf16 nor"):
        train(replace(PLAIN, products="bfloat16"), checkpoint=place)
    assert not place.exists()
    train(PLAIN, checkpoint=place)
    monkeypatch.setattr(products_module, "has_bfloat16", lambda: True)
    with pytest.raises(ValueError, match="products must be 'float32' on cuda"):
        check_products("bfloat16", torch.device("cuda"))


@pytest.mark.parametrize("name", ["avx512_bf16", "amx_tile"])
def test_either_kind_of_instruction_will_do(monkeypatch, name):
    known = {"_is_avx512_bf16_supported": "avx512_bf16", "_is_amx_tile_supported": "amx_tile"}
    for function, kind in known.items():
        monkeypatch.setattr(torch.cpu, function, lambda kind=kind: kind == name)
    assert has_bfloat16()
    for function in known:
        monkeypatch.setattr(torch.cpu, function, lambda: False)
    assert not has_bfloat16()
