"""Public holidays and make-up working days, as the data set of the `holidays` library gives them.

The result is plain data that a stored calendar version carries: date → `closed`, or the weekday whose hours a make-up
working day has (policy language, section 3).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import holidays

from server.core.schedules import WEEKDAYS

CLOSED = "closed"

# Where the arrangement of each year's holidays is announced, not laid down by law: without the announcement the library
# still gives guesses, silently. Elsewhere it knows the law, and years to come are as good as past ones.
ANNOUNCED = frozenset({"CN"})

# Nothing before: moments begin in 1970. The library itself ends with 2100 at the latest.
FIRST_YEAR, LAST_YEAR = 1970, 2100


class UnknownCountry(ValueError):
    """A country, or a part of one, that the data set does not have."""

    def __init__(self, code: str, name: str, known: str = "") -> None:
        super().__init__(f"{code}: {name!r}")
        self.code = code
        self.params = {"name": name, "defined": known}


def check_country(country: object, subdivision: object = None) -> None:
    """Raise UnknownCountry if the data set has no such country (ISO 3166-1, `CN`) or subdivision (`BY`)."""
    if not isinstance(country, str) or not re.fullmatch("[A-Z]{2}", country):
        raise UnknownCountry("unknown-country", str(country))
    try:
        known: tuple[str, ...] = holidays.country_holidays(country).subdivisions
    except NotImplementedError as error:
        raise UnknownCountry("unknown-country", country) from error
    if subdivision is not None and subdivision not in known:
        raise UnknownCountry("unknown-subdivision", str(subdivision), ", ".join(known) or "–")


@lru_cache(maxsize=64)
def holiday_dates(country: str, subdivision: str | None = None) -> Mapping[str, str]:
    """Every public holiday (`closed`) and make-up working day (a weekday's name) that is known, by date, in order.

    Years without an announcement are left out. Raises UnknownCountry.
    """
    check_country(country, subdivision)
    years = range(FIRST_YEAR, LAST_YEAR + 1)
    data: Any = holidays.country_holidays(country, subdiv=subdivision)
    replaced = dict(_substitutions(data))
    announced = {day.year for day in replaced.values()} if country in ANNOUNCED else set(years)
    for year in sorted(announced):
        data.get(date(year, 1, 1))  # asking for a date is what fills its year
    found = {day: CLOSED for day in data if day.year in announced}
    for day in data.weekend_workdays:
        # A make-up day may belong to the announcement of the year after: it stands all the same.
        if day not in found and FIRST_YEAR <= day.year <= LAST_YEAR:
            found[day] = WEEKDAYS[replaced[day].weekday() if day in replaced else 0]
    return MappingProxyType({day.isoformat(): found[day] for day in sorted(found)})


def _substitutions(data: Any) -> list[tuple[date, date]]:
    """Pairs (make-up working day, the day off it pays for), from the library's raw tables.

    An entry (month, day, month worked, day worked[, year worked]) stands under the year of the day off; entries of
    three are holidays with a name. The texts of the holidays tell the same, but in the country's language.
    """
    pairs: list[tuple[date, date]] = []
    for year, entries in getattr(data, "special_public_holidays", {}).items():
        for entry in entries if isinstance(entries[0], tuple) else (entries,):
            if len(entry) >= 4 and all(isinstance(part, int) for part in entry):
                month, day, worked_month, worked_day, *worked_year = entry
                worked = date(worked_year[0] if worked_year else year, worked_month, worked_day)
                pairs.append((worked, date(year, month, day)))
    return pairs
