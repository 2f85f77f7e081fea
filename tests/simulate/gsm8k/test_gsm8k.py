"""Word problems: what is asked, how an answer is read, and how two models are compared. The path: test_run_gsm8k."""

import json
import math
import re
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from paper_checks.witnesses.number_readers import last_number, stated
from simulate.gsm8k import problems as gsm8k
from simulate.gsm8k import results as gsm8k_results
from simulate.gsm8k.answers import FLEXIBLE, STRICT, accuracy, is_correct, number, paired
from simulate.laser.reduction import Choice
from simulate.runtime.files import add_digest
from tests.places import SHARED

GSM8K = SHARED / "gsm8k_test.jsonl"
LINE = {"question": "Two and two?", "answer": "2 + 2 = <<2+2=4>>4\n#### 4"}


def patterns(text):
    """What the harness's patterns find: the first strict and the last flexible match."""
    strict, flexible = re.findall(STRICT, text), re.findall(FLEXIBLE, text)
    return (strict[0] if strict else None), (flexible[-1] if flexible else None)


@pytest.mark.parametrize(("text", "strict", "flexible"), [
    ("2 + 2 = 4. The answer is 4.", "4", "4"),
    ("2 + 2 = 4\n#### 4", "4", "4"),
    ("Thus the answer is: $1,234,567.50. Is it 3?", "$1,234,567.50", "3"),
    ("The answer is -7 degrees, 12 less than 5.", "-7", "5"),
    ("#### −$7", "−$7", "−$7"),
    ("#### $-7", "$-7", "$-7"),
    ("The answer is 42.00", "42.00", "42.00"),
    ("The answer is .5", ".5", ".5"),
    ("The answer is unknown. The answer is 5. The answer is 6.", "5", "6"),
    ("So there are 12 eggs and 3 hens", None, "3"),
    ("10-3", None, "3"),
    ("10 - 3 = 7", None, "7"),
    ("50% of 3kg", None, "3"),
    ("The answer is 1,2", None, None),
    ("The answer is 3.14.15", None, None),
    ("I do not know.", None, None),
    ("", None, None),
])  # fmt: skip
def test_the_number_that_an_answer_states(text, strict, flexible):
    assert (stated(text), last_number(text)) == patterns(text) == (strict, flexible)


PIECES = [*"0123456789.,-−$€£ \n:)]#a_x%*²٣", "####", "The answer is ", "the answer is", "42", "1,200", "3.50"]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_patterns_and_scanner_read_the_same(text):
    assert (stated(text), last_number(text)) == patterns(text)


@settings(max_examples=200, deadline=None)
@given(st.decimals(-(10**9), 10**9, places=2), st.sampled_from(["", "$", "€"]), st.sampled_from([".", ". ", "\n", ""]))
def test_every_number_comes_back_however_it_is_written(value, currency, end):
    """Thousands separators, currency, decimals and a full stop change nothing."""
    for digits in (f"{abs(value):,}", f"{abs(value)}"):
        text = f"{'-' if value < 0 else ''}{currency}{digits}"
        for found in (stated(f"1 + 1 = 2. The answer is {text}{end}"), last_number(f"so 2, or {text}{end}")):
            assert found == text and number(found) == value


@pytest.mark.parametrize("text", ["", "[invalid]", "1,2", "1.2.3", "4 2", "nan", "1e3", "٣", "--5", "5.", "$"])
def test_what_is_no_number(text):
    assert number(text) is None and not is_correct(text, "5") and not is_correct("5", text)


@pytest.mark.parametrize(("found", "expected", "same"), [
    ("42.00", "42", True), ("1,234", "1234", True), ("$5.50", "5.5", True), ("042", "42", True), ("-0", "0", True),
    ("−5", "-5", True), ("5", "-5", False), ("42.01", "42", False),
    ("100000000000000000001", "100000000000000000002", False),
])  # fmt: skip
def test_numbers_are_compared_exactly(found, expected, same):
    assert is_correct(found, expected) is same


def test_accuracy_by_hand():
    assert accuracy([True, True, True, False]) == (0.75, math.sqrt(0.75 * 0.25 / 4))
    assert accuracy([True]) == (1, 0) and accuracy([False] * 3) == (0, 0)
    with pytest.raises(ValueError, match="correct must be a sequence of at least 1 entries"):
        accuracy([])


