"""Pages that people hand around on paper: black on white, nothing to press, as wide as a sheet of A4."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from server import drafts
from tests.admin.visiting import COMPLAINTS, PASSWORD, now
from tests.browser.conftest import Site
from tests.browser.driving import open_page, sticks_out
from tests.publishing import publish

# Werkzeug's own server leaves a file open when a browser hangs up in the middle of it; gunicorn does not.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

SHEET = 703
"""Pixels between the margins of a sheet of A4 (186 mm)."""

WRONG = """() => {
  const found = [], seen = element => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length;
  for (const element of document.querySelectorAll('nav, .sidebar, .topbar, button, input, select, textarea, .btn, form[method=post]'))
    if (seen(element)) found.push('to press: ' + element.outerHTML.slice(0, 90));
  for (const link of document.querySelectorAll('main a[href]'))
    if (getComputedStyle(link, '::after').content.includes('/')) found.push('address: ' + link.href);
  const dark = color => Math.max(...color.match(/[0-9.]+/g).slice(0, 3).map(Number)) < 128;
  for (const element of document.querySelectorAll('body, main *')) {
    if (!seen(element)) continue;
    const style = getComputedStyle(element), ground = style.backgroundColor;
    if (ground !== 'rgba(0, 0, 0, 0)' && dark(ground)) found.push('dark: ' + element.outerHTML.slice(0, 90));
    if (!element.childElementCount && element.textContent.trim() && !dark(style.color)) found.push('pale: ' + element.outerHTML.slice(0, 90));
  }
  return found;
}"""  # noqa: E501 (a script)


def on_paper(page: Page) -> list[str]:
    """What is wrong with the page on a sheet of A4."""
    page.set_viewport_size({"width": SHEET, "height": 1000})
    page.emulate_media(media="print", color_scheme="dark")
    found: list[str] = page.evaluate(WRONG)
    wider = sticks_out(page)
    return [*found, f"{wider} pixels wider than the sheet"] if wider > 0 else found


@pytest.mark.parametrize("language", ["zh", "en"])
def test_overview_comparison_issue_and_evidence_are_fit_for_paper(browser: Browser, site: Site, language: str) -> None:
    text = bytes(drafts.in_force(COMPLAINTS).data)
    publish(text.replace(b"{A: 1h, B: 4h, C: 24h}", b"{A: 30m, B: 4h, C: 24h}"), now(), "fu", "han", "faster")
    page = open_page(browser, site.address, language=language, theme="dark")
    page.goto(f"{site.address}/admin/sign-in/")
    page.locator("#login").fill("root")
    page.locator("#password").fill(PASSWORD)
    page.locator("form[data-once] button").click()
    page.locator(".sidebar").wait_for()
    for path in (
        f"documents/{COMPLAINTS}",
        "documents/cn-office",
        f"documents/{COMPLAINTS}/compare",
        f"issues/{site.overdue}",
        f"evidence/{site.overdue}?recompute=yes",
    ):
        page.set_viewport_size({"width": 1280, "height": 900})
        page.emulate_media(media="screen")
        page.goto(f"{site.address}/admin/{path}")
        assert page.locator(".sidebar").is_visible(), path
        assert on_paper(page) == [], path
    printed = page.pdf(prefer_css_page_size=True)
    assert b"/MediaBox [0 0 594" in printed  # A4, not Bootstrap's A3
    page.context.close()
