"""Folders of language models that cannot be written or read: nothing half-written, and what is wrong is named."""

import json
from pathlib import Path

import pytest
import torch

pytest.importorskip("transformers", reason="language models need transformers: pip install -e '.[language]'")

from safetensors.torch import load_file, save_file

from simulate.laser import files as laser_files
from simulate.laser.files import load_factored, save_factored, save_model
from simulate.laser.reduction import Choice, Laser
from tests.oracles.laser import model_of

SOME = [Choice("value", 0, 2), Choice("mlp_in", 1, 3, keep="bottom"), Choice("mlp_out", -1, 0)]


def names(folder):
    return {path.name for path in folder.iterdir()}


SAVERS = {
    "standard": lambda model, tokenizer, folder: save_model(model, tokenizer, folder),
    "factored": lambda model, tokenizer, folder: save_factored(Laser(model), SOME, tokenizer, folder),
}
every_form = pytest.mark.parametrize("form", SAVERS)


class Interrupted:
    """A tokenizer that is stopped while it writes."""

    def __init__(self, error):
        self.error = error

    def save_pretrained(self, folder):
        (Path(folder) / "half").write_text("of it")
        raise self.error


@every_form
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=repr)
def test_interrupted_saving_leaves_nothing(form, error, tmp_path):
    (tmp_path / "empty").mkdir()
    for folder in ("new", "empty"):
        with pytest.raises(type(error)):
            SAVERS[form](model_of("neox"), Interrupted(error), tmp_path / folder)
    assert names(tmp_path) == {"empty"} and names(tmp_path / "empty") == set()


@every_form
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_at_the_very_end_leaves_nothing(form, step, tmp_path, monkeypatch):
    def fails(*arguments):
        raise OSError("no")

    monkeypatch.setattr(laser_files.os, step, fails)
    with pytest.raises(OSError, match="no"):
        SAVERS[form](model_of("neox"), None, tmp_path / "it")
    assert names(tmp_path) == set()


