"""The README's Python blocks run as printed, and its table of verdicts names only claims that are built."""

import re
import subprocess
import sys

import pytest

from paper_checks.project import load_claims

from .places import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_python_blocks_run_in_order():
    pytest.importorskip("transformers", reason="needs the extra language", exc_type=ModuleNotFoundError)
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) == 6
    names = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert abs(names["z"]) < 6.5  # false alarm below 1e-10
    assert names["model"].W_V.grad is not None
    assert names["away"] < 0 < names["K"][names["task"].M + names["task"].q]
    followed = (names["batch"].tokens[:, :-1] == names["task"].q).any(dim=1)
    assert names["mass"][followed].min() > 0.99
    assert names["noise_only"][8].min() > 0 > names["noise_only"][:8].max()
    assert (names["recalling"].argmax(axis=0) == range(8)).all()
    assert len(names["full"].noise) == len(names["less"].noise) > 100
    assert names["run"].model.F1 is not None and names["cut"].F1 is None
    assert names["after"].answer.mean() > names["before"].answer.mean() + 0.05
    assert names["change"].mean() > 0.05 and names["pocket"].model is not names["smaller"]
    assert names["crossing"] > 0 and names["memory"].W.shape == (256, 256) and min(names["sizes"]) > 0


def test_as_many_mutants_as_it_says():
    """Cases of tests/mutants, but for those in which nothing is changed; those that are named five percent."""
    stated = [
        int(number) for number in re.search(r"at least (\d+) mutants .* at least (\d+) of them", README, re.S).groups()
    ]
    files = sorted(str(path) for path in (ROOT / "tests" / "mutants").glob("test_*.py"))
    command = [sys.executable, "-m", "pytest", *files, "--collect-only", "-q", "-p", "no:cacheprovider"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert found.returncode == 0, found.stdout[-2000:] + found.stderr
    cases = [line for line in found.stdout.splitlines() if "::" in line]
    mutants = [case for case in cases if not re.search("unchanged|right_experiments|as_they_are", case)]
    assert len(mutants) >= stated[0]
    assert sum("five_percent" in case for case in mutants) >= stated[1]


def test_the_table_of_findings_covers_what_is_built():
    built = {name for name, claim in load_claims().items() if claim.not_run is None and ".pythia" not in name}
    rows = re.findall(r"^\| ((?:T\d\.\d|[BEP]\d+)(?:, (?:T\d\.\d|[BEP]\d+))*) ", README, flags=re.MULTILINE)
    assert {name for row in rows for name in row.split(", ")} == built - {"P6"}  # no weights
