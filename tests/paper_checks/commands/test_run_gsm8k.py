"""The command of P6, end to end: tiny models are truncated, saved, and asked by the lm-evaluation-harness."""

import json
import shlex
import socket
import sys
from importlib.metadata import PackageNotFoundError

import pytest
import torch

from tests.places import SHARED

pytest.importorskip("lm_eval", reason="needs the extra gsm8k", exc_type=ModuleNotFoundError)

from lm_eval._cli.harness import HarnessCLI
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, Phi3Config, Phi3ForCausalLM, PreTrainedTokenizerFast

from paper_checks.commands.gsm8k import plan as gsm8k_plan
from paper_checks.commands.gsm8k.numbers import figure, table
from paper_checks.commands.gsm8k.plan import model_folder
from paper_checks.witnesses.number_readers import last_number, stated
from simulate.gsm8k import harness as gsm8k_harness
from simulate.gsm8k.problems import OWN, Prompting, read_problems
from simulate.gsm8k.results import read_results
from simulate.language.models import load_language_model
from simulate.language.saving import save_model
from simulate.laser.reduction import Choice, truncated
from simulate.runtime.files import read_json
from tests.oracles.picture_commands import assert_interrupted_import, command

main = command("gsm8k")
GSM8K = SHARED / "gsm8k_test.jsonl"
PROBLEMS = GSM8K if GSM8K.exists() else OWN
ARCHITECTURES = {"llama": (LlamaConfig, LlamaForCausalLM), "phi3": (Phi3Config, Phi3ForCausalLM)}
SHORT = Prompting(max_new_tokens=4)
LASER = ("--role", "mlp_in", "--layer", "-1", "--fraction", "0.1")


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refused(*arguments):
        raise AssertionError(f"no network is to be used, got {arguments[1:]}")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)


