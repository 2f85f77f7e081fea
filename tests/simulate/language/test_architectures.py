"""The table of architectures against transformers itself, and every architecture saved and loaded."""

import subprocess
import sys

import pytest
import torch

pytest.importorskip("transformers", reason="language models need transformers: pip install -e '.[language]'")

import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from simulate.language.architectures import ALWAYS, ARCHITECTURES, HEAD, NORMS, PARTS, markdown_table
from simulate.language.models import load_language_model
from tests.oracles.tiny_language_models import changed_weights, tiny_tokenizer
from tests.places import ROOT
from tests.simulate.laser.decoders import SWITCHES, VOCABULARY, layers_of, model_of, tokens

every_architecture = pytest.mark.parametrize("name", ARCHITECTURES)
WORDS = [f"w{number}" for number in range(3, VOCABULARY - 4)]  # some tokenizers of transformers add a token


@every_architecture
def test_the_table_is_about_the_classes_of_transformers(name):
    one, model = ARCHITECTURES[name], model_of(name)
    assert one.name == name and type(model) is getattr(transformers, name)
    assert one.model_type == type(model).config_class.model_type == model.config.model_type
    assert model.get_submodule(one.layers) is layers_of(model)
    assert model.get_submodule(one.embedding) is model.get_input_embeddings()
    assert model.get_submodule(HEAD) is model.get_output_embeddings()


@every_architecture
def test_biases_are_where_the_table_says_and_on_what_it_says(name):
    one, entries = ARCHITECTURES[name], SWITCHES.get(name, ())
    assert set(one.biases) <= set(one.parts) <= set(PARTS)
    assert set(one.biases.values()) - {ALWAYS} == set(entries)
    for on in [dict.fromkeys(entries, False)] + [dict.fromkeys(entries, False) | {entry: True} for entry in entries]:
        layer = layers_of(model_of(name, **on))[1]
        for part in one.parts:
            there = layer.get_submodule(one.module_of(part)).bias is not None
            assert there == (one.biases.get(part) == ALWAYS or on.get(one.biases.get(part), False)), (part, on)


@every_architecture
def test_norms_stand_where_the_table_says(name):
    """What a part is given is what the norm before it made; what the norm after it is given is what the part made."""
    one, model, given, made = ARCHITECTURES[name], model_of(name), {}, {}
    layer = layers_of(model)[1]
    for key, module in layer.named_modules():

        def keep(module, arguments, named, output, key=key):
            given[key] = arguments[0] if arguments else named["hidden_states"]
            made[key] = output[0] if isinstance(output, tuple) else output

        module.register_forward_hook(keep, with_kwargs=True)
    with torch.no_grad():
        model(tokens())
    norms = {key for key, module in layer.named_modules() if "norm" in type(module).__name__.lower()}
    assert set(one.norms.values()) == norms and set(one.norms) <= set(NORMS)
    for place, norm in one.norms.items():
        if place in ("query", "key"):
            numbers = [values.flatten().sort().values for values in (given[norm], made[one.module_of(place)])]
            assert torch.equal(*numbers)  # head by head in one order or another
            continue
        part = one.attention if place.endswith("attention") else one.mlp
        before, after = (norm, part) if place.startswith("before") else (part, norm)
        assert torch.equal(made[before], given[after])
    assert torch.equal(given[one.attention], given[""]) == ("before attention" not in one.norms)


def test_only_a_parallel_layer_gives_its_mlp_what_the_layer_is_given():
    """Seen in what the norm before the MLP is given."""
    found = {}
    for name, one in ARCHITECTURES.items():
        for more in [{one.parallel: True}, {one.parallel: False}] if one.parallel else [{}]:
            model, seen = model_of(name, **more), []
            layer = layers_of(model)[1]
            for module in (layer, layer.get_submodule(one.norms.get("before mlp", one.mlp))):
                module.register_forward_pre_hook(lambda module, arguments, seen=seen: seen.append(arguments[0]))
            with torch.no_grad():
                model(tokens())
            assert torch.equal(*seen) == one.is_parallel(model.config)
            found.setdefault(one.is_parallel(model.config), set()).add(name)
    assert found[True] == {"GPTNeoXForCausalLM"} and found[False] == set(ARCHITECTURES)


