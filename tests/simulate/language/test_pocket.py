"""Pocket Pythia: its batches, a miniature retrained and resumed, and the folders that are shipped."""

import hashlib
import json

import numpy as np
import pytest
import torch

pytest.importorskip("transformers", reason="needs the extra language", exc_type=ModuleNotFoundError)

from transformers import AutoModelForCausalLM, AutoTokenizer

from paper_checks.commands import train_pocket as command
from simulate.language.models import load_language_model
from simulate.pocket.shipped import CONFIRMING, EARLY, EXPLORED, FOLDER, STEPS, pocket_folders, pocket_record
from simulate.pocket.training import PocketTraining, batches, pocket_tokenizer, train_pocket
from simulate.prompts.corpus import CHUNK, NOISE_RATE, documents
from simulate.prompts.sets import fact_prompts, recall_prompts
from simulate.prompts.tokens import encode, measure
from tests.oracles import picture_commands

run = picture_commands.command("train-pocket")
SMALL = {"width": 32, "layers": 1, "heads": 2, "batch": 16, "vocabulary": 1088, "warmup": 5}


@pytest.fixture(scope="module")
def tokenizer():
    return pocket_tokenizer(1088)


def test_documents_are_a_function_of_seed_and_chunk():
    assert documents(3, 2) == documents(3, 2) and len(documents(3, 2)) == CHUNK
    assert documents(3, 2) != documents(3, 3) != documents(4, 3)


def test_batches_are_the_documents_in_order(tokenizer):
    """The rows one after the other are the documents, each after the end token; `skip` leaves out whole batches."""
    training = PocketTraining(7, batch=3, length=29, **{key: SMALL[key] for key in ("width", "layers", "heads")})
    source = batches(training, tokenizer)
    found = [next(source) for _ in range(5)]
    expected = [number for document in documents(7, 0)[:80] for number in (0, *tokenizer.encode(document)[:])]
    assert torch.cat(found).flatten().tolist() == expected[: 5 * 3 * 29]
    assert torch.equal(next(batches(training, tokenizer, skip=4)), found[4])


def trained(training, tokenizer, **options):
    """The weights at the snapshots, and what was observed."""
    kept = {}

    def keep(step, model):
        kept[step] = {name: weight.detach().clone() for name, weight in model.state_dict().items()}

    history = train_pocket(training, tokenizer, keep, observe=options.pop("observe", lambda model: {}), **options)
    return kept, history


def test_a_miniature_learns_the_before_answers(tokenizer):
    """240 updates of one layer: " the" has risen from one in a thousand to half of its rate, the answer has not."""
    sets = {"recall": recall_prompts(40, seed=1), "facts": fact_prompts(40, seed=1)}
    encoded = {name: encode(prompts, tokenizer) for name, prompts in sets.items()}

    def observe(model):
        assert not model.training
        found = {name: measure(model, one) for name, one in encoded.items()}
        return {
            f"{name} {metric}": getattr(found[name], metric).mean()
            for name in found
            for metric in ("answer", "distributional")
        }

    training = PocketTraining(5, steps=240, snapshots=(0, 240), **SMALL)
    kept, history = trained(training, tokenizer, observe=observe, at=(0, 240))
    assert list(kept) == [0, 240] and [found["step"] for found in history] == [0, 240]
    for name in sets:
        assert history[0][f"{name} distributional"] < 0.01
        assert history[1][f"{name} distributional"] > NOISE_RATE / 2 > 10 * history[1][f"{name} answer"]


def test_an_interrupted_training_goes_on_to_the_same_weights(tokenizer, tmp_path, monkeypatch):
    from simulate.pocket import training as module

    monkeypatch.setattr(module, "SAVE_EVERY", 3)
    training = PocketTraining(5, steps=10, snapshots=(2, 10), **SMALL)
    whole, expected = trained(training, tokenizer, at=(0, 2, 4, 10), observe=lambda model: {"one": 1.0})
    path, done = tmp_path / "work" / "state.safetensors", []

    def stop(updates):
        done.append(updates)
        if sum(done) == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(
            training, tokenizer, at=(0, 2, 4, 10), checkpoint=path, advance=stop, observe=lambda model: {"one": 1.0}
        )
    again, history = trained(training, tokenizer, at=(0, 2, 4, 10), checkpoint=path, observe=lambda model: {"one": 1.0})
    assert list(again) == [10] and history == expected
    assert all(torch.equal(again[10][name], weight) for name, weight in whole[10].items())
    with pytest.raises(ValueError, match="must be of this training"):
        trained(PocketTraining(6, steps=10, **SMALL), tokenizer, checkpoint=path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "seed must be"),
        ({"seed": 1, "snapshots": (4, 2)}, "snapshots must be increasing"),
        ({"seed": 1, "steps": 10, "snapshots": (11,)}, "snapshots must be at most steps = 10, got 11"),
    ],
)
def test_trainings_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        PocketTraining(**options)


