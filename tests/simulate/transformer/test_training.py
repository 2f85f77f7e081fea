"""The training loop: against one written by hand, killed and resumed, its losses, its watch over divergence."""

import io
import math
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from paper_checks.witnesses.literal_transformer import literal_logits
from simulate import Optimiser, Recall, initialised, train
from simulate.runtime import files
from simulate.runtime.checkpoints import read_checkpoint
from simulate.transformer import training as training_module
from tests.oracles.plain_training import ADAM, CHAIN, LAW, MODEL, MOMENTUM, PLAIN, same, size, weights
from tests.oracles.simulate import rounding
from tests.places import ROOT

optimisers = pytest.mark.parametrize("optimiser", [MOMENTUM, ADAM], ids=lambda optimiser: optimiser.name)


def test_seed_makes_the_weights():
    model = train(PLAIN).model
    assert same(model, train(PLAIN).model)
    other = train(replace(PLAIN, seed=6)).model
    assert not any(torch.equal(weight, weights(other)[name]) for name, weight in weights(model).items())


@pytest.mark.parametrize("loss_on", ["recall", "every"])
@pytest.mark.parametrize(
    ("optimiser", "made"),
    [
        (MOMENTUM, lambda w: torch.optim.SGD(w, lr=0.1, momentum=0.9, weight_decay=0.01)),
        (ADAM, lambda w: torch.optim.AdamW(w, lr=0.02, weight_decay=0.1)),
    ],
    ids=["SGD", "AdamW"],
)
def test_loop_is_the_one_written_by_hand(optimiser, made, loss_on):
    model = initialised(MODEL, seed=5)
    learner, losses = made(model.parameters()), []
    for step in range(PLAIN.steps):
        batch = LAW.sample(3, seed=5, index=step)
        at = batch.repeated if loss_on == "recall" else torch.ones(3, 11, dtype=torch.bool)
        loss = functional.cross_entropy(model(batch.tokens, at), batch.sequence[:, 1:][at])
        learner.zero_grad()
        loss.backward()
        learner.step()
        losses.append(loss.item())
    found = train(replace(PLAIN, optimiser=optimiser, loss_on=loss_on), observe=size, at=range(8))
    assert same(found.model, model)
    assert found.curve("loss")[:-1] == losses and found.curve("step") == list(range(8))
    assert found.curve("size")[-1] == size(model)["size"]


@pytest.mark.parametrize("loss_on", ["recall", "every"])
def test_loss_is_the_mean_over_the_positions_that_count(loss_on):
    """Logits are sums of products of seven matrices, each of inner products of 13 terms at most."""
    model, batch = initialised(MODEL, seed=1, dtype=torch.float64), LAW.sample(17, seed=3)
    logits = literal_logits(model, batch.tokens).detach().numpy()
    losses = []
    for row, z in enumerate(batch.sequence.tolist()):
        for t in range(11):
            if loss_on == "every" or (z[t] in (2, 5) and z[t] in z[:t]):
                losses.append(np.logaddexp.reduce(logits[row, t]) - logits[row, t, z[t + 1]])
    assert 0 < len(losses) < 17 * 11 or loss_on == "every"
    found = replace(PLAIN, loss_on=loss_on).loss(model, batch).item()
    np.testing.assert_allclose(found, np.mean(losses), rtol=0, atol=rounding(7 * 13, np.abs(logits).max()))


def test_a_batch_where_nothing_counts_costs_nothing():
    law = Recall(CHAIN, 2, (3,), 0.3, 6, ends_on_trigger=True)
    batch = next(b for b in (law.sample(1, seed=0, index=i) for i in count()) if not b.repeated.any())
    training = replace(PLAIN, law=law)
    assert training.loss(initialised(MODEL, seed=1), batch).item() == 0
    assert replace(training, loss_on="every").loss(initialised(MODEL, seed=1), batch).item() > 0


def child(place, fate):
    """In a process of its own: goes on from the checkpoint at `place`, and is killed while "writing" or "observing"."""
    calls, replaced = count(1), os.replace

    def die_at(call):
        if next(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)

    def replace_or_die(*paths):
        die_at(4)
        replaced(*paths)

    def size_or_die(model):
        die_at(3)
        return size(model)

    if fate == "writing":
        files.os.replace = replace_or_die
    observe = size_or_die if fate == "observing" else size
    train(replace(PLAIN, optimiser=ADAM), observe=observe, at=range(8), checkpoint=Path(place), every=1)