# Loading

OLD_BUFFERS = {
    "GPTNeoXForCausalLM": ("bias", "masked_bias", "rotary_emb.inv_freq"),
    "GPT2LMHeadModel": ("bias", "masked_bias"),
}


def written(folder, name, **more):
    """A folder as transformers writes it, with a tokenizer."""
    model_of(name, torch.float32, **more).save_pretrained(folder)
    tiny_tokenizer(WORDS).save_pretrained(folder)
    return folder


@every_architecture
@pytest.mark.parametrize("tied", [False, True])
def test_logits_are_those_of_transformers_bit_for_bit(tmp_path, name, tied):
    found = load_language_model(written(tmp_path, name, tie_word_embeddings=tied))
    plain = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    assert type(found.model) is type(plain) is getattr(transformers, name)
    assert torch.equal(found.model(tokens()).logits, plain(tokens()).logits)
    assert (found.model.get_output_embeddings().weight is found.model.get_input_embeddings().weight) == tied


@every_architecture
def test_a_tied_head_that_is_stored_must_be_the_embedding(tmp_path, name):
    embedding = ARCHITECTURES[name].embedding + ".weight"
    before = load_language_model(written(tmp_path, name, tie_word_embeddings=True)).sha256
    changed_weights(tmp_path, lambda held: held.__setitem__(f"{HEAD}.weight", held[embedding].clone()))
    assert load_language_model(tmp_path).sha256 == before
    changed_weights(tmp_path, lambda held: held[f"{HEAD}.weight"][3].add_(1))
    with pytest.raises(ValueError, match=r"lm_head.weight equal to the embedding, .*tie_word_embeddings.*differ"):
        load_language_model(tmp_path)


@every_architecture
def test_buffers_of_older_files_are_left_out_and_others_are_not(tmp_path, name):
    one = ARCHITECTURES[name]
    before = load_language_model(written(tmp_path, name)).sha256
    stem = f"{one.layers}.1.{one.attention}."
    old = {f"{stem}{end}" for end in OLD_BUFFERS.get(name, ("rotary_emb.inv_freq",))}
    changed_weights(tmp_path, lambda held: held.update({key: torch.ones(1) for key in old}))
    assert load_language_model(tmp_path).sha256 == before
    changed_weights(tmp_path, lambda held: held.update({f"{stem}other": torch.ones(1)}))
    with pytest.raises(ValueError, match=rf"{stem}other is unexpected"):
        load_language_model(tmp_path)


def test_gpt2_as_it_was_first_published_loads(tmp_path):
    """Weights of the model without its head, with the masks, as the hub's own gpt2 has them."""
    whole = load_language_model(written(tmp_path, "GPT2LMHeadModel", tie_word_embeddings=True))
    held = load_file(tmp_path / "model.safetensors")
    old = {key.removeprefix("transformer."): weight for key, weight in held.items()}
    old |= {f"h.{layer}.attn.bias": torch.ones(1, 1, 32, 32).tril() for layer in range(3)}
    save_file(old, tmp_path / "model.safetensors", {"format": "pt"})
    found = load_language_model(tmp_path)
    assert found.sha256 == whole.sha256
    assert torch.equal(found.model(tokens()).logits, whole.model(tokens()).logits)
    old |= {"transformer.wte.weight": old["wte.weight"].clone()}
    save_file(old, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=r"wte.weight is there twice"):
        load_language_model(tmp_path)


def test_the_table_is_had_without_torch_and_transformers():
    code = (
        "import sys; sys.modules |= dict.fromkeys(('torch', 'transformers', 'numpy')); "
        "from simulate.language.architectures import ARCHITECTURES; print(*ARCHITECTURES)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert said.split() == list(ARCHITECTURES)


def test_the_page_has_the_table():
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    assert markdown_table() in page, f"docs/models.md must have this table:\n\n{markdown_table()}"
