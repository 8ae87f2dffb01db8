"""What time it is, and moments as the panel shows them: `admin.formats` in the zone of what belongs to no issue."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import g, has_request_context
from markupsafe import Markup

from admin import formats
from admin.formats import Style
from server import clock, policies
from server.core import moments
from server.core.moments import Moment


def now() -> Moment:
    """What time it is for this request. Raises Unavailable."""
    return clock.now()


def zone() -> ZoneInfo:
    """The zone of what belongs to no issue: that of the first calendar in force. A request asks the store once."""
    if has_request_context() and "zone" in g:
        return g.zone  # type: ignore[no-any-return]
    calendars = policies.in_force().calendars
    found = next((calendars[name].zone for name in sorted(calendars)), ZoneInfo("UTC"))
    if has_request_context():
        g.zone = found
    return found


def this_year(where: ZoneInfo | None = None) -> int:
    """The year that it is there. A request asks once what time it is. Raises Unavailable."""
    if not has_request_context():
        return moments.to_datetime(now(), where or zone()).year
    if "at" not in g:
        g.at = now()
    return moments.to_datetime(g.at, where or zone()).year


def text(moment: Moment | None, style: Style = "near", where: ZoneInfo | None = None) -> str:
    """The moment as text, for sentences that are no markup; empty for no moment."""
    if moment is None:
        return ""
    at = _there(moment, where)
    return formats.moment(at, style, this_year(where) if style == "near" else 0)


def shown(moment: Moment | None, style: Style = "near", where: ZoneInfo | None = None) -> Markup:
    """The moment as an element (`formats.element`); empty for no moment."""
    return Markup() if moment is None else _element(_there(moment, where), style)


def told(iso: str | None, style: Style = "near") -> Markup:
    """A moment that is given as ISO text with its offset, as an element by that offset; empty for none."""
    return Markup() if not iso else _element(datetime.fromisoformat(iso), style)


def told_text(iso: str | None, style: Style = "near") -> str:
    """A moment that is given as ISO text with its offset, as text; empty for none."""
    if not iso:
        return ""
    return formats.moment(datetime.fromisoformat(iso), style, this_year() if style == "near" else 0)


def typed(moment: Moment, where: ZoneInfo | None = None) -> str:
    """The moment as the value of an input of a time: `2026-03-02T09:00`, with seconds where it has some."""
    at = _there(moment, where)
    return at.strftime("%Y-%m-%dT%H:%M:%S" if at.second else "%Y-%m-%dT%H:%M")


def typed_day(moment: Moment) -> str:
    """The day of the moment as the value of an input of a date: `2026-03-02`."""
    return _there(moment, None).strftime("%Y-%m-%d")


def iso(moment: Moment, where: ZoneInfo | None = None) -> str:
    """The moment as a machine reads it."""
    return _there(moment, where).isoformat(timespec="seconds")


def _there(moment: Moment, where: ZoneInfo | None) -> datetime:
    return moments.to_datetime(moment // 1000 * 1000, where or zone())


def _element(at: datetime, style: Style) -> Markup:
    return formats.element(at, style, this_year() if style == "near" else 0)
