"""Each due moment takes effect once, never early, in order after a downtime; one bad issue holds up nothing."""

from __future__ import annotations

import json
import threading

import pytest

from server import acting, intake, issues, leases
from server.clock_guard import CONFIRM_AFTER, ClockGuard, Verdict
from server.core.moments import HOUR, MINUTE, SECOND, Moment
from server.recording import held
from server.store import database
from server.store.database import Store
from server.store.models import AuditEntry, Event, Issue, Lease
from server.sweep import LIMIT, Sweeper, next_wake, sweep, take_up_again
from tests import beginnings
from tests.publishing import publish
from tests.server.conftest import MONDAY

TICKING = """\
kind: process
name: ticking
title: Ticking
calendar: cn-allday
number: "T{serial:4}"
severities: {A: {title: A}}
classify: {severity: [{is: A}]}
stages: {first: {title: First}, end: {title: End, final: true}}
actions: {finish: {title: Finish, from: first, to: end, by: anyone}}
clocks:
  once: {title: Once, on: received, until: finish, within: 10m}
  often: {title: Often, on: clock.once.breached, until: finish, every: 30s, met_by: comment}
"""


@pytest.fixture(autouse=True)
def ticking(store: Store) -> None:
    beginnings.shipped(MONDAY)
    publish(TICKING, MONDAY)


def receive(at: Moment = MONDAY) -> str:
    return intake.receive("ticking", {"subject": "x"}, at).number


def breaches(number: str) -> list[int]:
    found = [line["at"] for line in issues.entries(held(number).id) if line["kind"] == "clock_breached"]
    return [at - MONDAY for at in found]


def test_nothing_happens_early_and_everything_once() -> None:
    number = receive()
    assert sweep(MONDAY + 10 * MINUTE - 1) == 0
    assert breaches(number) == []
    assert sweep(MONDAY + 10 * MINUTE) == 1
    assert sweep(MONDAY + 10 * MINUTE) == 0
    assert breaches(number) == [10 * MINUTE]
    assert next_wake(MONDAY) == MONDAY + 10 * MINUTE + 30 * SECOND


def test_what_fell_due_in_a_downtime_happens_in_order_over_all_issues() -> None:
    numbers = [receive(MONDAY), receive(MONDAY + 10 * SECOND), receive(MONDAY + 5 * SECOND)]
    now = MONDAY + 13 * MINUTE
    while sweep(now):
        pass
    lines = [line["at"] for row in Event.select().order_by(Event.id) for line in json.loads(row.entries)]
    due = [at for at in lines if at > MONDAY + 10 * SECOND]
    assert due == sorted(due)
    assert breaches(numbers[1]) == [10 * MINUTE + 10 * SECOND + step * 30 * SECOND for step in range(6)]
    assert all(row.at <= now and row.recorded_at == now for row in Event.select().where(Event.kind == "time"))


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_of_any_size_give_the_same(limit: int) -> None:
    numbers = [receive(MONDAY + step * SECOND) for step in (0, 0, 3, 1, 1, 0)]
    now = MONDAY + 11 * MINUTE
    while sweep(now, limit):
        pass
    lines = [line["at"] for row in Event.select().order_by(Event.id) for line in json.loads(row.entries)]
    due = [at for at in lines if at >= MONDAY + 10 * MINUTE]
    assert due == sorted(due)
    assert [len(breaches(number)) for number in numbers] == [3, 3, 2, 2, 2, 3]


def test_more_than_one_call_lets_pass_is_caught_up_before_an_event() -> None:
    number = receive()
    later = MONDAY + 48 * HOUR  # 5,741 breaches
    acting.act(number, "finish", "li", {}, later)
    times = list(Event.select().where(Event.kind == "time"))
    assert len(times) == 2
    found = breaches(number)
    assert found == sorted(set(found))
    assert found[-1] == 48 * HOUR - 30 * SECOND
    assert Issue.get().final


