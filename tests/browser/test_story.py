"""The story of a change as people walk it, in four chapters: a process owner adds a severity in the editor's form; its
approver sends it back from a telephone; it is mended, scheduled for tomorrow and takes effect on time; an auditor finds
who changed what, and takes the evidence of an issue."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from server import clock, drafts, policies, settings
from server.core.moments import DAY
from server.sealing import Signer
from server.store.models import Activation, Draft, Version
from server.sweep import Sweeper
from tests.admin.visiting import COMPLAINTS, now
from tests.browser import story_texts
from tests.browser.editing import read
from tests.browser.story_texts import APPROVER, AUDITOR, OWNER, REASON, REMARK, TITLES
from tests.browser.views import View, seen
from tests.browser.walking import FormOf, Visitor

# Werkzeug's own server leaves a file open when a browser hangs up in the middle of it; gunicorn does not.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]

KEY = b"k" * 32
FIRST_RESPONSE = {"zh": "首次响应", "en": "First response"}
OVERDUE = {"zh": "超时提醒", "en": "Overdue"}


@seen("zh-1280-light")
def test_an_owner_adds_a_severity_between_two_others_without_touching_yaml(
    browser: Browser, address: str, view: View
) -> None:
    me = Visitor(browser, address, view).sign_in(OWNER)
    me.menu("Documents")
    me.look("1-documents")
    me.page.get_by_role("link", name=TITLES[view.language], exact=True).click()
    me.button("Edit").click()
    form = FormOf(me)

    form.part("severities")
    form.add("severities", "A2")
    me.page.get_by_label(f"{me.t('Title')}: A2, {'中文' if view.language == 'zh' else 'Chinese'}").fill("较急")
    me.page.keyboard.press("Tab")
    me.page.keyboard.type("Rather urgent")
    me.page.keyboard.press("Tab")
    title = {"zh": "较急", "en": "Rather urgent"}[view.language]
    for _ in range(2):
        me.button("Move %(what)s up", what=title).click()
    expect(me.button("Move %(what)s up", what=title)).to_be_focused()
    me.look("2-severities")

    form.part("classify")
    word = WORDS[view.language]
    form.card(word["severity"]).click()
    me.button("＋ Add: %(what)s", what=me.t("Row")).click()
    rule = me.page.get_by_role("table", name=word["severity"]).get_by_role("row").last
    rule.get_by_role("combobox").first.select_option(label=f"{title} (A2)")
    rule.get_by_role("button", name=me.t("Add a condition")).click()
    rule.get_by_label(me.t("Field"), exact=True).select_option(label=word["amount"])
    rule.get_by_label(me.t("Comparison"), exact=True).select_option(label=view.title("$defs", "test", "at_least"))
    rule.get_by_label(me.t("Value"), exact=True).fill("5000")
    for number in (4, 3):
        me.button("Move %(what)s up", what=number).click()
    expect(me.button("Move %(what)s up", what=2)).to_be_focused()
    me.look("3-judging")

    form.part("clocks")
    for clock_title, duration in zip(word["clocks"], ("2h", "8h", "2wd"), strict=True):
        me.page.get_by_label(me.t("%(row)s, severity %(column)s", row=clock_title, column="A2")).fill(duration)
    me.look("4-deadlines")

    form.part("notify")
    me.page.get_by_role("button", name=me.t("%(row)s, every severity", row=OVERDUE[view.language])).click()
    me.button("Different by severity").click()
    me.page.get_by_role(
        "button", name=me.t("%(row)s, severity %(column)s", row=OVERDUE[view.language], column="A2")
    ).click()
    form.card("1").click()
    me.page.get_by_label(f"{me.t('Add')}: {view.title('$defs', 'step', 'to')}").select_option(label=word["management"])
    me.look("5-notices")

    me.link("Hand in …").click()
    me.comes_to("Hand in draft %(number)s", number=1)
    me.look("6-hand-in")
    me.field("Why is it changed?").fill(REASON)
    me.button("Hand in for approval").click()
    me.says("Handed in. Those who may approve it are told.")
    me.look("7-handed-in")
    draft = drafts.drafts(COMPLAINTS)[0]
    assert draft.state == Draft.SUBMITTED
    text = bytes(draft.data).decode()
    assert read(text) == read(story_texts.with_a_severity())
    assert list(read(text)["severities"]) == ["A", "A2", "B", "C"]
    assert comments(text) == comments(story_texts.shipped())


@seen("en-390-dark")
def test_its_approver_sends_it_back_from_a_telephone_with_a_remark(browser: Browser, address: str, view: View) -> None:
    draft = story_texts.handed_in(story_texts.with_a_severity())
    me = Visitor(browser, address, view).sign_in(APPROVER)
    me.menu("Drafts")
    me.look("1-drafts")
    me.region("Waiting for your approval").get_by_role("link", name=me.t("Draft %(number)s", number=draft.id)).click()
    changes = me.region("What it changes")
    expect(changes).to_contain_text("A2")
    expect(changes).to_contain_text("5000")
    me.look("2-draft")
    me.link("Send back …").click()
    expect(me.region("What will happen")).to_contain_text(
        me.t("Nothing changes yet: version %(number)s stays in force.", number=1)
    )
    me.look("3-send-back")
    me.expect("422")
    me.button("Send back").click()
    expect(me.page.get_by_role("alert")).to_be_visible()
    me.look("4-without-a-remark")
    me.field("What has to be better?").fill(REMARK)
    me.button("Send back").click()
    me.says("Sent back, with your remark.")
    me.look("5-sent-back")
    assert (drafts.one(draft.id).state, in_force()) == (Draft.REJECTED, 1)


@seen("zh-390-light")
def test_it_is_mended_scheduled_for_tomorrow_and_takes_effect_on_time(
    browser: Browser, address: str, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    returned = story_texts.sent_back(story_texts.with_a_severity())
    me = Visitor(browser, address, view).sign_in(OWNER)
    me.menu("Documents")
    me.look("1-documents")
    me.menu("Drafts")
    me.look("2-drafts")
    me.region("Yours").get_by_role("link", name=me.t("Draft %(number)s", number=returned.id)).click()
    expect(me.page.get_by_role("main")).to_contain_text(REMARK)
    me.look("3-remark")
    me.button("Go on from this text").click()
    me.link("Edit").click()
    form = FormOf(me)
    form.part("clocks")
    response = me.t("%(row)s, severity %(column)s", row=WORDS[view.language]["clocks"][0], column="A")
    me.page.get_by_label(response, exact=True).fill("45m")
    me.look("4-mended")
    form.part("examples")
    form.card({"zh": "A 级", "en": "A: "}[view.language]).click()
    expected = (
        me.page.get_by_role("list", name=view.title("examples", "items", "expect")).get_by_role("listitem").nth(1)
    )
    expected.get_by_role("button").first.click()
    due = view.title("$defs", "entry", "due")
    expected.get_by_label(due, exact=True).last.fill("2026-03-02T09:45:00+08:00")
    me.look("5-example")
    me.link("Hand in …").click()
    number = returned.id + 1
    me.comes_to("Hand in draft %(number)s", number=number)
    me.page.get_by_role("radio", name=me.like("tomorrow: %(moment)s (%(distance)s)")).check()
    me.button("Show what that means").click()
    expect(me.page.get_by_role("group", name=me.t("Which version is in force when"))).to_contain_text("09:00")
    me.look("6-tomorrow")
    me.button("Hand in for approval").click()
    me.says("Handed in. Those who may approve it are told.")
    draft = drafts.one(number)
    assert read(bytes(draft.data).decode()) == read(story_texts.mended())
    assert in_force() == 1

    # Its approver agrees to the time that was asked for; nothing changes before.
    other = Visitor(browser, address, view).sign_in(APPROVER)
    other.menu("Documents")
    other.region("Waiting for you").get_by_role("link").first.click()
    other.link("Approve …").click()
    other.comes_to("Approve draft %(number)s", number=number)
    other.look("7-approve")
    other.button("Approve").click()
    other.look("8-approved")
    at = drafts.one(number).effective_at
    assert at is not None
    assert now() < at <= now() + 2 * DAY
    assert (drafts.one(number).state, in_force()) == (Draft.SCHEDULED, 1)
    me.menu("Documents")
    me.look("9-scheduled")

    # The server's time moves on: a moment too early nothing happens, and at nine it is in force.
    Sweeper("test").work(at - 1000, at - 1000)
    assert in_force() == 1
    Sweeper("test").work(at, at)
    assert (drafts.one(number).state, in_force()) == (Draft.ACTIVE, 2)
    assert at == Activation.get(Activation.name == COMPLAINTS, Activation.until_at.is_null()).from_at
    monkeypatch.setattr(clock, "now", lambda: at + 60_000)
    me.page.reload()  # a day later his session has ended
    me.sign_in(OWNER)
    me.menu("Documents")
    me.page.get_by_role("link", name=TITLES[view.language], exact=True).click()
    me.says("version %(number)s", number=2)
    me.look("a-in-force")


@seen("en-1280-light", "zh-390-dark")
def test_an_auditor_finds_who_changed_the_deadline_of_a_and_takes_the_evidence_of_an_issue(
    browser: Browser, address: str, view: View, tmp_path: Path
) -> None:
    settings.use(replace(settings.current(), signing_key=KEY))
    story_texts.in_force(story_texts.mended())
    me = Visitor(browser, address, view).sign_in(AUDITOR)
    me.menu("Who changed what")
    me.look("1-who-changed-what")
    me.field("Part").select_option(label=me.t("%(clocks)s (deadlines)", clocks=view.title("clocks")))
    me.field("Words of the change").fill("A first_response")
    me.button("Show").click()
    change = me.page.get_by_role("article")
    expect(change).to_have_count(1)
    expect(change).to_contain_text(me.t("by %(author)s, approved by %(approver)s", author="孟繁星", approver="韩立群"))
    expect(change).to_contain_text(REASON)
    expect(change).to_contain_text(me.like("in force since %(moment)s"))
    expect(
        change.get_by_role("listitem").filter(has_text=FIRST_RESPONSE[view.language]).filter(has_text="A")
    ).to_have_count(1)
    me.look("2-found")

    me.menu("Issues")
    me.page.get_by_role("row").nth(1).get_by_role("link").first.click()
    number = me.page.url.rsplit("/", 1)[1]
    me.link("Evidence").click()
    me.comes_to("Evidence of issue %(number)s", number=number)
    me.look("3-evidence")
    with me.page.expect_download() as got:
        me.button("Download the evidence").click()
    file = tmp_path / f"{number}.zip"
    assert got.value.suggested_filename == file.name
    got.value.save_as(file)
    with zipfile.ZipFile(file) as archive:
        archive.extract("verify.py", tmp_path)
    key = Signer(KEY).verifier.show()
    run = [sys.executable, "-I", str(tmp_path / "verify.py"), str(file), "--key", key]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    me.look("4-taken")


def in_force() -> int:
    """The number of the version of the process that is in force."""
    return int(Version.get_by_id(policies.in_force().versions[COMPLAINTS]).number)


WORDS = {
    "zh": {
        "severity": "级别",
        "amount": "涉及金额（元）",
        "clocks": ("首次响应", "方案或明确进展", "解决"),
        "management": "管理层 (team:management)",
    },
    "en": {
        "severity": "Severity",
        "amount": "Amount (CNY)",
        "clocks": ("First response", "Solution or clear progress", "Solution"),
        "management": "Management (team:management)",
    },
}
"""What the shipped process and the directory of the demo call things."""


def comments(text: str) -> list[str]:
    """The comments of a text, in order."""
    return [line[line.index(" # ") :].strip() for line in text.splitlines() if " # " in line]
