"""Records of what was measured of the suite: whole, of the commit that is checked out, refused where damaged."""

import subprocess
from pathlib import Path

import pytest

from paper_checks.evidence import trust
from paper_checks.evidence.trust import read_trust, write_trust
from simulate.runtime.files import read_json, write_json

NUMBERS = {"drawn": 300, "share": 0.95}


def test_a_record_is_read_as_it_was_written(tmp_path):
    path = write_trust("teeth", "mutants", "pytest tests -m teeth", NUMBERS, ["one is equivalent"], tmp_path)
    record = read_trust("teeth", tmp_path)
    assert path == tmp_path / "teeth.json"
    assert (record.what, record.command) == ("mutants", "pytest tests -m teeth")
    assert record.numbers == NUMBERS and record.explained == ["one is equivalent"]
    assert record.commit == trust.commit(Path(trust.__file__).parents[2], trust.FOLDER)
    assert read_trust("other", tmp_path) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"what": ""},
        {"numbers": {}},
        {"numbers": {"drawn": float("nan")}},
        {"numbers": {"drawn": 10**400}},
        {"explained": [""]},
    ],
)
def test_what_is_no_record_is_not_written(tmp_path, wrong):
    fine = {"what": "mutants", "command": "pytest", "numbers": NUMBERS, "explained": [], "folder": tmp_path}
    with pytest.raises(ValueError, match=r"teeth\.json must be a record of trust: "):
        write_trust("teeth", **fine | wrong)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: content.pop("date"), "missing keys"),
        (lambda content: content.update(more=1), "unknown keys"),
        (lambda content: content.update(numbers={"drawn": "3"}), "numbers: drawn: must be a finite number"),
        (lambda content: content.update(numbers={"drawn": True}), "numbers: drawn: must be a finite number"),
        (lambda content: content.update(explained="one"), "explained: must be a list"),
    ],
)
def test_a_damaged_record_is_refused(tmp_path, change, said):
    path = write_trust("teeth", "mutants", "pytest", NUMBERS, folder=tmp_path)
    content = read_json(path)
    change(content)
    write_json(path, content)
    with pytest.raises(ValueError, match=r"teeth\.json must be a record of trust: .*" + said):
        read_trust("teeth", tmp_path)


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def test_the_commit_is_that_of_the_folder_and_says_whether_files_differ(tmp_path, monkeypatch):
    folder = tmp_path / "project"
    folder.mkdir()
    assert trust.commit(folder) == "unknown: no git, or no checkout"
    git(folder, "init", "-q")
    (folder / "file").write_text("a")
    git(folder, "add", "file")
    git(folder, "commit", "-qm", "x")
    clean = trust.commit(folder)
    assert len(clean) == 40
    (folder / "file").write_text("b")
    assert trust.commit(folder) == f"{clean} with changes"
    (folder / "records").mkdir()
    assert trust.commit(folder, folder / "records") == f"{clean} with changes"
    git(folder, "mv", "file", "records/file")
    git(folder, "commit", "-qam", "y")
    clean = trust.commit(folder)
    (folder / "records" / "file").write_text("c")
    assert trust.commit(folder) == f"{clean} with changes" and trust.commit(folder, folder / "records") == clean
    (folder / "inner").mkdir()
    assert trust.commit(folder / "inner") == "unknown: no checkout of its own"
    monkeypatch.setenv("PATH", "")
    assert trust.commit(folder) == "unknown: no git, or no checkout"
