"""What two runs of word problems come to without their texts; and the recorded figure of SmolLM2 with its page.

The figure is of the code that `simulate.gsm8k.results.CODE` names: prompts, decoding, reading, truncation. An edit of
one of these makes the test of its hash red until the two lines of docs/gsm8k-small.md were typed again. Loading, saving
and the choice of the matrices are not in the hash; digests of the weights are in the figure, and where the weights are
at hand they are held against it.
"""

import hashlib
import json
import re

import pytest
import scipy.stats

from paper_checks.commands.gsm8k.numbers import figure, made_again, table
from simulate.gsm8k.answers import NUMBER, is_correct
from simulate.gsm8k.problems import OWN, Prompting, fingerprint, read_problems, worked_examples
from simulate.gsm8k.results import CODE, READINGS, code_hash
from simulate.runtime.files import read_json
from tests.places import ROOT, SHARED

GSM8K = SHARED / "gsm8k_test.jsonl"
PAGE = ROOT / "docs" / "gsm8k-small.md"
FIGURE = read_json(ROOT / "paper_checks" / "recorded" / "gsm8k_smollm2.json")
MODELS = ("whole", "truncated")
AT = [(shots, reading) for shots in FIGURE["shots"] for reading in READINGS]
ROWS = [(shots, reading) for shots in FIGURE["shots"] for reading in (*READINGS, "no number")]


def results(truncation, *judged, shots=("1",), **configuration):
    """Results by hand: which answers are correct, strictly and flexibly."""
    answers = [
        {"question": f"What is {n}?", "expected": "1", "found": {"strict": f"{n}", "flexible": "[invalid]"},
         "correct": {"strict": strict, "flexible": flexible}} for n, (strict, flexible) in enumerate(judged)
    ]  # fmt: skip
    known = {"code": "c", "weights_sha256": "w", "versions": {}, "problems_sha256": "p", "examples_sha256": "e"}
    record = {"date": "2026-01-02", "device": "a processor", "seconds": 1.4, "answers": answers}
    return {
        "source": {"model": "tiny"},
        "configuration": {**known, "truncation": truncation, "problems": len(answers), **configuration},
        "model_files": {"model.safetensors": str(truncation)},
        "shots": {count: record for count in shots},
    }


WHOLE = results(None, (True, False), (True, False), (False, False))
CUT = results({"role": "mlp_in"}, (True, False), (False, True), (False, True))
CUT["shots"]["1"]["answers"][2]["found"]["flexible"] = "1"


def test_a_figure_by_hand():
    """Of three problems one is lost strictly, two are gained flexibly; no word of a question is kept."""
    found = figure(WHOLE, CUT)
    at = found["shots"]["1"]
    assert (at["whole"]["strict"]["which"], at["truncated"]["strict"]["which"]) == ([1, 2], [1])
    assert at["whole"]["strict"]["found"] == "0 1 2" and at["whole"]["flexible"]["found"].count("[invalid]") == 3
    assert at["whole"]["strict"]["at_random"] == 1 and at["whole"]["flexible"]["at_random"] == 0
    assert at["whole"]["no number"]["which"] == [1, 2, 3] and at["truncated"]["no number"]["which"] == [1, 2]
    assert at["change"] == {
        "no number": {"gained": 0, "lost": 1, "p_value": 1},
        "strict": {"gained": 0, "lost": 1, "p_value": 1},
        "flexible": {"gained": 2, "lost": 0, "p_value": 0.5},
    }
    assert found["questions_sha256"][2] == hashlib.sha256(b"What is 2?").hexdigest()
    assert found["seconds"] == 3 and found["asked"] == {"truncation": {"role": "mlp_in"}, "problems": 3}
    assert found["model_files"]["whole"] != found["model_files"]["truncated"] and "What" not in json.dumps(found)
    assert json.loads(json.dumps(found)) == found
    rows = list(table(found))
    assert rows[2] == "| 1 | strict | 2 of 3 (9.4 to 99.2 %) | 1 of 3 (0.8 to 90.6 %) | 0 | 1 | 1 |"
    assert len(rows) == 5 and {row.count("|") for row in rows} == {8}


