"""How the panel writes moments, days, numbers, shares and sizes in each language: the one place that knows.

Moments that a program reads (inputs, files, `datetime` attributes) are ISO 8601 and not made here. The scripts write
the same forms by `admin/web/src/language/formats.js`. The forms are CLDR's, as Babel has them.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cache, lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers
from markupsafe import Markup

from admin import languages
from server.core.wording import duration_text

Style = Literal["near", "day", "minute", "second", "spelled", "whole"]
"""`near`: to the minute, the year only where it is another than this one's; `day`: the date alone; `minute`: with the
year; `second`: to the second, for records; `spelled`: with the day of the week, for what somebody decides; `whole`:
that and seconds."""

_LOCALES: Final = {"zh": "zh_Hans_CN", "en": "en_GB"}
"""Whose forms are used: 28 Nov 2026 cannot be misread, as the American order can."""

_SKELETONS: Final = {"near": "MMMd", "usual": "yMMMd", "month": "yMMMM"}
_UNITS: Final = ("B", "kB", "MB", "GB", "TB")


@lru_cache(maxsize=4096)
def _day(value: date, form: str, language: str) -> str:
    if form in _SKELETONS:
        return dates.format_skeleton(_SKELETONS[form], value, locale=_LOCALES[language])
    return dates.format_date(value, form, locale=_LOCALES[language])


def load(language: str) -> None:
    """Read what is needed to write a moment in that language."""
    _between(language)
    _day(date(2026, 1, 1), "full", language)


def day(value: date) -> str:
    """A date with its year."""
    return _day(value, "usual", languages.language())


def weekday(value: date) -> str:
    """The day of the week of a date."""
    return _day(value, "EEEE", languages.language())


def month(value: date) -> str:
    """The month of a date, with its year."""
    return _day(value, "month", languages.language())


def moment(at: datetime, style: Style = "minute", this_year: int = 0) -> str:
    """A time by the wall clock of its zone, in the reader's language. `this_year` matters to `near` only."""
    language = languages.language()
    form = {"near": "usual" if at.year != this_year else "near", "spelled": "full", "whole": "full"}
    if style == "day":
        return day(at.date())
    clock = at.strftime("%H:%M:%S" if style in ("second", "whole") else "%H:%M")
    return _between(language).format(clock, _day(at.date(), form.get(style, "usual"), language))


@cache
def _between(language: str) -> str:
    return str(Locale.parse(_LOCALES[language]).datetime_formats["medium"])


def with_zone(at: datetime) -> str:
    """An aware time with everything that is known of it: day of the week, seconds, zone."""
    offset = at.strftime("%z")
    zone = f"UTC{offset[:3]}:{offset[3:5]}" if offset.strip("+-0") else "UTC"
    if isinstance(at.tzinfo, ZoneInfo) and at.tzinfo.key != "UTC":
        zone = f"{at.tzinfo.key}, {zone}"
    return languages.gettext("%(moment)s (%(zone)s)", moment=moment(at, "whole"), zone=zone)


def element(at: datetime, style: Style = "minute", this_year: int = 0) -> Markup:
    """An aware time as an element: read as `moment`, exact for programs, and whole where somebody points at it."""
    zone = at.tzinfo.key if isinstance(at.tzinfo, ZoneInfo) else ""
    return _element(at, at.isoformat(timespec="seconds"), zone, style, this_year, languages.language())


# A page says the same few moments hundreds of times. Times of two zones are equal, so the zone is asked for, too.
@lru_cache(maxsize=4096)
def _element(at: datetime, exact: str, _zone: str, style: Style, this_year: int, _language: str) -> Markup:
    return Markup('<time datetime="{}" title="{}">{}</time>').format(exact, with_zone(at), moment(at, style, this_year))


number = languages.grouped


def percent(share: float, digits: int = 0) -> str:
    """A share of one, as so many of a hundred with at most `digits` behind the point."""
    pattern = "#,##0" + ("." + "#" * digits if digits else "") + "%"
    return numbers.format_percent(share, pattern, locale=languages.LOCALES[languages.language()])


def duration(milliseconds: int) -> str:
    """A length of time in words."""
    return duration_text(milliseconds, languages.language())


def size(amount: float) -> str:
    """Bytes, in the unit (of a thousand each) that gives a short number."""
    place = 0
    while round(amount, 1) >= 1000 and place < len(_UNITS) - 1:
        amount, place = amount / 1000, place + 1
    return f"{number(round(amount, 1 if place else 0))} {_UNITS[place]}"
