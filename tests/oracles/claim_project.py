"""A project of a test's own: the claims machinery, a ledger and checks, run by pytest in a process of its own."""

import os
import shutil
import subprocess
import sys

from tests.places import ROOT

ENTRY = '["T1.1"]\ngroup = "T1"\nsource = "s"\nstatement = "a"\nformal = "f"\nscope = "c"\n'
GROUPS = '[groups]\nT1 = "one"\nT2 = "two"\n'
OWN = '[project]\nchecks = "claims"\nplugins = ["paper_checks.session.paper"]\n'
CHECK = '@pytest.mark.claims("T1.1")\ndef test_it(claim):\n    '


def new_project(place):
    """A copy of the claims machinery with checks of our own: `run(check, claims, *options)`, `run.again(*options)`."""
    folder = place / "paper_checks"
    others = shutil.ignore_patterns("test_*.py*", "*.pyc.*")  # compiled files are copied, but those half written
    shutil.copytree(ROOT / "paper_checks", folder, ignore=others)
    for name in ("theory", "simulate"):
        (place / name).symlink_to(ROOT / name)
    (place / "conftest.py").write_text((ROOT / "conftest.py").read_text(encoding="utf-8"))
    (place / "pyproject.toml").write_text("[tool.pytest.ini_options]\nfilterwarnings = ['error']\n")

    def run(check, claims=ENTRY, *options):
        shutil.rmtree(folder / "claims" / "__pycache__", ignore_errors=True)  # a rewritten file may look like the last
        (folder / "claims" / "test_x.py").write_text("import pytest\n" + check)
        (folder / "claims.toml").write_text(claims + GROUPS + OWN)
        return again(*options)

    def again(*options):
        environment = os.environ | {"PYTHONPATH": f"{place}{os.pathsep}{ROOT}"}
        command = [sys.executable, "-m", "pytest", "paper_checks", "-m", "claims", "-p", "no:cacheprovider", *options]
        return subprocess.run(
            command, cwd=place, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    run.again, run.folder = again, place
    run.record = place / ".evidence" / "claims.json"
    return run
