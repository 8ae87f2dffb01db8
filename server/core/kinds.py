"""The kinds of value that a fact can have, and what a condition may speak of.

Policy language, "fields" and "Conditions". At run time a datetime is a Moment and so an int like any number;
therefore what may be compared with what is settled here, from the kinds, before anything is judged.
"""

from __future__ import annotations

import datetime
import difflib
import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo

from server.core.durations import Duration
from server.core.moments import Moment

KindName = Literal["text", "number", "boolean", "date", "datetime", "list"]

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class CalendarLike(Protocol):
    """What conditions ask of a calendar."""

    @property
    def zone(self) -> ZoneInfo: ...
    def add(self, start: Moment, duration: Duration, /) -> Moment: ...
    def parse(self, text: str, /) -> Moment: ...
    def date(self, moment: Moment, /) -> str: ...
    def is_open(self, moment: Moment, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class Kind:
    """The kind of a field: `name`; the ids of a choice's `options`; `whole` for integers and ratings;
    `always` when the field can never be without a value (severity, stage, received …)."""

    name: KindName
    options: tuple[str, ...] | None = None
    whole: bool = False
    always: bool = False


TEXT = Kind("text")
NUMBER = Kind("number")
BOOLEAN = Kind("boolean")
DATE = Kind("date")
DATETIME = Kind("datetime")
LIST = Kind("list")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a condition may name: fields with their kinds, events (None: any), calendars, and the calendar of the
    process, in whose zone times without an offset are read and calendar units are counted."""

    names: Mapping[str, Kind]
    calendar: CalendarLike | None = None
    events: Collection[str] | None = None
    calendars: Mapping[str, CalendarLike] = field(default_factory=dict)

    def with_names(self, names: Mapping[str, Kind]) -> Scope:
        """This scope with further names: classified names become known table by table."""
        return Scope({**self.names, **names}, self.calendar, self.events, self.calendars)


class Unfit(ValueError):
    """A constant that cannot be a value of the kind."""


def constant(raw: Any, kind: Kind, calendar: CalendarLike | None) -> Any:
    """The value that `raw`, as read from YAML, has as a `kind`: a datetime becomes a Moment (text without an offset
    is in the calendar's zone, a date alone its first midnight). Raises Unfit when it cannot be one."""
    match kind.name:
        case "text" if isinstance(raw, str):
            return raw
        case "boolean" if isinstance(raw, bool):
            return raw
        case "number" if isinstance(raw, int | float) and not isinstance(raw, bool) and math.isfinite(raw):
            return raw
        case "date" if isinstance(raw, str) and is_date(raw):
            return raw
        case "datetime" if isinstance(raw, str) and calendar is not None:
            try:
                return calendar.parse(raw)
            except ValueError as error:
                raise Unfit from error
        case "list" if isinstance(raw, list) and all(isinstance(item, str) for item in raw):
            return list(raw)
    raise Unfit


def is_date(text: str) -> bool:
    """Whether the text is a date of the calendar, as YYYY-MM-DD."""
    if not _DATE.fullmatch(text):
        return False
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def described(raw: Any) -> str:
    """What a value of a document is, in the words of YAML, for a finding."""
    if raw is None:
        return "null"
    if isinstance(raw, dict):
        return "{" + ", ".join(map(str, raw)) + "}"
    if isinstance(raw, list):
        return "[" + ", ".join(described(item) for item in raw[:5]) + (", …]" if len(raw) > 5 else "]")
    return str(raw).lower() if isinstance(raw, bool) else str(raw)


def near(name: str, names: Iterable[str]) -> str:
    """The defined name that looks most like `name`, or empty text."""
    return next(iter(difflib.get_close_matches(name, sorted(names), 1)), "")
