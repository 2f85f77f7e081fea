"""What a run says: a failed check, a choice of claims, the report, and what an interrupt or a full disk does to it."""

import os
import shlex
import subprocess
import sys
from types import SimpleNamespace

import pytest
from claim_project import CHECK, ENTRY, ROOT

from paper_checks import comparator, failure, options, table
from paper_checks.ledger import Claim, load_claims
from paper_checks.results import NOT_SELECTED, Results

TWO = ENTRY + ENTRY.replace("T1.1", "T2.1").replace('group = "T1"', 'group = "T2"').replace('"a"', '"A sentence."')
CHECKS = CHECK + "claim.less('x', 1, 2)\n" + CHECK.replace("T1.1", "T2.1").replace("test_it", "test_other")


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_failed_check_says_what_it_is_about_and_how_to_run_it_alone(project):
    """Through the report that is written of the failed run, and an interrupt that leaves it as it is."""
    wrong = CHECKS + "claim.estimate('y', 2.0, 2.1 + 1e-9 * (claim.seed('s') % 7), 0.001, 0.02)\n"
    found = project(wrong, TWO, "--seed", "7", "--report", "out/page")
    assert found.returncode == 1, found.stdout + found.stderr
    lines = found.stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if "claim T2.1" in line and "---" in line)
    assert lines[start + 1] == "A sentence. (s)"
    assert lines[start + 2].startswith("y: 1 estimates, worst z +100.00 (alarm beyond 6.44)")
    assert lines[start + 3] == "  exact 2, estimate 2.1 ± 0.001, z +100.00 (alarm beyond 6.44), tolerance 0.02"
    again = lines[start + 4].removeprefix("Run it alone: ")
    assert again == "pytest paper_checks/test_x.py::test_other --seed 7"
    header = next(number for number, line in enumerate(lines) if line.startswith("id        verdict"))
    report = lines.index("Report: out/page/index.html")
    assert all(len(line) <= 100 for line in lines[start : start + 5] + lines[header : report + 1])

    folder = project.folder / "out" / "page"
    written, record = tree(folder), project.record.read_bytes()
    page = written["index.html"].decode()
    assert 'data-verdict="failed"' in page
    alone = subprocess.run(
        [sys.executable, "-m", *shlex.split(again), "-p", "no:cacheprovider", "--evidence", "alone.json"],
        cwd=project.folder, env=os.environ | {"PYTHONPATH": f"{project.folder}{os.pathsep}{ROOT}"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert alone.returncode == 1 and lines[start + 3] in alone.stdout.splitlines()

    stopped = project(CHECKS + "raise KeyboardInterrupt\n", TWO, "--report", "out/page")
    assert stopped.returncode == pytest.ExitCode.INTERRUPTED
    assert "interrupted: no record and no report written, earlier ones are as they were" in stopped.stdout
    assert "Report:" not in stopped.stdout
    assert "T2.1                  not run: the run stopped after 0 of 1 checks: run it to its end" in stopped.stdout
    assert tree(folder) == written and project.record.read_bytes() == record


def test_chosen_claims_run_alone_and_what_cannot_be_written_fails_in_one_line(project):
    """The record's place is a folder, the report's a file size that is not allowed: a full disk to the writer."""
    (project.folder / "taken").mkdir()
    limited = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (1000, -1))\n"
    found = project(limited + CHECKS + "claim.less('x', 1, 2)\n", TWO, "--claims", "T2", "--report", "page",
                    "--evidence", "taken")  # fmt: skip
    assert found.returncode == 1, found.stdout + found.stderr
    assert "T2.1      verified" in found.stdout and "1 passed, 1 deselected" in found.stdout
    assert f"1 others              not run: {NOT_SELECTED}" in found.stdout
    failed = [line for line in found.stdout.splitlines() if line.startswith("FAILED: ")]
    assert [line.split(" cannot be written: ")[0] for line in failed] == [
        "FAILED: the record taken",
        "FAILED: the report page",
    ]
    assert "Traceback" not in found.stdout + found.stderr and "Report:" not in found.stdout
    assert not (project.folder / "page").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("T9", "got 'T9'"),
        ("T1,", "got ''"),
        ("", "got ''"),
        ("t1", r"groups \(T1, T2, T3, T4, B, E, P\) and claims such as T1\.1"),
        ("T1.", "got 'T1.'"),
    ],
)
def test_claims_that_there_are_not(given, message):
    with pytest.raises(pytest.UsageError, match=message):
        options.chosen_claims(given, load_claims())


