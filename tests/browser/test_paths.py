"""Paths through the panel, each as somebody walks it: an issue is handled, a message that nobody got is sent again, a
token is made, a spreadsheet is brought in, a drill is played, issues are migrated, a version is proposed again."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from server import delivery, drafts, migration
from server.accounts import caller_of_token
from server.delivery import trying
from server.directory import snapshot
from server.exporting.xlsx import Workbook
from server.recording import held
from server.store.models import Draft, Message, Version
from server.trying import beside, examples
from tests.admin.trying.drafting import HALF_AN_HOUR, draft
from tests.admin.visiting import COMPLAINTS, now
from tests.browser import story_texts
from tests.browser.conftest import Site
from tests.browser.editing import stored
from tests.browser.story_texts import APPROVER, OWNER, TITLES
from tests.browser.views import View, seen
from tests.browser.walking import Visitor

# Werkzeug's own server leaves a file open when a browser hangs up in the middle of it; gunicorn does not.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]


@seen("zh-390-dark")
def test_somebody_finds_an_issue_and_does_an_action_with_a_form(browser: Browser, site: Site, view: View) -> None:
    words = {
        "zh": ("首次响应", "告知客户方案", "沟通口径", "解决方案"),
        "en": ("First response", "Tell the customer", "Wording", "Solution"),
    }
    respond, offer, wording, solution = words[view.language]
    me = Visitor(browser, site.address, view).sign_in(site.owner)
    me.field("Number or subject").fill("发票")
    me.field("Number or subject").press("Enter")
    me.page.get_by_role("link", name=site.number).click()
    me.look("1-issue")
    actions = me.region("What you can do now")
    actions.get_by_text(respond, exact=True).first.click()
    actions.get_by_role("button", name=respond, exact=True).click()
    me.says("Done: %(what)s", what=respond)

    # A form that is refused stays open, keeps what was typed, and has the focus where it must be mended.
    me.expect("422")
    actions.get_by_text(offer, exact=True).first.click()
    actions.get_by_role("textbox", name=wording).fill("先道歉，再说明")
    actions.get_by_role("button", name=offer, exact=True).click()
    expect(actions.get_by_role("textbox", name=wording)).to_have_value("先道歉，再说明")
    expect(actions.get_by_role("textbox", name=solution)).to_be_focused()
    expect(actions.get_by_role("textbox", name=solution)).to_have_attribute("aria-invalid", "true")
    me.look("2-refused")
    actions.get_by_role("textbox", name=solution).fill("重开发票")
    actions.get_by_role("button", name=offer, exact=True).click()
    me.says("Done: %(what)s", what=offer)
    expect(me.region("Timeline")).to_contain_text("重开发票")
    me.look("3-done")
    assert held(site.number).case.stage == "offered"


@seen("en-390-light")
def test_an_administrator_sends_one_message_again_and_drops_another_with_a_reason(
    browser: Browser, site: Site, view: View
) -> None:
    first, second = (row.id for row in Message.select().limit(2))
    Message.update(state=Message.CANCELLED).execute()
    Message.update(state=Message.DEAD, last_error="550 no such mailbox", reason=None).where(
        Message.id.in_([first, second])
    ).execute()
    me = Visitor(browser, site.address, view).sign_in("root")
    me.menu("Message queue")
    me.look("1-queue")
    me.page.get_by_role("button", name=f"{me.t('Send again')} {first}").click()
    expect(me.page.get_by_role("status").filter(has_text="1")).to_be_visible()
    expect(me.page.get_by_role("button", name=f"{me.t('Send again')} {first}")).to_have_count(0)
    me.page.get_by_role("link", name=f"{me.t('Drop…')} {second}").click()
    me.look("2-drop")
    me.field("Reason").fill("told by telephone")
    me.button("Drop").click()
    me.says("Every message was delivered, or is on its way.")
    me.look("3-nothing-left")
    assert (Message.get_by_id(first).state, Message.get_by_id(second).reason) == (Message.PENDING, "told by telephone")


@seen("zh-1280-dark")
def test_a_token_is_made_for_a_program_and_revoked(browser: Browser, site: Site, view: View) -> None:
    me = Visitor(browser, site.address, view).sign_in("gong")
    me.menu("API tokens")
    me.field("What it is for").fill("每晚的报表")
    me.page.get_by_label("issue.read").check()
    me.button("Make the token").click()
    made = me.page.get_by_label(me.t("The new token"), exact=True).last.inner_text()
    assert re.fullmatch(r"duban_[\w-]{30,}", made)
    assert caller_of_token(made, now()) is not None
    me.look("1-made")
    me.menu("API tokens")
    expect(me.page.get_by_text(made)).to_have_count(0)
    me.page.get_by_text(me.t("Revoke…"), exact=True).click()
    me.look("2-revoke")
    me.button("Revoke").click()
    me.look("3-revoked")
    assert caller_of_token(made, now()) is None


@seen("zh-1280-light")
def test_a_spreadsheet_with_a_mistake_is_mended_and_imported(
    browser: Browser, site: Site, view: View, tmp_path: Path
) -> None:
    me = Visitor(browser, site.address, view).sign_in("root")
    me.menu("Import and export")
    me.look("1-files")
    head = ["login", "name", "supervisor", "phone"]
    bring(me, tmp_path, [head, ["xujing", "徐静", "nobody", "139"], ["gong", "龚小燕", "sun_y", "400"]])
    row = me.page.get_by_role("table", name=me.t("What is wrong")).get_by_role("row").nth(1)
    expect(row.get_by_role("cell").nth(1)).to_have_text("2")
    expect(row.get_by_role("cell").nth(2)).to_have_text("C")
    me.look("2-wrong")
    me.link("Bring in the mended file").click()
    bring(me, tmp_path, [head, ["xujing", "徐静", "chen", "139"], ["gong", "龚小燕", "sun_y", "400"]])
    changes = me.page.get_by_role("table", name=me.t("What would change"))
    expect(changes.get_by_role("row")).to_have_count(3)
    expect(changes.get_by_role("row", name="gong")).to_contain_text("13800000007")
    me.look("3-changes")
    me.page.get_by_role("button", name=me.view.one_of("Import one change", "Import %(num)s changes", 2)).click()
    expect(me.page.get_by_role("status").filter(has_text="2")).to_be_visible()
    me.look("4-imported")
    people = snapshot().people
    assert (people["xujing"].supervisor, people["gong"].supervisor, people["gong"].phone) == ("chen", "sun_y", "400")


def bring(me: Visitor, folder: Path, rows: list[list[str]]) -> None:
    """Choose a workbook with these people, and look at what it would change."""
    out = io.BytesIO()
    with Workbook(out) as book:
        book.sheet("people", rows[0], iter(rows[1:]))
    file = folder / "people.xlsx"
    file.write_bytes(out.getvalue())
    me.field("File (XLSX, CSV or YAML)").set_input_files(file)
    me.button("Look at what it would change").click()


@seen("en-1280-dark")
def test_a_drill_is_played_from_an_example(browser: Browser, address: str, view: View) -> None:
    me = Visitor(browser, address, view).sign_in(OWNER)
    me.menu("Drills")
    me.look("1-drills")
    me.link("Play a drill").click()
    me.field("Process").select_option("contingency")
    me.page.get_by_role("main").get_by_role("button").first.click()
    me.region("Examples to begin with").get_by_role("link").first.click()
    me.look("2-script")
    me.button("Play it").click()
    expect(me.region("What has to be mended")).to_be_visible()
    expect(me.page.get_by_role("table", name=me.t("Who would be told what")).get_by_role("row").nth(1)).to_be_visible()
    me.look("3-played")


@seen("zh-390-light")
def test_open_issues_are_migrated_to_a_new_version_by_two_people(browser: Browser, address: str, view: View) -> None:
    story_texts.in_force(story_texts.mended())
    me = Visitor(browser, address, view).sign_in(OWNER)
    me.menu("Migrations")
    me.link("Look at a migration").click()
    me.field("Process").select_option(COMPLAINTS)
    me.page.get_by_role("main").get_by_role("button").first.click()
    me.button("Show what would become of each").click()
    expect(me.page.get_by_role("table", name=me.t("What would become of each"))).to_be_visible()
    me.look("1-what-would-become")
    me.field("Why?").fill("新的时限也适用于未关闭的投诉")
    me.button("Propose for approval").click()
    me.link("Take back …").wait_for()
    me.look("2-proposed")
    plan = migration.listed()[0]["id"]

    other = Visitor(browser, address, view).sign_in(APPROVER)
    other.menu("Migrations")
    other.link("Plan %(number)s", number=plan).click()
    other.link("Approve …").click()
    other.comes_to("Approve plan %(number)s", number=plan)
    other.look("3-approve")
    other.button("Approve").click()
    expect(other.region("How far it is")).to_be_visible()
    other.look("4-approved")
    assert migration.listed()[0]["state"] == "approved"


@seen("en-390-dark")
def test_an_earlier_version_is_proposed_again(browser: Browser, address: str, view: View) -> None:
    story_texts.in_force(story_texts.mended())
    me = Visitor(browser, address, view).sign_in(OWNER)
    me.menu("Documents")
    me.page.get_by_role("link", name=TITLES[view.language], exact=True).click()
    me.link("History").click()
    me.look("1-history")
    me.page.get_by_role("link", name=re.compile(rf"^{re.escape(me.t('Propose again …'))}")).first.click()
    me.comes_to("Propose version %(number)s again", number=1)
    me.field("Why is it changed?").fill("45 分钟做不到")
    me.look("2-propose-again")
    me.button("Begin a draft of version %(number)s", number=1).click()
    expect(me.region("What it changes")).to_contain_text("A2")
    me.look("3-draft")
    draft = drafts.drafts(COMPLAINTS)[0]
    assert (draft.state, bytes(draft.data)) == (Draft.DRAFT, story_texts.shipped().encode())
    assert Version.select().where(Version.name == COMPLAINTS).count() == 2


@seen("en-1280-light")
def test_a_supervisor_is_changed_and_seen_in_the_tree(browser: Browser, site: Site, view: View) -> None:
    me = Visitor(browser, site.address, view).sign_in("root")
    me.menu("People")
    me.field("Name, login or address").fill("龚")
    me.button("Show").click()
    me.page.get_by_role("link", name="龚小燕").click()
    me.look("1-person")
    me.link("Change").click()
    me.field("Supervisor").select_option("sun_y")
    me.look("2-form")
    me.button("Save").click()
    me.says("Saved.")
    me.menu("People")
    me.link("Who reports to whom").click()
    branch = me.page.get_by_role("listitem").filter(has=me.page.get_by_role("link", name="孙悦", exact=True)).last
    expect(branch.get_by_role("link", name="龚小燕")).to_be_visible()
    me.look("3-tree")


@seen("en-390-dark")
def test_two_are_put_on_duty_and_swap(browser: Browser, site: Site, view: View) -> None:
    me = Visitor(browser, site.address, view).sign_in("root")
    for who, day in (("gong", 4), ("ai", 5)):
        me.page.goto("/admin/rotas/?team=front_line&week=2027-01-04")
        me.link("Put on duty").click()
        me.field("Who").select_option(who)
        me.field("From").fill(f"2027-01-{day:02}T08:00")
        me.field("To").fill(f"2027-01-{day + 1:02}T08:00")
        me.look(f"1-{who}")
        me.button("Save").click()
        me.says("Saved.")
    monday = me.page.get_by_role("table").get_by_role("row").nth(1)
    expect(monday).to_contain_text(me.t("nobody"))
    me.look("2-week")
    monday.get_by_role("link", name="龚小燕").click()
    me.button("Look at the swap").click()
    me.comes_to("Swap these two shifts?")
    me.look("3-swap")
    me.button("Swap").click()
    me.says("The shifts are swapped.")
    expect(me.page.get_by_role("table").get_by_role("row").nth(1).get_by_role("link", name="艾琳")).to_be_visible()
    assert [one.person for one in snapshot().shifts["front_line"]] == ["ai", "gong"]


@seen("zh-1280-dark")
def test_a_channel_is_tried_and_what_became_of_it_is_seen(
    browser: Browser, site: Site, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMAIL_URL", "smtp://127.0.0.1:9")  # nobody listens there
    me = Visitor(browser, site.address, view).sign_in("root")
    me.menu("Channels")
    address = me.field("To (empty: yourself)")
    address.fill("somebody@example.com")
    address.press("Enter")
    me.look("1-sent")
    for _ in range(20):
        delivery.deliver(now(), patience=1)
        if Message.get(Message.notice == trying.TEST).state != Message.PENDING:
            break
    delivery.close(now())
    why = Message.get(Message.notice == trying.TEST).last_error
    expect(me.page.get_by_role("main").get_by_text(why).first).to_be_visible()  # the page looks by itself
    me.look("2-failed")


@seen("zh-390-light")
def test_a_draft_is_tried_through_time_and_kept_as_an_example(browser: Browser, site: Site, view: View) -> None:
    number = draft(HALF_AN_HOUR)
    me = Visitor(browser, site.address, view).sign_in("root")
    me.page.goto(f"/admin/drafts/{number}/")
    me.link("Try it").first.click()
    me.field("Received at").fill("2026-03-02T09:00")
    names = {
        "zh": ("主题", "客户", "渠道编号", "中立摘要"),
        "en": ("Subject", "Customer", "Call number", "Neutral summary"),
    }
    for name, text in zip(names[view.language], ("支付中断", "华兴科技", "400-7781", "无法下单"), strict=True):
        me.page.get_by_role("textbox", name=re.compile(rf"^{name}([\s,]|$)")).fill(text)
    me.page.get_by_role("button", name=me.t("Play it"), exact=True).last.click()
    slider = me.page.get_by_role("slider", name=me.t("Moment"))
    expect(slider).to_be_visible()
    me.look("1-played")
    slider.press("End")
    expect(me.page.locator("[data-doing].trial-waits, [data-trying][aria-busy]")).to_have_count(0)
    me.look("2-later")
    me.field("What the example is called").fill("半小时内响应")
    me.button("Make it an example").click()
    me.says("The example is in the draft now. Look it over: it expects what happens today.")
    me.look("3-example")
    made = examples(beside(COMPLAINTS, stored(number).encode()))[-1]
    assert (made.name, made.passes) == ("半小时内响应", True)
