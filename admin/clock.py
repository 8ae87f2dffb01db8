"""What time it is, and moments as the panel shows them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from server import clock, policies
from server.core import moments
from server.core.moments import Moment


def now() -> Moment:
    """What time it is for this request. Raises Unavailable."""
    return clock.now()


def zone() -> ZoneInfo:
    """The zone of what belongs to no issue: that of the first calendar in force."""
    calendars = policies.in_force().calendars
    return next((calendars[name].zone for name in sorted(calendars)), ZoneInfo("UTC"))


def text(moment: Moment | None, where: ZoneInfo | None = None) -> str:
    """`2026-03-02 09:00:00`, rounded down; empty for no moment."""
    if moment is None:
        return ""
    return moments.to_datetime(moment // 1000 * 1000, where or zone()).strftime("%Y-%m-%d %H:%M:%S")


def iso(moment: Moment, where: ZoneInfo | None = None) -> str:
    """The moment as a machine reads it."""
    return moments.to_datetime(moment // 1000 * 1000, where or zone()).isoformat()
