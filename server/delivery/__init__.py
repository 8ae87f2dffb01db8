"""From the store to the receiver: fold what belongs together, claim, send outside any transaction, settle.

Messages go out at least once, each with an id that stays the same, or end as a dead letter that somebody sees
(architecture, "What must hold", 4). `deliver` is called by every worker, as often as it likes.
"""

from __future__ import annotations

import threading

from server import settings
from server.core.moments import Moment
from server.delivery.claiming import LEASE
from server.delivery.courier import PATIENCE, Courier
from server.delivery.folding import fold
from server.delivery.holding import (
    BEHIND,
    RESTORED,
    Hold,
    discard,
    doubtful,
    hold_outgoing,
    is_outgoing_held,
    next_moment,
    outgoing_hold,
    recover,
    release,
    release_outgoing,
    resend,
    set_back,
    waiting,
)

__all__ = [
    "BEHIND",
    "LEASE",
    "PATIENCE",
    "RESTORED",
    "Courier",
    "Hold",
    "close",
    "deliver",
    "discard",
    "doubtful",
    "fold",
    "hold_outgoing",
    "is_outgoing_held",
    "left_alone",
    "next_moment",
    "outgoing_hold",
    "recover",
    "release",
    "release_outgoing",
    "resend",
    "set_back",
    "waiting",
]

_lock = threading.Lock()
_courier: Courier | None = None


def deliver(now: Moment, limit: int = 200, patience: float = PATIENCE) -> int:
    """Send what is due, at most `limit` messages; give how many attempts were settled. Waits at most `patience`
    seconds for slow receivers: what is under way then is settled by a later call. Raises Unavailable."""
    global _courier
    with _lock:
        if _courier is None:
            _courier = Courier(settings.current())
        courier = _courier
    return courier.deliver(now, limit, patience)


def close(now: Moment) -> int:
    """Finish what this process has under way and settle it; give how many that were. `deliver` may go on after it."""
    global _courier
    with _lock:
        courier, _courier = _courier, None
    return 0 if courier is None else courier.close(now)


def left_alone(now: Moment) -> dict[str, Moment]:
    """The destinations that this process leaves alone now because they do not answer, and until when."""
    with _lock:
        courier = _courier
    return {} if courier is None else courier.left_alone(now)
