"""The options of a run of the claims: what they are, and that they can be used, before any work."""

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest

from paper_checks.evidence import DEFAULT_SEED
from paper_checks.evidence.ledger import Claim
from paper_checks.evidence.training_design import PILOT_SEED
from paper_checks.experiments.named import checkpoint_source, gsm8k_files
from paper_checks.report.folder import check_folder, check_writable
from simulate import resolve_device

CHECKS_FOLDER = Path(__file__).parents[1] / "claims"
SCALES = ("desk", "paper")
REPORT_PACKAGES = ("jinja2", "latex2mathml", "matplotlib")
"""What the extra `report` installs."""
DEFAULTS = {
    "--scale": "desk",
    "--device": "auto",
    "--model": None,
    "--revision": None,
    "--checkpoints": None,
    "--gsm8k": None,
}
"""Options on which a check's numbers depend besides the seed."""


def add_options(parser: pytest.Parser) -> None:
    """Give pytest the options of the claims."""
    group = parser.getgroup("claims")
    group.addoption(
        "--seed", type=int, default=DEFAULT_SEED, help="base seed of every simulation (default: %(default)s)"
    )
    group.addoption(
        "--claims",
        default=None,
        metavar="ID|GROUP,...",
        help="run these alone: claims such as T1.3, groups such as T3 or E",
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
        help="draw the pilot trainings of the claims about trainings anew, into paper_checks/pilots; no verdicts",
    )
    group.addoption(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes that train transformers at desk scale; no number depends on it (default: one per processor)",
    )
    group.addoption(
        "--scale",
        default=DEFAULTS["--scale"],
        metavar="|".join(SCALES),
        help="size of the trained transformers: desk, or paper for the papers' own (needs a GPU; default: %(default)s)",
    )
    group.addoption(
        "--device",
        default=DEFAULTS["--device"],
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
        help="results of python -m paper_checks.commands.gsm8k on one of P6's models, without truncation and with it",
    )


def check_options(config: pytest.Config, claims: Mapping[str, Claim]) -> None:
    """UsageError unless the options can be used."""
    try:
        check_seed(config.getoption("--seed"))
    except ValueError as error:
        raise pytest.UsageError(f"--seed {error}") from error
    if config.getoption("--jobs", 1) < 1:
        raise pytest.UsageError(f"--jobs must be >= 1, got {config.getoption('--jobs')}")
    chosen_claims(config.getoption("--claims"), claims)
    check_processes(config)
    check_scale(config)
    check_model(config)
    check_gsm8k(config)
    check_evidence(config)
    check_report(config)


def check_seed(seed: int) -> None:
    """ValueError unless a run of the claims can have this base seed."""
    if seed < 0:
        raise ValueError(f"must be >= 0, got {seed}")
    if seed == PILOT_SEED:
        raise ValueError(f"must not be {PILOT_SEED}: thresholds were set on its trainings")


def check_processes(config: pytest.Config) -> None:
    """UsageError where claims would be run by several pytest processes: checks share trainings and sweeps."""
    if config.getoption("dist", "no") == "no":
        return
    here, start = CHECKS_FOLDER, config.invocation_params.dir
    for argument in config.args:
        place = (start / argument.partition("::")[0]).resolve()
        if place == here or here in place.parents or place in here.parents:
            raise pytest.UsageError(
                f"{argument}: claims are run in one pytest process, leave out -n; trainings use all processors"
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
        from simulate.language.models import find_folder
        from simulate.pocket.shipped import is_pocket

        wanted = [(name, revision), *(checkpoint_source(name, one) for one in revisions)]
        for folder in [find_folder(*source) for source in wanted]:
            if is_pocket(folder):
                raise ValueError(f"{folder.name} is pocket Pythia, whose claims are P1 to P5 and need no option")
    except (ValueError, OSError, ModuleNotFoundError) as error:
        raise pytest.UsageError(f"--model {name}: {error}") from error


def check_gsm8k(config: pytest.Config) -> None:
    """UsageError unless the files of --gsm8k are results that P6 can compare."""
    given = config.getoption("--gsm8k")
    if given is None:
        return
    from simulate.gsm8k.results import comparable

    try:
        comparable(*gsm8k_files(given))
    except (ValueError, OSError) as error:
        raise pytest.UsageError(str(error) if "--gsm8k" in str(error) else f"--gsm8k: {error}") from error


def record_path(config: pytest.Config, whole: bool) -> Path:
    """Where the record of a run goes: that of a part of the claims does not replace that of all."""
    given: Path | None = config.getoption("--evidence")
    if given is not None:
        return given
    path = config.rootpath / ".evidence" / ("claims.json" if whole else "part.json")
    here = config.invocation_params.dir
    return path.relative_to(here) if here in path.parents else path


def check_evidence(config: pytest.Config) -> None:
    """UsageError unless the record can be written where --evidence says, if it says."""
    if config.getoption("--evidence") is not None:
        check_record(config)


def check_record(config: pytest.Config) -> None:
    """UsageError unless the record of a run can be written."""
    path = record_path(config, whole=True)
    try:
        if path.is_dir():
            raise ValueError(f"{path} must be a file, it is a folder")
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
