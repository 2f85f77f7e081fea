"""Mutants of theory and simulate in a process of its own: those known to be caught are, and of a draw none survives."""

import subprocess
import sys

import pytest

from tests.places import ROOT

pytestmark = pytest.mark.teeth


def ran(capsys, *arguments):
    """Exit status of the harness, whose output is shown as it comes."""
    with capsys.disabled():
        print()
        return subprocess.run([sys.executable, "-m", "tests.teeth", *arguments], cwd=ROOT, check=False).returncode


def test_mutants_that_were_caught_are_caught(pytestconfig, capsys):
    number, seed = pytestconfig.getoption("--teeth-known"), pytestconfig.getoption("--teeth-seed")
    assert ran(capsys, "--known", str(number), "--seed", str(seed)) == 0


@pytest.mark.draw
def test_no_mutant_of_a_draw_survives(pytestconfig, capsys):
    numbers = {name: str(pytestconfig.getoption(f"--teeth-{name}")) for name in ("theory", "simulate", "seed")}
    assert ran(capsys, *(word for name, number in numbers.items() for word in (f"--{name}", number))) == 0
