"""A command's help against Python with click alone, each in a process of its own: its processor seconds."""

import resource
import subprocess
import sys

import pytest

from tests.places import ROOT

LINES = {
    "python_and_click": ["-c", "import click"],
    "help": ["-m", "paper_checks", "--help"],
    "help_of_verify": ["-m", "paper_checks", "verify", "--help"],
    "help_of_draw_training_curves": ["-m", "paper_checks", "draw", "training", "curves", "--help"],
    "help_of_scope_T3.4": ["-m", "paper_checks", "scope", "T3.4", "--help"],
}


def seconds_of_children():
    """Of the processor, user and system, of all processes that this one has started and waited for."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


@pytest.mark.benchmark(group="help of a command: a process of its own", timer=seconds_of_children)
@pytest.mark.parametrize("words", LINES.values(), ids=LINES)
def test_process(benchmark, words):
    command = [sys.executable, *words]
    run = {"cwd": ROOT, "stdout": subprocess.DEVNULL, "check": True}
    benchmark.pedantic(subprocess.run, (command,), run, rounds=5, warmup_rounds=1)
