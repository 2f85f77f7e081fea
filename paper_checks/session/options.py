"""The options of a run of claims: what they are, and that they can be used, before any work."""

from collections.abc import Mapping
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import pytest

from paper_checks.evidence import DEFAULT_SEED
from paper_checks.evidence.ledger import Claim, Ledger
from paper_checks.evidence.pilots import read_pilots
from paper_checks.evidence.run import IS_RECORD
from paper_checks.evidence.training_design import PILOT_SEED
from paper_checks.report import REPORT_PACKAGES
from paper_checks.report.folder import check_folder, check_writable
from simulate.runtime.alone import alone
from simulate.runtime.outputs import require_ours

from . import executors


def add_options(parser: pytest.Parser) -> None:
    """Give pytest the options of every ledger."""
    group = parser.getgroup("claims")
    group.addoption(
        "--ledger",
        type=Path,
        default=None,
        metavar="FILE",
        help="the claims to run (default: the claims.toml at or above the paths that are given)",
    )
    group.addoption(
        "--seed", type=int, default=DEFAULT_SEED, help="base seed of every simulation (default: %(default)s)"
    )
    group.addoption(
        "--claims",
        default=None,
        metavar="ID|GROUP,...",
        help="run these alone: claims and groups of the ledger, with commas between them",
    )
    group.addoption(
        "--report",
        type=Path,
        default=None,
        metavar="DIR",
        help="write the run as a page for people, DIR/index.html, with pictures (needs the extra report)",
    )
    group.addoption(
        "--evidence",
        type=Path,
        default=None,
        metavar="FILE",
        help="JSON record of the run (default: .evidence/claims.json; part.json there if checks are left out)",
    )
    group.addoption(
        "--pilots",
        action="store_true",
        help="draw the pilot trainings of the claims about trainings anew, into pilots beside the ledger; no verdicts",
    )
    executors.add_options(group)


def check_options(config: pytest.Config, ledger: Ledger) -> None:
    """UsageError unless the options can be used."""
    try:
        check_seed(config.getoption("--seed"))
    except ValueError as error:
        raise pytest.UsageError(f"--seed {error}") from error
    chosen = chosen_claims(config.getoption("--claims"), ledger.claims)
    executors.check_options(config)
    check_processes(config, ledger.checks)
    if config.getoption("--pilots"):
        check_pilots(ledger, chosen)
    check_evidence(config)
    check_report(config)


def check_seed(seed: int) -> None:
    """ValueError unless a run of the claims can have this base seed."""
    if seed < 0:
        raise ValueError(f"must be >= 0, got {seed}")
    if seed == PILOT_SEED:
        raise ValueError(f"must not be {PILOT_SEED}: thresholds were set on its trainings")


def check_processes(config: pytest.Config, checks: Path) -> None:
    """UsageError where claims would be run by several pytest processes: checks share trainings and sweeps."""
    if config.getoption("dist", "no") == "no":
        return
    start = config.invocation_params.dir
    for argument in config.args:
        place = (start / argument.partition("::")[0]).resolve()
        if place == checks or checks in place.parents or place in checks.parents:
            raise pytest.UsageError(
                f"{argument}: claims are run in one pytest process, leave out -n; checks share what they have computed"
            )


def chosen_claims(named: str | None, claims: Mapping[str, Claim]) -> set[str]:
    """The ids that --claims names, of all claims if it is not given.

    Raises:
        pytest.UsageError: a name that is neither a claim nor a group.
    """
    if named is None:
        return set(claims)
    groups = dict.fromkeys(claim.group for claim in claims.values())
    found: set[str] = set()
    for name in named.split(","):
        among = {one for one, claim in claims.items() if name in (one, claim.group)}
        if not among:
            accepted = f"groups ({', '.join(groups)}) and claims such as {next(iter(claims))}"
            raise pytest.UsageError(f"--claims must be {accepted} with commas between them, got {name!r} in {named!r}")
        found |= among
    return found


def record_path(config: pytest.Config, whole: bool) -> Path:
    """Where the record of a run goes: that of a part of the claims does not replace that of all."""
    given: Path | None = config.getoption("--evidence")
    if given is not None:
        return given
    path = config.rootpath / ".evidence" / ("claims.json" if whole else "part.json")
    here = config.invocation_params.dir
    return path.relative_to(here) if here in path.parents else path


def check_evidence(config: pytest.Config) -> None:
    """UsageError unless the record can be written where --evidence says, if it says; then no other run can have its
    record there until this one has ended."""
    path: Path | None = config.getoption("--evidence")
    if path is None or hasattr(config, "workerinput"):
        return
    check_record(config)
    held = ExitStack()
    try:
        held.enter_context(alone(path))
    except OSError as error:
        raise pytest.UsageError(f"--evidence: {path}: {error.strerror or error}") from error
    config.add_cleanup(held.close)


def check_pilots(ledger: Ledger, claims: set[str]) -> None:
    """UsageError unless --pilots replaces pilots alone."""
    for claim in sorted(claims):
        try:
            read_pilots(claim, ledger.pilots)
        except (ValueError, OSError) as error:
            raise pytest.UsageError(f"--pilots: {error}") from error


def check_record(config: pytest.Config) -> None:
    """UsageError unless the record of a run can be written."""
    try:
        for path in dict.fromkeys(record_path(config, whole) for whole in (True, False)):
            require_ours(path, "the record of a run", IS_RECORD)
            check_writable(path.parent)
    except (ValueError, OSError) as error:
        raise pytest.UsageError(f"--evidence: {error}") from error


def check_report(config: pytest.Config) -> None:
    """UsageError unless a report can be written to --report."""
    folder = config.getoption("--report")
    if folder is None:
        return
    missing = next((name for name in REPORT_PACKAGES if find_spec(name) is None), None)
    if missing is not None:
        raise pytest.UsageError(f"--report needs {missing}: pip install -e '.[report]'")
    try:
        check_folder(folder)
        for whole in (True, False):
            if folder.resolve() in record_path(config, whole).resolve().parents:
                raise ValueError(f"{folder} must not hold the record, {record_path(config, whole)}")
    except (ValueError, OSError) as error:
        raise pytest.UsageError(f"--report: {error}") from error
