"""Where a pretrained model lies, that it is found without a heavy import; the real weights are the pinned ones."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("transformers", reason="the extra `language` is not installed")

from simulate.language import gguf_files
from simulate.language.models import load_language_model
from simulate.language.pretrained import PRETRAINED, pretrained_folder
from simulate.runtime.files import write_json
from tests.places import ROOT


def test_the_cache_is_the_users_or_the_environments(monkeypatch, tmp_path):
    assert gguf_files.weights_cache() != tmp_path
    monkeypatch.setenv(gguf_files.FOLDER, str(tmp_path))
    assert gguf_files.weights_cache() == tmp_path
    monkeypatch.delenv(gguf_files.FOLDER)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if sys.platform == "linux":
        assert gguf_files.weights_cache() == tmp_path / "distributional-associations-verified" / "weights"


def test_what_is_not_there_is_asked_for_by_its_command(tmp_path, monkeypatch):
    monkeypatch.setenv(gguf_files.FOLDER, str(tmp_path))
    with pytest.raises(FileNotFoundError, match="must be in the cache, they are not: paper-checks weights smollm2"):
        load_language_model("smollm2")


def test_another_name_is_refused():
    for name in ("smollm", "", None, ["smollm2"]):
        with pytest.raises(ValueError, match="name must be one of smollm2, got"):
            pretrained_folder(name)


LIGHT = """
import sys
from simulate.language.pretrained import get_pretrained, pretrained_folder
assert get_pretrained("smollm2") == pretrained_folder("smollm2")
print(sorted({"torch", "transformers", "gguf", "numpy", "filelock", "safetensors"} & set(sys.modules)))
"""


def test_what_is_there_is_found_without_a_heavy_import(tmp_path):
    folder = tmp_path / PRETRAINED["smollm2"].folder.name
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    manifest = {"gguf": PRETRAINED["smollm2"].gguf_sha256, "sizes": {"config.json": 2}}
    write_json(folder / gguf_files.SOURCE, manifest)
    done = subprocess.run(
        [sys.executable, "-c", LIGHT],
        cwd=ROOT,
        env={**os.environ, gguf_files.FOLDER: str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_the_real_weights_are_the_pinned_ones():
    """Where they are: in the continuous integration they are got first."""
    known, folder = PRETRAINED["smollm2"], pretrained_folder("smollm2")
    if folder is None:
        pytest.skip("no weights of SmolLM2: paper-checks weights smollm2")
    loaded = load_language_model("smollm2")
    assert loaded.sha256 == known.weights_sha256
    assert sum(weight.numel() for weight in loaded.model.parameters()) == known.numbers
    tokens = loaded.tokenizer.convert_tokens_to_ids([known.start, "<|im_start|>"])
    assert tokens == [0, 1] and loaded.tokenizer.bos_token == "<|im_start|>"
    digits = [token for token in loaded.tokenizer.get_vocab() if any("0" <= sign <= "9" for sign in token)]
    assert sorted(digits) == list("0123456789")  # so it does not matter that a GGUF does not say where digits are split
