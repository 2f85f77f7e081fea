"""A file that is not of the kind that an option writes is refused by its name, before any work, and stays as it is."""

import json
import os
import subprocess
import sys

import click
import pytest

from paper_checks.commands.command_line import COMMAND_LINE, main
from simulate.runtime.files import write_json
from simulate.runtime.outputs import begins, has_keys, require_ours
from tests.oracles.claim_project import ENTRY
from tests.places import ROOT

MINE = "# My notes\n\nNot to be lost.\n"
RECORD = {"written", "seed", "command", "code", "design", "claims"}
GSM8K = "gsm8k --model x --role mlp_in --layer 0 --fraction 0.1"
REFUSED = {
    "scope --out": ("scope T1.3 --N 8:9 --columns 2 --out {0}/mine.svg", "mine.svg"),
    "scope --out, numbers": ("scope T1.3 --N 8:9 --columns 2 --out {0}/mine.svg", "mine.csv"),
    "draw --out": ("draw phase-diagram --N 5 --T 9 --out {0}/mine.pdf", "mine.pdf"),
    "draw --out, numbers": ("draw memories singular-values --out {0}/mine.png", "mine.csv"),
    "report --out": ("report --out {0}", "notes.md"),
    "report --out, a file": ("report --out {0}/notes.md", "notes.md"),
    "badges --out": ("badges --record {1} --out {0}", "T1.1.json"),
    "badges --groups": ("badges --record {1} --groups {0}", "T1.svg"),
    "badges --out, a file": ("badges --record {1} --out {0}/mine", "mine"),
    "benchmarks --out": ("benchmarks --out {0}/README.md", "README.md"),
    "sweep --out": ("sweep --model x --out {0}/cells.csv", "cells.csv"),
    "seeds --out, summary": ("seeds --claims T1.4 --seeds 7 --out {0}", "summary.json"),
    "seeds --out, record": ("seeds --claims T1.4 --seeds 7 --out {0}", "7.json"),
    "seeds --out, log": ("seeds --claims T1.4 --seeds 7 --out {0}", "7.log"),
    "train-pocket --out": ("train-pocket --seeds 1 --steps 3 --out {0}", "training.json"),
    "train-pocket --out, model": ("train-pocket --seeds 1 --steps 3 --out {0}", "seed-1/step-3/notes.md"),
    "train-pocket --out, work": ("train-pocket --seeds 1 --steps 3 --out {0}", ".work/notes.md"),
    "train-pocket --out, a file": ("train-pocket --seeds 1 --steps 3 --out {0}/mine", "mine"),
    "gsm8k --out": (f"{GSM8K} --out {{0}}/mine.json", "mine.json"),
    "gsm8k --out, model": (f"{GSM8K} --out {{0}}/it.json", "it.model/notes.md"),
    "gsm8k --numbers": (f"{GSM8K} --against {{0}}/a.json --numbers {{0}}/mine.json --out {{0}}/it.json", "mine.json"),
}
"""By output: the command, and a file that is in the way."""
READ = {
    "report --record", "report --against", "badges --record", "badges --check", "fill --record", "benchmarks --record",
    "benchmarks --measured", "ask --bigrams", "ask --text", "weights --wheel", "sweep --prompts", "gsm8k --problems",
    "gsm8k --examples", "gsm8k --against",
}  # fmt: skip
"""Options that name what is read."""
ELSEWHERE = {"fill files", "rotation --record"}
"""Files whose marked numbers alone change (tests/paper_checks/commands/test_fill_blocks.py); pytest's --evidence."""


def commands(group, context, name=""):
    """All commands, those of groups among them, by name."""
    for word in group.list_commands(context):
        found = group.get_command(context, word)
        found = getattr(found, "loaded", found)
        if isinstance(found, click.Group):
            yield from commands(found, click.Context(found, parent=context), f"{name} {word}")
        else:
            yield f"{name} {word}".strip(), found


