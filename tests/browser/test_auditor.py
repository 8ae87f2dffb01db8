"""As an auditor walks it: who changed the deadline of A, when and approved by whom; the evidence of an issue, checked
elsewhere; a trail that was touched."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

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
from tests.browser.driving import complaints_of, open_page, sticks_out
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


def test_an_auditor_finds_who_changed_the_deadline_of_a_and_when(browser: Browser, audited: Site) -> None:
    page = open_page(browser, audited.address)
    complaints = complaints_of(page)
    sign_in(page, audited, "ida")
    page.get_by_role("link", name="Who changed what").click()
    page.get_by_label("Part", exact=True).select_option(label="Clocks (deadlines)")
    page.get_by_label("Words of the change").fill("A first_response")
    page.get_by_role("button", name="Show").click()
    change = page.locator("article.change")
    expect(change).to_have_count(1)
    expect(change).to_contain_text("傅晓梅")
    expect(change).to_contain_text("韩立群")
    expect(change).to_contain_text("A faster")
    expect(change).to_contain_text("1 h → 30 min")
    expect(change).to_contain_text("in force since")
    assert complaints == []


@pytest.mark.parametrize(("width", "language"), [(1280, "en"), (390, "zh")])
def test_an_auditor_takes_the_evidence_of_an_issue_and_checks_it_with_the_script_in_it(
    browser: Browser, audited: Site, tmp_path: Path, width: int, language: str
) -> None:
    settings.use(replace(settings.current(), signing_key=KEY))
    page = open_page(browser, audited.address, width=width, language=language)
    complaints = complaints_of(page)
    sign_in(page, audited, "ida")
    page.goto(f"{audited.address}/admin/issues/{audited.overdue}")
    page.get_by_role("link", name="Evidence" if language == "en" else "证据", exact=True).last.click()
    page.locator(".moments a").first.click()
    told = "Who had been told" if language == "en" else "当时已通知何人"
    expect(page.get_by_role("heading", name=told)).to_be_visible()
    assert sticks_out(page) <= 0
    with page.expect_download() as got:
        page.get_by_role("button", name="Download the evidence" if language == "en" else "下载证据").click()
    file = tmp_path / got.value.suggested_filename
    got.value.save_as(file)
    assert file.name == f"{audited.overdue}.zip"
    with zipfile.ZipFile(file) as archive:
        archive.extract("verify.py", tmp_path)
    key = Signer(KEY).verifier.show()
    run = [sys.executable, "-I", str(tmp_path / "verify.py"), str(file), "--key", key]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert complaints == []


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
