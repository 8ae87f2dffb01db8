"""Sums of working time as the command line asks for them (`duban calendar add|between|batch`, contract).

Times are ISO 8601; without an offset they are in the calendar's zone. Open time is given in whole seconds,
rounded down, as moments are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from server.core.calendars import Calendar, NeverOpens
from server.core.durations import BadDuration, parse_duration
from server.core.findings import Finding
from server.core.moments import SECOND, BadTime, Moment, OutOfRange

_KEYS = {"add": ("start", "duration"), "between": ("start", "end")}


class BadSum(ValueError):
    """A sum that cannot be done; `finding` says why, in either language."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text())
        self.finding = finding


def add(calendar: Calendar, start: str, duration: str) -> str:
    """`start` + `duration` as an ISO time in the calendar's zone. Raises BadSum."""
    begin = _moment(calendar, start, "start")
    try:
        return calendar.show(calendar.add(begin, parse_duration(duration)))
    except (BadDuration, OutOfRange, NeverOpens) as error:
        raise _bad("duration", error.code, error.params) from error


def between(calendar: Calendar, start: str, end: str) -> int:
    """The open time in [start, end), in whole seconds, rounded down. Raises BadSum."""
    begin, finish = _moment(calendar, start, "start"), _moment(calendar, end, "end")
    return calendar.between(begin, finish) // SECOND


def batch_line(line: str, calendars: Mapping[str, Calendar], language: str = "en") -> dict[str, Any]:
    """Do the sum of one JSON line: `{"result": …}` (an ISO time or seconds), or `{"error": …}` with what is wrong.

    Keys besides those that the sum needs are let pass.
    """
    try:
        return {"result": _one(line, calendars)}
    except BadSum as error:
        return {"error": error.finding.text(language)}


def batch(lines: Iterable[str], calendars: Mapping[str, Calendar], language: str = "en") -> Iterator[dict[str, Any]]:
    """An answer for each line; empty lines are passed over."""
    return (batch_line(line, calendars, language) for line in lines if line.strip())


def _one(line: str, calendars: Mapping[str, Calendar]) -> str | int:
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _bad("", "sum-not-json", {}) from error
    if not isinstance(asked, dict):
        raise _bad("", "sum-not-json", {})
    op = asked.get("op")
    if not isinstance(op, str) or op not in _KEYS:
        raise _bad("op", "sum-unknown", {"name": str(op)})
    for key in ("calendar", *_KEYS[op]):
        if not isinstance(asked.get(key), str):
            raise _bad(key, "sum-lacks", {"key": key, "op": op})
    calendar = calendars.get(asked["calendar"])
    if calendar is None:
        defined = ", ".join(sorted(calendars)) or "–"
        raise _bad("calendar", "sum-calendar", {"name": asked["calendar"], "defined": defined})
    if op == "add":
        return add(calendar, asked["start"], asked["duration"])
    return between(calendar, asked["start"], asked["end"])


def _moment(calendar: Calendar, text: str, key: str) -> Moment:
    try:
        return calendar.parse(text)
    except (BadTime, OutOfRange) as error:
        raise _bad(key, error.code, error.params) from error


def _bad(key: str, code: str, params: Mapping[str, str | int]) -> BadSum:
    return BadSum(Finding(code, (key,) if key else (), params))
