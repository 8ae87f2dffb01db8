"""As those walk it who run the server: a channel that is tried, what is wrong."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from server import delivery
from server.delivery import trying
from server.store.models import Message
from tests.admin.visiting import now
from tests.browser.conftest import Site
from tests.browser.driving import complaints_of, open_page, sticks_out
from tests.browser.test_auditor import sign_in

# Werkzeug's own server leaves a file open when a browser hangs up in the middle of it; gunicorn does not.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_an_administrator_tries_a_channel_and_sees_what_became_of_it(
    browser: Browser, site: Site, monkeypatch: pytest.MonkeyPatch, width: int, theme: str
) -> None:
    monkeypatch.setenv("EMAIL_URL", "smtp://127.0.0.1:9")  # nobody listens there
    page = open_page(browser, site.address, width=width, theme=theme)
    complaints = complaints_of(page)
    sign_in(page, site, "root")
    page.goto(f"{site.address}/admin/channels/")
    page.get_by_label("To (empty: yourself)").fill("somebody@example.com")
    page.get_by_role("button", name="Send a test by email").click()
    expect(page.get_by_text("It waits for a worker")).to_be_visible()
    assert sticks_out(page) <= 0
    for _ in range(20):
        delivery.deliver(now(), patience=1)
        if Message.get(Message.notice == trying.TEST).state != Message.PENDING:
            break
    delivery.close(now())
    expect(page.locator("#tried")).to_contain_text("failed")  # the page looks by itself
    expect(page.locator("#tried")).to_contain_text(Message.get(Message.notice == trying.TEST).last_error)
    assert complaints == []


def test_what_is_wrong_stands_on_every_page_and_leads_to_where_it_is_told(browser: Browser, site: Site) -> None:
    page = open_page(browser, site.address)
    sign_in(page, site, "root")
    page.goto(f"{site.address}/admin/documents/")
    page.get_by_role("link", name="No worker lets time pass").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Health")
    expect(page.get_by_text("No worker was heard of within a day.")).to_be_visible()
