"""Sealing: every entry of the trail goes into exactly one block, in the order in which it could first be seen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from server import audit
from server.sealing import Sealer, blocks, merkle, ranges, sealer
from server.store import database
from server.store.database import Store
from server.store.models import AuditBlock, AuditEntry, Lease

NOW = 1_772_413_200_000


def write(count: int, at: int = NOW) -> list[int]:
    with database.transaction():
        return [audit.record("test.noted", at, {"n": n}) for n in range(count)]


def seal(one: Sealer | None = None, now: int = NOW) -> None:
    one = one or Sealer("test")
    while one.work(now, None):
        pass


def sealed() -> list[int]:
    """The ids of all entries that are sealed, in the order of the trail."""
    return [id_ for block, _ in blocks.page(1, 10_000) for id_ in ranges.ids(ranges.read(block.entries))]


def ids() -> list[int]:
    return [row.id for row in AuditEntry.select(AuditEntry.id).order_by(AuditEntry.id)]


def test_a_block_names_its_entries_and_is_bound_to_the_one_before(store: Store) -> None:
    first = write(3)
    seal()
    second = write(2)
    seal()
    (one, leaves), (two, _) = blocks.page(1, 10)
    assert (one.no, one.first, one.size, one.prev) == (1, 1, 3, blocks.NOTHING)
    assert (two.no, two.first, two.size, two.prev) == (2, 4, 2, one.hash)
    assert list(ranges.ids(ranges.read(one.entries))) == first
    assert list(ranges.ids(ranges.read(two.entries))) == second
    bodies = [row.body.encode() for row in AuditEntry.select().where(AuditEntry.id.in_(first)).order_by(AuditEntry.id)]
    assert leaves == b"".join(map(merkle.leaf, bodies))
    assert one.root == merkle.root([merkle.leaf(body) for body in bodies])
    assert one.hash == blocks.hash_of(1, NOW, 1, 3, one.root, one.prev, one.entries)


def test_nothing_new_writes_nothing(store: Store) -> None:
    write(1)
    seal()
    Lease.delete().execute()
    seal()
    assert AuditBlock.select().count() == 1
    assert not Lease.select().exists(), "not even the lease is taken"


def test_more_than_a_block_holds_goes_into_the_next(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealer, "LIMIT", 10)
    write(35)
    one = Sealer()
    assert [one.work(NOW, None) for _ in range(4)] == [True, True, True, False]
    assert [block.size for block, _ in blocks.page(1, 10)] == [10, 10, 10, 5]
    assert sealed() == ids()


def test_who_has_no_lease_stands_by(store: Store) -> None:
    write(1)
    seal(Sealer("a"))
    write(1)
    seal(Sealer("b"))
    assert len(sealed()) == 1
    seal(Sealer("b"), NOW + 6000)
    assert len(sealed()) == 2


def test_of_two_sealers_at_once_only_one_writes_a_block(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sealer, "_holds", lambda self, now: True)
    monkeypatch.setattr(sealer, "LIMIT", 7)
    started, stopped = threading.Barrier(3), threading.Event()
    problems: list[BaseException] = []

    def work() -> None:
        one = Sealer()
        try:
            started.wait()
            while not stopped.is_set() or one.work(NOW, None):
                one.work(NOW, None)
        except BaseException as problem:
            problems.append(problem)
        finally:
            store.discard()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    started.wait()
    for _ in range(60):
        write(3)
    stopped.set()
    for thread in threads:
        thread.join()
    assert not problems
    assert sealed() == ids()
    assert len(sealed()) == 180


@contextmanager
def another(url: str) -> Iterator[psycopg.Connection[tuple[int, ...]]]:
    """A writer whose transaction lasts as long as the test wants."""
    with psycopg.connect(url) as connection:
        yield connection


WRITE = """INSERT INTO audit_entry ("at", "kind", "body") VALUES (1, 'test.slow', '{}') RETURNING id"""


def test_an_entry_that_is_committed_late_is_sealed_late_and_once(postgres_store: Store) -> None:
    one = Sealer()
    with another(postgres_store.url) as slow:
        late = slow.execute(WRITE).fetchone()
        assert late is not None
        write(2)
        seal(one)
        newest = blocks.newest()
        assert newest is not None
        assert newest.gaps == str(late[0])
        assert late[0] not in sealed()
        seal(one)
        slow.commit()
    seal(one)
    assert sealed() == [late[0] + 1, late[0] + 2, late[0]]
    newest = blocks.newest()
    assert newest is not None
    assert newest.gaps == ""
    seal(Sealer(), NOW + 60_000)
    assert sorted(sealed()) == ids()


def test_an_entry_that_never_comes_is_waited_for_only_while_it_may(postgres_store: Store) -> None:
    one = Sealer()
    with another(postgres_store.url) as slow:
        gone = slow.execute(WRITE).fetchone()
        assert gone is not None
        for _ in range(3):
            write(1)
            seal(one)
            newest = blocks.newest()
            assert newest is not None
            assert newest.gaps == str(gone[0])
        slow.rollback()
    write(1)
    seal(one)
    newest = blocks.newest()
    assert newest is not None
    assert newest.gaps == ""
    assert sealed() == ids()


def test_a_new_sealer_knows_what_the_old_one_waited_for(postgres_store: Store) -> None:
    with another(postgres_store.url) as slow:
        late = slow.execute(WRITE).fetchone()
        assert late is not None
        write(1)
        seal(Sealer("a"))
        slow.commit()
    seal(Sealer("b"), NOW + 6000)
    assert sorted(sealed()) == ids()
    assert len(sealed()) == 2


def test_more_late_entries_than_a_block_holds_are_all_sealed(
    postgres_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealer, "LIMIT", 4)
    monkeypatch.setattr(sealer, "_GAPS_AT_ONCE", 2)
    one = Sealer()
    with another(postgres_store.url) as slow:
        for n in range(9):
            slow.execute(WRITE)
            if n % 2:
                write(1)
        seal(one)
        slow.commit()
    write(1)
    seal(one)
    assert sorted(sealed()) == ids()
    assert len(sealed()) == 14


def test_many_writers_at_once_lose_nothing(postgres_store: Store) -> None:
    """Half of the transactions are rolled back; ids are committed in any order."""
    stopped = threading.Event()
    problems: list[BaseException] = []

    def write_on(which: int) -> None:
        try:
            with psycopg.connect(postgres_store.url) as connection:
                for n in range(150):
                    connection.execute(WRITE)
                    if (n + which) % 3 == 0:
                        connection.execute(WRITE)
                    connection.rollback() if n % 2 else connection.commit()
        except BaseException as problem:
            problems.append(problem)

    def seal_on() -> None:
        one = Sealer()
        try:
            while not stopped.is_set():
                one.work(NOW, None)
        except BaseException as problem:
            problems.append(problem)
        finally:
            postgres_store.discard()

    threads = [threading.Thread(target=write_on, args=[which]) for which in range(6)]
    sealing = threading.Thread(target=seal_on)
    for thread in (*threads, sealing):
        thread.start()
    for thread in threads:
        thread.join()
    stopped.set()
    sealing.join()
    seal(Sealer(), NOW + 60_000)
    assert not problems
    assert sorted(sealed()) == ids()
    assert len(ids()) == len(sealed()) == len(set(sealed()))