def byte_tokenizer():
    """Of any text, trained on the problems."""
    found = Tokenizer(models.BPE())
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=499, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet, show_progress=False
    )
    texts = [text for split in ("problems", "examples") for p in read_problems(OWN, split) for text in p]
    found.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=found, bos_token="<s>", eos_token="</s>", pad_token="</s>")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Tiny random models of both architectures, and a Llama with room for 256 tokens."""
    tokenizer = byte_tokenizer()
    made = {}
    for name, room in (("llama", 2048), ("phi3", 2048), ("narrow", 256)):
        configuration, kind = ARCHITECTURES.get(name, ARCHITECTURES["llama"])
        tiny = {"vocab_size": 499, "hidden_size": 32, "intermediate_size": 52, "num_hidden_layers": 2}
        heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": room}
        special = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
        made[name] = tmp_path_factory.mktemp("models") / name
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(room)
            model = kind(configuration(**tiny, **heads, **special))
        save_model(model, tokenizer, made[name])
    return made


def run(folder, out, *words, shots=(1, 2), problems=PROBLEMS, limit=3):
    given = ["--model", folder, "--out", out, "--limit", limit, "--max-new-tokens", 4, *words]
    return main(list(map(str, [*given, "--shots", ",".join(map(str, shots)), "--problems", problems])))


def refused(capsys, folder, out, *words, **options):
    """The one line that a refused command leaves on standard error."""
    capsys.readouterr()
    assert run(folder, out, *words, **options) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


@pytest.mark.parametrize("name", ["llama", "phi3"])
def test_the_whole_path_on_a_tiny_model(name, folders, tmp_path, capsys):
    """Truncate, save, let the harness load and answer; compare with the baseline; the same again gives the same."""
    base, out, again, numbers = (tmp_path / f"{kind}.json" for kind in ("base", "laser", "again", "numbers"))
    assert run(folders[name], base) == 0
    against = (*LASER, "--against", base, "--numbers")
    assert run(folders[name], out, *against, numbers) == 0
    printed = capsys.readouterr().out
    assert "numbers must be another file than out and against" in refused(capsys, folders[name], out, *against, base)
    comparison = figure(read_results(base), read_results(out))
    assert read_json(numbers) == comparison and "\n".join(table(comparison)) in printed
    numbers.unlink()
    found = json.loads(out.read_text())
    assert list(found["shots"]) == ["1", "2"] and found["source"] == {"model": name, "revision": None}
    for record in found["shots"].values():
        assert len(record["answers"]) == 3 and record["device"].endswith(" processor")
        for reading, witness in (("strict", stated), ("flexible", last_number)):
            share = sum(answer["correct"][reading] for answer in record["answers"]) / 3
            assert record["accuracy"][reading]["value"] == share and 0 <= share <= 1
            assert all(a["found"][reading] == (witness(a["response"]) or "[invalid]") for a in record["answers"])
    assert printed.count(" change ") == 4 and printed.count("accuracy ") == 8
    assert run(folders[name], again, *LASER) == 0
    assert answers(again) == answers(out)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{n}.{end}" for n in ("base", "laser", "again") for end in ("json", "model")
    }


def answers(out):
    return [record["answers"] for record in json.loads(out.read_text())["shots"].values()]


def test_the_harness_has_the_truncated_weights(folders, tmp_path):
    """The model that the harness loads is the truncated one, bit by bit, and not the model as it was."""
    out = tmp_path / "laser.json"
    assert run(folders["phi3"], out, *LASER, shots=(1,)) == 0
    before = load_language_model(folders["phi3"]).model
    expected = truncated(before, Choice("mlp_in", -1, fraction=0.1)).state_dict()
    loaded = gsm8k_harness.load(model_folder(out), device="cpu", dtype="float32", prompting=SHORT)
    found = loaded.model.state_dict()
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())
    changed = [name for name, weight in before.state_dict().items() if not torch.equal(found[name], weight)]
    assert changed == ["model.layers.1.mlp.gate_up_proj.weight"]
    gate, up = found[changed[0]].chunk(2)
    assert torch.linalg.matrix_rank(gate) == torch.linalg.matrix_rank(up) == 3


def test_the_printed_command_is_one_of_the_harness(folders, tmp_path, capsys, monkeypatch):
    out = tmp_path / "with space.json"
    assert run(folders["llama"], out, shots=(2,)) == 0
    words = shlex.split(capsys.readouterr().out.splitlines()[-1])
    assert words[0] == "lm_eval"
    monkeypatch.setattr(sys, "argv", words)
    options = HarnessCLI().parse_args()
    assert options.model_args == {"pretrained": str(model_folder(out)), "dtype": "float32"}
    assert (options.tasks, options.num_fewshot, options.batch_size) == (["gsm8k_cot"], 2, "8")
    assert options.gen_kwargs == {"max_gen_toks": 4} and options.device == "cpu"


def count_questions(monkeypatch, stop_at=None):
    """The numbers of shots that are asked from now on; Ctrl-C at one of them."""
    asked, ask = [], gsm8k_harness.ask

    def counted(model, problems, examples, prompting):
        asked.append(len(examples))
        if len(examples) == stop_at:
            raise KeyboardInterrupt
        return ask(model, problems, examples, prompting)

    monkeypatch.setattr(gsm8k_harness, "ask", counted)
    return asked


def test_an_interrupted_run_keeps_what_is_finished_and_goes_on(folders, tmp_path, capsys, monkeypatch):
    out = tmp_path / "results.json"
    asked = count_questions(monkeypatch, stop_at=2)
    assert run(folders["llama"], out, *LASER) == 130
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.splitlines()[-1] == f"interrupted; {out} has shots 1"
    assert list(json.loads(out.read_text())["shots"]) == ["1"]
    monkeypatch.undo()
    asked = count_questions(monkeypatch)
    assert run(folders["llama"], out, *LASER) == 0 and asked == [2]
    assert run(folders["llama"], out, *LASER, shots=(2, 1)) == 0 and asked == [2]
    whole = tmp_path / "whole.json"
    assert run(folders["llama"], whole, *LASER) == 0 and answers(whole) == answers(out)


def test_a_deleted_model_is_made_again_and_a_changed_one_refused(folders, tmp_path, capsys, monkeypatch):
    out = tmp_path / "results.json"
    assert run(folders["llama"], out, shots=(1,)) == 0
    files = json.loads(out.read_text())["model_files"]
    model_folder(out).rename(tmp_path / "elsewhere")
    assert run(folders["llama"], out, shots=(1, 2)) == 0
    assert json.loads(out.read_text())["model_files"] == files
    (model_folder(out) / "config.json").write_text("{}")
    assert "must be unchanged since results.json was begun" in refused(capsys, folders["llama"], out)
    out.unlink()
    assert "must not be there without results.json" in refused(capsys, folders["llama"], out)


@pytest.mark.parametrize(("words", "message"), [
    (["--fraction", "0.5"], "role, layer and fraction must be given together or not at all, got (None, None, 0.5)"),
    (["--role", "mlp", "--layer", "0", "--fraction", "0.5"], "role must be 'mlp_in' or 'mlp_out', got 'mlp'"),
    (["--role", "mlp_in", "--layer", "0", "--fraction", "1.5"], "fraction must be a real number in [0, 1], got 1.5"),
    (["--shots", "11"], "shots must be different numbers from 1 to 10, the worked examples, got [11]"),
    (["--shots", "0,1"], "shots must be different numbers from 1 to 10, the worked examples, got [0, 1]"),
    (["--shots", "1,1"], "shots must be different numbers from 1 to 10, the worked examples, got [1, 1]"),
    (["--limit", "0"], "limit must be 1 to "),
    (["--limit", "2000"], "limit must be 1 to "),
    (["--seed", "-1"], "seed must be an integer >= 0, got -1"),
    (["--batch-size", "0"], "batch_size must be an integer >= 1, got 0"),
    (["--stop", ""], "must be a string of at least 1 characters, got ''"),
    (["--dtype", "int8"], "dtype must be one of float32, bfloat16, float16, got 'int8'"),
    (["--device", "gpu"], 'device must be "cpu", "cuda", "cuda:<index>" or "auto", got \'gpu\''),
    (["--revision", "main"], "revision must be None for a folder"),
    (["--problems", "none.jsonl"], "none.jsonl must be a readable file of JSON lines in UTF-8"),
    (["--examples", "none.jsonl"], "none.jsonl must be a readable file of JSON lines in UTF-8"),
    (["--against", "none.json"], "none.json must be a file of results of paper-checks gsm8k"),
    (["--numbers", "n.json"], "numbers must be of a truncated model against the whole one, give role, layer and"),
    (["--out", "results.txt"], "out must end in .json, got 'results.txt'"),
    (["--out", "none/results.json"], "out must be a file in a folder that exists, got 'none/results.json'"),
    (["--model", "none/of/these"], "there is no folder none/of/these"),
])  # fmt: skip
def test_wrong_input_is_one_line(words, message, folders, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = ["--model", str(folders["llama"]), "--out", "results.json", "--problems", str(PROBLEMS)]
    assert main([*given, *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and message in captured.err
    assert captured.err.startswith("paper-checks gsm8k: error: ") and captured.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_problems_that_cannot_be_asked_are_named(folders, tmp_path, capsys):
    path, out = tmp_path / "a.jsonl", tmp_path / "results.json"
    path.write_text('{"question": "One?", "answer": "#### 1"}\n{"question": "Two?", "answer": ""}\n')
    assert "a.jsonl, line 2: answer must be a text that is not empty" in refused(
        capsys, folders["llama"], out, problems=path
    )
    path.write_text(OWN.read_text().replace('"split": "examples", ', ""))
    assert "examples must not contain a problem that is asked" in refused(capsys, folders["llama"], out, problems=path)
    assert [found.name for found in tmp_path.iterdir()] == ["a.jsonl"]


def test_results_of_another_configuration_are_refused(folders, tmp_path, capsys, monkeypatch):
    out = tmp_path / "results.json"
    assert run(folders["llama"], out, shots=(1,)) == 0
    before = out.read_bytes()
    same = "results.json must be of the same configuration, "
    for words, name in (
        (LASER, "truncation"),
        (["--seed", "2"], "seed"),
        (["--stop", "#"], "stop"),
        (["--batch-size", "3"], "batch_size"),
    ):
        assert same + f"{name} is " in refused(capsys, folders["llama"], out, *words)
    assert same + "problems is 3, now 2" in refused(capsys, folders["llama"], out, limit=2)
    assert same + "weights_sha256 is " in refused(capsys, folders["phi3"], out)
    other = tmp_path / "other.json"
    assert same + "weights_sha256 is " in refused(capsys, folders["phi3"], other, "--against", out, shots=(1,))
    assert "must have the same shots, it lacks 2" in refused(capsys, folders["llama"], other, "--against", out)
    with monkeypatch.context() as other_code:
        other_code.setattr("simulate.gsm8k.results.code_hash", lambda: "0" * 64)
        assert same + "code is " in refused(capsys, folders["llama"], out)
    out.write_text("{")
    assert "results.json must be a file of results" in refused(capsys, folders["llama"], out)
    out.write_bytes(before)
    assert run(folders["llama"], out, shots=(1,)) == 0 and out.read_bytes() == before


def test_what_the_model_does_not_have_is_refused_before_the_work(folders, tmp_path, capsys):
    """A layer before the model is saved; a prompt beyond the context before the first answer, and not cut short."""
    out = tmp_path / "results.json"
    layer = ("--role", "mlp_in", "--layer", "2", "--fraction", "0.5")
    assert refused(capsys, folders["llama"], out, *layer).splitlines()[-1] == (
        "paper-checks gsm8k: error: layer must be in -2..1, got 2"
    )
    assert not list(tmp_path.iterdir())
    message = refused(capsys, folders["narrow"], out, shots=(1, 8), problems=OWN).splitlines()[-1]
    assert "shots must leave room for the answer in the model's 256 tokens, got 8 shots with " in message
    assert json.loads(out.read_text())["shots"] == {}
    assert run(folders["narrow"], out, shots=(1,), problems=OWN) == 0


def test_a_missing_extra_is_one_line(folders, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    monkeypatch.delitem(sys.modules, "simulate.gsm8k.harness")
    expected = "lm_eval is missing: pip install -e '.[gsm8k]'\n"
    assert refused(capsys, folders["llama"], tmp_path / "results.json") == expected

    def no_package(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(gsm8k_plan, "version", no_package)
    assert refused(capsys, folders["llama"], tmp_path / "results.json") == expected
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["torch", "lm_eval"])
def test_an_interrupted_import_is_one_line(name, folders, tmp_path):
    """The seconds before the work: Ctrl-C during any heavy import, none of which comes before the command runs."""
    words = ["gsm8k", "--model", folders["llama"], "--out", tmp_path / "results.json"]
    assert_interrupted_import(name, words, "interrupted; no results\n")
    assert not list(tmp_path.iterdir())
