"""The ask command: its tables and JSON are theory's answers, defaults are said, what cannot be asked is one line."""

import json
import os
import re
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from rich.cells import cell_len

import theory
from paper_checks.commands.ask import data
from paper_checks.commands.ask.shown import figure, number
from simulate.sequences import shakespeare_chain
from tests.oracles.picture_commands import command
from tests.places import ROOT
from theory import Law, Task
from theory.general.asked import Answer

main = command("ask")
BIGRAMS = str(ROOT / "simulate" / "data" / "tinyshakespeare_bigrams.csv")
TEXT = "to be, or not to be: that is the question.\n" * 4


def asked(capsys, *words):
    """What --json prints, without the setting's file."""
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    found["setting"].pop("file", None)
    return found


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "own.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_tables_have_every_answer(capsys):
    assert main(["--N", "5000", "--T", "2048", "--alpha", "1/5"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("N = 5000, T = 2048, alpha = 0.2, trigger = 0, noise = 5000, rate = 0.95\n")
    assert "\x1b" not in said and max(map(cell_len, said.splitlines())) == 100
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in said.splitlines() if line.startswith("│")]
    rows = []
    for cell in cells:  # a cell goes on in the lines below
        if cell[0]:
            rows.append(cell)
        else:
            rows[-1] = [f"{one} {more}".strip() for one, more in zip(rows[-1], cell, strict=True)]
    answers = list(theory.ask(Task(5000, 2048, Fraction(1, 5))))
    assert rows == [[one.claim, number(one), one.basis, one.sentence] for one in answers]
    for basis in {one.basis for one in answers}:
        assert f"\n{basis}: " in said


def test_json_is_what_theory_answers(capsys):
    assert asked(capsys, "--N", "9", "--T", "30", "--alpha", "0.3", "--trigger", "4") == json.loads(
        json.dumps(theory.ask(Task(9, 30, Fraction(3, 10), 4)).as_dict())
    )
    assert asked(capsys, "--N", "9")["setting"] | {"T": 256, "alpha": 0.5} == asked(capsys, "--N", "9")["setting"]


@pytest.mark.parametrize("answers", ["uniform", "stationary"])
def test_the_papers_bigrams_are_the_reference_law(capsys, answers):
    chain, characters = shakespeare_chain()
    found = asked(capsys, "--bigrams", BIGRAMS, "--T", "12", "--alpha", "0.3", "--answers", answers)
    law = Law(chain.transition, T=12, trigger=characters.index(" "), alpha=0.3, first=chain.initial, noise=2,
              answers=chain.initial if answers == "stationary" else None)  # fmt: skip
    expected = theory.ask(law, [data.called(character) for character in characters]).as_dict()
    assert found["answers"] == json.loads(json.dumps(expected["answers"]))
    assert found["setting"] == expected["setting"] | {"answers": answers}
    assert found["setting"]["trigger"] == "' '" and found["setting"]["noise"] == "'!'"


def table_of(string, path):
    """Counts of a string's pairs as a table."""
    pairs = [(ord(one), ord(other)) for one, other in pairwise(string)]
    lines = [f"{one},{other},{pairs.count((one, other))}" for one, other in sorted(set(pairs))]
    path.write_text("\n".join([",".join(data.HEADER), *lines, ""]))
    return path


def test_a_text_is_its_bigrams(capsys, text, tmp_path):
    words = ["--trigger", "o", "--noise", "U+000A", "--alpha", "0.4", "--T", "40"]
    table = table_of(TEXT, tmp_path / "own.csv")
    one, other = (asked(capsys, option, str(path), *words) for option, path in (("--text", text), ("--bigrams", table)))
    assert one == other and one["setting"]["noise"] == "U+000A" and one["setting"]["M"] == len(set(TEXT))
    text.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    assert asked(capsys, "--text", str(text), *words) == one


def test_defaults_are_the_most_frequent_and_the_third_character(capsys, text):
    setting = asked(capsys, "--text", str(text))["setting"]
    assert (setting["trigger"], setting["noise"], setting["answers"]) == ("' '", "','", "uniform")
    third = sorted(set(TEXT))[2]
    assert asked(capsys, "--text", str(text), "--trigger", third)["setting"]["noise"] == "' '"


def test_smoothing_gives_every_character_a_successor(capsys, text):
    text.write_text(f"{TEXT}!")
    assert main(["--text", str(text)]) == 2 and "('!')" in capsys.readouterr().err
    smoothed = data.read_text(text, 0.5).chain.transition
    counts = np.zeros(smoothed.shape)
    index = {character: token for token, character in enumerate(sorted(set(f"{TEXT}!")))}
    for one, other in zip(TEXT, f"{TEXT}!"[1:], strict=True):
        counts[index[one], index[other]] += 1
    np.testing.assert_allclose(smoothed, (counts + 0.5) / (counts + 0.5).sum(axis=1, keepdims=True), rtol=1e-14)
    assert asked(capsys, "--text", str(text), "--smoothing", "1/2")["setting"]["M"] == len(index)


@pytest.fixture
def unasked(monkeypatch):
    """Nothing may be worked out."""

    def work(*arguments):
        raise AssertionError(arguments)

    monkeypatch.setattr(theory, "ask", work)
    monkeypatch.setattr(data, "ask", work)


OPTIONS = [
    ([], "one of --N, --bigrams and --text is needed, got none"),
    (["--N", "5", "--text", "x"], "one of --N, --bigrams and --text is needed, got --N and --text"),
    (["--N", "1"], "Invalid value for '--N': 1 is not in the range x>=2."),
    (["--N", "5", "--T", "1"], "Invalid value for '--T': 1 is not in the range x>=2."),
    (["--N", "5", "--alpha", "1.5"], "--alpha must be in [0, 1], got 1.5"),
    (["--N", "5", "--alpha", "nan"], "a number such as 0.3 or 1/3 is needed, got 'nan'"),
    (["--N", "5", "--trigger", "5"], "--trigger must be a token in 0..4, got '5'"),
    (["--N", "5", "--trigger", "-1"], "--trigger must be a token in 0..4, got '-1'"),
    (["--N", "5", "--noise", "!"], "--noise is for --bigrams and --text alone, got it with --N"),
    (["--N", "5", "--answers", "uniform"], "--answers is for --bigrams and --text alone, got it with --N"),
    (["--N", "5", "--smoothing", "1"], "--smoothing is for --bigrams and --text alone, got it with --N"),
    (["--bigrams", BIGRAMS, "--smoothing", "-1"], "--smoothing must be >= 0, got -1.0"),
    (["--bigrams", BIGRAMS, "--answers", "other"], "Invalid value for '--answers': 'other' is not one of"),
    (["--bigrams", BIGRAMS, "--trigger", "é"], f"--trigger must be one of the 65 characters of {BIGRAMS}, got 'é'"),
    (["--bigrams", BIGRAMS, "--noise", "U+0009"], f"--noise must be one of the 65 characters of {BIGRAMS}, got U+0009"),
    (["--bigrams", BIGRAMS, "--noise", "ab"], "--noise must be one character or its code point, such as U+000A, got"),
    (["--bigrams", BIGRAMS, "--noise", "U+11FFFF"], "such as U+000A, got 'U+11FFFF'"),
    (["--bigrams", BIGRAMS, "--noise", ""], "such as U+000A, got ''"),
    (["--text", "not-there"], "[Errno 2] No such file or directory: 'not-there'"),
    (["--bigrams", "."], "[Errno 21] Is a directory: '.'"),
]  # fmt: skip


@pytest.mark.usefixtures("unasked")
@pytest.mark.parametrize(("words", "reason"), OPTIONS)
def test_options_that_cannot_be_used_are_one_line(capsys, words, reason):
    assert main(words) == 2
    found = capsys.readouterr()
    assert reason in found.err and found.err.startswith("paper-checks ask: error: ")
    assert found.out == "" and found.err.count("\n") == 1


ROWS = "97,98,3\n98,97,2\n98,99,1\n99,97,1\n"
TABLES = [
    ("", "must begin with the line first_codepoint,second_codepoint,count, got ''"),
    ("a,b,c\n1,2,3\n", "must begin with the line first_codepoint,second_codepoint,count, got 'a,b,c'"),
    ("97,98\n", "line 2: first_codepoint,second_codepoint,count is needed, got '97,98'"),
    (f"{ROWS}\n97,99,1\n", "line 6: first_codepoint,second_codepoint,count is needed, got ''"),
    (f"{ROWS}97,97,-1\n", "line 6: count must be a whole number in 0..9007199254740992, got '-1'"),
    (f"{ROWS}97,97,nan\n", "line 6: count must be a whole number in 0..9007199254740992, got 'nan'"),
    (f"{ROWS}97,97,1.5\n", "line 6: count must be a whole number in 0..9007199254740992, got '1.5'"),
    (f"{ROWS}97,97,9007199254740993\n", "line 6: count must be a whole number in 0..9007199254740992"),
    (f"{ROWS}1114112,97,1\n", "line 6: first_codepoint must be a whole number in 0..1114111, got '1114112'"),
    (f"{ROWS}97,x,1\n", "line 6: second_codepoint must be a whole number in 0..1114111, got 'x'"),
    (f"{ROWS}98,99,4\n", "line 6: the pair 98,99 is there twice"),
    ("97,98,3\n98,97,2\n", "must have 3 to 128 different characters, got 2"),
    ("97,98,3\n98,97,2\n98,99,1\n99,97,0\n", "got none in row 2 ('c')"),
    ("97,98,3\n98,99,1\n", "got none in row 2 ('c')"),
    ("".join(f"{n},{n + 1},1\n" for n in range(128)), "must have 3 to 128 different characters, got 129"),
    ("", "must have 3 to 128 different characters, got 0"),
]


@pytest.mark.usefixtures("unasked")
@pytest.mark.parametrize(("rows", "reason"), TABLES)
def test_tables_that_are_none_are_refused_by_line(capsys, tmp_path, rows, reason):
    path = tmp_path / "own.csv"
    header = "" if "must begin" in reason else f"{','.join(data.HEADER)}\n"
    path.write_text(header + rows)
    assert main(["--bigrams", str(path)]) == 2
    found = capsys.readouterr().err
    assert reason in found and (str(path) in found or "row" in reason) and found.count("\n") == 1


@pytest.mark.usefixtures("unasked")
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (TEXT.encode()[:99], "must have at least 100 characters, got 99"),
        (b"ab" * 60, "must have 3 to 128 different characters, got 2"),
        ("".join(map(chr, range(1000, 1300))).encode(), "must have 3 to 128 different characters, got 300"),
        (TEXT.encode() + b"\xff", f"must be text in UTF-8, got the byte 0xff at position {len(TEXT)}"),
        (TEXT.encode() + b"?", "got none in row 5 ('?')"),
        (b"", "must have at least 100 characters, got 0"),
    ],
)
def test_texts_that_cannot_be_counted_are_refused(capsys, text, content, reason):
    text.write_bytes(content)
    assert main(["--text", str(text)]) == 2
    found = capsys.readouterr().err
    assert reason in found and found.count("\n") == 1


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        ({"value": 0.19984797}, "0.1998"),
        ({"value": 18722.0}, "18722"),
        ({"value": 0.0}, "0"),
        ({"value": 1e7}, "1e+07"),
        ({"low": 14, "high": 32}, "14 to 32"),
        ({"low": 18722}, "at least 18722"),
        ({"high": 0.25}, "at most 0.25"),
        ({"low": 0.0602908217420, "high": 0.0602908217429}, "≈ 0.06029"),
        ({"low": 1, "high": 1}, "1"),
        ({}, ""),
    ],
)
def test_numbers_are_shown_short(numbers, shown):
    assert number(Answer("name", "topic", "T1.1", "exact", "", **numbers)) == shown
    assert figure(-2.0) == "-2"


def run(words, **variables):
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | variables
    return subprocess.Popen(
        [sys.executable, "-m", "paper_checks", "ask", *words],
        env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_reader_that_goes_away_is_no_error():
    for words in (["--N", "50"], ["--N", "50", "--json"]):
        with run(words) as process:
            process.stdout.close()
            assert "Traceback" not in process.stderr.read() and process.wait() in (0, 1)


def test_a_narrow_terminal_and_no_colour(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["--N", "50", "--T", "300"]) == 0
    said = capsys.readouterr().out
    assert not re.search(r"\x1b\[[\d;]*3\d", said)
    assert max(cell_len(re.sub(r"\x1b\[[\d;]*m", "", line)) for line in said.splitlines()) == 60
