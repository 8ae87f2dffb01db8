"""Calendars: every sum of time that a policy asks for (policy language, "Durations", "Schedules", section 3)."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import date as Date  # noqa: N812 - a calendar has a method of that name
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from server.core import moments
from server.core.durations import Duration
from server.core.holiday_dates import CLOSED, UnknownCountry, check_country, holiday_dates
from server.core.hours import Hours, Intervals, Problem, read_hours
from server.core.moments import DAY, FIRST, LAST, SECOND, BadTimeZone, Moment, OutOfRange
from server.core.open_time import NeverOpens, OpenTime
from server.core.schedules import WEEKDAYS, Schedule

__all__ = ["BadCalendar", "Calendar", "NeverOpens", "Problem", "compile_calendar"]

_EPOCH_ORDINAL = Date(1970, 1, 1).toordinal()
_SUMS_KEPT = 256


class BadCalendar(ValueError):
    """A calendar document that cannot be used. `problems` names every reason with its place."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, path))}: {code}" for path, code, _ in problems))
        self.problems = problems


def compile_calendar(value: Mapping[str, Any], holiday_dates: Mapping[str, str] | None = None) -> Calendar:
    """Turn the plain value of a calendar document into a Calendar.

    `holiday_dates` are those that a stored version carries (`Calendar.dates` of the time it was made); left out, the
    data set is asked. Raises BadCalendar with every problem.
    """
    hours = read_hours(value)
    problems = hours.problems
    name = value.get("timezone")
    try:
        zone = moments.time_zone(name if isinstance(name, str) else "")
    except BadTimeZone:
        problems.append(Problem(("timezone",), "bad-time-zone", {"name": str(name)}))
    country, subdivision = _country(value, problems, holiday_dates is None)
    if problems:
        raise BadCalendar(problems)
    return Calendar(str(value.get("name", "")), zone, hours, country, subdivision, holiday_dates, value.get("title"))


def _country(value: Mapping[str, Any], problems: list[Problem], ask: bool) -> tuple[str | None, str | None]:
    written = value.get("holidays")
    if written is None:
        return None, None
    country, subdivision = (
        (written.get("country"), written.get("subdivision")) if isinstance(written, Mapping) else (written, None)
    )
    try:
        if ask:  # a stored version stays usable when the data set drops or renames a country
            check_country(country, subdivision)
    except UnknownCountry as error:
        key = "country" if error.code == "unknown-country" else "subdivision"
        problems.append(Problem(("holidays", key), error.code, error.params))
    return str(country), subdivision


