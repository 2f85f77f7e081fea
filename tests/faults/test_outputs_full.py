"""Whatever a command prints to a full disk: one line on standard error, a status that is not 0, no traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import ROOT

FULL = Path("/dev/full")
COMMANDS = {
    "help": ["--help"],
    "JSON": ["ask", "--N", "5", "--json"],
}


@pytest.mark.skipif(not FULL.exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_full_disk_behind_standard_output_is_one_line(words):
    with FULL.open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "paper_checks", *words],
            cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "paper-checks: error: the output cannot be written: No space left on device\n"
