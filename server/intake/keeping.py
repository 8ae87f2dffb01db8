"""What was kept is played again after the mapping was mended, or dropped by somebody who looked at it."""

from __future__ import annotations

from server import audit, payloads, policies
from server.core.moments import Moment
from server.core.values import Problem
from server.intake.deliveries import Delivery, Outcome, UnknownSource, alone, take_item, take_payload
from server.intake.kept_rows import as_json
from server.store import database
from server.store.models import Kept


class NotKept(LookupError):
    """There is nothing kept under that id (any more)."""

    def __init__(self, kept: int) -> None:
        super().__init__(kept)
        self.kept = kept


def replay_kept(kept: int, now: Moment, by: str | None = None) -> list[Outcome]:
    """Play again what was kept, through the mapping in force now. What still cannot be taken stays kept. Raises
    NotKept, UnknownSource, Unavailable."""
    with database.session():
        row = Kept.get_or_none(Kept.id == kept, Kept.state == Kept.KEPT)
        if row is None:
            raise NotKept(kept)
        source = policies.in_force().sources.get(row.source)
        if source is None:
            raise UnknownSource(row.source)
        body = bytes(row.body)
        try:
            payload = payloads.read_json(body)
        except payloads.BadPayload as bad:
            return [Outcome(problems=(Problem(bad.pointer, bad.code, bad.params),), kept=kept)]
        if row.item is None:
            outcomes = take_payload(Delivery(source, row.external_id or "", body, row.headers), payload, now)
        else:
            single = Delivery(alone(source), row.external_id or "", body, row.headers)
            # Mapped as the one payload of its delivery, but kept as the item that it is.
            found = take_item(single, single.source.items(payload, single.id)[0], row.item, body, now)
            outcomes = [] if found is None else [found]
        _settle(row, outcomes, now, by)
    return outcomes


def _settle(row: Kept, outcomes: list[Outcome], now: Moment, by: str | None) -> None:
    # An item that is refused again is kept under its former id; the items of a whole delivery get ids of their own.
    if any(outcome.kept == row.id for outcome in outcomes):
        return
    issue = next((outcome.issue for outcome in outcomes if outcome.issue is not None), None)
    with database.transaction():
        Kept.update(state=Kept.REPLAYED, settled_at=now, issue=issue).where(
            Kept.id == row.id, Kept.state == Kept.KEPT
        ).execute()
        problems = [as_json(outcome.problems) for outcome in outcomes if outcome.problems]
        body = {"kept": row.id, "issues": [one.number for one in outcomes if one.number], "problems": problems}
        audit.record("delivery.replayed", now, body, by=by, issue=issue)


def drop_kept(kept: int, now: Moment, by: str, reason: str = "") -> None:
    """Note that what was kept need not be taken, and why. Raises NotKept."""
    with database.transaction():
        dropped = (
            Kept.update(state=Kept.DROPPED, settled_at=now).where(Kept.id == kept, Kept.state == Kept.KEPT).execute()
        )
        if dropped != 1:
            raise NotKept(kept)
        audit.record("delivery.dropped", now, {"kept": kept, **({"reason": reason} if reason else {})}, by=by)
