"""The page of the interface in a real browser: it fits a telephone, and its own policy lets it look as it should."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Site
from tests.browser.driving import complaints_of, open_page, sticks_out


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_of_the_interface_fits_and_obeys_its_own_policy(browser: Browser, site: Site, width: int) -> None:
    page = open_page(browser, site.address, width=width)
    complaints = complaints_of(page)
    grounds = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for path in ("/docs?language=zh", "/docs?language=en", "/docs/problems?language=zh"):
            page.goto(site.address + path)
            assert sticks_out(page) <= 0, path
        grounds.append(page.evaluate("getComputedStyle(document.querySelector('article')).borderTopColor"))
    assert grounds[0] != grounds[1], "the style is let in, and knows both appearances"
    page.goto(f"{site.address}/docs?language=en")
    page.get_by_role("link", name="Record an issue", exact=True).click()
    expect(page.locator("#issue_create")).to_be_in_viewport()
    assert complaints == []
