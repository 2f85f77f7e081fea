"""Training at its edges: batches that do not count, numpy integers, settings put back, diverging last updates."""

import json
import math
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from simulate import Architecture, Chain, Optimiser, Recall, Training, initialised, train
from simulate.runtime.checkpoints import read_checkpoint
from simulate.transformer import training as training_module

CHAIN = Chain(np.full((5, 5), 0.2))
LAW = Recall(CHAIN, 7, (2, 3), 0.3, 4)
SMALL = Training(Architecture(5, 11, 3), LAW, Optimiser("SGD", {"lr": 0.1}), batch=3, steps=4, seed=5)


def nothing(model):
    return {}


def test_batches_where_no_position_counts_train_nothing():
    """At T = 2, where no sequence begins with the trigger, none stands twice; weights do not decay either."""
    decaying = Optimiser("SGD", {"lr": 0.1, "weight_decay": 0.5})
    law = Recall(Chain(CHAIN.transition, [0.5, 0.5, 0, 0, 0]), 2, (3,), 0.3, 4, ends_on_trigger=True)
    found = train(replace(SMALL, law=law, optimiser=decaying)).model
    first = initialised(SMALL.architecture, seed=5)
    assert all(torch.equal(*pair) for pair in zip(found.parameters(), first.parameters(), strict=True))


def test_a_run_that_goes_on_further_sees_what_it_would_have_seen(tmp_path):
    longer, marks = replace(SMALL, steps=6), (0, 2, 4, 6)
    train(SMALL, observe=nothing, at=(0, 2, 4), checkpoint=tmp_path / "state")
    found = train(longer, observe=nothing, at=marks, checkpoint=tmp_path / "state")
    assert found.history == train(longer, observe=nothing, at=marks).history


@pytest.mark.parametrize("changes", [{"noise": np.int64(4)}, {"triggers": (np.int64(2),)}, {"triggers": np.int64(2)}])
def test_numpy_integers_make_the_same_law(tmp_path, changes):
    plain = {name: value[0].item() if isinstance(value, tuple) else value.item() for name, value in changes.items()}
    plain = {name: (value,) if isinstance(changes[name], tuple) else value for name, value in plain.items()}
    given, stated = (replace(SMALL, law=replace(LAW, **laws)) for laws in (changes, plain))
    assert given.configuration == stated.configuration
    train(given, checkpoint=tmp_path / "state")


def test_a_deterministic_mode_that_only_warns_is_left_alone():
    try:
        torch.use_deterministic_algorithms(True, warn_only=True)
        train(SMALL)
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


def test_an_infinite_last_update_is_said_and_not_kept(tmp_path):
    wild = replace(SMALL, steps=1, optimiser=Optimiser("RMSprop", {"lr": 1e38}))
    with pytest.raises(FloatingPointError, match="at step 1, learning rate 1e"):
        train(wild, checkpoint=tmp_path / "state")
    assert read_checkpoint(tmp_path / "state").step == 0


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({"step": 1.0}, "not named step or loss, got the name 'step'"),
        ({"loss": 1.0}, "not named step or loss, got the name 'loss'"),
        ({"x": float("nan")}, "got x = nan"),
    ],
)
def test_what_is_observed_is_checked(seen, words):
    with pytest.raises(ValueError, match=words):
        train(SMALL, observe=lambda model: seen, at=(0,))


def test_a_model_where_nothing_learns_is_refused():
    names = ("W_K1", "W_V1", "W_O1", "W_K2", "W_V2", "W_O2")
    with pytest.raises(ValueError, match="weights that learn"):
        replace(SMALL, architecture=Architecture(5, 11, 3, frozen=names))


def test_settings_that_no_checkpoint_holds_are_refused():
    for bad in (0.9j, torch.zeros(2), {"of": 0.9}, [0.9, b"0.9"]):
        with pytest.raises(TypeError, match=r"settings\['momentum'\].* must be a finite number, a bool, a string"):
            Optimiser("SGD", {"lr": 0.1, "momentum": bad})


@pytest.mark.parametrize("number", [np.float32(0.5), np.float64(0.5), torch.tensor(0.5), np.array(0.5), Fraction(1, 2)])
def test_settings_are_numbers_of_any_library(number):
    made = Optimiser("AdamW", {"lr": number, "betas": (number, 0.9), "maximize": np.bool_(False), "fused": None})
    assert json.loads(json.dumps(made.settings)) == {"lr": 0.5, "betas": [0.5, 0.9], "maximize": False, "fused": None}


@pytest.mark.parametrize("name", ["lr", "momentum", "weight_decay", "dampening"])
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_settings_are_finite(name, number):
    with pytest.raises(ValueError, match=rf"settings\['{name}'\] must be a finite number.*got -?(nan|inf)"):
        Optimiser("SGD", {"lr": 0.1, name: number})


def test_six_numbers_of_an_observation_are_shown():
    seen = {f"n{number}": number / 3 for number in range(8)}
    text = training_module.observation_text(seen)
    assert text == ", ".join(f"n{number} {number / 3:.4g}" for number in range(6))


def test_a_configuration_names_products_that_are_not_of_float32():
    """Checkpoints from before there were others do not, and are gone on from."""
    for products, names in (("float32", False), ("bfloat16", True)):
        assert ("products" in json.loads(replace(SMALL, products=products).configuration)) is names


def test_a_loss_at_the_bound_has_not_diverged(monkeypatch):
    """With 1 in place of ln M, the largest loss is the bound itself; below it the training stops."""
    worst = max(train(SMALL, observe=nothing, at=range(5)).curve("loss"))
    monkeypatch.setattr(training_module, "math", SimpleNamespace(log=lambda tokens: 1.0))
    monkeypatch.setattr(training_module, "DIVERGED", worst)
    train(SMALL)
    monkeypatch.setattr(training_module, "DIVERGED", math.nextafter(worst, 0))
    with pytest.raises(FloatingPointError, match=f"loss is {worst} at step"):
        train(SMALL)
