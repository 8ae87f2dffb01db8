"""Revisions: each changes whenever what it stands for does, so that a process that keeps a copy knows when to read it
anew.

They are random: a number could be given twice, once by a transaction that was rolled back.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from server.store import sql
from server.store.database import Store, current
from server.store.models import Meta

POLICIES: Final = "policies"
DIRECTORY: Final = "directory"
SUBSCRIPTIONS: Final = "subscriptions"

_ONE: Final = 'SELECT "value" FROM "meta" WHERE "key" = ?'
_ALL: Final = 'SELECT "key", "value" FROM "meta" WHERE "key" IN (?, ?, ?)'


class _Here(threading.local):
    still: tuple[Store, Mapping[str, str]] | None = None


_here = _Here()


def revision(name: str) -> str:
    """The revision that this thread's transaction sees; empty where there never was any."""
    store, still = current(), _here.still
    if still is not None and still[0] is store:
        return still[1].get(name, "")
    with store.session():
        row = sql.run(_ONE, name).fetchone()
    return "" if row is None else _read(row[0])


def _read(value: str) -> str:
    return value.strip('"')  # a JSON string of digits; empty where it was only held


@contextmanager
def still() -> Iterator[None]:
    """Within the block, all of them are for this thread as they were at its beginning, where they are asked for once.
    For a transaction that writes much and changes none of them."""
    before, store = _here.still, current()
    names = (POLICIES, DIRECTORY, SUBSCRIPTIONS)
    if before is None or before[0] is not store:
        with store.session():
            _here.still = store, {key: _read(value) for key, value in sql.run(_ALL, *names).fetchall()}
    try:
        yield
    finally:
        _here.still = before


def hold(name: str) -> None:
    """Let nobody else renew it until the end of the caller's transaction."""
    # On PostgreSQL the row is locked; on SQLite there is one writer anyway.
    Meta.insert(key=name, value="").on_conflict(conflict_target=[Meta.key], update={Meta.value: Meta.value}).execute()


def renew(name: str) -> None:
    """Note, within the caller's transaction, that what it stands for is another one now."""
    Meta.insert(key=name, value=uuid.uuid4().hex).on_conflict(
        conflict_target=[Meta.key], preserve=[Meta.value]
    ).execute()
