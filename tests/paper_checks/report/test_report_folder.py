"""The folder of a report: what is refused, and that no failure, interrupt or kill leaves half a report."""

import errno
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from paper_checks.evidence import joined
from paper_checks.report import folder as report_folder
from paper_checks.report.folder import MARK, asset_name, check_folder, write_folder
from simulate.runtime import files
from tests.oracles.picture_commands import command
from tests.oracles.report_runs import agreeing_run, small_run, write_record
from tests.places import ROOT

report_command = command("report")


def made(version, count=3):
    """Page and assets of a report; one asset is the same in every version."""
    contents = [b"same", *(f"{version} {number}".encode() for number in range(count - 1))]
    assets = {asset_name(f"picture-{number}.svg", content): content for number, content in enumerate(contents)}
    return f"<html>{MARK}{version} {' '.join(f'assets/{name}' for name in assets)}", assets


def tree(folder):
    """All that is in a folder, with the contents of files."""
    return {str(path.relative_to(folder)): path.is_file() and path.read_bytes() for path in folder.rglob("*")}


def as_tree(page, assets):
    return {"index.html": page.encode(), "assets": False} | {f"assets/{name}": one for name, one in assets.items()}


OLD, NEW = made("old"), made("new")


@pytest.mark.parametrize(
    ("name", "content"),
    [("notes.txt", "mine"), ("index.html", "<html>mine"), ("assets/mine.svg", "x"), ("deep/index.html", MARK)],
)
def test_a_folder_with_other_files_is_left_alone(tmp_path, name, content):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    before = tree(tmp_path)
    for refused in (lambda: check_folder(tmp_path), lambda: write_folder(tmp_path, *NEW)):
        with pytest.raises(ValueError, match="must be new, empty or a report of before, it holds other files"):
            refused()
    assert tree(tmp_path) == before


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "report").write_text("mine")
    with pytest.raises(ValueError, match="report must be a folder, it is a file"):
        check_folder(tmp_path / "report")
    with pytest.raises(ValueError, match="must be in a folder that can be written to"):
        check_folder(tmp_path / "report" / "inside")
    assert tree(tmp_path) == {"report": b"mine"}


def test_a_place_that_cannot_be_written_to_is_refused_before_the_work(tmp_path):
    place = tmp_path
    if os.geteuid() == 0:  # whom permissions do not bind
        place = Path("/proc/self")
    else:
        tmp_path.chmod(0o555)
    with pytest.raises(ValueError, match="must be in a folder that can be written to"):
        check_folder(place / "some" / "report")
    tmp_path.chmod(0o755)
    assert tree(tmp_path) == {}


def test_looking_at_a_place_leaves_nothing(tmp_path):
    check_folder(tmp_path)
    check_folder(tmp_path / "a" / "b")
    assert tree(tmp_path) == {}


def test_a_report_is_written_again_and_replaced(tmp_path):
    folder = tmp_path / "a" / "report"
    write_folder(folder, *OLD)
    assert tree(folder) == as_tree(*OLD)
    write_folder(folder, *OLD)
    assert tree(folder) == as_tree(*OLD)
    (folder / "assets" / "mine.svg").write_text("mine")
    (folder / "notes.txt").write_text("mine")
    write_folder(folder, *NEW)
    assert tree(folder) == as_tree(*NEW) | {"assets/mine.svg": b"mine", "notes.txt": b"mine"}


def existing(folder, kind):
    """What is there before a report is written."""
    if kind != "nothing":
        folder.mkdir(parents=True)
    if kind == "a report":
        write_folder(folder, *OLD)
    return tree(folder.parent.parent)


KINDS = ("nothing", "an empty folder", "a report")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", range(4))
@pytest.mark.parametrize("place", ["fsync", "replace"])
def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch, kind, step, place):
    """An old report has one of the three pictures, so that the fourth write is not reached."""
    folder, done, real = tmp_path / "a" / "report", [], getattr(os, place)
    before = existing(folder, kind)

    def full(*arguments):
        done.append(arguments)
        if len(done) == step + 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*arguments)

    monkeypatch.setattr(files.os, place, full)
    if step == 3 and kind == "a report":
        write_folder(folder, *NEW)
        assert len(done) == 3 and tree(folder) == as_tree(*NEW)
        return
    with pytest.raises(OSError, match="No space left"):
        write_folder(folder, *NEW)
    assert tree(tmp_path) == before


class Steps:
    """Raises KeyboardInterrupt at the given step of the code that writes a report: a line, or the end of a call."""

    def __init__(self, at):
        self.at, self.count = at, 0

    def __call__(self, frame, event, argument):
        code = frame.f_code
        if code.co_filename not in (report_folder.__file__, files.__file__) or code.co_name == "<genexpr>":
            return None
        if event in ("line", "return"):
            self.count += 1
            if self.count == self.at:
                raise KeyboardInterrupt
        return self

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self)

    def __exit__(self, *error):
        sys.settrace(self.before)


def whole(folder):
    """Whether the page of a report has all that it refers to."""
    named = re.findall(r"assets/[\w.-]+", (folder / "index.html").read_text(encoding="utf-8"))
    return len(named) == 3 and all((folder / name).is_file() for name in named)


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # an interrupt at the end of a `with`
@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupt_at_any_step_leaves_the_old_report_or_the_new_one(tmp_path, kind):
    outcomes = []
    for step in range(1, 1000):
        root = tmp_path / str(step)
        folder = root / "a" / "report"
        before = existing(folder, kind)
        steps = Steps(step)
        try:
            with steps:
                write_folder(folder, *NEW)
        except KeyboardInterrupt:
            found = tree(root)
            assert found == before or (folder / "index.html").read_bytes() == NEW[0].encode(), step
            assert found == before or (whole(folder) and not any(name.endswith(".tmp") for name in found)), step
            outcomes.append(found == before)
        else:
            assert step == steps.count + 1 and tree(folder) == as_tree(*NEW)
            break
    assert outcomes.count(True) > 50 and outcomes.count(False) > 5 and outcomes == sorted(outcomes, reverse=True)