def test_results_that_cannot_be_compared_are_refused():
    others = [results(None, (True, True), shots=("2",)), results(None, (True, True), weights_sha256="other")]
    for other, said in zip(others, ("differ in \\[\\]", "differ in \\['weights_sha256'\\]"), strict=True):
        with pytest.raises(ValueError, match=said):
            figure(other, results({"role": "mlp_in"}, (True, True)))


CODES = (FIGURE["code"], FIGURE.get("again", {}).get("code"))
"""Of the code that made the figure, and of that which gave its first problems again."""


def test_the_recorded_figure_is_of_the_code_at_hand():
    assert code_hash() in CODES, f"recorded by other code than {CODE}: type the lines of {PAGE.name} again"
    assert "again" not in FIGURE or (
        FIGURE["again"]["problems"] == 10 and FIGURE["again"]["shots"] == ["1", "2", "4", "8"]
    )


def test_a_figure_stands_for_code_that_gives_its_first_problems_again():
    """Every number of them; one that differs is named, and a figure of as many problems is a new one."""
    whole, cut = (results(truncation, *[(True, True)] * 3) for truncation in (None, {"role": "mlp_in"}))
    short, short_cut = (
        results(truncation, *[(True, True)] * 2, code="new") for truncation in (None, {"role": "mlp_in"})
    )
    known, part = figure(whole, cut), figure(short, short_cut)
    assert made_again(known, part)["again"] == {"code": "new", "date": "2026-01-02", "problems": 2, "shots": ["1"]}
    assert {**made_again(known, part), "again": None} == {**known, "again": None}
    short_cut["shots"]["1"]["answers"][1]["found"]["strict"] = "7"
    with pytest.raises(ValueError, match="first 2 problems came out different in 1 shots, truncated, strict"):
        made_again(known, figure(short, short_cut))
    with pytest.raises(ValueError, match="held against one of fewer, got 3"):
        made_again(known, known)


@pytest.mark.parametrize("name", CODE)
def test_the_hash_is_of_prompts_reading_and_truncation(name, tmp_path, monkeypatch):
    """A change of any of the files makes it another one."""
    from simulate.gsm8k import results as module

    for path in CODE:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes((ROOT / path).read_bytes())
    monkeypatch.setattr(module, "__file__", str(tmp_path / "simulate" / "gsm8k" / "results.py"))
    assert code_hash() in CODES
    (tmp_path / name).write_text((tmp_path / name).read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    assert code_hash() not in CODES


def test_the_recorded_figure_is_of_fifty_problems_and_all_shots():
    asked = FIGURE["asked"]
    assert list(FIGURE["shots"]) == ["1", "2", "4", "8"] and len(set(FIGURE["questions_sha256"])) == 50
    assert asked["truncation"] == {"role": "mlp_in", "layer": 28, "fraction": 0.5} and asked["problems"] == 50
    assert (asked["dtype"], asked["max_new_tokens"], asked["batch_size"]) == ("float32", 128, 10)
    assert asked["stop"] == [*Prompting().stop, "\n\n"] and asked["seed"] == Prompting().seed
    files = [FIGURE["model_files"][model] for model in MODELS]
    assert {name for name in files[0] if files[0][name] != files[1][name]} == {"model.safetensors"}


def test_the_recorded_figure_has_no_text():
    """Digests, numbers and [invalid] alone are of the problems and the answers."""
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in FIGURE["questions_sha256"])
    for shots, reading in AT:
        for model in MODELS:
            found = FIGURE["shots"][shots][model][reading]["found"].split()
            silent = [number for number, one in enumerate(found, 1) if one == "[invalid]"]
            assert reading == "strict" or FIGURE["shots"][shots][model]["no number"]["which"] == silent
            assert len(found) == 50 and all(one == "[invalid]" or re.fullmatch(NUMBER, one) for one in found)


