"""The story of a change as people walk it: an owner hands in a draft, its approver sends it back from a telephone, it
is mended, scheduled for tomorrow, and takes effect on time."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from server import drafts, policies
from server.core.moments import DAY
from server.store.models import Activation, Draft, Version
from server.sweep import Sweeper
from tests.admin.drafting import CALENDAR, person
from tests.admin.visiting import PASSWORD, Panel, now
from tests.browser.conftest import Site
from tests.browser.driving import complaints_of, open_page, sticks_out

# Werkzeug's own server leaves a file open when a browser hangs up in the middle of it; gunicorn does not.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

OWNER, APPROVER = "meng", "han"


def sign_in(page: Page, site: Site, login: str) -> None:
    page.goto(f"{site.address}/admin/sign-in/")
    page.locator("#login").fill(login)
    page.locator("#password").fill(PASSWORD)
    page.locator("form[data-once] button").click()
    page.wait_for_url(re.compile(r"/admin/(?!sign-in)"))


def written(page: Page, before: str, after: str) -> None:
    """Change the text in the plain area of the editor, and save it."""
    area = page.locator("textarea[name=text]")
    area.fill(area.input_value().replace(before, after))
    page.locator("form:has(textarea[name=text]) button").first.click()


@pytest.mark.timeout(180)
def test_a_change_is_sent_back_from_a_telephone_mended_scheduled_and_takes_effect_on_time(
    browser: Browser, site: Site, panel: Panel
) -> None:
    for login in (OWNER, APPROVER):
        person(panel, login)
    # As owner, without scripts: a draft of what is in force, another title, handed in.
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": "duban_language", "value": "zh", "url": site.address}])
    owner = context.new_page()
    owner.set_default_timeout(30_000)
    sign_in(owner, site, OWNER)
    owner.goto(f"{site.address}/admin/drafts/begin")
    owner.locator("#document").select_option(CALENDAR)
    owner.locator("#reason").fill("名称改得更清楚")
    owner.get_by_role("button", name="新建草稿").click()
    written(owner, "zh: 办公时间, en: Office hours (China)", "zh: 上班, en: Work")
    draft = drafts.drafts(CALENDAR)[0].id
    owner.goto(f"{site.address}/admin/drafts/{draft}/hand-in")
    expect(owner.locator("#will-title + .will")).to_contain_text("第 1 版继续有效")
    owner.get_by_role("button", name="提交审批").click()
    expect(owner.locator(".flashes")).to_contain_text("已提交")

    # As approver, on a telephone, in English: sent back with a remark.
    phone = open_page(browser, site.address, width=390, language="en")
    complaints = complaints_of(phone)
    sign_in(phone, site, APPROVER)
    phone.goto(f"{site.address}/admin/drafts/")
    phone.get_by_role("region", name="Waiting for your approval").get_by_role("link").first.click()
    expect(phone.locator(".changes")).to_contain_text("Office hours (China) → Work")
    assert sticks_out(phone) <= 0
    phone.get_by_role("link", name="Send back …").click()
    expect(phone.locator(".will")).to_contain_text("Nothing changes yet: version 1 stays in force.")
    phone.get_by_role("button", name="Send back").click()
    expect(phone.locator("#refused")).to_contain_text("say why")
    phone.get_by_label("What has to be better?").fill("Say which hours: 工作日")
    phone.get_by_role("button", name="Send back").click()
    expect(phone.locator(".flashes")).to_contain_text("Sent back, with your remark.")
    assert sticks_out(phone) <= 0

    # As owner: the remark is read, the text mended and handed in for tomorrow at nine.
    owner.goto(f"{site.address}/admin/drafts/{draft}/")
    expect(owner.locator("main")).to_contain_text("Say which hours: 工作日")
    owner.get_by_role("button", name="在此基础上修改").click()
    mended = drafts.drafts(CALENDAR)[0].id
    assert mended != draft
    owner.get_by_role("link", name="编辑").first.click()
    written(owner, "zh: 上班, en: Work", "zh: 工作日上班时间, en: Working days")
    owner.goto(f"{site.address}/admin/drafts/{mended}/hand-in")
    owner.locator("input[name=when]").nth(1).check()
    owner.get_by_role("button", name="看看会怎样").click()
    expect(owner.locator(".picture")).to_contain_text("09:00")
    owner.get_by_role("button", name="提交审批").click()

    # As approver: approved for the time that was asked for; nothing changes before.
    phone.goto(f"{site.address}/admin/drafts/{mended}/approve")
    expect(phone.locator(".will")).to_contain_text("Version 2 is in force from")
    phone.get_by_role("button", name="Approve", exact=True).click()
    expect(phone.locator(".flashes")).to_contain_text("It takes effect on")
    assert [text for text in complaints if "422" not in text] == []
    at = drafts.one(mended).effective_at
    assert at is not None
    assert now() < at <= now() + 2 * DAY
    assert (version(), drafts.one(mended).state) == (1, Draft.SCHEDULED)

    # The server's time moves on: a moment too early nothing happens, and at nine it is in force.
    Sweeper("test").work(at - 1000, at - 1000)
    assert version() == 1
    Sweeper("test").work(at, at)
    assert (version(), drafts.one(mended).state) == (2, Draft.ACTIVE)
    phone.goto(f"{site.address}/admin/drafts/{mended}/")
    expect(phone.locator(".timeline")).to_contain_text("it took effect")
    assert at == in_force_since(CALENDAR)


def version() -> int:
    """The number of the version in force."""
    return int(Version.get_by_id(policies.in_force().versions[CALENDAR]).number)


def in_force_since(name: str) -> int:
    """Since when what is in force is in force."""
    return int(Activation.get(Activation.name == name, Activation.until_at.is_null()).from_at)
