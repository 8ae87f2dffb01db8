"""People and customers act on issues: strictly one after the other, by the policy's rules, all of it on record."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from server import acting, intake, issues
from server.core.moments import DAY, HOUR, MINUTE
from server.receipts import DEEPEST
from server.recording import PreconditionFailed, UnknownIssue, held
from server.store.database import Store
from server.store.models import AuditEntry, Event, Issue, IssueLink, Message, Version
from tests.publishing import publish
from tests.server.conftest import MONDAY

pytestmark = pytest.mark.usefixtures("open_for_business")

LATER = MONDAY + 5 * MINUTE


@pytest.fixture
def number(open_for_business: Store) -> str:
    given = {
        "subject": "支付中断",
        "customer": "甲公司",
        "phone": "13800000000",
        "reference": "400-1",
        "summary": "无法支付",
        "category": "price",
        "outage": True,
    }
    return intake.receive("complaint-monitoring", given, MONDAY, "gong").number


def kinds(number: str) -> list[str]:
    return [line["kind"] for line in issues.timeline(number)]


def owner(number: str) -> str:
    found = held(number).case.owner
    assert found is not None
    return found


def test_an_action_changes_the_issue_its_timeline_and_the_audit_trail(number: str) -> None:
    who = owner(number)
    before = held(number)
    recorded = acting.act(number, "respond", who, {}, LATER)
    assert (recorded.seq, recorded.case.stage) == (before.seq + 1, "handling")
    issue = Issue.get(Issue.number == number)
    assert (issue.stage, issue.owner, issue.seq) == ("handling", who, before.seq + 1)
    assert [kind for kind in kinds(number) if kind in ("action", "clock_met")][-2:] == ["action", "clock_met"]
    entry = AuditEntry.select().where(AuditEntry.issue == issue).order_by(AuditEntry.id.desc()).get()
    assert (entry.kind, entry.by) == ("issue.action", who)


@pytest.mark.parametrize(
    ("action", "by", "given", "error", "why"),
    [
        ("dance", "OWNER", {}, acting.UnknownAction, "unknown"),
        ("offer", "OWNER", {"solution": "x"}, acting.NotPossible, "stage"),
        ("respond", "zhou", {}, acting.NotAllowed, "by"),
        ("redirect", "OWNER", {}, acting.BadForm, "form"),
        ("redirect", "OWNER", {"category": "nonsense"}, acting.BadForm, "form"),
        ("assign", "OWNER", {"to": "team:nonsense"}, acting.BadForm, "form"),
        ("assign", "OWNER", {"to": "nobody-of-that-name"}, acting.BadForm, "form"),
        ("edit", "OWNER", {"goes_on": "nobody-of-that-name"}, acting.BadForm, "form"),
        ("comment", "OWNER", {"text": "\x00"}, acting.BadForm, "form"),
        ("comment", "OWNER", {"text": "\ud800"}, acting.BadForm, "form"),
        ("link", "OWNER", {"number": "nonsense"}, acting.BadForm, "form"),
        ("assign", "zhou", {"to": "nobody-of-that-name"}, acting.NotAllowed, "by"),
    ],
)
def test_what_is_refused_changes_nothing_and_is_audited(
    number: str, action: str, by: str, given: dict[str, Any], error: type[acting.ActionRefused], why: str
) -> None:
    before = Issue.get(Issue.number == number)
    by = owner(number) if by == "OWNER" else by
    with pytest.raises(error) as refused:
        acting.act(number, action, by, given, LATER)
    assert refused.value.why == why
    if isinstance(refused.value, acting.BadForm):
        assert refused.value.problems
        assert all(problem.text("zh") and problem.text("en") for problem in refused.value.problems)
    after = Issue.get(Issue.number == number)
    assert (after.seq, after.case, after.wake_at) == (before.seq, before.case, before.wake_at)
    assert "refused" not in kinds(number)
    entry = AuditEntry.get(AuditEntry.kind == "issue.refused")
    assert json.loads(entry.body)["body"] == {"number": number, "action": action, "why": why}


def test_an_issue_that_is_not_there_is_unknown() -> None:
    with pytest.raises(UnknownIssue):
        acting.act("nonsense", "comment", "gong", {"text": "x"}, LATER)


def test_a_precondition_that_no_longer_holds_is_told(number: str) -> None:
    seq = held(number).seq
    acting.act(number, "comment", owner(number), {"text": "x"}, LATER, if_seq=seq)
    with pytest.raises(PreconditionFailed) as failed:
        acting.act(number, "comment", owner(number), {"text": "y"}, LATER, if_seq=seq)
    assert failed.value.seq == seq + 1


def test_time_passes_first_up_to_but_not_including_the_event(number: str) -> None:
    acting.act(number, "respond", owner(number), {}, MONDAY + HOUR)
    lines = [line for line in issues.timeline(number) if line.get("clock") == "first_response"]
    assert [line["kind"] for line in lines] == ["clock_started", "clock_warned", "clock_warned", "clock_met"]


def test_an_event_is_never_earlier_than_the_one_before(number: str) -> None:
    acting.act(number, "comment", owner(number), {"text": "x"}, LATER)
    acting.act(number, "comment", owner(number), {"text": "y"}, LATER - 2 * MINUTE)  # the clock went back
    assert [row.at for row in Event.select().where(Event.kind == "action").order_by(Event.seq)] == [LATER, LATER]


def test_many_who_act_at_once_all_come_through_one_after_the_other(number: str, open_for_business: Store) -> None:
    who = owner(number)
    failed: list[Exception] = []

    def comment() -> None:
        try:
            for index in range(4):
                acting.act(number, "comment", who, {"text": str(index)}, LATER)
        except Exception as error:
            failed.append(error)
        finally:
            if not open_for_business.is_postgresql:
                open_for_business.close()

    threads = [threading.Thread(target=comment) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    issue = Issue.get(Issue.number == number)
    seqs = [row.seq for row in Event.select().where(Event.issue == issue).order_by(Event.seq)]
    assert seqs == list(range(1, issue.seq + 1))
    assert kinds(number).count("action") == 17  # and `record`, by itself


def test_of_two_who_close_at_once_one_is_too_late(number: str, open_for_business: Store) -> None:
    who = owner(number)
    outcome: list[str] = []
    start = threading.Barrier(2)

    def respond() -> None:
        start.wait()
        try:
            acting.act(number, "respond", who, {}, LATER)
            outcome.append("done")
        except acting.NotPossible as refused:
            outcome.append(refused.why)
        finally:
            if not open_for_business.is_postgresql:
                open_for_business.close()

    threads = [threading.Thread(target=respond) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome) == ["done", "stage"]


def test_an_action_opens_the_linked_issue_in_the_same_transaction(number: str) -> None:
    who = owner(number)
    acting.act(number, "system_fault", who, {}, LATER)
    link = IssueLink.get()
    opened = Issue.get_by_id(link.other_id)
    assert (link.issue.number, link.relation, link.by) == (number, "opened", who)
    assert (opened.process, opened.subject, opened.received_at) == ("improvement", "系统故障导致投诉数据异常", LATER)
    assert held(opened.number).case.receiver == who
    assert [one["number"] for one in issues.read(number, who, LATER)["links"]] == [opened.number]
    assert [one["number"] for one in issues.read(opened.number, who, LATER)["links"]] == [number]


def test_processes_that_open_one_another_come_to_an_end() -> None:
    text = """\