@pytest.mark.parametrize(("shots", "reading"), ROWS)
@pytest.mark.parametrize("model", MODELS)
def test_intervals_are_where_the_binomial_tails_are_a_fortieth(model, shots, reading):
    """Clopper and Pearson: at the lower end so many right answers or more have probability 1/40, at the upper so many
    or fewer."""
    read = FIGURE["shots"][shots][model][reading]
    right, (low, high) = len(read["which"]), read["interval"]
    assert low == 0 if right == 0 else scipy.stats.binom.sf(right - 1, 50, low) == pytest.approx(1 / 40)
    assert high == 1 if right == 50 else scipy.stats.binom.cdf(right, 50, high) == pytest.approx(1 / 40)


@pytest.mark.parametrize(("shots", "reading"), ROWS)
def test_changes_are_those_of_the_answers(shots, reading):
    at = FIGURE["shots"][shots]
    whole, cut = (set(at[model][reading]["which"]) for model in MODELS)
    gained, lost = len(cut - whole), len(whole - cut)
    change = at["change"][reading]
    assert (change["gained"], change["lost"]) == (gained, lost)
    expected = scipy.stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1
    assert change["p_value"] == pytest.approx(expected)


@pytest.mark.skipif(not GSM8K.exists(), reason="GSM8K itself is not part of the project")
def test_the_recorded_answers_are_right_and_wrong_as_gsm8k_has_them():
    problems = read_problems(GSM8K, "problems")[:50]
    examples = worked_examples(read_problems(OWN, "examples"), problems, FIGURE["asked"]["seed"])
    assert (FIGURE["problems_sha256"], FIGURE["examples_sha256"]) == (fingerprint(problems), fingerprint(examples))
    assert FIGURE["questions_sha256"] == [hashlib.sha256(p.question.encode()).hexdigest() for p in problems]
    for shots, reading in AT:
        for model in MODELS:
            read = FIGURE["shots"][shots][model][reading]
            judged = [is_correct(one, p.answer) for one, p in zip(read["found"].split(), problems, strict=True)]
            assert [number for number, right in enumerate(judged, 1) if right] == read["which"]
            dealt = [is_correct(one, p.answer) for one in read["found"].split() for p in problems]
            assert read["at_random"] == sum(dealt) / 50


def test_the_recorded_figure_is_of_the_weights_at_hand():
    from simulate.language import pretrained

    folder = pretrained.pretrained_folder("smollm2")
    if folder is None:
        pytest.skip("the weights are not here: paper-checks weights smollm2")
    from simulate.language import load_language_model

    assert load_language_model(folder).sha256 == FIGURE["weights_sha256"]


def test_the_page_says_what_the_figure_has():
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert " ".join(table(FIGURE)) in page
    right = [len(FIGURE["shots"][shots]["whole"][reading]["which"]) for shots, reading in AT]
    assert f"right on at most {max(right)} of 50" in page and max(right) == 3
    dealt = {m: [round(FIGURE["shots"][s][m][reading]["at_random"], 1) for s, reading in AT] for m in MODELS}
    least = {model: f"{min(found)} to {max(found)}" for model, found in dealt.items()}
    assert f"{least['whole']} would be right on average (the truncated model's {least['truncated']})" in page
    silent = [FIGURE["shots"][shots]["change"]["no number"] for shots in ("2", "4", "8")]
    assert {change["lost"] for change in silent} == {0} and "(12 to 17 gained, none lost; p at most 0.006 " in page
    assert sorted(change["gained"] for change in silent) == [12, 15, 17]
    assert max(12 * change["p_value"] for change in silent) < 0.006
    lost = [FIGURE["shots"][shots]["change"][reading] for shots, reading in AT]
    assert (max(c["lost"] for c in lost), max(c["gained"] for c in lost)) == (3, 0) and "lost up to 3" in page
    assert f"took {FIGURE['seconds'] / 60:.0f} minutes" in page


def test_what_fifty_problems_can_tell():
    """The numbers of problems that the page says a comparison needs, and what a model of 1 % has."""
    smallest = [next(k for k in range(50) if scipy.stats.binomtest(k, k or 1).pvalue < p) for p in (0.05, 0.05 / 8)]
    assert smallest == [6, 9]
    assert scipy.stats.binom.sf(2, 50, 0.01) == pytest.approx(0.014, abs=5e-4)
