"""How the report looks in a real browser: for assistive technology, on a phone, in the dark, and without colour."""

import io
import math
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from paper_checks.evidence.verdicts import VERDICTS
from paper_checks.report.mathematics.formula import parts
from tests.oracles.report_runs import FOUND, Staircase, claim_record, contrast, mixed_run, run_of

from .pages import (
    ALL,
    PHONE,
    RUN,
    WIDE,
    open_details,
    open_groups,
    opened,
    overflow,
    violations,
    write_whole,
)

VERDICT = {claim.id: claim.verdict for claim in RUN.claims}
SIZES = [1280, 390, 320]


@pytest.fixture(scope="module")
def shared(browser, report):
    """A page with all open, for tests that leave it as it was."""
    with opened(browser, report.as_uri()) as found:
        open_details(found)
        yield found


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
    found = shared.eval_on_selector_all(".formula math", f"all => all.map(one => {keys})")
    assert [one["inside"] for one in found] == [claim.id for claim in RUN.claims for _ in parts(claim.formal)]
    assert all(one["box"]["width"] > 5 and one["box"]["height"] > 5 for one in found)
    assert shared.locator(".formula > code").count() == 0
    boxes = shared.eval_on_selector_all("math", "all => all.map(one => one.getBoundingClientRect().toJSON())")
    assert len(boxes) > 1000 and all(box["width"] > 1 and box["height"] > 5 for box in boxes)
    text = shared.evaluate("[...document.querySelectorAll('.about, .brief, .equations')].map(a => a.innerText).join()")
    assert "\\" not in text and "&#" not in text


def test_equations_that_are_proved_say_by_what(shared):
    proved = {claim.id for claim in RUN.claims if any(proof.equations for proof in claim.proof)}
    marked = shared.eval_on_selector_all(".proved", "all => all.map(one => [one.closest('article').id, one.title])")
    assert {name for name, _ in marked} == proved and proved
    assert all(title.startswith("tests/") or "::" in title for _, title in marked)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """The page of a smaller run, with what changed since another: axe-core takes its time."""
    names = [*FOUND, "P1.pythia", "T1.4", "T3.3", "E3"]
    run = run_of(claim_record(name, *FOUND.get(name, ())) for name in names)
    before = replace(mixed_run(), claims=[claim_record("T1.1", *FOUND["T1.3"]), claim_record("B1")])
    return write_whole(tmp_path_factory.mktemp("mixed"), run, before)


@pytest.mark.parametrize(
    ("viewport", "scheme", "unfolded"),
    [(WIDE, "light", True), (WIDE, "dark", False), (PHONE, "light", False), (PHONE, "dark", True)],
    ids=["wide-light", "wide-dark", "phone-light", "phone-dark"],
)
def test_axe_finds_nothing_serious(browser, mixed, viewport, scheme, unfolded):
    with opened(browser, mixed.as_uri(), viewport, color_scheme=scheme) as page:
        if unfolded:
            open_details(page)
        assert page.locator("[id='page:changes']").is_visible()
        assert violations(page) == []


def test_axe_would_find_something(browser, mixed):
    faults = '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="><p style="color: #777; background: #888">grey</p>'
    copy = mixed.with_name("broken.html")
    copy.write_text(mixed.read_text(encoding="utf-8").replace("</main>", faults + "</main>"), encoding="utf-8")
    with opened(browser, copy.as_uri()) as page:
        assert [one.partition(":")[0] for one in violations(page)] == ["color-contrast", "image-alt"]


@pytest.mark.parametrize("width", SIZES)
def test_nothing_is_wider_than_the_window(shared, width):
    shared.set_viewport_size({"width": width, "height": 800})
    assert overflow(shared) <= 0
    wide = shared.eval_on_selector_all(
        ".scroll", "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => (one.scrollLeft = 30))"
    )
    inside = shared.eval_on_selector_all(".scroll", "all => all.filter(one => one.scrollLeft > 0).length")
    assert inside == len(wide) and (width > 400 or inside > 5)
    styles = shared.eval_on_selector_all(".scroll", "all => all.map(one => getComputedStyle(one).overflowX)")
    assert set(styles) == {"auto"}
    assert shared.locator("table:not(.scroll[tabindex='0'][role=group][aria-label] table)").count() == 0
    assert shared.locator("svg.graph:not(.scroll[tabindex='0'][role=group][aria-label] svg)").count() == 0


@pytest.mark.parametrize("width", [390, 320])
def test_no_line_begins_or_ends_with_a_sign_of_the_formula_beside_it(shared, width):
    """A line that breaks between a formula and its comma leaves the comma's box below the formula's."""
    shared.set_viewport_size({"width": width, "height": 800})
    script = """all => all.map(whole => {
        const [formula, beside] = [whole.querySelector('math').getBoundingClientRect(), document.createRange()];
        return [...whole.childNodes].filter(one => one.nodeType === 3).every(one => {
            beside.selectNodeContents(one);
            const box = beside.getBoundingClientRect();
            return box.top < formula.bottom && box.bottom > formula.top;
        });
    })"""
    found = shared.eval_on_selector_all(".whole", script)
    assert len(found) > 300 and all(found)


def test_a_formula_that_scrolls_is_reached_by_the_keyboard_and_no_other(shared):
    shared.set_viewport_size({"width": 320, "height": 800})
    read = "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.outerHTML)"
    shared.wait_for_function("document.querySelectorAll('math[tabindex]').length > 0")
    wide = shared.eval_on_selector_all(":is(p, dd, li, .whole) > math", read)
    reached = shared.eval_on_selector_all("math[tabindex='0']", "all => all.map(one => one.outerHTML)")
    assert reached == wide != []
    shared.set_viewport_size({"width": 1280, "height": 800})
    shared.wait_for_function("document.querySelectorAll('math[tabindex]').length === 0")


@pytest.mark.parametrize("width", SIZES)
def test_all_chips_are_seen_and_the_index_sticks(browser, report, width):
    with opened(browser, report.as_uri(), {"width": width, "height": 800}) as page:
        ends = page.eval_on_selector_all(".chip", "all => all.map(one => one.getBoundingClientRect().right)")
        assert len(ends) == len(ALL) and max(ends) <= width
        open_groups(page)
        for place in ("T1.1", "E3", "P6"):
            page.evaluate("name => document.getElementById(name).scrollIntoView()", place)
            index = page.locator(".index").bounding_box()
            assert index["y"] == 0 and 20 < index["height"] < 80
            assert index["height"] <= page.locator(f"[id='{place}']").bounding_box()["y"] < index["height"] + 40
        page.locator(".index a[href='#page:run']").click()
        assert page.locator("[id='page:run']").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_verdicts_are_words_or_signs_that_can_be_read_without_colour(shared, scheme):
    shared.emulate_media(color_scheme=scheme)
    headings = shared.eval_on_selector_all(
        "article", "all => all.map(one => [one.id, one.querySelector('h3 .pill').innerText])"
    )
    assert {name: re.sub(r"^\W ", "", words) for name, words in headings} == VERDICT
    keys = "(style => [style.color, style.backgroundColor])(getComputedStyle(one))"
    found = shared.eval_on_selector_all(".pill, .chip, .bar span", f"all => all.map(one => {keys})")
    assert len(found) > 2 * len(ALL)
    for pair in set(map(tuple, found)):
        assert contrast(*([int(part) for part in re.findall(r"\d+", colour)] for colour in pair)) >= 4.5, pair


def test_claims_in_the_graph_are_links_with_sign_verdict_and_title(shared):
    boxes = shared.locator("svg.graph a").all()
    assert len(boxes) > 20
    signs = {}
    for box in boxes:
        name = box.get_attribute("href")[1:]
        words = box.get_attribute("aria-label")
        assert words.startswith(f"{name}, {VERDICT[name]}")
        sign, _, said = box.locator("text").text_content().partition(" ")
        assert said == name and signs.setdefault(VERDICT[name], sign) == sign
        fill = box.locator("rect").evaluate("one => getComputedStyle(one).fill")
        assert contrast([int(part) for part in re.findall(r"\d+", fill)], (255, 255, 255)) >= 4.5
    assert len(set(signs.values())) == len(signs) > 2 and set(signs) <= set(VERDICTS)


@pytest.mark.parametrize(
    ("name", "viewport", "scheme"),
    [("light", WIDE, "light"), ("dark", WIDE, "dark"), ("phone", PHONE, "light"), ("phone-dark", PHONE, "dark")],
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
