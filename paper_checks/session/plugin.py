"""The pytest side: the `claims` marker and fixture, the rule "no id without a check", the table and the JSON record.

A run has a ledger, and with it all of this, if --ledger names one or if a claims.toml lies at or above a path that
pytest is given; without, the hooks do nothing.
"""

import inspect
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from paper_checks.evidence.assertions import Assertions, PilotAssertions
from paper_checks.evidence.comparator import Evidence
from paper_checks.evidence.design import DESIGN
from paper_checks.evidence.ledger import Ledger, as_typed, mismatches, read_ledger, unfound, unknown
from paper_checks.evidence.ledger.checks import check_files, check_functions
from paper_checks.evidence.results import Results
from paper_checks.evidence.run import Run
from paper_checks.evidence.training_design import PILOT_SEED, TRAINING
from paper_checks.jobs.memory import keep_memory
from paper_checks.report.table import render

from . import hooks
from .collector import Collector
from .failure import depends_on, explained, rerun
from .found import LEDGER_FILE, find_ledger
from .kept import NOTES, fail, keep_run
from .live import surface
from .options import add_options, check_options, check_record, chosen_claims
from .surroundings import new_run
from .work import Work

RESULTS = pytest.StashKey[Results]()
STARTED = pytest.StashKey[float]()
CODE = pytest.StashKey[str]()
RUN = pytest.StashKey[Run]()
WORK = pytest.StashKey[Work]()


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hooks)


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", 'claims(id): the check of one claim of the ledger, such as claims("A1")')
    config.addinivalue_line(
        "markers", "jobs(function): which jobs the check asks for; written jobs.with_args(function)"
    )
    config.stash[NOTES] = []
    path = _ledger_file(config)
    if path is None:
        return
    try:
        ledger = read_ledger(path)
        if config.getoption("--ledger") is not None and config.args_source is not pytest.Config.ArgsSource.ARGS:
            config.args = [str(ledger.checks)]  # no path is given: the checks of the ledger, and nothing else
        check_options(config, ledger)
        # The code as it is now: what is edited while the run goes on is code that it has not seen.
        config.stash[CODE] = ledger.code_hash()
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[RESULTS] = Results(ledger)
    config.stash[STARTED] = time.perf_counter()
    keep_memory()


def _ledger_file(config: pytest.Config) -> Path | None:
    given: Path | None = config.getoption("--ledger")
    start = config.invocation_params.dir
    if given is not None:
        return start / given
    return config.stash.get(LEDGER_FILE, None) or find_ledger(config.args, start, config.option.pyargs)


def _ledger(config: pytest.Config) -> Ledger | None:
    return config.stash[RESULTS].ledger if RESULTS in config.stash else None


def _given(config: pytest.Config) -> list[str]:
    """The options that were given and on which numbers depend besides the seed."""
    defaults = {name: default for found in config.hook.pytest_claims_options() for name, default in found.items()}
    return depends_on(config.getoption, defaults)


def _as_typed(config: pytest.Config, node: str) -> str:
    """The id of a check as it is typed where pytest was started."""
    name, separator, rest = node.partition("::")
    path, start = config.rootpath / name, config.invocation_params.dir
    return f"{path.relative_to(start) if path.is_relative_to(start) else path}{separator}{rest}"


