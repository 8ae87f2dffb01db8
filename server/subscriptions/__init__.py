"""Subscriptions: other systems that are told of events by signed webhooks (contract, `/api/v1/subscriptions`).

Each line of a timeline that a subscription wants is one message, written with the event and delivered as every other
message is: claimed, retried with growing pauses for three days, kept, and replayed when asked for.
"""

from __future__ import annotations

from server.subscriptions.faring import note
from server.subscriptions.keeping import (
    BadSubscription,
    UnknownSubscription,
    change,
    create,
    delete,
    every,
    one,
    rotate,
)
from server.subscriptions.known import DOCUMENT, Wanted, active, channel, wanted
from server.subscriptions.replaying import Replayed, replay
from server.subscriptions.telling import NOTICE, messages

__all__ = [
    "DOCUMENT",
    "NOTICE",
    "BadSubscription",
    "Replayed",
    "UnknownSubscription",
    "Wanted",
    "active",
    "change",
    "channel",
    "create",
    "delete",
    "every",
    "messages",
    "note",
    "one",
    "replay",
    "rotate",
    "wanted",
]
