"""A duty that one process at a time has: whoever holds the lease does it, the others stand by."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable
from typing import Final

from server.core.moments import Moment
from server.store import database, sql

LENGTH = 3_500
"""Milliseconds that a lease lasts. Whoever stands by looks each second, so that another process has taken over from
one that died within five, with half a second to spare for a busy machine."""

# Of another holder's lease that would last longer than any does, the clock was wrong when it was taken.
_TAKE = (
    'INSERT INTO "lease" ("name", "holder", "until", "fence") VALUES (?, ?, ?, 1) '
    'ON CONFLICT ("name") DO UPDATE SET '
    '"fence" = "lease"."fence" + (CASE WHEN "lease"."holder" = ? THEN 0 ELSE 1 END), '
    '"holder" = excluded."holder", "until" = excluded."until" '
    'WHERE "lease"."holder" = ? OR "lease"."until" <= ? OR "lease"."until" > ? RETURNING "fence"'
)


def take(name: str, holder: str, now: Moment, length: int = LENGTH) -> int | None:
    """Take or renew the lease; gives its fence, which grows whenever it changes hands. None: somebody else has it."""
    with database.transaction():
        row = sql.run(_TAKE, name, holder, now + length, holder, holder, now, now + 2 * length).fetchone()
    return None if row is None else int(row[0])


def give_back(name: str, holder: str) -> None:
    """Let another process have it at once, at the end of this one."""
    with database.transaction():
        sql.run('UPDATE "lease" SET "until" = 0 WHERE "name" = ? AND "holder" = ?', name, holder)


NEVER: Final = -1


class Duty:
    """A duty as a process that may have it sees it. `holder` names the process in the store."""

    def __init__(
        self, name: str, holder: str | None = None, length: int = LENGTH, on_taken: Callable[[], object] | None = None
    ) -> None:
        self.name = name
        self.holder = holder or f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
        self._length = length
        self._taken_at = NEVER
        self._on_taken = on_taken

    def holds(self, now: Moment) -> bool:
        """Whether the duty is this process's; renewed well before it ends, and not each time, since that is a write."""
        if not self._taken_at <= now < self._taken_at + self._length // 3:
            taken = take(self.name, self.holder, now, self._length) is not None
            self._taken_at = now if taken else NEVER
            if taken and self._on_taken is not None:
                self._on_taken()
        return self._taken_at != NEVER

    def end(self) -> None:
        """Let another process have it at once."""
        give_back(self.name, self.holder)
