"""How destinations fare: what came of the attempts at each, hour by hour, so that a page can say how a channel is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from server import subscriptions
from server.core.moments import DAY, HOUR, Moment
from server.store import sql
from server.store.models import DeliveryHour

if TYPE_CHECKING:
    from server.delivery.settling import Attempt

KEPT: Final = 30 * DAY

_ADD: Final = """
    INSERT INTO "delivery_hour" ("destination", "hour", "sent", "failed", "sent_at", "failed_at", "error")
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT ("destination", "hour") DO UPDATE SET
        "sent" = "delivery_hour"."sent" + excluded."sent", "failed" = "delivery_hour"."failed" + excluded."failed",
        "sent_at" = COALESCE(excluded."sent_at", "delivery_hour"."sent_at"),
        "failed_at" = COALESCE(excluded."failed_at", "delivery_hour"."failed_at"),
        "error" = COALESCE(excluded."error", "delivery_hour"."error")
"""


@dataclass(frozen=True, slots=True)
class Faring:
    """What came of the attempts of the last day, when the last good and the last bad one were, and what that said."""

    sent: int = 0
    failed: int = 0
    sent_at: Moment | None = None
    failed_at: Moment | None = None
    error: str = ""


def note(attempts: Sequence[Attempt], now: Moment) -> None:
    """Within the caller's transaction: note what came of these attempts. Subscriptions note their own."""
    found: dict[str, list[int]] = {}
    errors: dict[str, str] = {}
    for one in attempts:
        if one.type and one.message.channels != subscriptions.DOCUMENT:
            good = all(outcome.state == "delivered" for outcome in one.outcomes) and bool(one.outcomes)
            found.setdefault(one.message.destination, [0, 0])[0 if good else 1] += 1
            if not good:
                detail = next((outcome.detail for outcome in one.outcomes if outcome.detail), "")
                errors[one.message.destination] = _without_addresses(detail, one)[:300]
    # In one order everywhere, so that no two workers wait for each other.
    for destination, (sent, failed) in sorted(found.items()):
        times = (now if sent else None, now if failed else None)
        sql.run(_ADD, destination, now // HOUR, sent, failed, *times, errors.get(destination))


def _without_addresses(text: str, attempt: Attempt) -> str:
    for one in (attempt.message.payload or {}).get("to") or ():
        for known in (one.get("address"), one.get("number")):
            if known:
                text = text.replace(str(known), "…")
    return text


def faring(now: Moment) -> dict[str, Faring]:
    """How each destination fares. Raises Unavailable."""
    found: dict[str, Faring] = {}
    for row in DeliveryHour.select().order_by(DeliveryHour.hour):
        before = found.get(row.destination, Faring())
        counts = row.hour > (now - DAY) // HOUR
        found[row.destination] = Faring(
            sent=before.sent + (row.sent if counts else 0),
            failed=before.failed + (row.failed if counts else 0),
            sent_at=row.sent_at or before.sent_at,
            failed_at=row.failed_at or before.failed_at,
            error=row.error or before.error,
        )
    return found


def forget(now: Moment) -> None:
    """Within the caller's transaction: forget what is long past."""
    DeliveryHour.delete().where(DeliveryHour.hour < (now - KEPT) // HOUR).execute()
