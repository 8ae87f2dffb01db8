"""Revisions: each changes whenever what it stands for does, so that a process that keeps a copy knows when to read it
anew.

They are random: a number could be given twice, once by a transaction that was rolled back.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

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


def ask() -> Any:
    """Ask for all of them, within the caller's transaction; gives the cursor, for `still`."""
    return sql.run(_ALL, POLICIES, DIRECTORY, SUBSCRIPTIONS)


@contextmanager
def still(asked: Any) -> Iterator[None]:
    """Within the block, all of them are for this thread as they were when they were asked for (`ask`), unless they
    stand still already. For a transaction that writes much and changes none of them."""
    before, store = _here.still, current()
    found = {key: _read(value) for key, value in asked.fetchall()}
    if before is None or before[0] is not store:
        _here.still = store, found
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
