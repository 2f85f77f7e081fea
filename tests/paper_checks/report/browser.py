"""A real browser for the tests of the report: the one that is installed, cut off from the network, and watched."""

import os
import shutil
from contextlib import contextmanager

import pytest

MISSING = "not run: no Chromium (apt-get install chromium), or the extra test is not installed"
NAMES = ("chromium", "chromium-browser", "google-chrome")


try:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright
except ModuleNotFoundError:
    if os.environ.get("CI") == "true":
        raise
    pytest.skip(MISSING, allow_module_level=True)

WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 375, "height": 812}


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


def visible(page):
    """The claims that are seen, in order."""
    return page.eval_on_selector_all("article", "all => all.filter(one => one.checkVisibility()).map(one => one.id)")


def overflow(page):
    """By how many pixels the document is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def open_details(page):
    """Open all that can be opened."""
    page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")


def violations(page):
    """What axe-core calls serious or critical, with the first places."""
    found = Axe().run(page).response["violations"]
    wrong = [one for one in found if one["impact"] in ("serious", "critical")]
    return [f"{one['id']}: {[node['target'] for node in one['nodes'][:3]]}" for one in wrong]
