"""Every package that is installed with this project has a row in docs/licences.md, and the licence that it says."""

import re
from types import SimpleNamespace

from packaging.requirements import Requirement

from .licences import CORE, PAGE, declared, licence, needed

ROW = re.compile(r"^\| ([\w.-]+) \| [\w-]+ \| (.+) \|$", re.MULTILINE)


def listed():
    return {name: said.strip("*") for name, said in ROW.findall(PAGE.read_text())}


def test_every_dependency_has_a_row():
    assert sorted(set(needed()) - set(listed())) == []
    assert {"numpy", "torch", "python-flint"} <= set(needed())


def test_a_requirement_without_a_row_is_seen(monkeypatch):
    monkeypatch.setattr("tests.docs.licences.declared", lambda: declared() | {"more": declared()[CORE]})
    rows = listed()
    assert set(needed()) - (set(rows) - {"numpy"}) == {"numpy"}


def test_packages_of_cuda_need_no_row(monkeypatch):
    """Those that are installed with the torch of PyPI, on whatever machine the test runs."""
    of_cuda = [Requirement(f"{name}==1") for name in ("nvidia-cublas-cu12", "cuda-bindings", "triton")]
    monkeypatch.setattr("tests.docs.licences.declared", lambda: {CORE: of_cuda})
    monkeypatch.setattr("tests.docs.licences.distribution", lambda name: SimpleNamespace(requires=[]))
    assert needed() == {}


def test_weak_copyleft_is_said():
    rows = listed()
    assert "LGPL" in rows["python-flint"] and "LGPL" in rows["chardet"]
    assert rows["python-flint"] == licence("python-flint")
