"""Numbers of new issues (policy language, `number`), and the directories that the live server asks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from server import policies
from server.core import values
from server.core.moments import Moment
from server.core.process import Process
from server.core.world import Place
from server.directory import LiveDirectory
from server.store import counters, sql

_SERIAL = re.compile(r"\{serial(?::(\d+))?\}")
MOST_TRIES: Final = 1_000


class NoNumber(RuntimeError):
    """A number template that gives no number that is free."""


class NeedsLock(Exception):
    """A question whose answer counts something, so that it belongs inside the transaction."""


def next_number(process: Process, received: Moment) -> str:
    """The next number of the process on its calendar's date of receipt, within the caller's transaction. A number
    that another process has already given is passed over. Raises NoNumber."""
    date, counted_by = counted(process, received)
    for _ in range(MOST_TRIES):
        number = written(process, date, counters.next_serial(process.name, counted_by))
        if not given([number]):
            return number
    raise NoNumber(process.number)


def counted(process: Process, received: Moment) -> tuple[str, str]:
    """The date that stands in the number of an issue received then, and by what its serial is counted."""
    date = process.calendar.date(received).replace("-", "")
    # Without the date in the number, its serial goes on from day to day.
    return date, date if "{date}" in process.number else ""


def written(process: Process, date: str, serial: int) -> str:
    """The number with this serial."""
    return _SERIAL.sub(lambda found: str(serial).zfill(int(found[1] or 0)), process.number.replace("{date}", date))


def has_serial(process: Process) -> bool:
    """Whether two serials make two numbers."""
    return _SERIAL.search(process.number) is not None


def given(numbers: Sequence[str]) -> set[str]:
    """Those of these numbers that an issue has already."""
    condition, values = sql.among(numbers)
    return {row[0] for row in sql.run(f'SELECT "number" FROM "issue" WHERE "number" {condition}', *values).fetchall()}


def live_directory(judging: Process | None = None) -> LiveDirectory:
    """The directory of the live server, for one transaction. `judging`: the version that judges a new issue and also
    numbers it, whatever comes into force meanwhile."""

    def number(process: str, received: Moment) -> str:
        numbered_by = judging if judging is not None and judging.name == process else in_force(process)
        return next_number(numbered_by, received)

    return LiveDirectory(number, refuses)


class BeforeLock(LiveDirectory):
    """Answers only what counts nothing, so that an event can be judged before the write lock is taken."""

    def __init__(self) -> None:
        super().__init__(None, refuses)

    def number(self, process: str, received: Moment) -> str:
        raise NeedsLock

    def in_window(self, *_: Any) -> int:
        raise NeedsLock

    def choose(self, team: str, how: str, place: Place) -> str | None:
        raise NeedsLock


def in_force(process: str) -> Process:
    """The version of the process that numbers new issues."""
    return policies.in_force().processes[process].process


def refuses(process: str, fields: Mapping[str, Any], now: Moment) -> bool:
    """Whether the process in force would refuse a new issue with these fields, or there is none."""
    found = policies.in_force().processes.get(process)
    return found is None or bool(values.new_issue(found.process, fields, now)[1])
