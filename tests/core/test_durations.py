from __future__ import annotations

import pytest

from server.core.calendars import compile_calendar
from server.core.durations import BadDuration, BadSchedule, Duration, parse_duration, parse_schedule
from server.core.moments import DAY, HOUR, MINUTE


@pytest.mark.parametrize(
    ("text", "parts", "ending"),
    [
        ("90s", [("s", 90)], ""),
        ("15m", [("m", 15)], ""),
        ("12h", [("h", 12)], ""),
        ("2d", [("d", 2)], ""),
        ("1w", [("w", 1)], ""),
        ("1mo", [("mo", 1)], ""),
        ("1y", [("y", 1)], ""),
        ("30wm", [("wm", 30)], ""),
        ("8wh", [("wh", 8)], ""),
        ("3wd", [("wd", 3)], ""),
        ("now", [], ""),
        ("15d eod", [("d", 15)], "eod"),
        ("1mo eod", [("mo", 1)], "eod"),
        ("1y close", [("y", 1)], "close"),
        ("2w eod", [("w", 2)], "eod"),
        ("15d close", [("d", 15)], "close"),
        ("3wd close", [("wd", 3)], "close"),
        ("0d eod", [("d", 0)], "eod"),
        ("0d close", [("d", 0)], "close"),
        ("0wd close", [("wd", 0)], "close"),
        ("1wh30wm", [("wh", 1), ("wm", 30)], ""),
        ("1h30m", [("h", 1), ("m", 30)], ""),
        ("1mo30m", [("mo", 1), ("m", 30)], ""),
        ("1y2mo1w3d4h5m6s", [("y", 1), ("mo", 2), ("w", 1), ("d", 3), ("h", 4), ("m", 5), ("s", 6)], ""),
    ],
)
def test_every_form_of_the_page_is_read(text: str, parts: list[tuple[str, int]], ending: str) -> None:
    assert parse_duration(text) == Duration(text, tuple(parts), ending)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad-duration"),
        ("5", "bad-duration"),
        ("h", "bad-duration"),
        ("-1h", "bad-duration"),
        ("+1h", "bad-duration"),
        ("1.5h", "bad-duration"),
        ("1 h", "bad-duration"),
        ("1h 30m", "bad-duration"),
        (" 1h", "bad-duration"),
        ("1h\n", "bad-duration"),
        ("1H", "bad-duration"),
        ("1min", "bad-duration"),
        ("٣h", "bad-duration"),
        ("eod", "bad-duration"),
        ("close", "bad-duration"),
        ("now eod", "bad-duration"),
        ("Now", "bad-duration"),
        ("1d  eod", "bad-duration"),
        ("1d eod close", "bad-duration"),
        ("1d eod 1h", "bad-duration"),
        ("9" * 200 + "h", "bad-duration"),
        ("30m1h", "duration-order"),
        ("1h1h", "duration-order"),
        ("1m1mo", "duration-order"),
        ("30wm1wh", "duration-order"),
        ("1wh1wh", "duration-order"),
        ("1wd1wh", "duration-mixed"),
        ("1wd1wd", "duration-mixed"),
        ("1wd2h", "duration-mixed"),
        ("1d2wh", "duration-mixed"),
        ("1wh30m", "duration-mixed"),
        ("3wd eod", "duration-ending"),
        ("8wh close", "duration-ending"),
        ("8wh eod", "duration-ending"),
        ("2h eod", "duration-ending"),
        ("1m close", "duration-ending"),
        ("1d12h eod", "duration-ending"),
        ("1w1d close", "duration-ending"),
        ("0wd eod", "duration-ending"),
        ("0m", "duration-zero"),
        ("0d", "duration-zero"),
        ("0wd", "duration-zero"),
        ("0wh", "duration-zero"),
        ("1h0m", "duration-zero"),
        ("1wh0wm", "duration-zero"),
        ("0w eod", "duration-zero"),
        ("0mo close", "duration-zero"),
        ("0y eod", "duration-zero"),
        ("1001y", "duration-too-long"),
        ("999999999999h", "duration-too-long"),
        ("9999999wh", "duration-too-long"),
        ("99999wd", "duration-too-long"),
        ("99999wd close", "duration-too-long"),
    ],
)
def test_what_is_not_on_the_page_is_refused_with_its_reason(text: str, code: str) -> None:
    with pytest.raises(BadDuration) as caught:
        parse_duration(text)
    assert caught.value.code == code
    assert caught.value.params["text"] == text[:100]


@pytest.mark.parametrize("value", [None, 15, 1.5, True, ["1h"]])
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(BadDuration):
        parse_duration(value)


def test_scripts_may_wait_for_nothing() -> None:
    for text in ("0m", "0s", "0d"):
        assert parse_duration(text, allow_zero=True).is_now
    for text in ("0wd", "0wh", "0mo eod", "0wd eod"):
        with pytest.raises(BadDuration):
            parse_duration(text, allow_zero=True)


def test_marks_go_by_open_time_for_working_units_and_close() -> None:
    working = ["8wh", "30wm", "3wd", "3wd close", "15d close", "0d close"]
    assert all(parse_duration(text).is_working for text in working)
    assert not any(parse_duration(text).is_working for text in ["1h", "2d", "15d eod", "now", "1mo"])


def test_only_hours_minutes_and_seconds_are_elapsed() -> None:
    assert all(parse_duration(text).is_elapsed for text in ["1h", "1h5m", "90s"])
    assert not any(parse_duration(text).is_elapsed for text in ["1d", "1d1h", "1wh", "0d eod", "1wd"])


def test_the_elapsed_length_counts_a_day_as_24_hours_only_when_asked() -> None:
    assert parse_duration("1h30m").elapsed_ms() == HOUR + 30 * MINUTE
    assert parse_duration("1d1h").elapsed_ms(days_too=True) == DAY + HOUR
    for text, days_too in [("1d", False), ("1w", True), ("1mo", True), ("1wh", True), ("1d eod", True)]:
        with pytest.raises(BadDuration) as caught:
            parse_duration(text).elapsed_ms(days_too)
        assert caught.value.code.startswith("duration-not-elapsed")


def test_lengths_are_compared_roughly() -> None:
    office = compile_calendar({"timezone": "UTC", "hours": {"monday-friday": ["09:00-17:00"]}})
    texts = ["now", "90s", "1h", "8h", "1d", "16wh", "1w", "6wd", "1mo", "60wd", "1y"]
    lengths = [parse_duration(text).approximate_ms(office) for text in texts]
    assert lengths == sorted(lengths)
    assert parse_duration("5wd").approximate_ms(office) == 7 * DAY
    assert parse_duration("40wh").approximate_ms(office) == 7 * DAY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "daily",
        "daily 9:00",
        "daily 24:00",
        "daily 12:60",
        "Daily 12:00",
        "daily  12:00",
        "mon 09:00",
        "weekly 09:00",
        "monthly 09:00",
        "monthly 0 09:00",
        "monthly 32 09:00",
        "monthly 05 09:00",
        "yearly 02-30 09:00",
        "yearly 13-01 09:00",
        "yearly 7-1 09:00",
        "yearly 00-10 09:00",
        "daily 09:00 ",
        "monday 09:00:00",
    ],
)
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(BadSchedule):
        parse_schedule(text)


def test_a_schedule_that_is_no_text_is_refused() -> None:
    with pytest.raises(BadSchedule):
        parse_schedule(540)
