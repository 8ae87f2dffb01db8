"""As an auditor walks it: a trail that was touched, and nothing that he could change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect

from server import settings
from server.evidence import standing
from server.resources import data_dir
from server.sealing import Sealer, Signer
from server.store import sql
from server.store.models import AuditEntry
from tests.admin.visiting import COMPLAINTS, PASSWORD, now
from tests.browser.conftest import Site
from tests.browser.driving import complaints_of, open_page
from tests.publishing import publish

# Werkzeug's own server leaves a file open when a browser hangs up in the middle of it; gunicorn does not.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

KEY = b"k" * 32


@pytest.fixture
def audited(site: Site) -> Site:
    """A server with a key, on which somebody has changed the deadline of A."""
    text = (data_dir("policies") / f"{COMPLAINTS}.yaml").read_text(encoding="utf-8")
    publish(text.replace("within: {A: 1h, B: 4h", "within: {A: 30m, B: 4h", 1), now(), "fu", "han", "A faster")
    return site


def sign_in(page: Page, site: Site, login: str) -> None:
    page.goto(f"{site.address}/admin/sign-in/")
    page.locator("#login").fill(login)
    page.locator("#password").fill(PASSWORD)
    page.locator("form[data-once] button").click()
    page.wait_for_url(lambda url: "sign-in" not in url)


def test_an_auditor_has_the_trail_verified_and_sees_at_once_that_it_was_touched(
    browser: Browser, audited: Site
) -> None:
    settings.use(replace(settings.current(), signing_key=KEY))
    sealer = Sealer("test")
    while sealer.work(now(), Signer(KEY)):
        pass
    entry = AuditEntry.select().where(AuditEntry.kind == "issue.received").first()
    sql.run('UPDATE "audit_entry" SET "body" = ? WHERE "id" = ?', entry.body.replace("gong", "wang"), entry.id)
    page = open_page(browser, audited.address)
    complaints = complaints_of(page)
    sign_in(page, audited, "ida")
    page.get_by_role("link", name="Audit trail").click()
    page.get_by_role("button", name="Verify now").click()
    expect(page.get_by_text("The verification waits for a worker.")).to_be_visible()
    assert standing.work(settings.current(), now)
    bad = page.locator("#standing .notice-bad")  # the page looks by itself
    expect(bad).to_contain_text("tampered with")
    expect(bad).to_contain_text(str(entry.id))
    expect(page.locator("#standing")).not_to_have_attribute("data-poll", "/admin/trail/standing")
    assert complaints == []


def test_an_auditor_finds_nothing_that_could_change_anything(browser: Browser, audited: Site) -> None:
    page = open_page(browser, audited.address)
    sign_in(page, audited, "ida")
    harmless = ("sign-out", "preferences", "verify", "file", "exports", "tokens", "account", "password")
    for path in ("/admin/trail/", f"/admin/evidence/{audited.number}", "/admin/changes/", "/admin/exports/"):
        page.goto(audited.address + path)
        for form in page.locator("form[method=post]").all():
            where = form.get_attribute("action") or path
            assert any(word in where for word in harmless), (path, where)