def _claim_id(item: pytest.Item) -> str | None:
    marker = item.get_closest_marker("claims")
    if marker is None:
        return None
    if len(marker.args) != 1 or not isinstance(marker.args[0], str):
        raise pytest.UsageError(f'{item.nodeid}: write @pytest.mark.claims("A1"), one id')
    return marker.args[0]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Before any deselection: hold checks and ledger against each other; then leave out what --claims does not name."""
    ledger = _ledger(config)
    if ledger is None:
        return
    checks = [item for item in items if ledger.checks in item.path.resolve().parents]
    checked = {name for item in items if (name := _claim_id(item)) is not None}
    if checks:  # the tests of the code keep no record
        check_record(config)
        config.stash[RESULTS].expect(_check_functions(ledger))
    for item in checks:
        config.stash[RESULTS].collected(_claim_id(item) or "", item.nodeid)
    if _named_one_by_one(config):
        config.stash[RESULTS].named_one_by_one()
    problems = _problems(checks)
    if _whole_folder_collected(config, ledger, checks):
        problems += mismatches(ledger, checked) + unfound(ledger)
    else:
        problems += unknown(ledger, checked)
    if problems:
        raise pytest.UsageError("ledger and checks disagree:\n  " + "\n  ".join(problems))
    chosen = chosen_claims(config.getoption("--claims"), ledger.claims)
    others = [item for item in checks if _claim_id(item) not in chosen]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


def _check_functions(ledger: Ledger) -> dict[str, set[str]]:
    try:
        return check_functions(ledger.checks)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error


def _problems(checks: list[pytest.Item]) -> list[str]:
    """What is wrong with checks one by one, a sentence each."""
    found = [f"{item.nodeid} is a check without @pytest.mark.claims" for item in checks if _claim_id(item) is None]
    return found + [
        f"{item.nodeid} must take the claim fixture"
        for item in checks
        if "claim" not in getattr(item, "fixturenames", ())
    ]


def pytest_collection_finish(session: pytest.Session) -> None:
    if RESULTS in session.config.stash:
        for item in session.items:
            session.config.stash[RESULTS].selected(_claim_id(item) or "")


def _whole_folder_collected(config: pytest.Config, ledger: Ledger, checks: list[pytest.Item]) -> bool:
    files = set(check_files(ledger.checks))
    return bool(checks) and not _named_one_by_one(config) and files <= {item.path.resolve() for item in checks}


def _named_one_by_one(config: pytest.Config) -> bool:
    return any("::" in argument for argument in config.args)


@pytest.fixture
def claim(request: pytest.FixtureRequest) -> Assertions:
    """Hands numbers to the comparator and keeps the evidence under the id of this check."""
    name = _claim_id(request.node)
    if name is None:
        raise pytest.UsageError(f"{request.node.nodeid} takes the claim fixture but has no @pytest.mark.claims")
    if _ledger(request.config) is None:
        raise pytest.UsageError(f"{request.node.nodeid} is of no ledger: name it by --ledger FILE, or put it above")
    return _assertions(request.node)


def _assertions(item: pytest.Item) -> Assertions:
    """Those of a check of a claim in a ledger."""
    name, ledger = _claim_id(item), _ledger(item.config)
    assert name is not None and ledger is not None
    if item.config.getoption("--pilots"):
        return PilotAssertions(name, PILOT_SEED, item.user_properties, ledger)
    return Assertions(name, item.config.getoption("--seed"), item.user_properties, ledger)


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
    name, ledger = _claim_id(item), _ledger(item.config)
    if name is not None and ledger is not None and report.failed:
        properties: list[tuple[str, Any]] = item.user_properties
        evidence = [Evidence(**value) for key, value in properties if key == "evidence"]
        node, seed = _as_typed(item.config, item.nodeid), item.config.getoption("--seed")
        again = rerun(node, ledger.named, seed, _given(item.config))
        report.sections.append((f"claim {name}", "\n".join(explained(ledger.claims[name], evidence, again))))
    return report


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """A check that returns without having recorded evidence could not have failed: it fails."""
    result = yield
    assertions = pyfuncitem.funcargs.get("claim")
    if isinstance(assertions, Assertions) and not assertions.evidence:
        pytest.fail(f"{assertions.claim}: the check recorded no evidence")
    return result


def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    if RESULTS in config.stash:
        config.stash[WORK] = Work(config, config.stash[RESULTS], _claim_id, _assertions)
        config.pluginmanager.register(Collector(config.stash[RESULTS]))
        config.pluginmanager.register(config.stash[WORK])


def pytest_unconfigure(config: pytest.Config) -> None:
    if WORK in config.stash:
        config.stash[WORK].close()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep what was found: the JSON record, then the report; an interrupted run leaves those of the run before."""
    config, results = session.config, session.config.stash.get(RESULTS, None)
    if hasattr(config, "workerinput"):
        return
    if results is None or not results.any_ran:
        if config.getoption("--report") is not None and exitstatus == pytest.ExitCode.OK:
            command = "pytest FOLDER -m claims" if results is None else results.ledger.command
            fail(session, f"no claim was run, so that there is no report: {command} --report DIR")
        return
    if config.getoption("--pilots"):
        folder = as_typed(results.ledger.pilots)
        config.stash[NOTES].append(f"pilots drawn: {folder} has their numbers, no record and no report were written")
        return
    for problem in results.problems:
        fail(session, problem)
    work = config.stash[WORK]
    config.stash[NOTES] += work.notes
    if results.comparisons > DESIGN.family or results.trainings > TRAINING.family:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    seconds = time.perf_counter() - config.stash[STARTED]
    config.stash[RUN] = new_run(config, results, seconds, config.stash[CODE], _given(config), work.summary)
    if exitstatus in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR):
        config.stash[NOTES].append("interrupted: no record and no report written, earlier ones are as they were")
        config.stash[NOTES].append("results that were made are kept: the same command goes on from them")
    else:
        keep_run(session, config.stash[RUN], results.whole)


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int, config: pytest.Config) -> None:
    table = render(config.stash[RUN], *surface(terminalreporter)) if RUN in config.stash else []
    lines = [*table, *config.stash[NOTES]]
    if lines:
        terminalreporter.write_line("")
    for line in lines:
        terminalreporter.write_line(line)
