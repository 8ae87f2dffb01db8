"""As those walk it who run the server: a channel that is tried, what is wrong."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Site
from tests.browser.driving import open_page
from tests.browser.test_auditor import sign_in

# Werkzeug's own server leaves a file open when a browser hangs up in the middle of it; gunicorn does not.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def test_what_is_wrong_stands_on_every_page_and_leads_to_where_it_is_told(browser: Browser, site: Site) -> None:
    page = open_page(browser, site.address)
    sign_in(page, site, "root")
    page.goto(f"{site.address}/admin/documents/")
    page.get_by_role("link", name="No worker lets time pass").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Health")
    expect(page.get_by_text("No worker was heard of within a day.")).to_be_visible()
