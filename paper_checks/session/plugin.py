"""The pytest side: the `claims` marker and fixture, the rule "no id without a check", the table and the JSON record."""

import inspect
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from paper_checks.evidence.checks import check_functions
from paper_checks.evidence.comparator import Evidence
from paper_checks.evidence.design import DESIGN
from paper_checks.evidence.ledger import Claim, load_claims, mismatches
from paper_checks.evidence.recorded import ALL_CODE, code_hash
from paper_checks.evidence.recorder import PilotRecorder, Recorder
from paper_checks.evidence.results import Results
from paper_checks.evidence.run import Code, Run
from paper_checks.evidence.training_design import PILOT_SEED, TRAINING
from paper_checks.experiments.trainings.runs import set_processes
from paper_checks.report.table import render
from simulate import resolve_device
from simulate.runtime.files import write_json

from .failure import explained, rerun
from .options import CHECKS_FOLDER, add_options, check_options, check_record, chosen_claims, record_path
from .surroundings import new_run

CLAIMS = pytest.StashKey[Mapping[str, Claim]]()
RESULTS = pytest.StashKey[Results]()
STARTED = pytest.StashKey[float]()
CODE = pytest.StashKey[str]()
RUN = pytest.StashKey[Run]()
NOTES = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    # The matrices here are small: on busy cores torch's threads wait for each other ten times longer than they work.
    if config.getoption("--model") is None:
        torch.set_num_threads(1)
    config.addinivalue_line("markers", 'claims(id): the check of one claim of the ledger, such as claims("T1.3")')
    try:
        config.stash[CLAIMS] = load_claims()
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error
    check_options(config, config.stash[CLAIMS])
    set_processes(config.getoption("--jobs"))
    config.stash[CODE] = code_hash(ALL_CODE)  # now: what is edited while the run goes on is code that it has not seen
    config.stash[RESULTS] = Results(config.stash[CLAIMS])
    config.stash[STARTED] = time.perf_counter()
    config.stash[NOTES] = []


@pytest.fixture(scope="session")
def scale(request: pytest.FixtureRequest) -> str:
    """ "desk" or "paper"."""
    name: str = request.config.getoption("--scale")
    return name


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest, scale: str) -> str:
    """Where transformers are trained: at desk scale on the CPU, whose processors share small models better."""
    name: str = request.config.getoption("--device")
    if scale == "paper" and name == "auto" and resolve_device(name).type == "cpu":
        pytest.skip("no GPU, which --scale paper needs: use a machine with one, or --device cpu, for many hours")
    return name if scale == "paper" else "cpu"


def _claim_id(item: pytest.Item) -> str | None:
    marker = item.get_closest_marker("claims")
    if marker is None:
        return None
    if len(marker.args) != 1 or not isinstance(marker.args[0], str):
        raise pytest.UsageError(f'{item.nodeid}: write @pytest.mark.claims("T1.3"), one id')
    return marker.args[0]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Before any deselection: leave benchmarks out of ordinary runs, and hold checks and ledger against each other."""
    if not config.getoption("benchmark_only", False):
        benchmarks = [item for item in items if "benchmark" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=benchmarks)
        items[:] = [item for item in items if item not in benchmarks]
    checks = [item for item in items if CHECKS_FOLDER in item.path.parents]
    problems = [f"{item.nodeid} is a check without @pytest.mark.claims" for item in checks if _claim_id(item) is None]
    problems += [
        f"{item.nodeid} must take the claim fixture"
        for item in checks
        if "claim" not in getattr(item, "fixturenames", ())
    ]
    if checks:  # the tests of the code keep no record
        check_record(config)
        config.stash[RESULTS].expect(check_functions(CHECKS_FOLDER))
    for item in checks:
        config.stash[RESULTS].collected(_claim_id(item) or "")
    if _named_one_by_one(config):
        config.stash[RESULTS].named_one_by_one()
    if _whole_folder_collected(config, checks):
        checked = {name for item in checks if (name := _claim_id(item)) is not None}
        problems += mismatches(config.stash[CLAIMS], checked)
    if problems:
        raise pytest.UsageError("ledger and checks disagree:\n  " + "\n  ".join(problems))
    chosen = chosen_claims(config.getoption("--claims"), config.stash[CLAIMS])
    others = [item for item in checks if _claim_id(item) not in chosen]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


def pytest_collection_finish(session: pytest.Session) -> None:
    for item in session.items:
        session.config.stash[RESULTS].selected(_claim_id(item) or "")


def _whole_folder_collected(config: pytest.Config, checks: list[pytest.Item]) -> bool:
    files = set(CHECKS_FOLDER.rglob("test_*.py"))
    return bool(checks) and not _named_one_by_one(config) and files <= {item.path for item in checks}


def _named_one_by_one(config: pytest.Config) -> bool:
    return any("::" in argument for argument in config.args)


@pytest.fixture
def claim(request: pytest.FixtureRequest) -> Recorder:
    """Hands numbers to the comparator and keeps the evidence under the id of this check."""
    name = _claim_id(request.node)
    if name is None:
        raise pytest.UsageError(f"{request.node.nodeid} takes the claim fixture but has no @pytest.mark.claims")
    if request.config.getoption("--pilots"):
        return PilotRecorder(name, PILOT_SEED, request.node.user_properties)
    return Recorder(name, request.config.getoption("--seed"), request.node.user_properties)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Name the claim, and the code of its check, before any fixture can skip it."""
    name = _claim_id(item)
    if name is not None:
        item.user_properties += [("claim", name), ("code", _code(item))]


