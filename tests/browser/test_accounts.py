"""Accounts as people meet them: a session that ends while one types, a link for a new password."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from server.accounts import end_sessions
from tests.admin.visiting import PASSWORD, now
from tests.browser.conftest import Site
from tests.browser.driving import complaints_of, open_page, sticks_out
from tests.browser.test_first_panel import sign_in

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

TYPED = '客户第二次来电："何时答复？"\n<b>已道歉</b>'


def test_a_session_that_ends_in_the_middle_loses_nothing(browser: Browser, site: Site) -> None:
    page = open_page(browser, site.address, width=390)
    complaints = complaints_of(page)
    sign_in(page, site, "gong")
    page.goto(f"{site.address}/admin/issues/{site.number}")
    page.locator("#action-comment summary").click()
    page.locator("#action-comment").get_by_label("Text").fill(TYPED)
    end_sessions("gong", now(), by="root")
    page.locator("#action-comment").get_by_role("button").click()
    expect(page.get_by_text("Nothing is lost: sign in, and send it again.")).to_be_visible()
    page.locator("#login").fill("gong")
    page.locator("#password").fill("not the password")
    page.locator("form[data-once] button").click()
    expect(page.get_by_role("alert")).to_contain_text("Login or password are wrong.")
    page.locator("#password").fill(PASSWORD)
    page.locator("form[data-once] button").click()
    expect(page.locator(".typed")).to_contain_text("<b>已道歉</b>")
    assert sticks_out(page) <= 0
    page.get_by_role("button", name="Send it again").click()
    expect(page.locator("#timeline").get_by_text('客户第二次来电："何时答复？"')).to_be_visible()
    assert [text for text in complaints if "401" not in text] == []


def test_somebody_without_a_password_comes_in_by_a_link(browser: Browser, site: Site) -> None:
    root = open_page(browser, site.address)
    sign_in(root, site, "root")
    root.goto(f"{site.address}/admin/users/")
    root.get_by_label("Find").fill("zhou")
    root.get_by_role("link", name="周海").click()
    root.get_by_role("button", name="Make a link").click()
    link = root.locator(".typed code").inner_text()
    zhou = open_page(browser, site.address, width=390, language="zh")
    complaints = complaints_of(zhou)
    zhou.goto(site.address + link[link.index("/admin/") :])
    zhou.get_by_label("新密码", exact=True).fill("a new long password")
    zhou.get_by_label("再输一次新密码").fill("a new long password")
    zhou.get_by_role("button", name="使用这个密码").click()
    expect(zhou.get_by_text("新密码已生效")).to_be_visible()
    zhou.locator("#login").fill("zhou")
    zhou.locator("#password").fill("a new long password")
    zhou.locator("form[data-once] button").click()
    zhou.wait_for_url("**/admin/issues/")
    zhou.goto(f"{site.address}/admin/account/")
    expect(zhou.get_by_role("cell", name="当前")).to_be_visible()
    assert complaints == []
    root.goto(f"{site.address}/admin/users/zhou/")
    root.get_by_role("button", name="End all").click()
    zhou.reload()
    expect(zhou.locator("#password")).to_be_visible()
