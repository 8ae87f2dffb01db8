"""What an administrator decides about messages: hold everything back, let go, drop, send again; and starting up."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from server import audit
from server.core.moments import Moment
from server.delivery.ways import Channelling
from server.directory import snapshot
from server.messages.recipients import someone
from server.store import database, sql
from server.store.models import Message, Meta

HELD: Final = "outgoing-held"

RESTORED: Final = "restored"
"""Why everything is held: the store was made from a backup."""

BEHIND: Final = "behind"
"""Why everything is held: somebody else has seen more of this store than there is in it."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Everything is held back since a moment: why (RESTORED, BEHIND, or what somebody wrote), and by whom."""

    at: Moment
    reason: str
    by: str | None


def is_outgoing_held() -> bool:
    """Whether nothing leaves until an administrator decides (a restored backup)."""
    return outgoing_hold() is not None


def outgoing_hold() -> Hold | None:
    """Since when and why nothing leaves until an administrator decides; None: messages leave."""
    row = sql.run('SELECT "value" FROM "meta" WHERE "key" = ?', HELD).fetchone()
    return None if row is None else Hold(**json.loads(row[0]))


def waiting() -> int:
    """How many messages wait to leave."""
    return int(sql.run('SELECT COUNT(*) FROM "message" WHERE "state" = \'pending\'').fetchone()[0])


def hold_outgoing(now: Moment, reason: str, by: str | None = None) -> None:
    """Hold everything back: what is planned stays planned, and nothing is sent. The first reason stays."""
    with database.transaction():
        if is_outgoing_held():
            return
        Meta.insert(key=HELD, value={"at": now, "reason": reason, "by": by}).on_conflict_ignore().execute()
        audit.record("delivery.held", now, {"reason": reason}, by=by)


def doubtful() -> int:
    """How many of the messages that wait `release_outgoing` drops when it does not send them."""
    hold = outgoing_hold()
    return 0 if hold is None else int(Message.select().where(_to_drop(hold)).count())


def _to_drop(hold: Hold) -> Any:
    """All that wait; of a store that was put back, only what may have left before: not what came up since then."""
    waits = Message.state == Message.PENDING
    return waits & (Message.at < hold.at) if hold.reason in (RESTORED, BEHIND) else waits


def release_outgoing(now: Moment, by: str | None, *, send: bool) -> int:
    """Let messages leave again; with `send` false those that are doubtful are cancelled first. Gives how many will
    leave, or were cancelled; 0, with nothing changed, when nothing is held."""
    with database.transaction():
        hold = outgoing_hold()
        if hold is None or not Meta.delete().where(Meta.key == HELD).execute():
            return 0
        if send:
            count = waiting()
        else:
            cancelled = {"state": Message.CANCELLED, "next_at": None, "reason": "held"}
            count = Message.update(cancelled).where(_to_drop(hold)).execute()
        audit.record("delivery.released", now, {"send": send, "messages": count}, by=by)
    return int(count)


def release(now: Moment, by: str | None, messages: Collection[int] | None = None) -> int:
    """Send held messages after all (state `held`: a demo's); all of them when none are named. Gives how many."""
    return _decide(now, by, messages, "message.released", state=Message.PENDING, created_at=now, next_at=now)


def discard(now: Moment, by: str | None, messages: Collection[int] | None = None) -> int:
    """Drop held messages; all of them when none are named. Gives how many."""
    return _decide(now, by, messages, "message.discarded", state=Message.CANCELLED, next_at=None, not_before=None)


def _decide(now: Moment, by: str | None, messages: Collection[int] | None, kind: str, **columns: object) -> int:
    with database.transaction():
        where = Message.state == Message.HELD
        if messages is not None:
            where &= Message.id.in_(list(messages))
        count = int(Message.update(**columns).where(where).execute())
        if count:
            audit.record(kind, now, {"messages": count}, by=by)
    return count


def resend(message: int, now: Moment, by: str | None, channelling: Channelling | None = None) -> bool:
    """Try a dead or unsent message again, with the id it had, at the addresses that the directory has now; False when
    it is in another state, or for nobody."""
    with database.transaction():
        row = Message.get_or_none(Message.id == message, Message.state.in_([Message.DEAD, Message.UNSENT]))
        if row is None or not (row.payload or {}).get("to"):
            return False
        channel = (channelling or Channelling()).channel(row.channels, row.channel)
        to = [_readdressed(one, "" if channel is None else channel.type) for one in row.payload["to"]]
        Message.update(
            state=Message.PENDING,
            reason=None,
            created_at=now,
            next_at=now,
            not_before=None,
            attempts=0,
            payload={**row.payload, "to": to},
            address=to[0]["address"] if row.address or row.reason == "no_address" else row.address,
        ).where(Message.id == message).execute()
        audit.record("message.resent", now, {"message": row.key}, by=by, issue=row.issue_id)
    return True


def _readdressed(one: Mapping[str, Any], type_: str) -> dict[str, Any]:
    person = snapshot().active(str(one["id"])) if one.get("person") else None
    where = someone(person).addresses.get(type_) if person is not None else None
    return {**one, "address": where or one.get("address") or ""}


def recover(now: Moment, *, alone: bool) -> int:
    """At start-up: messages whose sender died are due again; give how many. Elsewhere a lease is waited for; `alone`
    says that no other process sends from this store (SQLite, one server), so that every lease is a dead one's."""
    due = 'UPDATE "message" SET "next_at" = ?, "lease_until" = 0 WHERE "state" = \'pending\' AND "lease_until" > 0'
    with database.transaction():
        if alone:
            return int(sql.run(due, now).rowcount)
        return int(sql.run(f'{due} AND "lease_until" <= ?', now, now).rowcount)


def set_back(by: int, now: Moment) -> int:
    """The clock went back by that many milliseconds: what waits for an attempt, or a lease that ends, waits no longer
    for it than it did. Gives how many messages those are."""
    moved = ", ".join(f'"{column}" = "{column}" - ?' for column in ("next_at", "not_before", "lease_until"))
    statement = f'UPDATE "message" SET {moved} WHERE "state" = \'pending\' AND "next_at" > ?'
    with database.transaction():
        return int(sql.run(statement, by, by, by, now).rowcount)


def next_moment(now: Moment) -> Moment | None:
    """The earliest moment after `now` at which a message becomes due or need not be kept for folding any more; None
    when there is none. What is due already and still here waits for its destination: look again within a second."""
    pending = 'FROM "message" WHERE "state" = \'pending\' AND'
    due = sql.run(f'SELECT MIN("next_at") {pending} "not_before" IS NULL AND "next_at" > ?', now).fetchone()[0]
    kept = sql.run(f'SELECT MIN("not_before") {pending} "not_before" IS NOT NULL AND "not_before" > ?', now).fetchone()[
        0
    ]
    return min((int(one) for one in (due, kept) if one is not None), default=None)
