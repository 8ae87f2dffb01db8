from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.core import moments
from server.core.moments import DAY, HOUR, MINUTE, SECOND, BadTime, BadTimeZone, OutOfRange, time_zone

SHANGHAI = time_zone("Asia/Shanghai")
BERLIN = time_zone("Europe/Berlin")
NEW_YORK = time_zone("America/New_York")
MIDNIGHT = 1_772_380_800_000  # 2026-03-02T00:00+08:00


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02T09:00:00+08:00", MIDNIGHT + 9 * HOUR),
        ("2026-03-02T01:00:00Z", MIDNIGHT + 9 * HOUR),
        ("2026-03-02t01:00:00z", MIDNIGHT + 9 * HOUR),
        ("2026-03-02 01:00Z", MIDNIGHT + 9 * HOUR),
        ("2026-03-01T20:00:00-0500", MIDNIGHT + 9 * HOUR),
        ("2026-03-02T09:00:00.5+08:00", MIDNIGHT + 9 * HOUR + 500),
        ("2026-03-02T09:00:00.123999+08:00", MIDNIGHT + 9 * HOUR + 123),
        ("2026-03-02T09:00:00,050+08:00", MIDNIGHT + 9 * HOUR + 50),
        ("2026-03-02T09:00", MIDNIGHT + 9 * HOUR),
        ("2026-03-02", MIDNIGHT),
    ],
)
def test_iso_times_are_read(text: str, expected: int) -> None:
    assert moments.parse(text, SHANGHAI) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-3-2",
        "20260302",
        "2026-W10-1",
        "2026-02-30",
        "2026-03-02T25:00Z",
        "2026-03-02T24:00Z",
        "2026-03-02T09:00:60Z",
        "2026-03-02T09:00+24:00",
        "2026-03-02T09:00+08:60",
        "2026-03-02T09",
        "2026-03-02+08:00",
        "٢٠٢٦-03-02",
        "0000-01-01",
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(BadTime):
        moments.parse(text, SHANGHAI)


def test_a_time_without_an_offset_needs_a_zone() -> None:
    for text in ("2026-03-02", "2026-03-02T09:00"):
        with pytest.raises(BadTime):
            moments.parse(text)


def test_years_before_1970_and_after_9999_are_out_of_range() -> None:
    for text in ("1969-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00"):
        with pytest.raises(OutOfRange):
            moments.parse(text)
    assert moments.parse("1970-01-01T00:00:00+08:00") == -8 * HOUR
    assert moments.parse("9999-12-31T23:59:59.999Z") == moments.LAST


def test_a_moment_is_shown_to_the_second_rounded_down() -> None:
    assert moments.show(MIDNIGHT + 9 * HOUR + 999, SHANGHAI) == "2026-03-02T09:00:00+08:00"
    assert moments.show(-1, SHANGHAI) == "1970-01-01T07:59:59+08:00"
    assert moments.show(-1) == "1969-12-31T23:59:59+00:00"


def test_a_moment_whose_local_year_is_10000_cannot_be_shown() -> None:
    with pytest.raises(OutOfRange):
        moments.show(moments.LAST, SHANGHAI)
    assert moments.show(moments.LAST, NEW_YORK).startswith("9999-12-31T18:59:59")


def test_naive_datetimes_are_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        moments.from_datetime(datetime(2026, 3, 2, 9))


def test_a_datetime_loses_its_microseconds_downwards() -> None:
    just_before = datetime(1970, 1, 1, tzinfo=UTC) - timedelta(microseconds=1)
    assert moments.from_datetime(just_before) == -1
    assert moments.from_datetime(datetime(1970, 1, 1, 8, 0, 0, 1999, tzinfo=timezone(timedelta(hours=8)))) == 1


@given(st.integers(0, 253_402_000_000_000))
def test_datetimes_and_texts_lead_back_to_the_moment(moment: int) -> None:
    assert moments.from_datetime(moments.to_datetime(moment, BERLIN)) == moment
    assert moments.parse(moments.show(moment, SHANGHAI)) == moment // 1000 * 1000


def test_a_skipped_wall_time_moves_forward_by_the_gap() -> None:
    # Berlin, 2026-03-29: 02:00 becomes 03:00
    assert moments.show(moments.parse("2026-03-29T02:30", BERLIN), BERLIN) == "2026-03-29T03:30:00+02:00"
    assert moments.parse("2026-03-29T02:00", BERLIN) == moments.parse("2026-03-29T03:00", BERLIN)


def test_a_wall_time_that_occurs_twice_means_the_first() -> None:
    assert moments.show(moments.parse("2026-10-25T02:30", BERLIN), BERLIN) == "2026-10-25T02:30:00+02:00"


def test_a_date_whose_midnight_is_skipped_begins_after_the_gap() -> None:
    sao_paulo = time_zone("America/Sao_Paulo")
    assert moments.show(moments.parse("2017-10-15", sao_paulo), sao_paulo) == "2017-10-15T01:00:00-02:00"


def test_the_wall_clock_of_a_moment_includes_the_offset() -> None:
    assert moments.local(MIDNIGHT, SHANGHAI) % DAY == 0
    assert moments.offset(MIDNIGHT, SHANGHAI) == 8 * HOUR


@pytest.mark.parametrize(
    ("zone", "change", "before", "after"),
    [
        ("Europe/Berlin", "2026-03-29T01:00:00Z", 1 * HOUR, 2 * HOUR),
        ("Africa/Monrovia", "1972-01-07T00:44:30Z", -(44 * MINUTE + 30 * SECOND), 0),
    ],
)
def test_an_offset_changes_to_the_millisecond(zone: str, change: str, before: int, after: int) -> None:
    moment = moments.parse(change)
    for _ in range(2):
        assert moments.offset(moment - 1, time_zone(zone)) == before
        assert moments.offset(moment, time_zone(zone)) == after


@pytest.mark.parametrize("name", ["", "Asia", "America", "Nowhere/City", "../etc/passwd", "/etc/localtime", "asia\0"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(BadTimeZone):
        time_zone(name)
