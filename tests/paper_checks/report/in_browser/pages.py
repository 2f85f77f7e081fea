"""A real browser for the tests of the report: the one that is installed, cut off from the network, and watched."""

import os
import shutil
from contextlib import contextmanager

import pytest

from paper_checks.report import written
from tests.oracles.report_runs import PLANS, ledger_run

MISSING = "not run: no Chromium (apt-get install chromium), or the extra test is not installed"
NAMES = ("chromium", "chromium-browser", "google-chrome")


try:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright
except ModuleNotFoundError:
    if os.environ.get("CI") == "true":
        raise
    pytest.skip(MISSING, allow_module_level=True)

RUN = ledger_run()
"""A run of the whole ledger."""

ALL = [claim.id for claim in RUN.claims]

WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


def chromium():
    """Where Chromium is; a test that needs it is skipped without, and fails in CI."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(MISSING)
    return found


@contextmanager
def launched():
    """The browser."""
    path, root = chromium(), hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as tools:
        found = tools.chromium.launch(executable_path=path, args=["--no-sandbox"] if root else [])
        yield found
        found.close()


@contextmanager
def opened(browser, address, viewport=WIDE, **options):
    """A page without a network; it must complain of nothing, ask for files alone, and get them."""
    context = browser.new_context(offline=True, viewport=viewport, reduced_motion="reduce", **options)
    troubles = []
    context.on("console", lambda said: said.type in ("error", "warning") and troubles.append(f"console: {said.text}"))
    context.on("weberror", lambda wrong: troubles.append(f"error: {wrong.error.message}"))
    context.on("requestfailed", lambda request: troubles.append(f"failed: {request.url}"))
    context.on("request", lambda request: _local(request.url) or troubles.append(f"request: {request.url}"))
    try:
        page = context.new_page()
        page.goto(address)
        yield page
    finally:
        context.close()
    assert not troubles, "; ".join(troubles)


def _local(url):
    return url.startswith(("file:", "data:"))


def write_whole(folder, run, against=None):
    """The report of a run as the command writes it, but for its pictures, which are made up; returns its page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(written, "_plans", lambda run: PLANS)
        written.write_report(run, folder, against=against)
    return folder / "index.html"


def visible(page):
    """The claims that are seen, in order."""
    return page.eval_on_selector_all("article", "all => all.filter(one => one.checkVisibility()).map(one => one.id)")


def open_groups(page):
    """Open all groups, as a reader does."""
    page.get_by_role("button", name="Open all groups").click()


def overflow(page):
    """By how many pixels the document is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def cut_off(page, other=""):
    """What ends right of the window and is in nothing that scrolls: claims cut it off, so that `overflow` is blind.
    `other` is what else to leave out."""
    script = """(all, left) => all.filter(one => !one.closest(left) && one.checkVisibility())
        .filter(one => one.getBoundingClientRect().right > innerWidth + 1).map(one => one.outerHTML.slice(0, 80))"""
    return page.eval_on_selector_all("body *", script, f".scroll, pre, math *, .index{other}")


def open_details(page):
    """Open all that can be opened."""
    page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")


def violations(page):
    """What axe-core calls serious or critical, with the first places."""
    found = Axe().run(page).response["violations"]
    wrong = [one for one in found if one["impact"] in ("serious", "critical")]
    return [f"{one['id']}: {[node['target'] for node in one['nodes'][:3]]}" for one in wrong]


def group(name):
    """The claims of a group."""
    return [claim.id for claim in RUN.claims if claim.group == name]


def count(number):
    """What the page says of so many claims shown."""
    return f"{number} of {len(ALL)} claims shown"


def shown(page):
    """What it says."""
    return page.locator("[id='page:shown']").inner_text()


def untick(page, name, value):
    """Hide a group or a verdict."""
    page.locator(f"input[name={name}][value='{value}']").uncheck()


def seen(page, name):
    """Wait until a claim is seen, and near."""
    page.wait_for_function("name => document.getElementById(name).checkVisibility()", arg=name)
    page.wait_for_function(
        "name => Math.abs(document.getElementById(name).getBoundingClientRect().top) < 800", arg=name
    )


def active(page):
    """What has the focus: its kind, and its class, id or name."""
    return page.evaluate("(one => [one.tagName, one.className || one.id || one.name])(document.activeElement)")


def tab_to(page, kind, most=200):
    """Press Tab until an element of a kind has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("kind => document.activeElement.matches(kind)", kind):
            return
    raise AssertionError(f"no {kind} within {most} steps")
