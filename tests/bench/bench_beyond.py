"""How it would go on beyond one PostgreSQL table and one database: figures for docs/operations.md, without targets.

Events in one table beside events partitioned by month, two million of each; receipts that take their number from one
row beside receipts of two processes, in one database and in two.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from statistics import median

import psycopg

from tests.bench.places import place
from tests.bench.result import Result

EVENTS = 2_000_000
MONTHS = 12
EACH = 5  # events of an issue
WRITERS = 8
SECONDS = 4.0
NO_TARGET = "no target"

_COLUMNS = "id bigint, issue_id bigint, seq integer, at bigint, body text"
_FILL = "INSERT INTO {} SELECT n, n / {each}, n % {each}, n, repeat(md5(n::text), 20) FROM generate_series(0, {last}) n"


def run() -> list[Result]:
    """Measure on PostgreSQL."""
    with place("PostgreSQL") as where, place("PostgreSQL") as other:
        if where is None or other is None:
            return [Result("beyond one PostgreSQL", "not measured", NO_TARGET, False, "no PostgreSQL here")]
        with psycopg.connect(where.database, autocommit=True) as connection:
            found = _partitioned(connection)
        return [*found, *_sharded(where.database, other.database)]


def _partitioned(connection: psycopg.Connection) -> list[Result]:
    run = connection.execute
    month = EVENTS // MONTHS
    run(f"CREATE TABLE whole ({_COLUMNS}, PRIMARY KEY (id))")
    run("CREATE UNIQUE INDEX ON whole (issue_id, seq)")
    run(f"CREATE TABLE monthly ({_COLUMNS}, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)")
    run("CREATE UNIQUE INDEX ON monthly (issue_id, seq, at)")
    for number in range(MONTHS + 1):
        bounds = f"FROM ({number * month}) TO ({(number + 1) * month})"
        run(f"CREATE TABLE monthly_{number} PARTITION OF monthly FOR VALUES {bounds}")
    filled = {}
    for table in ("whole", "monthly"):
        filled[table] = _seconds(lambda table=table: run(_FILL.format(table, each=EACH, last=EVENTS - 1)))
        run(f"ANALYZE {table}")
    chance = random.Random(1)
    issues = [chance.randrange(EVENTS // EACH) for _ in range(300)]
    read = {
        "whole": "SELECT * FROM whole WHERE issue_id = %s AND %s >= 0 ORDER BY seq",
        "monthly": "SELECT * FROM monthly WHERE issue_id = %s AND %s >= 0 ORDER BY seq",
        "bounded": "SELECT * FROM monthly WHERE issue_id = %s AND at >= %s ORDER BY seq",
    }
    taken = {
        name: median(
            _seconds(lambda text=text, one=one: run(text, (one, one * EACH), prepare=True).fetchall()) for one in issues
        )
        for name, text in read.items()
    }
    deleted = _seconds(lambda: run("DELETE FROM whole WHERE at < %s", (month,)))
    vacuumed = _seconds(lambda: run("VACUUM whole"))
    dropped = _seconds(lambda: run("DROP TABLE monthly_0"))
    return [
        _told(
            f"an issue's timeline among {EVENTS:,} events",
            f"{taken['whole'] * 1e3:.2f} ms in one table, {taken['monthly'] * 1e3:.2f} ms in {MONTHS} months, "
            f"{taken['bounded'] * 1e3:.2f} ms there when asked with its first month",
        ),
        _told(
            "writing them",
            f"{EVENTS / filled['whole']:,.0f}/s in one table, {EVENTS / filled['monthly']:,.0f}/s in months",
        ),
        _told(
            f"letting go of a month of {month:,}",
            f"{deleted:.1f} s and {vacuumed:.1f} s of VACUUM in one table, {dropped * 1e3:.0f} ms as a partition",
        ),
    ]


def _sharded(one: str, two: str) -> list[Result]:
    for url in (one, two):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE serial (process text PRIMARY KEY, last bigint NOT NULL)")
            connection.execute("INSERT INTO serial VALUES ('a', 0), ('b', 0)")
            connection.execute("CREATE TABLE receipt (number bigint, process text, body text)")
    same = _receipts([(one, "a")])
    processes = _receipts([(one, "a"), (one, "b")])
    databases = _receipts([(one, "a"), (two, "b")])
    figure = f"{same:.0f}/s of one process, {processes:.0f}/s of two, {databases:.0f}/s of two in two databases"
    return [_told(f"receipts that count in a row until they are on disk, {WRITERS} at once", figure)]


def _receipts(places: list[tuple[str, str]]) -> float:
    """Receipts per second of writers that take a number, write a row of 8 KiB, and commit."""
    done = [0] * WRITERS
    until = time.monotonic() + SECONDS

    def write(writer: int) -> None:
        url, process = places[writer % len(places)]
        with psycopg.connect(url) as connection:
            while time.monotonic() < until:
                with connection.transaction():
                    found = connection.execute(
                        "UPDATE serial SET last = last + 1 WHERE process = %s RETURNING last", (process,), prepare=True
                    ).fetchone()
                    assert found is not None
                    row = (found[0], process, "x" * 8192)
                    connection.execute("INSERT INTO receipt VALUES (%s, %s, %s)", row, prepare=True)
                done[writer] += 1

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / SECONDS


def _told(name: str, figure: str) -> Result:
    return Result(name, figure, NO_TARGET, True)


def _seconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin
