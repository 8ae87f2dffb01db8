"""Verifying the audit trail, and sealing it beside intake."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from server import audit
from server.evidence.verifying import verify
from server.sealing import Sealer, Signer
from server.store import database, writing
from server.store.migrating import migrate
from server.store.models import AuditEntry, Version
from tests.bench.result import Result

ENTRIES = 300_000
VERIFIED = 150_000
FACTS = {"subject": "无法登录系统，提示账号被锁定", "impact": "stopped", "product": "platform", "customer": "甲公司"}


def run() -> list[Result]:
    """Measure both on SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        store = database.open(str(Path(folder) / "duban.sqlite"))
        try:
            migrate(store)
            fill(ENTRIES)
            return [_verifying()]
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
                issue = writing.insert_issue({**row, "received_at": now, "recorded_at": now, "case": "{}"})
                assert issue is not None
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


def _verifying() -> Result:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    rates = []
    for _ in range(3):
        begun = time.process_time()
        found = verify((Signer(b"s" * 32).verifier,))
        rates.append(found.entries / (time.process_time() - begun))
        if not found.is_sound or found.entries != ENTRIES or found.events != ENTRIES:
            raise AssertionError(f"not sound: {found.findings[:3]}")
    rate = max(rates)
    size = sum(len(row.body) for row in AuditEntry.select().limit(1000)) / 1000
    detail = f"one core, {ENTRIES} entries of {size:.0f} characters, each an event; {found.blocks} blocks"
    return Result("verifying the trail", f"{rate:,.0f} entries/s", f"≥ {VERIFIED:,}", rate >= VERIFIED, detail)
