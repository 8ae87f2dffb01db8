"""How subscriptions fare: what became of their deliveries stands beside them, for whoever looks after them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import peewee

from server import audit
from server.channels.outgoing import Outcome
from server.core.moments import Moment
from server.store.models import Message, Subscription
from server.subscriptions.known import DOCUMENT, changed

log = logging.getLogger("duban.subscriptions")


def note(message: Message, outcomes: Sequence[Outcome], now: Moment) -> None:
    """Within the caller's transaction: note an attempt at a message, if it is a subscription's. A receiver that wants
    nothing more (410) gets nothing more; one that only fails is never left alone silently."""
    if message.channels != DOCUMENT or not outcomes:
        return
    (outcome,) = outcomes
    this = Subscription.id == message.channel
    if outcome.state == "delivered":
        Subscription.update(delivered_at=now, failing_since=None).where(this).execute()
        return
    since = peewee.fn.COALESCE(Subscription.failing_since, now)
    Subscription.update(failing_since=since, last_error=outcome.detail, last_error_at=now).where(this).execute()
    if (
        outcome.disable
        and Subscription.update(active=False, reason=Subscription.GONE).where(this, Subscription.active).execute()
    ):
        log.warning("subscription %s is gone: %s", message.channel, outcome.detail)
        changed()
        audit.record("subscription.disabled", now, {"subscription": message.channel, "reason": Subscription.GONE})
