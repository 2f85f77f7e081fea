"""What a run is kept with: the number that stands for a claim, the commit, the exit after pictures that fail."""

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from report_runs import agreeing_run, claim_record

from paper_checks import comparator, plugin, surroundings

ROOT = Path(__file__).parent.parent


def headline(*evidence):
    return claim_record("T1.1", "bounded", evidence).headline


def test_the_hardest_comparison_stands_for_a_claim():
    mild, hard = (comparator.estimate("x", 1.0, 1.0 + z * 0.001, 0.001, None) for z in (1, -3))
    strong, weak = (comparator.sign("s", +1, value, 1.0) for value in (90.0, 9.0))
    spare, tight = (comparator.replicated("r", 0.5, +1, [1, 1, 1], needed) for needed in (1, 3))
    rate, plain = comparator.rate("p", 0.5, +1, [1.0] * 99), comparator.less("l", 1, 2)
    assert headline(plain, weak, mild, hard, rate) is hard
    assert headline(plain, strong, weak, spare) is weak
    assert headline(plain, spare, tight) is tight and headline(plain, tight, rate) is rate
    assert headline(plain) is plain and headline() is None
    wrong = comparator.less("l", 2, 1)
    assert headline(hard, wrong) is wrong


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def test_the_commit_is_that_of_the_folder_and_says_whether_files_differ(tmp_path, monkeypatch):
    folder = tmp_path / "project"
    folder.mkdir()
    assert surroundings.commit(folder) == "unknown: no git, or no checkout"
    git(folder, "init", "-q")
    (folder / "file").write_text("a")
    git(folder, "add", "file")
    git(folder, "commit", "-qm", "x")
    clean = surroundings.commit(folder)
    assert len(clean) == 40
    (folder / "file").write_text("b")
    assert surroundings.commit(folder) == f"{clean} with changes"
    (folder / "inner").mkdir()
    assert surroundings.commit(folder / "inner") == "unknown: no checkout of its own"
    monkeypatch.setenv("PATH", "")
    assert surroundings.commit(folder) == "unknown: no git, or no checkout"


def session():
    notes = SimpleNamespace(stash={plugin.NOTES: []})
    return SimpleNamespace(config=notes, exitstatus=pytest.ExitCode.OK)


@pytest.mark.parametrize(
    ("error", "note"),
    [
        (OSError(28, "No space left on device"), "FAILED: it cannot be written: No space left on device"),
        (ValueError("other files"), "FAILED: it cannot be written: other files"),
        (ModuleNotFoundError("No module named 'x'"), "FAILED: it cannot be written: No module named 'x'"),
    ],
)
def test_what_cannot_be_kept_is_one_line_and_fails_the_run(error, note):
    def write():
        raise error

    found = session()
    plugin._keep(found, "it", write)
    assert found.config.stash[plugin.NOTES] == [note] and found.exitstatus == pytest.ExitCode.TESTS_FAILED


def test_an_interrupt_while_writing_and_pictures_that_fail(monkeypatch, tmp_path):
    def interrupted():
        raise KeyboardInterrupt

    found = session()
    plugin._keep(found, "it", interrupted)
    assert found.exitstatus == pytest.ExitCode.INTERRUPTED and "interrupted" in found.config.stash[plugin.NOTES][0]
    report_command = pytest.importorskip("paper_checks.report_command")
    for troubles, status in (([], pytest.ExitCode.OK), (["picture x: oops"], pytest.ExitCode.TESTS_FAILED)):
        found = session()
        monkeypatch.setattr(report_command, "write_report_of", lambda run, folder, troubles=troubles: troubles)
        plugin._write_report(found, agreeing_run(), tmp_path)
        assert found.exitstatus == status
        assert found.config.stash[plugin.NOTES] == [f"Report: {tmp_path / 'index.html'}"] + [
            f"FAILED: {x}" for x in troubles
        ]
