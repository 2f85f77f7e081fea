"""The harness itself: which mutants there are, by what they are known, that a copy is changed and nothing else."""

import ast
import json
import os

import pytest

from tests.places import ROOT

from . import results
from .draw import all_mutants, drawn, sample
from .executed import Executed
from .operators import mutants
from .tree import Tree

SOURCE = '''\
"""Text 3."""

from numba import njit

SCALE = 2.0


def as_count(value: int) -> int:
    if value < 7:
        raise ValueError(f"{value} + 8")
    return value + 9


@njit(inline="always")
def inner(x, shift=5):
    """Text + 4."""
    return x - shift


def area(a, b):
    as_count(a + 11)
    if a > b:
        raise ValueError("b")
    total = "a" + "b"
    for i in range(a):
        total = inner(a, b) * values[:b]
    return (a
            / b)
'''
CHANGED = {
    "2.0 -> 2.1", "2.0 -> 1.9", "5 -> 6", "5 -> 4", "x - shift -> x + shift", "x - shift -> x", "x - shift -> -shift",
    "range(a) -> range(a + 1)", "range(a) -> range(a - 1)", "inner(a, b) -> inner(b, a)",
    "inner(a, b) * values[:b] -> inner(a, b) / values[:b]", "values[:b] -> values[:b + 1]",
    "values[:b] -> values[:b - 1]", "a / b -> a * b",
}  # fmt: skip


@pytest.fixture
def project(tmp_path):
    (tmp_path / "theory").mkdir()
    (tmp_path / "theory" / "a.py").write_text(SOURCE, encoding="utf-8")
    return tmp_path


def test_the_operators(project):
    """Checks of arguments, text, annotations and decorators are left as they are."""
    assert {one.changed for one in mutants(project, "theory/a.py")} == CHANGED


def test_a_mutant_changes_what_it_says_and_keeps_the_lines(project):
    for mutant in mutants(project, "theory/a.py"):
        changed = mutant.applied(SOURCE)
        assert changed.count("\n") == SOURCE.count("\n")
        ast.parse(changed)
        differ = [
            n
            for n, pair in enumerate(zip(SOURCE.splitlines(), changed.splitlines(), strict=True), 1)
            if len(set(pair)) > 1
        ]
        assert differ and all(mutant.lines[0] <= line <= mutant.lines[1] for line in differ)


def test_a_mutant_is_known_whatever_stands_around_it(project):
    before = {one.key for one in mutants(project, "theory/a.py")}
    path = project / "theory" / "a.py"
    path.write_text(SOURCE.replace("def area(a, b):", "def other(a):\n    return -a\n\n\n@checked\ndef area(a, b):"))
    assert before == {one.key for one in mutants(project, "theory/a.py")}
    assert len(before) == len(CHANGED)


@pytest.fixture(scope="module")
def keys():
    """Of all mutants of the project."""
    return [one.key for package in ("theory", "simulate") for one in all_mutants(ROOT, package)]


def test_keys_of_the_project_are_one_for_each(keys):
    assert len(keys) == len(set(keys)) > 5000


def test_a_draw_is_that_of_its_seed_and_begins_with_a_smaller_one():
    few, more = (drawn(ROOT, "simulate", number, 1) for number in (5, 20))
    assert more[:5] == few and drawn(ROOT, "simulate", 5, 2) != few
    assert [one.path.partition("/")[0] for one in sample(ROOT, {"theory": 2, "simulate": 1}, 1)] == [
        "theory", "simulate", "theory",
    ]  # fmt: skip
    with pytest.raises(ValueError, match=r"number must be between 0 and \d+, the mutants of theory, got 1000000"):
        drawn(ROOT, "theory", 10**6, 1)


def test_only_the_copy_is_changed_and_only_for_a_time(project, tmp_path_factory):
    tree, path = Tree(project, tmp_path_factory.mktemp("tree") / "copy"), "theory/a.py"
    copy, stamp = tree.place / path, os.stat(project / path).st_mtime_ns
    with tree.changed(path, "other"):
        assert copy.read_text() == "other" and (project / path).read_text() == SOURCE
        assert os.stat(copy).st_mtime_ns != stamp
    assert copy.read_text() == SOURCE and os.stat(copy).st_mtime_ns == os.stat(project / path).st_mtime_ns == stamp


def test_tests_are_found_by_the_lines_that_they_execute(project):
    """Cheapest first; where the file was edited since, by the text of the line."""
    nodes = [["paper_checks/a.py::slow", 2.0], ["paper_checks/a.py::quick", 1.0], ["tests/b.py::other", 3.0]]
    lines = {str(SOURCE.splitlines().index(text) + 1): who for text, who in (
        ("    for i in range(a):", [0, 1]), ("    return (a", [2]), ("    return x - shift", [0]))}  # fmt: skip
    recording = project / "one.json"
    content = {"nodes": nodes, "lines": {"theory/a.py": lines}, "sources": {"theory/a.py": SOURCE}}
    recording.write_text(json.dumps(content))
    (project / "theory" / "a.py").write_text(SOURCE.replace("SCALE = 2.0", "SCALE = 2.0\n\nMORE = 1"))
    executed = Executed(project, [recording])
    by_change = {one.changed: one for one in mutants(project, "theory/a.py")}
    loop, last = by_change["range(a) -> range(a + 1)"], by_change["a / b -> a * b"]
    assert [list(costs) for costs in executed.costs(loop)] == [
        ["paper_checks/a.py::quick", "paper_checks/a.py::slow"],
        [],
    ]
    assert [list(costs) for costs in executed.costs(last)] == [[], ["tests/b.py::other"]]
    assert list(executed.costs(by_change["2.0 -> 2.1"])[0]) == ["paper_checks/a.py::quick", "paper_checks/a.py::slow"]


def test_a_package_is_executed_where_its_modules_are(project):
    """Importing a module imports its package before."""
    (project / "theory" / "__init__.py").write_text("SIZE = 3\n", encoding="utf-8")
    recording = project / "one.json"
    lines = {"theory/a.py": {str(SOURCE.splitlines().index("    return value + 9") + 1): [0]}}
    nodes = [["paper_checks/a.py::quick", 1.0]]
    recording.write_text(json.dumps({"nodes": nodes, "lines": lines, "sources": {"theory/a.py": SOURCE}}))
    executed = Executed(project, [recording])
    for mutant in mutants(project, "theory/__init__.py"):
        assert list(executed.costs(mutant)[0]) == ["paper_checks/a.py::quick"]


def test_arguments_for_equivalence_are_of_mutants_that_there_are(keys):
    assert set(results.arguments()) <= set(keys)
    assert all(len(why) > 20 for why in results.arguments().values())


def test_what_is_known_to_be_caught_is_not_run_again(keys, tmp_path):
    key, (node, _, how) = next(iter(results.caught().items()))
    store = results.Kept(tmp_path)
    outcome = "claims" if node.startswith("paper_checks/") else "tests"
    expected = {"key": key, "outcome": outcome, "node": node, "how": how}
    assert store.read(key) == expected
    store.keep({"key": key, "outcome": "unfinished"})
    assert store.read(key) == expected
    store.keep({"key": key, "outcome": "survived"})  # what was run here says more
    assert store.read(key)["outcome"] == "survived" and store.read("unknown") is None


def test_half_of_what_is_known_to_be_caught_is_still_there(keys):
    """Where less is, `python -m tests.teeth ... --learn` has to be run anew, or CI's draw says little."""
    known = set(results.quick())
    assert len(known & set(keys)) >= max(10, len(known) / 2)
