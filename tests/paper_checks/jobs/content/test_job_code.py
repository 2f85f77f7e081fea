"""A key has the code that its job may run, and no other: by edits of a copy, and by what a job is seen to call."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from paper_checks.jobs.code import code_digest, code_files
from paper_checks.jobs.imports import closure, modules
from tests.places import ROOT

from .examples import examples

JOBS = "tests/paper_checks/jobs/content"
PACKAGES = ("theory", "simulate", "paper_checks")

DIGESTS = """
import json, sys
from pathlib import Path
from paper_checks.jobs import code
from tests.paper_checks.jobs.content.examples import examples

edits, jobs, found = json.loads(sys.argv[1]), examples(), []
for path, old, new in [["simulate/novelty.py", "", ""], *edits]:
    file = Path(path)
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    assert before.count(old), (path, old)
    file.write_text(before.replace(old, new, 1), encoding="utf-8")
    for known in (code.code_digest, code._modules, code._data_digest):
        known.cache_clear()
    found.append({name: job.code for name, job in jobs.items()})
    file.write_text(before, encoding="utf-8") if before else file.unlink()
print(json.dumps(found))
"""

TRAININGS, DRAWS = {"trained", "largest"}, {"descended", "drawn"}
"""By the modules of their functions."""
EVERY = TRAININGS | DRAWS
EDITS = [
    # a file, a text that is in it, another one, the jobs whose code this is
    ("simulate/transformer/training.py", "def train(", "def train_(", TRAININGS),
    ("simulate/transformer/training.py", "import torch", "import torch  # a comment", TRAININGS),
    ("simulate/transformer/optimiser.py", "", "# words\n", TRAININGS),
    ("simulate/transformer/__init__.pyi", "from .training import Trained, train", "from .plan import train", TRAININGS),
    ("simulate/sequences/recall.py", "", "# words\n", TRAININGS),
    ("simulate/memory/training.py", "", "# words\n", DRAWS),
    ("simulate/one_layer/moments.py", "", "# words\n", DRAWS),
    ("simulate/runtime/arguments.py", "", "# words\n", EVERY),
    ("simulate/data/new.csv", "", "1,2", EVERY),
    ("theory/task.py", "", "# words\n", EVERY),
    (f"{JOBS}/trained.py", "", "# words\n", TRAININGS),
    (f"{JOBS}/drawn.py", "", "# words\n", DRAWS),
    (f"{JOBS}/watched.py", "The mean.", "Its mean.", TRAININGS),
    ("paper_checks/jobs/values.py", "", "# words\n", EVERY),
    ("paper_checks/report/table.py", '"""', '"""Words. ', set()),
    ("paper_checks/session/plugin.py", "", "# words\n", set()),
    ("paper_checks/evidence/comparator.py", "", "# words\n", set()),
    ("paper_checks/claims.toml", "a", "b", set()),
    ("paper_checks/claims/t1/test_one_step.py", "", "# words\n", set()),
    ("paper_checks/experiments/trainings/recall.py", "", "# words\n", set()),
    ("paper_checks/jobs/scheduler.py", "", "# words\n", set()),
    ("simulate/laser/sweeps.py", "", "# words\n", set()),
    ("simulate/gsm8k/harness.py", "", "# words\n", set()),
    ("theory/one_step/margins.py", "", "# words\n", set()),
    ("simulate/data/notes.md", "", "words", set()),
    ("simulate/novelty.py", "", "x = 1", set()),
    (f"{JOBS}/kinds.py", "", "# words\n", set()),
]


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """By the place of an edit, the jobs whose code changes with it, in a copy of the source."""
    place = tmp_path_factory.mktemp("copy")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, place / package, ignore=shutil.ignore_patterns("__pycache__", "data", "pilots"))
    (place / "simulate" / "data").mkdir()
    (place / JOBS).mkdir(parents=True)
    faces = [folder / "__init__.py" for folder in (place / JOBS).parents if place in folder.parents]
    for path in [*(ROOT / JOBS).glob("*.py"), *(ROOT / face.relative_to(place) for face in faces)]:
        shutil.copy(path, place / path.relative_to(ROOT))
    environment = os.environ | {"PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    words = [sys.executable, "-c", DIGESTS, json.dumps([edit[:3] for edit in EDITS])]
    done = subprocess.run(words, cwd=place, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    first, *found = json.loads(done.stdout)
    return [{name for name in first if first[name] != codes[name]} for codes in found]


@pytest.mark.parametrize("place", range(len(EDITS)), ids=[edit[0] for edit in EDITS])
def test_an_edit_changes_the_code_of_the_jobs_that_run_it_and_of_no_other(changed, place):
    assert changed[place] == EDITS[place][3]


SEEN = """
import json, sys
from pathlib import Path
from paper_checks.jobs.code import code_files
from paper_checks.jobs.values import decode, encode
from tests.paper_checks.jobs.content.examples import examples

