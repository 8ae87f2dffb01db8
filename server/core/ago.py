"""A duration back from a moment, for `longer_ago_than` (policy language, "Conditions")."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from server.core.durations import Duration, parse_duration
from server.core.moments import DAY, Moment, at_wall, local

_EPOCH = datetime(1970, 1, 1)
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)


class NotHere(ValueError):
    """A well-formed duration of a sort that cannot be used here: working time, `eod`, `close`, or calendar units."""


def parse_ago(text: str) -> Duration:
    """Reads a duration of calendar units and elapsed time. Raises BadDuration, or NotHere for another sort."""
    duration = parse_duration(text)
    if not duration.can_be_subtracted:
        raise NotHere(text)
    return duration


def parse_elapsed(text: str) -> int:
    """Reads a duration of elapsed time, in milliseconds. Raises BadDuration, or NotHere for another sort."""
    duration = parse_duration(text)
    if not duration.is_elapsed:
        raise NotHere(text)
    return duration.clock_ms


def before(moment: Moment, duration: Duration, zone: ZoneInfo) -> Moment:
    """The moment that lies `duration` before `moment`: months first (clamped to the month's end), then days, by the
    wall clock of `zone`, then elapsed time. A wall-clock time that is skipped moves forward by the gap, one that
    occurs twice means the first. It may be earlier than any moment of a case: dates of birth are compared with it.
    OverflowError before the year 1."""
    if duration.is_calendar:
        wall = _months_back(local(moment, zone), duration.months) - duration.days * DAY
        moment = at_wall(wall, zone)
    return moment - duration.clock_ms


def date_before(moment: Moment, duration: Duration, zone: ZoneInfo) -> str:
    """The local date of `before`, `YYYY-MM-DD`. OverflowError before the year 1."""
    earlier = _EPOCH_UTC + timedelta(milliseconds=before(moment, duration, zone))
    return earlier.astimezone(zone).date().isoformat()


def _months_back(wall: int, months: int) -> int:
    if not months:
        return wall
    time = _EPOCH + timedelta(milliseconds=wall)
    year, month = divmod(time.year * 12 + time.month - 1 - months, 12)
    if year < 1:
        raise OverflowError("before the year 1")
    time = time.replace(year=year, month=month + 1, day=min(time.day, monthrange(year, month + 1)[1]))
    return (time - _EPOCH) // timedelta(milliseconds=1)
