"""Bring the database up to date: each step once, under a lock, on SQLite after a copy of the file."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playhouse.migrations import Runner

from server.store.database import Store

FOLDER = Path(__file__).parent / "migrations"

# Any number that nobody else uses for advisory locks in this database: "duban" in ASCII.
_LOCK = 0x647562616E


class TooNew(Exception):
    """The database was made by a newer release; this one must not write to it."""


def pending(store: Store) -> list[str]:
    """Names of the steps that have not been taken. Raises `TooNew` when steps were taken that this release lacks."""
    with store.session():
        steps = _runner(store).status()
    unknown = [step.name for step in steps if step.path is None]
    if unknown:
        raise TooNew(f"the database has steps that this release does not know: {', '.join(unknown)}")
    return [step.name for step in steps if not step.applied]


def migrate(store: Store) -> list[str]:
    """Take every pending step; give their names. Any number of processes may call it at once: one does the work."""
    if not pending(store):
        return []
    with store.session(), alone(store):
        waiting = pending(store)
        if not waiting:
            return []
        if store.file is not None and waiting[0] != _runner(store).migrations()[0].name:
            _copy(store.file, store.file.with_name(f"{store.file.name}.before-{waiting[0]}"))
        return list(_runner(store).up())


def steps() -> list[str]:
    """The names of the steps that this release knows, in order."""
    return sorted(path.stem for path in FOLDER.glob("[0-9]*.py"))


def last_step(store: Store) -> str:
    """The name of the last step that was taken; empty: none was. Raises `TooNew`."""
    waiting = pending(store)
    taken = [name for name in steps() if name not in waiting]
    return taken[-1] if taken else ""


def take_steps(store: Store, until: str | None = None) -> list[str]:
    """Take the pending steps up to `until` (None: all) as part of the caller's transaction, who is `alone`."""
    return list(_runner(store).up(until))


def _runner(store: Store) -> Runner:
    return Runner(store.db, str(FOLDER), table_name="schema_migration")


@contextmanager
def alone(store: Store) -> Iterator[None]:
    """No other process takes steps on this database meanwhile: they wait."""
    if store.file is None:
        store.db.execute_sql("SET lock_timeout = 0")
        store.db.execute_sql("SELECT pg_advisory_lock(%s)", (_LOCK,))
        try:
            yield
        finally:
            store.db.execute_sql("SELECT pg_advisory_unlock(%s)", (_LOCK,))
            # Not the pool's usual settings any more.
            store.discard()
        return
    # A lock beside the file: a step may need several transactions, so SQLite's own lock does not last long enough.
    with store.file.with_name(store.file.name + ".migrating").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _copy(source: Path, target: Path) -> None:
    """A consistent copy through SQLite itself: the file alone lacks what is still in the log."""
    with sqlite3.connect(source) as live, sqlite3.connect(target) as copy:
        live.backup(copy)
    live.close()
    copy.close()
