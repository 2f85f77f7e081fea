"""The report of a run whose every string is hostile: markup, templates, endless words, other scripts, control signs."""

from dataclasses import replace

import pytest

from paper_checks.evidence import comparator
from paper_checks.evidence.ledger import Proof
from paper_checks.evidence.run import Code, read_run
from paper_checks.report.against import changes
from paper_checks.report.mathematics.derivation import Block, Derivation, Equation
from paper_checks.report.views import PictureFile
from tests.oracles.report_runs import agreeing, claim_record, run_of, write_record, write_report

from .pages import PHONE, open_details, opened, overflow

MARKUP = (
    "<script>window.hacked=1</script>",
    '<img src=x onerror="window.hacked=1">',
    '"><svg onload=window.hacked=1>',
    "'><iframe srcdoc='<script>parent.hacked=1</script>'></iframe>",
    "</code></pre></style></title></textarea><a href=javascript:window.hacked=1>x</a>",
    "<!-- {% raw %} {{ 7*7 }} {# comment #} ${7*7} &lt;b&gt; &#60;i&#62;",
)
STRINGS = (
    *MARKUP,
    r"\text{<img src=x onerror=window.hacked=1>}",
    "\u202e\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 \u2067abc",
    "Z" + "\u0301\u0323\u0336" * 40,
    "\U0001f469\u200d\U0001f52c \U0001f3f3\ufe0f\u200d\U0001f308 \ufffd\ufeff",
    "\x01\x07\x08\x0b\x0e\x1b[31m\x1f\x7f\x85\u2028\u2029",
    "W" * 100_000,
)
WORST = " ".join(STRINGS)
FORMULAS = (*STRINGS[:-1], WORST, r"\href{javascript:window.hacked=1}{x}", r"\style{background:url(https://x.org)}{x}")
PICTURE = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" width="9" height="9"><path d="M0 0H9"/></svg>'


def worst(field):
    """All of it, and where it is."""
    return f"{field}: {WORST}"


CLAIM = ("source", "statement", "scope", "formal", "title", "paper", "found", "limits")
RUN = ("written", "command", "commit", "machine")
EVIDENCE = ("name", "message", "seed", "wrong name", "wrong message", "trained name", "trained message")
OTHERS = (
    "catches", "package", "version", "recorded", "reason", "path", "code", "contradiction", "trouble", "picture",
    "project", "about", "group", "symbol", "meaning", "test", "by", "module", "file", "paragraph", "equation",
    "program", "gone", "before",
)  # fmt: skip


PROOF = Proof(test=worst("test"), by=worst("by"), equations=(1,))
DERIVED = Derivation(
    worst("module"), worst("file"), 1, (
        Block(text=worst("paragraph")), Block(equations=(Equation(worst("equation"), None, 1, (PROOF,)),)),
        Block(code=worst("program")),
    ),
)  # fmt: skip


def hostile_project(project):
    """The ledger's own words."""
    symbols = {worst("symbol"): worst("meaning"), **project.symbols}
    groups = {**project.groups, "T1": worst("group")}
    return replace(project, title=worst("project"), about=worst("about"), symbols=symbols, groups=groups)


