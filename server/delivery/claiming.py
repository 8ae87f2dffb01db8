"""Claiming messages, and noting what became of them. All in SQL of its own: partial indexes need literal states.

A claim sets a lease, adds one to the attempts (so that a message which kills its worker comes to an end, too) and to
the fence. While it lasts, `next_at` is its end: whoever looks for due messages does not see it, and a worker that
died is made good by waiting.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from server.core.moments import Moment
from server.store import database, sql
from server.store.models import Message

LEASE: Final = 60_000
"""Milliseconds for one attempt; an HTTP request takes 15 s at most, a mail server that hangs as long for a reply."""

_WINDOW: Final = 200
_DUE = """
    SELECT "id", "destination" FROM "message"
    WHERE "state" = 'pending' AND "next_at" <= ? AND "not_before" IS NULL{others}
    ORDER BY "next_at", "id" LIMIT ?{lock}
"""
_CLAIM = """
    UPDATE "message" SET "lease_until" = ?, "next_at" = ?, "lease_by" = ?, "fence" = "fence" + 1,
        "attempts" = "attempts" + 1
    WHERE "id" IN ({ids}) AND "state" = 'pending' AND "next_at" <= ?
"""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What an attempt's end makes of its message's row."""

    message: int
    fence: int
    delivered: bool
    columns: dict[str, Any]


def places(count: int) -> str:
    """`?, ?, ?` for so many values."""
    return ", ".join("?" * count)


def is_any_due(now: Moment) -> bool:
    """Whether a message is due: read without a lock, so that an idle worker takes none."""
    statement = 'SELECT 1 FROM "message" WHERE "state" = \'pending\' AND "next_at" <= ? LIMIT 1'
    return sql.run(statement, now).fetchone() is not None


def claim(now: Moment, worker: str, free: dict[str, int], most: int, default: int) -> list[Message]:
    """Claim up to `most` due messages, oldest first, and of one destination no more than `free` says (`default` for
    one that is not in it): what one destination cannot take now does not stand before the others'."""
    if most <= 0:
        return []
    with database.transaction():
        ids = _chosen(now, dict(free), most, default)
        if not ids:
            return []
        until = now + LEASE
        sql.run(_CLAIM.format(ids=places(len(ids))), until, until, worker, *ids, now)
        return list(Message.select().where(Message.id.in_(ids), Message.lease_by == worker).order_by(Message.id))


def _chosen(now: Moment, free: dict[str, int], most: int, default: int) -> list[int]:
    ids: list[int] = []
    lock = " FOR UPDATE SKIP LOCKED" if database.current().is_postgresql else ""
    while len(ids) < most:
        full = [destination for destination, slots in free.items() if slots <= 0]
        others = f' AND "destination" NOT IN ({places(len(full))})' if full else ""
        others += f' AND "id" NOT IN ({places(len(ids))})' if ids else ""
        rows = sql.run(_DUE.format(others=others, lock=lock), now, *full, *ids, _WINDOW).fetchall()
        for id_, destination in rows:
            slots = free.setdefault(destination, default)
            if slots > 0 and len(ids) < most:
                ids.append(id_)
                free[destination] = slots - 1
        # A full window may hide other destinations behind one that has no room left.
        if len(rows) < _WINDOW:
            break
    return ids


def settle(settlements: Collection[Settlement]) -> list[int]:
    """Within the caller's transaction: write what became of messages, and give those whose row took it. A delivery
    counts whoever made it; a failure only while the fence is its own (another worker may be at it already)."""
    taken: list[int] = []
    for one in settlements:
        where = (Message.id == one.message) & (Message.state == Message.PENDING)
        if not one.delivered:
            where &= Message.fence == one.fence
        if Message.update(**one.columns, lease_until=0, lease_by=None).where(where).execute() == 1:
            taken.append(one.message)
    return taken
