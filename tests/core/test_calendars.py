"""Sums of time, by examples: each rule of the page and its traps."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from server.core.calendars import BadCalendar, Calendar, NeverOpens, compile_calendar
from server.core.durations import parse_duration, parse_schedule
from server.core.moments import HOUR, MINUTE, BadTime, OutOfRange

WEEK = {"monday-friday": ["09:00-12:00", "13:00-18:00"]}


def calendar(hours: dict[str, Any] | None = None, zone: str = "Asia/Shanghai", **more: Any) -> Calendar:
    return compile_calendar({"timezone": zone, "hours": WEEK if hours is None else hours, **more})


OFFICE = calendar()  # 2026-03-02 is a Monday
BERLIN = calendar({"daily": ["00:00-24:00"]}, "Europe/Berlin")


def later(start: str, duration: str, on: Calendar = OFFICE) -> str:
    """The result without its offset."""
    return on.show(on.add(on.parse(start), parse_duration(duration)))[:-6]


def check(sums: list[tuple[str, str, str]], on: Calendar = OFFICE) -> None:
    """All sums at once, so that a red test shows every wrong one."""
    got = [(start, duration, later(start, duration, on)) for start, duration, _ in sums]
    assert got == [(start, duration, f"{end}:00" if len(end) == 16 else end) for start, duration, end in sums]


def test_elapsed_and_calendar_units() -> None:
    check(
        [
            ("2026-03-02T09:00", "now", "2026-03-02T09:00"),
            ("2026-03-02T09:00", "90s", "2026-03-02T09:01:30"),
            ("2026-03-06T20:00", "12h", "2026-03-07T08:00"),
            ("2026-03-02T09:00", "2d", "2026-03-04T09:00"),
            ("2026-03-02T09:00", "1w", "2026-03-09T09:00"),
            ("2026-01-31T10:00", "1mo", "2026-02-28T10:00"),
            ("2024-01-31T10:00", "1mo", "2024-02-29T10:00"),
            ("2024-02-29T10:00", "1y", "2025-02-28T10:00"),
            ("2026-12-15T10:00", "1mo", "2027-01-15T10:00"),
            ("2026-11-30T10:00", "1mo", "2026-12-30T10:00"),
            ("2026-10-31T10:00", "13mo", "2027-11-30T10:00"),
        ]
    )


def test_joined_parts_add_years_and_months_with_one_clamp_then_days_then_hours() -> None:
    check(
        [
            # one clamp: 2024-02-29 + 13 months, not 2025-02-28 + 1 month
            ("2024-02-29T10:00", "1y1mo", "2025-03-29T10:00"),
            ("2026-01-31T10:00", "1mo1d", "2026-03-01T10:00"),
            ("2026-01-31T23:30", "1mo1d1h", "2026-03-02T00:30"),
            ("2026-03-02T09:00", "1w3d4h5m6s", "2026-03-12T13:05:06"),
            ("2023-01-30T00:00", "1y1mo1w1d", "2024-03-08T00:00"),
        ]
    )


def test_working_hours_pass_over_closed_time_and_stop_at_closing() -> None:
    check(
        [
            ("2026-03-02T09:00", "3wh", "2026-03-02T12:00"),  # used up at the closing, not at the next opening
            ("2026-03-02T09:00", "8wh", "2026-03-02T18:00"),
            ("2026-03-02T09:00", "3wh1wm", "2026-03-02T13:01"),
            ("2026-03-02T17:59", "1wm", "2026-03-02T18:00"),
            ("2026-03-06T17:59", "2wm", "2026-03-09T09:01"),
            ("2026-03-06T18:00", "1wm", "2026-03-09T09:01"),
            ("2026-03-07T11:11", "8wh", "2026-03-09T18:00"),
            ("2026-03-02T12:30", "30wm", "2026-03-02T13:30"),
            ("2026-03-02T12:00", "5wh", "2026-03-02T18:00"),
            ("2026-03-02T10:00", "40wh", "2026-03-09T10:00"),
            ("2026-12-31T17:00", "2wh", "2027-01-01T10:00"),
        ]
    )


def test_working_days() -> None:
    check(
        [
            ("2026-03-06T08:00", "1wd", "2026-03-06T18:00"),  # before opening: the day is used up at its close
            ("2026-03-06T09:00", "1wd", "2026-03-06T18:00"),  # exactly the first opening, too
            ("2026-03-06T09:00", "2wd", "2026-03-09T18:00"),
            ("2026-03-06T09:01", "1wd", "2026-03-09T09:01"),
            ("2026-03-06T17:59", "1wd", "2026-03-09T17:59"),
            ("2026-03-06T18:00", "1wd", "2026-03-09T18:00"),  # the close is outside: moves to Monday's opening
            ("2026-03-07T11:00", "1wd", "2026-03-09T18:00"),
            ("2026-03-07T11:00", "3wd", "2026-03-11T18:00"),
            ("2026-03-02T12:30", "1wd", "2026-03-03T13:00"),  # in the break: moves to 13:00, not a first opening
            ("2026-03-02T12:00", "1wd", "2026-03-03T13:00"),
            ("2026-03-02T13:00", "1wd", "2026-03-03T13:00"),
            ("2026-03-04T15:30", "3wd", "2026-03-09T15:30"),
        ]
    )


def test_a_working_day_is_clamped_to_the_hours_of_the_day_reached() -> None:
    mixed = calendar({"monday": ["07:00-20:00"], "tuesday": ["09:00-12:00", "13:00-16:00"]})
    check(
        [
            ("2026-03-02T07:30", "1wd", "2026-03-03T09:00"),  # before the first opening: that opening
            ("2026-03-02T12:00", "1wd", "2026-03-03T13:00"),  # the close of the morning is in the break: its end
            ("2026-03-02T12:30", "1wd", "2026-03-03T13:00"),
            ("2026-03-02T16:00", "1wd", "2026-03-03T16:00"),  # the last close
            ("2026-03-02T19:00", "1wd", "2026-03-03T16:00"),
            ("2026-03-02T11:59", "1wd", "2026-03-03T11:59"),
            ("2026-03-03T15:00", "1wd", "2026-03-09T15:00"),
        ],
        mixed,
    )


def test_working_days_with_close() -> None:
    check(
        [
            ("2026-03-06T08:00", "1wd close", "2026-03-09T18:00"),
            ("2026-03-06T17:00", "3wd close", "2026-03-11T18:00"),
            ("2026-03-07T17:00", "1wd close", "2026-03-09T18:00"),
            ("2026-03-02T09:00", "0wd close", "2026-03-02T18:00"),
            ("2026-03-02T17:59:59", "0wd close", "2026-03-02T18:00"),
            ("2026-03-02T18:00", "0wd close", "2026-03-03T18:00"),  # not after the start
            ("2026-03-06T18:30", "0d close", "2026-03-09T18:00"),
            ("2026-03-07T09:00", "0d close", "2026-03-09T18:00"),
            ("2026-03-02T00:00", "0d close", "2026-03-02T18:00"),
        ]
    )


def test_calendar_units_with_eod_and_close() -> None:
    check(
        [
            ("2026-03-02T09:00", "15d eod", "2026-03-18T00:00"),
            ("2026-03-02T00:00", "0d eod", "2026-03-03T00:00"),
            ("2026-03-02T23:59:59", "0d eod", "2026-03-03T00:00"),
            ("2026-01-31T10:00", "1mo eod", "2026-03-01T00:00"),
            ("2026-03-02T09:00", "2w eod", "2026-03-17T00:00"),
            ("2024-02-29T09:00", "1y eod", "2025-03-01T00:00"),
            ("2026-03-02T19:00", "15d close", "2026-03-17T18:00"),
            ("2026-03-02T19:00", "12d close", "2026-03-16T18:00"),  # a Saturday: the next working day's
            ("2026-03-02T19:00", "1w close", "2026-03-09T18:00"),
            ("2026-01-31T10:00", "1mo close", "2026-03-02T18:00"),  # 28 February is a Saturday
        ]
    )


def test_milliseconds_of_the_start_are_kept() -> None:
    start = OFFICE.parse("2026-03-02T10:00:00.123")
    for duration in ("1s", "2d", "1mo", "1wm", "30wh", "3wd"):
        assert OFFICE.add(start, parse_duration(duration)) % 1000 == 123, duration
    assert OFFICE.add(start, parse_duration("1wd close")) % 1000 == 0


def test_calendar_units_keep_the_wall_clock_over_a_change_and_elapsed_ones_do_not() -> None:
    check(
        [
            ("2026-03-28T12:00", "1d", "2026-03-29T12:00"),
            ("2026-03-28T12:00", "24h", "2026-03-29T13:00"),
            ("2026-10-24T12:00", "24h", "2026-10-25T11:00"),
            ("2026-03-28T02:30", "1d", "2026-03-29T03:30"),  # skipped: forward by the gap
            ("2026-02-28T02:15", "1mo1d", "2026-03-29T03:15"),
            ("2026-03-28T02:30", "1d1h", "2026-03-29T04:30"),
            ("2026-10-24T02:30", "1d1h", "2026-10-25T02:30"),  # twice: from the first to the second
            ("2026-03-29T00:00", "23wh", "2026-03-30T00:00"),
            ("2026-10-25T00:00", "25wh", "2026-10-26T00:00"),
        ],
        BERLIN,
    )
    first = BERLIN.add(BERLIN.parse("2026-10-24T02:30"), parse_duration("1d"))
    assert BERLIN.show(first) == "2026-10-25T02:30:00+02:00"


def test_a_start_in_the_second_of_two_equal_hours_stays_there_for_elapsed_time() -> None:
    start = BERLIN.parse("2026-10-25T02:30:00+01:00")
    assert BERLIN.show(BERLIN.add(start, parse_duration("10m"))) == "2026-10-25T02:40:00+01:00"
    assert BERLIN.add(start, parse_duration("now")) == start


def test_edges_of_open_intervals_move_with_the_gap() -> None:
    night = calendar({"daily": ["01:00-02:30", "03:00-04:00"]}, "Europe/Berlin")
    # 02:30 becomes 03:30, and the second interval begins at 03:00: what they share is open once.
    assert [(night.show(a), night.show(b)) for a, b in night.open_intervals("2026-03-29")] == [
        ("2026-03-29T01:00:00+01:00", "2026-03-29T03:30:00+02:00"),
        ("2026-03-29T03:30:00+02:00", "2026-03-29T04:00:00+02:00"),
    ]
    assert night.between(night.midnight("2026-03-29"), night.midnight_after("2026-03-29")) == 2 * HOUR
    assert night.between(night.midnight("2026-03-28"), night.midnight_after("2026-03-28")) == 150 * MINUTE


def test_an_interval_that_ends_at_the_first_of_two_equal_times_does_not_open_again() -> None:
    night = calendar({"daily": ["01:00-02:30"]}, "Europe/Berlin")
    assert night.between(night.midnight("2026-10-25"), night.midnight_after("2026-10-25")) == 90 * MINUTE
    assert not night.is_open(night.parse("2026-10-25T02:10:00+01:00"))
    assert night.is_open(night.parse("2026-10-25T02:10:00+02:00"))


def test_a_half_hour_change_moves_half_an_hour() -> None:
    lord_howe = calendar({"daily": ["00:00-24:00"]}, "Australia/Lord_Howe")
    check([("2026-04-04T12:00", "24h", "2026-04-05T11:30"), ("2026-10-03T12:00", "1d", "2026-10-04T12:00")], lord_howe)
    assert lord_howe.between(lord_howe.midnight("2026-04-05"), lord_howe.midnight_after("2026-04-05")) == 24.5 * HOUR


def test_a_date_that_a_zone_skipped_has_no_hours() -> None:
    apia = calendar({"daily": ["09:00-17:00"]}, "Pacific/Apia")  # there was no 2011-12-30
    assert not apia.is_working_day("2011-12-30")
    assert apia.is_working_day("2011-12-31")
    check([("2011-12-29T10:00", "1wd", "2011-12-31T10:00"), ("2011-12-29T16:00", "2wh", "2011-12-31T10:00")], apia)


def test_a_close_of_24_00_joins_the_next_midnight() -> None:
    allday = calendar({"daily": ["00:00-24:00"]})
    check(
        [
            ("2026-03-02T09:00", "24wh", "2026-03-03T09:00"),
            ("2026-03-02T00:00", "1wd", "2026-03-03T00:00"),
            ("2026-03-02T09:00", "1wd", "2026-03-03T09:00"),
            ("2026-03-02T09:00", "0wd close", "2026-03-03T00:00"),
            ("2026-03-02T09:00", "1wd close", "2026-03-04T00:00"),
        ],
        allday,
    )


def test_open_time_between_two_moments() -> None:
    def hours(start: str, end: str) -> float:
        return OFFICE.between(OFFICE.parse(start), OFFICE.parse(end)) / HOUR

    assert hours("2026-03-02T09:00", "2026-03-02T18:00") == 8
    assert hours("2026-03-02T00:00", "2026-03-09T00:00") == 40
    assert hours("2026-03-06T17:30", "2026-03-09T09:15") == 0.75
    assert hours("2026-03-02T12:00", "2026-03-02T13:00") == 0
    assert hours("2026-03-02T10:00", "2026-03-02T10:00") == 0
    assert hours("2026-03-03T10:00", "2026-03-02T10:00") == 0
    assert hours("2025-12-31T17:00", "2027-01-01T10:00") == 8 * 261 + 1 + 1


def test_open_time_is_half_open() -> None:
    assert OFFICE.is_open(OFFICE.parse("2026-03-02T09:00"))
    assert not OFFICE.is_open(OFFICE.parse("2026-03-02T12:00"))
    assert not OFFICE.is_open(OFFICE.parse("2026-03-02T08:59:59.999"))
    assert OFFICE.is_open(OFFICE.parse("2026-03-02T17:59:59.999"))


def test_adding_no_open_time_stays_where_it_is_also_in_closed_time() -> None:
    saturday = OFFICE.parse("2026-03-07T10:00")
    assert OFFICE.add_open(saturday, 0) == saturday
    with pytest.raises(ValueError, match="forward"):
        OFFICE.add_open(saturday, -1)


def test_percent_of_the_way_by_elapsed_and_by_open_time() -> None:
    start, due = OFFICE.parse("2026-03-06T14:00"), OFFICE.parse("2026-03-09T14:00")
    assert OFFICE.show(OFFICE.percent_of(start, due, 50, working=False)) == "2026-03-08T02:00:00+08:00"
    assert OFFICE.show(OFFICE.percent_of(start, due, 50, working=True)) == "2026-03-06T18:00:00+08:00"
    assert OFFICE.show(OFFICE.percent_of(start, due, 75, working=True)) == "2026-03-09T11:00:00+08:00"
    assert OFFICE.percent_of(start, due, 100, working=True) == due
    assert OFFICE.percent_of(start, due, Fraction(25, 2), working=True) == OFFICE.parse("2026-03-06T15:00")


def test_a_percent_mark_is_rounded_down_to_a_second() -> None:
    start = OFFICE.parse("2026-03-02T10:00:00.700")
    assert OFFICE.percent_of(start, start + 10_000, 35, working=False) == OFFICE.parse("2026-03-02T10:00:04")
    assert OFFICE.percent_of(start, start + 10_000, 35, working=True) == OFFICE.parse("2026-03-02T10:00:04")


def test_schedules_come_round_strictly_after() -> None:
    mixed = calendar(dates={"2026-03-04": "closed", "2026-03-07": ["09:00-12:00"]})
    for schedule, after, expected in [
        ("daily 18:00", "2026-03-02T17:59:59.999", "2026-03-02T18:00"),
        ("daily 18:00", "2026-03-02T18:00", "2026-03-03T18:00"),
        ("workdays 18:00", "2026-03-03T18:00", "2026-03-05T18:00"),
        ("workdays 18:00", "2026-03-06T18:00", "2026-03-07T18:00"),
        ("workdays 06:00", "2026-03-07T06:00", "2026-03-09T06:00"),
        ("monday 09:00", "2026-03-02T08:00", "2026-03-02T09:00"),
        ("monday 09:00", "2026-03-02T09:00", "2026-03-09T09:00"),
        ("sunday 00:00", "2026-03-02T09:00", "2026-03-08T00:00"),
        ("monthly 5 09:00", "2026-03-05T09:00", "2026-04-05T09:00"),
        ("monthly 31 09:00", "2026-02-01T00:00", "2026-02-28T09:00"),
        ("monthly 31 09:00", "2026-03-31T09:00", "2026-04-30T09:00"),
        ("monthly 29 09:00", "2024-02-01T00:00", "2024-02-29T09:00"),
        ("yearly 07-01 09:00", "2026-07-01T09:00", "2027-07-01T09:00"),
        ("yearly 02-29 09:00", "2026-01-01T00:00", "2026-02-28T09:00"),
        ("yearly 02-29 09:00", "2027-03-01T00:00", "2028-02-29T09:00"),
        ("yearly 12-31 23:59", "2026-12-31T23:59", "2027-12-31T23:59"),
    ]:
        found = mixed.next_occurrence(parse_schedule(schedule), mixed.parse(after))
        assert mixed.show(found)[:16] == expected, (schedule, after)


def test_a_schedule_in_a_gap_moves_forward_and_one_that_occurs_twice_comes_once() -> None:
    nightly = parse_schedule("daily 02:30")
    spring = BERLIN.next_occurrence(nightly, BERLIN.parse("2026-03-29T00:00"))
    assert BERLIN.show(spring) == "2026-03-29T03:30:00+02:00"
    autumn = BERLIN.next_occurrence(nightly, BERLIN.parse("2026-10-25T00:00"))
    assert BERLIN.show(autumn) == "2026-10-25T02:30:00+02:00"
    assert BERLIN.show(BERLIN.next_occurrence(nightly, autumn)) == "2026-10-26T02:30:00+01:00"


def test_dates_and_midnights_are_local() -> None:
    assert OFFICE.date(OFFICE.parse("2026-03-01T16:00:00Z")) == "2026-03-02"
    assert OFFICE.show(OFFICE.midnight("2026-03-02")) == "2026-03-02T00:00:00+08:00"
    assert OFFICE.show(OFFICE.midnight_after("2026-02-28")) == "2026-03-01T00:00:00+08:00"
    with pytest.raises(BadTime):
        OFFICE.midnight("2026-02-29")


def test_times_outside_1970_to_9999_raise_a_clear_error() -> None:
    last = OFFICE.parse("9999-12-31T10:00")
    for duration in ("1d", "1mo", "1y", "24h", "16wh", "3wd", "1wd close", "0d eod", "1d close"):
        with pytest.raises(OutOfRange):
            OFFICE.add(last, parse_duration(duration))
    for text in ("9999-12-31T23:59:59Z", "1969-12-01T00:00"):
        with pytest.raises(OutOfRange):
            OFFICE.parse(text)
    with pytest.raises(OutOfRange):
        OFFICE.next_occurrence(parse_schedule("yearly 01-01 00:00"), last)
    assert later("9999-12-31T10:00", "2wh") == "9999-12-31T12:00:00"
    assert later("1970-01-01T00:00", "1wd") == "1970-01-01T18:00:00"


def test_a_far_end_costs_no_table_for_each_year() -> None:
    start, end = OFFICE.parse("2026-01-01T00:00"), OFFICE.parse("9999-12-31T00:00")
    total = OFFICE.between(start, end)
    assert OFFICE.add_open(start, total) == OFFICE.parse("9999-12-30T18:00")
    assert len(OFFICE._open._years) < 200


def test_a_calendar_of_single_dates_ends_with_a_clear_error() -> None:
    fair = calendar({}, dates={"2026-05-01": ["09:00-17:00"], "2031-05-02": ["09:00-17:00"]})
    check(
        [
            ("2026-05-01T10:00", "8wh", "2031-05-02T10:00"),
            ("2026-05-01T10:00", "1wd", "2031-05-02T10:00"),
            ("2026-01-01T10:00", "0wd close", "2026-05-01T17:00"),
        ],
        fair,
    )
    assert fair.show(fair.next_occurrence(parse_schedule("workdays 08:00"), fair.parse("2026-05-01T08:00"))).startswith(
        "2031-05-02T08:00"
    )
    after = fair.parse("2031-05-02T17:00")
    for duration in ("1wm", "1wd", "0wd close", "1wd close", "5d close"):
        with pytest.raises(NeverOpens) as caught:
            fair.add(after, parse_duration(duration))
        assert caught.value.params["text"][:4] == "2031"
    with pytest.raises(NeverOpens):
        fair.next_occurrence(parse_schedule("workdays 08:00"), after)
    assert fair.between(after, fair.parse("2300-01-01")) == 0


def test_a_single_day_wins_over_a_range_a_range_over_daily_and_dates_over_all() -> None:
    layered = calendar(
        {"friday": ["10:00-11:00"], "saturday-monday": ["08:00-09:00"], "daily": ["00:00-24:00"], "sunday": "closed"},
        dates={"2026-03-03": "closed", "2026-03-04": ["05:00-06:00"], "2026-03-05": []},
    )
    opens = [[layered.show(a)[11:16] for a, _ in layered.open_intervals(f"2026-03-0{day}")] for day in range(2, 9)]
    assert opens == [["08:00"], [], ["05:00"], [], ["10:00"], ["08:00"], []]


def test_intervals_may_touch_and_stand_in_any_order() -> None:
    split = calendar({"daily": ["12:00-18:00", "09:00-12:00"]})
    check([("2026-03-02T09:00", "3wh", "2026-03-02T12:00"), ("2026-03-02T12:00", "1wd", "2026-03-03T12:00")], split)


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"timezone": "Mars/Olympus"}, ("timezone",), "bad-time-zone"),
        ({"timezone": None}, ("timezone",), "bad-time-zone"),
        ({"hours": {}}, ("hours",), "calendar-never-opens"),
        ({"hours": {"monday": []}, "dates": {"2026-01-01": "closed"}}, ("hours",), "calendar-never-opens"),
        ({"hours": {"mon": ["09:00-10:00"]}}, ("hours", "mon"), "bad-day"),
        ({"hours": {"monday-fri": ["09:00-10:00"]}}, ("hours", "monday-fri"), "bad-day"),
        ({"hours": {"monday": "09:00-10:00"}}, ("hours", "monday"), "bad-hours"),
        ({"hours": {"monday": ["9:00-10:00"]}}, ("hours", "monday", 0), "bad-hours"),
        ({"hours": {"monday": ["09:00-24:01"]}}, ("hours", "monday", 0), "bad-hours"),
        ({"hours": {"monday": ["24:00-24:00"]}}, ("hours", "monday", 0), "bad-hours"),
        ({"hours": {"monday": ["09:60-10:00"]}}, ("hours", "monday", 0), "bad-hours"),
        ({"hours": {"monday": ["09:00-09:00"]}}, ("hours", "monday", 0), "hours-backwards"),
        ({"hours": {"monday": ["22:00-06:00"]}}, ("hours", "monday", 0), "hours-backwards"),
        ({"hours": {"monday": ["09:00-12:00", "11:59-13:00"]}}, ("hours", "monday", 1), "hours-overlap"),
        ({"hours": {"monday-friday": [], "friday-sunday": ["09:00-10:00"]}}, ("hours", "friday-sunday"), "day-twice"),
        ({"dates": {"2026-02-29": "closed"}}, ("dates", "2026-02-29"), "bad-calendar-date"),
        ({"dates": {"1.1.2026": "closed"}}, ("dates", "1.1.2026"), "bad-calendar-date"),
        ({"dates": {"2026-02-28": "open"}}, ("dates", "2026-02-28"), "bad-hours"),
        ({"holidays": {"country": "XX"}}, ("holidays", "country"), "unknown-country"),
        ({"holidays": {"country": "DE", "subdivision": "XX"}}, ("holidays", "subdivision"), "unknown-subdivision"),
    ],
)
def test_a_bad_document_is_refused_with_the_place(change: dict[str, Any], path: tuple[object, ...], code: str) -> None:
    with pytest.raises(BadCalendar) as caught:
        compile_calendar({"timezone": "UTC", "hours": WEEK} | change)
    assert [(problem.path, problem.code) for problem in caught.value.problems] == [(path, code)]


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(BadCalendar) as caught:
        compile_calendar({"timezone": "?", "hours": {"x": ["1"]}, "dates": {"y": 3}, "holidays": {"country": "?"}})
    assert sorted(problem.code for problem in caught.value.problems) == [
        *("bad-calendar-date", "bad-day", "bad-hours", "bad-hours", "bad-time-zone", "unknown-country"),
    ]