def test_a_killed_training_goes_on_as_if_nothing_had_been(tmp_path):
    """The first process dies before the fourth checkpoint, that of step 3, is in its place, the second at its third
    observation, that of step 5; this process ends the work."""
    place, training = tmp_path / "state", replace(PLAIN, optimiser=ADAM)
    environment = os.environ | {"PYTHONPATH": f"{ROOT}"}
    for fate, step in (("writing", 2), ("observing", 4)):
        code = f"from {child.__module__} import child; child({str(place)!r}, {fate!r})"
        command = [sys.executable, "-c", code]
        found = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
        assert found.returncode == -signal.SIGKILL, found.stderr
        assert read_checkpoint(place).step == step < training.steps
    resumed = train(training, observe=size, at=range(8), checkpoint=place)
    whole = train(training, observe=size, at=range(8))
    assert same(resumed.model, whole.model) and resumed.history == whole.history
    assert [seen["step"] for seen in resumed.history] == list(range(8))


@optimisers
@pytest.mark.parametrize(("every", "kept"), [(1, 4), (3, 3), (100, 0)])
def test_an_interrupted_training_goes_on_as_if_nothing_had_been(tmp_path, optimiser, every, kept):
    training, place = replace(PLAIN, optimiser=optimiser), tmp_path / "folder" / "state"
    options = {"at": (0, 2, 3, 5, 7), "checkpoint": place, "every": every}
    calls = count(1)

    def interrupted(model):
        if next(calls) == 4:
            raise KeyboardInterrupt
        return size(model)

    with pytest.raises(KeyboardInterrupt):
        train(training, observe=interrupted, **options)
    assert read_checkpoint(place).step == kept
    resumed = train(training, observe=size, **options)
    whole = train(training, observe=size, at=(0, 2, 3, 5, 7))
    assert same(resumed.model, whole.model) and resumed.history == whole.history
    assert [seen["step"] for seen in whole.history] == [0, 2, 3, 5, 7]
    again = train(training, observe=size, **options)  # nothing left to do
    assert same(again.model, whole.model) and again.history == whole.history


def test_checkpoints_are_of_every_so_many_updates_and_of_the_end(tmp_path):
    place, found = tmp_path / "state", []

    def look(model):
        found.append(read_checkpoint(place) if place.exists() else None)
        return {}

    train(PLAIN, observe=look, at=range(8), checkpoint=place, every=3)
    assert found[0] is None and [kept.step for kept in found[1:]] == [0, 0, 0, 3, 3, 3, 6]
    assert same(found[1].weights, initialised(MODEL, seed=5))
    assert same(found[4].weights, train(replace(PLAIN, steps=3)).model)
    last = read_checkpoint(place)
    assert last.step == 7 and same(last.weights, train(PLAIN).model)


@optimisers
@pytest.mark.parametrize(
    ("changes", "fixed"),
    [
        ({}, {"E", "U", "P"}),
        ({"frozen": ("W_V1", "W_O1", "F2.w1")}, {"E", "U", "P", "W_V1", "W_O1", "F2.w1"}),
        ({"positions": "learned", "frozen": ("W_K2",)}, {"E", "U", "W_K2"}),
    ],
)
def test_frozen_weights_stay_and_all_others_learn(optimiser, changes, fixed):
    training = replace(PLAIN, architecture=replace(MODEL, **changes), optimiser=optimiser)
    before, after = weights(initialised(training.architecture, seed=5)), weights(train(training).model)
    assert {name for name in before if torch.equal(before[name], after[name])} == fixed


def test_observation_comes_at_the_steps_asked_for_and_before_their_update():
    seen = []

    def look(model):
        seen.append(weights(model))
        return {"calls": float(len(seen))}

    found = train(PLAIN, observe=look, at=(0, 2, 5))
    assert found.curve("step") == [0, 2, 5] and found.curve("calls") == [1, 2, 3]
    assert same(seen[0], initialised(MODEL, seed=5))
    assert all(same(state, train(replace(PLAIN, steps=k)).model) for state, k in zip(seen[1:], (2, 5), strict=True))
    for options in ({"observe": look}, {"at": (0, 2)}):
        with pytest.raises(ValueError, match="observe and at must be given together"):
            train(PLAIN, **options)


