"""What falls due, beside 20 webhooks a second: 10,000 issues at one instant, and 1,000 within ten seconds.

The issues are complaints that nobody records within a quarter of an hour. The sweep runs in `duban worker`, webhooks
come to `duban web`. The ten thousand are copies of a few, written before a server runs, without the messages of their
receipt; whatever falling due causes is sent. Lateness is what an onlooker sees: from the due moment until the line
stands in the store.
"""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from server import intake, populating
from server import settings as environment
from server.core.moments import MINUTE
from server.core.moments import show as show_utc
from server.demo import HELD_BACK
from server.policies import load_shipped
from server.store import database
from server.store.migrating import migrate
from tests.bench.complaints import deliveries
from tests.bench.load import Beside, Load
from tests.bench.places import DATABASES, Place, place, running, web
from tests.bench.result import Result
from tests.serving import DUBAN

PER_SECOND = 20
DRAINED = {"SQLite": 300, "PostgreSQL": 500}
WORKERS = {"SQLite": 1, "PostgreSQL": 2}
P99_BESIDE = 500
P99_LATE = 0.5
AFTER = 15 * MINUTE
"""When the clock `recording` of `complaint-monitoring` is over."""

RECEIVED = 20
"""Issues that are received one by one, of the ten thousand; the rest are copies of them."""

UNTIL_DUE = {10_000: 60_000, 1_000: 40_000}
"""Milliseconds within which so many issues are there, and the servers."""

LOOK = 0.05
BACK = 500
"""Rows may appear in another order than they were numbered, by no more than that."""

LONGEST = 120


@dataclass(slots=True)
class Seen:
    """What an onlooker saw: when each line stood there, by how much it was late (both in seconds), the webhooks."""

    begin: float
    at: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    early: int = 0
    beside: Load = field(default_factory=Load)

    @property
    def rate(self) -> float:
        return len(self.at) / (max(self.at) - self.begin)

    def late_p99(self) -> float:
        return sorted(self.late)[int(len(self.late) * 0.99)]


def run() -> list[Result]:
    """Measure on both databases."""
    return [result for kind in DATABASES for result in _on(kind)]


def _on(kind: str) -> list[Result]:
    with place(kind) as where:
        if where is None:
            return [Result(f"falling due on {kind}", "not measured", "…", False, f"no {kind} here")]
        with _opened(where):
            due = _now() + UNTIL_DUE[10_000]
            _receive(RECEIVED, due, 0)
            populating.copy(1, 10_000 - RECEIVED)
            with _servers(where, WORKERS[kind]) as port:
                at_once = _measured(port, 10_000, due, 0)
                due = _now() + UNTIL_DUE[1_000]
                _receive(1_000, due, 10_000)
                spread = _measured(port, 1_000, due, 10_000)
    target = DRAINED[kind]
    p99 = at_once.beside.percentile(0.99)
    late = spread.late_p99()
    beside = f"beside {PER_SECOND} webhooks/s; {WORKERS[kind]} worker(s)"
    return [
        Result(
            f"10,000 due at one instant on {kind}",
            f"{at_once.rate:.0f}/s",
            f"≥ {target}/s",
            at_once.rate >= target and not at_once.early,
            f"{beside}; {at_once.early} early",
        ),
        Result(
            f"webhooks meanwhile on {kind}, p99",
            f"{p99:.0f} ms",
            f"≤ {P99_BESIDE} ms",
            p99 <= P99_BESIDE,
            f"{len(at_once.beside.taken)} webhooks, median {at_once.beside.percentile(0.5):.0f} ms",
        ),
        Result(
            f"1,000 due within 10 s on {kind}, lateness p99",
            f"{late:.2f} s",
            f"≤ {P99_LATE} s, none early",
            late <= P99_LATE and not spread.early,
            f"{beside}; median {sorted(spread.late)[len(spread.late) // 2] * 1000:.0f} ms; {spread.early} early",
        ),
    ]


@contextlib.contextmanager
def _opened(where: Place) -> Iterator[None]:
    environment.use(environment.read({**where.environ, "DUBAN_SECRET": "for links"}))
    store = database.open(where.database)
    try:
        migrate(store)
        load_shipped(_now())
        yield
    finally:
        store.close()


@contextlib.contextmanager
def _servers(where: Place, workers: int) -> Iterator[int]:
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(web(where, 1))
        for _ in range(workers):
            stack.enter_context(running([DUBAN, "worker"], where.environ, where.folder))
        yield port


def _receive(count: int, due: int, within: int) -> None:
    """Issues whose first clock is over at `due`, or spread over the milliseconds after it."""
    chance = random.Random(count)
    for begin in range(0, count, 20):
        with database.transaction():
            for number in range(begin, begin + 20):
                received = due - AFTER + (chance.randrange(within) if within else 0)
                given = {
                    "subject": "门店排队", "description": "等了一小时", "channel": "hotline",
                    "customer": f"客户{count}-{number}", "received": f"{show_utc(received)[:19]}.{received % 1000:03}Z",
                }  # fmt: skip
                intake.receive("complaint-monitoring", given, _now(), source="bench", surroundings=HELD_BACK)


def _measured(port: int, count: int, due: int, within: int) -> Seen:
    """Watch so many issues fall due from `due` on, within so many milliseconds."""
    if _now() > due - 3_000:
        raise RuntimeError("this machine took too long to bring in the issues")
    last = _last_event()
    time.sleep(max(0, due - 2_000 - _now()) / 1000)
    beside = Beside(port, deliveries(PER_SECOND * LONGEST), PER_SECOND)
    seen = _watched(count, due, due + within, last)
    seen.beside = beside.end().require(201)
    return seen


def _watched(count: int, first_due: int, last_due: int, last: int) -> Seen:
    seen = Seen(first_due / 1000)
    known: set[int] = set()
    until = time.monotonic() + (first_due - _now()) / 1000 + LONGEST
    while len(seen.at) < count:
        if time.monotonic() > until:
            raise RuntimeError(f"{len(seen.at)} of {count} issues within {LONGEST} s")
        time.sleep(LOOK)
        rows = _lines(last - BACK)
        now = time.time()
        for event, at, entries in rows:
            if event in known:
                continue
            known.add(event)
            last = max(last, event)
            if first_due <= at <= last_due and _is_breached(entries):
                seen.at.append(now)
                seen.late.append(now - at / 1000)
                seen.early += now * 1000 < at
    return seen


def _is_breached(entries: str) -> bool:
    return any(entry["kind"] == "clock_breached" and entry["clock"] == "recording" for entry in json.loads(entries))


def _lines(after: int) -> list[Any]:
    statement = 'SELECT "id", "at", "entries" FROM "event" WHERE "id" > {} AND "kind" = {}'
    store = database.current()
    place_of = "%s" if store.is_postgresql else "?"
    with database.session():
        return list(store.db.execute_sql(statement.format(place_of, place_of), (after, "time")).fetchall())


def _last_event() -> int:
    with database.session():
        return int(database.current().db.execute_sql('SELECT COALESCE(MAX("id"), 0) FROM "event"').fetchone()[0])


def _now() -> int:
    return time.time_ns() // 1_000_000
