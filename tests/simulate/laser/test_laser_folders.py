"""Folders of language models that cannot be written: nothing half-written, and what is wrong is named."""

from pathlib import Path

import pytest
import torch

pytest.importorskip("transformers", reason="language models need transformers: pip install -e '.[language]'")


from simulate.laser import files as laser_files
from simulate.laser.files import save_model
from tests.oracles.laser import model_of


def names(folder):
    return {path.name for path in folder.iterdir()}


class Interrupted:
    """A tokenizer that is stopped while it writes."""

    def __init__(self, error):
        self.error = error

    def save_pretrained(self, folder):
        (Path(folder) / "half").write_text("of it")
        raise self.error


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=repr)
def test_interrupted_saving_leaves_nothing(error, tmp_path):
    (tmp_path / "empty").mkdir()
    for folder in ("new", "empty"):
        with pytest.raises(type(error)):
            save_model(model_of("neox"), Interrupted(error), tmp_path / folder)
    assert names(tmp_path) == {"empty"} and names(tmp_path / "empty") == set()


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_at_the_very_end_leaves_nothing(step, tmp_path, monkeypatch):
    def fails(*arguments):
        raise OSError("no")

    monkeypatch.setattr(laser_files.os, step, fails)
    with pytest.raises(OSError, match="no"):
        save_model(model_of("neox"), None, tmp_path / "it")
    assert names(tmp_path) == set()


def test_what_is_there_is_not_overwritten(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept").write_text("mine")
    for folder in (tmp_path / "full", tmp_path / "full" / "kept"):
        with pytest.raises(ValueError, match=r"folder must be a new or an empty folder, .* is there and not empty"):
            save_model(model_of("neox"), None, folder)
    assert names(tmp_path) == {"full"} and (tmp_path / "full" / "kept").read_text() == "mine"


def test_bad_arguments_are_refused(tmp_path):
    with pytest.raises(TypeError, match="tokenizer must be a tokenizer of transformers or None, got str"):
        save_model(model_of("neox"), "gpt2", tmp_path / "it")
    with pytest.raises(TypeError, match="folder must be a path, got 3"):
        save_model(model_of("neox"), None, 3)
    with pytest.raises(TypeError, match=r"model must be a .* of transformers, got Linear"):
        save_model(torch.nn.Linear(2, 2), None, tmp_path / "it")
    with pytest.raises(TypeError, match="model must have its weights in memory"):
        save_model(model_of("neox").to("meta"), None, tmp_path / "it")
    assert names(tmp_path) == set()
