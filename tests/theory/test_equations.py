"""Equations of theory are numbered once per chapter, so that "equation (3)" within a chapter is one."""

import ast
import re
from collections import Counter

import pytest

from tests.places import ROOT

CHAPTERS = sorted(path.parent for path in (ROOT / "theory").glob("*/__init__.py"))


def numbers(chapter):
    """Numbers at the right of a docstring's lines, each with its module."""
    found = []
    for path in sorted(chapter.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = ast.get_docstring(node, clean=False) or ""
                found += [(int(number), path.name) for number in re.findall(r"  \((\d+)\)$", text, re.MULTILINE)]
    return found


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_no_number_is_given_twice(chapter):
    found = numbers(chapter)
    assert found
    counts = Counter(number for number, _ in found)
    assert not [one for one in found if counts[one[0]] > 1]


def test_a_number_given_twice_is_seen(tmp_path):
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text('"""An equation:\n\n    a = b.      (1)\n"""\n')
    assert numbers(tmp_path) == [(1, "one.py"), (1, "two.py")]
