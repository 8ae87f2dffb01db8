"""What falls due together is written together, and each issue becomes what it would have become by itself."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from server import intake, recording
from server.core.moments import MINUTE, SECOND
from server.evidence.recomputing import recompute
from server.recording import held
from server.store import database
from server.store.database import Store
from server.store.models import AuditEntry, Event, Issue, IssueLink, Message
from server.sweep import sweep
from tests.publishing import publish
from tests.server.conftest import MONDAY

PASSING = """\
kind: process
name: passing
title: Passing
calendar: cn-allday
number: "P{serial:4}"
severities: {A: {title: A}}
classify: {severity: [{is: A}]}
stages: {first: {title: First}, second: {title: Second}, end: {title: End, final: true}}
route:
  - {to: team:support, when: {field: stage, is: second}, assign: least_busy}
  - {to: team:support}
actions:
  hand_on: {title: Hand on, from: first, to: second, by: anyone, assign: route}
  finish: {title: Finish, to: end, by: anyone}
  improve: {title: Improve, by: anyone, opens: {process: opened, fields: {subject: Improve}}}
clocks:
  once: {title: Once, on: received, until: finish, within: 10m}
  again: {title: Again, on: clock.once.breached, until: finish, within: 30s}
notify:
  late:
    {title: Late, on: [clock.once.breached, clock.again.breached], until: finish, send: always,
     steps: [{via: email, to: team}]}
"""
HANDED_ON = """\
automate:
  - {on: clock.once.breached, do: hand_on}
  - {on: clock.once.breached, do: improve}
"""
OPENED = """\
kind: process
name: opened
title: Opened
calendar: cn-allday
number: "O{serial:4}"
severities: {A: {title: A}}
classify: {severity: [{is: A}]}
stages: {first: {title: First}, end: {title: End, final: true}}
actions: {finish: {title: Finish, from: first, to: end, by: anyone}}
"""
DUE = MONDAY + 10 * MINUTE

pytestmark = pytest.mark.usefixtures("open_for_business")


def received(count: int, apart: int = 0, policy: str = PASSING) -> list[int]:
    publish(OPENED, MONDAY)
    publish(policy, MONDAY)
    return [intake.receive("passing", {"subject": f"{one}"}, MONDAY + one * apart).issue for one in range(count)]


def state() -> list[Any]:
    """All that is in the store of issues, without the ids that the database gave."""
    number = dict(Issue.select(Issue.id, Issue.number).tuples())
    issues = [(row.number, row.seq, row.case, row.wake_at, row.owner) for row in Issue.select().order_by(Issue.number)]
    events = [(number[row.issue_id], row.seq, row.body, row.entries) for row in Event.select().order_by(Event.id)]
    told = [(row.key, row.recipient, row.body) for row in Message.select().order_by(Message.key)]
    links = sorted((number[row.issue_id], number[row.other_id]) for row in IssueLink.select())
    trail = [(row.kind, number[row.issue_id]) for row in AuditEntry.select().where(AuditEntry.issue.is_null(False))]
    return [issues, sorted(events, key=lambda one: one[:2]), told, links, Counter(trail)]


def one_by_one(now: int) -> list[Any]:
    """What there would be if each issue had been in a transaction of its own, as it is within another one."""
    with database.transaction(), database.current().db.atomic() as savepoint:
        while sweep(now):
            pass
        found = state()
        savepoint.rollback()
    return found


@pytest.mark.parametrize("apart", [0, 7 * SECOND])
@pytest.mark.parametrize("policy", [PASSING, PASSING + HANDED_ON])
def test_together_is_as_one_by_one(policy: str, apart: int, caplog: pytest.LogCaptureFixture) -> None:
    received(7, apart, policy)
    now = DUE + 7 * 7 * SECOND
    alone = one_by_one(now)
    with caplog.at_level("INFO", "duban.sweep"):
        while sweep(now):
            pass
    assert caplog.messages == [], "nothing failed, so that it was done one by one"
    assert state() == alone
    assert alone[2]
    assert list(recompute().differences) == []
    passed = Event.select().where(Event.kind == "time").order_by(Event.id)
    moments = [line["at"] for row in passed for line in json.loads(row.entries)]
    assert moments == sorted(moments)


def test_who_is_least_busy_is_counted_with_those_before() -> None:
    issues = received(8, policy=PASSING + HANDED_ON)
    sweep(DUE)
    owners = Counter(held(issue).case.owner for issue in issues)
    assert set(owners.values()) == {2}, "four people share eight issues"
    opened = [row.number for row in Issue.select().where(Issue.process == "opened").order_by(Issue.id)]
    assert opened == [f"O000{serial}" for serial in range(1, 9)]
    linked = IssueLink.select().where(IssueLink.relation == "opened").order_by(IssueLink.id)
    assert [row.issue_id for row in linked] == issues


def test_many_need_as_many_statements_as_few(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    received(20)
    said: list[str] = []
    real = store.db.execute_sql

    def heard(sql: str, *more: Any) -> Any:
        said.append(sql)
        return real(sql, *more)

    monkeypatch.setattr(store.db, "execute_sql", heard)
    sweep(DUE, limit=2)
    del said[:]
    assert sweep(DUE, limit=2) == 2
    few = len(said)
    del said[:]
    assert sweep(DUE) == 16
    if store.is_postgresql:
        assert len(said) == few
    assert len([one for one in said if one.startswith("SELECT")]) <= few


def test_one_that_somebody_changed_although_nobody_could_leaves_none_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    issues = received(3)
    real = recording.held_together
    told: list[bool] = []

    def old(*given: Any) -> Any:
        found = real(*given)
        told.append(True)
        Issue.update(seq=5).where(Issue.id == issues[1]).execute()
        return found

    monkeypatch.setattr("server.passing.held_together", old)
    assert sweep(DUE) == 3
    assert told == [True]
    # What the transaction began is taken back, and each has passed by itself: nobody had changed the one in between.
    assert [(row.seq, row.problem) for row in Issue.select().order_by(Issue.id)] == [(2, None)] * 3
