"""A year of a calendar as a picture: twelve months, each day open, closed, or an exception with its reason."""

from __future__ import annotations

from calendar import Calendar as Months
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from admin import formats
from server.core.calendars import Calendar
from server.core.holiday_dates import CLOSED


@dataclass(frozen=True, slots=True)
class Day:
    """A day: `kind` is open, closed, holiday, makeup, own_open or own_closed (the document's own dates)."""

    date: str
    number: int
    kind: str

    @property
    def is_special(self) -> bool:
        """Whether it is not what the day of the week says."""
        return self.kind not in ("open", "closed")


@dataclass(frozen=True, slots=True)
class Month:
    """A month in weeks that begin on Monday; None: a day of another month."""

    title: str
    weeks: Sequence[Sequence[Day | None]]


@dataclass(frozen=True, slots=True)
class Year:
    """A year. `has_data`: whether its public holidays are known."""

    number: int
    months: Sequence[Month]
    has_data: bool
    working: int

    @property
    def special(self) -> list[Day]:
        """The exceptions, in order."""
        return [day for month in self.months for week in month.weeks for day in week if day and day.is_special]


def year_of(calendar: Calendar, value: Mapping[str, Any], year: int) -> Year:
    """The year in that calendar."""
    own = value.get("dates") or {}
    months = []
    working = 0
    for number in range(1, 13):
        weeks: list[list[Day | None]] = []
        for week in Months().monthdatescalendar(year, number):
            days = [_day(calendar, own, day) if day.month == number else None for day in week]
            working += sum(1 for day in days if day and day.kind in ("open", "makeup", "own_open"))
            weeks.append(days)
        months.append(Month(formats.month(date(year, number, 1)), weeks))
    return Year(year, months, calendar.has_data(year), working)


def _day(calendar: Calendar, own: Mapping[str, Any], day: date) -> Day:
    text = day.isoformat()
    is_open = calendar.is_working_day(text)
    if text in own:
        kind = "own_open" if is_open else "own_closed"
    elif text in calendar.dates:
        kind = "holiday" if calendar.dates[text] == CLOSED else "makeup"
    else:
        kind = "open" if is_open else "closed"
    return Day(formats.day(day), day.day, kind)
