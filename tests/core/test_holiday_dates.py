"""Public holidays and make-up working days, above all China's (State Council announcements for 2025 and 2026)."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from server.core.calendars import Calendar, compile_calendar
from server.core.durations import parse_duration
from server.core.holiday_dates import UnknownCountry, check_country, holiday_dates

HOURS = {"monday-thursday": ["09:00-12:00", "13:00-18:00"], "friday": ["09:00-16:00"]}
DOCUMENT = {"timezone": "Asia/Shanghai", "hours": HOURS, "holidays": {"country": "CN"}}

MADE_UP = {
    "2025": ["01-26", "02-08", "04-27", "09-28", "10-11"],
    "2026": ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"],
}
# Days off by the announcements, weekends among them left out.
OFF = {
    "2025": [
        *("01-01", "01-28", "01-29", "01-30", "01-31", "02-03", "02-04", "04-04", "05-01", "05-02", "05-05", "06-02"),
        *("10-01", "10-02", "10-03", "10-06", "10-07", "10-08"),
    ],
    "2026": [
        *("01-01", "01-02", "02-16", "02-17", "02-18", "02-19", "02-20", "02-23", "04-06", "05-01", "05-04", "05-05"),
        *("06-19", "09-25", "10-01", "10-02", "10-05", "10-06", "10-07"),
    ],
}


@pytest.fixture(scope="module")
def china() -> Calendar:
    return compile_calendar(DOCUMENT)


@pytest.mark.parametrize("year", ["2025", "2026"])
def test_the_days_off_and_the_make_up_days_are_those_announced(china: Calendar, year: str) -> None:
    plain = compile_calendar(DOCUMENT, holiday_dates={})
    dates = _dates_of(int(year))
    assert [day[5:] for day in dates if china.is_working_day(day) and not plain.is_working_day(day)] == MADE_UP[year]
    assert [day[5:] for day in dates if plain.is_working_day(day) and not china.is_working_day(day)] == OFF[year]


def _dates_of(year: int) -> list[str]:
    first = date(year, 1, 1)
    return [(first + timedelta(days=day)).isoformat() for day in range((date(year + 1, 1, 1) - first).days)]


def test_a_make_up_day_has_the_hours_of_the_weekday_that_it_replaces(china: Calendar) -> None:
    # 2026-01-04, a Sunday, pays for Friday 2 January; 2026-02-28, a Saturday, for Monday 23 February.
    assert china.dates["2026-01-04"] == "friday"
    assert china.dates["2026-02-28"] == "monday"
    assert [china.show(close)[11:16] for _, close in china.open_intervals("2026-01-04")] == ["16:00"]
    assert [china.show(close)[11:16] for _, close in china.open_intervals("2026-02-28")] == ["12:00", "18:00"]
    end = china.add(china.parse("2026-02-27T17:00"), parse_duration("8wh"))
    assert china.show(end) == "2026-02-28T18:00:00+08:00"


def test_a_year_without_an_announcement_has_weekends_and_hours_alone(china: Calendar) -> None:
    assert not china.has_data(2040)
    assert china.missing_years(2024, 2026) == []
    assert china.missing_years(2038, 2040) == [2038, 2039, 2040]
    assert not [day for day in china.dates if day.startswith("2040")]
    assert china.is_working_day("2040-10-01")  # a Monday, though surely a holiday by law
    assert not china.is_working_day("2040-10-06")


def test_years_before_the_announcements_are_missing_too(china: Calendar) -> None:
    assert china.missing_years(1999, 2002) == [1999, 2000]


def test_the_documents_own_dates_win_over_the_data_set() -> None:
    own = compile_calendar(DOCUMENT | {"dates": {"2026-02-17": ["10:00-11:00"], "2026-02-28": "closed"}})
    assert own.is_working_day("2026-02-17")
    assert not own.is_working_day("2026-02-28")


def test_stored_dates_are_plain_data_and_stand_in_for_the_data_set(china: Calendar) -> None:
    stored = json.loads(json.dumps(china.dates))
    assert stored == china.dates
    again = compile_calendar(DOCUMENT, holiday_dates=stored)
    assert again.dates == china.dates
    assert again.missing_years(2020, 2040) == china.missing_years(2020, 2040)
    older = {day: what for day, what in stored.items() if day < "2026"}
    before = compile_calendar(DOCUMENT, holiday_dates=older)
    assert before.missing_years(2024, 2026) == [2026]
    assert before.is_working_day("2026-02-17")


def test_without_holidays_no_year_is_missing_and_no_date_is_stored() -> None:
    plain = compile_calendar({"timezone": "UTC", "hours": HOURS})
    assert plain.dates == {}
    assert plain.missing_years(2000, 2050) == []


def test_where_holidays_are_law_years_to_come_are_known() -> None:
    berlin = compile_calendar(
        {"timezone": "Europe/Berlin", "hours": HOURS, "holidays": {"country": "DE", "subdivision": "BE"}}
    )
    assert berlin.missing_years(2020, 2060) == []
    assert not berlin.is_working_day("2034-10-03")
    assert not berlin.is_working_day("2027-03-08")  # Women's Day, in Berlin
    assert berlin.is_working_day("2027-06-03")  # Corpus Christi, not in Berlin


def test_other_countries_make_up_days_are_found() -> None:
    assert holiday_dates("HU")["2026-01-10"] == "friday"


def test_unknown_countries_and_parts_are_refused() -> None:
    for country, part in [("XX", None), ("cn", None), (None, None), (3, None), ("DE", "XX"), ("CN", "BJ")]:
        with pytest.raises(UnknownCountry):
            check_country(country, part)


def test_a_stored_version_stays_usable_when_the_data_set_no_longer_knows_its_country() -> None:
    dropped = DOCUMENT | {"holidays": {"country": "XX"}}
    assert not compile_calendar(dropped, holiday_dates={"2026-03-02": "closed"}).is_working_day("2026-03-02")
