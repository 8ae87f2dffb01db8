"""Periods that reports cover: the last full day, week or month (policy language, "measures, targets, reports").

They begin and end at midnight in the calendar's zone; a week begins on Monday.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from server.core.calendars import Calendar
from server.core.moments import Moment

COVERS: Final = ("day", "week", "month")


@dataclass(frozen=True, slots=True)
class Period:
    """A day, week or month, [start, end); `first` and `last` are its local dates, the last one included."""

    covers: str
    start: Moment
    end: Moment
    first: str
    last: str

    def has(self, moment: Moment) -> bool:
        """Whether the moment lies in it."""
        return self.start <= moment < self.end


def last_full(covers: str, at: Moment, calendar: Calendar) -> Period:
    """The last full `day`, `week` or `month` before that moment. At the very midnight that ends one, it is that one.
    Raises ValueError for another word, OutOfRange at the ends of time."""
    today = date.fromisoformat(calendar.date(at))
    if covers == "day":
        end = today
    elif covers == "week":
        end = today - timedelta(days=today.weekday())
    elif covers == "month":
        end = today.replace(day=1)
    else:
        raise ValueError(f"no period: {covers!r}")
    return _ending(covers, end, calendar)


def before(period: Period, calendar: Calendar) -> Period:
    """The period of the same kind that ends where this one starts."""
    return _ending(period.covers, date.fromisoformat(period.first), calendar)


def parts(period: Period, calendar: Calendar) -> tuple[Period, ...]:
    """The days of a week, the weeks of a month (its first and last may be shorter); a day has none."""
    if period.covers == "day":
        return ()
    return tuple(_parts(period, calendar))


def _parts(period: Period, calendar: Calendar) -> Iterator[Period]:
    first, end = date.fromisoformat(period.first), date.fromisoformat(period.last) + timedelta(days=1)
    while first < end:
        days = 1 if period.covers == "week" else 7 - first.weekday()
        following = min(first + timedelta(days=days), end)
        yield _between("day" if period.covers == "week" else "week", first, following, calendar)
        first = following


def _ending(covers: str, end: date, calendar: Calendar) -> Period:
    if covers == "month":
        start = (end - timedelta(days=1)).replace(day=1)
    else:
        start = end - timedelta(days=7 if covers == "week" else 1)
    return _between(covers, start, end, calendar)


def _between(covers: str, first: date, end: date, calendar: Calendar) -> Period:
    last = end - timedelta(days=1)
    starts, ends = calendar.midnight(first.isoformat()), calendar.midnight(end.isoformat())
    return Period(covers, starts, ends, first.isoformat(), last.isoformat())
