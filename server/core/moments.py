"""Moments: instants as integers, milliseconds since 1970-01-01T00:00Z. Everything inside reckons with them.

Text with an offset appears only at the edges (policy language, "Words and values": moments are kept in milliseconds and
printed to the second, rounded down).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Moment: TypeAlias = int

SECOND = 1_000
MINUTE = 60_000
HOUR = 3_600_000
DAY = 86_400_000

# 1970 begins up to a day earlier in zones east of Greenwich; the slack lets every local date of 1970..9999 be named.
FIRST: Moment = -DAY
LAST: Moment = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z

_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime.fromisoformat("1970-01-01")  # without a zone, for wall clocks
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:[Tt ](?P<clock>\d\d:\d\d(?::\d\d)?)(?:[.,](?P<fraction>\d{1,9}))?(?P<offset>[Zz]|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)


class OutOfRange(ValueError):
    """A moment, or the result of a sum, outside the years 1970 to 9999."""

    code = "time-out-of-range"

    def __init__(self, what: str = "") -> None:
        super().__init__(f"{what or 'the result'} is outside the years 1970 to 9999")
        self.params = {"text": what}  # empty: the result of a sum


class BadTime(ValueError):
    """A text that is not a date and time of ISO 8601."""

    code = "bad-time"

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is not a time like 2026-03-02T09:00:00+08:00")
        self.params = {"text": text}


class BadTimeZone(ValueError):
    """A name that the time zone database does not have."""

    code = "bad-time-zone"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is not a time zone like Asia/Shanghai")
        self.params = {"name": name}


@lru_cache(maxsize=256)
def time_zone(name: str) -> ZoneInfo:
    """Give the zone of an IANA name such as `Asia/Shanghai`. Raises BadTimeZone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: the name of a folder, such as `America`
        raise BadTimeZone(name) from error


def checked(moment: int, what: str = "") -> Moment:
    """Give `moment` back if it lies in the years 1970 to 9999, else raise OutOfRange."""
    if FIRST <= moment <= LAST:
        return moment
    raise OutOfRange(what)


def from_datetime(value: datetime) -> Moment:
    """Turn an aware datetime into a moment (microseconds are rounded down). Naive: ValueError. Raises OutOfRange."""
    if value.tzinfo is None or value.utcoffset() is None:
        raise ValueError("a datetime without a zone is not a moment")
    try:
        return checked((value - _EPOCH_UTC) // _MILLISECOND, value.isoformat())
    except OverflowError as error:
        raise OutOfRange(value.isoformat()) from error


def to_datetime(moment: Moment, zone: ZoneInfo | None = None) -> datetime:
    """Turn a moment into an aware datetime in `zone` (UTC if left out). Raises OutOfRange, also where the zone's
    local year would be 10000."""
    checked(moment)
    value = _EPOCH_UTC + timedelta(milliseconds=moment)
    try:
        return value if zone is None else value.astimezone(zone)
    except (OverflowError, ValueError) as error:
        raise OutOfRange(f"{value.isoformat()} in {zone}") from error


def offset(moment: Moment, zone: ZoneInfo) -> int:
    """The milliseconds by which local time in `zone` is ahead of UTC at that moment."""
    return _offset(moment // SECOND, zone)


@lru_cache(maxsize=1_024)
def _offset(second: int, zone: ZoneInfo) -> int:
    # No zone changes within a second; what is received now asks for the same one again and again.
    ahead = to_datetime(second * SECOND, zone).utcoffset()
    assert ahead is not None
    return ahead // _MILLISECOND


def local(moment: Moment, zone: ZoneInfo) -> int:
    """The wall clock of `zone` at that moment, as milliseconds since 1970-01-01T00:00 local."""
    return moment + offset(moment, zone)


def at_wall(wall: int, zone: ZoneInfo) -> Moment:
    """The instant at which the wall clock of `zone` shows `wall` (milliseconds since 1970-01-01T00:00 local).

    A wall time that a daylight-saving change skips moves forward by the gap, one that occurs twice means the first.
    Both are what the offset before the change gives, hence fold 0. Raises OutOfRange.
    """
    # The midnight that ends 9999 is the close of the last day; Python has no datetime for it.
    named = min(wall, LAST)
    try:
        ahead = (_EPOCH + timedelta(milliseconds=named)).replace(tzinfo=zone).utcoffset()
    except OverflowError as error:
        raise OutOfRange from error
    assert ahead is not None
    return wall - ahead // _MILLISECOND


def wall_of_date(day: date) -> int:
    """The wall time at which a date begins, in milliseconds since 1970-01-01T00:00 local."""
    return (day.toordinal() - 719_163) * DAY


def parse_date(text: str) -> date:
    """Read `YYYY-MM-DD`. Raises BadTime."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        raise BadTime(text)
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadTime(text) from error


def parse(text: str, zone: ZoneInfo | None = None) -> Moment:
    """Read ISO 8601: `2026-03-02T09:00:00+08:00`, with `Z`, without seconds, with a fraction (milliseconds are kept).

    Without an offset the wall clock of `zone` is meant, and a date alone is its first midnight; with no zone given
    either is refused. Raises BadTime, OutOfRange.
    """
    found = _ISO.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise BadTime(str(text))
    clock, written = found["clock"] or "00:00", found["offset"]
    try:
        day = datetime.fromisoformat(f"{found['date']}T{clock}")
    except ValueError as error:
        raise BadTime(text) from error
    wall = (day - _EPOCH) // _MILLISECOND + int((found["fraction"] or "").ljust(3, "0")[:3])
    if written is None:
        if zone is None:
            raise BadTime(text)
        return checked(at_wall(wall, zone), text)
    return checked(wall - _written_offset(written, text), text)


def _written_offset(written: str, text: str) -> int:
    if written in "Zz":
        return 0
    hours, minutes = int(written[1:3]), int(written[-2:])
    if hours > 23 or minutes > 59:
        raise BadTime(text)
    return (hours * HOUR + minutes * MINUTE) * (-1 if written[0] == "-" else 1)


def show(moment: Moment, zone: ZoneInfo | None = None) -> str:
    """Write a moment as `2026-03-02T09:00:00+08:00`, in `zone` (UTC if left out), to the second, rounded down."""
    return to_datetime(moment // SECOND * SECOND, zone).isoformat(timespec="seconds")
