"""All processes of a store go by one clock; one that jumps forward is held, for acting as for the sweep, until a later
reading or an administrator confirms it."""

from __future__ import annotations

import json

import pytest

from server import acting, clock, intake, issues
from server.clock import Clock
from server.clock_guard import CONFIRM_AFTER
from server.core.moments import HOUR, MINUTE, SECOND, Moment
from server.recording import held
from server.store import sql
from server.store.database import Store
from server.store.models import AuditEntry, Message, Meta
from server.sweep import Sweeper
from tests import beginnings
from tests.publishing import publish
from tests.server.conftest import MONDAY
from tests.server.test_sweep import TICKING


class Machine:
    """A machine whose clocks move when they are told."""

    def __init__(self) -> None:
        self.wall: Moment = MONDAY
        self.steady = 1_000_000

    def passes(self, ms: int) -> None:
        self.wall += ms
        self.steady += ms


class Process:
    """A process on such a machine, with its clock and its sweeper."""

    def __init__(self, store: Store, machine: Machine, name: str) -> None:
        self.clock = Clock(store, lambda: machine.wall, lambda: machine.steady)
        self.sweeper = Sweeper(name, self.clock.guard)

    def work(self) -> None:
        reading = self.clock.read()
        self.sweeper.work(reading.wall, reading.steady)


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def process(sqlite_store: Store, machine: Machine) -> Process:
    """A worker's process; its clock is this test's, too."""
    beginnings.shipped(MONDAY)
    publish(TICKING, MONDAY)
    found = Process(sqlite_store, machine, "worker")
    clock._clocks[sqlite_store] = found.clock
    found.work()
    return found


def breaches(number: str) -> list[int]:
    return [line["at"] - MONDAY for line in issues.entries(held(number).id) if line["kind"] == "clock_breached"]


def audited() -> list[str]:
    entries = AuditEntry.select().where(AuditEntry.kind.startswith("clock.")).order_by(AuditEntry.id)
    return [entry.kind for entry in entries]


def receive() -> str:
    return intake.receive("ticking", {"subject": "x"}, clock.now(), "li").number


def test_while_a_jump_is_held_time_goes_on_as_if_there_was_none(process: Process, machine: Machine) -> None:
    machine.passes(SECOND)
    machine.wall += HOUR
    machine.passes(2 * SECOND)
    assert clock.now() == MONDAY + 3 * SECOND
    number = receive()
    acting.act(number, "comment", "li", {"text": "x"}, clock.now())
    process.work()
    assert breaches(number) == []
    assert json.loads(AuditEntry.get(AuditEntry.kind == "clock.jumped").body)["body"]["by_ms"] == HOUR
    found = clock.held()
    assert found is not None
    assert (found.by, found.holder) == (HOUR, "worker")
    machine.passes(CONFIRM_AFTER)
    process.work()
    assert clock.held() is None
    assert clock.now() == machine.wall
    assert breaches(number)[0] == 10 * MINUTE + 3 * SECOND
    assert audited() == ["clock.jumped", "clock.confirmed"]


def test_an_administrator_confirms_it_for_every_process(
    sqlite_store: Store, process: Process, machine: Machine
) -> None:
    other = Process(sqlite_store, machine, "other")
    idle = Process(sqlite_store, machine, "idle")
    for one in (other, idle):
        one.clock.now()
    number = receive()
    assert not clock.confirm("root"), "nothing is held"
    machine.wall += HOUR
    machine.passes(SECOND)
    for one in (process, other):
        one.work()
        assert one.clock.now() == MONDAY + SECOND
    assert clock.confirm("root")
    machine.passes(SECOND)
    for one in (process, other, idle):
        one.work()
        assert one.clock.now() == machine.wall
    assert breaches(number)[0] == 10 * MINUTE
    assert clock.held() is None
    assert AuditEntry.get(AuditEntry.kind == "clock.confirmed-by-hand").by == "root"


def test_a_confirmation_holds_good_for_the_jump_that_it_was_of_and_no_other(process: Process, machine: Machine) -> None:
    machine.wall += HOUR
    process.work()
    clock.confirm("root")
    process.work()
    assert clock.now() == machine.wall
    machine.wall += HOUR
    machine.passes(SECOND)
    assert clock.now() == machine.wall - HOUR


def test_a_process_that_starts_meanwhile_does_not_believe_what_the_others_do_not(
    sqlite_store: Store, process: Process, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.wall += HOUR
    process.work()
    machine.passes(SECOND)
    assert Process(sqlite_store, machine, "new").clock.now() == MONDAY + SECOND
    monkeypatch.setattr(clock, "boot", lambda: "another machine")
    elsewhere = Process(sqlite_store, machine, "elsewhere")
    assert elsewhere.clock.now() == MONDAY + SECOND
    machine.passes(CONFIRM_AFTER)
    assert elsewhere.clock.now() == machine.wall


def test_a_jump_that_is_taken_back_is_forgotten(process: Process, machine: Machine) -> None:
    machine.wall += HOUR
    process.work()
    machine.wall -= HOUR
    machine.passes(SECOND)
    process.work()
    assert (clock.now(), clock.held()) == (MONDAY + SECOND, None)
    assert audited() == ["clock.jumped", "clock.taken-back"]


def test_what_waits_to_be_sent_does_not_wait_longer_because_the_clock_went_back(
    process: Process, machine: Machine
) -> None:
    Message.create(key="m", channel="email", at=MONDAY, created_at=MONDAY, next_at=MONDAY + MINUTE, not_before=None)
    machine.wall -= HOUR
    machine.passes(SECOND)
    process.work()
    assert Message.get().next_at == machine.wall + MINUTE - SECOND
    process.work()
    assert Message.get().next_at == machine.wall + MINUTE - SECOND, "once"
    assert audited() == ["clock.back"]


# -- several machines ----------------------------------------------------------------------------------------------


def of_the_database() -> Moment:
    return int(sql.run("SELECT FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint").fetchone()[0])


def test_machines_whose_clocks_differ_go_by_the_clock_of_their_database(postgres_store: Store) -> None:
    ahead = Clock(postgres_store, wall=lambda: clock.machine_clock() + HOUR)
    behind = Clock(postgres_store, wall=lambda: clock.machine_clock() - HOUR)
    with postgres_store.session():
        for _ in range(20):
            before = of_the_database()
            moments = [ahead.now(), behind.now()]
            after = of_the_database()
            # What is counted on between two looks is never ahead; it may lack what an answer took on a busy machine.
            assert all(before - 2 * SECOND <= moment <= after for moment in moments)


def test_a_database_whose_clock_jumps_is_held_by_all(postgres_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine()
    first, second = Process(postgres_store, machine, "first"), Process(postgres_store, machine, "second")
    began = first.clock.now()
    second.clock.now()
    shifted = clock._DATABASE_CLOCK.replace("clock_timestamp()", "(clock_timestamp() + INTERVAL '1 hour')")
    monkeypatch.setattr(clock, "_DATABASE_CLOCK", shifted)
    machine.passes(2 * SECOND)
    for one in (first, second):
        one.work()
        assert began <= one.clock.now() < began + 10 * MINUTE
    assert {json.loads(row.body)["body"]["holder"] for row in AuditEntry.select()} == {"first", "second"}
    assert Meta.get(Meta.key == clock.HELD)
