"""Files of language models, changed: refused by name, or the same answer bit for bit, or another one under another
fingerprint; never another answer under the same fingerprint."""

import shutil

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

pytest.importorskip("transformers", reason="the extra `language` is not installed")

import torch

from simulate.language import gguf_files
from simulate.language.models import load_language_model
from tests.oracles.tiny_language_models import written
from tests.simulate.language.gguf_maker import write_gguf

from .language_outcomes import AS_BEFORE, CHANGED, COUNTED, FILES, OBSCURE, REFUSED, SHOWN
from .mutations import CHANGE, mutated

EXAMPLES, FULL, SEED = 25, 1000, 21
GGUF = FILES[-1]
TOKENS = torch.tensor([[1, 3, 5, 7]])


def answer(source):
    """The logits after a prompt, the tokens of a text, and the fingerprint."""
    found = load_language_model(source)
    logits = found.model(TOKENS).logits.numpy().tobytes()
    return (logits, tuple(found.tokenizer("w3 w5 a").input_ids)), found.fingerprint


def outcome(source, named, before):
    """What comes of reading a changed file."""
    try:
        found, print_ = answer(source)
    except (ValueError, OSError) as error:
        return (REFUSED if str(named) in str(error) else OBSCURE), f"{type(error).__name__}: {error}"
    except Exception as error:  # what else is let out is what is looked for
        return OBSCURE, f"{type(error).__name__}: {error!r:.300}"
    if found == before[0]:
        return AS_BEFORE, ""
    return (SHOWN if print_ != before[1] else CHANGED), ""


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_refused_or_seen(name, tmp_path, monkeypatch, request):
    monkeypatch.setenv(gguf_files.FOLDER, str(tmp_path / "cache"))
    folder = tmp_path / "model"
    written(folder, "llama")
    path = folder / name
    source = folder if name != GGUF else write_gguf(tmp_path / GGUF)
    path = source if name == GGUF else path
    before, content = answer(source), path.read_bytes()
    is_full = request.config.getoption("--trust-full", False)
    examples = (FULL if is_full else EXAMPLES) // (4 if name == GGUF else 1)

    @seed(SEED)
    @settings(
        max_examples=examples, phases=[Phase.generate], database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.lists(CHANGE, min_size=1, max_size=2))
    def check(changes):
        changed = content
        for change in changes:
            changed = mutated(changed, change)
        if changed == content:
            return
        path.write_bytes(changed)
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
        found, said = outcome(source, tmp_path, before)
        COUNTED[name, found] += 1
        assert found in (REFUSED, AS_BEFORE, SHOWN), f"{found}: {said}: {changes}"

    check()
    path.write_bytes(content)
    assert answer(source) == before
