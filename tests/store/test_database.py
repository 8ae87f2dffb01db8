"""Connections, transactions, and what trouble of the database is called."""

# ruff: noqa: PT012 (what is raised when a transaction is left is what these tests are about)

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import peewee
import psycopg
import pytest

from server.store import database
from server.store.database import Store
from server.store.failures import Unavailable, UnsafeStore, as_unavailable
from server.store.models import Activation, Lease, Meta, Version


def version(**changes: object) -> dict[str, object]:
    return {
        "kind": "process",
        "name": "complaint",
        "number": 1,
        "sha256": "0" * 64,
        "data": b"kind: process\n",
        "created_at": 0,
        **changes,
    }


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.transaction():
        Meta.create(key="a", value=1)
        1 / 0  # noqa: B018
    assert Meta.select().count() == 0


def test_an_inner_transaction_can_fail_alone(store: Store) -> None:
    with store.transaction():
        Meta.create(key="outer", value=1)
        with pytest.raises(peewee.IntegrityError), store.transaction():
            Meta.create(key="outer", value=2)
    assert [row.key for row in Meta.select()] == ["outer"]


def test_hints_run_after_the_commit_and_never_after_a_failure(store: Store) -> None:
    seen: list[str] = []
    with store.transaction():
        store.after_commit(lambda: seen.append("committed"))
        assert seen == []
    with pytest.raises(ZeroDivisionError), store.transaction():
        store.after_commit(lambda: seen.append("rolled back"))
        1 / 0  # noqa: B018
    assert seen == ["committed"]


