"""Trying a channel: a message that somebody sends to himself, or to an address that he types, on the way that every
message goes. It is tried once, and nobody else is told when it fails."""

from __future__ import annotations

import secrets
from typing import Any

from server import audit, nudging, subscriptions
from server.channels import leaves_as_one
from server.core.moments import Moment
from server.core.vocabulary import say
from server.delivery.handing_over import TEST
from server.delivery.ways import Channelling
from server.directory import snapshot
from server.messages.recipients import someone
from server.store import database
from server.store.models import Message

LONGEST = 500


class NotTried(Exception):
    """The channel cannot be tried; `code`: unknown-channel, not-configured, no-address, bad-address, by-hand."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def send_test(document: str, name: str, by: str, now: Moment, address: str = "", language: str = "zh") -> int:
    """Send a test over a channel to `address`, or else to the person `by`; gives the message's number. Raises NotTried,
    Unavailable."""
    address = address.strip()
    with database.transaction():
        channelling = Channelling(now=now)
        channel = channelling.channel(document, name)
        if channel is None:
            raise NotTried("unknown-channel")
        if channel.type == "manual":
            raise NotTried("by-hand")
        if channelling.way(channel) is None:
            raise NotTried("not-configured")
        if len(address) > LONGEST or any(ord(letter) < 32 for letter in address):
            raise NotTried("bad-address")
        person = snapshot().active(by)
        if not address and person is not None:
            address = someone(person).addresses.get(channel.type, "")
        if not address and not leaves_as_one(channel.type) and document != subscriptions.DOCUMENT:
            raise NotTried("no-address")
        to = {"id": by, "name": by if person is None else person.name, "person": False, "address": address}
        payload: dict[str, Any] = {"to": [to], "once": True}
        if document == subscriptions.DOCUMENT or channel.type == "webhook":
            payload |= {"kind": TEST, "data": {"kind": TEST, "by": by}}
        row = Message.create(
            key="msg_" + secrets.token_hex(20),
            notice=TEST,
            channels=document,
            channel=name,
            to=by,
            recipient=by,
            address=address,
            destination=f"{document}/{name}",
            language=language,
            subject=say("messages.test.subject", language),
            body=say("messages.test.body", language, by=to["name"]),
            payload=payload,
            state=Message.PENDING,
            at=now,
            created_at=now,
            not_before=None,
            next_at=now,
        )
        audit.record("channel.tested", now, {"channels": document, "channel": name, "message": row.key}, by=by)
        nudging.after_commit()
    return int(row.id)


def outcome(message: int) -> Any:
    """The row of a test; None: there is no such test."""
    return Message.get_or_none(Message.id == message, Message.notice == TEST)
