"""What does not grow with the store: the sweep with nothing due, reading an issue, acting on one, receiving one for
whoever is least busy, listing a page, with a million open issues beside ten thousand, generated as by `make demo`.
DUBAN_BENCH_MANY says another number than a million, DUBAN_BENCH_ON another database than SQLite.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median

from server import acting, intake, issues
from server import settings as environment
from server.store import database, sql
from server.sweep import next_wake, sweep
from tests.bench.places import ONLY, ROOT, Place, place
from tests.bench.result import Result

FEW = 10_000
MANY = int(os.environ.get("DUBAN_BENCH_MANY") or 1_000_000)
KIND = ONLY or "SQLite"
ROUNDS = 5
EACH = 40
TARGETS = {
    "sweep with nothing due": 10.0,
    "reading one": 1.5,
    "acting on one": 1.5,
    "receiving one": 1.5,
    "listing a page": 1.5,
}
COMPLAINT = {"subject": "排队", "channel": "phone", "customer": "新客户"}


def run() -> list[Result]:
    """Measure in turns, on one store and on the other."""
    taken: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in TARGETS}
    with _filled(FEW) as (few, _), _filled(MANY) as (many, seconds):
        for _ in range(ROUNDS):
            for side, where in enumerate((few, many)):
                with _opened(where):
                    for name, call in _calls(side):
                        taken[name][side].append(_timed(call))
    detail = f"{MANY:,} open issues in {seconds:.0f} s, {MANY / seconds:,.0f} a second"
    found = [Result(f"generating issues on {KIND}", detail, "a few minutes a million", MANY / seconds > 2_500)]
    for name, limit in TARGETS.items():
        small, large = (median(one) for one in taken[name])
        found.append(
            Result(
                f"{name} of {MANY:,} on {KIND}",
                f"{large / small:.2f} ×",
                f"≤ {limit} ×",
                large / small <= limit,
                f"{small * 1e3:.2f} ms at {FEW:,}, {large * 1e3:.2f} ms at {MANY:,}",
            )
        )
    return found


@contextlib.contextmanager
def _filled(count: int) -> Iterator[tuple[Place, float]]:
    with place(KIND) as where:
        if where is None:
            raise RuntimeError(f"no {KIND} here")
        begin = time.perf_counter()
        command = [sys.executable, "-m", "server.cli.populating", str(count), "--waiting"]
        subprocess.run(command, cwd=ROOT, env=where.environ, check=True)
        yield where, time.perf_counter() - begin


@contextlib.contextmanager
def _opened(where: Place) -> Iterator[None]:
    environment.use(environment.read({**where.environ, "DUBAN_SECRET": "for links"}))
    store = database.open(where.database)
    try:
        yield
    finally:
        store.close()


def _timed(call: Callable[[], object]) -> float:
    call()
    begin = time.perf_counter()
    for _ in range(EACH):
        call()
    return (time.perf_counter() - begin) / EACH


def _calls(side: int) -> list[tuple[str, Callable[[], object]]]:
    """What is measured, on the store that is open; the same issues of it each time, in the same order."""
    chance = random.Random(side)
    first, last = sql.run('SELECT MIN("id"), MAX("id") FROM "issue"').fetchone()
    ids = iter(lambda: chance.randrange(first, last + 1), None)
    complaint = (
        'SELECT "number", "owner" FROM "issue" WHERE "id" >= ? AND "process" = ? AND NOT "final" ORDER BY "id" LIMIT 1'
    )
    owned = [
        row
        for row in (sql.run(complaint, next(ids), "complaint-monitoring").fetchone() for _ in range(2 * EACH))
        if row is not None and row[1]
    ]
    order = iter(owned * 10)
    now = _now()
    while sweep(now):
        pass  # of those that were played, some may be due by now
    pages = iter([str(next(ids)) for _ in range(2 * EACH)] * 10)

    def swept() -> None:
        assert sweep(now) == 0
        assert next_wake(now) is not None

    def acted() -> None:
        number, owner = next(order)
        acting.act(number, "edit", owner, {"location": f"上海 {chance.random()}"}, _now())

    def received() -> None:
        assert intake.receive("complaint-monitoring", COMPLAINT, _now(), by="bai").created

    def listed() -> None:
        assert issues.listed(issues.Filters(), None).issues
        assert issues.listed(issues.Filters(process="complaint-monitoring"), next(pages)).issues is not None

    return [
        ("sweep with nothing due", swept),
        ("reading one", lambda: issues.read(*next(order), now)),
        ("acting on one", acted),
        ("receiving one", received),
        ("listing a page", listed),
    ]


def _now() -> int:
    return time.time_ns() // 1_000_000