def _code(item: pytest.Item) -> dict[str, Any] | None:
    """The source of a check, as a dictionary that distributed workers can send."""
    function = getattr(item, "function", None)
    if function is None:
        return None
    lines, first = inspect.getsourcelines(function)
    path = item.path.relative_to(item.config.rootpath) if item.config.rootpath in item.path.parents else item.path
    return {"path": path.as_posix(), "line": first, "source": "".join(lines)}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed check says what it is about, both numbers, and how to run it alone."""
    report = yield
    name = _claim_id(item)
    if name is not None and name in item.config.stash[CLAIMS] and report.failed:
        properties: list[tuple[str, Any]] = item.user_properties
        evidence = [Evidence(**value) for key, value in properties if key == "evidence"]
        lines = explained(item.config.stash[CLAIMS][name], evidence, rerun(item.nodeid, item.config.getoption))
        report.sections.append((f"claim {name}", "\n".join(lines)))
    return report


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """A check that returns without having recorded evidence could not have failed: it fails."""
    result = yield
    recorder = pyfuncitem.funcargs.get("claim")
    if isinstance(recorder, Recorder) and not recorder.evidence:
        pytest.fail(f"{recorder.claim}: the check recorded no evidence")
    return result


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.pluginmanager.register(_Collector(session.config.stash[RESULTS]))


class _Collector:
    """Reads evidence from test reports (so that it also arrives from distributed workers)."""

    def __init__(self, results: Results) -> None:
        self.results = results

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        properties: list[tuple[str, Any]] = report.user_properties
        name = next((value for key, value in properties if key == "claim"), None)
        if name is None:
            return
        found = [Evidence(**value) for key, value in properties if key == "evidence"] if report.when == "call" else []
        recorded, code = (
            next((value for key, value in properties if key == wanted), None) for wanted in ("recorded", "code")
        )
        skipped = report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else None
        source = None if code is None else Code(**code)
        self.results.add(name, found, report.failed, skipped, report.duration, recorded, source)
        if report.when == "teardown":
            self.results.finished(name, report.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep what was found: the JSON record, then the report; an interrupted run leaves those of the run before."""
    config, results = session.config, session.config.stash[RESULTS]
    folder, notes = config.getoption("--report"), config.stash[NOTES]
    if hasattr(config, "workerinput"):
        return
    if not results.any_ran:
        if folder is not None and exitstatus == pytest.ExitCode.OK:
            notes.append(
                "FAILED: no claim was run, so that there is no report: pytest paper_checks -m claims --report DIR"
            )
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return
    if config.getoption("--pilots"):
        notes.append("pilots drawn: paper_checks/pilots has their numbers, no record and no report were written")
        return
    notes += [f"FAILED: {problem}" for problem in results.problems]
    if results.comparisons > DESIGN.family or results.trainings > TRAINING.family or results.problems:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    seconds = time.perf_counter() - config.stash[STARTED]
    run = config.stash[RUN] = new_run(config, results, seconds, config.stash[CODE])
    if exitstatus in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR):
        notes.append("interrupted: no record and no report written, earlier ones are as they were")
        return
    path = record_path(config, results.whole)
    _keep(session, f"the record {path}", lambda: _write_record(session, run, path))
    if folder is not None:
        _keep(session, f"the report {folder}", lambda: _write_report(session, run, folder))


def _write_record(session: pytest.Session, run: Run, path: Path) -> None:
    write_json(path, run.as_dict())
    session.config.stash[NOTES].append(f"Record: {path}")


def _write_report(session: pytest.Session, run: Run, folder: Path) -> None:
    from paper_checks.report.written import write_report

    troubles = write_report(run, folder)
    session.config.stash[NOTES].append(f"Report: {folder / 'index.html'}")
    session.config.stash[NOTES].extend(f"FAILED: {trouble}" for trouble in troubles)
    if troubles:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _keep(session: pytest.Session, what: str, write: Callable[[], None]) -> None:
    """Write a file or folder; if that cannot be done the run has failed, with one line that says why."""
    try:
        write()
    except (OSError, ValueError, ImportError) as error:
        reason = getattr(error, "strerror", None) or error
        session.config.stash[NOTES].append(f"FAILED: {what} cannot be written: {reason}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    except KeyboardInterrupt:
        session.config.stash[NOTES].append(f"interrupted while writing {what}: the earlier one or the new one is whole")
        session.exitstatus = pytest.ExitCode.INTERRUPTED


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int, config: pytest.Config) -> None:
    lines = [*(render(config.stash[RUN]) if RUN in config.stash else ()), *config.stash[NOTES]]
    if lines:
        terminalreporter.write_line("")
    for line in lines:
        terminalreporter.write_line(line)
