"""Calendars against a slow reference that steps from minute to minute, over random hours, dates, zones and starts.

The reference knows only the page's definitions: a date's intervals become instants with Python's own datetimes,
a minute is open or it is not, and everything is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from server.core.calendars import Calendar, compile_calendar
from server.core.durations import parse_duration
from server.core.moments import MINUTE, from_datetime
from server.core.schedules import WEEKDAYS

# A change of the clock in spring and in autumn for each zone, by half an hour in one; and a zone without any.
CHANGES = {
    "Europe/Berlin": [date(2026, 3, 29), date(2026, 10, 25)],
    "America/New_York": [date(2026, 3, 8), date(2026, 11, 1)],
    "Australia/Lord_Howe": [date(2026, 4, 5), date(2026, 10, 4)],
    "America/Havana": [date(2026, 3, 8), date(2026, 11, 1)],  # at midnight
    "Asia/Shanghai": [date(2026, 2, 17), date(2026, 12, 31)],
}
BEFORE, AFTER = 8, 30  # days around the change that the reference knows


class Reference:
    """The obvious way: a list of each date's intervals as UTC instants, and every open minute."""

    def __init__(self, value: dict[str, Any], around: date) -> None:
        self.zone = ZoneInfo(value["timezone"])
        self.dates = [around + timedelta(days=day) for day in range(-BEFORE, AFTER)]
        self.intervals: dict[date, list[tuple[datetime, datetime]]] = {}
        open_until = datetime(1970, 1, 1, tzinfo=UTC)
        for day in self.dates:
            found = []
            for text in self._written(value, day):
                start, close = (self.instant(day, part) for part in text.split("-"))
                start = max(start, open_until)
                if start < close:
                    found.append((start, close))
                    open_until = close
            self.intervals[day] = found

    def _written(self, value: dict[str, Any], day: date) -> list[str]:
        written = value["dates"].get(day.isoformat(), value["hours"].get(WEEKDAYS[day.weekday()], []))
        return [] if written == "closed" else written

    def instant(self, day: date, clock: str) -> datetime:
        hours, minutes = map(int, clock.split(":"))
        wall = datetime(day.year, day.month, day.day) + timedelta(hours=hours, minutes=minutes)
        return wall.replace(tzinfo=self.zone).astimezone(UTC)

    @cached_property
    def open_minutes(self) -> set[datetime]:
        minutes = set()
        for intervals in self.intervals.values():
            for start, close in intervals:
                while start < close:
                    minutes.add(start)
                    start += timedelta(minutes=1)
        return minutes

    def add(self, start: datetime, minutes: int, end: datetime) -> datetime | None:
        while start < end:
            minutes -= start in self.open_minutes
            start += timedelta(minutes=1)
            if minutes == 0:
                return start
        return None

    def between(self, start: datetime, end: datetime) -> int:
        count = 0
        while start < end:
            count += start in self.open_minutes
            start += timedelta(minutes=1)
        return count

    def working_days(self, after: date) -> list[date]:
        return [day for day in self.dates if day > after and self.intervals[day]]

    def is_open(self, moment: datetime) -> bool:
        return moment in self.open_minutes

    def add_days(self, start: datetime, count: int) -> datetime | None:
        while not self.is_open(start):
            start += timedelta(minutes=1)
            if start.astimezone(self.zone).date() > self.dates[-2]:
                return None
        day = next(day for day, held in self.intervals.items() if any(a <= start < b for a, b in held))
        later = self.working_days(day)
        if start == self.intervals[day][0][0]:
            days = [day, *later]
            return self.intervals[days[count - 1]][-1][1] if count <= len(days) else None
        if count > len(later):
            return None
        target = later[count - 1]
        wall = start.astimezone(self.zone).strftime("%H:%M")
        moment = self.instant(target, wall)
        held = self.intervals[target]
        if any(a <= moment < b for a, b in held):
            return moment
        following = [a for a, _ in held if a > moment]
        return following[0] if following else held[-1][1]

    def close(self, start: datetime, count: int) -> datetime | None:
        own = start.astimezone(self.zone).date()
        if count == 0:
            held = self.intervals[own]
            if held and held[-1][1] > start:
                return held[-1][1]
            count = 1
        later = self.working_days(own)
        return self.intervals[later[count - 1]][-1][1] if count <= len(later) else None


# Edges on quarters of an hour, many of them in the night hours that a change of the clock touches.
_edges = st.one_of(st.integers(0, 20), st.integers(0, 96)).map(lambda quarter: quarter * 15)


