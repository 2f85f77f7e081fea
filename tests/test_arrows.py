"""Knowledge flows one way: which chapter may import which, read from the source; how large files and folders are."""

import graphlib
import re
import shutil

import pytest

from paper_checks.jobs.imports import arrows, modules
from tests.places import ROOT

FLOORS = """\
theory        byte_limit, quotients, scalars < arrays, containers < rules < arguments < task < evaluation, law < one_step < key_query, memory < birth, general
simulate      runtime < gsm8k, induction, language, memory, prompts, sequences, truncation < laser, one_layer, pocket < transformer
paper_checks  evidence, jobs, witnesses < project < experiments < claims, pictures < scope < report < session < commands
"""  # noqa: E501
"""A chapter may import those on the floors below it in its package, and of other packages what ALSO says."""
ALSO = {
    "theory": (),
    "simulate": (
        "theory.arguments",
        "theory.arrays",
        "theory.byte_limit",
        "theory.law",
        "theory.scalars",
        "theory.task",
    ),
    "paper_checks": ("theory", "simulate"),
    "paper_checks.evidence": ("simulate.runtime",),
    "paper_checks.jobs": ("simulate.runtime",),
}
"""What the chapters of a package may import of other packages; one chapter has a line of its own."""
LEAVES = ("paper_checks.claims",)
"""Chapters that nothing imports."""
LONGEST, FULLEST = 300, 15


def floors():
    """The number of the floor of each chapter, by its name with the package."""
    found = {}
    for line in FLOORS.splitlines():
        building, _, named = line.partition(" ")
        for number, floor in enumerate(named.split("<")):
            found |= {f"{building}.{chapter.strip()}": number for chapter in floor.split(",")}
    return found


FLOOR = floors()
BUILDINGS = tuple(dict.fromkeys(chapter.partition(".")[0] for chapter in FLOOR))


def chapter_of(module):
    """The chapter of a module; the package itself for its face and its __main__."""
    chapter = ".".join(module.split(".")[:2])
    return module.partition(".")[0] if chapter.endswith(".__main__") else chapter


def within(module, places):
    return any(module == place or module.startswith(f"{place}.") for place in places)


def is_allowed(module, other):
    """Whether `module` may import `other`."""
    here, there = chapter_of(module), chapter_of(other)
    building = here.partition(".")[0]
    if here == there:
        return True
    if there in LEAVES:
        return False
    if building != there.partition(".")[0]:
        return within(other, ALSO.get(here, ALSO[building]))
    return here == building or (there != building and FLOOR[there] < FLOOR[here])


def wrong_arrows(root):
    """Imports that go up or sideways, and modules in a chapter that FLOORS does not have."""
    found = arrows(root, BUILDINGS)
    strangers = [name for name in found if chapter_of(name) not in (*FLOOR, *BUILDINGS)]
    known = [name for name in found if name not in strangers]
    wrong = [f"{name} -> {other}" for name in known for other in sorted(found[name]) if not is_allowed(name, other)]
    return wrong + [f"{name} stands in no chapter of FLOORS" for name in strangers]


def circle(root):
    """Modules that import each other in a circle, whichever way; None if there is no circle."""
    try:
        graphlib.TopologicalSorter(arrows(root, BUILDINGS)).prepare()
    except graphlib.CycleError as error:
        return " -> ".join(error.args[1])
    return None


def too_large(root):
    """Files of more than LONGEST lines, and folders with more than FULLEST Python files."""
    paths = [path for files in modules(root, (*BUILDINGS, "tests")).values() for path in files if path.suffix == ".py"]
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    long = [f"{path.relative_to(root)} has {count} lines" for path, count in lines.items() if count > LONGEST]
    counts = {folder: sum(path.parent == folder for path in paths) for folder in {path.parent for path in paths}}
    return long + [
        f"{folder.relative_to(root)} has {count} files" for folder, count in counts.items() if count > FULLEST
    ]


def test_imports_go_down():
    assert wrong_arrows(ROOT) == []


def test_nothing_goes_in_a_circle():
    assert circle(ROOT) is None


def test_files_and_folders_are_small():
    assert too_large(ROOT) == []


def test_every_chapter_of_the_table_is_there():
    assert set(FLOOR) <= {chapter_of(name) for name in arrows(ROOT, BUILDINGS)}


def test_the_page_has_the_table_and_a_line_for_each_chapter():
    house = (ROOT / "docs" / "house.md").read_text(encoding="utf-8")
    lines, table = house.split("```text\n")[1:]
    assert table.startswith(FLOORS)
    missing = [
        name for name in FLOOR if not re.search(rf"^(  |.* {{2,}}){name.partition('.')[2]}  ", lines, re.MULTILINE)
    ]
    files = [
        "theory.byte_limit",
        "theory.quotients",
        "theory.scalars",
        "theory.arrays",
        "theory.containers",
        "theory.rules",
        "theory.arguments",
        "theory.task",
        "theory.evaluation",
        "theory.law",
        "simulate.truncation",
        "paper_checks.project",
    ]
    assert missing == files