def test_an_issue_that_fails_is_set_apart_and_the_rest_go_on() -> None:
    poisoned, number = receive(), receive()
    with database.transaction():
        Issue.update(case="{}").where(Issue.number == poisoned).execute()
    assert sweep(MONDAY + 10 * MINUTE) == 2
    assert breaches(number) == [10 * MINUTE]
    issue = Issue.get(Issue.number == poisoned)
    assert json.loads(issue.problem)["error"] == "ValueError"
    assert AuditEntry.get(AuditEntry.kind == "issue.set-apart").issue_id == issue.id
    assert next_wake(MONDAY) == MONDAY + 10 * MINUTE + 30 * SECOND
    assert issues.listed(issues.Filters(problem=True)).issues[0]["number"] == poisoned


def test_a_mended_issue_is_taken_up_again() -> None:
    number = receive()
    case = Issue.get().case
    with database.transaction():
        Issue.update(case="{}").execute()
    sweep(MONDAY + 10 * MINUTE)
    with database.transaction():
        Issue.update(case=case).execute()
    assert sweep(MONDAY + 11 * MINUTE) == 0
    take_up_again(Issue.get().id, MONDAY, "admin")
    assert sweep(MONDAY + 11 * MINUTE) == 1
    assert breaches(number) == [10 * MINUTE, 10 * MINUTE + 30 * SECOND, 11 * MINUTE]


def test_a_stale_wake_up_is_put_right_without_an_event() -> None:
    receive()
    with database.transaction():
        Issue.update(wake_at=MONDAY).execute()
    assert sweep(MONDAY + MINUTE) == 1
    assert Event.select().count() == 1
    assert next_wake(MONDAY) == MONDAY + 10 * MINUTE


def test_two_sweeps_at_once_fire_everything_once(store: Store) -> None:
    numbers = [receive() for _ in range(12)]
    now = MONDAY + 10 * MINUTE
    start = threading.Barrier(3)

    def run() -> None:
        start.wait()
        sweep(now)
        if not store.is_postgresql:
            store.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sweep(now)
    assert [breaches(number) for number in numbers] == [[10 * MINUTE]] * 12


def test_a_person_and_the_sweep_at_once_agree(store: Store) -> None:
    numbers = [receive() for _ in range(10)]
    now = MONDAY + 10 * MINUTE

    def run() -> None:
        sweep(now + SECOND)
        if not store.is_postgresql:
            store.close()

    thread = threading.Thread(target=run)
    thread.start()
    for number in numbers:
        acting.act(number, "finish", "li", {}, now + SECOND)
    thread.join()
    assert [breaches(number) for number in numbers] == [[10 * MINUTE]] * 10
    assert Issue.select().where(Issue.final).count() == 10


# -- one sweeper at a time -----------------------------------------------------------------------------------------


def test_one_sweeper_works_and_the_other_takes_over_when_it_has_died() -> None:
    receive()
    first, second = Sweeper("first"), Sweeper("second")
    assert first.work(MONDAY, 0) == MONDAY + 10 * MINUTE
    assert second.work(MONDAY + 1, 1) is None
    taken_over = MONDAY + leases.LENGTH + SECOND
    assert second.work(taken_over, leases.LENGTH + SECOND) == MONDAY + 10 * MINUTE
    assert first.work(taken_over + 1, leases.LENGTH + SECOND + 1) is None
    assert Lease.get().fence == 2


def test_a_sweeper_that_ends_gives_its_duty_back() -> None:
    first, second = Sweeper("first"), Sweeper("second")
    first.work(MONDAY, 0)
    first.end()
    second.work(MONDAY + 1, 1)
    assert Lease.get().holder == "second"


def test_a_lease_from_a_wrong_clock_does_not_last_for_ever() -> None:
    assert leases.take("sweep", "wrong", MONDAY + HOUR) == 1
    assert leases.take("sweep", "right", MONDAY) == 2


