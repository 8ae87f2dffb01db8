"""What comes round opens its issue once, also after a downtime; samples are drawn as anybody can check."""

from __future__ import annotations

import threading

import pytest

from server import acting, intake, policies, sampling, schedules
from server.core.moments import DAY, HOUR, MINUTE, Moment, parse
from server.core.surveys import is_drawn
from server.issues import read
from server.recording import held
from server.schedules import Scheduler
from server.store.database import Store
from server.store.models import AuditEntry, Issue, IssueLink, Schedule
from server.sweep import Sweeper
from tests import beginnings
from tests.publishing import publish
from tests.server.conftest import MONDAY

DAILY = parse("2026-03-02T16:00:00+08:00")

ROUND = """\
kind: source
name: round
process: improvement
at: daily 16:00
issue: {subject: 巡检, origin: root_cause}
"""


@pytest.fixture(autouse=True)
def only_what_each_test_sets_up(store: Store) -> None:
    beginnings.shipped(MONDAY)


def put_in_force(text: str, now: int = MONDAY) -> None:
    publish(text, now)


def opened(source: str) -> list[Issue]:
    return list(Issue.select().where(Issue.source == source).order_by(Issue.id))


def test_every_shipped_schedule_has_a_row_that_counts_from_the_first_start() -> None:
    schedules.run(MONDAY)
    rows = {row.name: row for row in Schedule.select()}
    assert {"daily-data-check", "spot-check-hotline", "after-sales-audit", "drill"} <= rows.keys()
    assert rows["daily-data-check"].next_at == DAILY
    assert all(row.next_at > MONDAY and row.problem is None for row in rows.values())
    assert Issue.select().count() == 0


def test_an_issue_is_opened_at_its_time_once() -> None:
    put_in_force(ROUND)
    schedules.run(MONDAY)
    schedules.run(DAILY - 1)
    assert opened("round") == []
    schedules.run(DAILY)
    schedules.run(DAILY)
    (issue,) = opened("round")
    assert (issue.subject, issue.received_at, issue.recorded_at) == ("巡检", DAILY, DAILY)
    assert Schedule.get(Schedule.name == "round").next_at == DAILY + DAY


def test_what_was_missed_happens_once_and_says_how_many_it_stands_for() -> None:
    put_in_force(ROUND)
    schedules.run(MONDAY)
    back = DAILY + 3 * DAY + 2 * HOUR
    schedules.run(back)
    (issue,) = opened("round")
    assert (issue.received_at, issue.recorded_at) == (DAILY + 3 * DAY, back)
    assert held(issue.number).case.facts["extra"] == {"stands_for": 4}
    entry = [row.body for row in AuditEntry.select().where(AuditEntry.kind == "schedule.came-round")]
    assert any('"schedule":"source:round"' in body and '"stands_for":4' in body for body in entry)


def test_a_crash_between_opening_and_moving_on_opens_no_second_issue() -> None:
    put_in_force(ROUND)
    schedules.run(MONDAY)
    schedules.run(DAILY)
    Schedule.update(next_at=DAILY).where(Schedule.name == "round").execute()
    schedules.run(DAILY + MINUTE)
    assert len(opened("round")) == 1


def test_a_new_version_of_a_source_changes_its_schedule_and_a_same_one_does_not() -> None:
    put_in_force(ROUND)
    schedules.run(MONDAY)
    put_in_force(ROUND.replace("巡检", "巡查"))
    schedules.run(DAILY + HOUR)
    assert [issue.subject for issue in opened("round")] == ["巡查"]
    put_in_force(ROUND.replace("16:00", "20:00"))
    schedules.run(DAILY + 2 * HOUR)
    assert Schedule.get(Schedule.name == "round").next_at == DAILY + 4 * HOUR


def test_a_schedule_that_fails_is_set_apart_and_the_others_go_on() -> None:
    put_in_force(ROUND)
    put_in_force(ROUND.replace("name: round", "name: bad").replace("origin: root_cause", "origin: nonsense"))
    schedules.run(MONDAY)
    schedules.run(DAILY)
    assert len(opened("round")) == 1
    assert "Refused" in str(Schedule.get(Schedule.name == "bad").problem)
    assert AuditEntry.select().where(AuditEntry.kind == "schedule.set-apart").count() == 1
    put_in_force(ROUND.replace("name: round", "name: bad"))  # mended
    schedules.run(DAILY + MINUTE)
    schedules.run(DAILY + DAY)
    assert len(opened("bad")) == 1


