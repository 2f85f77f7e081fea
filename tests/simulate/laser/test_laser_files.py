"""Folders of language models: read by plain transformers."""

import pytest
import torch

pytest.importorskip("transformers", reason="language models need transformers: pip install -e '.[language]'")

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from simulate.laser.files import save_model
from simulate.laser.reduction import Choice, truncated
from tests.oracles.laser import (
    PLACES,
    VOCABULARY,
    logits,
    model_of,
    same,
    state,
)

every_model = pytest.mark.parametrize("name", PLACES)
SOME = [Choice("value", 0, 2), Choice("mlp_in", 1, 3, keep="bottom"), Choice("mlp_out", -1, 0)]


def words():
    vocabulary = {f"w{number}": number for number in range(VOCABULARY)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="w0"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="w0")


def names(folder):
    return {path.name for path in folder.iterdir()}


@every_model
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
    assert names(tmp_path) == {"config.json", "generation_config.json", "model.safetensors"}