def watch(frame, event, argument):
    global importing
    if event in ("call", "return"):
        if frame.f_code.co_name == "<module>":
            importing += 1 if event == "call" else -1
        elif event == "call" and not importing:
            called.add(frame.f_code.co_filename)

found = {}
for name, job in examples().items():
    importing, called = 0, set()
    sys.setprofile(watch)
    result = job.perform()
    sys.setprofile(None)
    ours = {path for path in called if path.startswith(sys.argv[1]) and "site-packages" not in path}
    known = {str(path) for module in job.modules for path in code_files(module)}
    alone = {str(path) for path in code_files(job.function.module)}
    found[name] = sorted(ours), sorted(ours - known), sorted(ours - alone)
    decode(encode(result))
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def seen():
    """By job: our files with functions that it calls; those of them not in its code; those not in its function's."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", SEEN, f"{ROOT}{os.sep}"]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_a_job_calls_is_its_code(seen):
    assert {name: missing for name, (_, missing, _) in seen.items()} == {name: [] for name in EVERY}
    called = {name: {os.path.relpath(path, ROOT) for path in paths} for name, (paths, _, _) in seen.items()}
    assert {"simulate/transformer/training.py", "simulate/transformer/model.py"} <= called["trained"] & called[
        "largest"
    ]
    assert {"simulate/memory/training.py"} <= called["descended"] and {"simulate/one_layer/moments.py"} <= called[
        "drawn"
    ]


def test_what_comes_as_an_argument_is_code_too(seen):
    """Of the function alone it would be missing."""
    for name in TRAININGS:
        assert str(ROOT / JOBS / "watched.py") in seen[name][2]
    watched = f"{JOBS}/watched.py".removesuffix(".py").replace("/", ".")
    assert {name for name, job in examples().items() if watched in job.modules} == TRAININGS


def test_a_closure_is_what_is_imported_one_through_the_other(tmp_path):
    files = {
        "one/__init__.py": "import lazy_loader",
        "one/__init__.pyi": "from .a import f\nfrom .b import g as h\nfrom . import c",
        "one/a.py": "def f():\n    from two import late",
        "one/b.py": "",
        "one/c.py": "if TYPE_CHECKING:\n    import six\nelse:\n    import alone",
        "two/__init__.py": "from .late import late, other",
        "two/late.py": "import numpy",
        "two/deep/__init__.py": "",
        "two/deep/er.py": "from ..late import late\nfrom . import er",
        "alone.py": "import two.deep.er",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "three.py").write_text("from one import f\nimport alone\n")
    (tmp_path / "four.py").write_text("import one\n")
    (tmp_path / "six.py").write_text("")
    (tmp_path / "five.py").write_text("from one import c, h\n")
    known = modules(tmp_path, ["one", "two", "alone", "three", "four", "five", "six"])
    assert closure("three", known) == {"three", "one.a", "two.late", "alone", "two.deep.er"}
    everything = {"one", "one.a", "one.b", "one.c", "two.late", "alone", "two.deep.er"}
    assert closure("four", known) == {"four"} | everything
    assert closure("five", known) == {"five"} | everything  # h is g by another name: all that the face has


@pytest.mark.parametrize("module", ["trainings.runs", "trainings.measured", "pocket_models"])
def test_how_a_result_is_judged_and_shown_is_no_code_of_an_expensive_job(module):
    files = code_files(f"paper_checks.experiments.{module}")
    names = {path.relative_to(ROOT).with_suffix("").as_posix() for path in files}
    judged = ("paper_checks/evidence/comparator", "paper_checks/evidence/ledger/claim")
    shown = ("paper_checks/report", "paper_checks/session", "paper_checks/claims", "paper_checks/commands")
    assert not names & set(judged) and not [name for name in names if name.startswith(shown)]


def test_modules_that_are_not_there_are_refused():
    for module in ("nowhere.to.be", "__main__", "simulate.nothing"):
        with pytest.raises(ValueError, match=f"module {module} must be "):
            code_digest(module)


def test_a_module_beside_others_without_a_package(tmp_path, monkeypatch):
    """As the checks of another paper's project may have their jobs."""
    (tmp_path / "lonely_work.py").write_text("import lonely_help\n")
    (tmp_path / "lonely_help.py").write_text("")
    (tmp_path / "lonely_other.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert [path.name for path in code_files("lonely_work")] == ["lonely_help.py", "lonely_work.py"]
