"""Numbers of new issues (policy language, `number`), and the directory that the live server asks."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
    date = process.calendar.date(received).replace("-", "")
    # Without the date in the number, its serial goes on from day to day.
    counted_by = date if "{date}" in process.number else ""
    for _ in range(MOST_TRIES):
        serial = str(counters.next_serial(process.name, counted_by))
        number = _SERIAL.sub(lambda found: serial.zfill(int(found[1] or 0)), process.number.replace("{date}", date))  # noqa: B023
        if not _is_given(number):
            return number
    raise NoNumber(process.number)


def _is_given(number: str) -> bool:
    return sql.run('SELECT 1 FROM "issue" WHERE "number" = ?', number).fetchone() is not None


def live_directory(judging: Process | None = None) -> LiveDirectory:
    """The directory of the live server, for one transaction. `judging`: the version that judges a new issue and also
    numbers it, whatever comes into force meanwhile."""

    def number(process: str, received: Moment) -> str:
        numbered_by = judging if judging is not None and judging.name == process else _in_force(process)
        return next_number(numbered_by, received)

    return LiveDirectory(number, _refuses)


class BeforeLock(LiveDirectory):
    """Answers only what counts nothing, so that an event can be judged before the write lock is taken."""

    def __init__(self) -> None:
        super().__init__(None, _refuses)

    def number(self, process: str, received: Moment) -> str:
        raise NeedsLock

    def in_window(self, *_: Any) -> int:
        raise NeedsLock

    def choose(self, team: str, how: str, place: Place) -> str | None:
        raise NeedsLock


def _in_force(process: str) -> Process:
    return policies.in_force().processes[process].process


def _refuses(process: str, fields: Mapping[str, Any], now: Moment) -> bool:
    found = policies.in_force().processes.get(process)
    return found is None or bool(values.new_issue(found.process, fields, now)[1])
