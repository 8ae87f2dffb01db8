"""A fault run: first every crash point by its name, then a worker that stands still and comes back, then kills at
random, until the time is up; then the server is left in peace, and everything is compared."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from server import accounts, crash_points, delivery, directory
from server.store import database, sql
from server.store.failures import Unavailable
from server.store.models import Issue, Message, Schedule
from tests.faults.keeper import SEND_WITHIN
from tests.faults.load import Ledger, Load
from tests.faults.machine import HERE, Cluster, Machine, NotInTime, Redis, database_of, queue_of, wait_until
from tests.faults.receiving import HELD, Memory
from tests.faults.verdict import Verdict, judge
from tests.receivers import Reply

T = TypeVar("T")

START_WITHIN: Final = 180.0
HIT_WITHIN: Final = 60.0
"""Seconds after which a point counts as never hit: the load comes by many times in that."""

DRAIN_WITHIN: Final = 120.0

SECOND_TAKES: Final = SEND_WITHIN - 0.3
"""Seconds that the receiver takes for a message whose first sender stands still."""

WEB: Final = tuple(name for name in crash_points.POINTS if name.split(".")[0] in ("intake", "idempotency", "acting"))

DRIVEN: Final = tuple(name for name in crash_points.POINTS if not name.startswith(("drafts.", "migration.")))
"""Nobody approves drafts or migrates issues in the load; tests/drafts and tests/migration kill whoever does."""


@dataclass(frozen=True)
class Plan:
    """What a run does. `seconds` is what it takes at least; `points` are driven one after the other."""

    database: str  # sqlite or postgresql
    seconds: float
    points: Sequence[str] = DRIVEN
    pauses: int = 1  # workers that stand still for longer than their claims last
    random_kills: bool = True
    without: str | None = None  # a safeguard of tests/faults/keeper.py that is taken away
    seed: int = 1
    pace: float = 0.5  # seconds between two doings of each of the load's threads
    enough: Callable[[Ledger], bool] = lambda ledger: False  # ends the load early


def now() -> int:
    """What time it is, in milliseconds."""
    return time.time_ns() // 1_000_000


def ask(question: Callable[[], T]) -> T:
    """Ask the store, again while it is not available: it is hurt on purpose."""
    end = time.monotonic() + 60
    while True:
        try:
            with database.session():
                return question()
        except Unavailable:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def _bring_people() -> None:
    people, findings = directory.plan((HERE / "people.yaml").read_bytes(), "people.yaml")
    assert people is not None, findings
    try:
        directory.carry_out(people, now())
    except directory.DirectoryChanged:  # by a process that starts for the first time, too
        _bring_people()


def run(plan: Plan, folder: Path) -> Verdict:
    """Do all of it in an empty folder; give what came of it. Raises Missing, NotInTime when the server does not
    start or does not come to rest."""
    with database_of(plan.database, folder) as (url, cluster), queue_of(plan.database, folder) as (queue, redis):
        receiver = Memory(plan.seed)
        hooks = {"FAULTS_HOOK": receiver.at("127.0.0.1"), "FAULTS_SMS": receiver.at("127.0.0.1", "/sms")}
        machine = Machine(folder, url, queue, hooks, plan.without)
        try:
            return Campaign(plan, machine, receiver, cluster, redis).run()
        finally:
            machine.close()
            receiver.close()


class Campaign:
    """A run under way."""

    def __init__(
        self, plan: Plan, machine: Machine, receiver: Memory, cluster: Cluster | None, redis: Redis | None
    ) -> None:
        self.plan = plan
        self.machine = machine
        self.receiver = receiver
        self.cluster = cluster
        self.redis = redis
        self.verdict = Verdict()
        self.kills: Counter[str] = Counter()
        self._random = random.Random(plan.seed)

    def run(self) -> Verdict:
        """Load, kill, drain, compare."""
        began = time.monotonic()
        spent: dict[str, float] = {}

        def passed(what: str) -> None:
            spent[what] = time.monotonic() - began - sum(spent.values())

        load = Load(self.machine.port, self._set_up(), self.plan.seed, self.plan.pace)
        passed("start")
        load.start()
        try:
            self._by_name()
            passed("by name")
            for _ in range(self.plan.pauses):
                self._stand_still()
                if not self.verdict.holds:
                    break
            passed("standing still")
            if self.plan.random_kills:
                self._at_random(max(began + self.plan.seconds - time.monotonic(), 5))
            while time.monotonic() < began + self.plan.seconds and not ask(lambda: self.plan.enough(load.ledger)):
                time.sleep(0.2)
            passed("at random")
        finally:
            load.stop()
        ended = now()
        until = self._drain()
        passed("drain")
        self.verdict.figures["seconds"] = ", ".join(f"{seconds:.0f} {what}" for what, seconds in spent.items())
        judge(self.verdict, load.ledger, list(self.receiver.arrivals), until, ended, self.machine.keys())
        self._count()
        database.current().close()
        return self.verdict

    def _set_up(self) -> str:
        """Start the server for the first time; bring people in; give a token."""
        self.machine.run(*self.machine.apart)
        wait_until(self.machine.is_ready, START_WITHIN, f"not ready; see {self.machine.folder}/log")
        database.open(self.machine.database)

        def bring() -> str:
            if self.plan.without == "unique-index":
                sql.run('DROP INDEX "issue_source_external_id"')
            _bring_people()
            return accounts.issue_token("boss", ["issue.read", "issue.write"], now())

        return ask(bring)

    # -- by name -----------------------------------------------------------------------------------------------------

    def _by_name(self) -> None:
        """Kill a process at each point: those of the web server beside those of the workers."""
        web = [name for name in self.plan.points if name in WEB]
        rest = [name for name in self.plan.points if name not in WEB]
        lanes = [threading.Thread(target=self._lane, args=(lane,)) for lane in (web, rest)]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()

    def _lane(self, points: Sequence[str]) -> None:
        for name in points:
            before = self.hits(name)
            (self.machine.points / name).touch()
            if name.startswith("schedules."):
                ask(self._let_a_schedule_come_round)
            with suppress(NotInTime):  # the verdict says so
                wait_until(lambda: self.hits(name) > before, HIT_WITHIN, name)  # noqa: B023 (called at once)
            (self.machine.points / name).unlink(missing_ok=True)

    def hits(self, name: str) -> int:
        """How many processes were killed at the point."""
        with suppress(FileNotFoundError):
            return (self.machine.points / crash_points.KILLED / name).stat().st_size
        return 0

    def _let_a_schedule_come_round(self) -> None:
        # A whole second of its own: that is what tells one occurrence from another.
        time.sleep(1)
        with database.transaction():
            Schedule.update(next_at=now()).where(Schedule.name == "rounds").execute()

    # -- a worker that stands still --------------------------------------------------------------------------------

    def _stand_still(self) -> None:
        """A worker stands still while it sends, for longer than its claim lasts; another one takes the message over.
        Back again, the first one finds its time over: what it then says of the message must count for nothing."""
        self.receiver.then(None, Reply(200, delay=HELD))
        seen = len(self.receiver.arrivals)
        if (key := self._held_up(seen)) is None:
            self.verdict.breaks("wrong answers", "no message was under way to stand still on")
            return
        first = ask(lambda: Message.get_or_none(Message.key == key, Message.lease_until > 0))
        if first is None:
            return  # it was not quick enough to be seen
        pid = int(first.lease_by.split(":")[1])
        self.receiver.then(key, Reply(200, delay=SECOND_TAKES))
        with suppress(ProcessLookupError):
            self._stop_between_writes(pid)
            try:
                again = self.receiver.wait_for_id(key, 2, 20)
            finally:
                os.kill(pid, signal.SIGCONT)
            self.kills["stood still"] += 1
            if again is not None:
                self._watch_claim(key, first)

    def _stop_between_writes(self, pid: int) -> None:
        """Stop a process; on SQLite not while it writes, since then nobody else could."""
        os.kill(pid, signal.SIGSTOP)
        while not self._can_write():
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.02)
            os.kill(pid, signal.SIGSTOP)

    def _can_write(self) -> bool:
        file = database.current().file
        if file is None:
            return True
        with closing(sqlite3.connect(file, timeout=0.5, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE").close()
            except sqlite3.OperationalError:
                return False
            connection.rollback()
        return True

    def _held_up(self, seen: int) -> str | None:
        """The id of the message that the receiver holds up now."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            held = [one for one in self.receiver.arrivals[seen:] if one.held]
            if held:
                return held[0].id
            time.sleep(0.005)
        return None

    def _watch_claim(self, key: str, first: Any) -> None:
        """While the second attempt is under way, its claim stands."""
        while True:
            row = ask(lambda: Message.get(Message.key == key))
            if self._ended(key) or row.state != Message.PENDING:
                return
            if row.lease_until == 0 or row.fence > first.fence + 1:
                where = f"{key}: {row.last_error}, claim {row.fence}"
                self.verdict.breaks("failures settled by a worker that had lost its claim", where)
                return
            time.sleep(0.01)

    def _ended(self, key: str) -> bool:
        """Whether the second attempt may have ended by itself."""
        arrived = [one.at for one in self.receiver.arrivals if one.id == key]
        return now() - arrived[1] > (SECOND_TAKES - 0.1) * 1000

    # -- at random ---------------------------------------------------------------------------------------------------

    def _at_random(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        if self.plan.database == "sqlite":
            # What SQLite is for: all in one, on one machine.
            self.machine.run(*self.machine.together)
            self._everything()
        while time.monotonic() < end:
            time.sleep(min(self._random.uniform(0.2, 1.2), max(end - time.monotonic(), 0)))
            if self._random.random() < 0.7:  # else it is killed while it recovers
                self._let_recover(end)
            self._one_more()
        for name in crash_points.POINTS:
            (self.machine.points / name).unlink(missing_ok=True)

    def _let_recover(self, end: float) -> None:
        """Wait until it answers and sends again, for some seconds at most."""
        before = len(self.receiver.arrivals)
        with suppress(NotInTime):
            most = min(max(end - time.monotonic(), 0), 8)
            wait_until(lambda: len(self.receiver.arrivals) > before and self.machine.is_ready(), most, "recovery")

    def _one_more(self) -> None:
        chance = self._random.random()
        if chance < 0.25:
            (self.machine.points / self._random.choice(DRIVEN)).touch()
        elif chance < 0.30:
            self._everything()
        elif chance < 0.36 and self.cluster is not None:
            self.kills["a backend of PostgreSQL"] += self.cluster.kill_backend()
        elif chance < 0.40 and self.redis is not None:
            self.redis.kill()
            self.kills["Redis"] += 1
            self.redis.start()
        elif chance < 0.44:
            ask(self._let_a_schedule_come_round)
        elif chance < 0.50:
            self._kill("stood still for a while", signal.SIGSTOP)
        else:
            self._kill("", signal.SIGKILL)

    def _kill(self, what: str, number: signal.Signals) -> None:
        there = self.machine.processes()
        if not there:
            return
        pid, name = self._random.choice(sorted(there.items()))
        with suppress(ProcessLookupError):
            os.kill(pid, number)
            self.kills[what or name] += 1
            if number is signal.SIGSTOP:
                time.sleep(self._random.uniform(0.5, 6))
                os.kill(pid, signal.SIGCONT)

    def _everything(self) -> None:
        self.machine.crash()
        self.kills["everything at once"] += 1

    # -- the end -----------------------------------------------------------------------------------------------------

    def _drain(self) -> int:
        """Let what is left be done, by one worker in peace; give the moment up to which all that was due is done."""
        self.machine.run()
        self.machine.crash()
        wait_until(self._is_down, 60, "not every process can be killed")
        self.receiver.is_good = True
        ask(self._wait_for_nothing)
        self.machine.run("worker")
        end = time.monotonic() + DRAIN_WITHIN
        while (until := ask(self._at_rest)) is None:
            if time.monotonic() > end:
                self.verdict.breaks("messages never sent", "there was no end of it")
                until = now()
                break
            time.sleep(0.05)
        if code := self.machine.stop():
            self.verdict.breaks("wrong answers", f"the worker ended with {code} on SIGTERM")
        return until

    def _is_down(self) -> bool:
        self.machine.crash()  # whom one that has died was just starting
        return self.machine.is_down()

    def _wait_for_nothing(self) -> None:
        """Nobody sends any more: claims of the dead need not run out, and no pause has to be waited for."""
        with database.transaction():
            delivery.recover(now(), alone=True)
            Message.update(next_at=now()).where(Message.state == Message.PENDING, Message.next_at > now()).execute()

    def _at_rest(self) -> int | None:
        """The moment, when nothing is due and no message waits."""
        moment = now()
        with database.snapshot():
            if Message.select().where(Message.state == Message.PENDING).exists():
                return None
            if Issue.select().where(Issue.wake_at <= moment, Issue.problem.is_null()).exists():
                return None
            if Schedule.select().where(Schedule.next_at <= moment, Schedule.problem.is_null()).exists():
                return None
        return moment

    def _count(self) -> None:
        figures = self.verdict.figures
        figures["kills from outside"] = ", ".join(f"{count} × {what}" for what, count in sorted(self.kills.items()))
        for name in DRIVEN:
            figures[f"killed at {name}"] = str(self.hits(name))
        figures["killed at drafts.*, migration.*"] = "by tests/drafts, tests/migration"
        for name in self.plan.points:
            if not self.hits(name):
                self.verdict.breaks("points never hit", name)
