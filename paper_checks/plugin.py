"""The pytest side: the `claims` marker and fixture, the rule "no id without a check", the table and the JSON record."""

import platform
from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch

from simulate import resolve_device

from .comparator import DESIGN, Evidence
from .ledger import Claim, load_claims, mismatches, write_json
from .recorder import Recorder
from .results import Results
from .table import render

SCALES = ("desk", "paper")
CLAIMS = pytest.StashKey[Mapping[str, Claim]]()
RESULTS = pytest.StashKey[Results]()
CHECKS_FOLDER = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("claims")
    group.addoption("--seed", type=int, default=20240603, help="base seed of every simulation (default: %(default)s)")
    group.addoption(
        "--evidence",
        type=Path,
        default=None,
        metavar="FILE",
        help="JSON record of the run (default: .evidence/claims.json)",
    )
    group.addoption(
        "--scale",
        default="desk",
        metavar="|".join(SCALES),
        help="size of the trained transformers: desk, or paper for the papers' own (needs a GPU; default: %(default)s)",
    )
    group.addoption(
        "--device",
        default="auto",
        help="where --scale paper trains and --model runs: cpu, cuda, cuda:<index>, or auto for a GPU (the default)",
    )
    group.addoption(
        "--model",
        default=None,
        metavar="NAME|FOLDER",
        help="run P1.pythia to P5.pythia on this model: a hub name such as EleutherAI/pythia-160m, or a folder",
    )
    group.addoption("--revision", default=None, help="revision of --model, such as step143000 (default: its main one)")
    group.addoption(
        "--checkpoints",
        default=None,
        metavar="REVISION,...",
        help="for P3.pythia, revisions of --model from early to late, such as step16,step1000,step143000, or folders",
    )
    group.addoption(
        "--gsm8k",
        default=None,
        metavar="BASELINE.json,LASER.json",
        help="results of python -m paper_checks.run_gsm8k on one of P6's models, without truncation and with it",
    )


def pytest_configure(config: pytest.Config) -> None:
    # The matrices here are small: on busy cores torch's threads wait for each other ten times longer than they work.
    if config.getoption("--model") is None:
        torch.set_num_threads(1)
    config.addinivalue_line("markers", 'claims(id): the check of one claim of the ledger, such as claims("T1.3")')
    try:
        config.stash[CLAIMS] = load_claims()
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error
    if config.getoption("--seed") < 0:
        raise pytest.UsageError(f"--seed must be >= 0, got {config.getoption('--seed')}")
    check_scale(config)
    check_model(config)
    config.stash[RESULTS] = Results(config.stash[CLAIMS])


def check_scale(config: pytest.Config) -> None:
    """UsageError unless --scale and --device can be used."""
    scale = config.getoption("--scale")
    if scale not in SCALES:
        raise pytest.UsageError(f"--scale must be {' or '.join(SCALES)}, got {scale!r}")
    try:
        resolve_device(config.getoption("--device"))
    except ValueError as error:
        raise pytest.UsageError(f"--device: {error}") from error
    if scale == "desk" and config.getoption("--device") != "auto" and config.getoption("--model") is None:
        raise pytest.UsageError(
            "--device is for --scale paper and --model: at desk scale transformers are trained on the CPU"
        )


def checkpoint_source(model: str, named: str) -> tuple[str, str | None]:
    """Where a checkpoint lies that --checkpoints names: a folder, or a revision of the model."""
    return (named, None) if Path(named).is_dir() else (model, named)


def check_model(config: pytest.Config) -> None:
    """UsageError unless the files of --model, at all its revisions, are there; a hub that can be reached is asked."""
    name, revision, named = (config.getoption(option) for option in ("--model", "--revision", "--checkpoints"))
    if name is None:
        if revision is not None or named is not None:
            raise pytest.UsageError("--revision and --checkpoints are revisions of --model, which is not given")
        return
    revisions = [] if named is None else named.split(",")
    if named is not None and (len(revisions) < 2 or not all(revisions)):
        raise pytest.UsageError(f"--checkpoints must be at least two revisions with commas between them, got {named!r}")
    try:
        from simulate.language_models import find_folder
        from simulate.pocket import is_pocket

        wanted = [(name, revision), *(checkpoint_source(name, one) for one in revisions)]
        for folder in [find_folder(*source) for source in wanted]:
            if is_pocket(folder):
                raise ValueError(f"{folder.name} is pocket Pythia, whose claims are P1 to P5 and need no option")
    except (ValueError, OSError, ModuleNotFoundError) as error:
        raise pytest.UsageError(f"--model {name}: {error}") from error


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
        pytest.skip("no GPU, which --scale paper needs; --device cpu trains for many hours")
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
    for item in checks:
        config.stash[RESULTS].collected(_claim_id(item) or "")
    if _whole_folder_collected(config, checks):
        checked = {name for item in checks if (name := _claim_id(item)) is not None}
        problems += mismatches(config.stash[CLAIMS], checked)
    if problems:
        raise pytest.UsageError("ledger and checks disagree:\n  " + "\n  ".join(problems))


def _whole_folder_collected(config: pytest.Config, checks: list[pytest.Item]) -> bool:
    files = set(CHECKS_FOLDER.glob("test_*.py"))
    parts = any("::" in argument for argument in config.args)
    return bool(checks) and not parts and files <= {item.path for item in checks}


@pytest.fixture
def claim(request: pytest.FixtureRequest) -> Recorder:
    """Hands numbers to the comparator and keeps the evidence under the id of this check."""
    name = _claim_id(request.node)
    if name is None:
        raise pytest.UsageError(f"{request.node.nodeid} takes the claim fixture but has no @pytest.mark.claims")
    return Recorder(name, request.config.getoption("--seed"), request.node.user_properties)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Name the claim before any fixture can skip its check."""
    name = _claim_id(item)
    if name is not None:
        item.user_properties.append(("claim", name))


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
        recorded = next((value for key, value in properties if key == "recorded"), None)
        skipped = report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else None
        self.results.add(name, report.nodeid, found, report.failed, skipped, report.duration, recorded)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    results = session.config.stash[RESULTS]
    if not results.any_ran or hasattr(session.config, "workerinput"):
        return
    if results.comparisons > DESIGN.family:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    path = session.config.getoption("--evidence") or session.config.rootpath / ".evidence" / "claims.json"
    write_json(path, _record(session.config, results))


def _record(config: pytest.Config, results: Results) -> dict[str, Any]:
    return {
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": config.getoption("--seed"),
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("numpy", "sympy", "torch")},
        "design": {
            "false_alarm": DESIGN.false_alarm,
            "miss": DESIGN.miss,
            "family": DESIGN.family,
            "critical_z": DESIGN.critical(),
            "comparisons": results.comparisons,
        },
        "claims": results.as_dicts(),
    }


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int, config: pytest.Config) -> None:
    results = config.stash[RESULTS]
    if results.any_ran:
        terminalreporter.write_line("")
        for line in render(results, DESIGN):
            terminalreporter.write_line(line)
