"""Reading a backup back into an empty store: all of it in one transaction, or nothing."""

from __future__ import annotations

import io
import json
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import peewee

from server import audit, delivery
from server.backup.file import BLOCK, Content, Manifest, NoBackup, Progress, TooNewBackup, member, opened, read_manifest
from server.backup.tables import STEPS, Table, all_names, tables
from server.core.moments import Moment
from server.store import migrating
from server.store.database import Store


class NotEmpty(Exception):
    """The store holds data already; a restore would mix the two."""


class OtherSteps(Exception):
    """The store is empty, and its tables are those of a newer release than the backup's."""


def restore(store: Store, path: Path, now: Moment, progress: Progress = lambda *_: None) -> Manifest:
    """Read the backup into the empty store, bring it up to date, and hold outgoing messages back.

    It cannot be known which of the messages that wait in the backup have left since it was made: an administrator
    decides. Raises NoBackup, TooNewBackup, NotEmpty, OtherSteps, Unavailable, OSError; nothing has changed then.
    """
    with opened(path, progress) as archive:
        manifest = read_manifest(archive)
        if manifest.step not in migrating.steps():
            raise TooNewBackup(f"step {manifest.step}")
        with store.session(), migrating.alone(store), _unchecked(store), store.transaction():
            _refuse_data(store)
            _make_tables(store, manifest)
            with _without_rules(store):
                _fill(store, archive, manifest, progress)
            migrating.take_steps(store)
            _check(store)
            delivery.hold_outgoing(now, delivery.RESTORED)
            content = {"made_at": manifest.made_at, "release": manifest.release, "rows": manifest.rows}
            audit.record("store.restored", now, content)
    if store.is_postgresql:
        with store.session():
            # Else the first queries would be planned for empty tables.
            store.db.execute_sql("ANALYZE")
    return manifest


@contextmanager
def _unchecked(store: Store) -> Iterator[None]:
    """SQLite checks references at each row, and a row may refer to a later one; it can leave that only between
    transactions. `_check` makes up for it."""
    if store.is_postgresql:
        yield
        return
    store.db.execute_sql("PRAGMA foreign_keys = 0")
    try:
        yield
    finally:
        store.db.execute_sql("PRAGMA foreign_keys = 1")


def _check(store: Store) -> None:
    if not store.is_postgresql:
        wrong = store.db.execute_sql("PRAGMA foreign_key_check").fetchone()
        if wrong is not None:
            raise NoBackup(f"a row of its table {wrong[0]} refers to a row of {wrong[2]} that is not there")


@contextmanager
def _without_rules(store: Store) -> Iterator[None]:
    """The rules of the tables (triggers) say how a row may come to be, not how it may be read back: an approval is
    only of a draft that waits for it."""
    if store.is_postgresql:
        found = store.db.execute_sql(
            "SELECT DISTINCT c.oid::regclass::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace"
        ).fetchall()
        for (table,) in found:
            store.db.execute_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        for (table,) in found:
            store.db.execute_sql(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        return
    rules = store.db.execute_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in rules:
        store.db.execute_sql(f"DROP TRIGGER {_quoted(name)}")
    yield
    for _, rule in rules:
        store.db.execute_sql(rule)


def _refuse_data(store: Store) -> None:
    names = [name for name in all_names(store) if name != STEPS]
    if names and store.is_postgresql:
        # Nobody may write what we have just seen to be empty.
        store.db.execute_sql(f"LOCK TABLE {', '.join(map(_quoted, names))} IN EXCLUSIVE MODE")
    for name in names:
        if store.db.execute_sql(f"SELECT 1 FROM {_quoted(name)} LIMIT 1").fetchone() is not None:
            raise NotEmpty(name)


def _make_tables(store: Store, manifest: Manifest) -> None:
    migrating.take_steps(store, until=manifest.step)
    if migrating.last_step(store) != manifest.step:
        raise OtherSteps(f"{migrating.last_step(store)}, the backup {manifest.step}")


def _fill(store: Store, archive: zipfile.ZipFile, manifest: Manifest, progress: Progress) -> None:
    there = {table.name: table for table in tables(store)}
    for content in manifest.tables:
        table = there.get(content.name)
        if table is None or content.columns != table.columns:
            raise NoBackup(f"its table {content.name} is not that of step {manifest.step}")
        rows = _rows(archive, content, table, progress)
        if store.is_postgresql:
            _into_postgresql(store, content, rows)
            _go_on_counting(store, table)
        else:
            _into_sqlite(store, content, rows)


def _rows(archive: zipfile.ZipFile, content: Content, table: Table, progress: Progress) -> Iterator[list[Any]]:
    blobs = [place for place, (_, kind) in enumerate(content.columns.items()) if kind == "bytes"]
    flags = [place for place, name in enumerate(content.columns) if name in table.flags]
    count = 0
    with archive.open(member(content.name)) as raw, io.BufferedReader(raw, BLOCK) as lines:  # type: ignore[type-var]
        for line in lines:
            values = json.loads(line)
            for place in blobs:
                if values[place] is not None:
                    values[place] = b64decode(values[place])
            for place in flags:
                values[place] = None if values[place] is None else bool(values[place])
            yield values
            count += 1
            progress(content.name, count, content.rows)
    if count != content.rows:
        raise NoBackup(f"its table {content.name} has {count} rows instead of {content.rows}")


def _into_sqlite(store: Store, content: Content, rows: Iterator[list[Any]]) -> None:
    places = ", ".join("?" * len(content.columns))
    statement = f"INSERT INTO {_quoted(content.name)} ({_names(content)}) VALUES ({places})"
    with peewee.__exception_wrapper__:  # type: ignore[attr-defined]
        store.db.cursor().executemany(statement, rows)


def _into_postgresql(store: Store, content: Content, rows: Iterator[list[Any]]) -> None:
    statement = f"COPY {_quoted(content.name)} ({_names(content)}) FROM STDIN"
    with peewee.__exception_wrapper__, store.db.cursor().copy(statement) as copy:  # type: ignore[attr-defined]
        for row in rows:
            copy.write_row(row)


def _go_on_counting(store: Store, table: Table) -> None:
    """The next row's number follows the last one's."""
    for column in table.key:
        name = _quoted(table.name)
        sequence = store.db.execute_sql("SELECT pg_get_serial_sequence(%s, %s)", (name, column)).fetchone()[0]
        if sequence is not None:
            last = store.db.execute_sql(f"SELECT MAX({_quoted(column)}) FROM {name}").fetchone()[0]
            if last is not None:
                store.db.execute_sql("SELECT setval(%s, %s)", (sequence, last))


def _names(content: Content) -> str:
    return ", ".join(_quoted(name) for name in content.columns)


def _quoted(name: str) -> str:
    return f'"{name}"'
