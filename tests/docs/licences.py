"""docs/licences.md: the licences of all that is installed with this project, as the packages themselves say.

python -m tests.docs.licences
"""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement

from tests.places import ROOT

PAGE = ROOT / "docs" / "licences.md"
WEAK = re.compile(r"LGPL|Lesser|MPL|Mozilla|GPL|General Public", re.IGNORECASE)
"""Licences with conditions on changed copies."""
CORE = "core"
OF_CUDA = ("nvidia-", "cuda-", "triton")
"""What torch from PyPI needs on Linux, and torch for processors does not: said on the page, not listed."""


def canonical(name: str) -> str:
    """A package's name as indexes spell it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> dict[str, list[Requirement]]:
    """Requirements of pyproject.toml by extra, the core first; those of the project itself are resolved."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = {CORE: project["dependencies"], **project["optional-dependencies"]}
    found = {name: [Requirement(one) for one in several] for name, several in groups.items()}
    ours = canonical(project["name"])
    return {name: [one for one in several if canonical(one.name) != ours] for name, several in found.items()}


def needed() -> dict[str, str]:
    """All packages that are installed for this project but those of CUDA, with the first group that needs them."""
    found: dict[str, str] = {}
    for group, several in declared().items():
        for one in several:
            _follow(one, group, found, set())
    return dict(sorted(found.items()))


def _follow(requirement: Requirement, group: str, found: dict[str, str], seen: set[tuple[str, str]]) -> None:
    name = canonical(requirement.name)
    if name.startswith(OF_CUDA):
        return
    try:
        requires = distribution(name).requires or []
    except PackageNotFoundError:
        return
    found.setdefault(name, group)
    for extra in ("", *sorted(requirement.extras)):
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for text in requires:
            one = Requirement(text)
            if one.marker is None or one.marker.evaluate({"extra": extra}):
                _follow(one, group, found, seen)


def licence(name: str) -> str:
    """What a package's metadata say: the expression, else the classifiers, else the first line of the text."""
    known = distribution(name).metadata
    if known["License-Expression"]:
        return str(known["License-Expression"])
    kinds = [one.rpartition(" :: ")[2] for one in known.get_all("Classifier") or [] if one.startswith("License ::")]
    if kinds := [one for one in kinds if one != "OSI Approved"]:
        return ", ".join(kinds)
    lines = (known["License"] or "").strip().splitlines()
    return lines[0][:60] if lines else "not said in its metadata"


def rows() -> Iterator[str]:
    """The lines of the table."""
    for name, group in needed().items():
        said = licence(name).replace("|", "/")
        yield f"| {name} | {group} | {'**' + said + '**' if WEAK.search(said) else said} |"


TEXT = """# Licences

This project is under the MIT licence. Listed is what pip installs with it, with the extra that needs it first, and the
licence that the package's own metadata say. In bold: the GNU (GPL, LGPL) and Mozilla (MPL) licences, which have
conditions on changed copies of the package; nothing of these packages is copied or changed here, they are imported.
python-flint, of the core, is MIT and, for the FLINT library in it, LGPL; chardet, which lm-eval brings, is LGPL.
torch is listed as it is for processors: the one of PyPI brings on Linux triton and packages of CUDA besides, most of
them under NVIDIA's own terms.
Written by `python -m tests.docs.licences` from an environment with all extras; a test fails where a package has no row.

| package | first needed by | licence |
| --- | --- | --- |
"""


if __name__ == "__main__":
    PAGE.write_text(TEXT + "\n".join(rows()) + "\n")
