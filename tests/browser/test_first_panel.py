"""The first panel as people use it: the menu, the appearance and the language, paper, and without scripts."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.admin.visiting import PASSWORD
from tests.browser.conftest import Site
from tests.browser.driving import complaints_of, open_page

# Werkzeug's own server leaves a file open when a browser hangs up in the middle of it; gunicorn does not.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def sign_in(page: Page, site: Site, login: str) -> None:
    page.goto(f"{site.address}/admin/")
    page.locator("#login").fill(login)
    page.locator("#password").fill(PASSWORD)
    page.locator("form[data-once] button").click()
    page.wait_for_url("**/admin/issues/")


def test_appearance_and_language_are_remembered(browser: Browser, site: Site) -> None:
    page = open_page(browser, site.address)
    complaints = complaints_of(page)
    sign_in(page, site, "gong")
    with page.expect_response("**/preferences/"):
        page.get_by_role("button", name="Dark").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.get_by_role("button", name="简体中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("问题")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.url.endswith("/admin/issues/")
    assert complaints == []


def test_without_a_choice_the_appearance_is_the_systems(browser: Browser, site: Site) -> None:
    page = open_page(browser, site.address)
    grounds = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto(f"{site.address}/admin/sign-in/")
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds[0] != grounds[1]


def test_on_a_telephone_the_menu_opens_and_closes_by_keyboard(browser: Browser, site: Site) -> None:
    page = open_page(browser, site.address, width=390)
    sign_in(page, site, "gong")
    menu = page.get_by_role("button", name="Menu")
    link = page.get_by_role("link", name="New issue").first
    expect(page.locator("#sidebar")).not_to_be_visible()
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#sidebar")).to_be_visible()
    assert menu.get_attribute("aria-expanded") == "true"
    page.keyboard.press("Escape")
    expect(page.locator("#sidebar")).not_to_be_visible()
    expect(menu).to_be_focused()
    menu.click()
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("New issue")


def test_an_issue_can_be_printed(browser: Browser, site: Site) -> None:
    page = open_page(browser, site.address)
    sign_in(page, site, "gong")
    page.goto(f"{site.address}/admin/issues/{site.overdue}")
    page.emulate_media(media="print")
    expect(page.locator(".sidebar")).not_to_be_visible()
    expect(page.locator("#actions-title")).not_to_be_visible()
    expect(page.locator("#timeline")).to_be_visible()


def test_without_scripts_an_action_can_be_done(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": "duban_language", "value": "en", "url": site.address}])
    page = context.new_page()
    sign_in(page, site, "gong")
    page.goto(f"{site.address}/admin/issues/{site.number}")
    page.locator("#action-comment summary").click()
    page.locator("#action-comment").get_by_label("Text").fill("客户来电催问")
    page.locator("#action-comment").get_by_role("button").click()
    expect(page.locator("#timeline").get_by_text("客户来电催问")).to_be_visible()
