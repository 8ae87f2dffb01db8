"""Drafts in the panel: each step is a page that says what will happen, and what the server refuses is said there."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta

import pytest

from admin import clock
from server import drafts, policies
from server.directory import snapshot
from server.store.models import AuditEntry, Draft, Message, Version
from tests.admin.drafting import (
    ANOTHER,
    APPROVER,
    CALENDAR,
    OWNER,
    approved,
    begun,
    person,
    renamed,
    shipped,
    submitted,
)
from tests.admin.visiting import COMPLAINTS, Panel, receive, words

PROCESS = "complaint-monitoring"


def version(name: str = CALENDAR) -> int:
    return int(Version.get_by_id(policies.in_force().versions[name]).number)


def test_a_draft_is_begun_handed_in_and_approved_by_somebody_else(panel: Panel) -> None:
    owner, approver = person(panel, OWNER), person(panel, APPROVER)
    answer = owner.post("/admin/drafts/begin", {"document": CALENDAR, "reason": "a better name"})
    editor = answer.headers["Location"]
    draft = int(editor.rstrip("/").rsplit("/", 1)[1])
    page = f"/admin/drafts/{draft}/"
    assert "It means the same as what it is based on." in owner.text(page)
    before = drafts.one(draft).sha256
    assert owner.post(editor, {"text": renamed().decode(), "sha256": before}).status_code == 303
    assert "办公历" in owner.text(page)

    said = owner.text(f"{page}hand-in")
    assert "until one other person has approved exactly this text" in said
    assert "version 1 stays in force" in said
    assert "A message goes to 系统管理员, 韩立群, Root, 陶敏." in said
    assert owner.post(f"{page}hand-in", {"reason": "a better name", "when": "now"}).status_code == 303
    assert drafts.one(draft).state == Draft.SUBMITTED
    assert "Approve" not in owner.text(page)

    assert "Waiting for your approval" in approver.text("/admin/drafts/")
    said = approver.text(f"{page}approve")
    assert "Version 2 is in force at once." in said
    assert "A message goes to 孟繁星." in said
    digest = drafts.one(draft).sha256
    assert approver.post(f"{page}approve", {"sha256": digest, "remark": "clear", "when": "asked"}).status_code == 303
    assert version() == 2
    text = approver.text(page)
    assert "韩立群 approved it" in text
    assert "clear" in text
    assert {row.recipient for row in Message.select().where(Message.issue.is_null())} == {
        "admin",
        "han",
        "tao",
        "root",
        "meng",
    }


def test_the_page_says_which_issues_keep_their_version_and_which_do_not(panel: Panel) -> None:
    receive()
    receive()
    draft = submitted(shipped(PROCESS, ("title: {zh: ", "title: {zh: 新")), PROCESS)
    said = person(panel, APPROVER).text(f"/admin/drafts/{draft.id}/approve")
    assert "Issues received from then on are judged by it. The 2 that are open keep theirs." in said
    said = person(panel, APPROVER, "zh").text(f"/admin/drafts/{draft.id}/approve")
    assert "此后受理的问题按它处理；未关闭的 2 个问题仍按原来的版本。" in said


def test_nobody_approves_his_own_draft_nor_another_text(panel: Panel) -> None:
    draft = submitted(by="fu")
    page = f"/admin/drafts/{draft.id}/approve"
    root = panel.visitor("root")
    mine = submitted(renamed("我的"), by="root")
    own = f"/admin/drafts/{mine.id}/approve"
    assert "You cannot approve it" in root.text(own)
    refused = root.post(own, {"sha256": mine.sha256, "when": "asked"})
    assert refused.status_code == 403
    assert "another person has to approve it" in words(refused.text)
    refused = root.post(page, {"sha256": "0" * 64, "when": "asked", "remark": "my <b>remark</b>"})
    assert refused.status_code == 409
    assert "an approval is of exactly one text" in words(refused.text)
    assert "my &lt;b&gt;remark&lt;/b&gt;" in refused.text
    assert version() == 1


def test_two_approvers_are_waited_for(panel: Panel) -> None:
    draft = submitted(shipped(CALENDAR, ("kind: calendar\n", "kind: calendar\napprovals: 2\n")))
    page = f"/admin/drafts/{draft.id}/approve"
    first, second = person(panel, APPROVER), person(panel, ANOTHER)
    assert "Yours is approval 1 of 2: one more person has to approve" in first.text(page)
    first.post(page, {"sha256": draft.sha256, "when": "asked"})
    assert version() == 1
    assert "You cannot approve it" in first.text(page)
    assert "Version 2 is in force at once." in second.text(page)
    second.post(page, {"sha256": draft.sha256, "when": "asked"})
    assert version() == 2


def test_a_schedule_is_chosen_shown_and_cancelled(panel: Panel) -> None:
    draft = submitted()
    page = f"/admin/drafts/{draft.id}/"
    approver = person(panel, APPROVER)
    here = datetime.now(clock.zone())
    monday = (here + timedelta(days=7 - here.weekday())).replace(hour=9, minute=0, second=0, microsecond=0)
    value = str(int(monday.timestamp()) * 1000)
    choices = approver.get(f"{page}approve").text
    assert f'value="{value}"' in choices
    assert f"Monday, {monday.day} {monday:%B %Y}, 09:00" in choices
    shown = approver.post(f"{page}approve", {"sha256": draft.sha256, "when": value, "look": "yes"})
    assert f"from Monday, {monday.day} {monday:%B %Y}, 09:00" in words(shown.text)
    assert drafts.one(draft.id).state == Draft.SUBMITTED
    refused = approver.post(f"{page}approve", {"sha256": draft.sha256, "when": "whenever"})
    assert (refused.status_code, drafts.one(draft.id).state) == (422, Draft.SUBMITTED)
    for wrong in ("soon", "", "2026-13-01T09:00", "2027-01-01T09:00+08:00", "99999-01-01T00:00"):
        refused = approver.post(f"{page}approve", {"sha256": draft.sha256, "when": "other", "at": wrong})
        assert refused.status_code == 422, wrong
        assert "Give a date and a time" in words(refused.text)
    refused = approver.post(f"{page}approve", {"sha256": draft.sha256, "when": "other", "at": "2020-01-01T09:00"})
    assert "the time to take effect must lie ahead" in words(refused.text)
    approver.post(f"{page}approve", {"sha256": draft.sha256, "when": value})
    at = drafts.one(draft.id).effective_at
    assert at is not None
    assert clock.typed(at) == f"{monday:%Y-%m-%d}T09:00"
    assert "It will not take effect on Monday" in approver.text(f"{page}send-back")
    approver.post(f"{page}send-back", {"remark": "not before the holidays"})
    assert drafts.one(draft.id).state == Draft.REJECTED
    assert drafts.next_moment() is None


def test_warnings_are_acknowledged_one_by_one_and_shown_to_the_approver(panel: Panel) -> None:
    draft = begun(doubtful(), "improvement")
    found = drafts.check(draft, clock.now())
    assert found
    assert all(one.level == "warning" for one in found)
    owner = person(panel, OWNER)
    page = f"/admin/drafts/{draft.id}/hand-in"
    refused = owner.post(page, {"reason": "kept <i>text</i>", "when": "now"})
    assert refused.status_code == 422
    assert "warnings that its submitter has to acknowledge" in words(refused.text)
    assert "kept &lt;i&gt;text&lt;/i&gt;" in refused.text
    keys = [html.unescape(key) for key in re.findall(r'name="accept" value="([^"]+)"', refused.text)]
    assert len(keys) == len(found)
    assert owner.post(page, {"accept": keys[1:], "when": "now"}).status_code == (422 if keys else 303)
    assert owner.post(page, {"accept": keys, "when": "now"}).status_code == 303
    shown = person(panel, APPROVER).text(f"/admin/drafts/{draft.id}/approve")
    assert shown.count("acknowledged by whoever handed it in") == len(found)


def doubtful() -> bytes:
    """A process with two templates that nothing uses."""
    idle = "".join(f"  {id}: {{subject: {{zh: 甲, en: A}}, body: {{zh: 甲, en: A}}}}\n" for id in ("idle", "spare"))
    return shipped("improvement", ("\ntemplates:\n", f"\ntemplates:\n{idle}"))


def test_what_is_sent_back_is_mended_as_another_draft(panel: Panel) -> None:
    draft = submitted()
    page = f"/admin/drafts/{draft.id}/"
    approver, owner = person(panel, APPROVER), person(panel, OWNER)
    refused = approver.post(f"{page}send-back", {"remark": " "})
    assert refused.status_code == 422
    assert "say why" in words(refused.text)
    assert approver.post(f"{page}send-back", {"remark": "第一行\n<b>too short</b>"}).status_code == 303
    assert "<b>too short</b>" in owner.text(page)
    fresh = owner.post(f"{page}again").headers["Location"]
    assert "Draft " + str(draft.id) in owner.text(fresh)
    assert bytes(drafts.one(int(fresh.rstrip("/").rsplit("/", 1)[1])).data) == renamed()
    assert owner.post(f"{page}again").status_code == 303
    assert approver.post(f"{page}again").status_code == 403


def test_a_draft_is_taken_back(panel: Panel) -> None:
    draft = submitted()
    owner = person(panel, OWNER)
    assert "Nothing changes yet" in owner.text(f"/admin/drafts/{draft.id}/withdraw")
    owner.post(f"/admin/drafts/{draft.id}/withdraw", {"remark": ""})
    assert drafts.one(draft.id).state == Draft.WITHDRAWN
    again = owner.post(f"/admin/drafts/{draft.id}/withdraw", {"remark": ""})
    assert again.status_code == 409
    assert "is withdrawn now" in words(again.text)


def test_an_earlier_version_is_proposed_again(panel: Panel) -> None:
    approved(submitted())
    owner = person(panel, OWNER)
    said = owner.text(f"/admin/drafts/roll-back/{CALENDAR}/1")
    assert "version 2 stays in force" in said
    answer = owner.post(f"/admin/drafts/roll-back/{CALENDAR}/1", {"reason": "it was better"})
    draft = drafts.one(int(answer.headers["Location"].rstrip("/").rsplit("/", 1)[1]))
    assert (draft.origin, bytes(draft.data)) == (Draft.ROLLBACK, shipped(CALENDAR))
    assert owner.get(f"/admin/drafts/roll-back/{CALENDAR}/9").status_code == 404
    assert owner.get("/admin/drafts/roll-back/nothing/1").status_code == 404


def test_in_an_emergency_the_version_before_is_back_at_once(panel: Panel) -> None:
    page = f"/admin/drafts/emergency/{CALENDAR}"
    root = panel.visitor("root")
    assert "Nothing was in force" in words(root.get(page).text)
    approved(submitted())
    said = root.text(page)
    assert "Version 1 is in force again at once, instead of version 2, without an approval." in said
    assert "are told, with your name and your reason" in said
    refused = root.post(page, {"reason": ""})
    assert (refused.status_code, version()) == (422, 2)
    assert person(panel, APPROVER).post(page, {"reason": "x"}).status_code == 403
    assert root.post(page, {"reason": "it hurts"}).status_code == 303
    assert version() == 1
    entry = AuditEntry.select().where(AuditEntry.kind == "policy.activated").order_by(AuditEntry.id.desc()).first()
    assert (entry.by, "it hurts" in str(entry.body)) == ("root", True)
    assert root.get("/admin/drafts/emergency/nothing").status_code == 404


def test_several_texts_are_handed_in_as_one_act(panel: Panel) -> None:
    owner = person(panel, OWNER)
    texts = [renamed().decode(), shipped("cn-allday", ("title: {zh: ", "title: {zh: 新")).decode()]
    page = owner.post("/admin/drafts/propose", {"text": [texts[0], "kind: process\nname: broken\n"], "when": "now"})
    assert page.status_code == 422
    assert "办公历" in page.text
    assert drafts.drafts(open_only=True) == []
    assert owner.post("/admin/drafts/propose", {"text": texts, "reason": "names", "when": "now"}).status_code == 303
    assert {(draft.name, draft.state) for draft in drafts.drafts()} == {
        (CALENDAR, Draft.SUBMITTED),
        ("cn-allday", Draft.SUBMITTED),
    }
    again = owner.post("/admin/drafts/propose", {"text": texts, "when": "now"})
    assert again.status_code == 303
    assert len(drafts.drafts()) == 2


def test_drafts_are_found_by_document_state_and_person(panel: Panel) -> None:
    one = approved(submitted())
    other = begun(shipped("cn-allday"), "cn-allday", "fu")
    reader = panel.visitor("ida")

    def found(query: str) -> set[int]:
        return {
            int(number) for number in re.findall(r"/admin/drafts/(\d+)/", reader.get(f"/admin/drafts/{query}").text)
        }

    assert found("") == {other.id}
    assert found("?state=settled") == {one.id}
    assert found(f"?document={CALENDAR}") == {one.id}
    assert found(f"?person={APPROVER}") == {one.id}
    assert found("?person=fu") == {other.id}
    assert found("?state=scheduled") == set()
    assert reader.get("/admin/drafts/?state=nonsense").status_code == 404
    assert found(f"?after={other.id}&state=settled") == {one.id}


def test_an_auditor_sees_drafts_and_changes_none(panel: Panel) -> None:
    draft = submitted()
    auditor = panel.visitor("ida")
    text = auditor.text(f"/admin/drafts/{draft.id}/")
    assert "What you can do now" not in text
    assert "You cannot approve it" in auditor.text(f"/admin/drafts/{draft.id}/approve")
    for step in ("approve", "send-back", "withdraw", "hand-in", "again", "rebase"):
        assert auditor.post(f"/admin/drafts/{draft.id}/{step}", {"remark": "x", "reason": "x"}).status_code == 403
    assert drafts.one(draft.id).state == Draft.SUBMITTED


def test_a_member_of_the_owning_team_gets_in_without_the_permission(panel: Panel) -> None:
    owners = {str(one.process.raw.get("owner")) for one in policies.in_force().processes.values()}
    people = snapshot()
    login = next(
        login
        for login in sorted(people.people)
        if any(f"team:{team}" in owners for team in people.teams_of.get(login, ()))
        and "policy.propose" not in people.permissions_of(login)
        and "audit.read" not in people.permissions_of(login)
    )
    assert person(panel, login).get("/admin/drafts/").status_code == 200
    assert panel.visitor("gong").get("/admin/drafts/").status_code == (200 if login == "gong" else 403)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_pasted_is_shown_as_text(panel: Panel, language: str) -> None:
    text = renamed("<script>alert(1)</script>").decode()
    draft = drafts.begin(CALENDAR, text.encode(), drafts.caller(OWNER), clock.now(), "<img src=x>")
    owner = person(panel, OWNER, language)
    for page in ("", "hand-in", "withdraw"):
        shown = owner.get(f"/admin/drafts/{draft.id}/{page}").text
        assert "<script>alert" not in shown
        assert "<img src=x>" not in shown
    assert owner.get("/admin/drafts/99999/").status_code == 404
    nothing = {"remark": "a\x00b"}
    assert owner.post(f"/admin/drafts/{draft.id}/withdraw", nothing).status_code == 400
    assert owner.post(f"/admin/drafts/{draft.id}/withdraw", {"remark": "x" * 20_000}).status_code == 400
    large = owner.post("/admin/drafts/propose", {"text": "x" * 300_000, "when": "now"})
    assert large.status_code == 422
    assert "256 KiB" in large.text


def test_an_approver_sees_the_back_test_of_exactly_that_text(panel: Panel) -> None:
    draft = submitted(shipped(PROCESS, ("title: {zh: ", "title: {zh: 新")), PROCESS, "fu")
    page = f"/admin/drafts/{draft.id}/approve"
    approver = person(panel, APPROVER)
    before = approver.get(page).text
    assert f"/admin/trying/{draft.id}/try" in approver.get(f"/admin/drafts/{draft.id}/").text
    assert person(panel, OWNER).post(f"/admin/trying/{draft.id}/backtests", {}).status_code < 400
    assert f"/admin/trying/{draft.id}/backtests/" not in before
    assert f"/admin/trying/{draft.id}/backtests/" in approver.get(page).text


def test_a_draft_that_was_overtaken_waits_for_its_author_and_not_for_an_approver(panel: Panel) -> None:
    late = submitted()
    approver, author = person(panel, APPROVER), person(panel, OWNER)
    assert "Approve it, or send it back" in approver.text("/admin/documents/")
    approved(submitted(renamed("另一个名字"), by="fu"))
    assert "Approve it, or send it back" not in approver.text("/admin/documents/")
    assert "Waiting for your approval" not in approver.text("/admin/drafts/")
    assert "Put its changes onto what is in force now" in author.text("/admin/documents/")
    assert "rebase" in drafts.possible(drafts.one(late.id), drafts.caller(OWNER))


@pytest.mark.parametrize(
    ("language", "place"), [("en", "Clocks › first_response › Within"), ("zh", "时限 › first_response › 时限")]
)
def test_a_finding_names_its_place_as_the_form_does_and_leads_there(panel: Panel, language: str, place: str) -> None:
    draft = begun(shipped(COMPLAINTS, ("within: {A: 1h, B: 4h", "within: {Z: 1h, B: 4h")), COMPLAINTS)
    visitor = person(panel, OWNER, language)
    pages = [visitor.get(f"/admin/drafts/{draft.id}/hand-in"), visitor.get(f"/admin/drafts/{draft.id}/")]
    pages.append(visitor.post(f"/admin/drafts/{draft.id}/hand-in", {"reason": "why"}))
    pages.append(visitor.post("/admin/drafts/propose", {"text": bytes(draft.data).decode(), "reason": "why"}))
    assert [page.status_code for page in pages] == [200, 200, 422, 422]
    for page in pages:
        assert place in words(page.text)
        assert "clocks.first_response" not in words(page.text).partition("kind: process")[0]
    for page in pages[:3]:
        assert f'href="/admin/editor/{draft.id}/#at/clocks/first_response/within' in page.text
    errors = visitor.text(f"/admin/trying/{draft.id}/examples")
    assert place in errors