FLOW = """\
kind: process
name: flow
title: Flow
calendar: cn-office
severities: {A: {title: A}}
fields: {size: {type: integer}}
classify: {severity: [{is: A}]}
stages: {first: {title: First}, end: {title: End, final: true}}
actions: {finish: {title: Finish, from: first, to: end, by: anyone}}
"""
AUDIT = """\
kind: source
name: audit
process: improvement
at: monday 09:00
sample: {of: flow, covers: week, share: 40%, where: {field: size, at_least: 5}}
issue: {subject: 审核, origin: root_cause}
"""


def test_a_sample_draws_from_what_was_closed_in_the_last_full_period() -> None:
    put_in_force(FLOW)
    put_in_force(AUDIT)
    schedules.run(MONDAY)
    tuesday, next_monday = MONDAY + DAY, MONDAY + 7 * DAY
    numbers = []
    for size in range(12):
        number = intake.receive("flow", {"subject": "x", "size": size}, tuesday).number
        acting.act(number, "finish", "li", {}, tuesday if size != 9 else next_monday - 9 * HOUR)
        numbers.append(number)
    intake.receive("flow", {"subject": "open", "size": 9}, tuesday)
    expected = [
        number
        for size, number in enumerate(numbers)
        if size >= 5 and size != 9 and is_drawn(number, "audit", 40)  # 9: closed at the midnight that ends the week
    ]
    assert expected
    schedules.run(next_monday)
    schedules.run(next_monday + MINUTE)
    links = list(IssueLink.select().order_by(IssueLink.id))
    assert [link.other.number for link in links] == expected
    assert {link.relation for link in links} == {"sampled"}
    assert [issue.subject for issue in opened("audit")] == ["审核"] * len(expected)
    assert read(links[0].issue.number, "li", next_monday)["links"][0]["number"] == expected[0]


@pytest.mark.parametrize(
    ("covers", "at", "start", "end"),
    [
        ("day", "2026-03-02T09:00:00+08:00", "2026-03-01T00:00:00+08:00", "2026-03-02T00:00:00+08:00"),
        ("week", "2026-03-04T14:00:00+08:00", "2026-02-23T00:00:00+08:00", "2026-03-02T00:00:00+08:00"),
        ("week", "2026-03-02T00:00:00+08:00", "2026-02-23T00:00:00+08:00", "2026-03-02T00:00:00+08:00"),
        ("month", "2026-03-31T09:00:00+08:00", "2026-02-01T00:00:00+08:00", "2026-03-01T00:00:00+08:00"),
        ("month", "2026-01-01T09:00:00+08:00", "2025-12-01T00:00:00+08:00", "2026-01-01T00:00:00+08:00"),
    ],
)
def test_the_last_full_period(covers: str, at: str, start: str, end: str) -> None:
    calendar = policies.in_force().calendars["cn-office"]
    assert sampling.period(covers, parse(at), calendar) == (parse(start), parse(end))


# -- beside the sweep ----------------------------------------------------------------------------------------------


def test_what_takes_long_has_a_duty_of_its_own_in_one_process_at_a_time() -> None:
    sweeper, first, second = Sweeper("a"), Scheduler("a"), Scheduler("b")
    sweeper.work(MONDAY, 0)
    due = schedules.next_moment(schedules.LONG)
    assert due is not None
    sweeper.work(due, due - MONDAY)
    assert schedules.next_moment(schedules.LONG) == due, "the sweeper leaves it alone"
    assert second.work(due - MINUTE // 2) == due
    assert first.work(due) is None, "another process has the duty"
    second.end()
    following = first.work(due)
    assert following is not None
    assert following > due or schedules.next_moment(schedules.LONG) == due
    assert AuditEntry.select().where(AuditEntry.kind == "schedule.came-round").exists()


def test_due_moments_do_not_wait_for_a_report_that_takes_long(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(name: str, at: Moment, stands_for: int, now: Moment) -> None:
        begun.set()
        assert go_on.wait(60)

    slowly = {**schedules.KINDS, schedules.REPORT: schedules.KINDS[schedules.REPORT]._replace(came_round=slow)}
    monkeypatch.setattr(schedules, "KINDS", slowly)
    schedules.run(MONDAY, schedules.PROMPT)
    Schedule.update(next_at=MONDAY + MINUTE).where(Schedule.kind == schedules.REPORT).execute()

    def make_reports() -> None:
        Scheduler().work(MONDAY + MINUTE)
        if not store.is_postgresql:
            store.close()

    reporting = threading.Thread(target=make_reports)
    reporting.start()
    try:
        assert begun.wait(60)
        put_in_force(ROUND)
        sweeper = Sweeper()
        sweeper.work(MONDAY, 0)
        sweeper.work(DAILY, DAILY - MONDAY)
        assert len(opened("round")) == 1
    finally:
        go_on.set()
        reporting.join()
