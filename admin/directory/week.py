"""A week of a team's rota: a row for each day, a cell for each time in which the same people are on duty."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from admin import clock, formats
from server.core.moments import DAY, MINUTE, Moment, at_wall, local, to_datetime, wall_of_date
from server.directory import Snapshot, rota_id
from server.directory.duty import Span, spans

_WHOLE = DAY // MINUTE


@dataclass(frozen=True, slots=True)
class On:
    """Somebody on duty."""

    login: str
    name: str
    shift: str
    away: str = ""
    """Who stands in, when he is absent at the beginning; his own name when nobody does."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A time of a day with who is on duty; nobody: a gap. `columns` are those of the table that it covers."""

    label: str
    columns: int
    on: tuple[On, ...]
    start: str
    end: str
    is_now: bool


@dataclass(frozen=True, slots=True)
class Day:
    """A day with its cells."""

    date: str
    weekday: str
    is_today: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days from a Monday. `columns` are the times at which anything changes on any of them."""

    first: date
    title: str
    columns: tuple[str, ...]
    days: tuple[Day, ...]

    @property
    def before(self) -> date:
        """The Monday before."""
        return self.first - timedelta(days=7)

    @property
    def after(self) -> date:
        """The Monday after."""
        return self.first + timedelta(days=7)


def monday(day: date) -> date:
    """The Monday of the week."""
    return day - timedelta(days=day.weekday())


def today(now: Moment) -> date:
    """The date where the organisation is."""
    return to_datetime(now, clock.zone()).date()


def week(people: Snapshot, team: str, first: date, now: Moment) -> Week:
    """The week that begins on that Monday."""
    zone = clock.zone()
    dates = [first + timedelta(days=number) for number in range(7)]
    found = {day: spans(people, team, _begin(day, zone), _begin(day + timedelta(days=1), zone)) for day in dates}
    marks = sorted({0, _WHOLE} | {_minute(one.start, day, zone) for day, listed in found.items() for one in listed})
    return Week(
        first=first,
        title=f"{formats.day(first)} – {formats.day(dates[-1])}",
        columns=tuple(map(_clock, marks[:-1])),
        days=tuple(
            Day(
                date=formats.day(day),
                weekday=formats.weekday(day),
                is_today=day == today(now),
                cells=tuple(_cell(one, day, marks, people, team, now) for one in found[day]),
            )
            for day in dates
        ),
    )


def _begin(day: date, zone: ZoneInfo) -> Moment:
    return at_wall(wall_of_date(day), zone)


def _minute(moment: Moment, day: date, zone: ZoneInfo) -> int:
    """The minute of the day, by the wall clock."""
    return max(0, min((local(moment, zone) - wall_of_date(day)) // MINUTE, _WHOLE))


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _cell(span: Span, day: date, marks: list[int], people: Snapshot, team: str, now: Moment) -> Cell:
    zone = clock.zone()
    start, end = _minute(span.start, day, zone), _minute(span.end, day, zone)
    if span.end == _begin(day + timedelta(days=1), zone):
        end = _WHOLE
    on = []
    for shift in span.shifts:
        instead = people.stand_in(shift.person, max(span.start, min(now, span.end - 1)))
        away = "" if instead == shift.person else people.people[instead or shift.person].name
        name = people.people[shift.person].name
        on.append(On(shift.person, name, rota_id(team, shift.person, shift.start), away))
    return Cell(
        label=f"{_clock(start)}–{_clock(end)}",
        columns=max(1, sum(start <= mark < end for mark in marks)),
        on=tuple(on),
        start=clock.typed(span.start),
        end=clock.typed(span.end),
        is_now=span.start <= now < span.end,
    )
