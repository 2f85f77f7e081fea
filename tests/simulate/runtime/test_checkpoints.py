"""Checkpoints are read back bit for bit, written whole, and refused with a word why; and so are bad trainings."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save

from simulate import Architecture, Chain, Hidden, Optimiser, Recall, Training, train
from simulate.runtime import files
from simulate.runtime.checkpoints import Checkpoint, read_checkpoint
from simulate.runtime.seals import EMPTY, seal
from tests.oracles.simulate import BAD_COUNTS

CHAIN = Chain(np.random.default_rng(0).dirichlet(np.ones(5), 5))
EVEN = np.full((5, 5), 0.2)
LAW = Recall(CHAIN, 7, (2, 3), 0.3, 4)
MODEL = Architecture(5, 11, 3)
ADAM = Optimiser("AdamW", {"lr": 0.02, "weight_decay": 0.1})
SMALL = Training(MODEL, LAW, ADAM, batch=3, steps=4, seed=5)


def length(model):
    return {"length": model.W_K2.norm().item()}


def bits(value):
    """A tensor down to its bits; a number with its kind and its sign."""
    return (value.dtype, value.shape, value.contiguous().numpy().tobytes()) if torch.is_tensor(value) else repr(value)


def plain(found):
    """All that a checkpoint holds, so that == is equality bit for bit."""
    optimiser = {
        number: {name: bits(value) for name, value in state.items()} for number, state in found.optimiser.items()
    }
    weights = {name: bits(weight.detach()) for name, weight in found.weights.items()}
    return found.step, weights, optimiser, repr(found.history), found.configuration


def by_hand():
    """A checkpoint of numbers that a careless hand would change."""
    special = torch.tensor([[0.1, -0.0, math.inf], [1e-45, math.nan, 16777215.0]])
    wide = torch.tensor([0.1, 5e-324, -0.0], dtype=torch.float64)
    optimiser = {
        0: {"step": torch.tensor(3.0), "exp_avg": special.T, "momentum_buffer": None},
        11: {"step": 3, "factor": 0.1 + 0.2, "exp_avg": wide},
    }
    history = [{"step": 0, "x": 0.1 + 0.2, "y": -0.0}, {"step": 2, "loss": 5e-324, "x": -1e300}]
    return Checkpoint(3, {"W_V1": special, "F1.w1": wide.clone(), "E": special.T}, optimiser, history, '{"τ": "a/b"}')


def test_what_is_written_is_read_bit_for_bit(tmp_path):
    by_hand().write(tmp_path / "new" / "folder" / "state")
    assert plain(read_checkpoint(tmp_path / "new" / "folder" / "state")) == plain(by_hand())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_state_of_an_optimiser_is_read_bit_for_bit(tmp_path, dtype):
    draws = torch.Generator().manual_seed(2)
    weights = [torch.nn.Parameter(torch.randn(shape, generator=draws, dtype=dtype)) for shape in ((3, 5), (7, 2))]
    optimiser = torch.optim.AdamW(weights, lr=0.1, amsgrad=True)
    for _ in range(3):
        for weight in weights:
            weight.grad = torch.randn(weight.shape, generator=draws, dtype=dtype)
        optimiser.step()
    state = optimiser.state_dict()["state"]
    assert sorted(state[1]) == ["exp_avg", "exp_avg_sq", "max_exp_avg_sq", "step"]
    written = Checkpoint(3, {"W_V1": weights[0], "P": weights[1]}, state, [], "{}")
    written.write(tmp_path / "state")
    assert plain(read_checkpoint(tmp_path / "state")) == plain(written)


@pytest.mark.parametrize("failure", [OSError, KeyboardInterrupt])
def test_a_checkpoint_is_whole_or_untouched(tmp_path, monkeypatch, failure):
    place = tmp_path / "state"
    by_hand().write(place)

    def fail(*paths):
        raise failure

    for name in ("replace", "fsync"):
        with monkeypatch.context() as patch:
            patch.setattr(files.os, name, fail)
            with pytest.raises(failure):
                replace(by_hand(), step=4).write(place)
        assert plain(read_checkpoint(place)) == plain(by_hand())
        assert list(tmp_path.iterdir()) == [place]
    replace(by_hand(), step=4).write(place)
    assert read_checkpoint(place).step == 4 and list(tmp_path.iterdir()) == [place]


def foreign(**changes):
    """A safetensors file with the checkpoint's entries but for the changes; None leaves one out."""
    entries = {"step": "3", "history": "[]", "configuration": '"{}"', "rest": "{}"} | changes
    known = {name: text for name, text in entries.items() if text is not None}
    return seal(save({"weight/E": torch.ones(2)}, {**known, "sha256": EMPTY}))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "must be a whole safetensors file"),
        (b"step = 3, all is well\n" * 9, "must be a whole safetensors file"),
        (
            save({"weight/E": torch.ones(2)}),
            "must be a whole safetensors file as it was written: .* no sha256",
        ),
        (foreign(rest=None), "must hold step, history, configuration, rest, it lacks rest$"),
        (foreign(step=None, history=None), "must hold step, history, configuration, rest, it lacks step, history$"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused_and_left(tmp_path, content, words):
    place = tmp_path / "state"
    place.write_bytes(content)
    for read in (lambda: read_checkpoint(place), lambda: train(SMALL, checkpoint=place)):
        with pytest.raises(ValueError, match=f"checkpoint {re.escape(str(place))} {words}"):
            read()
    assert place.read_bytes() == content and list(tmp_path.iterdir()) == [place]


def test_a_file_cut_short_or_grown_is_refused_and_left(tmp_path):
    place = tmp_path / "state"
    train(SMALL, checkpoint=place)
    whole = place.read_bytes()
    lengths = [*range(0, 41), *range(41, len(whole), 211), len(whole) - 1]
    words = f"checkpoint {re.escape(str(place))} must be a whole safetensors file"
    for content in [*(whole[:cut] for cut in lengths), whole + b"\0"]:
        place.write_bytes(content)
        with pytest.raises(ValueError, match=words):
            read_checkpoint(place)
    with pytest.raises(ValueError, match=words):
        train(SMALL, checkpoint=place)
    assert place.read_bytes() == whole + b"\0" and list(tmp_path.iterdir()) == [place]


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    place = tmp_path / "nothing"
    with pytest.raises(FileNotFoundError, match=re.escape(str(place))):
        read_checkpoint(place)
    for read in (lambda: read_checkpoint(tmp_path), lambda: train(SMALL, checkpoint=tmp_path)):
        with pytest.raises(IsADirectoryError, match=re.escape(str(tmp_path))):
            read()
    assert not list(tmp_path.iterdir())


OTHERS = {
    "width": ("architecture", {"architecture": replace(MODEL, width=4)}, "'width': 4"),
    "feed-forward": ("architecture", {"architecture": replace(MODEL, F2=Hidden(2))}, "'size': 2"),
    "frozen": ("architecture", {"architecture": replace(MODEL, frozen=("W_V1",))}, "W_V1"),
    "length of the law": ("law", {"law": replace(LAW, T=8)}, "'T': 8"),
    "triggers": ("law", {"law": replace(LAW, triggers=(2, 1))}, r"'triggers': \[2, 1\]"),
    "number of triggers": ("law", {"law": replace(LAW, triggers=2)}, "'triggers': 2"),
    "alpha": ("law", {"law": replace(LAW, alpha=0.25)}, "'alpha': 0.25"),
    "noise": ("law", {"law": replace(LAW, noise=1)}, "'noise': 1"),
    "outputs": ("law", {"law": replace(LAW, outputs="chain")}, "'outputs': 'chain'"),
    "last token": ("law", {"law": replace(LAW, ends_on_trigger=True)}, "'ends_on_trigger': True"),
    "chain": ("law", {"law": replace(LAW, chain=Chain(EVEN, CHAIN.initial))}, "'chain': '[0-9a-f]{64}'"),
    "first token": ("law", {"law": replace(LAW, chain=Chain(CHAIN.transition, EVEN[0]))}, "'chain'"),
    "learning rate": ("optimiser", {"optimiser": Optimiser("AdamW", ADAM.settings | {"lr": 0.03})}, "'lr': 0.03"),
    "another setting": ("optimiser", {"optimiser": Optimiser("AdamW", {"lr": 0.02})}, "'settings': {'lr': 0.02}"),
    "another optimiser": ("optimiser", {"optimiser": Optimiser("Adam", ADAM.settings)}, "'name': 'Adam'"),
    "batch": ("batch", {"batch": 2}, "2"),
    "seed": ("seed", {"seed": 6}, "6"),
    "loss": ("loss_on", {"loss_on": "every"}, "every"),
}  # fmt: skip


@pytest.mark.parametrize(("key", "changes", "own"), OTHERS.values(), ids=OTHERS)
def test_a_checkpoint_of_another_training_is_refused_with_what_differs(tmp_path, key, changes, own):
    place = tmp_path / "state"
    train(replace(SMALL, steps=1), checkpoint=place)
    before = place.read_bytes()
    words = (
        rf"checkpoint {re.escape(str(place))} must be of this training, it differs in {key}: .* there, .*{own}.* here$"
    )
    with pytest.raises(ValueError, match=words) as caught:
        train(replace(SMALL, **changes), checkpoint=place)
    assert str(caught.value).count(" there, ") == 1
    assert place.read_bytes() == before


def test_everything_that_differs_is_said(tmp_path):
    train(replace(SMALL, steps=1), checkpoint=tmp_path / "state")
    with pytest.raises(ValueError, match=r"differs in batch: 3 there, 2 here, .*seed: 5 there, 7 here"):
        train(replace(SMALL, batch=2, seed=7), checkpoint=tmp_path / "state")


def test_more_steps_go_on_and_fewer_are_refused(tmp_path):
    place, marks = tmp_path / "state", (0, 2, 4, 7)
    train(SMALL, observe=length, at=marks[:3], checkpoint=place)
    with pytest.raises(ValueError, match=f"{re.escape(str(place))} must be of a step up to steps = 3, got 4"):
        train(replace(SMALL, steps=3), checkpoint=place)
    longer = replace(SMALL, steps=7)
    found, whole = (train(longer, observe=length, at=marks, checkpoint=where) for where in (place, None))
    pairs = zip(found.model.parameters(), whole.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)
    assert found.history == whole.history and read_checkpoint(place).step == 7


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("Sgd", {"lr": 0.1}, "optimiser must be the name of one in torch.optim, such as 'SGD', got 'Sgd'"),
        ("Optimizer", {"lr": 0.1}, "optimiser must be the name of one in torch.optim"),
        ("LBFGS", {"lr": 0.1}, "optimiser must be the name of one in torch.optim.* got 'LBFGS'"),
        ("SparseAdam", {"lr": 0.1}, "optimiser must be the name of one in torch.optim.* got 'SparseAdam'"),
        ("lr_scheduler", {"lr": 0.1}, "optimiser must be the name of one in torch.optim"),
        ("SGD", {}, "optimiser SGD must have a positive, finite learning rate lr, got None"),
        *(("SGD", {"lr": lr}, f"rate lr, got {lr!r}") for lr in (0, -0.1, True, "0.1")),
        *(
            ("SGD", {"lr": lr}, rf"settings\['lr'\] must be a finite number, .*, got {lr!r}")
            for lr in (math.nan, math.inf)
        ),
        ("SGD", {"lr": 0.1, "speed": 2}, "optimiser SGD refuses {'lr': 0.1, 'speed': 2}: .*speed"),
        ("SGD", {"lr": 0.1, "momentum": -1}, "optimiser SGD refuses .*: Invalid momentum value: -1"),
        ("AdamW", {"lr": 0.1, "betas": (0.9, 1.5)}, "optimiser AdamW refuses .*: Invalid beta"),
    ],
)
def test_an_optimiser_that_cannot_be_is_refused(name, settings, words):
    with pytest.raises(ValueError, match=words):
        Optimiser(name, settings)


