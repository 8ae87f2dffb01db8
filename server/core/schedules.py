"""Schedules as they are written in policies (`at:`): when something comes round (policy language, "Schedules")."""

from __future__ import annotations

import calendar as months
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from server.core.moments import HOUR, MINUTE

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_SCHEDULE = re.compile(
    rf"(?:(daily|workdays|{'|'.join(WEEKDAYS)})|monthly ([1-9]|[12]\d|3[01])|yearly (\d\d)-(\d\d))"
    r" ([01]\d|2[0-3]):([0-5]\d)",
    re.ASCII,
)


class BadSchedule(ValueError):
    """A text that is no schedule. `code` and `params` name the finding."""

    code = "bad-schedule"

    def __init__(self, text: str) -> None:
        super().__init__(f"bad-schedule: {text!r}")
        self.params: Mapping[str, str | int] = {"text": text}


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something comes round, at `wall_ms` after the midnight of each date that `falls_on`.

    `every` is `daily`, `workdays`, a weekday's name, `monthly` or `yearly`.
    """

    text: str
    every: Literal["daily", "workdays", "weekly", "monthly", "yearly"]
    wall_ms: int
    weekday: int = 0  # weekly: 0 is Monday
    day: int = 1  # monthly, yearly
    month: int = 1  # yearly

    def falls_on(self, day: date) -> bool:
        """Whether it comes round on that date; for `workdays` the calendar must be asked besides."""
        if self.every in ("daily", "workdays"):
            return True
        if self.every == "weekly":
            return day.weekday() == self.weekday
        if self.every == "yearly" and day.month != self.month:
            return False
        # The last day of a shorter month stands in for a day that it lacks: also 02-29, in other years.
        return day.day == min(self.day, months.monthrange(day.year, day.month)[1])


def parse_schedule(text: object) -> Schedule:
    """Read `daily 18:00`, `workdays 18:00`, `monday 09:00`, `monthly 5 09:00`, `yearly 07-01 09:00`.

    Raises BadSchedule.
    """
    found = _SCHEDULE.fullmatch(text) if isinstance(text, str) else None
    if not isinstance(text, str) or found is None:
        raise BadSchedule(str(text))
    name, monthly, month, day, hours, minutes = found.groups()
    wall_ms = int(hours) * HOUR + int(minutes) * MINUTE
    if name in WEEKDAYS:
        return Schedule(text, "weekly", wall_ms, weekday=WEEKDAYS.index(name))
    if name is not None:
        return Schedule(text, "daily" if name == "daily" else "workdays", wall_ms)
    if monthly is not None:
        return Schedule(text, "monthly", wall_ms, day=int(monthly))
    # 2024 is a leap year: 02-29 is a date, 02-30 is not.
    if not 1 <= int(month) <= 12 or not 1 <= int(day) <= months.monthrange(2024, int(month))[1]:
        raise BadSchedule(text)
    return Schedule(text, "yearly", wall_ms, day=int(day), month=int(month))
