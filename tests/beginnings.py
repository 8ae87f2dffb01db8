"""What many tests begin with, made once per run and database and copied from then on: loading the documents and the
people takes longer than most tests."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from server import directory, policies
from server.core.moments import Moment
from server.resources import data_dir
from server.store import database, sql
from server.store.database import Store
from server.store.models import TABLES, Person, Version


@dataclass(frozen=True)
class _Table:
    """The rows of a table of PostgreSQL, as COPY gives them, and where its counters stand."""

    name: str
    rows: bytes
    counters: dict[str, int]


_kept: dict[tuple[Any, ...], Any] = {}


def shipped(at: Moment) -> None:
    """The shipped documents in force since `at`, in the open store."""
    begin(("shipped", at), lambda: policies.load_shipped(at))


def open_for_business(at: Moment) -> None:
    """The shipped documents in force since `at`, and the people of the seeds, in the open store."""

    def make() -> None:
        policies.load_shipped(at)
        plan, findings = directory.plan((data_dir("seeds") / "directory.yaml").read_bytes())
        assert plan is not None, findings
        directory.carry_out(plan, at)

    begin(("open for business", at), make)


def begin(name: tuple[Any, ...], make: Callable[[], object]) -> None:
    """Bring the open store into the state that `make` makes; into an empty one, what has been made before is copied."""
    store = database.current()
    key = (store.is_postgresql, *name)
    if Person.select().exists() or Version.select().exists():
        make()
    elif key not in _kept:
        make()
        _kept[key] = _rows(store) if store.is_postgresql else _file(store)
    elif store.is_postgresql:
        _insert(store, _kept[key])
    else:
        with store.session():
            _kept[key].backup(store.db.connection())


def _file(store: Store) -> sqlite3.Connection:
    # Closed by the end of the run.
    copy = sqlite3.connect(":memory:", check_same_thread=False)
    with store.session():
        store.db.connection().backup(copy)
    return copy


def _rows(store: Store) -> list[_Table]:
    found = []
    with store.session():
        connection = store.db.connection()
        for table in TABLES:
            name = table._meta.table_name
            with connection.cursor() as cursor, cursor.copy(f'COPY "{name}" TO STDOUT') as copy:
                rows = b"".join(bytes(block) for block in copy)
            connection.commit()
            if rows:
                found.append(_Table(name, rows, _counters(name)))
    return found


def _counters(table: str) -> dict[str, int]:
    columns = "SELECT column_name FROM information_schema.columns WHERE table_name = ? AND table_schema = 'public'"
    found = {}
    for (column,) in sql.run(columns, table).fetchall():
        (counter,) = sql.run("SELECT pg_get_serial_sequence(?, ?)", f'"{table}"', column).fetchone()
        if counter:
            (last,) = sql.run(f"SELECT last_value FROM {counter} WHERE is_called").fetchone() or (0,)
            found[counter] = last
    return {counter: last for counter, last in found.items() if last}


def _insert(store: Store, tables: list[_Table]) -> None:
    with store.transaction():
        connection = store.db.connection()
        # What was allowed once needs no looking at again; some triggers would not let finished rows in.
        connection.execute("SET LOCAL session_replication_role = replica")
        for table in tables:
            with connection.cursor() as cursor, cursor.copy(f'COPY "{table.name}" FROM STDIN') as copy:
                copy.write(table.rows)
            for counter, last in table.counters.items():
                connection.execute("SELECT setval(%s, %s)", (counter, last))
