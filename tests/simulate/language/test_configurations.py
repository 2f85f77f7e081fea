"""A changed config.json is refused by name or is another model in the evidence; nothing in it fetches or runs code."""

import json
import re
import socket

import pytest
import torch

pytest.importorskip("transformers", reason="the extra `language` is not installed")
import transformers

from paper_checks.experiments.sweeps import Subject, loaded
from simulate.language.architectures import ARCHITECTURES
from simulate.language.configurations import DIVERTING, RANGES
from simulate.language.models import find_folder, load_language_model
from simulate.prompts.sets import Prompt
from simulate.prompts.tokens import encode, measure
from tests.oracles.tiny_language_models import changed_json, changed_weights, forbid_building, tiny_tokenizer, written
from tests.simulate.laser.decoders import VOCABULARY, model_of

WORDS = [f"w{number}" for number in range(3, VOCABULARY - 4)]
every_architecture = pytest.mark.parametrize("name", ARCHITECTURES)


def folder_of(folder, name):
    model_of(name, torch.float32).save_pretrained(folder)
    tiny_tokenizer(WORDS).save_pretrained(folder)
    return json.loads((folder / "config.json").read_text())


def put(folder, entries):
    (folder / "config.json").write_text(json.dumps(entries))


@every_architecture
def test_every_misspelled_key_is_refused_by_name(tmp_path, monkeypatch, name):
    entries = folder_of(tmp_path, name)
    forbid_building(monkeypatch)
    for key in entries:
        put(tmp_path, {(key + "x" if one == key else one): value for one, value in entries.items()})
        words = (
            "one architecture of" if key == "architectures" else "model_type" if key == "model_type" else f"'{key}x'"
        )
        with pytest.raises(ValueError, match=f"config.json must have .*{words}"):
            load_language_model(tmp_path)


@every_architecture
def test_a_size_that_the_weights_contradict_is_named(tmp_path, monkeypatch, name):
    entries = folder_of(tmp_path, name)
    forbid_building(monkeypatch)
    sizes = ("vocab_size", "hidden_size", "n_embd", "num_hidden_layers", "n_layer", "intermediate_size", "n_inner")
    sizes += ("n_positions", "num_key_value_heads", "head_dim")
    for key in set(sizes) & set(entries):
        for value in (entries[key] + 1, 2 * entries[key], 10**12):
            put(tmp_path, entries | {key: value, "bos_token_id": None, "eos_token_id": None})
            with pytest.raises(ValueError, match=r"config\.json must (be|describe) "):
                load_language_model(tmp_path)


@every_architecture
def test_a_missing_size_is_named(tmp_path, monkeypatch, name):
    entries = folder_of(tmp_path, name)
    forbid_building(monkeypatch)
    for key in {"num_attention_heads", "n_head", "num_hidden_layers", "n_layer", "vocab_size"} & set(entries):
        put(tmp_path, {one: value for one, value in entries.items() if one != key})
        with pytest.raises(ValueError, match=f"config.json must have {key}, and does not"):
            load_language_model(tmp_path)


@every_architecture
def test_two_keys_for_one_thing_must_agree(tmp_path, monkeypatch, name):
    """transformers takes one of them without a word: which one depends on the key."""
    entries = folder_of(tmp_path, name)
    forbid_building(monkeypatch)
    renamed = transformers.AutoConfig.from_pretrained(tmp_path).attribute_map
    seconds = {new: entries[old] + 1 for new, old in renamed.items() if isinstance(entries.get(old), int)}
    if "rope_theta" in entries.get("rope_parameters", {}):
        seconds |= {"rope_theta": 5.0, "partial_rotary_factor": 0.875, "rope_scaling": {"type": "linear", "factor": 9}}
        entries["rope_parameters"].setdefault("partial_rotary_factor", 1.0)
    for key, value in seconds.items():
        put(tmp_path, entries | {key: value})
        with pytest.raises(ValueError, match=r"config\.json must be [\w.]+ = .*, as it is the same, got"):
            load_language_model(tmp_path)


@every_architecture
def test_a_number_out_of_range_is_named(tmp_path, monkeypatch, name):
    entries = folder_of(tmp_path, name)
    forbid_building(monkeypatch)
    for key, (least, most) in RANGES.items():
        for value in {least - 1, most + 1} - {float("inf")}:
            if key in entries:
                put(tmp_path, entries | {key: value})
            elif key in entries.get("rope_parameters", {}):
                put(tmp_path, entries | {"rope_parameters": entries["rope_parameters"] | {key: value}})
            else:
                continue
            with pytest.raises(ValueError, match=rf"{key} of .*config\.json must be in "):
                load_language_model(tmp_path)


