"""Folders of language models: read by plain transformers, whole or not there at all."""

from pathlib import Path

import pytest
import torch

pytest.importorskip("transformers", reason="language models need transformers: pip install -e '.[language]'")

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from simulate.language import load_language_model, saving
from simulate.language.saving import save_model, write_sums
from simulate.laser.reduction import Choice, truncated
from simulate.runtime.files import read_sums
from tests.oracles.laser import PLACES, VOCABULARY, logits, model_of, same, state

SOME = [Choice("value", 0, 2), Choice("mlp_in", 1, 3, keep="bottom"), Choice("mlp_out", -1, 0)]


def words():
    vocabulary = {f"w{number}": number for number in range(VOCABULARY)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="w0"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="w0")


def names(folder):
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_plain_transformers_reads_the_model_and_the_tokenizer(name, dtype, tmp_path):
    made = truncated(model_of(name, dtype), *SOME)
    save_model(made, words(), tmp_path / "new" / "model")
    read = AutoModelForCausalLM.from_pretrained(tmp_path / "new" / "model", attn_implementation="eager")
    assert type(read) is type(made) and same(state(read), state(made)) and torch.equal(logits(read), logits(made))
    assert AutoTokenizer.from_pretrained(tmp_path / "new" / "model")("w3 w28").input_ids == [3, 28]
    assert names(tmp_path / "new") == {"model"}


def test_an_empty_folder_is_filled_and_the_tokenizer_may_be_missing(tmp_path):
    save_model(model_of("llama"), None, str(tmp_path))
    assert names(tmp_path) == {"SHA256SUMS", "config.json", "generation_config.json", "model.safetensors"}


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

    monkeypatch.setattr(saving.os, step, fails)
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


@pytest.mark.parametrize("name", ["config.json", "generation_config.json", "tokenizer.json", "model.safetensors"])
@pytest.mark.parametrize("change", ["another byte", "removed"])
def test_a_file_that_is_not_as_it_was_saved_is_refused(name, change, tmp_path):
    save_model(model_of("llama"), words(), tmp_path / "it")
    file = tmp_path / "it" / name
    if change == "removed":
        file.unlink()
    else:
        content = file.read_bytes()
        last = content[-1:]
        file.write_bytes(content + b" " if name.endswith("json") else content[:-1] + bytes([last[0] ^ 1]))
    refused = (ValueError, FileNotFoundError) if change == "removed" else ValueError
    with pytest.raises(refused, match=name):
        load_language_model(tmp_path / "it")


def test_the_digests_are_those_of_sha256sum_and_can_be_given_up(tmp_path):
    save_model(model_of("llama"), words(), tmp_path / "it")
    sums = tmp_path / "it" / "SHA256SUMS"
    assert set(read_sums(sums.read_bytes())) == names(tmp_path / "it") - {"SHA256SUMS"}
    settings = tmp_path / "it" / "generation_config.json"
    settings.write_text(settings.read_text() + "\n")
    with pytest.raises(ValueError, match=r"generation_config.json must be as it was saved, .* or remove SHA256SUMS"):
        load_language_model(tmp_path / "it")
    write_sums(tmp_path / "it")
    whole = load_language_model(tmp_path / "it")
    sums.write_bytes(b"of another form\n")
    with pytest.raises(ValueError, match=r"SHA256SUMS must be as it was saved: every line must have a sha256"):
        load_language_model(tmp_path / "it")
    sums.unlink()
    assert load_language_model(tmp_path / "it").fingerprint == whole.fingerprint