@every_form
def test_what_is_there_is_not_overwritten(form, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept").write_text("mine")
    for folder in (tmp_path / "full", tmp_path / "full" / "kept"):
        with pytest.raises(ValueError, match=r"folder must be a new or an empty folder, .* is there and not empty"):
            SAVERS[form](model_of("neox"), None, folder)
    assert names(tmp_path) == {"full"} and (tmp_path / "full" / "kept").read_text() == "mine"


@every_form
def test_bad_arguments_are_refused(form, tmp_path):
    with pytest.raises(TypeError, match="tokenizer must be a tokenizer of transformers or None, got str"):
        SAVERS[form](model_of("neox"), "gpt2", tmp_path / "it")
    with pytest.raises(TypeError, match="folder must be a path, got 3"):
        SAVERS[form](model_of("neox"), None, 3)
    with pytest.raises(TypeError, match=r"model must be a .* of transformers, got Linear"):
        SAVERS[form](torch.nn.Linear(2, 2), None, tmp_path / "it")
    with pytest.raises(TypeError, match="model must have its weights in memory"):
        SAVERS[form](model_of("neox").to("meta"), None, tmp_path / "it")
    assert names(tmp_path) == set()


def test_bad_choices_are_refused_before_anything_is_written(tmp_path):
    laser = Laser(model_of("neox"))
    with pytest.raises(ValueError, match=r"rank must be at most min\(weight.shape\) = 12, got 13"):
        save_factored(laser, [Choice("mlp_in", 0, 13)], None, tmp_path / "it")
    with pytest.raises(TypeError, match="laser must be a Laser, got GPTNeoXForCausalLM"):
        save_factored(laser.model, [], None, tmp_path / "it")
    assert names(tmp_path) == set()


# Damage


def _edited(path, **changes):
    known = json.loads(path.read_text())
    known.update(changes)
    path.write_text(json.dumps(known))


def _tensors(folder, change):
    """Other tensors, with the right checksum."""
    there = load_file(folder / "laser.safetensors")
    change(there)
    save_file(there, folder / "laser.safetensors")
    _edited(folder / "laser.json", sha256=laser_files.file_digest(folder / "laser.safetensors"))


def _flipped(folder):
    content = bytearray((folder / "laser.safetensors").read_bytes())
    content[-5] ^= 4
    (folder / "laser.safetensors").write_bytes(content)


def _shortened(folder):
    (folder / "laser.safetensors").write_bytes((folder / "laser.safetensors").read_bytes()[:-9])


def _garbled(folder):
    (folder / "laser.safetensors").write_bytes(b"no tensors at all")
    _edited(folder / "laser.json", sha256=laser_files.file_digest(folder / "laser.safetensors"))


VALUES = "model.layers.0.self_attn.v_proj.weight"
ONE = {"layer": 0, "part": "value", "stored": "factors"}
DAMAGE = [
    *[(lambda f, n=n: (f / n).unlink(), f"it lacks {n}") for n in ("laser.json", "config.json", "laser.safetensors")],
    (_flipped, r"laser.safetensors must have the SHA-256 that laser.json states, it is damaged"),
    (_shortened, r"laser.safetensors must have the SHA-256"),
    (_garbled, r"laser.safetensors must be a whole safetensors file"),
    (lambda f: (f / "laser.json").write_text("{"), "laser.json must describe a model in factored form: JSONDecode"),
    (lambda f: (f / "laser.json").write_text("[1]"), "laser.json must describe a model in factored form: TypeError"),
    (lambda f: (f / "laser.json").write_bytes(b"\xff"), "laser.json must describe a model in factored form: Unicode"),
    (lambda f: _edited(f / "laser.json", format=2), "laser.json must be of format 1, got 2"),
    (lambda f: _edited(f / "laser.json", architecture="GPT2LMHeadModel"), "must describe .*KeyError.'GPT2LMHeadMo"),
    (lambda f: _edited(f / "laser.json", matrices=[{"layer": 0}]), "must describe .*KeyError.'stored'"),
    (lambda f: _edited(f / "laser.json", matrices=[{**ONE, "layer": 5}]), r"lists: layer must be in -3\.\.2, got 5"),
    (lambda f: _edited(f / "laser.json", matrices=[{**ONE, "layer": 1}]), r"lists: .*layers.1.*/value.left"),
    (lambda f: _edited(f / "laser.json", matrices=[ONE, ONE]), r"lists: .*value.left"),
    (
        lambda f: _edited(f / "laser.json", matrices=[]),
        rf"must fit config.json: {VALUES} must have shape \(8, 18\), .*",
    ),
    (
        lambda f: _edited(f / "config.json", num_hidden_layers=2),
        "must fit config.json: model.layers.2.* no such weight",
    ),
    (
        lambda f: _edited(f / "config.json", vocab_size=31),
        r"must fit config.json: lm_head.* \(31, 18\), got \(29, 18\)",
    ),
    (
        lambda f: _edited(f / "config.json", hidden_size="x"),
        "config.json must be a configuration of a LlamaForCausalLM",
    ),
    (lambda f: (f / "config.json").write_text("{"), "config.json must be a configuration of a LlamaForCausalLM"),
    (lambda f: _tensors(f, lambda t: t.pop(VALUES + "/value.left")), r"must hold the factors .*value.left"),
    (lambda f: _tensors(f, lambda t: t.update({VALUES + "/value.left": torch.ones(8, 3)})), r"must hold the factors"),
    (lambda f: _tensors(f, lambda t: t.update(extra=torch.ones(2))), "extra must have shape no such weight, got"),
    (
        lambda f: _tensors(f, lambda t: t.pop("model.norm.weight")),
        r"model.norm.weight must have shape \(18,\), got none",
    ),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGE)
def test_damage_is_found(damage, message, tmp_path):
    save_factored(Laser(model_of("llama")), [Choice("value", 0, 2)], None, tmp_path / "it")
    load_factored(tmp_path / "it")
    damage(tmp_path / "it")
    with pytest.raises(ValueError, match=message):
        load_factored(tmp_path / "it")


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"it lacks laser.json, config.json, laser.safetensors"):
        load_factored(tmp_path / "nowhere")
