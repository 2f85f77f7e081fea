"""The report in a real browser: without a network, closed groups, links, filters, keyboard, no scripts, on paper."""

import shutil

import pytest

from .pages import (
    ALL,
    NAMES,
    RUN,
    active,
    chromium,
    count,
    group,
    open_groups,
    opened,
    seen,
    shown,
    tab_to,
    untick,
    visible,
)

VERDICTS = {claim.id: claim.verdict for claim in RUN.claims}
KNOWN = [claim.id for claim in RUN.claims if claim.evidence]
"""Claims with comparisons."""


@pytest.fixture
def page(browser, report):
    """The page as it opens: all groups closed."""
    with opened(browser, report.as_uri()) as found:
        yield found


@pytest.fixture
def unfolded(page):
    """The page with its groups open."""
    open_groups(page)
    return page


def ids(condition):
    """The claims for which a condition on group and verdict holds."""
    return [claim.id for claim in RUN.claims if condition(claim.group, claim.verdict)]


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_missing_browser_is_a_skip_and_in_ci_a_failure(monkeypatch, ci, outcome):
    asked = []
    monkeypatch.setattr(shutil, "which", asked.append)
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="no Chromium"):
        chromium()
    assert asked == list(NAMES)


def test_it_opens_from_disk_without_a_network(page, report):
    assert page.title().startswith("Distributional associations, verified: 3 verified, 1 bounded, 1 refuted, ")
    links = page.eval_on_selector_all("a", "all => all.map(one => one.getAttribute('href'))")
    inner = [link[1:] for link in links if link.startswith("#")]
    outer = [link for link in links if not link.startswith("#")]
    known = page.eval_on_selector_all("[id]", "all => all.map(one => one.id)")
    assert len(set(known)) == len(known) and set(inner) <= set(known)
    assert len(outer) == 1 + 2 * 3 + len(KNOWN) and all((report.parent / link).is_file() for link in outer)


def test_it_opens_with_what_is_in_short_and_its_groups_closed(page):
    assert visible(page) == [] and shown(page) == count(len(ALL))
    assert page.locator(".brief:visible").count() == len(RUN.project.first) == 5
    assert page.locator("details.fold summary:visible").count() == len(RUN.project.groups)
    page.locator("details.fold summary").first.click()
    assert visible(page) == group("T1")
    open_groups(page)
    assert visible(page) == ALL and page.locator("article details[open]").count() == 0


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


def test_filters_hide_groups_and_verdicts(unfolded):
    untick(unfolded, "group", "T1")
    assert visible(unfolded) == ids(lambda group, verdict: group != "T1")
    assert unfolded.locator("[id='group:T1']").is_hidden() and unfolded.locator("[id='group:T2']").is_visible()
    assert shown(unfolded) == count(len(ALL) - 6)
    untick(unfolded, "verdict", "not run")
    found = ids(lambda group, verdict: group != "T1" and verdict != "not run")
    assert visible(unfolded) == found == ["T3.5", "T4.1", "E1", "P6"]
    assert unfolded.locator("[id='group:B']").is_hidden() and unfolded.locator("[id='group:E']").is_visible()
    assert shown(unfolded) == count(4)
    unfolded.get_by_role("button", name="Show all").click()
    every = f"{len(ALL)} of {len(ALL)}"
    unfolded.wait_for_function(f"document.getElementById('page:shown').value.startsWith('{every}')")
    assert visible(unfolded) == ALL and unfolded.locator("input[type=checkbox]:not(:checked)").count() == 0


@pytest.mark.parametrize("verdict", sorted(set(VERDICTS.values())))
def test_every_verdict_can_be_hidden_and_shown_again(shared, verdict):
    box = shared.locator(f"input[name=verdict][value='{verdict}']")
    box.uncheck()
    assert visible(shared) == ids(lambda group, found: found != verdict)
    box.check()
    assert visible(shared) == ALL


