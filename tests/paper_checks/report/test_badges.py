"""Badges: words and colours of verdicts, files that can be read, and the check against a run."""

import json
import xml.etree.ElementTree as ET

import pytest

from paper_checks.evidence.run import JobRecord
from paper_checks.evidence.verdicts import LOOKS, counted, weakest
from paper_checks.report import badges
from tests.oracles.picture_commands import command
from tests.oracles.report_runs import (
    FOUND,
    agreeing_run,
    claim_record,
    contrast,
    mixed_run,
    run_of,
    small_run,
    write_record,
)

badges_command = command("badges")
SVG = "{http://www.w3.org/2000/svg}"


def colours(verdict):
    """Of the two halves of a badge."""
    return [box.get("fill") for box in ET.fromstring(badges.picture("T1.1", [verdict])).iter(f"{SVG}rect")]


def rgb(colour):
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


@pytest.mark.parametrize("verdict", LOOKS)
def test_white_words_can_be_read_on_every_colour(verdict):
    assert contrast([255] * 3, rgb(LOOKS[verdict].colour)) >= 4.5
    assert contrast([255] * 3, rgb(colours(verdict)[0])) >= 4.5


def test_contrast_is_that_of_the_standard():
    assert contrast([0] * 3, [255] * 3) == 21
    assert contrast([255] * 3, [0x76] * 3) == pytest.approx(4.54, abs=0.005)
    assert contrast([255] * 3, [0x77] * 3) == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("verdict", LOOKS)
def test_a_claim_s_badge_is_its_verdict(verdict):
    look = LOOKS[verdict]
    root = ET.fromstring(badges.picture("P1.pythia", [verdict]))
    assert [one.text for one in root.iter(f"{SVG}text")] == ["P1.pythia", f"{look.sign} {verdict}"]
    assert root.find(f"{SVG}title").text == root.get("aria-label") == f"P1.pythia: {verdict}"
    assert colours(verdict)[1] == look.colour
    content = json.loads(badges.endpoint("P1.pythia", [verdict]))
    assert content == {
        "schemaVersion": 1, "label": "P1.pythia", "message": verdict, "color": look.colour,
        "isError": verdict == "failed",
    }  # fmt: skip


def test_looks_differ_without_colour():
    assert len({look.sign for look in LOOKS.values()}) == len({look.colour for look in LOOKS.values()}) == len(LOOKS)


@pytest.mark.parametrize(
    ("verdicts", "message", "colour"),
    [
        (["verified"] * 3, "3 verified", "verified"),
        (["not run", "verified", "not run"], "1 verified · 2 not run", "verified"),
        (["verified", "recorded"], "1 verified · 1 recorded", "recorded"),
        (["recorded", "bounded", "verified"], "1 verified · 1 bounded · 1 recorded", "bounded"),
        (["refuted", "bounded"], "1 bounded · 1 refuted", "refuted"),
        (["verified", "failed", "refuted"], "1 verified · 1 refuted · 1 failed", "failed"),
        (["not run"] * 2, "2 not run", "not run"),
    ],
)
def test_a_group_s_badge_counts_and_has_the_colour_of_the_weakest(verdicts, message, colour):
    assert weakest(verdicts) == colour
    assert counted(verdicts) == message.replace(" · ", ", ")
    root = ET.fromstring(badges.picture("T1", verdicts))
    assert [one.text for one in root.iter(f"{SVG}text")] == ["T1", f"{LOOKS[colour].sign} {message}"]
    assert [box.get("fill") for box in root.iter(f"{SVG}rect")][1] == LOOKS[colour].colour
    content = json.loads(badges.endpoint("T1", verdicts))
    assert content["message"] == message and content["color"] == LOOKS[colour].colour
    assert content["isError"] == (colour == "failed")


@pytest.mark.parametrize("label", ["<b>&\"'", "</text><script>", "τ → ∞"])
def test_labels_are_escaped(label):
    root = ET.fromstring(badges.picture(label, ["verified"]))
    assert root.get("aria-label") == f"{label}: verified" and next(root.iter(f"{SVG}text")).text == label
    assert json.loads(badges.endpoint(label, ["verified"]))["label"] == label


def test_every_group_and_claim_has_a_picture_and_a_file_for_shields():
    run = mixed_run()
    names = {claim.id for claim in run.claims} | {claim.group for claim in run.claims}
    made = badges.all_badges(run)
    assert made.keys() == {f"{name}.{kind}" for name in names for kind in ("svg", "json")}
    pictures = badges.group_pictures(run)
    assert pictures.keys() == {"T1.svg", "T3.svg", "T4.svg", "E.svg", "P.svg"} and pictures.items() <= made.items()


def test_badges_that_are_not_of_the_run_are_named(tmp_path):
    run = small_run()
    badges.write_badges(badges.group_pictures(run), tmp_path)
    assert badges.differences(run, tmp_path) == []
    (tmp_path / "T1.svg").write_text(badges.picture("T1", ["verified", "verified"]), encoding="utf-8")
    (tmp_path / "B.svg").unlink()
    (tmp_path / "X.svg").write_bytes(b"\xff")
    extra, changed, missing = badges.differences(run, tmp_path)
    assert extra == "X.svg is of no group of the run"
    assert changed == f"{tmp_path / 'T1.svg'} says something else; the run says T1: 1 verified · 1 failed"
    assert missing == f"{tmp_path / 'B.svg'} is missing; the run says B: not run"


def test_the_command_writes_and_checks(tmp_path, capsys):
    record, folder = str(write_record(tmp_path, small_run())), tmp_path / "some" / "badges"
    assert badges_command(["--record", record, "--groups", str(folder)]) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["B.svg", "T1.svg"]
    assert badges_command(["--record", record, "--check", str(folder)]) == 0
    other = str(write_record(tmp_path, agreeing_run()))
    assert badges_command(["--record", other, "--check", str(folder)]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3 and "B.svg is of no group" in said[0] and "the run says T1: verified" in said[1]
    assert badges_command(["--record", other, "--out", str(tmp_path / "all")]) == 0
    names = [f"{name}.{kind}" for name in ("E1", "T1.1", "T1") for kind in ("json", "svg")]
    assert sorted(path.name for path in (tmp_path / "all").glob("*1*")) == sorted(names)


def test_badges_are_of_what_ran_here_and_now(tmp_path, capsys):
    kept, made = (JobRecord("sums", "ab" * 32, 1.5, when) for when in ("2026-11-28T10:11:12+00:00", None))
    for jobs, status in (([made], 0), ([made, kept], 2)):
        run = run_of([claim_record("T1.1", *FOUND["T1.1"], jobs=jobs)])
        assert badges_command(["--record", str(write_record(tmp_path, run)), "--out", str(tmp_path / "out")]) == status
    said = capsys.readouterr().err
    assert "must have made all of its results, it reused some for T1.1: pytest paper_checks -m claims --fresh" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--check", "."], "claims.json"),
        (["--record", "RECORD"], "give one of --out DIR, --groups DIR and --check DIR"),
        (["--record", "RECORD", "--out", "x", "--check", "y"], "give one of --out DIR, --groups DIR and --check DIR"),
        (["--record", "RECORD", "--out", "RECORD"], "RECORD must be in a folder that can be written to"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "RECORD").write_bytes(write_record(tmp_path / "made").read_bytes())
    assert badges_command(arguments) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["RECORD", "made"]
