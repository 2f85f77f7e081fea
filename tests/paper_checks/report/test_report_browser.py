"""The report in a real browser: without a network, with filters, keyboard, screen reader, phone, and no colour."""

import io
import math
import os
import re
import shutil
from pathlib import Path

import pytest

from paper_checks.report.mathematics.formula import parts
from tests.oracles.report_runs import Staircase, contrast, ledger_run, mixed_run, write_drawn
from tests.paper_checks.report.browser import (
    NAMES,
    PHONE,
    WIDE,
    chromium,
    launched,
    open_details,
    opened,
    overflow,
    violations,
    visible,
)

RUN = ledger_run()
ALL = [claim.id for claim in RUN.claims]
VERDICTS = {claim.id: claim.verdict for claim in RUN.claims}


@pytest.fixture(scope="module")
def browser():
    with launched() as found:
        yield found


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The page of a run of the whole ledger, with pictures."""
    return write_drawn(tmp_path_factory.mktemp("report"), RUN)


@pytest.fixture
def page(browser, report):
    with opened(browser, report.as_uri()) as found:
        yield found


def ids(condition):
    """The claims for which a condition on group and verdict holds."""
    return [claim.id for claim in RUN.claims if condition(claim.group, claim.verdict)]


def shown(page):
    return page.locator("[id='page:shown']").inner_text()


def untick(page, name, value):
    page.locator(f"input[name={name}][value='{value}']").uncheck()


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_missing_browser_is_a_skip_and_in_ci_a_failure(monkeypatch, ci, outcome):
    asked = []
    monkeypatch.setattr(shutil, "which", asked.append)
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="no Chromium"):
        chromium()
    assert asked == list(NAMES)


def test_it_opens_from_disk_without_a_network(page, report):
    assert visible(page) == ALL
    assert page.title().startswith("Distributional associations, verified: 3 verified, 1 bounded, 1 refuted, ")
    links = page.eval_on_selector_all("a", "all => all.map(one => one.getAttribute('href'))")
    inner = [link[1:] for link in links if link.startswith("#")]
    outer = [link for link in links if not link.startswith("#")]
    known = page.eval_on_selector_all("[id]", "all => all.map(one => one.id)")
    assert len(set(known)) == len(known) and set(inner) <= set(known)
    assert len(outer) == 7 and all((report.parent / link).is_file() for link in outer)


def test_what_goes_wrong_in_a_page_is_seen(browser, report):
    faults = (
        '<script src="https://example.org/x.js"></script><img src="missing.png">'
        '<script>console.warn("careful")</script><script>throw new Error("broken")</script>'
    )
    copy = report.with_name("broken.html")
    copy.write_text(report.read_text(encoding="utf-8").replace("</body>", faults), encoding="utf-8")
    with pytest.raises(AssertionError) as caught, opened(browser, copy.as_uri()):
        pass
    for words in ("request: https://example.org/x.js", "failed: file:", "console: careful", "error: broken"):
        assert words in str(caught.value)


def test_filters_hide_groups_and_verdicts(page):
    untick(page, "group", "T1")
    assert visible(page) == ids(lambda group, verdict: group != "T1")
    assert page.locator("[id='group:T1']").is_hidden() and page.locator("[id='group:T2']").is_visible()
    assert shown(page) == f"{len(ALL) - 6} of {len(ALL)} claims shown"
    untick(page, "verdict", "not run")
    found = ids(lambda group, verdict: group != "T1" and verdict != "not run")
    assert visible(page) == found == ["T3.5", "T4.1", "E1", "P6"]
    assert page.locator("[id='group:B']").is_hidden() and page.locator("[id='group:E']").is_visible()
    assert shown(page) == f"4 of {len(ALL)} claims shown"
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function("document.getElementById('page:shown').value.startsWith('49 of 49')")
    assert visible(page) == ALL and page.locator("input:not(:checked)").count() == 0


@pytest.mark.parametrize("verdict", sorted(set(VERDICTS.values())))
def test_every_verdict_can_be_hidden_and_shown_again(shared, verdict):
    box = shared.locator(f"input[name=verdict][value='{verdict}']")
    box.uncheck()
    assert visible(shared) == ids(lambda group, found: found != verdict)
    box.check()
    assert visible(shared) == ALL


@pytest.fixture(scope="module")
def shared(browser, report):
    """A page for tests that leave it as it was."""
    with opened(browser, report.as_uri()) as found:
        yield found


def test_a_link_to_a_hidden_claim_shows_it(page):
    chip = page.locator(".chip[href='#P1.pythia']")
    for _ in range(2):  # a link that was followed before too
        untick(page, "group", "P")
        assert page.locator("[id='P1.pythia']").is_hidden()
        chip.click()
        page.wait_for_function("document.getElementById('P1.pythia').checkVisibility()")
        assert visible(page) == ALL and shown(page) == f"{len(ALL)} of {len(ALL)} claims shown"
        page.wait_for_function("Math.abs(document.getElementById('P1.pythia').getBoundingClientRect().top) < 800")
    untick(page, "group", "E")
    page.evaluate("location.hash = '#group:E'")
    page.wait_for_function("document.getElementById('E1').checkVisibility()")


@pytest.mark.parametrize("link", ["E1", "%E0%A4%A", "no-such-claim", ""])
def test_a_page_opens_at_any_link(browser, report, link):
    with opened(browser, f"{report.as_uri()}#{link}") as page:
        assert visible(page) == ALL


def active(page):
    return page.evaluate("(one => [one.tagName, one.className || one.id || one.name])(document.activeElement)")


def tab_to(page, kind, most=200):
    """Press Tab until an element of a kind has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("kind => document.activeElement.matches(kind)", kind):
            return
    raise AssertionError(f"no {kind} within {most} steps")


