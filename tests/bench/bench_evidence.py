"""Verifying the audit trail, and sealing it beside intake."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from peewee import fn

from server import audit
from server.evidence.verifying import verify
from server.sealing import Sealer, Signer
from server.store import database, writing
from server.store.migrating import migrate
from server.store.models import AuditBlock, AuditEntry, Issue, Version
from tests.bench.result import Result

ENTRIES = 300_000
SEALED = 1_000
LOSS = 0.10
ROUNDS = 3
SECONDS = 4.0
VERIFIED = 150_000
FACTS = {"subject": "无法登录系统，提示账号被锁定", "impact": "stopped", "product": "platform", "customer": "甲公司"}


def run() -> list[Result]:
    """Measure both on SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        store = database.open(str(Path(folder) / "duban.sqlite"))
        try:
            migrate(store)
            beside = _beside_intake(store.url)
            fill(ENTRIES)
            return [*beside, _verifying()]
        finally:
            store.close()


def fill(count: int) -> None:
    """A trail of events as real ones are, two for an issue, sealed and signed."""
    signer, sealer, now = Signer(b"s" * 32), Sealer("bench"), 1_772_413_200_000
    with database.transaction():
        version = Version.create(kind="process", name="p", number=1, sha256="", data=b"", created_at=0).id
    for start in range(0, count, 1000):
        with database.transaction():
            for number in range(start, start + 1000, 2):
                row = {"process": "p", "version": version, "number": f"P{number}", "stage": "s"}
                issue = writing.insert(Issue, {**row, "received_at": now, "recorded_at": now, "case": "{}"})
                for seq, kind in ((1, "received"), (2, "action")):
                    _event(issue, seq, kind, f"P{number}", now)
        now += 1000
        while sealer.work(now, signer):
            pass


def _event(issue: int, seq: int, kind: str, number: str, now: int) -> None:
    row = {"issue": issue, "seq": seq, "at": now, "recorded_at": now, "kind": kind, "by": "li"}
    writing.insert_event({**row, "body": "{}", "entries": "[]"})
    entries = [{"kind": kind, "at": now, "number": number, "stage": "received", "team": "support", "owner": "li"}] * 2
    said = {"number": number, "seq": seq, "event": {"kind": kind, "facts": FACTS}, "entries": entries}
    audit.record(f"issue.{kind}", now, said, by="li", issue=issue)


# As the worker's loop does it.
SEALING = """
import sys, time
from server.sealing import Sealer, Signer
from server.store import database
database.open(sys.argv[1])
sealer, signer = Sealer("bench"), Signer(b"s" * 32)
while True:
    if not sealer.work(time.time_ns() // 1_000_000, signer):
        time.sleep(1)
"""


def _beside_intake(url: str) -> list[Result]:
    """Issues are written with two events each, a transaction an event, with and without a sealer beside it."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    left = 0
    for turn in range(ROUNDS * 2):
        sealing = bool(turn % 2)
        beside = subprocess.Popen([sys.executable, "-c", SEALING, url]) if sealing else None
        try:
            if beside is not None:
                time.sleep(1.5)
            rates[sealing].append(_write(SECONDS))
            if beside is not None:
                time.sleep(1.5)
                sealed = AuditBlock.select(fn.SUM(AuditBlock.size)).scalar() or 0
                left = max(left, AuditEntry.select().count() - sealed)
        finally:
            if beside is not None:
                beside.kill()
                beside.wait()
        time.sleep(0 if beside is None else 5.1)  # until its lease has ended
    alone, together = (statistics.median(rates[which]) for which in (False, True))
    loss = 1 - together / alone
    detail = f"{SEALED} entries/s come, one commit each; {left} unsealed a second later"
    cost = f"an entry takes {1e6 / together:.0f} µs beside a sealer, {1e6 / alone:.0f} µs alone; {ROUNDS} turns each"
    return [
        Result("sealing beside intake", f"{left} entries left", "0", not left, detail),
        Result("what intake loses to sealing", f"{loss:.1%}", f"≤ {LOSS:.0%}", loss <= LOSS, cost),
    ]


def _write(seconds: float) -> float:
    """Entries that could be written in a second, by the time that each takes while SEALED come."""
    version = Version.get_or_create(
        kind="process", name="w", number=1, defaults={"sha256": "", "data": b"", "created_at": 0}
    )[0].id
    begun, count, busy = time.perf_counter(), 0, 0.0
    while (passed := time.perf_counter() - begun) < seconds:
        time.sleep(max(count / SEALED - passed, 0))
        since = time.perf_counter()
        number = f"W{time.time_ns()}"
        row = {"process": "w", "version": version, "number": number, "stage": "s", "received_at": 0, "recorded_at": 0}
        with database.transaction():
            issue = writing.insert(Issue, {**row, "case": "{}"})
            _event(issue, 1, "received", number, 0)
        with database.transaction():
            _event(issue, 2, "action", number, 0)
        count += 2
        busy += time.perf_counter() - since
    if count / passed < 0.95 * SEALED:
        raise AssertionError(f"this machine writes {count / passed:.0f} entries/s")
    return count / busy


def _verifying() -> Result:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    rates = []
    for _ in range(3):
        begun = time.process_time()
        found = verify((Signer(b"s" * 32).verifier,))
        rates.append(found.entries / (time.process_time() - begun))
        if not found.is_sound or found.entries < ENTRIES or found.events != found.entries + found.unsealed:
            raise AssertionError(f"not sound: {found.findings[:3]}")
    rate = max(rates)
    size = sum(len(row.body) for row in AuditEntry.select().limit(1000)) / 1000
    detail = f"one core, {found.entries} entries of {size:.0f} characters, each an event; {found.blocks} blocks"
    return Result("verifying the trail", f"{rate:,.0f} entries/s", f"≥ {VERIFIED:,}", rate >= VERIFIED, detail)