@pytest.mark.parametrize("key", DIVERTING)
def test_what_would_fetch_or_run_something_is_refused(tmp_path, monkeypatch, key):
    asked = []
    monkeypatch.setattr(socket.socket, "connect", lambda *arguments: asked.append(arguments))
    changed_json(written(tmp_path) / "config.json", **{key: "owner/repo"})
    with pytest.raises(ValueError, match=f"config.json must describe plain weights, without {key}, got 'owner/repo'"):
        load_language_model(tmp_path)
    assert not asked


@pytest.mark.parametrize(
    "code", ["owner/repo", {"AutoConfig": "owner/repo--configuration.Own"}, {"AutoConfig": ["a", 1]}]
)
def test_code_elsewhere_is_refused(tmp_path, code):
    changed_json(written(tmp_path) / "config.json", auto_map=code)
    with pytest.raises(ValueError, match="must not name code elsewhere"):
        load_language_model(tmp_path)


def test_rotations_are_checked_key_by_key_and_against_old_buffers(tmp_path):
    written(tmp_path, "llama")
    rotations = json.loads((tmp_path / "config.json").read_text())["rope_parameters"]
    changed_json(tmp_path / "config.json", rope_parameters=rotations | {"rope_thetaa": 3.0})
    with pytest.raises(ValueError, match=r"in rope_parameters, got 'rope_thetaa'; is it rope_theta\?"):
        load_language_model(tmp_path)
    changed_json(tmp_path / "config.json", rope_parameters=rotations)
    name = "model.layers.0.self_attn.rotary_emb.inv_freq"
    changed_weights(tmp_path, lambda tensors: tensors.__setitem__(name, torch.ones(4)))
    load_language_model(tmp_path)
    changed_weights(tmp_path, lambda tensors: tensors.__setitem__(name, torch.ones(2)))
    with pytest.raises(ValueError, match=r"rotations of .* must be of 4 of the 8 entries of a head, .* got 8"):
        load_language_model(tmp_path)


def test_a_key_twice_and_lists_in_lists_are_refused(tmp_path):
    path = written(tmp_path) / "config.json"
    text = path.read_text()
    for bad in (text.replace("{", '{"num_attention_heads": 2,', 1), text.replace("{", '{"a": ' + "[" * 10**5, 1)):
        path.write_text(bad)
        with pytest.raises(ValueError, match=f"{re.escape(str(path))} must be JSON"):
            load_language_model(tmp_path)


def test_the_fingerprint_covers_configuration_and_tokenizer(tmp_path):
    """What shapes cannot tell, such as the number of heads, is another model; spaces and unread keys are the same."""
    before = load_language_model(written(tmp_path))
    config, tokens = tmp_path / "config.json", tmp_path / "tokenizer.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"transformers_version": "5.9"}))
    assert load_language_model(tmp_path).fingerprint == before.fingerprint
    changed_json(config, num_attention_heads=2)
    other = load_language_model(tmp_path)
    assert other.sha256 == before.sha256 and other.fingerprint != before.fingerprint
    changed_json(config, num_attention_heads=3)
    text = tokens.read_text()
    tokens.write_text(text.replace('"w3"', '"w_3"'))
    assert load_language_model(tmp_path).fingerprint not in (before.fingerprint, other.fingerprint)
    tokens.write_text(text)
    assert load_language_model(tmp_path).fingerprint == before.fingerprint
    assert re.fullmatch("[0-9a-f]{64}", before.fingerprint)


def test_a_folder_without_a_model_is_not_found(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"must hold config\.json and tokenizer.json, and does not"):
        find_folder(tmp_path)


def test_a_prompt_longer_than_the_context_is_refused(tmp_path):
    found = load_language_model(written(tmp_path))
    prompts = [Prompt(" ".join(["w3"] * count), " w4", " w5", "", " w6") for count in (30, 31)]
    assert measure(found.model, encode(prompts[:1], found.tokenizer)).answer.shape == (1,)
    with pytest.raises(ValueError, match=r"prompts must have at most 31 tokens, the model's context .*, got one of 32"):
        measure(found.model, encode(prompts, found.tokenizer))


def test_a_job_is_about_a_configuration_and_a_tokenizer(tmp_path):
    """A result that was kept is of one description; a folder that was changed since is not loaded for it."""
    found = load_language_model(written(tmp_path))
    subject = Subject(str(tmp_path), found.sha256, 2, description=found.description)
    assert loaded(subject).fingerprint == found.fingerprint
    changed_json(tmp_path / "config.json", num_attention_heads=2)
    loaded.cache_clear()
    with pytest.raises(ValueError, match=f"must have a configuration and tokenizer of sha256 {found.description}, got"):
        loaded(subject)
