"""Events of the past once more: what was not delivered, or happened before somebody subscribed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from server import audit, nudging, policies
from server.core.happened import stage_after
from server.core.moments import Moment
from server.store import database
from server.store.models import Event, Issue, Message
from server.store.writing import insert_messages
from server.subscriptions.known import Wanted
from server.subscriptions.telling import Row, deliveries

MOST: Final = 10_000
"""Deliveries of one replay; whoever wants more goes on from where it ended."""

_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many deliveries are on their way, and the moment to go on from (None: that was all)."""

    deliveries: int
    next: Moment | None


def replay(one: Wanted, start: Moment, end: Moment, now: Moment, by: str, most: int = MOST) -> Replayed:
    """Deliver again what the subscription wants of the events from `start` until before `end`, each with the
    `webhook-id` that it has. What waits for its turn, or is held back, is left as it is. Raises Unavailable."""
    count, place, after = 0, (start, 0), None
    while True:
        with database.transaction():
            events = _events(one, place, end)
            if not events:
                break
            # Events of one moment are not torn apart: the next replay begins with a moment.
            if count >= most and events[0].at != place[0]:
                after = int(events[0].at)
                break
            rows = [row for event in events for row in _rows(one, event, now)]
            count += _send(rows)
            place = (events[-1].at, events[-1].id)
    with database.transaction():
        body = {"subscription": one.id, "from": start, "to": end, "deliveries": count}
        audit.record("subscription.replayed", now, body, by=by)
        nudging.after_commit()
    return Replayed(count, after)


def _events(one: Wanted, place: tuple[Moment, int], end: Moment) -> Sequence[Any]:
    at, id = place
    query = (
        Event.select(Event, Issue.id, Issue.pins)
        .join(Issue)
        .where((Event.at > at) | ((Event.at == at) & (Event.id > id)), Event.at >= at, Event.at < end)
        .order_by(Event.at, Event.id)
        .limit(_AT_ONCE)
    )
    if one.processes:
        query = query.where(Issue.process.in_(sorted(one.processes)))
    return list(query)


def _rows(one: Wanted, event: Any, now: Moment) -> list[Row]:
    entries = json.loads(event.entries)
    if not entries:
        return []
    process = policies.process_for(event.issue.pins).process
    stage = _stage_before(event.issue_id, event.seq) if event.seq > 1 else None
    return list(deliveries(one, process, event.issue_id, event.id, event.seq, entries, stage, now))


def _stage_before(issue: int, seq: int) -> str | None:
    earlier = Event.select(Event.entries).where(Event.issue == issue, Event.seq < seq).order_by(Event.seq.desc())
    return next((stage for row in earlier.iterator() if (stage := stage_after(json.loads(row.entries)))), None)


def _send(rows: Sequence[Row]) -> int:
    """Insert what was never a message, let out again what was; give how many leave now."""
    known = {
        row.key: row.state
        for row in Message.select(Message.key, Message.state).where(Message.key.in_([row["key"] for row in rows]))
    }
    new = [row for row in rows if row["key"] not in known]
    insert_messages(new)
    again = [row for row in rows if known.get(row["key"], Message.PENDING) not in (Message.PENDING, Message.HELD)]
    for row in again:
        Message.update(
            state=Message.PENDING, reason=None, payload=row["payload"], created_at=row["created_at"],
            next_at=row["next_at"], attempts=0, sent_at=None,
        ).where(Message.key == row["key"]).execute()  # fmt: skip
    return len(new) + len(again)
