"""The pytest side of this project's own claims: options of trainings and language models, and their fixtures.

`claims.toml` names this plugin, so that it is loaded with the ledger; `conftest.py` loads it for the tests.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from paper_checks.experiments.named import checkpoint_source, gsm8k_files

SCALES = ("desk", "paper", "replay")
DEFAULTS: Mapping[str, object] = {
    "--scale": "desk",
    "--device": "auto",
    "--model": None,
    "--revision": None,
    "--checkpoints": None,
    "--start": None,
    "--gsm8k": None,
}
"""Options on which a check's numbers depend besides the seed."""


def pytest_claims_options() -> Mapping[str, object]:
    return DEFAULTS


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("claims about transformers")
    group.addoption(
        "--scale",
        default=DEFAULTS["--scale"],
        metavar="|".join(SCALES),
        help="size of the trained transformers: desk, or paper for the papers' own (on a GPU, or with --device cpu); "
        "replay makes the first updates of the record of that size again (default: %(default)s)",
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
        "--start",
        default=None,
        metavar="TOKEN",
        help="text of the token with which prompts to --model begin, such as '<|endoftext|>', or '' for none (default: "
        "its tokenizer's BOS)",
    )
    group.addoption(
        "--gsm8k",
        default=None,
        metavar="BASELINE.json,LASER.json",
        help="results of paper-checks gsm8k on one of P6's models, without truncation and with it",
    )


def pytest_configure(config: pytest.Config) -> None:
    check_options(config)
    # The matrices here are small: on busy cores torch's threads wait for each other ten times longer than they work.
    if config.getoption("--model") is None:
        one_thread(config)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Before any other deselection: leave benchmarks out of ordinary runs."""
    if not config.getoption("benchmark_only", False):
        benchmarks = [item for item in items if "benchmark" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=benchmarks)
        items[:] = [item for item in items if item not in benchmarks]


@pytest.fixture(scope="session")
def scale(request: pytest.FixtureRequest) -> str:
    """One of SCALES."""
    name: str = request.config.getoption("--scale")
    return name


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest, scale: str) -> str:
    """Where transformers are trained: at desk scale on the CPU, whose processors share small models better."""
    from simulate import resolve_device

    name: str = request.config.getoption("--device")
    if scale == "paper" and name == "auto" and resolve_device(name).type == "cpu":
        pytest.skip("no GPU, which --scale paper needs: use a machine with one, or --device cpu, for hours to days")
    return name if scale == "paper" else "cpu"


def one_thread(config: pytest.Config) -> None:
    """Keep torch on one thread; where it is not loaded yet, which takes a second, whoever loads it in this session will
    find it so: by the environment, which is left as it was when the session ends."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    environment = pytest.MonkeyPatch()
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        environment.setenv(name, "1")
    config.add_cleanup(environment.undo)


def check_options(config: pytest.Config) -> None:
    """UsageError unless the options can be used."""
    check_scale(config)
    check_model(config)
    check_gsm8k(config)


def check_scale(config: pytest.Config) -> None:
    """UsageError unless --scale and --device can be used."""
    scale, device = config.getoption("--scale"), config.getoption("--device")
    if scale not in SCALES:
        raise pytest.UsageError(f"--scale must be {' or '.join(SCALES)}, got {scale!r}")
    if device == "auto":
        return
    from simulate import resolve_device

    try:
        resolve_device(device)
    except ValueError as error:
        raise pytest.UsageError(f"--device: {error}") from error
    if scale == "desk" and config.getoption("--model") is None:
        raise pytest.UsageError(
            "--device is for --scale paper and --model: at desk scale transformers are trained on the CPU"
        )


def check_model(config: pytest.Config) -> None:
    """UsageError unless the files of --model, at all its revisions, are there; a hub that can be reached is asked."""
    name, revision, named = (config.getoption(option) for option in ("--model", "--revision", "--checkpoints"))
    start = config.getoption("--start")
    if name is None:
        if start is not None:
            raise pytest.UsageError("--start is a token of --model's tokenizer, which is not given")
        if revision is not None or named is not None:
            raise pytest.UsageError("--revision and --checkpoints are revisions of --model, which is not given")
        return
    revisions = [] if named is None else named.split(",")
    if named is not None and (len(revisions) < 2 or not all(revisions)):
        raise pytest.UsageError(f"--checkpoints must be at least two revisions with commas between them, got {named!r}")
    try:
        from simulate.language.models import find_folder
        from simulate.language.weight_files import weight_paths
        from simulate.pocket.shipped import is_pocket

        wanted = [(name, revision), *(checkpoint_source(name, one) for one in revisions)]
        for folder in [find_folder(*source) for source in wanted]:
            weight_paths(folder)  # that they can be used shows when they are loaded
            if is_pocket(folder):
                raise ValueError(f"{folder.name} is pocket Pythia, whose claims are P1 to P5 and need no option")
            if start is not None:
                check_start(folder, start)
    except (ValueError, OSError, ModuleNotFoundError) as error:
        raise pytest.UsageError(f"--model {name}: {error}") from error


def check_start(folder: Path, start: str) -> None:
    """ValueError unless it is one token of a model's tokenizer, or empty."""
    from simulate.language.models import load_tokenizer
    from simulate.prompts.numbering import Numbering

    try:
        Numbering(load_tokenizer(folder)).start(start)
    except ValueError as error:
        raise ValueError(f"--{error}") from error


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
