"""How many open issues each owner has is at any time what counting them gives, on both databases."""

from __future__ import annotations

import importlib
import random
import threading
from typing import Any

import peewee
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.directory.live import owned
from server.store import sql, writing
from server.store.database import Store
from server.store.models import Issue, Version, Workload
from tests.workloads import counted, kept

LOGIN = st.sampled_from(["li", "wu", "", None])  # whatever the column may hold
ISSUE = st.tuples(LOGIN, st.booleans())
STEP = st.one_of(
    st.tuples(st.just("receive"), st.lists(ISSUE, min_size=1, max_size=5)),
    st.tuples(st.just("pass on"), st.lists(st.tuples(st.integers(0, 9), LOGIN, st.booleans()), min_size=1, max_size=4)),
    st.tuples(st.just("take away"), st.integers(0, 9)),
)


@pytest.fixture
def version(store: Store) -> int:
    return a_version(store)


def a_version(store: Store) -> int:
    with store.transaction():
        return int(Version.create(kind="process", name="p", number=1, sha256="0", data=b"", created_at=0).id)


def receive(version: int, issues: list[tuple[str | None, bool]], name: str = "") -> None:
    common = {"process": "p", "version": version, "stage": "s", "received_at": 0, "recorded_at": 0, "case": "{}"}
    (last,) = sql.run('SELECT COALESCE(MAX("id"), 0) FROM "issue"').fetchone()
    rows = [
        {**common, "number": f"{name}{last + place}", "owner": owner, "final": final}
        for place, (owner, final) in enumerate(issues)
    ]
    writing.insert_many(Issue, rows)


def pass_on(changes: list[tuple[int, str | None, bool]]) -> None:
    """Change several issues, named by their place among all, as one event each does."""
    there = sql.run('SELECT "id", "seq" FROM "issue" ORDER BY "id"').fetchall()
    if there:
        found = {there[place % len(there)]: {"owner": owner, "final": final} for place, owner, final in changes}
        updates = [writing.Update(id, seq, {"seq": seq + 1, **row}) for (id, seq), row in found.items()]
        assert writing.update_issues(updates)


def do(version: int, step: tuple[str, Any]) -> None:
    kind, what = step
    if kind == "receive":
        receive(version, what)
    elif kind == "pass on":
        pass_on(what)
    else:
        there = [row[0] for row in sql.run('SELECT "id" FROM "issue" ORDER BY "id"').fetchall()]
        if there:
            sql.run('DELETE FROM "issue" WHERE "id" = ?', there[what % len(there)])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.lists(STEP, max_size=5), st.booleans()), max_size=5))
def test_whatever_becomes_of_issues_it_is_what_counting_gives(
    store: Store, version: int, transactions: list[tuple[list[Any], bool]]
) -> None:
    with store.transaction(), store.db.atomic() as example:
        for steps, is_kept in transactions:
            with store.db.atomic() as one:
                for step in steps:
                    do(version, step)
                    assert kept() == counted(), "within the same transaction, too"
                if not is_kept:
                    one.rollback()
            assert kept() == counted()
        example.rollback()


def test_transactions_that_write_at_once_neither_wait_nor_miscount(postgres_store: Store) -> None:
    version = a_version(postgres_store)
    failures: list[BaseException] = []
    meet = threading.Barrier(4)

    def work(name: str) -> None:
        chance = random.Random(name)
        try:
            with postgres_store.session():
                # Whoever waited for another one of four who hold what they wrote until all have written would wait
                # for ever; in another order each time, as dead-locks like it.
                for _ in range(40):
                    people = chance.sample(["li", "wu", "bai", "gong"], 4)
                    with postgres_store.transaction():
                        receive(version, [(login, False) for login in people for _ in range(2)], f"{name}-")
                        mine = Issue.select(Issue.id, Issue.seq).where(Issue.number.startswith(f"{name}-"))
                        row = chance.choice(list(mine))
                        assert writing.update_issue(
                            row.id, row.seq, {"seq": row.seq + 1, "owner": chance.choice(people), "final": False}
                        )
                        meet.wait(4)
        except BaseException as error:
            failures.append(error)
            meet.abort()
        finally:
            postgres_store.discard()

    workers = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures
    assert kept() == counted()
    assert sum(counted().values()) == 4 * 40 * 8
    # Each writes each owner twice or three times in a transaction, and may take another row each time.
    assert Workload.select().count() <= 4 * 4 * 3, "rows are used again"


def test_who_asks_adds_up_a_few_rows_however_many_issues_there_are(store: Store, version: int) -> None:
    with store.transaction():
        receive(version, [("li", False)] * 500)
        receive(version, [("li", False), ("wu", True)] * 10)
    assert owned(["li", "wu"]) == {"li": 510}
    assert Workload.select().count() == 1


def test_an_issue_that_stays_with_its_owner_writes_nothing(postgres_store: Store) -> None:
    version = a_version(postgres_store)
    with postgres_store.transaction():
        receive(version, [("li", False), ("wu", True), (None, False)])
        before = sql.run('SELECT "ctid", "xmax" FROM "workload"').fetchall()
        pass_on([(0, "li", False), (1, "wu", True), (2, None, False)])
        assert sql.run('SELECT "ctid", "xmax" FROM "workload"').fetchall() == before


def test_an_upgrade_counts_what_stands() -> None:
    db = peewee.SqliteDatabase(":memory:")
    db.execute_sql('CREATE TABLE "issue" ("id" INTEGER, "owner" TEXT, "final" INTEGER)')
    db.execute_sql("INSERT INTO \"issue\" VALUES (1, 'li', 0), (2, 'li', 0), (3, 'li', 1), (4, NULL, 0), (5, 'wu', 1)")
    importlib.import_module("server.store.migrations.0041_workload").up(None, db)
    assert db.execute_sql('SELECT "owner", "open" FROM "workload"').fetchall() == [("li", 2)]
    db.close()
