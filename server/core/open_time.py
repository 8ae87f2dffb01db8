"""Open time of a calendar as instants, a table for each year, made when first needed.

A table holds the open intervals of a local year and the open time used up at each close, so that a sum is a look-up by
bisection: about a microsecond. All arithmetic is in UTC; only the making of a table knows wall clocks.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from calendar import isleap
from collections.abc import Callable, Mapping
from datetime import date
from functools import cached_property
from typing import TypeAlias
from zoneinfo import ZoneInfo

from server.core.hours import Intervals
from server.core.moments import DAY, LAST, Moment, OutOfRange, at_wall, offset, wall_of_date

_MEAN_YEAR = 31_556_952_000
# After this year the time zone database gives only a rule, the same for years that begin on the same weekday.
_LAST_IRREGULAR_YEAR = 2100
_MOST_TABLES = 500

Special: TypeAlias = Mapping[int, Intervals]


class NeverOpens(ValueError):
    """From some moment on, the calendar has no open time any more."""

    code = "calendar-opens-no-more"

    def __init__(self, after: str) -> None:
        super().__init__(f"the calendar has no open time after {after}")
        self.params = {"text": after}


class Year:
    """The open intervals of one local year. `shifts[i] + open time used up in the year` is an instant of interval i."""

    __slots__ = ("begin", "closes", "days", "end", "filled", "firsts", "opens", "shifts", "total")

    def __init__(self, begin: Moment, end: Moment) -> None:
        self.begin, self.end = begin, end  # the midnights at which it begins and ends
        self.opens: list[Moment] = []
        self.closes: list[Moment] = []
        self.filled: list[int] = []  # open time of the year used up at each close
        self.shifts: list[int] = []
        self.total = 0
        self.days: list[int] = []  # ordinals of the working days
        self.firsts: list[int] = [0]  # index of each working day's first interval, and one past the last

    def append_day(self, ordinal: int, intervals: list[tuple[Moment, Moment]]) -> None:
        """Add a date's intervals, in order; a date without any is no working day."""
        for start, close in intervals:
            # A daylight-saving change may push an interval into the one before; that time is open once.
            start = max(start, self.closes[-1]) if self.closes else start
            if start < close:
                self.total += close - start
                self.opens.append(start)
                self.closes.append(close)
                self.filled.append(self.total)
                self.shifts.append(close - self.total)
        if len(self.opens) > self.firsts[-1]:
            self.days.append(ordinal)
            self.firsts.append(len(self.opens))

    def used(self, moment: Moment) -> int:
        """The open time of the year up to `moment`, which lies in it."""
        place = bisect_right(self.closes, moment)
        if place == len(self.closes):
            return self.total
        start = self.opens[place]
        return max(moment, start) - self.shifts[place]

    def span(self, place: int) -> tuple[list[Moment], list[Moment]]:
        """Openings and closings of the working day at that place in `days`."""
        part = slice(self.firsts[place], self.firsts[place + 1])
        return self.opens[part], self.closes[part]


