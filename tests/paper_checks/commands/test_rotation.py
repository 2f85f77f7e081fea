"""The rotating seed: part and seed are the commit's, never the default or the pilots' seed; the line repeats it."""

import hashlib
import shlex
import subprocess
import sys
from collections import Counter
from types import SimpleNamespace

import pytest

from paper_checks.commands import rotation
from paper_checks.commands.rotation import PARTS, drawn
from paper_checks.evidence import DEFAULT_SEED, trust
from paper_checks.evidence.training_design import PILOT_SEED
from paper_checks.project import load_claims
from paper_checks.session.options import check_seed, chosen_claims
from tests.oracles.picture_commands import command
from tests.places import ROOT

rotation_command = command("rotation")
COMMIT = "068fa1c35d766c1501912be4b04495680ddb57e9"


def test_part_and_seed_are_those_of_the_commit():
    """By hand: 0x068fa1c3 = 110076355; 16³ is 1 modulo 9, so that the sums of every third digit of the hash, 119, 62
    and 90 from the right, give 119 + 7 · 62 + 4 · 90, which is 4."""
    assert len(PARTS) == 9
    assert drawn(COMMIT) == ["--claims", "G", "--seed", "110076355"]


def test_all_parts_take_turns_and_together_are_all_claims_that_need_nothing_else():
    """Over 900 made-up commits each part is drawn 100 times, give or take five standard deviations (47); every seed is
    one that a run can have."""
    commits = [hashlib.sha1(str(number).encode()).hexdigest() for number in range(900)]
    found = Counter(drawn(commit)[1] for commit in commits)
    assert set(found) == set(PARTS) and all(abs(count - 100) < 47 for count in found.values())
    for commit in commits:
        check_seed(int(drawn(commit)[-1]))
    claims = load_claims()
    parts = [chosen_claims(part, claims) for part in PARTS]
    assert set.union(*parts) == set(claims) - {"E10"} and sum(map(len, parts)) == len(claims) - 1  # E10: a GPU's


@pytest.mark.parametrize("taken", [DEFAULT_SEED, PILOT_SEED])
def test_a_seed_that_is_taken_gives_way_to_the_next_digits(taken):
    assert drawn(f"{taken:08x}{7:08x}{'0' * 24}")[-1] == "7"
    assert drawn(f"{DEFAULT_SEED:08x}{PILOT_SEED:08x}{9:08x}{'0' * 16}")[-1] == "9"


@pytest.mark.parametrize("status", [0, 1])
def test_what_is_printed_is_what_is_run_and_its_status_is_returned(monkeypatch, capsys, status):
    ran = []
    monkeypatch.setattr(trust, "commit", lambda folder: f"{COMMIT} with changes")
    monkeypatch.setattr(
        subprocess, "run", lambda command, **options: ran.append(command) or SimpleNamespace(returncode=status)
    )
    assert rotation_command([]) == status
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == f"drawn from commit {COMMIT}; to repeat it:" and len(printed) == 2
    program, *words = shlex.split(printed[1])
    assert program == "paper-checks" and ran == [[sys.executable, "-m", "paper_checks", *words]]
    assert words == ["verify", *drawn(COMMIT), "--evidence", ".evidence/rotation.json"]
    other = hashlib.sha1(b"").hexdigest()
    assert rotation_command(["--commit", other, "--show", "--record", "x.json"]) == 0 and len(ran) == 1
    assert capsys.readouterr().out.splitlines()[1] == shlex.join(
        ["paper-checks", "verify", *drawn(other), "--evidence", "x.json"]
    )


@pytest.mark.parametrize("given", [["--commit", "068fa1c"], ["--commit", COMMIT.upper()], []])
def test_without_a_commit_there_is_nothing_to_draw_from(monkeypatch, capsys, given):
    monkeypatch.setattr(trust, "commit", lambda folder: "unknown: no git, or no checkout")
    assert rotation_command(given) == 2
    assert "--commit must be the 40 digits of a commit" in capsys.readouterr().err


def test_ci_runs_it_after_the_default_seed_and_checks_what_pages_say():
    """In this order: README's commands, badges, README and pages against that run, the rotation, whose record is
    another file and is kept by the workflow."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    steps = ['bash -c "$command"', "paper-checks badges --check", "paper-checks fill --check README.md docs/*.md",
             "draw training overview --out docs/curves.svg --check", "paper-checks rotation\n", "mkdocs build --strict",
             "ruff check"]  # fmt: skip
    assert [script.count(step) for step in steps] == [1] * len(steps)
    places = [script.index(step) for step in steps]
    assert places == sorted(places)
    kept = (ROOT / ".github" / "workflows" / "claims.yml").read_text(encoding="utf-8")
    assert str(rotation.RECORD) in kept and rotation.RECORD.name != "claims.json"
