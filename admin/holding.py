"""That outgoing messages are held back, in words: shown on every page to whoever may decide about it."""

from __future__ import annotations

from dataclasses import dataclass

from admin import clock
from admin.languages import gettext
from server import delivery
from server.store import database
from server.store.failures import Unavailable


@dataclass(frozen=True, slots=True)
class Shown:
    """Since when and why messages are held back, how many wait, and how many of them may be dropped."""

    since: str
    why: str
    waiting: int
    doubtful: int


def shown() -> Shown | None:
    """None: messages leave, or it cannot be known now (the page of that failure shows this, too)."""
    try:
        with database.session():
            hold = delivery.outgoing_hold()
            if hold is None:
                return None
            return Shown(clock.shown(hold.at), _why(hold.reason), delivery.waiting(), delivery.doubtful())
    except Unavailable:
        return None


def _why(reason: str) -> str:
    words = {
        delivery.RESTORED: gettext("the store was restored from a backup; some may have left after it was made"),
        delivery.BEHIND: gettext("the store is older than what its anchors have seen; some may have left already"),
    }
    return words.get(reason, reason)
