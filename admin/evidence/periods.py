"""A period as two dates that somebody typed, both included, in the zone of what belongs to no issue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from admin import clock
from admin.languages import gettext
from server.core.moments import Moment


@dataclass(frozen=True, slots=True)
class Period:
    """From a moment until before another; None: without an end there. `problems` by the input that has one."""

    since: Moment | None = None
    until: Moment | None = None
    problems: Mapping[str, str] = field(default_factory=dict)


def period(since: str, until: str) -> Period:
    """The period that the two texts mean; empty ones are no bound."""
    problems = {}
    days: dict[str, date | None] = {}
    for name, text in (("since", since), ("until", until)):
        try:
            days[name] = date.fromisoformat(text) if text else None
        except ValueError:
            problems[name] = gettext("“%(given)s” is no date; a date is written 2026-03-02.", given=text)
    first, last = days.get("since"), days.get("until")
    if not problems and first is not None and last is not None and last < first:
        problems["until"] = gettext("The period ends before it begins.")
    if problems:
        return Period(problems=problems)
    return Period(_moment(first), None if last is None or last == date.max else _moment(last + timedelta(1)))


def _moment(day: date | None) -> Moment | None:
    if day is None:
        return None
    try:
        begins = datetime.combine(day, time(), clock.zone()).astimezone(UTC)
    except OverflowError:
        return -(2**53)
    return round(begins.timestamp() * 1000)