def test_a_paired_comparison_by_hand():
    """7 gained, 1 lost, of 20: difference 0.3, McNemar 2 (1 + 8) / 2⁸."""
    before = [True] * 6 + [False] * 14
    after = [False] + [True] * 12 + [False] * 7
    found = paired(before, after)
    assert (found.gained, found.lost, found.difference) == (7, 1, 0.3)
    assert found.standard_error == pytest.approx(math.sqrt(8 - 36 / 20) / 20)
    assert found.p_value == 18 / 256
    for wrong in ([], [True] * 19):
        with pytest.raises(ValueError, match="before and after must be of one length >= 1"):
            paired(wrong, after if wrong else [])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_a_paired_comparison_against_numpy_and_scipy(answers):
    before, after = zip(*answers, strict=True)
    found = paired(before, after)
    changes = np.array(after, float) - np.array(before, float)
    assert found.difference == pytest.approx(changes.mean())
    assert found.standard_error == pytest.approx(changes.std() / math.sqrt(len(changes)), abs=1e-12)
    changed = found.gained + found.lost
    expected = scipy.stats.binomtest(found.gained, changed).pvalue if changed else 1.0
    assert found.p_value == pytest.approx(expected)


def test_the_claims_grid():
    """Every truncation of the grid is one that LASER knows; the baseline is part of it."""
    points = gsm8k.grid()
    assert points[0] is None and len(set(points)) == len(points) == 19
    for point in points[1:]:
        Choice(point.role, point.layer, fraction=point.fraction)
    assert gsm8k.SHOTS == (1, 2, 4, 8) and len(gsm8k.MODELS) == 3 and gsm8k.Prompting().max_new_tokens == 256


@pytest.mark.parametrize(("name", "value", "error"), [
    ("seed", -1, ValueError), ("seed", 1.5, TypeError),
    ("max_new_tokens", 0, ValueError), ("batch_size", 0, ValueError),
])  # fmt: skip
def test_prompting_refuses(name, value, error):
    with pytest.raises(error, match=f"{name} must be an integer >= "):
        gsm8k.Prompting(**{name: value})


def test_ends_of_an_answer_are_texts():
    for wrong, error in (("Q:", TypeError), ((1,), TypeError), (("Q:", ""), ValueError)):
        with pytest.raises(error, match=r"stop(\[\d\])? must "):
            gsm8k.Prompting(stop=wrong)


def test_the_own_problems_are_right_and_own():
    """Ten and ten; every equation in the reasoning holds, and the last one gives the answer."""
    problems, examples = (gsm8k.read_problems(gsm8k.OWN, split) for split in ("problems", "examples"))
    assert len(problems) == len(examples) == 10 and max(gsm8k.SHOTS) <= len(examples)
    for problem in problems + examples:
        equations = re.findall(r"([\d.]+(?: [-+*/] [\d.]+)+) = (-?\d+(?:\.\d+)?)", problem.reasoning)
        assert equations, problem
        for left, right in equations:
            assert eval(left) == pytest.approx(float(right)), problem
        assert Decimal(problem.answer) in {Decimal(right) * sign for _, right in equations for sign in (1, -1)}, problem
    if GSM8K.exists():
        assert not {p.question for p in problems + examples} & {p.question for p in gsm8k.read_problems(GSM8K, "test")}


@pytest.mark.skipif(not GSM8K.exists(), reason="GSM8K itself is not part of the project")
def test_the_test_problems_of_gsm8k_are_read():
    problems = gsm8k.read_problems(GSM8K, "test")
    assert len(problems) == 1319 and problems[0].answer == "18" and problems[2].answer == "70000"
    assert not any("<<" in problem.reasoning or "####" in problem.reasoning for problem in problems)
    assert all("," not in problem.answer for problem in problems)


def write(path, *lines):
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), "utf-8")
    return path


def test_problems_are_read_by_split_without_marks_and_blank_lines(tmp_path):
    other = {"question": " Three? ", "answer": "#### $3,000.50"}
    path = write(tmp_path / "a.jsonl", LINE, "", {**other, "split": "examples"}, {**other, "split": "problems"}, "")
    assert gsm8k.read_problems(path, "problems") == [
        ("Two and two?", "2 + 2 = 4", "4"),
        ("Three?", "", "3000.50"),
    ]


@pytest.mark.parametrize(("line", "message"), [
    ("{", "must be a JSON object"),
    ("[" * 100_000, "must be a JSON object"),
    ("[1]", "must be a JSON object, got list"),
    ({"answer": "#### 4"}, "question must be a text that is not empty, got None"),
    ({**LINE, "question": " "}, "question must be a text that is not empty, got ' '"),
    ({"question": "What?", "answer": ""}, "answer must be a text that is not empty, got ''"),
    ({"question": "What?", "answer": 4}, "answer must be a text that is not empty, got 4"),
    ({"question": "What?", "answer": "four"}, "answer must end with '#### ' and a number, got 'four'"),
    ({"question": "What?", "answer": "four #### "}, "answer must end with '#### ' and a number, got 'four ####'"),
    ({"question": "What?", "answer": "4"}, "answer must end with '#### ' and a number, got '4'"),
    (LINE, "the question must not stand twice, it is that of line 1"),
])  # fmt: skip
def test_a_malformed_line_is_named(tmp_path, line, message):
    path = write(tmp_path / "a.jsonl", LINE, "", line)
    with pytest.raises(ValueError, match=r"^a\.jsonl, line 3: " + re.escape(message)):
        gsm8k.read_problems(path, "problems")


