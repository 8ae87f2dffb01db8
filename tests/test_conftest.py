"""A skip is for a desk; under CI it is a failure. A store begins empty, whatever the test before left."""

from __future__ import annotations

import pytest

from server.store import sql
from server.store.database import Store
from server.store.models import TABLES
from tests import beginnings
from tests.conftest import skip_or_fail
from tests.stores import Cleaner


def test_what_is_missing_skips_on_a_desk(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no browser"):
        skip_or_fail("no browser")


def test_what_is_missing_fails_under_ci(monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no browser"):
        skip_or_fail("no browser")


def test_a_store_of_postgresql_is_emptied_and_counts_anew(postgres_store: Store, cleaner: Cleaner):
    for _ in range(2):
        beginnings.open_for_business(1_772_413_200_000)
        cleaner.empty()
        assert not [table for table in TABLES if table.select().exists()]
        counted = sql.run("SELECT sequencename FROM pg_sequences WHERE last_value IS NOT NULL").fetchall()
        assert counted == [("schema_migration_id_seq",)]


def test_a_store_of_postgresql_is_emptied_also_after_every_connection_was_ended(
    postgres_store: Store, cleaner: Cleaner
):
    sql.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()")  # fmt: skip
    beginnings.open_for_business(1_772_413_200_000)
    cleaner.empty()
    assert not [table for table in TABLES if table.select().exists()]