@st.composite
def _day(draw: st.DrawFn) -> list[str]:
    """Up to three intervals of a day, lunch breaks and touching ones among them; `24:00` is possible."""
    marks = sorted(draw(st.lists(_edges, min_size=0, max_size=6, unique=True)))
    pairs = list(zip(marks[::2], marks[1::2], strict=False))
    if draw(st.booleans()) and len(pairs) > 1:
        pairs[0] = (pairs[0][0], pairs[1][0])  # they touch
    return [f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in pairs]


@st.composite
def _situations(draw: st.DrawFn) -> tuple[Calendar, Reference, datetime]:
    zone = draw(st.sampled_from(sorted(CHANGES)))
    around = draw(st.sampled_from(CHANGES[zone]))
    hours = {day: draw(_day()) for day in WEEKDAYS}
    if not any(hours.values()):
        hours["monday"] = ["09:00-12:00", "13:00-24:00"]
    offsets = draw(st.lists(st.integers(-BEFORE, AFTER - 1), max_size=6, unique=True))
    dates = {(around + timedelta(days=day)).isoformat(): draw(st.just("closed") | _day()) for day in offsets}
    value = {"timezone": zone, "hours": hours, "dates": dates}
    minutes = draw(st.one_of(st.integers(-5 * 1440, 5 * 1440), st.integers(-96, 96).map(lambda quarter: quarter * 15)))
    reference = Reference(value, around)
    start = reference.instant(around, "00:00") + timedelta(minutes=minutes)
    return compile_calendar(value), reference, start


def _agrees(calendar: Calendar, start: datetime, duration: str, expected: datetime | None) -> None:
    """The reference ends after its last date; what lies beyond it cannot tell."""
    if expected is None:
        return
    found = calendar.add(from_datetime(start), parse_duration(duration))
    assert found == from_datetime(expected), (duration, calendar.show(from_datetime(start)), calendar.show(found))


@settings(max_examples=80)
@given(_situations(), st.integers(1, 4000))
def test_adding_open_time_is_stepping_over_open_minutes(
    situation: tuple[Calendar, Reference, datetime], minutes: int
) -> None:
    calendar, reference, start = situation
    end = reference.instant(reference.dates[-1], "00:00")
    _agrees(calendar, start, f"{minutes}wm", reference.add(start, minutes, end))


@settings(max_examples=80)
@given(_situations(), st.integers(0, 12 * 1440))
def test_open_time_between_is_the_number_of_open_minutes(
    situation: tuple[Calendar, Reference, datetime], minutes: int
) -> None:
    calendar, reference, start = situation
    end = start + timedelta(minutes=minutes)
    assert calendar.between(from_datetime(start), from_datetime(end)) == reference.between(start, end) * MINUTE
    assert calendar.between(from_datetime(end), from_datetime(start)) == 0
    assert calendar.is_open(from_datetime(start)) == reference.is_open(start)


@settings(max_examples=150)
@given(_situations(), st.integers(1, 12))
def test_working_days_are_counted_as_the_page_says(situation: tuple[Calendar, Reference, datetime], count: int) -> None:
    calendar, reference, start = situation
    _agrees(calendar, start, f"{count}wd", reference.add_days(start, count))


@settings(max_examples=100)
@given(_situations(), st.integers(0, 12))
def test_the_close_of_a_working_day_is_its_last(situation: tuple[Calendar, Reference, datetime], count: int) -> None:
    calendar, reference, start = situation
    _agrees(calendar, start, f"{count}wd close", reference.close(start, count))
    if count == 0:
        _agrees(calendar, start, "0d close", reference.close(start, 0))


@settings(max_examples=100)
@given(_situations(), st.integers(1, 12))
def test_the_close_of_a_date_is_its_last_or_the_next_working_days(
    situation: tuple[Calendar, Reference, datetime], days: int
) -> None:
    calendar, reference, start = situation
    reached = start.astimezone(reference.zone).date() + timedelta(days=days)
    closes = [held[-1][1] for day in reference.dates if day >= reached and (held := reference.intervals[day])]
    _agrees(calendar, start, f"{days}d close", closes[0] if closes else None)
    _agrees(calendar, start, f"{days}d eod", reference.instant(reached + timedelta(days=1), "00:00"))


@settings(max_examples=80)
@given(_situations(), st.integers(0, 5000), st.integers(0, 59_999))
def test_what_is_added_is_what_lies_between(
    situation: tuple[Calendar, Reference, datetime], minutes: int, fraction: int
) -> None:
    calendar, _, at = situation
    start, amount = from_datetime(at) + fraction, minutes * MINUTE
    end = calendar.add_open(start, amount)
    assert calendar.between(start, end) == amount
    assert not amount or calendar.between(start, end - 1) == amount - 1  # the first such instant
    assert _is_monotone(lambda ms: calendar.add_open(start, ms), amount)


def _is_monotone(add: Callable[[int], int], amount: int) -> bool:
    return add(amount) < add(amount + 1)
