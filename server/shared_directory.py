"""The live directory as several issues of one transaction ask it, one after the other: people and teams are looked at
once; what counts (numbers, the windows of watches, who is least busy) is read once and counted on in memory, so that
each gets the answer that he would have got had those before him been written."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from typing import Any

from server import numbering
from server.core.case import Case
from server.core.moments import Moment
from server.core.process import Process
from server.directory import LiveDirectory
from server.directory.live import owned
from server.store import counters
from server.store.counters import Window
from server.store.fields import canonical

Counted = tuple[str, str, str]
"""What numbers are made of: the process's name, its pattern, and the date."""


class SharedDirectory(LiveDirectory):
    """Made for one transaction. `write` must come before the issues' rows are written."""

    def __init__(self) -> None:
        super().__init__(self._number, numbering.refuses)
        self._judging: Process | None = None
        self._serials: dict[Counted, tuple[str, str]] = {}
        self._asked: dict[Counted, tuple[Any, int]] = {}
        self._taken: dict[Counted, range] = {}
        self._ready: dict[Counted, deque[str]] = {}
        self._windows: dict[Window, Sequence[Moment]] = {}
        self._owned: dict[str, int] = {}
        self._more: Counter[str] = Counter()

    def for_new(self, process: Process) -> SharedDirectory:
        """The same, for a new issue that this version judges and therefore also numbers."""
        self._judging = process
        return self

    # -- numbers -----------------------------------------------------------------------------------------------

    def reserve(self, wanted: Iterable[tuple[Process, Moment]]) -> None:
        """Take the numbers of issues that are all going to ask for one, by process and moment of receipt. Where there
        are several, none is looked up: the unique index tells when one was given by hand. `read` must follow."""
        found: Counter[Counted] = Counter()
        for process, received in wanted:
            if numbering.has_serial(process):
                date, counted_by = numbering.counted(process, received)
                self._serials[process.name, process.number, date] = process.name, counted_by
                found[process.name, process.number, date] += 1
        for key, count in found.items():
            self._asked[key] = counters.take_serials(*self._serials[key], count), count

    def read(self) -> None:
        """Read which numbers were taken: an answer that is left unread holds SQLite up."""
        for key, (cursor, count) in self._asked.items():
            last = int(cursor.fetchone()[0])
            self._taken[key] = range(last - count + 1, last + 1)
        self._asked.clear()

    def give_back(self) -> None:
        """Give back all numbers that were taken and read, before any was used, so that none is left out."""
        for key, serials in self._taken.items():
            counters.take_serials(*self._serials[key], -len(serials)).fetchone()
        self._taken.clear()

    def _number(self, process: str, received: Moment) -> str:
        judging = self._judging
        if judging is None or judging.name != process:
            return numbering.next_number(numbering.in_force(process), received)
        date, _ = numbering.counted(judging, received)
        key = (process, judging.number, date)
        if key in self._taken:
            self._ready[key] = self._numbers(judging, date, self._taken.pop(key))
        ready = self._ready.get(key)
        return ready.popleft() if ready else numbering.next_number(judging, received)

    def _numbers(self, process: Process, date: str, serials: range) -> deque[str]:
        numbers = [numbering.written(process, date, serial) for serial in serials]
        given = numbering.given(numbers) if len(numbers) == 1 else ()
        return deque(number for number in numbers if number not in given)

    # -- what is counted ---------------------------------------------------------------------------------------

    def in_window(self, process: str, watch: str, values: Sequence[Any], count: int, since: Moment, now: Moment) -> int:
        """How many issues with these values were received since, this one included (counted up to `count` + 1)."""
        window = Window(process, watch, canonical(list(values)))
        held = self._windows.get(window)
        moments = counters.counted(counters.locked_window(window) if held is None else held, count, since, now)
        self._windows[window] = moments
        return len(moments)

    def least_busy(self, present: Sequence[str]) -> str | None:
        """Whoever of those who are there owns the fewest issues that are not in a final stage, those before this one
        included."""
        unknown = [login for login in present if login not in self._owned]
        if unknown:
            found = owned(unknown)
            self._owned.update((login, found.get(login, 0)) for login in unknown)
        return min(present, key=lambda login: self._owned[login] + self._more[login], default=None)

    def note(self, process: Process, case: Case) -> None:
        """A new issue that comes before the next one; its row is written later."""
        if case.owner is not None and not process.is_final(case.stage):
            self._more[case.owner] += 1

    def write(self) -> None:
        """Write what was counted."""
        for window, moments in self._windows.items():
            counters.keep_window(window, moments)
        self._windows.clear()
