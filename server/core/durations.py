"""Durations as they are written in policies (policy language, "Durations"). Reading only: sums are a calendar's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from server.core.moments import DAY, HOUR, MINUTE, SECOND
from server.core.schedules import BadSchedule, Schedule, parse_schedule

__all__ = ["BadDuration", "BadSchedule", "Duration", "Schedule", "parse_duration", "parse_schedule"]

Ending = Literal["", "eod", "close"]

# In the order in which joined parts must stand.
UNITS = ("y", "mo", "w", "d", "h", "m", "s")
WORKING = ("wh", "wm")
CALENDAR = ("y", "mo", "w", "d")
ELAPSED_MS = {"h": HOUR, "m": MINUTE, "s": SECOND}
WORKING_MS = {"wh": HOUR, "wm": MINUTE}

# Longer ones are slips, and a sum over open time would have to look at every day of them.
LONGEST_MS = 1000 * 31_556_952_000  # a thousand mean years
LONGEST_WORKING_MS = 36_600 * DAY
LONGEST_WORKING_DAYS = 36_600

_PART = re.compile(r"(\d+)(mo|wd|wh|wm|[ywdhms])", re.ASCII)
_WHOLE = re.compile(r"((?:\d+(?:mo|wd|wh|wm|[ywdhms]))+)(?: (eod|close))?", re.ASCII)
# About how long: only for comparing two durations, never for sums.
_ABOUT_MS = {"y": 31_556_952_000, "mo": 2_629_746_000, "w": 7 * DAY, "d": DAY} | ELAPSED_MS


class BadDuration(ValueError):
    """A text that is no duration. `code` and `params` name the finding."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text!r}")
        self.code = code
        self.params: Mapping[str, str | int] = {"text": text}


