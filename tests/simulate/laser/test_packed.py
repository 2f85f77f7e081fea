"""Packed linear maps give what torch's do, to the rounding of their sums, and leave nothing behind."""

import numpy as np
import pytest
import torch

from simulate.laser import packed
from simulate.laser.packed import can_pack, pack, unpack

pytest.importorskip("transformers", reason="needs the extra language", exc_type=ModuleNotFoundError)

from simulate.laser.sweeps import sweep
from tests.oracles.laser import model_of
from tests.simulate.laser.test_laser_sweep import prompts, stacked


@pytest.mark.parametrize("bias", [True, False])
def test_a_packed_map_gives_what_it_gave(bias, monkeypatch):
    """Each entry is a sum of n products, with an error of at most n u Σ|products| in either order."""
    monkeypatch.setattr(packed, "LEAST_ENTRIES", 1)
    linear, draw = torch.nn.Linear(97, 53, bias=bias), torch.Generator().manual_seed(1)
    given = torch.randn(3, 5, 97, generator=draw)
    for weight in linear.parameters():
        torch.nn.init.uniform_(weight, -0.1, 0.1, generator=draw)
    with torch.inference_mode():
        before = linear(given)
        pack(linear)
        after = linear(given)
        bound = torch.finfo(torch.float32).eps * 98 * (given.abs() @ linear.weight.abs().T + 1)
        assert ((before - after).abs() <= bound).all()
        linear.weight += 1  # what is laid out stays
        assert torch.equal(linear(given), after)
        unpack(linear)
        assert not torch.equal(linear(given), after)
    assert "forward" not in vars(linear)


def test_small_maps_and_other_types_are_left_alone():
    assert can_pack(torch.nn.Linear(512, 512)) and not can_pack(torch.nn.Linear(512, 511))
    assert not can_pack(torch.nn.Linear(512, 512, dtype=torch.float64))
    assert not can_pack(torch.nn.Bilinear(8, 8, 4096))


@pytest.mark.parametrize("name", ["neox", "llama", "phi3"])
def test_a_sweep_with_packed_layers_is_the_sweep(name, monkeypatch):
    """In float32; all but the truncated layer are packed, and weights of one that was packed are truncated later."""
    model, sets = model_of(name).float(), prompts()
    asked = {"roles": ("mlp_in", "attention_qkv", "attention_out"), "ranks": (1, 3)}
    plain = sweep(model, sets, **asked)
    monkeypatch.setattr(packed, "LEAST_ENTRIES", 1)
    found = sweep(model, sets, **asked)
    for cell, answers in plain.cells.items():
        for key in sets:
            # Float32 sums of some hundred terms over two layers err by about 1e-6: this is a hundred times more.
            np.testing.assert_allclose(stacked(found.cells[cell][key]), stacked(answers[key]), rtol=1e-4, atol=1e-5)
    assert not any("forward" in vars(module) for module in model.modules())
