"""What people rely on who change the project: the guide's code is the tree's, one version, hooks without a network."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version

import pytest

import paper_checks
import simulate
import theory

from .places import PAGES, ROOT, name_of

GUIDE = (ROOT / "docs" / "adding-a-claim.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_code_of_the_guide_is_in_the_tree():
    blocks = re.findall(r"^In `(\S+)`:\n\n```\w+\n(.*?)```", GUIDE, flags=re.MULTILINE | re.DOTALL)
    assert [path.partition("/")[0] for path, _ in blocks] == ["paper_checks", "paper_checks", "paper_checks", "tests"]
    for path, block in blocks:
        parts = block.strip("\n").split("\n\n\n")
        text = (ROOT / path).read_text(encoding="utf-8")
        assert [part for part in parts if part not in text] == [], path


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_pages_name_is_there(page):
    """Files and folders of the checkout, and functions in them, as pages name them in code; not those that are made."""
    paths = re.findall(r"`((?:tests|theory|simulate|paper_checks|docs|\.ci|\.github)/[\w./-]+)(?:::[\w:]+)?`",
                       page.read_text(encoding="utf-8"))  # fmt: skip
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_packages_have_the_version_of_their_distribution():
    versions = {package.__version__ for package in (theory, simulate, paper_checks)}
    assert versions == {version(PROJECT["name"])} == {PROJECT["version"]}
    assert f"version: {PROJECT['version']}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["theory", "simulate", "paper_checks"])
def test_the_version_does_not_make_other_names_appear(name):
    code = f"import {name}\nassert '__version__' not in vars({name})\n{name}.what_is_not_there"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert re.search(rf"AttributeError: .*{name}.*what_is_not_there", done.stderr)


def test_it_cannot_be_uploaded_while_its_names_are_generic():
    assert "Private :: Do Not Upload" in PROJECT["classifiers"]


def test_hooks_are_the_lint_of_ci_and_need_no_network():
    yaml = pytest.importorskip("yaml", reason="needs the extra language")
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert repository["repo"] == "local" and {hook["language"] for hook in repository["hooks"]} == {"system"}
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    lines = re.findall(r"^ *\.venv/bin/(ruff.*|mypy)$", run, re.M)
    linted = [line.replace(" --check", "").removesuffix(" .") for line in lines]
    assert [hook["entry"] for hook in repository["hooks"]] == linted
