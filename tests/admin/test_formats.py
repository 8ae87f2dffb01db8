"""Moments, days, numbers and sizes as the panel writes them in each language."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import render_template_string
from markupsafe import Markup

from admin import clock, formats, languages
from server.core.moments import from_datetime
from tests.admin.visiting import Panel

SHANGHAI = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 11, 28, 18, 46, 5, tzinfo=SHANGHAI)


@pytest.fixture(params=["zh", "en"])
def reader(request: pytest.FixtureRequest, panel: Panel) -> Iterator[str]:
    """A request in a language."""
    with panel.app.test_request_context(headers={"Cookie": f"{languages.COOKIE}={request.param}"}):
        yield request.param


def say(reader: str, zh: str, en: str) -> str:
    return {"zh": zh, "en": en}[reader]


@pytest.mark.parametrize(
    ("style", "zh", "en"),
    [
        ("near", "11月28日 18:46", "28 Nov, 18:46"),
        ("day", "2026年11月28日", "28 Nov 2026"),
        ("minute", "2026年11月28日 18:46", "28 Nov 2026, 18:46"),
        ("second", "2026年11月28日 18:46:05", "28 Nov 2026, 18:46:05"),
        ("spelled", "2026年11月28日星期六 18:46", "Saturday, 28 November 2026, 18:46"),
    ],
)
def test_a_moment_is_written_as_the_language_writes_it(reader: str, style: Any, zh: str, en: str) -> None:
    assert formats.moment(AT, style, this_year=2026) == say(reader, zh, en)


def test_a_moment_of_another_year_has_its_year(reader: str) -> None:
    assert formats.moment(AT, "near", this_year=2027) == say(reader, "2026年11月28日 18:46", "28 Nov 2026, 18:46")


def test_an_element_keeps_the_exact_moment_and_tells_the_zone(reader: str) -> None:
    whole = say(
        reader,
        "2026年11月28日星期六 18:46:05（Asia/Shanghai, UTC+08:00）",
        "Saturday, 28 November 2026, 18:46:05 (Asia/Shanghai, UTC+08:00)",
    )
    text = say(reader, "11月28日 18:46", "28 Nov, 18:46")
    expected = f'<time datetime="2026-11-28T18:46:05+08:00" title="{whole}">{text}</time>'
    assert formats.element(AT, "near", 2026) == expected


def test_the_same_instant_in_two_zones_is_written_by_the_clock_of_each(reader: str) -> None:
    there = [formats.moment(AT.astimezone(zone), "minute") for zone in (SHANGHAI, UTC)]
    assert [text[-5:] for text in there] == ["18:46", "10:46"]


def test_printed_moments_are_told_by_their_own_offset(reader: str) -> None:
    assert clock.told_text("2026-11-28T18:46:05+08:00", "minute") == formats.moment(AT)
    assert clock.told(None) == "" == clock.told_text("")
    assert 'title="' in clock.told("2026-11-28T18:46:05+08:00", "second")


def test_moments_of_no_issue_go_by_the_first_calendar(reader: str) -> None:
    assert clock.text(from_datetime(AT), "second") == formats.moment(AT, "second")
    assert clock.typed(from_datetime(AT)) == "2026-11-28T18:46:05"
    assert clock.typed(from_datetime(AT.replace(second=0))) == "2026-11-28T18:46"
    assert clock.shown(None) == ""


def test_numbers_shares_and_sizes_are_grouped_and_short(reader: str) -> None:
    assert formats.number(1234567) == "1,234,567"
    assert (formats.percent(0.1234, 1), formats.percent(0.5)) == ("12.3%", "50%")
    sizes = [formats.size(bytes_) for bytes_ in (12, 1_500, 999_950, 12_345_678_901)]
    assert sizes == ["12 B", "1.5 kB", "1 MB", "12.3 GB"]
    assert formats.day(date(2027, 1, 2)) == say(reader, "2027年1月2日", "2 Jan 2027")
    assert formats.weekday(date(2027, 1, 2)) == say(reader, "星期六", "Saturday")


def test_messages_take_moments_as_elements_and_escape_everything_else(reader: str) -> None:
    made = languages.gettext("by %(author)s, approved by %(approver)s", author="<b>", approver=Markup("<i>x</i>"))
    assert isinstance(made, Markup)
    assert "&lt;b&gt;" in made
    assert "<i>x</i>" in made
    plain = languages.gettext("by %(author)s, approved by %(approver)s", author="<b>", approver="x")
    assert not isinstance(plain, Markup)
    assert "<b>" in plain


def test_counted_messages_have_grouped_numbers_and_escape_in_pages(reader: str) -> None:
    assert "12,345" in languages.ngettext("%(num)s message", "%(num)s messages", 12345)
    page = render_template_string(
        "{{ ngettext('%(num)s message', '%(num)s messages', 12345) }} {{ ngettext('%(x)s', '%(x)s', 2, x='<b>') }}"
    )
    assert "12,345" in page
    assert "&lt;b&gt;" in page