def test_the_keyboard_is_enough(page):
    page.keyboard.press("Tab")
    assert active(page) == ["A", "skip"] and page.locator(".skip").bounding_box()["x"] >= 0
    tab_to(page, "input[name=group]")
    page.keyboard.press("Space")
    assert visible(page) == ids(lambda group, verdict: group != "T1")
    page.keyboard.press("Space")
    assert visible(page) == ALL


def test_the_skip_link_leads_to_the_claims_and_enter_opens_details(page):
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert active(page) == ["DIV", "page:claims"]
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#T1.1"
    tab_to(page, "summary", 10)
    page.keyboard.press("Enter")
    assert page.locator("details[open] summary").all_inner_texts() == ["Comparisons of T1.1"]
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_pictures_are_drawn_and_described(shared):
    shared.evaluate(
        "Promise.all([...document.images].map(one => { one.loading = 'eager'; return one.decode().catch(() => 0); }))"
    )
    keys = "({claim: one.closest('article').id, alt: one.alt, drawn: [one.naturalWidth, one.naturalHeight],"
    keys += " said: [one.width, one.height, +one.getAttribute('width'), +one.getAttribute('height')]})"
    found = shared.eval_on_selector_all("img", f"all => all.map(one => {keys})")
    assert [image["claim"] for image in found] == ["T3.5", "E1", "P1.pythia"]
    for image in found:
        (width, height), said = image["drawn"], image["said"]
        assert width > 300 and height > 200
        assert (math.ceil(width), math.ceil(height)) == pytest.approx(said[2:], abs=1)
        assert said[0] / said[1] == pytest.approx(width / height, rel=0.02)
        steps = 5 if image["claim"] == "E1" else 4
        assert image["alt"] == f"{Staircase.title}. {Staircase(steps - 2).description()} {Staircase.caption}"
    assert shared.locator("figcaption", has_text="Contradiction: one step is too high").count() == 3


def test_formulas_are_drawn(shared):
    keys = "({inside: one.closest('article').id, box: one.getBoundingClientRect().toJSON()})"
    found = shared.eval_on_selector_all("math", f"all => all.map(one => {keys})")
    assert [one["inside"] for one in found] == [claim.id for claim in RUN.claims for _ in parts(claim.formal)]
    assert all(one["box"]["width"] > 5 and one["box"]["height"] > 5 for one in found)
    assert shared.locator(".formula code").count() == 0
    text = shared.locator("body").inner_text()
    assert "\\" not in text and "&#" not in text


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """The page of a smaller run: axe-core takes its time."""
    return write_drawn(tmp_path_factory.mktemp("mixed"), mixed_run())


