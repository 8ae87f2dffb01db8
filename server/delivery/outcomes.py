"""What an attempt comes to: delivered, tried again later, or given up (architecture, "What must hold", 4)."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from server.channels.outgoing import Outcome
from server.core.moments import DAY, HOUR, MINUTE, SECOND, Moment
from server.store.models import Message


@dataclass(frozen=True, slots=True)
class Persistence:
    """How long a channel is tried: milliseconds since the message was made, attempts, and the longest pause."""

    patience: int
    attempts: int
    pause: int


_PERSISTENCE: Final[Mapping[str, Persistence]] = {
    # Contract, "Outgoing webhooks": retried with growing pauses for 3 days.
    "webhook": Persistence(3 * DAY, 60, 3 * HOUR),
    # A mail server that is down is usually mended within a working day.
    "email": Persistence(8 * HOUR, 24, 30 * MINUTE),
}
# What is short and urgent goes another way before long.
_URGENT: Final = Persistence(15 * MINUTE, 10, 4 * MINUTE)


def persistence(type_: str) -> Persistence:
    """How long a channel of this type is tried."""
    return _PERSISTENCE.get(type_, _URGENT)


def pause(attempts: int, type_: str, retry_after: int | None) -> int:
    """Milliseconds until the next attempt: 2^n seconds, a quarter more or less so that not all come back at once, and
    no less than the receiver asked for."""
    grown = min(SECOND * 2 ** min(attempts, 30), persistence(type_).pause)
    jittered = int(grown * random.uniform(0.75, 1.25))
    return max(jittered, (retry_after or 0) * SECOND)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a message after an attempt. `gone` are recipients for whom another channel is to take over."""

    state: str  # Message.SENT, PENDING or DEAD
    next_at: Moment | None
    error: str | None
    left: tuple[Mapping[str, Any], ...] = ()
    gone: tuple[Mapping[str, Any], ...] = ()
    delivered: tuple[str, ...] = ()
    provider_id: str = ""


def judge(message: Message, type_: str, outcomes: Sequence[Outcome], now: Moment) -> Verdict:
    """What the outcomes of one attempt make of a message; each recipient has his own. Those who were reached are not
    tried again; those who cannot be reached here go another way, while the rest is tried again."""
    to: list[Mapping[str, Any]] = list((message.payload or {}).get("to") or [])
    by_id = {outcome.recipient: outcome for outcome in outcomes}
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    refused = [outcome for outcome in outcomes if outcome.state == "refused"]
    delivered = tuple(outcome.recipient for outcome in outcomes if outcome.state == "delivered")
    settled = {outcome.recipient for outcome in outcomes if outcome.state != "failed"}
    error = next((outcome.detail for outcome in [*failed, *refused] if outcome.detail), None)
    provider = next((outcome.provider_id for outcome in outcomes if outcome.provider_id), "")

    def those(state: str) -> tuple[Mapping[str, Any], ...]:
        return tuple(one for one in to if (found := by_id.get(str(one["id"]))) is not None and found.state == state)

    if not failed and not refused and delivered:
        return Verdict(Message.SENT, None, None, delivered=delivered, provider_id=provider)
    if not outcomes:
        error = "the channel gave no outcome"
    if failed or not outcomes:
        known = persistence(type_)
        waits = pause(message.attempts, type_, max((one.retry_after or 0 for one in failed), default=0))
        once = (message.payload or {}).get("once")
        if not once and message.attempts < known.attempts and now - message.created_at < known.patience:
            left = tuple(one for one in to if str(one["id"]) not in settled)
            return Verdict(Message.PENDING, now + waits, error, left, those("refused"), delivered)
    gone = tuple(one for one in to if str(one["id"]) not in delivered)
    return Verdict(Message.SENT if delivered else Message.DEAD, None, error, (), gone, delivered, provider)
