"""The migrations make exactly the tables that the models describe, once, on both databases."""

from __future__ import annotations

import importlib
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import peewee
import pytest
from playhouse.schema_diff import diff_models

from server.store import database
from server.store.database import Store
from server.store.migrating import FOLDER, TooNew, migrate, pending
from server.store.models import TABLES, Meta


def test_models_and_migrations_agree(store: Store) -> None:
    difference = diff_models(store.db, list(TABLES))
    assert not difference, f"add a migration to server/store/migrations for:\n{difference}"


def test_columns_have_the_types_and_nullability_of_the_models(store: Store) -> None:
    # schema_diff compares names and indexes only.
    words = {"bigint": "INTEGER", "bigserial": "INTEGER", "bytea": "BLOB", "boolean": "INTEGER"}
    for table in TABLES:
        found = {
            column.name: (words.get(column.data_type.lower(), column.data_type.upper()), column.null)
            for column in store.db.get_columns(table._meta.table_name)
        }
        for field in table._meta.sorted_fields:
            context = store.db.get_sql_context()
            kind = context.sql(field.ddl_datatype(context)).query()[0]
            kind = words.get(kind.lower(), kind.upper())
            assert found[field.column_name] == (kind, field.null), f"{table.__name__}.{field.name}"


def test_every_sqlite_table_is_strict(sqlite_store: Store) -> None:
    for table in TABLES:
        sql = sqlite_store.db.execute_sql(
            "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (table._meta.table_name,)
        ).fetchone()[0]
        assert re.search(r"\) STRICT$", sql), table.__name__


def test_a_wrong_type_is_refused_on_both(store: Store) -> None:
    with pytest.raises((peewee.IntegrityError, peewee.DataError)), store.transaction():
        store.db.execute_sql("INSERT INTO lease (name, holder, until, fence) VALUES ('a', 'b', 'soon', 0)")


def test_a_second_run_finds_nothing_to_do(store: Store) -> None:
    assert migrate(store) == []


def test_a_database_of_a_newer_release_is_refused(sqlite_store: Store) -> None:
    sqlite_store.db.execute_sql(
        "INSERT INTO schema_migration (name, applied) VALUES ('9999_future', '2030-01-01 00:00:00')"
    )
    with pytest.raises(TooNew, match="9999_future"):
        pending(sqlite_store)


def test_an_older_file_is_copied_before_it_is_changed(
    tmp_path: Path, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = tmp_path / "steps"
    shutil.copytree(FOLDER, steps, ignore=shutil.ignore_patterns("__pycache__"))
    (steps / "9000_more.py").write_text(
        'def up(migrator, db):\n    db.execute_sql("CREATE TABLE more (id INTEGER PRIMARY KEY) STRICT")\n'
    )
    monkeypatch.setattr("server.store.migrating.FOLDER", steps)
    with sqlite_store.transaction():
        Meta.create(key="kept", value=True)
    assert migrate(sqlite_store) == ["9000_more"]
    assert "more" in sqlite_store.db.get_tables()
    copies = list(tmp_path.glob("*.before-9000_more"))
    assert len(copies) == 1
    copy = sqlite3.connect(copies[0])
    assert copy.execute("SELECT value FROM meta WHERE key = 'kept'").fetchone() == ("true",)
    assert copy.execute("SELECT count(*) FROM sqlite_master WHERE name = 'more'").fetchone() == (0,)
    copy.close()


_START = """
import sys
from server.store import database
from server.store.migrating import migrate
print(len(migrate(database.open(sys.argv[1]))))
"""


def _start_together(url: str, count: int = 4) -> list[int]:
    started = [
        subprocess.Popen([sys.executable, "-c", _START, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(count)
    ]
    outcomes = []
    for process in started:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        outcomes.append(int(out))
    return sorted(outcomes)


def test_of_several_processes_starting_together_one_migrates_sqlite(tmp_path: Path) -> None:
    steps = len(list(FOLDER.glob("[0-9]*.py")))
    assert _start_together(str(tmp_path / "new.sqlite")) == [0, 0, 0, steps]


def test_of_several_processes_starting_together_one_migrates_postgresql(migrated_postgres: str) -> None:
    store = database.open(migrated_postgres)
    store.db.execute_sql("DROP SCHEMA public CASCADE")
    store.db.execute_sql("CREATE SCHEMA public")
    store.close()
    steps = len(list(FOLDER.glob("[0-9]*.py")))
    assert _start_together(migrated_postgres) == [0, 0, 0, steps]


def test_an_upgrade_says_which_open_issues_are_overdue() -> None:
    db = peewee.SqliteDatabase(":memory:")
    db.execute_sql('CREATE TABLE "issue" ("id" INTEGER, "process" TEXT, "severity" TEXT, "final" INTEGER, "case" TEXT)')
    late, met = '{"clocks":{"c":{"open":{"state":"breached"}}}}', '{"clocks":{"c":{"last":{"state":"breached"}}}}'
    for id, final, case in ((1, False, late), (2, False, met), (3, True, late), (4, False, "{}")):
        db.execute_sql('INSERT INTO "issue" ("id", "final", "case") VALUES (?, ?, ?)', (id, final, case))
    importlib.import_module("server.store.migrations.0020_figures").up(None, db)
    assert [row[0] for row in db.execute_sql('SELECT "id" FROM "issue" WHERE "overdue"').fetchall()] == [1]
    db.close()