kind: process
name: circle
title: Circle
calendar: cn-allday
number: "C{serial:4}"
severities: {A: {title: A}}
classify: {severity: [{is: A}]}
stages: {first: {title: First}, end: {title: End, final: true}}
actions:
  again: {title: Again, from: first, by: anyone, opens: {process: circle, fields: {subject: field:subject}}}
  finish: {title: Finish, from: first, to: end}
automate: [{on: received, do: again}]
"""
    publish(text, MONDAY)
    intake.receive("circle", {"subject": "x"}, MONDAY)
    assert Issue.select().where(Issue.process == "circle").count() == DEEPEST + 1
    assert [row.number for row in Issue.select().where(Issue.process == "circle").order_by(Issue.id)][:2] == [
        "C0001",
        "C0002",
    ]
    assert AuditEntry.select().where(AuditEntry.kind == "issue.not-opened").count() == 1


def test_a_link_by_hand_is_there_once(number: str) -> None:
    other = intake.receive("complaint-monitoring", {"subject": "x"}, MONDAY, "gong").number
    for _ in range(2):
        acting.act(number, "link", owner(number), {"number": other, "as": "duplicate"}, LATER)
    assert [(row.issue.number, row.other.number, row.relation) for row in IssueLink.select()] == [
        (number, other, "duplicate")
    ]


def solved(number: str) -> str:
    who = owner(number)
    acting.act(number, "respond", who, {}, LATER)
    acting.act(number, "offer", who, {"solution": "已修复"}, LATER + MINUTE)
    acting.act(number, "confirm_solved", who, {}, LATER + 2 * MINUTE)
    return who


ANSWERS = {"really_solved": True, "with_solution": 5, "with_service": 4}


def test_a_customer_answers_once_and_in_time(number: str) -> None:
    solved(number)
    with pytest.raises(acting.BadForm):
        acting.answer(number, "follow_up", {"with_solution": 6}, LATER + HOUR)
    acting.answer(number, "follow_up", ANSWERS, LATER + HOUR, times=1)
    assert held(number).case.facts["with_service"] == 4
    with pytest.raises(acting.NotPossible):
        acting.answer(number, "follow_up", ANSWERS, LATER + HOUR)


def test_a_link_that_was_replaced_or_has_expired_answers_nothing(number: str) -> None:
    solved(number)
    with pytest.raises(acting.NotPossible):
        acting.answer(number, "follow_up", ANSWERS, LATER + HOUR, times=2)
    with pytest.raises(acting.NotPossible):
        acting.answer(number, "follow_up", ANSWERS, LATER + 15 * DAY)


def test_a_bad_answer_of_the_customer_reopens_by_itself(number: str) -> None:
    solved(number)
    acting.answer(number, "follow_up", {**ANSWERS, "really_solved": False}, LATER + HOUR)
    assert (held(number).case.stage, held(number).case.times_reopened) == ("handling", 1)


def test_closing_and_reopening_are_remembered(number: str) -> None:
    solved(number)
    acting.act(number, "close", "mo", {"monitor_note": "已核验"}, LATER + HOUR)
    issue = Issue.get(Issue.number == number)
    assert (issue.final, issue.closed_at) == (True, LATER + HOUR)
    acting.act(number, "reject", "mo", {"monitor_note": "再看"}, LATER + 2 * HOUR)
    issue = Issue.get(Issue.number == number)
    assert (issue.final, issue.closed_at) == (False, None)


ASKS = """\
kind: process
name: asking
title: Asking
calendar: cn-allday
severities: {A: {title: A}}
classify: {severity: [{is: A}]}
route: [{to: team:support}]
stages: {first: {title: First}, end: {title: End, final: true}}
actions:
  finish: {title: Finish, from: first, to: end}
