"""Finding claims and meanings in the report: search, alone and with filters, and what symbols stand for."""

import pytest

from .pages import ALL, PHONE, RUN, active, count, group, open_groups, opened, seen, shown, untick, visible


@pytest.fixture
def page(browser, report):
    """The page as it opens: all groups closed."""
    with opened(browser, report.as_uri()) as found:
        yield found


def test_search_finds_claims_by_all_of_its_words_and_opens_their_groups(page):
    search = page.get_by_role("searchbox", name="Search the claims")
    page.keyboard.press("/")
    assert active(page) == ["INPUT", "page:search"] and search.input_value() == ""
    search.fill("  Copying CHANGES sign ONCE ")
    assert visible(page) == ["T1.6", "G4"] and shown(page) == count(2)
    assert page.locator("details.fold[open]").count() == 2 and page.locator("[id='group:E']").is_hidden()
    search.fill("sign/no-such-word")
    assert search.input_value() == "sign/no-such-word", "a stroke is a sign like others in the field"
    assert visible(page) == [] and shown(page) == count(0)
    search.fill("")
    assert shown(page) == count(len(ALL)) and visible(page) == group("T1") + group("G")
    assert page.locator("[id='page:shown']").get_attribute("aria-live") == "polite"


def test_search_and_filters_hide_together(page):
    search = page.locator("[id='page:search']")
    search.fill("copying")
    assert "T1.6" in visible(page)
    untick(page, "verdict", "refuted")
    assert visible(page) and "T1.6" not in visible(page)
    search.press("Enter")
    assert "copying" in search.input_value() and "?" not in page.url, "a form that is sent would load the page anew"
    page.evaluate("location.hash = '#T1.6'")
    seen(page, "T1.6")
    assert search.input_value() == "" and shown(page) == count(len(ALL))


def test_the_keyboard_reaches_what_symbols_of_a_claim_stand_for(page):
    page.evaluate("location.hash = '#T3.3'")
    seen(page, "T3.3")
    page.locator("[id='T3.3'] h3 a").focus()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Symbols of T3.3":
            break
    page.keyboard.press("Enter")
    listed = page.locator("[id='T3.3'] dl.symbols:visible dt")
    used = page.eval_on_selector_all("[id='T3.3'] .about math mi.known", "all => all.map(one => one.textContent)")
    assert {"α", "N", "T", "K", "π", "q"} <= set(used) <= set(RUN.project.symbols)
    assert set(listed.all_text_contents()) >= {"α", "N", "T", "K", "π", "q"}


def test_a_symbol_says_what_it_stands_for_until_something_else_is_pointed_at(page):
    page.evaluate("location.hash = '#T3.3'")
    seen(page, "T3.3")
    tip = page.locator("[role=tooltip]")
    symbol = page.locator("[id='T3.3'] .found mi.known").first
    name = symbol.text_content()
    assert tip.is_hidden()
    symbol.hover()
    assert tip.is_visible() and tip.inner_text()[: len(name) + 14] == f"{name}: {RUN.project.symbols[name][:12]}"
    page.keyboard.press("Escape")
    assert tip.is_hidden()
    symbol.click()
    assert tip.is_visible()
    page.locator("[id='T3.3'] .pill").hover()
    assert tip.is_hidden()
    assert page.locator("math mi").count() > page.locator("math mi.known").count() > 100


def test_on_a_phone_a_symbol_is_tapped_and_its_meaning_is_inside_the_window(browser, report):
    with opened(browser, report.as_uri(), PHONE, has_touch=True, is_mobile=True) as page:
        open_groups(page)
        tip = page.locator("[role=tooltip]")
        for symbol in page.locator("[id='T2.5'] .about mi.known").all()[:8]:
            if not symbol.evaluate("one => innerWidth - 4 > one.getBoundingClientRect().right"):
                continue  # in the part of a formula that is scrolled to
            symbol.tap()
            assert tip.is_visible() and tip.inner_text().startswith(f"{symbol.text_content()}: ")
            box, at = tip.bounding_box(), symbol.bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]
            assert 0 <= box["y"] - at["y"] - at["height"] < 12
            wide = tip.evaluate("one => { one.style.left = '0'; return one.offsetWidth; }")
            assert box["width"] == pytest.approx(wide, abs=1), "the window's edge narrowed it"