def test_an_optimiser_is_given_by_its_name():
    with pytest.raises(TypeError, match="name must be a string, got <class"):
        Optimiser(torch.optim.SGD, {"lr": 0.1})


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"architecture": replace(MODEL, tokens=6)}, ValueError, "as many tokens as the law, 5, got 6"),
        ({"architecture": replace(MODEL, length=6)}, ValueError, "positions for sequences of T = 7, got length = 6"),
        ({"architecture": "small"}, TypeError, "architecture must be a simulate.transformer.Architecture, got 'small'"),
        ({"law": CHAIN}, TypeError, "law must be a simulate.sequences.Recall, got Chain"),
        ({"optimiser": "SGD"}, TypeError, "optimiser must be a simulate.transformer.Optimiser, got 'SGD'"),
        ({"loss_on": "last"}, ValueError, "loss_on must be 'recall' or 'every', got 'last'"),
        ({"seed": -1}, ValueError, "seed must be an integer >= 0, got -1"),
        *(({"batch": bad}, error, "batch must be an integer >= 1") for bad, error in BAD_COUNTS),
        *(({"steps": bad}, error, "steps must be an integer >= 1") for bad, error in BAD_COUNTS),
    ],
)
def test_a_training_that_cannot_be_is_refused(changes, error, words):
    with pytest.raises(error, match=words):
        replace(SMALL, **changes)


def test_positions_for_just_the_sequence_are_enough():
    train(replace(SMALL, architecture=replace(MODEL, length=7), steps=1))


@pytest.mark.parametrize(
    ("training", "options", "error", "words"),
    [
        (MODEL, {}, TypeError, "training must be a simulate.transformer.Training, got Architecture"),
        (SMALL, {"device": "tpu"}, ValueError, "device must be .* got 'tpu'"),
        (SMALL, {"device": 0}, TypeError, "device must be .* got 0"),
        (SMALL, {"device": "cuda:99"}, ValueError, "device 'cuda:99' is not available"),
        (SMALL, {"every": 0}, ValueError, "every must be an integer >= 1, got 0"),
    ],
)
def test_a_bad_argument_is_refused_before_any_work(tmp_path, training, options, error, words):
    with pytest.raises(error, match=words):
        train(training, checkpoint=tmp_path / "state", **options)
    assert not list(tmp_path.iterdir())