class OpenShare(Protocol):
    """What `approximate_ms` asks of a calendar."""

    def open_ms_per_week(self) -> int: ...

    def working_days_per_week(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Duration:
    """A duration as written. `parts` are (unit, number), larger first; empty for `now`."""

    text: str
    parts: tuple[tuple[str, int], ...]
    ending: Ending = ""
    # What sums ask for, reckoned once: a sum takes about a microsecond.
    months: int = field(init=False, compare=False, repr=False)  # `y` and `mo`: they are added first, with one clamp
    days: int = field(init=False, compare=False, repr=False)  # `w` and `d`
    clock_ms: int = field(init=False, compare=False, repr=False)  # `h`, `m`, `s`
    open_ms: int = field(init=False, compare=False, repr=False)  # `wh`, `wm`
    working_days: int = field(init=False, compare=False, repr=False)  # `wd`

    def __post_init__(self) -> None:
        number = dict(self.parts).get
        object.__setattr__(self, "months", 12 * number("y", 0) + number("mo", 0))
        object.__setattr__(self, "days", 7 * number("w", 0) + number("d", 0))
        object.__setattr__(self, "clock_ms", sum(number(unit, 0) * ms for unit, ms in ELAPSED_MS.items()))
        object.__setattr__(self, "open_ms", sum(number(unit, 0) * ms for unit, ms in WORKING_MS.items()))
        object.__setattr__(self, "working_days", number("wd", 0))

    def __hash__(self) -> int:
        return hash(self.text)

    @property
    def is_now(self) -> bool:
        """Whether it adds nothing."""
        return not self.ending and all(number == 0 for _, number in self.parts)

    @property
    def is_working(self) -> bool:
        """Whether it goes by open time: `wh`, `wm`, `wd` and `close` (clock rules 4 and 6)."""
        return self.ending == "close" or self.open_ms > 0 or self.working_days > 0

    @property
    def is_elapsed(self) -> bool:
        """Whether it is time by the clock alone: `h`, `m`, `s` (and `now`)."""
        return not self.ending and all(unit in ELAPSED_MS for unit, _ in self.parts)

    @property
    def is_calendar(self) -> bool:
        """Whether it has calendar units (`y`, `mo`, `w`, `d`)."""
        return bool(self.parts) and self.parts[0][0] in CALENDAR  # they stand before others

    @property
    def can_be_subtracted(self) -> bool:
        """Whether `now - duration` has a meaning: elapsed and calendar units without `eod` or `close`."""
        return not self.is_working and not self.ending

    def number(self, unit: str) -> int:
        """How many of that unit, 0 if none."""
        return next((number for name, number in self.parts if name == unit), 0)

    def elapsed_ms(self, days_too: bool = False) -> int:
        """Its length, if it has one by itself: `h`, `m`, `s`; with `days_too` also `d`, as 24 hours (warn marks).

        Raises BadDuration `duration-not-elapsed` for every other.
        """
        if self.ending or any(unit not in ELAPSED_MS and not (days_too and unit == "d") for unit, _ in self.parts):
            raise BadDuration("duration-not-elapsed-or-days" if days_too else "duration-not-elapsed", self.text)
        return self.clock_ms + self.number("d") * DAY

    def approximate_ms(self, calendar: OpenShare) -> int:
        """About how much time passes, for comparing durations only: months are 30.4 days, open time is spread evenly
        over the calendar's week, `eod` and `close` count nothing."""
        about = sum(number * _ABOUT_MS.get(unit, 0) for unit, number in self.parts)
        if self.open_ms:
            about += self.open_ms * 7 * DAY // max(1, calendar.open_ms_per_week())
        if self.working_days:
            about += self.working_days * 7 * DAY // max(1, calendar.working_days_per_week())
        return about


def parse_duration(text: object, allow_zero: bool = False) -> Duration:
    """Read a duration, e.g. `15m`, `1mo2d`, `3wd close`, `now`.

    `allow_zero` lets elapsed and calendar parts be zero (`+0m` in scripts). Raises BadDuration with what is wrong.
    """
    if not isinstance(text, str):
        raise BadDuration("bad-duration", str(text))
    if text == "now":
        return Duration(text, ())
    found = _WHOLE.fullmatch(text)
    if found is None or len(text) > 100:
        raise BadDuration("bad-duration", text[:100])
    parts = tuple((unit, int(number)) for number, unit in _PART.findall(found[1]))
    ending: Ending = "eod" if found[2] == "eod" else "close" if found[2] == "close" else ""
    _check_joined(text, parts)
    _check_ending(text, parts, ending)
    _check_zero(text, parts, ending, allow_zero)
    duration = Duration(text, parts, ending)
    _check_length(duration)
    return duration


def _check_joined(text: str, parts: tuple[tuple[str, int], ...]) -> None:
    units = [unit for unit, _ in parts]
    if len(units) == 1:
        return
    order = WORKING if units[0] in WORKING else UNITS
    if any(unit not in order for unit in units):
        raise BadDuration("duration-mixed", text)
    places = [order.index(unit) for unit in units]
    if any(later <= earlier for earlier, later in zip(places, places[1:], strict=False)):
        raise BadDuration("duration-order", text)


def _check_ending(text: str, parts: tuple[tuple[str, int], ...], ending: Ending) -> None:
    if not ending:
        return
    allowed = (*CALENDAR, "wd") if ending == "close" else CALENDAR
    if len(parts) != 1 or parts[0][0] not in allowed:
        raise BadDuration("duration-ending", text)


def _check_zero(text: str, parts: tuple[tuple[str, int], ...], ending: Ending, allow_zero: bool) -> None:
    if all(number for _, number in parts):
        return
    if ending and parts[0][0] in ("d", "wd"):
        return  # 0d eod, 0d close, 0wd close; `0wd eod` was refused before
    if allow_zero and not ending and all(unit in UNITS for unit, _ in parts):
        return
    raise BadDuration("duration-zero", text)


def _check_length(duration: Duration) -> None:
    if (
        sum(number * _ABOUT_MS.get(unit, 0) for unit, number in duration.parts) > LONGEST_MS
        or duration.open_ms > LONGEST_WORKING_MS
        or duration.working_days > LONGEST_WORKING_DAYS
    ):
        raise BadDuration("duration-too-long", duration.text)
