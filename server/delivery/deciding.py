"""What somebody decides about messages that did not go out: once more, or not at all, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import merge
from typing import Any, Final

from server import audit, nudging
from server.core.moments import Moment
from server.delivery.holding import resend
from server.store import database, sql
from server.store.models import Message

OPEN: Final = (Message.DEAD, Message.UNSENT, Message.HELD)
"""States in which a message waits for a decision."""

MOST: Final = 1_000
"""Messages of one decision; whoever has more decides again."""

LONGEST: Final = 500

# Partial indexes need literal states.
_OF_OPEN: Final = "\"state\" = ? AND \"state\" NOT IN ('sent', 'folded', 'pending')"
_OF_PENDING: Final = "\"state\" = 'pending'"


class NoReason(ValueError):
    """Nobody drops a message without saying why."""


@dataclass(frozen=True, slots=True)
class Which:
    """Messages that are meant: of these states, of a channel and a process (empty: of any)."""

    states: tuple[str, ...] = OPEN
    channel: str = ""
    process: str = ""


def ids(which: Which, before: int | None, limit: int) -> list[int]:
    """The ids of those messages that are smaller than `before`, newest first. Raises Unavailable."""
    pages = []
    with database.session():
        for state in which.states:
            pending = state == Message.PENDING
            where = [_OF_PENDING if pending else _OF_OPEN]
            values: list[Any] = [] if pending else [state]
            # With a sign before it no index is in that order: what waits is found by its own index then, of few, and
            # not by looking backwards through all that ever left. The others have an index in an order of its own.
            id_, order = ('+"id"', "DESC") if pending else ('"id"', "DESC NULLS LAST")
            conditions = (('"channel" = ?', which.channel), ('"process" = ?', which.process), (f"{id_} < ?", before))
            for condition, value in conditions:
                if value not in ("", None):
                    where, values = [*where, condition], [*values, value]
            statement = f'SELECT "id" FROM "message" WHERE {" AND ".join(where)} ORDER BY {id_} {order} LIMIT ?'
            pages.append([int(row[0]) for row in sql.run(statement, *values, limit).fetchall()])
    return list(merge(*pages, reverse=True))[:limit]


def retry(messages: Iterable[int], now: Moment, by: str) -> int:
    """Send these once more, with the ids they had; gives how many that were. Raises Unavailable."""
    count = 0
    for id_ in messages:
        with database.transaction():
            if resend(id_, now, by):
                count += 1
            elif (
                Message.update(state=Message.PENDING, created_at=now, next_at=now)
                .where(Message.id == id_, Message.state == Message.HELD)
                .execute()
            ):
                row = Message.get_by_id(id_)
                audit.record("message.resent", now, {"message": row.key}, by=by, issue=row.issue_id)
                count += 1
    if count:
        nudging.nudge()
    return count


def drop(messages: Iterable[int], now: Moment, by: str, reason: str) -> int:
    """These are wanted no longer; gives how many that were. Each has its entry in the trail. Raises NoReason."""
    reason = " ".join(reason.split())[:LONGEST]
    if not reason or "\x00" in reason:
        raise NoReason
    count = 0
    for id_ in messages:
        with database.transaction():
            row: Any = Message.get_or_none(Message.id == id_)
            dropped = (
                Message.update(state=Message.CANCELLED, next_at=None, not_before=None, reason=reason)
                .where(Message.id == id_, Message.state.in_(OPEN))
                .execute()
            )
            if dropped:
                said = {"message": row.key, "notice": row.notice, "channel": row.channel, "recipient": row.recipient}
                audit.record("message.cancelled", now, {**said, "reason": reason}, by=by, issue=row.issue_id)
                count += 1
    return count
