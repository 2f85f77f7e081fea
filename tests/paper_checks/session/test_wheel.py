"""The wheel in an environment of its own, away from the checkout: what it holds, our claims, a stranger's claims."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from paper_checks.project import own_ledger
from tests.places import ROOT

PACKAGES = ("theory/", "simulate/", "paper_checks/")
LEFT_OUT = ("paper_checks/badges/", "paper_checks/base_seeds/")
"""Pictures and numbers that README and notes show."""
OWN = ROOT / "docs" / "own-paper"


def run(command, folder, **options):
    outside = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTEST_ADDOPTS")}
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=outside | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        **options,
    )


def source_files():
    """The files of the checkout, but for those that git ignores."""
    listed = run(["git", "ls-files", "-co", "--exclude-standard"], ROOT)
    if listed.returncode:
        pytest.skip("no checkout: a wheel is compared with the files that git lists")
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of the source so that nothing of an earlier build is in it."""
    place = tmp_path_factory.mktemp("wheel")
    for name in source_files():
        (place / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, place / "source" / name)
    # Without an index nothing is fetched: a name that is no path would be one of the registry's.
    offline = ["--no-deps", "--no-index", "--no-build-isolation"]
    built = run([sys.executable, "-m", "pip", "wheel", place / "source", *offline, "-w", place], place)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(place.glob("*.whl"))


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """Python of a fresh environment with the wheel; other packages are those of this one, its editable installs not."""
    place = tmp_path_factory.mktemp("environment")
    made = run([sys.executable, "-m", "venv", "--without-pip", place], place)
    assert made.returncode == 0, made.stderr
    found = place / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", found, "install", "--no-deps", "--no-index", wheel]
    installed = run(pip, place)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    site = next((place / "lib").glob("python*/site-packages"))
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")  # of its own .pth files none is read
    where = run([found, "-c", "import paper_checks, simulate, theory; print(paper_checks.__file__)"], place)
    assert Path(where.stdout.strip()).is_relative_to(site), where.stdout + where.stderr
    return found


@pytest.fixture
def away(tmp_path):
    """A folder away from the checkout with a copy of the stranger's claims."""
    shutil.copytree(OWN, tmp_path / "birthdays", ignore=shutil.ignore_patterns(".evidence", "__pycache__"))
    return tmp_path


def pytest_in(python, folder, *arguments):
    return run([python, "-m", "pytest", "-p", "no:cacheprovider", *arguments], folder)


def test_the_wheel_holds_every_file_of_the_packages(wheel):
    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith(PACKAGES)}
    wanted = {name for name in source_files() if name.startswith(PACKAGES) and not name.startswith(LEFT_OUT)}
    assert held == wanted
    for name in ("paper_checks/claims.toml", "paper_checks/report/templates/report.html", "simulate/__init__.pyi"):
        assert name in held
    assert {f"{package}py.typed" for package in PACKAGES} <= held


@pytest.mark.parametrize(
    "command", [["python", "-m", "pytest", "--pyargs", "paper_checks", "-m", "claims"], ["paper-checks", "verify"]]
)
def test_our_claims_run_from_the_wheel(python, tmp_path, command):
    """With the options of this project; code and ledger are, to the byte, those of the checkout."""
    options = ["--claims", "T1.4", "--jobs", "1", "-p", "no:cacheprovider"]
    found = run([python.with_name(command[0]), *command[1:], *options], tmp_path)
    assert found.returncode == 0 and "T1.4  ✓ verified" in found.stdout, found.stdout + found.stderr
    record = json.loads((tmp_path / ".evidence" / "part.json").read_text(encoding="utf-8"))
    assert record["code"] == own_ledger().code_hash()
    assert "torch" in record["versions"] and record["project"]["title"] == "Distributional associations, verified"


def plant_environment(folder):
    """What tools leave beside claims: an environment with tests of others, two of one name."""
    for name in ("a", "b"):
        (folder / "environment" / name).mkdir(parents=True)
        (folder / "environment" / name / "test_io.py").write_text("x = 1\n")
    (folder / "environment" / "pyvenv.cfg").write_text("")


