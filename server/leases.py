"""A duty that one process at a time has: whoever holds the lease does it, the others stand by."""

from __future__ import annotations

from server.core.moments import Moment
from server.store import database, sql

LENGTH = 4_000
"""Milliseconds that a lease lasts. Whoever stands by looks each second, so that another process has taken over from
one that died within five."""

# Of another holder's lease that would last longer than any does, the clock was wrong when it was taken.
_TAKE = (
    'INSERT INTO "lease" ("name", "holder", "until", "fence") VALUES (?, ?, ?, 1) '
    'ON CONFLICT ("name") DO UPDATE SET '
    '"fence" = "lease"."fence" + (CASE WHEN "lease"."holder" = ? THEN 0 ELSE 1 END), '
    '"holder" = excluded."holder", "until" = excluded."until" '
    'WHERE "lease"."holder" = ? OR "lease"."until" <= ? OR "lease"."until" > ? RETURNING "fence"'
)


def take(name: str, holder: str, now: Moment, length: int = LENGTH) -> int | None:
    """Take or renew the lease; gives its fence, which grows whenever it changes hands. None: somebody else has it."""
    with database.transaction():
        row = sql.run(_TAKE, name, holder, now + length, holder, holder, now, now + 2 * length).fetchone()
    return None if row is None else int(row[0])


def give_back(name: str, holder: str) -> None:
    """Let another process have it at once, at the end of this one."""
    with database.transaction():
        sql.run('UPDATE "lease" SET "until" = 0 WHERE "name" = ? AND "holder" = ?', name, holder)