def test_the_page_says_where_claims_are_checked():
    page = (ROOT / "docs" / "house.md").read_text(encoding="utf-8")
    named = dict(re.findall(r"([A-Z][\d.]+) in\s`(paper_checks/claims/\S+\.py)`", page))
    assert set(named) == {"T1.3", "E3", "P4"}
    for claim, path in named.items():
        assert f'@pytest.mark.claims("{claim}")' in (ROOT / path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the source."""
    place, aside = tmp_path_factory.mktemp("house"), shutil.ignore_patterns("__pycache__", "data", "pilots")
    for building in BUILDINGS:
        shutil.copytree(ROOT / building, place / building, ignore=aside)
    return place


@pytest.fixture
def tree(copied):
    """The copy, to plant in: `tree(path, line)` appends a line to a file, which may be new; taken out afterwards."""
    before = {}

    def plant(path, line):
        file = copied / path
        before[file] = file.read_text(encoding="utf-8") if file.exists() else None
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{before[file] or ''}\n{line}\n", encoding="utf-8")
        return copied

    yield plant
    for file, text in before.items():
        file.unlink() if text is None else file.write_text(text, encoding="utf-8")


PLANTED = [
    ("theory/task.py", "import simulate", "theory.task -> simulate"),
    ("theory/memory/spectrum.py", "from theory import Task", "theory.memory.spectrum -> theory"),
    ("theory/memory/spectrum.py", "from ..birth import weights", "theory.memory.spectrum -> theory.birth.weights"),
    ("theory/key_query/step.py", "import theory.memory.flow", "theory.key_query.step -> theory.memory"),
    ("simulate/runtime/files.py", "from theory import margins", "simulate.runtime.files -> theory"),
    ("simulate/laser/roles.py", "from ..pocket import shipped", "simulate.laser.roles -> simulate.pocket.shipped"),
    ("simulate/laser/__init__.pyi", "from ..pocket.shipped import X", "simulate.laser -> simulate.pocket.shipped"),
    ("simulate/truncation.py", "from paper_checks import evidence", "simulate.truncation -> paper_checks.evidence"),
    ("paper_checks/evidence/run.py", "from simulate import sample", "paper_checks.evidence.run -> simulate"),
    (
        "paper_checks/evidence/run.py",
        "def late():\n    from paper_checks.report import table",
        "paper_checks.evidence.run -> paper_checks.report.table",
    ),
    (
        "paper_checks/report/table.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..session.plugin import CLAIMS",
        "paper_checks.report.table -> paper_checks.session.plugin",
    ),
    (
        "paper_checks/claims/p/test_pocket.py",
        "from paper_checks.pictures import file",
        "paper_checks.claims.p.test_pocket -> paper_checks.pictures.file",
    ),
    (
        "paper_checks/session/plugin.py",
        "import paper_checks.claims.p.conftest",
        "paper_checks.session.plugin -> paper_checks.claims.p.conftest",
    ),
    ("simulate/novelty/file.py", "", "simulate.novelty.file stands in no chapter of FLOORS"),
]
ALLOWED = [
    ("theory/memory/spectrum.py", "from theory import evaluation"),
    ("simulate/runtime/files.py", "from theory.task import Task"),
    ("paper_checks/evidence/run.py", "from simulate.runtime import files"),
    ("paper_checks/claims/p/test_pocket.py", "import simulate"),
]


@pytest.mark.parametrize(("path", "line", "arrow"), PLANTED)
def test_a_planted_arrow_is_found(tree, path, line, arrow):
    assert wrong_arrows(tree(path, line)) == [arrow]


@pytest.mark.parametrize(("path", "line"), ALLOWED)
def test_an_arrow_down_is_none(tree, path, line):
    assert wrong_arrows(tree(path, line)) == []


def test_a_planted_circle_is_found(tree):
    found = circle(tree("theory/one_step/symmetry.py", "from .margins import log_ratio"))
    assert "theory.one_step.symmetry" in found and "theory.one_step.margins" in found


def test_what_is_too_large_is_found(tree):
    root = tree("simulate/truncation.py", "#\n" * (LONGEST + 1))
    (root / "tests").mkdir()
    for number in range(FULLEST + 1):
        (root / "tests" / f"test_{number}.py").write_text("")
    assert "tests has 16 files" in too_large(root)
    assert any(one.startswith("simulate/truncation.py has ") for one in too_large(root))
