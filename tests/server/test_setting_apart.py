"""What the server cannot go on with is set apart with its problem, holds up nothing else, and is put back to work."""

from __future__ import annotations

import json
from typing import Any

import pytest

from server import acting, intake, issues, receipts, recording, schedules
from server.core.moments import HOUR, MINUTE, SECOND, Moment, parse
from server.recording import held
from server.setting_apart import CannotGoOn, take_up_again
from server.store import database
from server.store.database import Store
from server.store.models import AuditEntry, Event, Issue, Schedule
from server.sweep import sweep
from tests import beginnings
from tests.publishing import publish
from tests.server.conftest import MONDAY
from tests.server.test_sweep import TICKING

# Its own breach ends it and starts it again, due at once.
SPINNING = """\
kind: process
name: spinning
title: Spinning
calendar: cn-allday
number: "S{serial:4}"
severities: {A: {title: A}}
classify: {severity: [{is: A}]}
stages: {first: {title: First}, end: {title: End, final: true}}
actions: {finish: {title: Finish, from: first, to: end, by: anyone}}
clocks:
  hour: {title: Hour, on: received, until: finish, within: 1h}
  spin: {title: Spin, on: [clock.hour.breached, clock.spin.breached], until: clock.spin.breached, within: now}
"""


@pytest.fixture(autouse=True)
def documents(store: Store) -> None:
    beginnings.shipped(MONDAY)
    for text in (TICKING, SPINNING):
        publish(text, MONDAY)


def receive(process: str = "ticking") -> str:
    return intake.receive(process, {"subject": "x"}, MONDAY, "li").number


def problem(number: str) -> dict[str, Any] | None:
    text = Issue.get(Issue.number == number).problem
    return None if text is None else json.loads(text)


def breaches(number: str) -> list[Moment]:
    lines = issues.entries(held(number).id)
    return [line["at"] - MONDAY for line in lines if line["kind"] == "clock_breached"]


def audited(kind: str) -> int:
    return AuditEntry.select().where(AuditEntry.kind == kind).count()


@pytest.mark.parametrize("case", ["{}", "no JSON", '{"format": 99}'])
def test_an_issue_whose_case_cannot_be_read_is_set_apart_and_holds_up_nothing(case: str) -> None:
    poisoned, other = receive(), receive()
    with database.transaction():
        Issue.update(case=case).where(Issue.number == poisoned).execute()
    for _ in range(2):
        with pytest.raises(CannotGoOn):
            acting.act(poisoned, "finish", "li", {}, MONDAY + MINUTE)
    sweep(MONDAY + 10 * MINUTE)
    assert breaches(other) == [10 * MINUTE]
    assert issues.listed(issues.Filters(problem=True)).issues[0]["number"] == poisoned
    assert audited("issue.set-apart") == 1


def test_an_issue_whose_policy_fails_when_somebody_acts_is_set_apart_and_put_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    number, other = receive(), receive()
    real = recording.advance

    def fails(process: Any, case: Any, event: Any, now: Moment, world: Any) -> Any:
        if case is not None and case.number == number:
            raise ZeroDivisionError("a bug in what the policy became")
        return real(process, case, event, now, world)

    monkeypatch.setattr(recording, "advance", fails)
    before = Event.select().count()
    for _ in range(2):
        with pytest.raises(CannotGoOn):
            acting.act(number, "comment", "li", {"text": "x"}, MONDAY + MINUTE)
    assert Event.select().count() == before
    assert problem(number) == {
        "at": MONDAY + MINUTE,
        "error": "ZeroDivisionError",
        "detail": "a bug in what the policy became",
    }
    assert audited("issue.set-apart") == 1
    acting.act(other, "comment", "li", {"text": "x"}, MONDAY + MINUTE)
    sweep(MONDAY + 10 * MINUTE)
    assert (breaches(number), breaches(other)) == ([], [10 * MINUTE])

    assert take_up_again(Issue.get(Issue.number == number).id, MONDAY + 11 * MINUTE, "root")
    sweep(MONDAY + 11 * MINUTE)
    assert problem(number) is not None, "it still fails"
    monkeypatch.setattr(recording, "advance", real)
    assert take_up_again(Issue.get(Issue.number == number).id, MONDAY + 11 * MINUTE, "root")
    assert not take_up_again(Issue.get(Issue.number == other).id, MONDAY + 11 * MINUTE, "root")
    sweep(MONDAY + 11 * MINUTE)
    assert breaches(number) == [10 * MINUTE, 10 * MINUTE + 30 * SECOND, 11 * MINUTE]
    assert audited("issue.taken-up-again") == 2


def test_an_issue_that_never_comes_to_an_end_of_one_instant_is_set_apart_at_once(store: Store) -> None:
    spinning, other = receive("spinning"), receive()
    sweep(MONDAY + HOUR)
    found = problem(spinning)
    assert found is not None
    assert found["error"] == "NeverSettles"
    assert breaches(other)[0] == 10 * MINUTE
    with pytest.raises(CannotGoOn):
        acting.act(spinning, "finish", "li", {}, MONDAY + 2 * HOUR)
    assert breaches(spinning) == []


def test_an_item_whose_policy_fails_at_run_time_is_kept_and_the_others_of_its_delivery_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = TICKING_SOURCE.encode()
    publish(source, MONDAY)
    real = receipts.advance

    def fails(process: Any, case: Any, event: Any, now: Moment, world: Any) -> Any:
        if event.get("facts", {}).get("subject") == "bad":
            raise ZeroDivisionError("a bug in what the policy became")
        return real(process, case, event, now, world)

    monkeypatch.setattr(receipts, "advance", fails)
    body = json.dumps({"items": [{"id": one, "title": one} for one in ("good", "bad", "better")]}).encode()
    outcomes = intake.take("ticks", {"Authorization": "Bearer t"}, body, MONDAY, {"TICKS": "t"})
    assert [outcome.created for outcome in outcomes] == [True, False, True]
    assert outcomes[1].kept is not None
    monkeypatch.setattr(receipts, "advance", real)
    (again,) = intake.replay_kept(outcomes[1].kept, MONDAY + MINUTE, "root")
    assert again.created


TICKING_SOURCE = """\
kind: source
name: ticks
process: ticking
verify: {scheme: bearer, secret: env:TICKS}
each: items
external_id: id
fields: {subject: title}
"""

ROUND = """\
kind: source
name: round
process: ticking
at: daily 16:00
issue: {subject: Round}
"""


def test_a_schedule_that_fails_is_set_apart_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    publish(ROUND, MONDAY)
    schedules.run(MONDAY)
    due = parse("2026-03-02T16:00:00+08:00")
    real = receipts.advance
    monkeypatch.setattr(receipts, "advance", lambda *_: 1 / 0)
    schedules.run(due, schedules.PROMPT)
    row = Schedule.get(Schedule.name == "round")
    assert "ZeroDivisionError" in row.problem
    monkeypatch.setattr(receipts, "advance", real)
    schedules.run(due + MINUTE, schedules.PROMPT)
    assert not Issue.select().where(Issue.source == "round").exists()
    assert schedules.take_up_again(row.id, due + MINUTE, "root")
    assert not schedules.take_up_again(row.id, due + MINUTE, "root")
    schedules.run(due + MINUTE, schedules.PROMPT)
    (opened,) = Issue.select().where(Issue.source == "round")
    assert opened.received_at == due