KILLED = """
import os, sys
sys.path[:0] = sys.argv[1:2]
from pathlib import Path
from tests.paper_checks.report.test_report_folder import NEW, OLD, write_folder
for number in range(24):
    kind, place, step = ("old", "none")[number // 12], ("fsync", "replace", "unlink")[number // 4 % 3], number % 4
    folder = Path(sys.argv[2]) / f"{kind} {place} {step}"
    if kind == "old":
        write_folder(folder, *OLD)
    if os.fork():
        os.wait()
        continue
    real, done = getattr(os, place), []
    def killed(*arguments, **options):
        done.append(arguments)
        if len(done) == step + 1:
            os.kill(os.getpid(), 9)
        return real(*arguments, **options)
    setattr(os, place, killed)
    write_folder(folder, *NEW)
    os._exit(0)
"""


def test_a_killed_writer_leaves_a_whole_page_and_the_next_one_tidies_up(tmp_path):
    command = [sys.executable, "-W", "ignore", "-c", KILLED, str(ROOT), str(tmp_path)]
    subprocess.run(command, timeout=120, check=True)
    pages = {}
    for folder in tmp_path.iterdir():
        if (folder / "index.html").is_file():
            assert whole(folder)
            pages[folder.name] = (folder / "index.html").read_bytes().decode()
        write_folder(folder, *NEW)
        assert tree(folder) == as_tree(*NEW)
    assert len(list(tmp_path.iterdir())) == 24
    late = {"old fsync 3", "old replace 3", *(f"{kind} unlink {step}" for kind in ("old", "none") for step in range(4))}
    early = {f"old {place} {step}" for place in ("fsync", "replace") for step in range(3)}
    assert pages == dict.fromkeys(late, NEW[0]) | dict.fromkeys(early, OLD[0])


def asked(tmp_path, run, *arguments):
    """The arguments of a report of a run."""
    return ["--record", str(write_record(tmp_path / "made", run)), "--pictures", "none", "--out", *arguments]


def test_the_command_s_status_says_whether_a_claim_failed(tmp_path, capsys):
    out = tmp_path / "report"
    assert report_command(asked(tmp_path, agreeing_run(), str(out))) == 0
    assert report_command(asked(tmp_path, small_run(), str(out))) == 1
    said = capsys.readouterr()
    assert said.out == f"{out}/index.html: 2 claims\n{out}/index.html: 3 claims\n" and said.err == ""
    [record], tables = ([*(out / "assets").glob(kind)] for kind in ("*.json", "*.csv"))
    assert joined.read_runs([record]) == small_run()
    assert {table.name.split(".")[0] for table in tables} == {"comparisons-t1-1", "comparisons-t1-2"}
    assert len([*(out / "assets").iterdir()]) == 3, "what the report of before had is gone"
    page = (out / "index.html").read_text(encoding="utf-8")
    assert all(f'href="assets/{file.name}"' in page for file in (record, *tables))


@pytest.mark.parametrize("kind", ["nothing", "a report"])
def test_a_record_that_cannot_be_used_is_named(tmp_path, capsys, kind):
    out = tmp_path / "report"
    if kind == "a report":
        write_folder(out, *OLD)
    record = write_record(
        tmp_path / "made", small_run(), lambda content: content["claims"][1].update(verdict="verified")
    )
    before = tree(tmp_path)
    assert report_command(["--record", str(record), "--out", str(out)]) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert tree(tmp_path) == before
    assert error.startswith("paper-checks report: error: claims.json: claim T1.2: verdict 'verified'")


@pytest.mark.parametrize(
    ("out", "words"), [("made/claims.json", "must be a folder, it is a file"), ("made", "it holds other files")]
)
def test_a_place_that_cannot_be_used_is_named_before_the_record_is_read(tmp_path, monkeypatch, capsys, out, words):
    arguments = asked(tmp_path, small_run(), str(tmp_path / out))
    monkeypatch.setattr(joined, "read_runs", None)
    before = tree(tmp_path)
    assert report_command(arguments) == 2
    assert words in capsys.readouterr().err and tree(tmp_path) == before


def test_ctrl_c_is_one_line(tmp_path, monkeypatch, capsys):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    arguments = asked(tmp_path, small_run(), str(tmp_path / "report"))
    monkeypatch.setattr(files.os, "replace", interrupted)
    before = tree(tmp_path)
    assert report_command(arguments) == 130
    assert capsys.readouterr().err == "interrupted; no report written\n" and tree(tmp_path) == before


def small_files():
    """Let the system refuse files that are longer than the record, and shorter than the page."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000))


def test_a_file_that_the_system_refuses_is_one_line(tmp_path):
    out = tmp_path / "report"
    write_folder(out, *OLD)
    arguments = asked(tmp_path, small_run(), str(out))
    before = tree(tmp_path)
    done = subprocess.run(
        [sys.executable, "-B", "-m", "paper_checks", "report", *arguments],
        cwd=ROOT, preexec_fn=small_files, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"the report {out} cannot be written: File too large\n"
    assert tree(tmp_path) == before
