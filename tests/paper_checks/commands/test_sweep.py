"""paper-checks sweep on a shipped model: its numbers are those of truncated models, whatever does them."""

import csv
import json

import numpy as np
import pytest

pytest.importorskip("transformers", reason="needs the extra language", exc_type=ModuleNotFoundError)

from paper_checks.commands.command_line import main
from paper_checks.experiments.sweeps import jobs
from simulate.language import load_language_model
from simulate.laser import Choice, truncated
from simulate.pocket import pocket_folders
from simulate.prompts import encode, mean_and_error, measure, read_prompts

FOLDER = pocket_folders()[1][2000]
CITIES = {"Madrid": "Spain", "Paris": "France", "Rome": "Italy", "Oslo": "Norway", "Lima": "Peru", "Cairo": "Egypt"}


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """Results of a test alone."""
    monkeypatch.setenv("PAPER_CHECKS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def prompts(tmp_path):
    """A file of prompts: two about each city."""
    path = tmp_path / "prompts.jsonl"
    lines = [
        {"text": text.format(city), "answer": f" {country}", "set": "cities", "cluster": city}
        for city, country in CITIES.items()
        for text in ("{} is located in", "{} lies in")
    ]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    return path


def asked(prompts, *more):
    model = ["sweep", "--model", str(FOLDER), "--prompts", str(prompts), "--layers", "last:1"]
    return [*model, "--roles", "mlp_up,key", "--fractions", "0.1", "--ranks", "8", "--without", "2", *more]


def rows(path):
    with open(path, encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_the_cells_are_truncated_models_and_processes_do_not_matter(prompts, tmp_path, capsys):
    assert main(asked(prompts, "--processes", "1", "--out", str(tmp_path / "one.csv"))) == 0
    said = capsys.readouterr().out
    assert "cities: 12 prompts in 6 clusters, 6 cells" in said and "best of the other half" in said
    assert main(asked(prompts, "--processes", "2", "--out", str(tmp_path / "two.csv"))) == 0
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    model, found = load_language_model(FOLDER), read_prompts(prompts)["cities"]
    encoded = encode(found, model.tokenizer)
    whole, clusters = measure(model.model, encoded), [prompt.cluster for prompt in found]
    held = rows(tmp_path / "one.csv")
    assert len(held) == 6 and {(row["role"], row["rank"], row["fraction"], row["without"]) for row in held} == {
        (role, *level) for role in ("mlp_up", "key") for level in (("8", "", ""), ("", "0.1", ""), ("", "", "2"))
    }
    for row in held:
        level = {name: float(row[name]) if name == "fraction" else int(row[name])
                 for name in ("rank", "fraction", "without") if row[name]}  # fmt: skip
        after = measure(truncated(model.model, Choice(row["role"], int(row["layer"]), **level)), encoded)
        mean, error = mean_and_error(after.answer - whole.answer, clusters)
        # Float32 in another order of sums.
        np.testing.assert_allclose(float(row["answer change"]), mean, rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(float(row["answer standard error"]), error, rtol=1e-2, atol=1e-5)
        np.testing.assert_allclose(float(row["answer whole"]), whole.answer.mean(), rtol=1e-4)


def test_what_is_done_is_not_done_again(prompts, capsys, monkeypatch):
    """A layer that is finished is kept: after an interrupt the same command goes on."""
    assert main(asked(prompts)) == 0
    first = capsys.readouterr().out
    monkeypatch.setattr(jobs, "sweep", lambda *given, **more: pytest.fail("it was swept again"))
    assert main(asked(prompts)) == 0
    assert capsys.readouterr().out == first


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--layers", "last:7"], "--layers must be last:N, upper, all, or numbers in 0..5 with commas, got 'last:7'"),
        (["--layers", "6"], "--layers must be"),
        (["--layers", "top"], "--layers must be"),
        (["--roles", "mlp"], "role must be one of"),
        (["--roles", "mlp_gate"], "role must be one that GPTNeoXForCausalLM has"),
        (["--fractions", "1.5"], "fraction must be"),
        (["--fractions", "half"], "--fractions must be numbers with commas between them, or none, got 'half'"),
        (["--ranks", "1.5"], "--ranks must be integers, got '1.5'"),
        (["--ranks", "10000"], "rank must be at most"),
        (["--ranks", "", "--fractions", "none", "--without", "none"], "must name at least one level, got none"),
        (["--start", "no such token"], "start must be"),
        (["--dtype", "int8"], "dtype must be one of float32"),
        (["--out", "/no/such/folder/cells.csv"], "--out must be a file in a folder that exists"),
        (["--prompts", "none.jsonl"], "none.jsonl"),
        (["--model", "/no/such/folder"], "there is no folder"),
    ],
)
def test_wrong_options_are_named_before_any_work(more, said, prompts, capsys, monkeypatch):
    monkeypatch.setattr(jobs, "sweep", lambda *given, **more: pytest.fail("it was swept"))
    assert main(asked(prompts, *more)) == 2
    found = capsys.readouterr().err
    assert said in found and found.count("\n") == 1


def test_prompts_of_words_that_the_model_does_not_know_are_told(prompts, capsys):
    with open(prompts, "a", encoding="utf-8") as lines:
        lines.write('{"text": "Madrid is located in", "answer": " Atlantis", "set": "others"}\n')
    assert main(asked(prompts)) == 2
    found = capsys.readouterr()
    assert "others: 1 of 1 prompts left out, for words that are not one token: ' Atlantis'" in found.out
    assert "prompts of others must be at least 4 of one-token words, got 0" in found.err
