"""What a run says: a failed check, a choice of claims, the report, and what an interrupt or a full disk does to it."""

import importlib.util
import os
import shlex
import subprocess
import sys
from types import SimpleNamespace

import pytest

from paper_checks.evidence import comparator
from paper_checks.evidence.ledger import Claim
from paper_checks.evidence.ledger.checks import check_functions, function_of
from paper_checks.evidence.results import NOT_SELECTED, Result, Results
from paper_checks.project import load_claims, own_ledger
from paper_checks.report import table
from paper_checks.session import failure, options, paper
from tests.oracles.claim_project import CHECK, ENTRY, ROOT

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
    assert lines[start + 2].startswith("y: 1 estimates, worst +100.00 standard errors off (alarm beyond 6.44)")
    assert lines[start + 3] == (
        "  found 2.1 ± 0.001, expected ≈ 2, +100.00 standard errors off, used >999 % of its tolerance"
    )
    again = lines[start + 4].removeprefix("Run it alone: ")
    assert again == "pytest paper_checks/claims/test_x.py::test_other -m claims --seed 7"
    header = next(number for number, line in enumerate(lines) if line.startswith("id    verdict"))
    report = lines.index("Report: out/page/index.html")
    assert all(len(line) <= 100 for line in lines[start : start + 5] + lines[header : report + 1])

    folder = project.folder / "out" / "page"
    written, record = tree(folder), project.record.read_bytes()
    page = written["index.html"].decode()
    assert 'data-verdict="failed"' in page
    alone = subprocess.run(
        [sys.executable, "-m", *shlex.split(again), "-p", "no:cacheprovider"],
        cwd=project.folder, env=os.environ | {"PYTHONPATH": f"{project.folder}{os.pathsep}{ROOT}"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert alone.returncode == 1 and lines[start + 3] in alone.stdout.splitlines()
    assert "Record: .evidence/part.json" in alone.stdout.splitlines() and project.record.read_bytes() == record

    stopped = project(CHECKS + "raise KeyboardInterrupt\n", TWO, "--report", "out/page")
    assert stopped.returncode == pytest.ExitCode.INTERRUPTED
    assert "interrupted: no record and no report written, earlier ones are as they were" in stopped.stdout
    assert "Report:" not in stopped.stdout
    assert "– T2.1  not run: the run stopped after 0 of 1 checks: run it to its end" in stopped.stdout
    assert tree(folder) == written and project.record.read_bytes() == record


def test_chosen_claims_run_alone_and_what_cannot_be_written_fails_in_one_line(project):
    """Record and report are larger than files may be: a full disk to the writer."""
    limited = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (1000, -1))\n"
    found = project(limited + CHECKS + "claim.less('x', 1, 2)\n", TWO, "--claims", "T2", "--report", "page")
    assert found.returncode == 1, found.stdout + found.stderr
    assert "T2.1  ✓ verified" in found.stdout and "1 passed, 1 deselected" in found.stdout
    assert f"– 1 others  not run: {NOT_SELECTED}" in found.stdout
    failed = [line for line in found.stdout.splitlines() if line.startswith("FAILED: ")]
    part = project.record.with_name("part.json")
    assert [line.split(" cannot be written: ")[0] for line in failed] == [
        "FAILED: the record .evidence/part.json",
        "FAILED: the report page",
    ]
    assert "Traceback" not in found.stdout + found.stderr and "Report:" not in found.stdout
    assert not (project.folder / "page").exists() and not part.exists()


def test_a_check_alone_gives_no_verdict_and_claims_are_run_in_one_process(project):
    """A claim with two checks of which one is named, in pytest's way, or one file of two is; two processes; a report
    without a claim."""
    both = CHECK + "claim.less('x', 1, 2)\n" + CHECK.replace("test_it", "test_other") + "claim.less('x', 1, 2)\n"
    assert "T1.1  ✓ verified" in project(both, ENTRY).stdout
    record = project.record.read_bytes()
    line = "– T1.1  not run: some of its checks were left out: leave out --claims, -k and names of checks"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    environment = os.environ | {"PYTHONPATH": f"{project.folder}{os.pathsep}{ROOT}"}

    def run(*arguments):
        options = {"cwd": project.folder, "env": environment, "capture_output": True, "text": True, "timeout": 120}
        return subprocess.run([*command, *arguments], check=False, **options)

    found = run("paper_checks/claims/test_x.py::test_it")
    assert found.returncode == 0 and line in found.stdout, found.stdout + found.stderr
    checks = project.folder / "paper_checks" / "claims"
    (checks / "test_y.py").write_text("import pytest\n" + CHECK + "claim.less('x', 1, 2)\n")
    one_file = run("paper_checks/claims/test_x.py", "-m", "claims")
    assert one_file.returncode == 0 and line in one_file.stdout, one_file.stdout + one_file.stderr
    (checks / "test_y.py").unlink()
    (project.folder / "test_else.py").write_text("def test_else():\n    pass\n")
    none = run("test_else.py", "--report", "page")
    assert none.returncode == 1 and "FAILED: no claim was run, so that there is no report" in none.stdout
    assert project.record.read_bytes() == record and not (project.folder / "page").exists()
    if importlib.util.find_spec("xdist"):
        several = run("paper_checks", "-m", "claims", "-n", "2")
        assert several.returncode == pytest.ExitCode.USAGE_ERROR
        assert "paper_checks: claims are run in one pytest process, leave out -n" in several.stderr


def result(known, selected, finished, **changes):
    nodes = [f"paper_checks/test_x.py::test_{name}" for name in finished]
    functions = frozenset({"test_x.py::test_a", "test_x.py::test_b"})
    evidence = {node: [comparator.less("x", 1, 2)] for node in nodes}
    known = {"nodes": nodes, "known": known, "selected": selected, "functions": functions, "by_check": evidence}
    return Result(load_claims()["T1.1"], **known | changes)


def test_a_verdict_needs_every_check_of_the_claim():
    assert result(3, 3, ["a[1]", "a[2]", "b"]).verdict == "verified"
    missing = {
        "3 of 4 checks selected": result(4, 3, ["a[1]", "a[2]", "b"]),
        "the run stopped after 2 of 3 checks": result(3, 3, ["a[1]", "b"]),
        "some of its checks were left out": result(2, 2, ["a[1]", "a[2]"]),  # of one file of two, say
        "not selected": result(3, 0, []),
        "no GPU": result(3, 3, ["a[1]", "a[2]", "b"], skipped="no GPU: use one"),
    }
    for words, found in missing.items():
        assert found.verdict == "not run" and found.reason.startswith(f"{words}: "), words
    named = result(3, 3, ["a[1]", "a[2]", "b"], by_name=True)
    assert named.verdict == "not run" and named.reason.startswith("some of its checks were left out")
    assert result(3, 3, ["a[1]"], failed=True).verdict == "failed"


def test_the_checks_of_a_claim_are_read_from_their_files():
    found = check_functions(ROOT / "paper_checks" / "claims")
    assert set(found) == {name for name, claim in load_claims().items() if claim.not_run is None}
    assert "test_one_step.py::test_noise_threshold_limits" in found["T1.3"]
    command = [sys.executable, "-m", "pytest", "paper_checks", "--collect-only", "-q", "-p", "no:cacheprovider"]
    collected = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    nodes = [line for line in collected.stdout.splitlines() if "::" in line]
    assert {function_of(node) for node in nodes} == set().union(*found.values())
    assert function_of("a/test_x.py::Group::test_y[a::b]") == "test_x.py::test_y"


def test_files_of_checks_may_lie_in_folders_but_not_have_one_name(tmp_path):
    for folder in ("t1", "t2"):
        (tmp_path / folder).mkdir()
    check = '@pytest.mark.claims("T1.1")\ndef test_y(claim): ...\n'
    (tmp_path / "t1" / "test_x.py").write_text(check)
    assert check_functions(tmp_path) == {"T1.1": {"test_x.py::test_y"}}
    (tmp_path / "t2" / "test_x.py").write_text(check)
    with pytest.raises(ValueError, match=r"files of checks must have different names, got .*t1.* and .*t2"):
        check_functions(tmp_path)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("T9", "got 'T9'"),
        ("T1,", "got ''"),
        ("", "got ''"),
        ("t1", r"groups \(T1, T2, T3, T4, G, B, E, P\) and claims such as T1\.1"),
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


def configured(**given):
    """A configuration with these options alone."""
    known = {f"--{name}": value for name, value in given.items()}
    return SimpleNamespace(getoption=lambda name, *default: known.get(name, *default) if default else known.get(name),
                           rootpath=ROOT, invocation_params=SimpleNamespace(dir=ROOT),
                           add_cleanup=lambda end: end())  # fmt: skip


@pytest.mark.parametrize("place", ["a file", "other files", "read only", "too long"])
def test_a_report_that_cannot_be_written_is_refused_before_the_run(tmp_path, place):
    pytest.importorskip("latex2mathml", exc_type=ModuleNotFoundError)
    folder = tmp_path / "place"
    if place == "a file":
        folder.write_text("mine")
    else:
        folder.mkdir()
    if place == "other files":
        (folder / "thesis.tex").write_text("mine")
    if place == "too long":
        folder = folder / ("x" * 300)
    if place == "read only":
        if os.geteuid() == 0:  # whom permissions do not stop
            folder = type(folder)("/proc/report")
        else:
            folder.chmod(0o500)
            folder = folder / "report"
    before = tree(tmp_path)
    message = "File name too long" if place == "too long" else f"^--report: {folder} must be"
    with pytest.raises(pytest.UsageError, match=message):
        options.check_report(configured(report=folder))
    assert tree(tmp_path) == before


def test_a_report_must_not_hold_the_record_and_a_record_must_be_a_file(tmp_path):
    pytest.importorskip("latex2mathml", exc_type=ModuleNotFoundError)
    with pytest.raises(pytest.UsageError, match="must not hold the record"):
        options.check_report(configured(report=tmp_path, evidence=tmp_path / "claims.json"))
    options.check_report(configured(report=tmp_path))
    for path, words in ((tmp_path, "it is a folder"), (tmp_path / "file" / "x.json", "can be written to")):
        (tmp_path / "file").write_text("")
        with pytest.raises(pytest.UsageError, match=f"^--evidence: .*{words}"):
            options.check_evidence(configured(evidence=path))
    options.check_evidence(configured(evidence=tmp_path / "new" / "x.json"))


def test_every_option_is_checked_before_the_run(monkeypatch):
    asked = []
    for module, names in ((options, ("processes", "evidence", "report")), (paper, ("scale", "model", "gsm8k"))):
        for name in names:
            monkeypatch.setattr(module, f"check_{name}", lambda *given, name=name: asked.append(name))
    options.check_options(configured(seed=1), own_ledger())
    assert asked == ["processes", "evidence", "report"]
    paper.check_options(configured(jobs=1))
    assert asked[3:] == ["scale", "model", "gsm8k"]
    for given in ({"seed": -1}, {"seed": 1, "claims": "T9"}):
        with pytest.raises(pytest.UsageError):
            options.check_options(configured(**given), own_ledger())


def test_gsm8k_files_are_read_before_the_run(tmp_path):
    check = paper.check_gsm8k
    check(configured())
    for given, words in (
        ("one.json", "two files"),
        ("a.json,", "two files"),
        (f"{tmp_path}/a,{tmp_path}/b", "a must be"),
    ):
        with pytest.raises(pytest.UsageError, match=f"--gsm8k.*{words}"):
            check(configured(gsm8k=given))


def test_the_rerun_line_has_all_that_the_numbers_depend_on():
    defaults = paper.DEFAULTS
    all_of_them = {name: f"x{number}" for number, name in enumerate(defaults)}
    assert failure.depends_on(all_of_them.get, defaults) == [part for pair in all_of_them.items() for part in pair]
    assert {"--scale", "--device", "--model", "--revision", "--checkpoints", "--start", "--gsm8k"} == set(defaults)
    given = failure.depends_on({**defaults, "--model": "a folder", "--device": "cpu"}.get, defaults)
    found = failure.rerun("claims/test_x.py::test_it[a b]", ["--ledger", "my.toml"], 3, given)
    assert found == (
        "pytest 'claims/test_x.py::test_it[a b]' -m claims --ledger my.toml --seed 3 --device cpu --model 'a folder'"
    )


def test_a_check_that_stops_without_a_comparison_says_so():
    claim = Claim("T9.9", "T9", "a source", "A sentence. " * 30, "f", "s")
    lines = failure.explained(claim, [comparator.less("x", 1, 2)], "again")
    assert max(map(len, lines)) <= table.COLUMNS and "a source" in lines[-3]
    assert lines[-2:] == ["No comparison disagreed: the check itself stopped, see above.", "Run it alone: again"]


def test_every_reason_says_what_to_do():
    """A reason, a colon, what to do: those of the checks as they stand, and those that a choice of checks gives."""
    results = Results(own_ledger())
    known = [result.reason for result in results.by_id.values()]
    one = results.by_id["T1.1"]
    one.known = one.selected = 2
    one.nodes = ["a"]
    known.append(one.reason)
    one.selected = 1
    known.append(one.reason)
    skips = [
        line
        for path in (ROOT / "paper_checks").rglob("*.py")
        for line in path.read_text().splitlines()
        if "pytest.skip(" in line
    ]
    assert len(skips) >= 6
    for text in known + skips:
        assert len(text.partition(": ")[2]) > 15 or text.endswith(': {remedy}")'), text


def test_the_default_place_of_the_record_is_asked_for_where_claims_are_run():
    """The tests of the code alone run in a checkout that cannot be written to."""
    nowhere = configured()
    nowhere.rootpath = type(ROOT)("/proc")
    options.check_evidence(nowhere)
    with pytest.raises(pytest.UsageError, match=r"^--evidence: /proc/\.evidence must be in a folder that can"):
        options.check_record(nowhere)
