"""Writing what became of messages: sent, tried again, given up, handed over, each final outcome audited."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from server import audit, metrics, subscriptions
from server.channels.outgoing import Outcome
from server.core.moments import Moment
from server.delivery.claiming import Settlement, settle
from server.delivery.handing_over import TEST, hand_over
from server.delivery.outcomes import Verdict, judge, persistence
from server.delivery.ways import Channelling
from server.store import database, sql
from server.store.models import Message

log = logging.getLogger("duban.delivery")

_WAITED_TOO_LONG = """
    SELECT "id" FROM "message" WHERE "state" = 'pending' AND "next_at" <= ? AND "not_before" IS NULL
        AND "destination" = ? AND "created_at" <= ? ORDER BY "next_at", "id" LIMIT 50
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that has ended, as the thread that made it left it. `type` is the channel's; empty: it is not set."""

    message: Message
    type: str
    outcomes: list[Outcome]


def write_outcome(done: Attempt, now: Moment, channelling: Channelling) -> None:
    """Within the caller's transaction: what an attempt makes of its message. Nothing that a slow worker learnt late may
    undo what another one did meanwhile, but a delivery counts."""
    message = done.message
    if not done.type:
        _not_set(message, now, channelling)
        return
    verdict = judge(message, done.type, done.outcomes, now)
    payload = dict(message.payload or {})
    if verdict.state == Message.PENDING:
        payload["to"] = list(verdict.left)
    columns: dict[str, Any] = {
        # A test that failed is no dead letter: whoever made it sees what became of it.
        "state": Message.CANCELLED if (message.notice, verdict.state) == (TEST, Message.DEAD) else verdict.state,
        "next_at": verdict.next_at,
        "last_error": verdict.error,
        "payload": payload,
        "sent_at": now if verdict.state == Message.SENT else None,
    }
    if not settle([Settlement(message.id, message.fence, verdict.state == Message.SENT, columns)]):
        log.warning("message %s was settled by another worker", message.key)
        return
    message.last_error = verdict.error
    outcome = "retried" if verdict.state == Message.PENDING else verdict.state
    # Not one figure for each subscription: there is no end to them.
    channel = "subscription" if message.channels == subscriptions.DOCUMENT else message.channel
    metrics.after_commit(metrics.DELIVERIES, channel, outcome)
    _record(message, verdict, now)
    subscriptions.note(message, done.outcomes, now)
    if verdict.gone:
        hand_over(message, verdict.gone, channelling, now)
    elif verdict.state == Message.DEAD:
        hand_over(message, (), channelling, now)


def _not_set(message: Message, now: Moment, channelling: Channelling) -> None:
    """The channel was unset, or left the document, after the message was planned: kept, marked, or handed over."""
    columns = {"state": Message.UNSENT, "reason": "not_configured", "next_at": None}
    if not settle([Settlement(message.id, message.fence, False, columns)]):
        return
    metrics.after_commit(metrics.DELIVERIES, message.channel, Message.UNSENT)
    audit.record("message.unsent", now, _about(message), issue=message.issue_id)
    to = (message.payload or {}).get("to") or []
    if to and any(channelling.way(one) for one in channelling.following(message.channels, message.channel)):
        hand_over(message, to, channelling, now)


def give_up_waiting(destination: str, now: Moment, channelling: Channelling) -> None:
    """While a destination is left alone, its messages do not wait for a turn that comes too late: those older than
    their channel's patience are given up."""
    document, _, name = destination.partition("/")
    channel = channelling.channel(document, name)
    if channel is None:
        return
    before = now - persistence(channel.type).patience
    ids = [row[0] for row in sql.run(_WAITED_TOO_LONG, now, destination, before).fetchall()]
    if ids:
        _give_up(ids, now, channelling)


def _give_up(ids: list[int], now: Moment, channelling: Channelling) -> None:
    with database.transaction():
        for message in Message.select().where(Message.id.in_(ids)):
            error = message.last_error or "the destination does not answer"
            columns = {"state": Message.DEAD, "next_at": None, "last_error": error}
            if settle([Settlement(message.id, message.fence, False, columns)]):
                message.last_error = error
                metrics.after_commit(metrics.DELIVERIES, message.channel, Message.DEAD)
                _record(message, Verdict(Message.DEAD, None, error), now)
                hand_over(message, (message.payload or {}).get("to") or (), channelling, now)


def _record(message: Message, verdict: Verdict, now: Moment) -> None:
    """The audit entry of an outcome that is final, or that somebody will not get it this way."""
    if verdict.state == Message.PENDING and not verdict.gone:
        return
    kind = "message.sent" if verdict.state == Message.SENT else "message.dead"
    if verdict.state == Message.PENDING:
        kind = "message.refused"
    about = _about(message)
    if verdict.error:
        about["error"] = _without_addresses(verdict.error, message)
    if verdict.provider_id:
        about["provider_id"] = verdict.provider_id
    audit.record(kind, now, about, issue=message.issue_id)


def _about(message: Message) -> dict[str, Any]:
    """What the audit trail says of a message: whom it was for by login, never an address."""
    return {
        "message": message.key,
        "notice": message.notice,
        "channel": message.channel,
        "recipient": message.recipient,
        "attempts": message.attempts,
    }


def _without_addresses(error: str, message: Message) -> str:
    """An answer of the other side, which may repeat the address that it refuses: the audit trail keeps none."""
    for one in (message.payload or {}).get("to") or ():
        for text in (one.get("address"), one.get("number")):
            if text:
                error = error.replace(str(text), "…")
    return error
