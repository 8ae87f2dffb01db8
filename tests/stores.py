"""Stores for tests: every test with the fixture `store` runs on SQLite and on PostgreSQL.

PostgreSQL is looked for at DUBAN_TEST_POSTGRES (default: the local server, as `postgres`, without a password). One
database with a random name is made per run and dropped at its end; between tests the tables are emptied.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

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


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """An empty PostgreSQL database of this run."""
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
    yield store
    store.close()


@pytest.fixture(scope="session")
def migrated_postgres(postgres_url: str) -> str:
    """The run's PostgreSQL database with every table."""
    store = database.open(postgres_url)
    migrate(store)
    store.close()
    return postgres_url


@pytest.fixture
def postgres_store(migrated_postgres: str) -> Iterator[Store]:
    """A migrated, empty store on PostgreSQL."""
    store = database.open(migrated_postgres)
    with store.session():
        names = ", ".join(f'"{table._meta.table_name}"' for table in TABLES)
        store.db.execute_sql(f"TRUNCATE {names} RESTART IDENTITY")
    yield store
    store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Store:
    """A migrated, empty store on each database in turn."""
    name = "sqlite_store" if request.param == "sqlite" else "postgres_store"
    found = request.getfixturevalue(name)
    assert isinstance(found, Store)
    return found
