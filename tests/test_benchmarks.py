"""What is collected as a benchmark, and that pages have it. No test asserts a time."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from paper_checks.commands.benchmarks import FOLDERS
from paper_checks.commands.benchmarks.measured import read_measured
from paper_checks.commands.benchmarks.passes import grouped
from tests.places import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"

LIST = """
import json, sys, pytest

class Groups:
    def pytest_collection_finish(self, session):
        marks = [(item.path.name, item.name, item.get_closest_marker("benchmark")) for item in session.items]
        found = [(path, name, mark and mark.kwargs.get("group")) for path, name, mark in marks]
        print("\\n" + json.dumps(found))

options = ["--benchmark-only", "--collect-only", "-qq", "-p", "no:cacheprovider"]
sys.exit(pytest.main([*options, *sys.argv[1:]], [Groups()]))
"""


ALONE = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
"""The environment without what tells pytest-benchmark that several processes run tests."""


def collected(*words):
    """What pytest --benchmark-only collects: file, name and group of each."""
    command = [sys.executable, "-c", LIST, *words]
    done = subprocess.run(command, cwd=ROOT, env=ALONE, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return [tuple(one) for one in json.loads(next(line for line in done.stdout.splitlines() if line[:2] == "[["))]


@pytest.fixture(scope="module")
def alone():
    return collected()


@pytest.fixture(scope="module")
def everything():
    return collected(*FOLDERS)


def members(found):
    groups = {}
    for _, name, group in found:
        groups.setdefault(group, []).append(name)
    return groups


def test_benchmarks_alone_are_collected(alone):
    files = {path.name for path in (ROOT / FOLDERS[0]).glob("test_*.py")}
    assert {path for path, _, _ in alone} == files and len(files) > 4


def test_every_group_has_an_alternative_and_every_ladder_four_sizes(alone, everything):
    ratios, ladders = members(alone), members(set(everything) - set(alone))
    assert None not in {**ratios, **ladders} and not set(ratios) & set(ladders)
    assert len(ratios) > 5 and min(map(len, ratios.values())) >= 2
    assert len(ladders) > 10 and min(map(len, ladders.values())) >= 4


def test_the_page_has_every_group(everything):
    page = PAGE.read_text(encoding="utf-8")
    assert [group for group in members(everything) if f"| {group} |" not in page] == []


SPEED = (
    ("sample", "bare random numbers"),
    ("literal sample", "sample of a chain"),
    ("moments of both", "sample"),
    ("vmap of grad", "moments of both"),
    ("every position", "asked positions"),
    ("matrix products alone", "asked positions"),
    ("one model per cell", "sweep"),
)
"""The ratios that the section "Speed" of the page on running has, in its order."""


def test_the_ratios_in_a_sentence_are_those_of_the_page_to_a_third():
    page, running = (path.read_text(encoding="utf-8") for path in (PAGE, ROOT / "docs" / "run.md"))
    rows = re.findall(r"^\| [^|]*: ([^|:]+) \| ([^|]+) \| ([\d.,]+) \| [^|]+ \| at ", page, re.MULTILINE)
    found = {(name, other): float(ratio.replace(",", "")) for name, other, ratio in rows}
    section = running.partition("## Speed\n")[2].partition("\n## ")[0]
    shown = [float(number) for number in re.findall(r"([\d.]+) times", section)]
    assert shown == pytest.approx([found[pair] for pair in SPEED], rel=1 / 3)


def test_a_run_of_the_benchmarks_can_be_read(tmp_path):
    """The cheapest group is measured as the command has it measured."""
    found = tmp_path / "measured.json"
    words = [sys.executable, "-m", "pytest", FOLDERS[0], "--benchmark-only", f"--benchmark-json={found}"]
    run = [*words, "-k", "(closed_form or dynamic_programme) and not forms", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(run, cwd=ROOT, env=ALONE, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert [line for line in done.stdout.splitlines() if len(line) > 100 and "Outliers:" not in line] == []
    (group,) = grouped([read_measured(found)]).values()
    assert {one.benchmark.title for one in group} == {"closed form", "dynamic programme"}
    assert read_measured(found).machine_info.versions["numpy"] == np.__version__
