"""Lint of calendars: hours that end a minute early, years without announced holidays (policy language, section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.core.calendars import Calendar
from server.core.defined import Report, each
from server.core.moments import Moment

MINUTE_EARLY = ("23:59", "23:59:59")
ANNOUNCED_FROM = "12-01"
"""From this day on the next year's holidays are asked for; most countries have announced them by then."""


def check(report: Report, raw: Mapping[str, Any], calendar: Calendar, now: Moment) -> None:
    """What is doubtful in a calendar at `now`."""
    for part in ("hours", "dates"):
        for key, hours in raw.get(part, {}).items():
            for text, at in each(hours, (part, key)):
                if str(text).endswith(MINUTE_EARLY):
                    report.warn(at, "close-before-midnight", text=str(text))
    today = calendar.date(now)
    year = int(today[:4])
    last = year + 1 if today[5:] >= ANNOUNCED_FROM else year
    missing = calendar.missing_years(year, last)
    if missing:
        report.warn(("holidays",), "calendar-year-missing", years=", ".join(map(str, missing)))