def test_a_loss_that_is_not_finite(tokenizer):
    with pytest.raises(FloatingPointError, match="the loss is"):
        trained(PocketTraining(1, steps=30, rate=1e9, **SMALL), tokenizer)


def test_the_command_retrains_a_miniature(tmp_path, monkeypatch, capsys):
    """Two seeds in two processes: folders of both, a record whose hashes are theirs, the numbers of one process."""
    full = command.trainings
    monkeypatch.setattr(command, "trainings", lambda seeds, steps: full(seeds, steps, **SMALL))
    out = tmp_path / "pocket"
    assert run(["--out", str(out), "--seeds", "1,4", "--steps", "20", "--device", "cpu"]) == 0
    assert "4 model folders" in capsys.readouterr().out
    folders, record = pocket_folders(out), pocket_record(out)
    assert {seed: list(steps) for seed, steps in folders.items()} == {1: [0, 16, 20], 4: [20]}
    assert not (out / command.WORK).exists()
    assert record["sha256"] == hashes(out) and record["trainings"]["4"]["steps"] == 20
    assert [found["step"] for found in record["history"]["4"]] == list(command.observed_steps(20))
    found = load_language_model(folders[4][20])
    kept, _ = trained(PocketTraining(4, steps=20, **SMALL), found.tokenizer)
    for name, weight in found.model.state_dict().items():
        assert torch.equal(weight, kept[20][name].to(torch.float16).float())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "0"], "seeds must be different integers >= 1"),
        (["--seeds", "1,1"], "seeds must be different"),
        (["--steps", "0"], "steps must be"),
        (["--device", "tpu"], "device must be"),
    ],
)
def test_the_command_refuses(arguments, message, tmp_path, capsys):
    assert run(["--out", str(tmp_path / "out"), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_command_interrupted(tmp_path, monkeypatch, capsys):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "train_all", interrupted)
    assert run(["--out", str(tmp_path / "out")]) == 130
    assert "same command again" in capsys.readouterr().err


def hashes(root):
    files = sorted(root.glob("seed-*/step-*/*.safetensors"))
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_shipped_folders_are_those_of_the_record():
    """What the command makes by default, no more and no less; at most 30 MB beside the 40 of EXPLORED."""
    folders, record = pocket_folders(), pocket_record()
    assert hashes(FOLDER) == record["sha256"]
    made = command.trainings([*EXPLORED, *CONFIRMING], STEPS)
    assert {seed: tuple(steps) for seed, steps in folders.items()} == {one.seed: one.snapshots for one in made}
    assert record["trainings"] == {str(one.seed): json.loads(one.configuration) for one in made}
    for training in made:
        observed = [found["step"] for found in record["history"][str(training.seed)]]
        assert observed == list(command.observed_steps(training.steps))
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 70e6


def test_snapshots_of_the_trainings():
    """All log-spaced ones of the first seed, an early one of the others that were explored, of others the last."""
    made = {one.seed: one.snapshots for one in command.trainings([10, 1, 3, 11], 2000)}
    assert made == {10: (2000,), 1: (*command.LOG_SPACED, 2000), 3: (EARLY, 2000), 11: (2000,)}


def test_shipped_models_are_what_this_code_makes(tokenizer):
    """The tokenizer trained now is the shipped one, the initialisation is the checkpoint at 0 updates, and the
    configuration has Pythia-14m's shape."""
    for seed, steps in pocket_folders().items():
        shipped = AutoTokenizer.from_pretrained(steps[max(steps)])
        assert json.loads(shipped.backend_tokenizer.to_str()) == json.loads(tokenizer.backend_tokenizer.to_str())
        if 0 in steps:
            found = load_language_model(steps[0]).model.state_dict()
            made = PocketTraining(seed).model().state_dict()
            assert all(torch.equal(found[name], made[name].to(torch.float16).float()) for name in found)
    config = load_language_model(steps[max(steps)]).model.config
    shape = (config.num_hidden_layers, config.hidden_size, config.num_attention_heads, config.intermediate_size)
    assert shape == (6, 128, 4, 512) and config.use_parallel_residual and not config.tie_word_embeddings


def test_shipped_folders_load_in_plain_transformers():
    """AutoModelForCausalLM with nothing but the folder gives this project's logits, bit by bit."""
    for steps in pocket_folders().values():
        folder = steps[max(steps)]
        plain, ours = AutoModelForCausalLM.from_pretrained(folder), load_language_model(folder)
        tokens = AutoTokenizer.from_pretrained(folder)("When Mary and John went to a store,", return_tensors="pt")
        with torch.no_grad():
            logits = plain(**tokens).logits
            assert torch.equal(logits, ours.model(**tokens).logits)
        assert logits.dtype == torch.float32 and np.isfinite(logits.numpy()).all()


def test_the_card_has_the_numbers_of_the_record():
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    for seed, history in pocket_record()["history"].items():
        last = history[-1]
        names = ("recall answer", "recall distributional", "facts answer", "facts distributional")
        assert f"| {seed} | " + " | ".join(f"{last[name]:.2f}" for name in names) + " |" in card