@pytest.mark.parametrize(
    ("viewport", "scheme", "unfolded"),
    [(WIDE, "light", True), (WIDE, "dark", False), (PHONE, "light", False), (PHONE, "dark", True)],
    ids=["wide-light", "wide-dark", "phone-light", "phone-dark"],
)
def test_axe_finds_nothing_serious(browser, mixed, viewport, scheme, unfolded):
    with opened(browser, mixed.as_uri(), viewport, color_scheme=scheme) as page:
        if unfolded:
            open_details(page)
        assert violations(page) == []


def test_axe_would_find_something(browser, mixed):
    faults = '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="><p style="color: #777; background: #888">grey</p>'
    copy = mixed.with_name("broken.html")
    copy.write_text(mixed.read_text(encoding="utf-8").replace("</main>", faults + "</main>"), encoding="utf-8")
    with opened(browser, copy.as_uri()) as page:
        assert [one.partition(":")[0] for one in violations(page)] == ["color-contrast", "image-alt"]


@pytest.mark.parametrize("width", [1280, 375, 320])
def test_nothing_is_wider_than_the_window(shared, width):
    shared.set_viewport_size({"width": width, "height": 800})
    open_details(shared)
    assert overflow(shared) <= 0
    wide = shared.eval_on_selector_all(
        ".scroll", "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => (one.scrollLeft = 30))"
    )
    inside = shared.eval_on_selector_all(".scroll", "all => all.filter(one => one.scrollLeft > 0).length")
    assert inside == len(wide) and (width > 400 or inside > 5)
    styles = shared.eval_on_selector_all(".scroll", "all => all.map(one => getComputedStyle(one).overflowX)")
    assert set(styles) == {"auto"}
    assert shared.locator("table:not(.scroll[tabindex='0'][role=group][aria-label] table)").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_verdicts_are_words_that_can_be_read_without_colour(shared, scheme):
    shared.emulate_media(color_scheme=scheme)
    headings = shared.eval_on_selector_all(
        "article", "all => all.map(one => [one.id, one.querySelector('h3').innerText])"
    )
    assert {name: re.sub(rf"^{re.escape(name)} \W ", "", words) for name, words in headings} == VERDICTS
    keys = "(style => [style.color, style.backgroundColor])(getComputedStyle(one))"
    found = shared.eval_on_selector_all(".pill, .chip, .bar span", f"all => all.map(one => {keys})")
    assert len(found) == 2 * len(ALL) + 12
    for pair in set(map(tuple, found)):
        assert contrast(*([int(part) for part in re.findall(r"\d+", colour)] for colour in pair)) >= 4.5, pair


def test_it_works_without_scripts(browser, report):
    with opened(browser, report.as_uri(), java_script_enabled=False) as page:
        assert page.locator("article:visible").count() == len(ALL) and page.locator("[id='page:filters']").is_hidden()


def test_paper_has_the_claims_and_no_filters(shared):
    assert shared.locator("[id='page:filters']").is_visible()
    shared.emulate_media(media="print")
    assert visible(shared) == ALL and shared.locator("[id='page:filters']").is_hidden()
    shared.emulate_media(media="screen")


@pytest.mark.parametrize(
    ("name", "viewport", "scheme"), [("light", WIDE, "light"), ("dark", WIDE, "dark"), ("phone", PHONE, "light")]
)
def test_it_can_be_seen(browser, report, tmp_path, name, viewport, scheme):
    """Screenshots; REPORT_SCREENSHOTS names a folder that keeps them."""
    from matplotlib.image import imread

    folder = Path(os.environ.get("REPORT_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    with opened(browser, report.as_uri(), viewport, color_scheme=scheme) as page:
        content = page.screenshot(path=folder / f"report-{name}.png")
    assert content.startswith(b"\x89PNG\r\n") and (folder / f"report-{name}.png").read_bytes() == content
    pixels = imread(io.BytesIO(content))[..., :3]
    assert pixels.shape == (viewport["height"], viewport["width"], 3)
    assert pixels.std() > 0.05 and (pixels.mean() > 0.5) == (scheme == "light")
