"""A truncated model is an ordinary one: its folder is read by a process that has transformers and nothing of ours."""

import json
import os
import subprocess
import sys

import pytest
import torch

pytest.importorskip("transformers", reason="language models need transformers: pip install -e '.[language]'")

from safetensors import safe_open
from safetensors.torch import load_file, save_file

from simulate.language import load_language_model, save_model
from simulate.laser.reduction import Choice, truncated
from simulate.laser.roles import matrices
from tests.oracles.tiny_language_models import written

READ = """\
import sys
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

folder, text, threads, out = sys.argv[1:]
torch.set_num_threads(int(threads))
model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
ids = tokenizer(text, return_tensors="pt").input_ids
with torch.no_grad():
    save_file({"ids": ids, "logits": model(ids).logits}, out)
assert not {name.partition(".")[0] for name in sys.modules} & {"simulate", "theory", "paper_checks"}
"""
TINY = {"llama": ("mlp_in", 1, 8), "neox": ("attention_qkv", 0, 3), "tied llama": ("mlp_out", -1, 2)}
TEXT = "w3 w9 w22 w4"


def read_elsewhere(folder, text, place):
    """The ids of a text and the logits, by plain transformers in a process of its own, that starts in another place."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"HF_HUB_OFFLINE": "1"}
    words = [sys.executable, "-c", READ, folder, text, torch.get_num_threads(), place / "read.safetensors"]
    done = subprocess.run(
        list(map(str, words)), cwd=place, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return load_file(place / "read.safetensors")


def answered(model, tokenizer, text):
    ids = tokenizer(text, return_tensors="pt").input_ids
    with torch.no_grad():
        return {"ids": ids, "logits": model(ids).logits}


def assert_read_as_it_was(loaded, choice, text, place):
    """Truncate, save, read elsewhere: the same ids and logits bit by bit, which are not those of the model before; the
    folder holds the truncated matrices, as safetensors alone."""
    made = truncated(loaded.model, choice)
    save_model(made, loaded.tokenizer, place / "laser")
    expected, found = answered(made, loaded.tokenizer, text), read_elsewhere(place / "laser", text, place)
    assert expected["ids"].numel() > 3 and all(torch.equal(found[name], value) for name, value in expected.items())
    assert not torch.equal(found["logits"], answered(loaded.model, loaded.tokenizer, text)["logits"])
    names = {path.name for path in (place / "laser").iterdir()}
    assert {name for name in names if not name.endswith((".json", ".jinja"))} == {"SHA256SUMS", "model.safetensors"}
    assert "quantization_config" not in json.loads((place / "laser" / "config.json").read_text())
    with safe_open(place / "laser" / "model.safetensors", "pt") as file:
        for matrix in matrices(loaded.model, choice.role, choice.layer):
            stored = file.get_tensor(matrix.parameter)[matrix.rows]
            kept = choice.rank or round(choice.fraction * min(matrix.shape))
            assert torch.linalg.matrix_rank(stored, rtol=1e-5) == kept < min(matrix.shape), matrix


@pytest.mark.parametrize("kind", TINY)
def test_plain_transformers_reads_a_truncated_model_in_a_process_of_its_own(kind, tmp_path):
    loaded = load_language_model(written(tmp_path / "before", kind))
    assert_read_as_it_was(loaded, Choice(*TINY[kind]), TEXT, tmp_path)


def test_another_model_in_the_folder_would_be_noticed(tmp_path):
    """The check of the others sees one row of the head that is larger by a thousandth."""
    loaded = load_language_model(written(tmp_path / "before", "llama"))
    save_model(loaded.model, loaded.tokenizer, tmp_path / "it")
    expected = answered(loaded.model, loaded.tokenizer, TEXT)["logits"]
    assert torch.equal(read_elsewhere(tmp_path / "it", TEXT, tmp_path)["logits"], expected)
    path = tmp_path / "it" / "model.safetensors"
    weights = load_file(path)
    weights["lm_head.weight"][7] *= 1.001
    save_file(weights, path, {"format": "pt"})
    assert not torch.equal(read_elsewhere(tmp_path / "it", TEXT, tmp_path)["logits"], expected)


def test_a_truncated_smollm2_is_read_by_plain_transformers(tmp_path):
    from simulate.language import pretrained

    folder = pretrained.pretrained_folder("smollm2")
    if folder is None:
        pytest.skip("the weights are not here: paper-checks weights smollm2")
    choice = Choice("mlp_in", 28, fraction=0.5)
    assert_read_as_it_was(load_language_model(folder), choice, "The capital of France is the city of", tmp_path)