def test_claims_by_id_and_group():
    claims = load_claims()
    assert options.chosen_claims(None, claims) == set(claims)
    assert options.chosen_claims("T3,E1", claims) == {name for name in claims if name.startswith("T3.")} | {"E1"}
    assert options.chosen_claims("P1", claims) == {"P1"}


@pytest.mark.parametrize("place", ["a file", "other files", "read only"])
def test_a_report_that_cannot_be_written_is_refused_before_the_run(tmp_path, place):
    pytest.importorskip("latex2mathml", exc_type=ModuleNotFoundError)
    folder = tmp_path / "place"
    if place == "a file":
        folder.write_text("mine")
    else:
        folder.mkdir()
    if place == "other files":
        (folder / "thesis.tex").write_text("mine")
    if place == "read only":
        if os.geteuid() == 0:  # whom permissions do not stop
            folder = type(folder)("/proc/report")
        else:
            folder.chmod(0o500)
            folder = folder / "report"
    before = tree(tmp_path)
    with pytest.raises(pytest.UsageError, match=rf"^--report: {folder} must be"):
        options.check_report(SimpleNamespace(getoption={"--report": folder}.get))
    assert tree(tmp_path) == before


def test_gsm8k_files_are_read_before_the_run(tmp_path):
    check = options.check_gsm8k
    check(SimpleNamespace(getoption={}.get))
    for given, words in (
        ("one.json", "two files"),
        ("a.json,", "two files"),
        (f"{tmp_path}/a,{tmp_path}/b", "a must be"),
    ):
        with pytest.raises(pytest.UsageError, match=f"--gsm8k.*{words}"):
            check(SimpleNamespace(getoption={"--gsm8k": given}.get))


def test_the_rerun_line_has_all_that_the_numbers_depend_on():
    given = {"--seed": 3, "--model": "a folder", "--device": "cpu"}
    found = failure.rerun(
        "paper_checks/test_x.py::test_it[a b]", lambda name: given.get(name, failure.DEFAULTS.get(name))
    )
    assert found == "pytest 'paper_checks/test_x.py::test_it[a b]' --seed 3 --device cpu --model 'a folder'"


def test_a_check_that_stops_without_a_comparison_says_so():
    claim = Claim("T9.9", "T9", "a source", "A sentence. " * 30, "f", "s", "nothing")
    lines = failure.explained(claim, [comparator.less("x", 1, 2)], "again")
    assert max(map(len, lines)) <= table.COLUMNS and "a source" in lines[-3]
    assert lines[-2:] == ["No comparison disagreed: the check itself stopped, see above.", "Run it alone: again"]


def test_every_reason_says_what_to_do():
    """A reason, a colon, what to do: those of the checks as they stand, and those that a choice of checks gives."""
    results = Results(load_claims())
    known = [result.reason for result in results.by_id.values()]
    one = results.by_id["T1.1"]
    one.known = one.selected = 2
    one.nodes = ["a"]
    known.append(one.reason)
    one.selected = 1
    known.append(one.reason)
    skips = [
        line
        for path in (ROOT / "paper_checks").glob("*.py")
        for line in path.read_text().splitlines()
        if "pytest.skip(" in line
    ]
    assert len(skips) >= 6
    for text in known + skips:
        assert len(text.partition(": ")[2]) > 15 or text.endswith(': {remedy}")'), text