class OpenTime:
    """Sums over the open time of a week of hours with special dates, in a zone."""

    def __init__(self, zone: ZoneInfo, week: tuple[Intervals, ...], special: Callable[[], Special]) -> None:
        self._zone = zone
        self._week = week
        self._load_special = special
        self._years: dict[int, Year] = {}
        self._totals: dict[tuple[int, bool], int] = {}

    @cached_property
    def _special(self) -> Special:
        return self._load_special()

    @cached_property
    def _last_year(self) -> int:
        """The last year that has open time."""
        if any(self._week):
            return 9999
        return max((date.fromordinal(day).year for day, opening in self._special.items() if opening), default=0)

    @cached_property
    def _last_special_year(self) -> int:
        last = max(self._special, default=1)
        return max(_LAST_IRREGULAR_YEAR, date.fromordinal(last).year)

    def year(self, number: int) -> Year:
        """The table of a local year. Raises OutOfRange after 9999."""
        table = self._years.get(number)
        if table is None:
            if not 1969 <= number <= 9999:
                raise OutOfRange(str(number))
            if len(self._years) >= _MOST_TABLES:
                self._years.clear()
            table = self._years[number] = self._make(number)
        return table

    def _make(self, number: int) -> Year:
        ordinal, wall = date(number, 1, 1).toordinal(), wall_of_date(date(number, 1, 1))
        midnight = at_wall(wall, self._zone)
        count = 366 if isleap(number) else 365
        table = Year(midnight, at_wall(wall + count * DAY, self._zone))
        for _ in range(count):
            next_midnight = at_wall(wall + DAY, self._zone)
            opening = self._special.get(ordinal)
            if opening is None:
                opening = self._week[(ordinal - 1) % 7]
            if opening and next_midnight > midnight:  # a date that a zone skipped as a whole has no hours
                table.append_day(ordinal, self._instants(opening, wall, midnight, next_midnight))
            ordinal, wall, midnight = ordinal + 1, wall + DAY, next_midnight
        return table

    def _instants(self, opening: Intervals, wall: int, midnight: Moment, after: Moment) -> list[tuple[Moment, Moment]]:
        if after - midnight == DAY:
            return [(midnight + start, midnight + close) for start, close in opening]
        return [(at_wall(wall + start, self._zone), at_wall(wall + close, self._zone)) for start, close in opening]

    def year_of(self, moment: Moment) -> tuple[int, Year]:
        """The local year of a moment, and its table."""
        number = 1970 + moment // _MEAN_YEAR
        table = self._years.get(number) or self.year(number)
        if table.begin <= moment < table.end:
            return number, table
        number += 1 if moment >= table.end else -1
        return number, self.year(number)

    def total(self, number: int) -> int:
        """The open time of a local year; of far years without making its table anew."""
        if number <= self._last_special_year:
            return self.year(number).total
        pattern = (date(number, 1, 1).weekday(), isleap(number))
        if pattern not in self._totals:
            self._totals[pattern] = self._make(number).total
        return self._totals[pattern]

    def add(self, start: Moment, amount: int) -> Moment:
        """The first instant at which `amount` ms of open time have passed since `start`; `start` itself for none.

        Raises NeverOpens, OutOfRange.
        """
        if amount <= 0:
            if amount < 0:
                raise ValueError("open time moves forward only")
            return start
        if start + amount > LAST:
            raise OutOfRange
        number, table = self.year_of(start)
        target = table.used(start) + amount
        if target > table.total:
            target -= table.total
            number += 1
            while target > (total := self._some(number, start)):
                target -= total
                number += 1
            table = self.year(number)
        return target + table.shifts[bisect_left(table.filled, target)]

    def _some(self, number: int, start: Moment) -> int:
        if number > self._last_year:
            raise NeverOpens(self._named(start)) if self._last_year < 9999 else OutOfRange()
        return self.total(number)

    def _named(self, moment: Moment) -> str:
        wall_day = (moment + offset(moment, self._zone)) // DAY
        return date.fromordinal(wall_day + 719_163).isoformat()

    def between(self, start: Moment, end: Moment) -> int:
        """The open time in [start, end), in ms; zero when `end` is not after `start`."""
        if end <= start:
            return 0
        (first, begun), (last, ended) = self.year_of(start), self.year_of(end)
        between = ended.used(end) - begun.used(start)
        return between if first == last else between + sum(self.total(number) for number in range(first, last))

    def is_open(self, moment: Moment) -> bool:
        """Whether the moment lies in an open interval [open, close)."""
        _, table = self.year_of(moment)
        place = bisect_right(table.closes, moment)
        return place < len(table.closes) and table.opens[place] <= moment

    def opening(self, moment: Moment) -> tuple[Moment, int, bool]:
        """Where work can begin at or after `moment`: the moment itself in open time, else the next opening; the ordinal
        of its date; whether it is that date's first opening. Raises NeverOpens, OutOfRange."""
        number, table = self.year_of(moment)
        place = bisect_right(table.closes, moment)
        while place == len(table.closes):
            number, place = number + 1, 0
            self._some(number, moment)
            table = self.year(number)
        begin = max(moment, table.opens[place])
        day = bisect_right(table.firsts, place) - 1
        return begin, table.days[day], begin == table.opens[table.firsts[day]]

    def span(self, ordinal: int) -> tuple[list[Moment], list[Moment]]:
        """Openings and closings of a date; both empty when it is not a working day."""
        table = self.year(date.fromordinal(ordinal).year)
        place = bisect_left(table.days, ordinal)
        if place < len(table.days) and table.days[place] == ordinal:
            return table.span(place)
        return [], []

    def working_day(self, ordinal: int, count: int) -> int:
        """The ordinal of the `count`-th working day strictly after a date (`count` at least 1).

        Raises NeverOpens, OutOfRange.
        """
        number = date.fromordinal(ordinal).year
        table = self.year(number)
        place = bisect_right(table.days, ordinal) + count - 1
        while place >= len(table.days):
            place -= len(table.days)
            number += 1
            self._some(number, table.begin)
            table = self.year(number)
        return table.days[place]