notify:
  weekly: {on: received, send: ask, steps: [{via: verbal, to: lead}]}
  twice: {on: received, steps: [{via: verbal, to: lead}]}
"""


@pytest.fixture
def asking(open_for_business: Store) -> str:
    publish(ASKS, MONDAY)
    return intake.receive("asking", {"subject": "x"}, MONDAY).number


def test_a_notice_that_was_asked_about_is_sent_by_those_who_handle_the_issue(asking: str) -> None:
    member = "li"
    with pytest.raises(acting.NotAllowed):
        acting.send(asking, "weekly", "liang", LATER)
    acting.send(asking, "weekly", member, LATER)
    assert [line["kind"] for line in issues.timeline(asking)][-1] == "notified"
    with pytest.raises(acting.NotPossible):
        acting.send(asking, "weekly", member, LATER)


def test_a_manual_step_is_confirmed_with_its_task(asking: str) -> None:
    assert [row.state for row in Message.select()] == [Message.MANUAL]
    acting.confirm(asking, "twice", "li", LATER)
    assert [row.state for row in Message.select()] == [Message.CONFIRMED]
    with pytest.raises(acting.NotPossible):
        acting.confirm(asking, "twice", "li", LATER)


# -- reading -------------------------------------------------------------------------------------------------------


def test_an_issue_is_read_as_the_contract_says(number: str) -> None:
    who = owner(number)
    found = issues.read(number, who, LATER)
    assert found["number"] == number
    assert found["version"] == "sha256:" + Version.get(Version.name == "complaint-monitoring").sha256
    assert (found["severity"], found["stage"], found["team"], found["owner"]) == ("A", "recorded", "finance", who)
    assert found["values"] == {"risk": "low", "scale": "major", "department": "finance"}
    assert found["received"] == "2026-03-02T09:00:00+08:00"
    assert found["facts"]["phone"] == "13800000000"
    assert {"clock": "first_response", "run": 1, "state": "running", "due": "2026-03-02T10:00:00+08:00"} in found[
        "clocks"
    ]
    assert {"clock": "recording", "run": 1, "state": "met", "due": "2026-03-02T09:15:00+08:00"} in found["clocks"]
    forms = {one["action"]: one["form"] for one in found["actions"]}
    assert forms["redirect"]["category"]["required"] is True
    assert forms["respond"] == {}
    assert "close" not in forms
    assert found["seq"] == held(number).seq
    json.dumps(found)


def test_private_fields_are_for_those_who_handle_the_issue(number: str) -> None:
    who = owner(number)
    acting.act(number, "edit", "gong", {"email": "kehu@example.com"}, LATER)
    for reader, sees in ((who, True), ("gong", True), ("mo", True), ("admin", True), ("liang", False), ("", False)):
        assert ("phone" in issues.read(number, reader, LATER)["facts"]) is sees, reader
        shown = json.dumps(issues.timeline(number, reader))
        assert ("kehu@example.com" in shown) is sees, reader


def test_pages_are_not_moved_by_what_arrives_meanwhile(number: str) -> None:
    numbers = [number] + [
        intake.receive("improvement", {"subject": f"改进 {i}", "origin": "root_cause"}, MONDAY).number for i in range(5)
    ]
    first = issues.listed(issues.Filters(), limit=4)
    intake.receive("improvement", {"subject": "new", "origin": "root_cause"}, MONDAY)
    second = issues.listed(issues.Filters(), after=first.next, limit=4)
    assert [one["number"] for one in [*first.issues, *second.issues]] == numbers[::-1]
    assert second.next is None
    assert [one["number"] for one in issues.listed(issues.Filters(severity="A")).issues] == [number]
    assert [one["number"] for one in issues.listed(issues.Filters(q="支付")).issues] == [number]
    assert len(issues.listed(issues.Filters(process="improvement", final=False)).issues) == 6
    with pytest.raises(issues.BadCursor):
        issues.listed(issues.Filters(), after="x")