def test_a_sweeper_does_not_write_while_nothing_is_due(store: Store) -> None:
    sweeper = Sweeper("first")
    sweeper.work(MONDAY, 0)
    until = Lease.get().until
    sweeper.work(MONDAY + SECOND, SECOND)
    assert Lease.get().until == until
    sweeper.work(MONDAY + 3 * SECOND, 3 * SECOND)
    assert Lease.get().until == MONDAY + 3 * SECOND + leases.LENGTH


def test_a_full_page_leaves_the_rest_for_the_next_turn() -> None:
    sweeper = Sweeper("first")
    pinned_at = MONDAY
    for _ in range(3):
        receive(pinned_at)
    assert LIMIT > 3
    assert sweeper.work(MONDAY + 10 * MINUTE, 0) == MONDAY + 10 * MINUTE + 30 * SECOND


# -- the clock -----------------------------------------------------------------------------------------------------


def test_a_clock_that_jumps_forward_is_held_until_a_later_reading_confirms_it() -> None:
    guard = ClockGuard()
    assert guard.look(MONDAY, 0).now == MONDAY
    assert guard.look(MONDAY + SECOND, SECOND).now == MONDAY + SECOND
    jumped = MONDAY + 2 * HOUR
    assert guard.look(jumped, 2 * SECOND) == Verdict(None, "jumped", 2 * HOUR - 2 * SECOND)
    assert guard.look(jumped + SECOND, 3 * SECOND).now is None
    confirmed = guard.look(jumped + CONFIRM_AFTER, 2 * SECOND + CONFIRM_AFTER)
    assert (confirmed.now, confirmed.event) == (jumped + CONFIRM_AFTER, "confirmed")


def test_a_jump_that_is_taken_back_never_counted() -> None:
    guard = ClockGuard()
    guard.look(MONDAY, 0)
    assert guard.look(MONDAY + 2 * HOUR, SECOND).now is None
    assert guard.look(MONDAY + 2 * SECOND, 2 * SECOND) == Verdict(MONDAY + 2 * SECOND, "taken-back", 2 * HOUR - SECOND)


def test_an_administrator_may_confirm_a_jump() -> None:
    guard = ClockGuard()
    guard.look(MONDAY, 0)
    guard.look(MONDAY + 2 * HOUR, SECOND)
    guard.confirm(MONDAY + 2 * HOUR, SECOND)
    assert guard.look(MONDAY + 2 * HOUR + SECOND, 2 * SECOND).now == MONDAY + 2 * HOUR + SECOND


def test_a_clock_that_goes_back_fires_nothing_twice_and_is_noted() -> None:
    number = receive()
    sweeper = Sweeper("first")
    sweeper.work(MONDAY + 11 * MINUTE, 0)
    assert breaches(number) == [10 * MINUTE, 10 * MINUTE + 30 * SECOND, 11 * MINUTE]
    sweeper.work(MONDAY - 49 * MINUTE, SECOND)
    sweeper.work(MONDAY + 11 * MINUTE + SECOND, 60 * MINUTE + 2 * SECOND)
    assert breaches(number) == [10 * MINUTE, 10 * MINUTE + 30 * SECOND, 11 * MINUTE]
    assert AuditEntry.get(AuditEntry.kind == "clock.back")


def test_a_jump_forward_fires_nothing_before_it_is_confirmed() -> None:
    number = receive()
    sweeper = Sweeper("first")
    sweeper.work(MONDAY, 0)
    assert sweeper.work(MONDAY + 20 * MINUTE, SECOND) is None
    assert breaches(number) == []
    sweeper.work(MONDAY + 20 * MINUTE + CONFIRM_AFTER, SECOND + CONFIRM_AFTER)
    assert breaches(number)[0] == 10 * MINUTE
    kinds = [
        row.kind for row in AuditEntry.select().where(AuditEntry.kind.startswith("clock.")).order_by(AuditEntry.id)
    ]
    assert kinds == ["clock.jumped", "clock.confirmed"]
