"""The policy desk as people walk it: an auditor finds who changed a deadline and when; a manager reads a process."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from server import drafts
from tests.admin.visiting import COMPLAINTS, PASSWORD, now
from tests.browser.conftest import Site
from tests.browser.driving import complaints_of, open_page, sticks_out
from tests.publishing import publish

# Werkzeug's own server leaves a file open when a browser hangs up in the middle of it; gunicorn does not.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def sign_in(page: Page, site: Site, login: str) -> None:
    page.goto(f"{site.address}/admin/documents/")
    page.locator("#login").fill(login)
    page.locator("#password").fill(PASSWORD)
    page.locator("form[data-once] button").click()
    page.wait_for_url("**/admin/documents/")


def change_the_deadline_of_a() -> None:
    text = bytes(drafts.in_force(COMPLAINTS).data)
    changed = text.replace(b"within: {A: 1h, B: 4h, C: 24h}", b"within: {A: 30m, B: 4h, C: 24h}")
    publish(changed, now(), "fu", "han", "A complaints wait too long")


def test_an_auditor_finds_who_changed_the_deadline_of_a_and_when(browser: Browser, site: Site) -> None:
    change_the_deadline_of_a()
    page = open_page(browser, site.address)
    complaints = complaints_of(page)
    sign_in(page, site, "ida")
    page.get_by_role("link", name="Monitoring of customer complaints").click()
    expect(page.get_by_role("button", name="Edit")).to_have_count(0)
    row = page.locator("#clocks tr", has_text="First response").first
    expect(row).to_contain_text("30 min")

    page.get_by_role("link", name="History", exact=True).click()
    latest = page.locator(".versions > li").first
    expect(latest).to_contain_text("Proposed by 傅晓梅: A complaints wait too long")
    expect(latest).to_contain_text("Approved by 韩立群")
    expect(latest).to_contain_text("until now")
    latest.get_by_role("link", name="What it changed · version 2").click()
    expect(page.locator("#changes")).to_have_text("clock “First response”: severity A Urgent, Within 1 h → 30 min")
    expect(page.locator(".side-changed del")).to_have_text(["1h"])
    expect(page.locator(".side-changed ins")).to_have_text(["30m"])

    # Which version was in force, by a form; and the issues that the older one judged.
    page.get_by_role("link", name="History", exact=True).click()
    page.get_by_label("At the moment").fill("2020-01-01T00:00:00")
    page.get_by_role("button", name="Look up").click()
    expect(page.locator(".answer")).to_contain_text("no version of this document was in force")
    page.get_by_role("link", name=re.compile(r"issues? · version 1$")).click()
    page.get_by_role("link", name=site.number).click()
    expect(page.locator("#why")).to_contain_text("Judged by these versions")
    page.locator("#why").get_by_role("link", name="Monitoring of customer complaints, version 1").click()
    expect(page.get_by_text("This is not what is in force now.")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Text", exact=True).click()
        page.get_by_role("link", name="Download exactly these bytes").click()
    assert download.value.suggested_filename == f"{COMPLAINTS}-1.yaml"
    assert complaints == []


@pytest.mark.parametrize(("width", "language"), [(1280, "en"), (390, "zh")])
def test_a_manager_reads_a_process_without_scripts_and_nothing_sticks_out(
    browser: Browser, site: Site, width: int, language: str
) -> None:
    change_the_deadline_of_a()
    page = open_page(browser, site.address, width=width, language=language)
    sign_in(page, site, "ida")
    context = browser.new_context(
        viewport={"width": width, "height": 844}, java_script_enabled=False, storage_state=page.context.storage_state()
    )
    plain = context.new_page()
    for path in ("", "/history", "/compare?from=1&to=2", "/text", "/issues"):
        plain.goto(f"{site.address}/admin/documents/{COMPLAINTS}{path}")
        page.goto(plain.url)
        assert sticks_out(page) == 0, path
    plain.goto(f"{site.address}/admin/documents/{COMPLAINTS}")
    expect(plain.locator("svg.flow")).to_be_visible()
    expect(plain.locator("svg.flow .flow-card")).to_have_count(7)
    expect(plain.locator("svg.rungs .rung")).to_have_count(9)
    expect(plain.locator("#clocks table tbody tr")).to_have_count(9)
    # On a narrow page the picture scrolls inside its box; every line of text stays within its card.
    over = page.goto(plain.url) and page.evaluate(
        """() => [...document.querySelectorAll('svg.flow g')].filter(card => {
          const box = card.querySelector('rect').getBBox();
          return [...card.querySelectorAll('text')].some(text => {
            const its = text.getBBox();
            return its.x + its.width > box.x + box.width || its.y + its.height > box.y + box.height + 2;
          });
        }).length"""
    )
    assert over == 0
    context.close()


def test_everything_is_reached_by_the_keyboard(browser: Browser, site: Site) -> None:
    page = open_page(browser, site.address)
    sign_in(page, site, "ida")
    page.goto(f"{site.address}/admin/documents/{COMPLAINTS}")
    page.get_by_role("link", name="Overview", exact=True).focus()
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.textContent")
        )
    assert "History" in seen
    assert "Deadlines" in seen
    assert "Picture, can be scrolled" in seen
    page.get_by_role("link", name="Deadlines", exact=True).press("Enter")
    assert page.url.endswith("#clocks")