@pytest.mark.parametrize("asked", [["birthdays", "-m", "claims"], ["--ledger", "birthdays/claims.toml"]])
def test_a_strangers_claims_have_table_record_report_and_badges(python, away, asked):
    pytest.importorskip("latex2mathml", exc_type=ModuleNotFoundError)
    plant_environment(away / "birthdays")
    found = pytest_in(python, away, *asked, "--report", "page", "--evidence", "record.json")
    assert found.returncode == 0, found.stdout + found.stderr
    assert "S1    ✓ verified" in found.stdout and "S2    ◐ bounded" in found.stdout
    assert "Record: record.json" in found.stdout and "Report: page/index.html" in found.stdout
    page = (away / "page" / "index.html").read_text(encoding="utf-8")
    assert "<h1>The birthday problem, verified</h1>" in page and "S: shared birthdays" in page
    assert "pytest birthdays -m claims --claims S1 --seed 20240603" in page and "Birth of" not in page
    badges = [python, "-m", "paper_checks", "badges", "--record", "record.json", "--out", "badges"]
    written = run(badges, away)
    assert written.returncode == 0, written.stdout + written.stderr
    assert {path.name for path in (away / "badges").iterdir()} == {
        f"{name}.{kind}" for name in ("S", "S1", "S2") for kind in ("svg", "json")
    }
    (away / "birthdays" / "test_birthday.py").write_text("x = 1\n")
    refused = run([*badges[:-1], "other"], away)
    assert refused.returncode == 2 and "is of other code: pytest birthdays -m claims" in refused.stderr


@pytest.mark.parametrize(("names", "message"), [
    (("a/test_x.py", "b/test_x.py"), "files of checks must have different names"),
    ((), "claims are run in one pytest process, leave out -n"),
])  # fmt: skip
def test_what_a_strangers_run_refuses(python, away, names, message):
    """Two files of one name; several processes, where --ledger alone says what is run."""
    options = [] if names else ["-n", "2"]
    if options:
        pytest.importorskip("xdist")
    for name in names:
        path = away / "birthdays" / name
        path.parent.mkdir()
        (path.parent / "__init__.py").write_text("")
        path.write_text('import pytest\n\n@pytest.mark.claims("S1")\ndef test_it(claim):\n    claim.less("x", 1, 2)\n')
    found = pytest_in(python, away, "--ledger", "birthdays/claims.toml", *options)
    assert found.returncode == pytest.ExitCode.USAGE_ERROR and message in found.stderr, found.stdout + found.stderr
    assert "INTERNALERROR" not in found.stdout + found.stderr


def test_a_strangers_failed_check_says_how_to_run_it_alone(python, away):
    """The plugin, which a conftest.py names besides, is there once."""
    (away / "birthdays" / "conftest.py").write_text('pytest_plugins = ["paper_checks.session.plugin"]\n')
    checks = away / "birthdays" / "test_birthday.py"
    checks.write_text(checks.read_text(encoding="utf-8").replace("DAYS = 365", "DAYS = 300"), encoding="utf-8")
    found = pytest_in(python, away, "birthdays", "-m", "claims", "--seed", "7")
    again = "Run it alone: pytest birthdays/test_birthday.py::test_between_22_and_23 -m claims --seed 7"
    assert found.returncode == 1 and "S1    ! failed" in found.stdout and again in found.stdout, found.stdout
    alone = pytest_in(python, away, *again.split()[4:])
    assert alone.returncode == 1 and "1 failed" in alone.stdout and again in alone.stdout, alone.stdout + alone.stderr


STRICT = "[pytest]\naddopts = --strict-markers --strict-config\nfilterwarnings = error\n"
CONFTEST = """
def pytest_addoption(parser):
    for name in ("--ledger", "--seed", "--claims", "--report", "--evidence", "--pilots", "--jobs", "--device"):
        parser.addoption(name, default="mine")

def pytest_configure(config):
    config.addinivalue_line("markers", "claims: of insurance")
"""
TEST = """
import sys, pytest

@pytest.mark.claims
def test_options_are_mine(request):
    assert request.config.getoption("--seed") == request.config.getoption("--ledger") == "mine"
    ours = {"paper_checks.evidence", "paper_checks.session.plugin", "torch", "theory", "simulate"}
    assert not ours & set(sys.modules)

def test_other(request):
    pass
"""


@pytest.mark.parametrize(
    ("asked", "passed"), [([], 2), (["-m", "claims"], 1), (["--ledger", "books.dat", "-k", "other"], 1)]
)
def test_pytest_of_others_is_as_it_was(python, tmp_path, asked, passed):
    """With options, a marker, a claims.toml and a file for --ledger of their own."""
    (tmp_path / "books.dat").write_bytes(b"\x00\xff assets, debts")
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_theirs.py").write_text(TEST)
    (tmp_path / "claims.toml").write_text("[insurance]\nclaims = 3\n")
    (tmp_path / "pytest.ini").write_text(STRICT)
    found = pytest_in(python, tmp_path, *asked)
    assert found.returncode == 0 and f"{passed} passed" in found.stdout, found.stdout + found.stderr
    assert not (tmp_path / ".evidence").exists() and "verdict" not in found.stdout
