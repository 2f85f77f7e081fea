"""Public faces of the chapters: what they name is there, their examples run, and nothing heavy is loaded early."""

import importlib
import json
import pkgutil
import subprocess
import sys
import textwrap

import pytest

import simulate
import theory

CHAPTERS = [
    "theory",
    "simulate",
    *(f"theory.{one.name}" for one in pkgutil.iter_modules(theory.__path__) if one.ispkg),
    *(f"simulate.{one.name}" for one in pkgutil.iter_modules(simulate.__path__) if one.ispkg and one.name != "runtime"),
]
HEAVY = {"torch", "numba", "matplotlib", "transformers"}


def example(name):
    """The indented lines of the docstring."""
    lines = (importlib.import_module(name).__doc__ or "").splitlines()
    return textwrap.dedent("\n".join(line for line in lines if line.startswith("    ")))


@pytest.mark.parametrize("name", CHAPTERS)
def test_everything_that_a_face_names_is_there(name):
    face = importlib.import_module(name)
    assert face.__all__ and len(set(face.__all__)) == len(face.__all__)
    missing = [one for one in face.__all__ if not hasattr(face, one)]
    assert not missing
    with pytest.raises(AttributeError):
        _ = face.what_is_not_there


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_example_of_a_face_runs(name):
    if name in ("simulate.language", "simulate.laser"):
        pytest.importorskip("transformers", exc_type=ModuleNotFoundError, reason="needs the extra language")
    code = example(name)
    assert len(code.splitlines()) >= 3
    exec(compile(code, name, "exec"), {})


def loaded_by(code):
    """Which of the heavy packages are loaded after `code`, in a process of its own."""
    command = f"import sys, json; {code}; print(json.dumps(sorted({HEAVY!r} & set(sys.modules))))"
    return json.loads(subprocess.run([sys.executable, "-c", command], capture_output=True, check=True).stdout)


def test_nothing_heavy_is_loaded_before_it_is_used():
    assert loaded_by("import theory") == []
    assert loaded_by("import simulate; simulate.sequences; simulate.laser") == []
    assert "torch" in loaded_by("import simulate; simulate.sample")
