"""Stores for tests: every test with the fixture `store` runs on SQLite and on PostgreSQL.

PostgreSQL is looked for at DUBAN_TEST_POSTGRES (default: the local server, as `postgres`, without a password). One
database with a random name is made per run and dropped at its end; between tests its tables are emptied.
"""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from server.store import database
from server.store.database import Store
from server.store.migrating import migrate
from server.store.models import TABLES
from tests.conftest import skip_or_fail

SERVER = os.environ.get("DUBAN_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")


def database_url(name: str) -> str:
    """The address of another database on the same server."""
    base, _, _ = SERVER.rpartition("/")
    return f"{base}/{name}"


@contextmanager
def empty_database() -> Iterator[str]:
    """The address of an empty PostgreSQL database with a random name, which is dropped at the end."""
    try:
        admin = psycopg.connect(SERVER, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        skip_or_fail(f"no PostgreSQL at {SERVER}: {error}")
    name = f"duban_test_{secrets.token_hex(6)}"
    with admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            yield database_url(name)
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """An empty PostgreSQL database of this run."""
    with empty_database() as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a migrated, empty SQLite database: copying them is faster than migrating for each test."""
    path = tmp_path_factory.mktemp("template") / "empty.sqlite"
    store = database.open(str(path))
    migrate(store)
    store.db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return path.read_bytes()


@pytest.fixture
def sqlite_store(tmp_path: Path, sqlite_template: bytes) -> Iterator[Store]:
    """A migrated, empty store on SQLite."""
    path = tmp_path / "duban.sqlite"
    path.write_bytes(sqlite_template)
    store = database.open(str(path))
    waits_for_no_disk(store)
    yield store
    store.close()


@pytest.fixture(scope="session")
def migrated_postgres(postgres_url: str) -> str:
    """The run's PostgreSQL database with every table."""
    store = database.open(postgres_url)
    migrate(store)
    store.close()
    return postgres_url


class Cleaner:
    """Empties the run's PostgreSQL database. Its connection stays open: a new one would read the description of every
    table each time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connect()

    def _connect(self) -> None:
        self._connection = psycopg.connect(self._url, autocommit=True)
        self._connection.execute("SET synchronous_commit = off")

    def empty(self) -> None:
        """Take every row away."""
        try:
            _empty(self._connection)
        except psycopg.OperationalError:  # some tests end every connection to the database
            self.close()
            self._connect()
            _empty(self._connection)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@pytest.fixture(scope="session")
def cleaner(migrated_postgres: str) -> Iterator[Cleaner]:
    """What empties the run's PostgreSQL database."""
    found = Cleaner(migrated_postgres)
    yield found
    found.close()


@pytest.fixture
def postgres_store(migrated_postgres: str, cleaner: Cleaner) -> Iterator[Store]:
    """A migrated, empty store on PostgreSQL."""
    cleaner.empty()
    store = database.open(migrated_postgres)
    waits_for_no_disk(store)
    yield store
    store.close()


def waits_for_no_disk(store: Store) -> None:
    """Nobody turns the machine off while a test runs, and what a process wrote outlives its end without that, too."""
    if not store.is_postgresql:
        store.db.pragma("synchronous", "off", permanent=True)
        return
    connect = store.db._connect

    def connect_fast() -> Any:
        connection = connect()
        if not getattr(connection, "_waits_for_no_disk", False):
            connection.execute("SET synchronous_commit = off")
            connection._waits_for_no_disk = True
        return connection

    store.db._connect = connect_fast


_emptied = itertools.count()


def _empty(connection: psycopg.Connection) -> None:
    """Take every row away. To truncate all tables takes the server a hundred times as long as most tests leave to
    delete; it is done now and then, for the holes that deleting leaves."""
    names = [f'"{table._meta.table_name}"' for table in TABLES]
    with connection.transaction():
        run = connection.execute
        if next(_emptied) % 100 == 99:
            run(f"TRUNCATE {', '.join(names)} RESTART IDENTITY")
            return
        run("SET LOCAL session_replication_role = replica")  # neither triggers nor the order of tables matter
        filled = run(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in names))
        for (name,) in filled.fetchall():
            run(f"DELETE FROM {name}")
        regclasses = ", ".join(f"'{name}'::regclass" for name in names)
        run(
            "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence JOIN pg_depend ON objid = seqrelid"
            f" WHERE refobjid IN ({regclasses}) AND pg_sequence_last_value(seqrelid) IS NOT NULL"
        ).fetchall()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Store:
    """A migrated, empty store on each database in turn."""
    name = "sqlite_store" if request.param == "sqlite" else "postgres_store"
    found = request.getfixturevalue(name)
    assert isinstance(found, Store)
    return found