class Calendar:
    """When people work, and all sums of time. Immutable to its users; tables are made as years are asked for."""

    def __init__(
        self,
        name: str,
        zone: ZoneInfo,
        hours: Hours,
        country: str | None,
        subdivision: str | None,
        stored_dates: Mapping[str, str] | None,
        title: Any = None,
    ) -> None:
        self.name = name
        self.title = title
        self.zone = zone
        self.country = country
        self.subdivision = subdivision
        self._hours = hours
        self._stored_dates = stored_dates
        self._open = OpenTime(zone, hours.week, self._special)
        # The same sum is asked for again after every event of an issue, and by others that were received just then.
        self._days_later = lru_cache(maxsize=_SUMS_KEPT)(self._add_days)
        self._way = lru_cache(maxsize=_SUMS_KEPT)(self._open_way)
        # So that every moment it gives can be shown: in zones east of Greenwich the year 9999 ends before LAST.
        self._last = min(LAST, moments.at_wall(LAST, zone))

    # -- holidays -------------------------------------------------------------------------------------------------

    @cached_property
    def dates(self) -> dict[str, str]:
        """The holidays (`closed`) and make-up working days (the weekday whose hours they have) in use, by date: plain
        data, to be stored with the version. Empty without `holidays`."""
        if self._stored_dates is not None:
            return dict(self._stored_dates)
        return dict(holiday_dates(self.country, self.subdivision)) if self.country else {}

    @cached_property
    def _years_with_data(self) -> frozenset[int]:
        return frozenset(int(day[:4]) for day, what in self.dates.items() if what == CLOSED)

    def has_data(self, year: int) -> bool:
        """Whether the holidays of that year are known; always, for a calendar that has no `holidays`."""
        return self.country is None or year in self._years_with_data

    def missing_years(self, first: int, last: int) -> list[int]:
        """The years from `first` to `last` whose holidays are not known: only weekends and hours count in them."""
        return [year for year in range(first, last + 1) if not self.has_data(year)]

    def _special(self) -> dict[int, Intervals]:
        special: dict[int, Intervals] = {}
        for day, what in self.dates.items():
            special[Date.fromisoformat(day).toordinal()] = (
                () if what == CLOSED else self._hours.week[WEEKDAYS.index(what)]
            )
        return special | self._hours.dates  # the document's own dates win over everything

    # -- moments and dates ----------------------------------------------------------------------------------------

    def parse(self, text: str) -> Moment:
        """Read an ISO time; without an offset it is in the calendar's zone, a date alone is its first midnight.

        Raises BadTime, OutOfRange.
        """
        return self._checked(moments.parse(text, self.zone), text)

    def show(self, moment: Moment) -> str:
        """Write a moment in the calendar's zone, `2026-03-02T09:00:00+08:00`, rounded down to the second."""
        return moments.show(moment, self.zone)

    def date(self, moment: Moment) -> str:
        """The local date of a moment, `YYYY-MM-DD`."""
        return Date.fromordinal(self._ordinal(moment)).isoformat()

    def midnight(self, day: str) -> Moment:
        """The moment that begins a local date. Raises BadTime, OutOfRange."""
        return self._midnight(moments.parse_date(day).toordinal())

    def midnight_after(self, day: str) -> Moment:
        """The moment that ends a local date. Raises BadTime, OutOfRange."""
        return self._midnight(moments.parse_date(day).toordinal() + 1)

    def is_open(self, moment: Moment) -> bool:
        """Whether the moment lies in open time, [open, close)."""
        return self._open.is_open(moment)

    def is_working_day(self, day: str) -> bool:
        """Whether a local date has any open time. Raises BadTime, OutOfRange."""
        return bool(self._open.span(moments.parse_date(day).toordinal())[0])

    def open_intervals(self, day: str) -> list[tuple[Moment, Moment]]:
        """The open intervals of a local date, in order. Raises BadTime, OutOfRange."""
        return list(zip(*self._open.span(moments.parse_date(day).toordinal()), strict=True))

    def open_ms_per_week(self) -> int:
        """The open time of a week without holidays."""
        return sum(close - start for day in self._hours.week for start, close in day)

    def working_days_per_week(self) -> int:
        """The working days of a week without holidays."""
        return sum(1 for day in self._hours.week if day)

    # -- sums -----------------------------------------------------------------------------------------------------

    def add(self, start: Moment, duration: Duration) -> Moment:
        """`start` + `duration`. Raises OutOfRange, and NeverOpens where open time is needed and comes no more."""
        if not FIRST <= start <= self._last:
            raise OutOfRange
        if duration.open_ms:
            result = self._open.add(start, duration.open_ms)
        elif duration.ending or duration.working_days:
            result = self._days_later(start, duration)
        else:
            result = self._add_calendar(start, duration.months, duration.days) + duration.clock_ms
        if not FIRST <= result <= self._last:
            raise OutOfRange
        return result

    def add_open(self, start: Moment, ms: int) -> Moment:
        """The first instant at which `ms` of open time have passed since `start`. Raises OutOfRange, NeverOpens."""
        return self._checked(self._open.add(self._checked(start), ms))

    def between(self, start: Moment, end: Moment) -> int:
        """The open time in [start, end), in milliseconds; zero when `end` is not after `start`."""
        return self._open.between(self._checked(start), self._checked(end))

    def percent_of(self, start: Moment, due: Moment, percent: int | Fraction, working: bool) -> Moment:
        """`start` + `percent` of the way to `due`, by open time if `working`, else by elapsed time; rounded down to a
        second (clock rule 6)."""
        share, whole = percent.numerator, 100 * percent.denominator
        if working:
            reached = self._way(start, due, share, whole)
        else:
            reached = start + (due - start) * share // whole
        return reached // SECOND * SECOND

    def _open_way(self, start: Moment, due: Moment, share: int, whole: int) -> Moment:
        return self.add_open(start, self.between(start, due) * share // whole)

    def next_occurrence(self, schedule: Schedule, after: Moment) -> Moment:
        """When the schedule comes round next, strictly after that moment. Raises OutOfRange, NeverOpens."""
        ordinal = self._ordinal(self._checked(after)) - 1  # a gap may push yesterday's time into today
        while True:
            day = self._date(ordinal)
            if schedule.falls_on(day) and (schedule.every != "workdays" or self._open.span(ordinal)[0]):
                moment = self._checked(moments.at_wall(moments.wall_of_date(day) + schedule.wall_ms, self.zone))
                if moment > after:
                    return moment
            # Working days may be years apart (a calendar of single dates): jump, instead of looking at every day.
            ordinal = self._open.working_day(ordinal, 1) if schedule.every == "workdays" else ordinal + 1

    # -- days -----------------------------------------------------------------------------------------------------

    def _add_days(self, start: Moment, duration: Duration) -> Moment:
        if duration.working_days and not duration.ending:
            return self._add_working_days(start, duration.working_days)
        ordinal = self._ordinal(start)
        if duration.ending == "close" and duration.parts[0] in (("d", 0), ("wd", 0)):
            closes = self._open.span(ordinal)[1]
            return closes[-1] if closes and closes[-1] > start else self._last_close(ordinal, 1)
        if duration.working_days:
            return self._last_close(ordinal, duration.working_days)
        reached = self._shift(ordinal, duration.months, duration.days)
        if duration.ending == "eod":
            return self._midnight(reached + 1)
        closes = self._open.span(reached)[1]
        return closes[-1] if closes else self._last_close(reached, 1)

    def _last_close(self, ordinal: int, count: int) -> Moment:
        """The last close of the `count`-th working day strictly after a date."""
        return self._open.span(self._open.working_day(ordinal, count))[1][-1]

    def _add_working_days(self, start: Moment, count: int) -> Moment:
        begin, ordinal, is_first_opening = self._open.opening(start)
        if is_first_opening:  # a whole day is used up at its close
            return self._open.span(ordinal)[1][-1] if count == 1 else self._last_close(ordinal, count - 1)
        reached = self._open.working_day(ordinal, count)
        wall = moments.local(begin, self.zone) % DAY
        moment = moments.at_wall((reached - _EPOCH_ORDINAL) * DAY + wall, self.zone)
        opens, closes = self._open.span(reached)
        for opening, close in zip(opens, closes, strict=True):
            if moment < close:  # before the first opening, or in the break before this one: its opening
                return max(moment, opening)
        return closes[-1]

    def _add_calendar(self, start: Moment, months: int, days: int) -> Moment:
        """The same wall clock so many months, then days later; `start` itself for none (it may be the second of two
        equal wall times)."""
        if not months and not days:
            return start
        wall = moments.local(start, self.zone)
        ordinal = self._shift(_EPOCH_ORDINAL + wall // DAY, months, days)
        return moments.at_wall((ordinal - _EPOCH_ORDINAL) * DAY + wall % DAY, self.zone)

    def _shift(self, ordinal: int, months: int, days: int) -> int:
        """A date so many months later (or the last day of a shorter month), then so many days."""
        day = Date.fromordinal(ordinal)
        if months:
            year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
            if not 1969 <= year <= 9999:
                raise OutOfRange
            day = Date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
        return self._date(day.toordinal() + days).toordinal()

    def _ordinal(self, moment: Moment) -> int:
        return _EPOCH_ORDINAL + moments.local(self._checked(moment), self.zone) // DAY

    def _midnight(self, ordinal: int) -> Moment:
        return self._checked(moments.at_wall(moments.wall_of_date(self._date(ordinal)), self.zone))

    def _date(self, ordinal: int) -> Date:
        try:
            return Date.fromordinal(ordinal)
        except (ValueError, OverflowError) as error:
            raise OutOfRange from error

    def _checked(self, moment: Moment, what: str = "") -> Moment:
        if FIRST <= moment <= self._last:
            return moment
        raise OutOfRange(what)
