"""When the store itself is in trouble: locked, full, gone, read-only, cut off.

Such trouble is not the caller's fault and passes by itself, so it has one name, `Unavailable`, which the
HTTP interface answers with 503 and Retry-After. Everything else (a broken constraint, wrong SQL) stays what it is.
"""

from __future__ import annotations

import sqlite3
from typing import Final

import peewee
from playhouse.pool import MaxConnectionsExceeded

BUSY_MS: Final = 5000
"""Milliseconds for which the store may keep somebody waiting for what others hold before that is trouble."""

# Primary result codes of SQLite:
# BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB.
_SQLITE_TROUBLE = frozenset({5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 26})
# Classes of SQLSTATE: connection, resources, operator intervention, system error, transaction rollback.
_POSTGRES_TROUBLE = frozenset({"08", "53", "57", "58", "40"})
# serialization_failure, deadlock_detected.
_UNDONE = frozenset({"40001", "40P01"})
# lock_not_available; a primary that became a standby; an idle transaction that was ended; a startup in progress.
_POSTGRES_STATES = frozenset({"55P03", "25006", "25P03"})


class Unavailable(Exception):
    """The store cannot work now; nothing was stored, or it cannot be known. Try again after `retry_after` seconds.
    `undone`: nothing was stored, for the sake of another transaction; at once it may do."""

    def __init__(self, reason: str, retry_after: int = 2, *, undone: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
        self.undone = undone


class UnsafeStore(Exception):
    """The database is set up so that a confirmed write could be lost; the server refuses to start on it."""


def _origin(error: BaseException) -> BaseException:
    # Peewee keeps the driver's exception in its own.
    return getattr(error, "orig", None) or error


_ALREADY_ROLLED_BACK = ("no transaction is active", "no such savepoint")


def _came_too_late(error: sqlite3.Error) -> bool:
    return any(text in str(error) for text in _ALREADY_ROLLED_BACK)


def _behind(error: BaseException) -> BaseException | None:
    """The failure during whose handling this one came, the driver's own exceptions left out."""
    found = error.__context__
    while isinstance(found, sqlite3.Error) and _came_too_late(found):
        found = found.__context__
    return found


def as_unavailable(error: BaseException) -> Unavailable | None:
    """What the error means for a caller: `Unavailable`, or None when it is no trouble of the store as a whole."""
    if isinstance(error, Unavailable):
        return error
    if isinstance(error, MaxConnectionsExceeded):
        return Unavailable("every database connection is in use")
    if not isinstance(error, peewee.DatabaseError | peewee.InterfaceError):
        return None
    origin = _origin(error)
    if isinstance(origin, sqlite3.OperationalError) and _came_too_late(origin):
        # SQLite rolls back by itself when the disk is full; what it was about stands behind the second failure.
        behind = _behind(error)
        return None if behind is None else as_unavailable(behind)
    if isinstance(origin, sqlite3.Error):
        code = getattr(origin, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in _SQLITE_TROUBLE:
            return Unavailable(f"sqlite: {origin}", retry_after=5)
        return None
    state = getattr(origin, "sqlstate", None)
    if state is not None:
        if state[:2] in _POSTGRES_TROUBLE or state in _POSTGRES_STATES:
            return Unavailable(f"postgresql {state}: {origin}".strip(), retry_after=2, undone=state in _UNDONE)
        return None
    # Without a SQLSTATE the server never answered: refused, cut off, ended.
    if isinstance(error, peewee.OperationalError | peewee.InterfaceError):
        return Unavailable(f"postgresql: {origin}".strip(), retry_after=2)
    return None