def hostile_claims():
    """Claims with hostile strings wherever a record may hold any."""
    found = replace(agreeing(), name=worst("name"), message=worst("message"), details={"seed": worst("seed")})
    wrong = comparator.less(worst("wrong name"), 2, 1)
    wrong = replace(wrong, message=worst("wrong message"), kind=WORST)
    trained = comparator.replicated(worst("trained name"), 0.5, +1, [0.6] * 5)
    trained = replace(trained, message=worst("trained message"))
    words = {name: worst(name) for name in CLAIM} | {"proof": (PROOF,)}
    yield claim_record("T1.1", "verified", [found], code=[Code(worst("path"), 3, worst("code"))], **words)
    yield claim_record("T1.2", "failed", [wrong])
    yield claim_record("T1.3", "recorded", [trained], recorded=worst("recorded"), catches=[worst("catches")])
    yield claim_record("T1.4", reason=worst("reason"))
    for number, latex in enumerate(FORMULAS):
        yield claim_record("T2.1", id=f"T2.{number}", formal=latex)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    words = {name: worst(name) for name in RUN}
    run = run_of(hostile_claims(), versions={worst("package"): worst("version")}, **words)
    run = replace(run, project=replace(hostile_project(run.project), first=("T1.1", "T1.3")))
    assert read_run(write_record(folder, run)) == run
    picture = PictureFile(
        "x.0123456789abcdef.svg", ["T1.1"], worst("picture"), worst("alt"), 9, 9, [worst("contradiction")]
    )
    gone = replace(agreeing(), name=worst("gone"))
    before = replace(run, written=worst("before"), claims=[claim_record("T1.1", "verified", [gone])])
    return write_report(
        folder / "report", run, [picture], {picture.name: PICTURE}, [worst("trouble")], {"T1.1": [DERIVED]},
        changes(before, run),
    )  # fmt: skip


@pytest.fixture(scope="module")
def page(browser, report):
    with opened(browser, report.as_uri(), PHONE) as found:
        open_details(found)
        found.wait_for_timeout(200)
        yield found


def test_nothing_of_it_runs_or_is_markup(page):
    assert page.evaluate("window.hacked") is None
    counts = {kind: page.locator(kind).count() for kind in ("script", "style", "head title", "time", "form")}
    assert set(counts.values()) == {1}
    assert page.locator("img").count() == 2 and page.locator("title").count() == 1 + page.locator(".graph a").count()
    assert (
        page.locator(
            "svg:not(.graph), iframe, textarea, math [href], math [style], a[href^=javascript], article b"
        ).count()
        == 0
    )
    own = "script, style, form, input, h1, [onerror], [onload]"
    assert page.locator(f"article :is({own}), .facts :is({own})").count() == 0
    assert page.locator("article").count() == 4 + len(FORMULAS)


@pytest.mark.parametrize("field", [*CLAIM, *RUN, *EVIDENCE, *OTHERS])
def test_it_is_shown_as_it_is_written(page, field):
    assert page.evaluate("words => document.body.textContent.includes(words)", worst(field))


def test_attributes_hold_it_too(page):
    assert {one.get_attribute("alt") for one in page.locator("img").all()} == {worst("alt")}
    assert page.locator(".proved").get_attribute("title") == worst("test")
    assert page.locator(".chip").first.get_attribute("title") == worst("title")
    assert page.locator("time").get_attribute("datetime") == worst("written")
    assert page.locator(".code pre").first.get_attribute("aria-label") == f"{worst('path')}, line 3"
    assert page.locator(".derivation pre").get_attribute("aria-label") == f"Example of {worst('module')}"


def test_formulas_that_cannot_be_drawn_are_shown_as_source(page):
    boxes = page.locator(".formula").all()
    assert len(boxes) == 4 + len(FORMULAS)
    sources = [box.locator("> code").text_content() for box in boxes if box.locator("> code").count()]
    assert {worst("formal"), *FORMULAS[-2:]} <= set(sources)
    drawn = page.locator("math", has_text="window.hacked=1").all_text_contents()
    assert any("<img\xa0src=x\xa0onerror=window.hacked=1>" in text for text in drawn)


def test_it_is_not_wider_than_a_phone(page):
    """A heap of accents on one letter of a name of code has no place to break; it is cut off."""
    fits = "all => all.filter(one => !one.closest('.scroll, pre, math, .index, h4 code, li code'))"
    fits += ".filter(one => one.getBoundingClientRect().right > innerWidth + 1).map(one => one.outerHTML.slice(0, 60))"
    wide = page.eval_on_selector_all("body *", fits)
    assert wide == []
    assert overflow(page) <= 0
