"""Python blocks of pages run and print what the page says; what is typed is accepted; README is short and current."""

import re
import shlex
import subprocess
import sys

import pytest

from paper_checks.evidence.filled import same_numbers
from paper_checks.project import own_ledger
from tests.places import PAGES, ROOT, name_of

from .blocks import executed, python_blocks

NOT_RUN = {
    "docs/adding-a-claim.md": "excerpts of the tree, held against it by tests/test_habits.py",
    "docs/cluster.md": "needs SLURM, Kubernetes, MPI: the page says that it was not run here",
}
"""Pages whose Python blocks cannot be run, and why; they are Python all the same."""
LONGEST, WIDEST = 120, 200
"""Lines of README, and letters of a line that is no row of a table."""


def text_of(page):
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [page for page in PAGES if python_blocks(text_of(page))], ids=name_of)
def test_python_blocks_run_in_order_and_print_what_the_page_says(page):
    """Texts to the letter, numbers to a unit of their last digit. `python -m tests.docs.blocks PAGE` writes what is
    printed."""
    if name_of(page) in NOT_RUN:
        for block in python_blocks(text_of(page)):
            compile(block, str(page), "exec")
        return
    if "language" in text_of(page):
        pytest.importorskip("transformers", reason="needs the extra language", exc_type=ModuleNotFoundError)
    for block in executed(page):
        assert same_numbers(block.said, block.printed), f"{page}, line {block.line}: printed\n{block.printed}"


def test_what_the_readme_s_own_sizes_say_is_what_they_print():
    """The sentence under the block is about its numbers."""
    printed = next(executed(ROOT / "README.md")).printed
    patterns = (r">= ([\d.]+)", r"least ([\d.]+)", r"at most ([\d.]+)\n", r"(\d+) samples are",
                r"ratio ([\d.]+) per", r"from (\d+)")  # fmt: skip
    threshold, margin, moved, samples, ratio, recall = (float(re.search(one, printed)[1]) for one in patterns)
    said = " ".join(text_of(ROOT / "README.md").split())
    assert "N = 32, T = 256 and α = 0.3 the feed-forward layer learns the noise first" in said and threshold < 0.3
    assert "more than fourteen times what attention can move it by" in said and 14 < margin / moved < 15
    assert f"{samples:.0f} samples are enough for it" in said and "hundreds of thousands" in said
    assert 2e5 < recall < 1e6 and ratio == pytest.approx(recall**-0.5, abs=5e-5)


def typed():
    """Lines of shell blocks that run pytest, as words, with the page."""
    for page in PAGES:
        for block in re.findall(r"^```(?:sh|bash)\n(.*?)^```", text_of(page), re.M | re.S):
            for line in re.sub(r"\\\n +", "", block).splitlines():
                for part in re.split(r" && |(?<=\S) {3,}#.*", line):
                    words = shlex.split(part, comments=True)
                    places = [number for number, word in enumerate(words) if word.rpartition("/")[2] == "pytest"]
                    if places and "install" not in words:
                        yield name_of(page), words[places[0] + 1 :]


@pytest.fixture(scope="module")
def options():
    """The options that pytest has here, with those of the claims."""
    command = [sys.executable, "-m", "pytest", "paper_checks", "-m", "claims", "--help", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    return set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", done.stdout)) | {"-n", "--dist"}  # of pytest-xdist


def test_lines_for_pytest_have_options_and_places_that_are_there(options):
    lines = list(typed())
    assert len(lines) > 15
    wrong = []
    for page, words in lines:
        named = [word.partition("=")[0] for word in words if word.startswith("-")]
        places = [word for word in words if word.startswith(("paper_checks", "tests", "docs/"))]
        wrong += [(page, word) for word in named if word not in options]
        wrong += [(page, word) for word in places if not (ROOT / word).exists()]
    assert wrong == []


def test_claims_and_groups_that_are_typed_are_in_the_ledger():
    known = {*own_ledger().claims, *own_ledger().groups}
    for page, words in typed():
        if "--claims" in words and not page.startswith("docs/own-paper"):
            named = words[words.index("--claims") + 1].split(",")
            assert set(named) <= known | {"ID"}, page


def test_readme_is_short():
    lines = text_of(ROOT / "README.md").splitlines()
    assert len(lines) <= LONGEST
    assert [line for line in lines if len(line) > WIDEST and not line.startswith("|")] == []


def test_ci_checks_every_page_that_has_blocks_or_numbers_of_a_run():
    run = text_of(ROOT / ".ci" / "run")
    patterns = re.search(r"paper-checks fill --check (.*)", run)[1].split()
    checked = {path for pattern in patterns for path in ROOT.glob(pattern)}
    filled = {page for page in PAGES if re.search(r"^<!-- made: |<!--[A-Z][\w.]*: ", text_of(page), re.M)}
    assert len(filled) > 8 and filled <= checked


def test_every_group_has_its_page_of_findings():
    for group in own_ledger().groups:
        page = text_of(ROOT / "docs" / "findings" / f"{group}.md")
        assert f"<!-- made: findings {group} -->" in page and f"<!-- made: details {group} -->" in page


def test_as_many_mutants_as_the_page_says():
    """Cases of tests/mutants, but for those in which nothing is changed; those that are named five percent."""
    page = text_of(ROOT / "docs" / "run.md")
    stated = [int(n) for n in re.search(r"at least (\d+) mutants .* at least (\d+) of them", page, re.S).groups()]
    files = sorted(str(path) for path in (ROOT / "tests" / "mutants").rglob("test_*.py"))
    command = [sys.executable, "-m", "pytest", *files, "--collect-only", "-q", "-p", "no:cacheprovider"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert found.returncode == 0, found.stdout[-2000:] + found.stderr
    cases = [line for line in found.stdout.splitlines() if "::" in line]
    mutants = [case for case in cases if not re.search("unchanged|right_experiments|as_they_are", case)]
    assert len(mutants) >= stated[0]
    assert sum("five_percent" in case for case in mutants) >= stated[1]