@pytest.mark.parametrize("at", [(2, 1), (1, 1), (8,), (-1,), (1.0,)], ids=str)
def test_steps_to_observe_are_increasing_numbers_of_updates(at):
    with pytest.raises((TypeError, ValueError), match=r"at(\[0\])? must be"):
        train(PLAIN, observe=size, at=at)


def test_a_learning_rate_too_large_stops_the_training(tmp_path):
    place = tmp_path / "state"
    training = replace(PLAIN, optimiser=Optimiser("SGD", {"lr": 1e6}))
    with pytest.raises(
        FloatingPointError, match=rf"loss is .* at step 1, .*rate 1000000.0; {re.escape(str(place))} keeps"
    ):
        train(training, checkpoint=place, every=2)
    kept = read_checkpoint(place)
    assert kept.step == 0 and same(kept.weights, initialised(MODEL, seed=5))
    with pytest.raises(FloatingPointError, match=r"learning rate 1000000.0$"):
        train(training)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_weight_that_is_no_number_stops_the_training_and_is_not_kept(tmp_path, value):
    place, calls = tmp_path / "state", count()

    def poison(model):
        if next(calls) == 4:
            with torch.no_grad():
                model.W_K2[2, 1] = value
        return {}

    with pytest.raises(FloatingPointError, match=r"W_K2 is not finite at step 4, learning rate 0\.1"):
        train(PLAIN, observe=poison, at=range(8), checkpoint=place, every=1)
    kept = read_checkpoint(place)
    assert kept.step == 3 and same(kept.weights, train(replace(PLAIN, steps=3)).model)
    assert same(train(PLAIN, checkpoint=place).model, train(PLAIN).model)  # and it can be gone on from


def test_a_loss_diverges_beyond_a_thousand_guesses(monkeypatch):
    """Guessing costs ln M; the bound is moved to either side of the largest of the losses, in double precision."""
    assert training_module.DIVERGED == 1000
    losses = train(PLAIN, observe=size, at=range(8)).curve("loss")
    worst = losses.index(max(losses))
    monkeypatch.setattr(training_module, "DIVERGED", losses[worst] / math.log(7) * (1 + 1e-14))
    train(PLAIN)
    monkeypatch.setattr(training_module, "DIVERGED", losses[worst] / math.log(7) * (1 - 1e-14))
    with pytest.raises(FloatingPointError, match=f"loss is {losses[worst]} at step {worst}, learning rate 0.1"):
        train(PLAIN)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("progress", "terminal", "long", "shown"),
    [
        (True, False, False, True),
        (False, True, True, False),
        (None, True, True, True),
        (None, True, False, False),
        (None, False, True, False),
    ],
)
def test_observed_numbers_are_told_where_they_are_wanted(monkeypatch, progress, terminal, long, shown):
    stream = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(training_module, "LONG_RUN_STEPS", 6 if long else 7)
    train(PLAIN, observe=lambda model: {"depth": 0.0625}, at=(0, 7), progress=progress)
    assert ("depth 0.0625" in stream.getvalue()) is shown
    assert shown or stream.getvalue() == ""


def test_progress_counts_every_update_once(tmp_path, monkeypatch):
    moved = []

    @contextmanager
    def bar(total, *others):
        yield lambda units, label=None: moved.append(units / total)

    monkeypatch.setattr(training_module, "progress_bar", bar)
    for steps in (4, 8):
        train(replace(PLAIN, steps=steps), checkpoint=tmp_path / "state")
        assert sum(moved) == 1
        moved.clear()


@pytest.mark.parametrize("before", [False, True])
def test_a_gpu_is_deterministic_for_the_training_alone(monkeypatch, before):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "set")  # so that monkeypatch puts back what was there
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    kept = torch.are_deterministic_algorithms_enabled()
    try:
        torch.use_deterministic_algorithms(before)
        with training_module._repeatable(torch.device("cpu")):
            assert torch.are_deterministic_algorithms_enabled() is before
        assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ
        with pytest.raises(KeyError), training_module._repeatable(torch.device("cuda")):
            assert torch.are_deterministic_algorithms_enabled()
            assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
            raise KeyError
        assert torch.are_deterministic_algorithms_enabled() is before
    finally:
        torch.use_deterministic_algorithms(kept)
