"""The directory as whoever looks after it uses it: a new supervisor, a swapped shift."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from server.directory import snapshot
from tests.browser.conftest import Site
from tests.browser.driving import complaints_of, open_page, sticks_out
from tests.browser.test_first_panel import sign_in

# Werkzeug's own server leaves a file open when a browser hangs up in the middle of it; gunicorn does not.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def visit(browser: Browser, site: Site, width: int = 1280, language: str = "en") -> tuple[Page, list[str]]:
    """Root's browser, and what it has against the pages."""
    page = open_page(browser, site.address, width=width, language=language)
    complaints = complaints_of(page)
    sign_in(page, site, "root")
    return page, complaints


def test_a_supervisor_is_changed_and_seen_in_the_tree(browser: Browser, site: Site) -> None:
    page, complaints = visit(browser, site)
    page.get_by_role("link", name="People", exact=True).click()
    page.get_by_label("Name, login or address").fill("龚")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="龚小燕").click()
    page.get_by_role("link", name="Change", exact=True).click()
    page.locator("#person-supervisor").select_option("sun_y")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.get_by_role("link", name="People", exact=True).first.click()
    page.get_by_role("link", name="Who reports to whom").click()
    branch = page.locator("li", has=page.get_by_role("link", name="孙悦", exact=True)).last
    expect(branch.get_by_role("link", name="龚小燕")).to_be_visible()
    assert complaints == []


def test_on_a_telephone_somebody_is_put_on_duty_and_two_swap(browser: Browser, site: Site) -> None:
    page, complaints = visit(browser, site, width=390)
    for who, day in (("gong", "04"), ("ai", "05")):
        page.goto(f"{site.address}/admin/rotas/?team=front_line&week=2027-01-04")
        page.get_by_role("link", name="Put on duty").click()
        page.locator("#shift-person").select_option(who)
        page.locator("#shift-from").fill(f"2027-01-{day}T08:00")
        page.locator("#shift-to").fill(f"2027-01-{int(day) + 1:02}T08:00")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved.")).to_be_visible()
    assert sticks_out(page) <= 0
    monday = page.locator("#week tbody tr").first
    expect(monday.get_by_text("nobody")).to_be_visible()
    monday.get_by_role("link", name="龚小燕").click()
    page.get_by_role("button", name="Look at the swap").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Swap these two shifts?")
    assert sticks_out(page) <= 0
    page.get_by_role("button", name="Swap").click()
    expect(page.get_by_text("The shifts are swapped.")).to_be_visible()
    expect(page.locator("#week tbody tr").first.get_by_role("link", name="艾琳")).to_be_visible()
    assert [one.person for one in snapshot().shifts["front_line"]] == ["ai", "gong"]
    assert complaints == []