def test_unreadable_or_empty_files_are_named(tmp_path):
    (tmp_path / "latin.jsonl").write_bytes(b"\xff")
    for path in (tmp_path / "none.jsonl", tmp_path, tmp_path / "latin.jsonl"):
        with pytest.raises(ValueError, match=f"{path} must be a readable file of JSON lines in UTF-8"):
            gsm8k.read_problems(path, "problems")
    path = write(tmp_path / "a.jsonl", {**LINE, "split": "examples"})
    with pytest.raises(ValueError, match="must have at least one line for split = 'problems', it has none"):
        gsm8k.read_problems(path, "problems")


def test_worked_examples_are_ordered_by_the_seed_alone():
    problems, examples = (gsm8k.read_problems(gsm8k.OWN, split) for split in ("problems", "examples"))
    orders = [gsm8k.worked_examples(examples, problems, seed) for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2] and sorted(orders[0]) == sorted(orders[2]) == sorted(examples)
    assert gsm8k.worked_examples(examples, problems[:2], 1) == orders[0]
    prints = {gsm8k.fingerprint(part) for part in (problems, problems[::-1], problems[:9], examples)}
    assert len(prints) == 4


def test_worked_examples_refuse_a_problem_and_missing_reasoning():
    problem = gsm8k.Problem("How  many?", "1 + 1 = 2", "2")
    with pytest.raises(ValueError, match=r"examples must not contain a problem that is asked, got 'how many\? '"):
        gsm8k.worked_examples([problem._replace(question="how many? ")], [problem], 0)
    with pytest.raises(ValueError, match=r"examples must have reasoning before '####', got none for 'How  many\?'"):
        gsm8k.worked_examples([problem._replace(reasoning="")], [], 0)


def results(*judged, **changes):
    """Results with one shot, by hand: which answers are correct, strictly and flexibly."""
    answers = [{"correct": {"strict": strict, "flexible": flexible}} for strict, flexible in judged]
    made = {"source": {}, "configuration": {"problems": len(answers), "stop": ["Q:"]}, "model_files": {}}
    return {**made, "shots": {"1": {"answers": answers}}, **changes}


def test_results_are_compared_problem_by_problem(tmp_path):
    before = results((True, True), (False, True), (False, False))
    after = results((True, True), (True, True), (False, True))
    path = tmp_path / "results.json"
    gsm8k_results.write_results(path, after)
    found = gsm8k_results.read_results(path)
    assert found == after and gsm8k_results.accuracies(found, 1)["flexible"] == (1, 0)
    changes = gsm8k_results.changes(before, found, 1)
    assert [(change.gained, change.lost) for change in changes.values()] == [(1, 0), (1, 0)]
    gsm8k_results.require_same(path, found, {"problems": 3, "stop": ("Q:",)})
    with pytest.raises(ValueError, match=r"results\.json must be of the same configuration, problems is 3, now 4"):
        gsm8k_results.require_same(path, found, {"problems": 4})


def test_results_are_ordered_by_shots(tmp_path):
    record = results((True, True))["shots"]["1"]
    gsm8k_results.write_results(tmp_path / "a.json", results((True, True), shots={k: record for k in ("8", "10", "2")}))
    found = list(gsm8k_results.read_results(tmp_path / "a.json")["shots"])
    assert all(int(fewer) < int(more) for fewer, more in pairwise(found)) and len(found) == 3


RIGHT = results((True, True))


@pytest.mark.parametrize("damaged", [
    [], {}, {"configuration": 1}, results((True, 1)), {**RIGHT, "shots": []}, {**RIGHT, "source": 3},
    {**RIGHT, "configuration": {"problems": 2}}, {**RIGHT, "shots": {"one": RIGHT["shots"]["1"]}}, "no object",
])  # fmt: skip
def test_a_damaged_file_of_results_is_named(tmp_path, damaged):
    path = write(tmp_path / "results.json", json.dumps(damaged))
    if isinstance(damaged, dict):
        add_digest(path)
    with pytest.raises(ValueError, match=r"results\.json must be a file of results of paper-checks gsm8k"):
        gsm8k_results.read_results(path)
    path.write_text("{")
    with pytest.raises(ValueError, match=r"results\.json must be a file of results of paper-checks gsm8k"):
        gsm8k_results.read_results(path)
