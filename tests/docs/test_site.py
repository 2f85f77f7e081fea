"""The site: built without a warning, links of pages lead somewhere, notebooks print what they show."""

import ast
import re
import subprocess
import sys
from importlib import import_module

import pytest

from paper_checks.evidence.filled import same_numbers
from tests.places import PAGES, ROOT, name_of

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
_FENCED = re.compile(r"^```.*?^```", re.M | re.S)
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]*)\)")


def slug(heading):
    """The anchor that GitHub and the site give a heading."""
    return re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-")


def anchors(text):
    """Those of headings, and those that a page names itself."""
    headings = re.findall(r"^#+ (.*)", _FENCED.sub("", text), re.M)
    return {slug(heading) for heading in headings} | set(re.findall(r'<a id="([^"]+)"', text))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_of_a_page_lead_to_a_file_or_a_place_in_it(page):
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    for link in _LINK.findall(text):
        target, _, place = link.partition("#")
        there = (page.parent / target).resolve() if target else page
        assert there.exists() and there.is_relative_to(ROOT), link
        if place and there.suffix == ".md":
            assert place in anchors(there.read_text(encoding="utf-8")), link


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built."""
    pytest.importorskip("mkdocs", reason="needs the extra docs")
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line for line in done.stderr.splitlines() if re.match("(WARNING|ERROR)", line)] == []
    return out


def test_the_site_has_all_pages_and_needs_nothing_of_others(site):
    for page in PAGES:
        name = name_of(page).removeprefix("docs/").removesuffix(".md")
        if not page.is_relative_to(ROOT / "docs"):
            continue
        folder = name.removesuffix("index").removesuffix("README")
        assert (site / folder / "index.html").is_file(), name
    fetched = set()
    for html in site.rglob("*.html"):
        text = html.read_text(encoding="utf-8")
        fetched |= set(re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="?(https?://[^" >]+)', text))
    assert {one for one in fetched if "squidfunk" not in one} == set()


def test_api_pages_have_every_name_of_their_face(site):
    """As the package itself lists them, those that another page has left out."""
    found = {path.parent.name for path in (site / "api").rglob("index.html")}
    assert len(found) > 15
    for face in sorted(found):
        text = (site / "api" / face / "index.html").read_text(encoding="utf-8")
        names = getattr(import_module(face), "__all__", ())
        shown = {anchor.rpartition(".")[2] for anchor in re.findall(rf'id="({face.partition(".")[0]}\.[\w.]+)"', text)}
        missing = {name for name in names if name not in shown}
        assert missing == set() or face == "theory", (face, missing)


def test_formulas_are_mathematics_on_the_site_and_links_out_of_it_are_none(site):
    text = (site / "findings" / "T1" / "index.html").read_text(encoding="utf-8")
    assert text.count("<math") >= 6 and "../../paper_checks" not in text
    assert (site / "badges" / "T1.svg").is_file() and 'src="../../badges/T1.svg"' in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_print_what_they_show(path):
    """In a kernel of this Python; texts to the letter, numbers to a unit of their last digit."""
    pytest.importorskip("nbclient", reason="needs the extra docs")
    if path.stem == "truncate-a-model":
        pytest.importorskip("transformers", reason="needs the extra language", exc_type=ModuleNotFoundError)
    import nbformat

    from .notebooks import executed, printed

    shown, found = printed(nbformat.read(path, as_version=4)), printed(executed(path))
    assert len(shown) == len(found) > 1 and any(shown)
    assert [one for one, other in zip(shown, found, strict=True) if not same_numbers(one, other)] == []


def test_there_are_four_notebooks_which_are_python():
    import json

    assert len(NOTEBOOKS) == 4
    for path in NOTEBOOKS:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                ast.parse("".join(cell["source"]))
                assert all(output["output_type"] == "stream" for output in cell["outputs"]), path
