"""Private fields are gone when `keep` is over, everywhere; until then they are there."""

from __future__ import annotations

import json

import pytest

from server import acting, erasing, intake, issues, schedules
from server.core.moments import DAY, parse
from server.evidence.verifying import verify
from server.recording import held
from server.sealing import Sealer, Signer
from server.store.database import Store
from server.store.models import TABLES, AuditEntry, Event, Issue, Message, PrivateValue
from tests.publishing import publish
from tests.server.conftest import MONDAY

FLOW = """\
kind: process
name: flow
title: Flow
calendar: cn-office
keep: 1y
severities: {A: {title: A}}
fields: {phone: {type: phone, private: true}, text: {type: text}}
classify: {severity: [{is: A, when: {field: phone, known: true}}, {is: A}]}
route: [{to: team:support}]
stages: {first: {title: First}, end: {title: End, final: true}}
actions:
  finish: {title: Finish, from: first, to: end, by: anyone, form: {phone: optional}}
  reopen:
    title: Reopen
    from: end
    to: first
    by: anyone
    opens: {process: flow, fields: {subject: y, phone: field:phone}}
notify: {told: {on: received, steps: [{via: email, to: lead, template: full}]}}
templates: {full: {subject: "{{ number }}", body: "{{ phone }}"}}
"""
PHONES = ("13912345678", "13987654321")
A_YEAR_LATER = parse("2027-03-02T09:00:00+08:00")


@pytest.fixture
def closed(open_for_business: Store) -> str:
    publish(FLOW, MONDAY)
    number = intake.receive("flow", {"subject": "x", "phone": PHONES[0], "text": "stays"}, MONDAY, "gong").number
    acting.act(number, "finish", "li", {"phone": PHONES[1]}, MONDAY)
    return number


def everything() -> str:
    """Every value in the store, as text."""
    rows = [row for table in TABLES for row in table.select().tuples()]
    return "\n".join(
        value.decode("utf-8", "replace") if isinstance(value, bytes | memoryview) else str(value)
        for row in rows
        for value in (bytes(one) if isinstance(one, memoryview) else one for one in row)
    )


def test_nothing_is_erased_before_its_time(closed: str) -> None:
    schedules.run(MONDAY)
    schedules.run(A_YEAR_LATER - DAY)
    assert Issue.get(Issue.number == closed).erased_at is None
    assert held(closed).case.facts["phone"] == PHONES[1]
    assert all(phone in everything() for phone in PHONES)


def test_when_keep_is_over_private_values_are_nowhere_any_more(closed: str) -> None:
    schedules.run(MONDAY)
    schedules.run(A_YEAR_LATER + DAY)
    found = everything()
    assert not any(phone in found for phone in PHONES)
    assert "stays" in found
    assert PrivateValue.select().count() == 0
    assert [line["kind"] for line in issues.timeline(closed)][:2] == ["received", "notified"]
    assert issues.read(closed, "li", A_YEAR_LATER)["facts"].keys() == {"subject", "text", "received"}
    issue = Issue.get(Issue.number == closed)
    assert issue.erased_at == A_YEAR_LATER + DAY
    last = Event.select().where(Event.issue == issue).order_by(Event.seq.desc()).get()
    assert (last.kind, last.seq) == ("erased", issue.seq)
    assert json.loads(AuditEntry.get(AuditEntry.kind == "issue.erased").body)["body"]["erased"] == ["phone"]


def test_the_audit_trail_still_verifies_when_private_values_are_erased(closed: str) -> None:
    key, texts = Signer(b"s" * 32), [row.body for row in AuditEntry.select().order_by(AuditEntry.id)]
    Sealer("test").work(MONDAY, key)
    schedules.run(MONDAY)
    schedules.run(A_YEAR_LATER + DAY)
    Sealer("test").work(A_YEAR_LATER + DAY, key)
    found = verify((key.verifier,))
    assert found.is_sound
    assert (found.unsealed, found.checkpoints["store"]) == (0, 2)
    assert found.events == Event.select().count()
    assert [row.body for row in AuditEntry.select().order_by(AuditEntry.id)][: len(texts)] == texts
    assert AuditEntry.select().where(AuditEntry.kind == "issue.erased").exists()


def test_an_issue_is_erased_once(closed: str) -> None:
    schedules.run(MONDAY)
    schedules.run(A_YEAR_LATER + DAY)
    schedules.run(A_YEAR_LATER + 2 * DAY)
    assert Event.select().where(Event.kind == "erased").count() == 1


def test_an_issue_that_was_reopened_keeps_its_fields(closed: str) -> None:
    acting.act(closed, "reopen", "li", {}, MONDAY)
    schedules.run(MONDAY)
    schedules.run(A_YEAR_LATER + DAY)
    assert held(closed).case.facts["phone"] == PHONES[1]


def test_an_erased_issue_that_is_reopened_copies_nothing_private(closed: str) -> None:
    schedules.run(MONDAY)
    schedules.run(A_YEAR_LATER + DAY)
    acting.act(closed, "reopen", "li", {}, A_YEAR_LATER + 2 * DAY)
    assert not any(phone in everything() for phone in PHONES)


def test_what_an_opened_issue_was_asked_is_erased_with_it(closed: str) -> None:
    acting.act(closed, "reopen", "li", {}, MONDAY)
    acting.act(closed, "finish", "li", {}, MONDAY)
    opened = Issue.select().order_by(Issue.id.desc()).get()
    acting.act(opened.number, "finish", "li", {}, MONDAY)
    schedules.run(MONDAY)
    schedules.run(A_YEAR_LATER + DAY)
    assert not any(phone in everything() for phone in PHONES)


def test_more_than_one_turn_does_is_done_in_the_next(closed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "AT_ONCE", 1)
    other = intake.receive("flow", {"subject": "x", "phone": PHONES[0]}, MONDAY).number
    acting.act(other, "finish", "li", {}, MONDAY)
    schedules.run(MONDAY)
    left = []
    for _ in range(4):
        schedules.run(A_YEAR_LATER + DAY)
        left.append(Issue.select().where(Issue.process == "flow", Issue.erased_at.is_null()).count())
    assert left == [1, 0, 0, 0]


def test_an_issue_that_cannot_be_read_holds_up_no_other(closed: str) -> None:
    broken = intake.receive("flow", {"subject": "x", "phone": PHONES[0]}, MONDAY - DAY).number
    acting.act(broken, "finish", "li", {}, MONDAY)
    Issue.update(case="{}", closed_at=MONDAY - DAY).where(Issue.number == broken).execute()
    schedules.run(MONDAY)
    schedules.run(A_YEAR_LATER + DAY)
    assert Issue.get(Issue.number == closed).erased_at is not None
    assert Issue.get(Issue.number == broken).problem is not None


def test_messages_that_still_have_to_leave_are_left_alone(closed: str) -> None:
    Message.update(state=Message.PENDING).execute()
    schedules.run(MONDAY)
    schedules.run(A_YEAR_LATER + DAY)
    assert PHONES[0] in Message.select().order_by(Message.id).get().body
