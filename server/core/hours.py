"""The hours of a calendar document: which wall-clock intervals are open on a weekday or on a date of its own.

Policy language, section 3: a single day wins over a range, a range over `daily`; `24:00` is allowed as a close, no
interval crosses midnight, intervals do not overlap.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple, TypeAlias

from server.core.moments import DAY, HOUR, MINUTE, BadTime, parse_date
from server.core.schedules import WEEKDAYS

# (open, close) in milliseconds after midnight on the wall clock, in order; empty: closed.
Intervals: TypeAlias = tuple[tuple[int, int], ...]

_INTERVAL = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)", re.ASCII)


class Problem(NamedTuple):
    """Something wrong in a calendar document: where, the finding's code, what fills its text."""

    path: tuple[str | int, ...]
    code: str
    params: Mapping[str, str | int]


@dataclass
class Hours:
    """What the document says: the week (Monday first) and the dates that win over it, by ordinal number."""

    week: tuple[Intervals, ...] = ((),) * 7
    dates: dict[int, Intervals] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_hours(value: Mapping[str, Any]) -> Hours:
    """Read `hours` and `dates` of a calendar document; every problem is in the result's `problems`."""
    hours = Hours()
    written = value.get("hours")
    hours.week = _read_week(written if isinstance(written, Mapping) else {}, hours.problems)
    dates = value.get("dates")
    for key, opening in (dates if isinstance(dates, Mapping) else {}).items():
        day = _read_date(key, hours.problems)
        intervals = _read_day(opening, ("dates", key), hours.problems)
        if day is not None:
            hours.dates[day.toordinal()] = intervals
    if not hours.problems and not any(hours.week) and not any(hours.dates.values()):
        hours.problems.append(Problem(("hours",), "calendar-never-opens", {}))
    return hours


def _read_week(written: Mapping[str, Any], problems: list[Problem]) -> tuple[Intervals, ...]:
    """The seven days: `daily` first, ranges over it, single days over both."""
    week: list[Intervals] = [()] * 7
    ranked: list[dict[int, tuple[str, Intervals]]] = [{}, {}, {}]
    for key, opening in written.items():
        intervals = _read_day(opening, ("hours", key), problems)
        days = _days(key)
        if not days:
            problems.append(Problem(("hours", key), "bad-day", {"day": str(key)}))
            continue
        rank = 0 if key == "daily" else 1 if "-" in key else 2
        if other := next((ranked[rank][day][0] for day in days if day in ranked[rank]), None):
            problems.append(Problem(("hours", key), "day-twice", {"day": str(key), "other": other}))
        ranked[rank].update((day, (key, intervals)) for day in days)
    for level in ranked:
        for day, (_, intervals) in level.items():
            week[day] = intervals
    return tuple(week)


def _days(key: object) -> list[int]:
    """The weekdays that a key names, 0 being Monday; ranges may wrap. Empty: it names none."""
    if key == "daily":
        return list(range(7))
    first, dash, last = key.partition("-") if isinstance(key, str) else ("", "", "")
    if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
        return []
    start = WEEKDAYS.index(first)
    count = (WEEKDAYS.index(last) - start) % 7 + 1 if dash else 1
    return [(start + step) % 7 for step in range(count)]


def _read_date(key: object, problems: list[Problem]) -> date | None:
    try:
        day = parse_date(str(key))
    except BadTime:
        day = None
    if day is None or not 1970 <= day.year <= 9999:
        problems.append(Problem(("dates", str(key)), "bad-calendar-date", {"date": str(key)}))
        return None
    return day


def _read_day(opening: object, path: tuple[str | int, ...], problems: list[Problem]) -> Intervals:
    """The intervals of one day, in order: `closed`, or a list such as `["09:00-12:00", "13:00-18:00"]`."""
    if opening == "closed":
        return ()
    if not isinstance(opening, list):
        problems.append(Problem(path, "bad-hours", {"text": str(opening)}))
        return ()
    found: list[tuple[int, int, int]] = []
    for place, text in enumerate(opening):
        interval = _read_interval(text, (*path, place), problems)
        if interval is not None:
            found.append((*interval, place))
    found.sort()
    for (_, close, before), (start, _, after) in zip(found, found[1:], strict=False):
        if start < close:
            named = {"text": str(opening[after]), "other": str(opening[before])}
            problems.append(Problem((*path, after), "hours-overlap", named))
    return tuple((start, close) for start, close, _ in found)


def _read_interval(text: object, path: tuple[str | int, ...], problems: list[Problem]) -> tuple[int, int] | None:
    found = _INTERVAL.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        problems.append(Problem(path, "bad-hours", {"text": str(text)}))
        return None
    hours, minutes, until_hours, until_minutes = (int(part) for part in found.groups())
    start, close = hours * HOUR + minutes * MINUTE, until_hours * HOUR + until_minutes * MINUTE
    if minutes > 59 or until_minutes > 59 or hours > 23 or close > DAY:
        problems.append(Problem(path, "bad-hours", {"text": str(text)}))
        return None
    if start >= close:
        problems.append(Problem(path, "hours-backwards", {"text": str(text)}))
        return None
    return start, close
