"""Whose turn it is to write to a SQLite file: processes take turns in the order in which they come.

SQLite has one writer and no queue: whoever finds it taken sleeps for longer and longer and tries again, while a process
that writes without pause takes it anew each time. Here a process asks for its turn first, at two gates: while one
writes, the next one stands between the gates, and the first cannot pass it again. The gates are locks on two bytes of
a file beside the database, which end with the process; they make waiting fair, and SQLite's own lock makes it safe.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
import weakref
from pathlib import Path
from typing import Final

log = logging.getLogger("duban.store")

LOOK: Final = 0.001
"""Seconds between two looks whether it is one's turn."""

_FIRST, _SECOND = 0, 1


class Turns:
    """The gates of one database file, for one process. Threads of it must not enter at the same time."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + "-turns")
        self._file: int | None = None

    def take(self, patience: float) -> bool:
        """Wait for the turn, at most so many seconds; False when it did not come. Where the gates cannot be used (a
        read-only folder, a full disk), nobody waits at them: SQLite's own lock is enough, though not as fair."""
        if self._file is None:
            try:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                log.debug("processes do not take turns: %s", error)
                return True
            weakref.finalize(self, os.close, self._file)
        until = time.monotonic() + patience
        if not self._pass(_FIRST, until):
            return False
        try:
            return self._pass(_SECOND, until)
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _FIRST)

    def give(self) -> None:
        """Let the next one write."""
        if self._file is not None:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _SECOND)

    def _pass(self, gate: int, until: float) -> bool:
        assert self._file is not None
        while True:
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, gate)
            except BlockingIOError:
                if time.monotonic() >= until:
                    return False
                time.sleep(LOOK)
            except OSError as error:
                log.debug("processes do not take turns: %s", error)
                return True
            else:
                return True