def test_every_option_that_names_a_file_is_in_a_table():
    """Found from the commands, so that a new one without a row fails."""
    named = set()
    for name, one in commands(COMMAND_LINE, click.Context(COMMAND_LINE)):
        for option in one.params:
            is_file = isinstance(option.type, click.Path | click.File) or option.name in ("out", "record", "records")
            if is_file and not getattr(option, "is_flag", False):
                what = option.opts[-1] if option.opts[-1].startswith("-") else option.name
                named.add(f"{name.split()[0]} {what}")
    assert named - READ - ELSEWHERE == {name.partition(",")[0] for name in REFUSED}
    assert named >= READ | ELSEWHERE


@pytest.fixture
def working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """The record of a run of the code at hand."""
    oracles = pytest.importorskip("tests.oracles.report_runs", exc_type=ModuleNotFoundError)
    return oracles.write_record(tmp_path_factory.mktemp("record"), oracles.agreeing_run())


@pytest.mark.parametrize(("words", "name"), REFUSED.values(), ids=REFUSED)
def test_another_file_is_refused_by_name_and_stays(working_folder, record, capfd, words, name):
    mine = working_folder / name
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text(MINE)
    before = sorted(working_folder.rglob("*"))
    assert main(words.format(working_folder, record).split()) == 2
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 1 and " must " in said[0]
    assert name in said[0] or str(mine.parent) in said[0] or f" {mine.parent.name} " in said[0]
    assert mine.read_text() == MINE and sorted(working_folder.rglob("*")) == before


@pytest.mark.parametrize("kind", ["a text", "a pipe"])
def test_evidence_replaces_nothing_but_records(project, tmp_path, full, kind):
    """README.md became JSON. Refused before the check, which would leave a file."""
    if kind == "a pipe" and not full:
        pytest.skip("with --trust-full")
    mine = tmp_path / "README.md"
    if kind == "a pipe":
        os.mkfifo(mine)
    else:
        mine.write_text(MINE)
    check = (
        "@pytest.mark.claims('T1.1')\ndef test_it(claim):\n    open('ran', 'w').close()\n    claim.less('x', 1, 2)\n"
    )
    done = project(check, ENTRY, "--evidence", str(mine))
    assert done.returncode == 4 and "Traceback" not in done.stdout + done.stderr
    assert f"--evidence: {mine} must be " in done.stderr
    assert not (project.folder / "ran").exists() and not list(tmp_path.glob(".*.lock"))
    assert kind == "a pipe" or mine.read_text() == MINE


def test_links_are_followed_and_devices_are_left(tmp_path):
    is_record = has_keys(*RECORD)
    (tmp_path / "notes").write_text(MINE)
    (tmp_path / "link").symlink_to(tmp_path / "notes")
    (tmp_path / "nowhere").symlink_to(tmp_path / "new")
    with pytest.raises(ValueError, match="link must be new or the record of a run, it is another file, and stays"):
        require_ours(tmp_path / "link", "the record of a run", is_record)
    with pytest.raises(ValueError, match="null must be a file, it is neither file nor folder"):
        require_ours(type(tmp_path)(os.devnull), "the record of a run", is_record)
    require_ours(tmp_path / "nowhere", "the record of a run", is_record)
    (tmp_path / "empty").touch()
    require_ours(tmp_path / "empty", "the record of a run", is_record)


def test_what_is_ours_is_known_by_its_content(tmp_path):
    write_json(tmp_path / "a", dict.fromkeys(RECORD))
    is_record, content = has_keys(*RECORD), (tmp_path / "a").read_bytes()
    assert is_record(content) and not is_record(content[:-5])
    for other in (
        b"",
        b"[]",
        b"3",
        b"{}",
        b"\xff",
        b"[" * 10**5,
        json.dumps(dict.fromkeys(RECORD - {"code"})).encode(),
    ):
        assert not is_record(other)
    assert begins("a", "b")(b"bc") and not begins("a")(b"ba")


def test_rotation_refuses_as_pytest_does(tmp_path, full):
    if not full:
        pytest.skip("with --trust-full: rotation starts the pytest of the tests before this one")
    mine = tmp_path / "notes.md"
    mine.write_text(MINE)
    words = [sys.executable, "-m", "paper_checks", "rotation", "--commit", "0" * 40, "--record", str(mine)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 4 and f"--evidence: {mine} must be new or the record of a run" in done.stderr
    assert mine.read_text() == MINE