def test_a_failing_hint_does_not_undo_the_commit(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RuntimeError("the queue is gone")

    with store.transaction():
        Meta.create(key="a", value=1)
        store.after_commit(fail)
    assert Meta.select().count() == 1
    assert "the queue is gone" in caplog.text


def test_threads_that_read_and_write_lose_no_update(store: Store) -> None:
    with store.transaction():
        Lease.create(name="count", holder="nobody", until=0, fence=0)

    problems: list[BaseException] = []

    def add() -> None:
        try:
            for _ in range(20):
                with store.transaction():
                    row = Lease.select().where(Lease.name == "count")
                    if store.is_postgresql:
                        row = row.for_update()
                    fence = row.get().fence
                    Lease.update(fence=fence + 1).where(Lease.name == "count").execute()
        except BaseException as error:
            problems.append(error)
        finally:
            store.discard()

    threads = [threading.Thread(target=add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert Lease.get(Lease.name == "count").fence == 120


def test_one_version_of_a_name_is_in_force(store: Store) -> None:
    with store.transaction():
        first = Version.create(**version())
        Activation.create(name="complaint", version=first, from_at=1)
    with pytest.raises(peewee.IntegrityError), store.transaction():
        Activation.create(name="complaint", version=first, from_at=2)


@pytest.mark.parametrize(
    ("author", "approver"), [("li", "li"), ("li", None), (None, "wang")], ids=["own draft", "nobody", "no author"]
)
def test_the_database_refuses_content_that_no_other_person_approved(
    store: Store, author: str | None, approver: str | None
) -> None:
    with pytest.raises(peewee.IntegrityError), store.transaction():
        Version.create(**version(origin="proposed", author=author, approver=approver))
    with store.transaction():
        Version.create(**version(origin="proposed", author="li", approver="wang"))


def test_bytes_of_a_version_come_back_as_written(store: Store) -> None:
    text = "kind: process\r\ntitle: 客户投诉 # 注释\n"
    with store.transaction():
        made = Version.create(**version(data=text.encode()))
    found = Version.get_by_id(made.id)
    assert bytes(found.data) == text.encode()
    assert found.text == text


def test_a_locked_file_is_unavailable_and_works_again_afterwards(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_store.db.execute_sql("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(str(sqlite_store.file), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable) as refused, sqlite_store.transaction():
        Meta.create(key="a", value=1)
    assert refused.value.retry_after > 0
    other.execute("ROLLBACK")
    other.close()
    with sqlite_store.transaction():
        Meta.create(key="a", value=1)
    assert Meta.select().count() == 1


def test_a_read_only_file_is_unavailable(sqlite_store: Store) -> None:
    sqlite_store.db.execute_sql("PRAGMA query_only = 1")
    with pytest.raises(Unavailable), sqlite_store.transaction():
        Meta.create(key="a", value=1)
    # The connection was thrown away with its setting.
    with sqlite_store.transaction():
        Meta.create(key="a", value=1)


def note(key: str) -> None:
    with database.transaction():
        Meta.create(key=key, value=1)


def test_a_file_that_is_moved_away_is_unavailable_and_no_other_is_begun(sqlite_store: Store, tmp_path: Path) -> None:
    note("before")
    away = tmp_path / "away"
    away.mkdir()
    names = [path.name for path in tmp_path.glob("duban.sqlite*")]
    for name in names:
        (tmp_path / name).rename(away / name)
    refused: list[Unavailable] = []

    def without_a_connection() -> None:
        with pytest.raises(Unavailable) as found:
            note("lost")
        refused.append(found.value)

    thread = threading.Thread(target=without_a_connection)
    thread.start()
    thread.join()
    for _ in range(2):
        with pytest.raises(Unavailable, match="gone"):
            note("lost")
    assert refused
    assert not (tmp_path / "duban.sqlite").exists()
    for name in names:
        (away / name).rename(tmp_path / name)
    note("after")
    assert {row.key for row in Meta.select()} == {"before", "after"}


def test_another_file_in_its_place_is_noticed_and_then_used(
    sqlite_store: Store, sqlite_template: bytes, tmp_path: Path
) -> None:
    note("before")
    for path in tmp_path.glob("duban.sqlite*"):
        path.rename(tmp_path / f"old-{path.name}")
    (tmp_path / "duban.sqlite").write_bytes(sqlite_template)
    with pytest.raises(Unavailable, match="another one"):
        note("lost")
    note("after")
    with sqlite3.connect(tmp_path / "duban.sqlite") as other:
        assert other.execute('SELECT "key" FROM "meta"').fetchall() == [("after",)]
    other.close()


def test_a_full_disk_is_unavailable(sqlite_store: Store) -> None:
    pages = sqlite_store.db.execute_sql("PRAGMA page_count").fetchone()[0]
    sqlite_store.db.execute_sql(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(Unavailable, match="full"), sqlite_store.transaction():
        Meta.create(key="big", value="x" * 100_000)
    with sqlite_store.transaction():
        Meta.create(key="big", value="x" * 100_000)


def test_a_server_that_ends_the_connection_is_unavailable_and_works_again(postgres_store: Store) -> None:
    with pytest.raises(Unavailable), postgres_store.transaction():
        Meta.create(key="lost", value=1)
        pid = postgres_store.db.execute_sql("SELECT pg_backend_pid()").fetchone()[0]
        with psycopg.connect(postgres_store.url, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s)", (pid,))
        Meta.create(key="also lost", value=1)
    with postgres_store.transaction():
        Meta.create(key="a", value=1)
    assert [row.key for row in Meta.select()] == ["a"]


def test_a_connection_that_the_server_ended_in_the_pool_is_not_used_again(postgres_store: Store) -> None:
    with postgres_store.session():
        pid = postgres_store.db.execute_sql("SELECT pg_backend_pid()").fetchone()[0]
    with postgres_store.session():
        again = postgres_store.db.execute_sql("SELECT pg_backend_pid()").fetchone()[0]
    assert again == pid, "it was used a moment ago, and not even asked"
    with psycopg.connect(postgres_store.url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s)", (pid,))
        until = time.monotonic() + 10
        while admin.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone():
            assert time.monotonic() < until
            time.sleep(0.01)
    with postgres_store.session():
        assert postgres_store.db.execute_sql("SELECT pg_backend_pid()").fetchone()[0] != pid


def test_a_lock_that_is_held_too_long_is_unavailable(postgres_store: Store) -> None:
    with postgres_store.transaction():
        Lease.create(name="sweep", holder="me", until=0)
    with psycopg.connect(postgres_store.url) as other:
        other.execute("SELECT * FROM lease FOR UPDATE")
        with pytest.raises(Unavailable, match="55P03"), postgres_store.transaction():
            postgres_store.db.execute_sql("SET LOCAL lock_timeout = 50")
            Lease.update(holder="you").execute()


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        database.open("postgresql://nobody@127.0.0.1:9/none")


def test_long_texts_are_packed_the_quick_way_where_the_server_can(postgres_store: Store) -> None:
    asked = "SELECT enumvals FROM pg_settings WHERE name = 'default_toast_compression'"
    (known,) = postgres_store.db.execute_sql(asked).fetchone()
    with postgres_store.transaction():
        Meta.create(key="long", value="督办" * 10_000)
    (packed,) = postgres_store.db.execute_sql("SELECT pg_column_compression(value) FROM meta").fetchone()
    assert packed == ("lz4" if "lz4" in known else "pglz")


def test_postgresql_that_may_lose_commits_is_refused(migrated_postgres: str) -> None:
    with pytest.raises(UnsafeStore, match="synchronous_commit"):
        database.open(migrated_postgres + "?options=-c%20synchronous_commit%3Doff")


def test_sqlite_without_a_log_is_refused() -> None:
    with pytest.raises(UnsafeStore, match="write-ahead log"):
        database.open(":memory:")


def test_wrong_sql_is_not_mistaken_for_trouble(store: Store) -> None:
    with pytest.raises((peewee.OperationalError, peewee.ProgrammingError)) as wrong, store.session():
        store.db.execute_sql("SELECT * FROM nowhere")
    assert as_unavailable(wrong.value) is None


def test_a_snapshot_sees_one_state_and_takes_no_write_lock(store: Store) -> None:
    with store.transaction():
        Meta.create(key="a", value=1)
    written = threading.Event()

    def write() -> None:
        with store.transaction():
            Meta.create(key="b", value=2)
        written.set()
        store.discard()

    with store.snapshot():
        assert Meta.select().count() == 1
        thread = threading.Thread(target=write)
        thread.start()
        assert written.wait(5)
        assert Meta.select().count() == 1
    thread.join()
    assert Meta.select().count() == 2


def test_a_waiting_writer_gets_its_turn_soon(sqlite_store: Store) -> None:
    # SQLite's own busy handler left writers waiting for 0.5 to 0.9 s.
    stop = time.monotonic() + 1.5
    slowest = [0.0] * 4

    def write(number: int) -> None:
        while time.monotonic() < stop:
            begun = time.monotonic()
            with sqlite_store.transaction():
                Meta.replace(key=f"k{number}", value=begun).execute()
            slowest[number] = max(slowest[number], time.monotonic() - begun)
        sqlite_store.discard()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(slowest) < 1.0


def test_addresses_of_sqlite_files() -> None:
    assert database.sqlite_path("sqlite:///data/duban.sqlite") == Path("data/duban.sqlite")
    assert database.sqlite_path("sqlite:////var/lib/duban.sqlite") == Path("/var/lib/duban.sqlite")
    assert database.sqlite_path("duban.sqlite") == Path("duban.sqlite")
