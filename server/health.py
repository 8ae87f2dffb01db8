"""How the server is: one place that says what somebody should look after, from the same facts that `/readyz` and
`/metrics` give."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Final

from server import backup, clock, metrics, sealing, working
from server.core.moments import DAY, MINUTE, Moment
from server.evidence import standing
from server.metrics import Family, figure
from server.settings import Settings
from server.store import database, migrating, sql
from server.store.models import Lease, Verification

LATE: Final = 60
"""Seconds behind which the sweep is so late that everybody who can help should know."""

OLD_BACKUP: Final = 7 * DAY
UNSIGNED: Final = 10 * MINUTE
"""After which entries that no checkpoint covers are a trouble: one is signed each minute."""

BAD: Final = "bad"
WARN: Final = "warn"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something to look after. `level` BAD: now, and administrators are told on every page."""

    code: str
    level: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Health:
    """The state of the server at a moment."""

    figures: Sequence[Family]
    workers: Sequence[Any]
    leases: Sequence[Any]
    checkpoint_at: Moment | None
    unsigned: int
    backup: dict[str, Any] | None
    size: int
    step: str
    pending: Sequence[str]
    about: dict[str, str]
    troubles: Sequence[Trouble]


def troubles(settings: Settings, now: Moment) -> list[Trouble]:
    """What somebody should look after, the worst first. Costs little: figures are remembered for seconds. Raises
    Unavailable."""
    found = metrics.so_many_now(now)
    with database.session():
        listed = [*_of_work(found), *_of_trail(settings, now), *_of_store(found, now)]
        return sorted(listed, key=lambda one: one.level)


def _of_work(found: Sequence[Family]) -> list[Trouble]:
    listed = []
    if not figure(found, "duban_sweeper_active"):
        listed.append(Trouble("no-sweeper", BAD))
    behind = figure(found, "duban_sweep_behind_seconds")
    if behind > LATE:
        listed.append(Trouble("sweep-late", BAD, {"seconds": int(behind)}))
    for code, name, labels in (
        ("dead-messages", "duban_messages_open", {"state": "dead"}),
        ("issues-apart", "duban_issues_set_apart", {}),
        ("schedules-apart", "duban_schedules_set_apart", {}),
        ("kept-deliveries", "duban_intake_kept", {}),
    ):
        count = int(figure(found, name, **labels))
        if count:
            listed.append(Trouble(code, WARN, {"count": count}))
    return listed


def _of_trail(settings: Settings, now: Moment) -> list[Trouble]:
    listed = [
        Trouble("anchor-failed", BAD, {"kind": anchor.kind, "since": since})
        for anchor, since in sealing.failing(settings)
    ]
    if not settings.anchors:
        listed.append(Trouble("no-anchor", WARN))
    waits = _waits_for_signature() if settings.signing_key is not None else None
    if waits is not None and now - waits > UNSIGNED:
        listed.append(Trouble("checkpoint-late", WARN, {"since": waits}))
    last = standing.latest()
    if last is not None and last.state == Verification.TAMPERED:
        listed.append(Trouble("tampered", BAD, {"at": last.ended_at}))
    return listed


def _waits_for_signature() -> Moment | None:
    """When the oldest sealed entries that no checkpoint covers were sealed; None: there are none."""
    newest = sealing.newest()
    size = 0 if newest is None else newest.size
    row = sql.run('SELECT "at" FROM "audit_block" WHERE "first" > ? ORDER BY "first" LIMIT 1', size).fetchone()
    return None if row is None else int(row[0])


def _of_store(found: Sequence[Family], now: Moment) -> list[Trouble]:
    listed = []
    if clock.held() is not None:
        listed.append(Trouble("clock-held", WARN))  # it has a notice of its own on every page
    made = backup.last_made()
    if made is None:
        if figure(found, "duban_issues_open"):
            listed.append(Trouble("no-backup", WARN))
    elif now - made["at"] > OLD_BACKUP:
        listed.append(Trouble("old-backup", WARN, {"at": made["at"]}))
    return listed


def look(settings: Settings, now: Moment) -> Health:
    """The whole state. Raises Unavailable."""
    with database.session():
        newest = sealing.newest()
        store = database.current()
        return Health(
            figures=[*metrics.so_many_now(now), *metrics.counted()],
            workers=working.workers(now),
            leases=list(Lease.select().where(Lease.until > now).order_by(Lease.name)),
            checkpoint_at=None if newest is None else newest.at,
            unsigned=_unsigned(0 if newest is None else newest.size),
            backup=backup.last_made(),
            size=_size(store),
            step=migrating.last_step(store),
            pending=migrating.pending(store),
            about={
                "release": version("duban"),
                "python": platform.python_version(),
                "database": _database(store),
            },
            troubles=troubles(settings, now),
        )


def _unsigned(size: int) -> int:
    row = sql.run('SELECT "first" + "size" - 1 FROM "audit_block" ORDER BY "no" DESC LIMIT 1').fetchone()
    return 0 if row is None else max(int(row[0]) - size, 0)


def _size(store: Any) -> int:
    """Bytes of the database, with what is still in its log."""
    if store.is_postgresql:
        return int(sql.run("SELECT pg_database_size(current_database())").fetchone()[0])
    files = (store.file, store.file.with_name(store.file.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def _database(store: Any) -> str:
    if store.is_postgresql:
        return "PostgreSQL " + str(sql.run("SHOW server_version").fetchone()[0]).split()[0]
    return "SQLite " + str(sql.run("SELECT sqlite_version()").fetchone()[0])
