"""Back-tests of stored issues on all cores, on SQLite: the decisions of 100,000, and 10,000 issues with ten events each
played in full; and how memory grows with ten times the issues. DUBAN_BENCH_MANY says another number than 100,000."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from server import backtesting, policies
from server.core.scripts import read_script
from server.store import database, sql
from server.store.migrating import migrate
from tests.bench.places import ROOT, Place, place
from tests.bench.result import Result
from tests.server.playing import START, Live, all_processes

PROCESS = "complaint-monitoring"
MANY = int(os.environ.get("DUBAN_BENCH_MANY") or 100_000)
FULL = MANY // 10
PLAYED = 20
DECISIONS_SECONDS = 5.0
FULL_SECONDS = 20.0
GROWTH = 1.3

ISSUE = {
    "subject": "支付中断", "customer": "甲", "phone": "13800000000", "reference": "400-1", "summary": "无法支付",
    "category": "product", "channel": "phone",
}  # fmt: skip


def run() -> list[Result]:
    """Measure a draft that gives A issues 30 minutes."""
    with place("SQLite") as where:
        assert where is not None
        with _opened(where):
            _fill(MANY)
            events = sql.run('SELECT COUNT(*) FROM "event" WHERE "issue_id" <= ?', FULL).fetchone()[0] / FULL
        measured = {
            name: _measured(where, *arguments)
            for name, arguments in {
                "decisions": (MANY, True),
                "full": (FULL, False),
                "tenth": (FULL // 10, False),
            }.items()
        }
    cores = backtesting.all_cores()
    seconds, _, changed = measured["decisions"]
    found = [
        Result(
            f"back-test of decisions, {MANY:,} issues",
            f"{seconds:.1f} s",
            f"≤ {DECISIONS_SECONDS * MANY / 100_000:g} s",
            seconds <= DECISIONS_SECONDS * MANY / 100_000,
            f"{cores} cores, {changed} judged otherwise",
        )
    ]
    seconds, memory, changed = measured["full"]
    limit = FULL_SECONDS * FULL / 10_000
    detail = f"{cores} cores, {events:.1f} events each, {changed} changed"
    found.append(
        Result(f"back-test in full, {FULL:,} issues", f"{seconds:.1f} s", f"≤ {limit:g} s", seconds <= limit, detail)
    )
    growth = memory / measured["tenth"][1]
    detail = f"{memory / 1024:.0f} MiB, the largest process"
    found.append(Result("memory, 10 × the issues", f"{growth:.2f} ×", f"≤ {GROWTH} ×", growth <= GROWTH, detail))
    return found


@contextmanager
def _opened(where: Place) -> Iterator[None]:
    store = database.open(where.database)
    try:
        with store.session():
            yield
    finally:
        store.close()


def _fill(count: int) -> None:
    """So many issues: some are played, with ten events each, and copied under other numbers."""
    migrate(database.current())
    database.current().db.execute_sql("PRAGMA synchronous = OFF")
    policies.load_shipped(START)
    pinned = policies.in_force().processes[PROCESS]
    for index in range(PLAYED):
        comments = [{"at": f"+{2 + at}h", "do": "comment", "by": "li", "with": {"text": "已联系"}} for at in range(6)]
        script = {
            "process": PROCESS,
            "start": pinned.process.calendar.show(START + index * 3_600_000),
            "issue": {**ISSUE, "outage": index % 4 == 0, "number": f"YS-{index:03d}"},
            "people": {"li": ["team"]},
            "events": [{"at": f"+{20 + 2 * index}m", "do": "respond", "by": "li"}, *comments],
            "until": "+8h",
        }
        Live(pinned, read_script(script, pinned.process), all_processes(), patient=True).play()
    with database.transaction():
        for begin in range(PLAYED, count, PLAYED):
            _copy(begin)


def _copy(begin: int) -> None:
    """All that were played once more, with ids and numbers higher by `begin`."""
    number = f"""replace("number", 'YS-', 'YS{begin}-')"""
    for table, changed in (
        ("issue", {"id": f'"id" + {begin}', "number": number}),
        (
            "event",
            {
                "id": f'"id" + {begin} * 1000',
                "issue_id": f'"issue_id" + {begin}',
                "body": f"""replace("body", 'YS-', 'YS{begin}-')""",
                "entries": f"""replace("entries", 'YS-', 'YS{begin}-')""",
            },
        ),
    ):
        names = [row[1] for row in sql.run(f'PRAGMA table_info("{table}")').fetchall()]
        columns = ", ".join(f'"{name}"' for name in names)
        values = ", ".join(changed.get(name, f'"{name}"') for name in names)
        key = "id" if table == "issue" else "issue_id"
        sql.run(f'INSERT INTO "{table}" ({columns}) SELECT {values} FROM "{table}" WHERE "{key}" <= {PLAYED}')


def _measured(where: Place, count: int, decisions: bool) -> tuple[float, int, int]:
    """Seconds, the most KiB of any process, and how many issues changed; in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.bench_backtest", where.database, str(count), str(int(decisions))]
    ended = subprocess.run(command, cwd=ROOT, env=where.environ, check=True, capture_output=True, text=True)
    seconds, memory, changed = ended.stdout.split()
    return float(seconds), int(memory), int(changed)


def _measure(place_: str, count: int, decisions: bool) -> str:
    database.open(place_)
    text = dict(policies.texts_in_force()[0])[f"{PROCESS}.yaml"]
    draft = text.replace(b"until: respond, within: {A: 1h,", b"until: respond, within: {A: 30m,")
    first = sql.run('SELECT MIN("received_at") FROM "issue"').fetchone()[0]
    # The copies of one round are received as the first ones were; a share of them is chosen by its ids.
    sql.run('UPDATE "issue" SET "received_at" = ?', first)
    sql.run('UPDATE "issue" SET "received_at" = ? WHERE "id" > ?', first + 1, count)
    begin = time.perf_counter()
    with backtesting.of_store(
        PROCESS,
        draft,
        START + 8 * 3_600_000,
        end=first + 1,
        decisions=decisions,
        processes=backtesting.all_cores(),
    ) as outcome:
        assert outcome.summary["issues"] == count, outcome.summary
        changed = outcome.summary["changed"]
    seconds = time.perf_counter() - begin
    memory = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return f"{seconds} {memory} {changed}"


if __name__ == "__main__":
    print(_measure(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "1"))