@pytest.fixture(scope="module")
def shared(browser, report):
    """A page with open groups, for tests that leave it as it was."""
    with opened(browser, report.as_uri()) as found:
        open_groups(found)
        yield found


def test_a_link_to_a_hidden_claim_shows_it(page):
    chip = page.locator(".chip[href='#P1.pythia']")
    for _ in range(2):  # a link that was followed before too
        untick(page, "group", "P")
        assert page.locator("[id='P1.pythia']").is_hidden()
        chip.click()
        seen(page, "P1.pythia")
        assert visible(page) == group("P") and shown(page) == count(len(ALL))
    untick(page, "group", "E")
    page.evaluate("location.hash = '#group:E'")
    seen(page, "E1")


@pytest.mark.parametrize(
    ("link", "name"),
    [(".brief a[href='#E3']", "E3"), (".chip[href='#B2']", "B2"), (".index a[href='#group:T4']", "T4.1"),
     (".graph a[href='#T3.6']", "T3.6")],
)  # fmt: skip
def test_a_link_opens_the_group_that_is_closed(page, link, name):
    for _ in range(2):  # closed by hand, and the link followed again
        page.locator(link).click()
        seen(page, name)
        assert visible(page) == group(next(one.group for one in RUN.claims if one.id == name))
        page.eval_on_selector_all("details.fold", "all => all.forEach(one => one.open = false)")


def test_claims_lead_to_those_that_they_rest_on_and_back(unfolded):
    rests = {claim.id: list(claim.depends_on) for claim in RUN.claims}
    read = "(one, name) => [...one.querySelectorAll('dt')].filter(dt => dt.textContent === name)"
    read += ".flatMap(dt => [...dt.nextElementSibling.querySelectorAll('a')].map(a => a.getAttribute('href').slice(1)))"
    for name, bearing in rests.items():
        article = unfolded.locator(f"[id='{name}']")
        assert article.evaluate(read, "Rests on") == bearing
        assert article.evaluate(read, "Carries") == [other for other, those in rests.items() if name in those]
    assert any(rests.values())


@pytest.mark.parametrize(
    ("link", "found"), [("E1", group("E")), ("group:B", group("B")), ("%E0%A4%A", []), ("no-such-claim", []), ("", [])]
)
def test_a_page_opens_at_any_link(browser, report, link, found):
    with opened(browser, f"{report.as_uri()}#{link}") as page:
        assert visible(page) == found


def test_the_keyboard_is_enough(page):
    page.keyboard.press("Tab")
    assert active(page) == ["A", "skip"] and page.locator(".skip").bounding_box()["x"] >= 0
    tab_to(page, "input[name=group]")
    page.keyboard.press("Space")
    assert shown(page) == count(len(ALL) - 6)
    page.keyboard.press("Space")
    assert shown(page) == count(len(ALL))
    tab_to(page, "[id='page:open']")
    page.keyboard.press("Enter")
    assert visible(page) == ALL


def test_the_skip_link_leads_to_the_claims_and_enter_opens_details(page):
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert active(page) == ["DIV", "page:claims"]
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert visible(page) == group("T1")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#T1.1"
    tab_to(page, "article summary", 10)
    page.keyboard.press("Enter")
    assert page.locator("article details[open] > summary").all_inner_texts() == ["Derivation of T1.1"]
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_it_works_without_scripts(browser, report):
    with opened(browser, report.as_uri(), java_script_enabled=False) as page:
        assert page.locator("[id='page:filters']").is_hidden() and page.locator(".brief:visible").count() == 5
        for fold in page.locator("details.fold > summary").all():
            fold.click()
        assert page.locator("article:visible").count() == len(ALL)


def test_paper_has_all_claims_and_no_filters(page):
    assert page.locator("[id='page:filters']").is_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert visible(page) == ALL
    away = page.locator("[id='page:filters'], .index, .skip")
    assert away.count() == 3 and not any(one.is_visible() for one in away.all())
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert visible(page) == []
