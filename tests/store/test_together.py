"""Group commit: threads that write at the same time share a transaction, and none suffers from another's mistake."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import peewee
import pytest

from server.store import database
from server.store.database import Store
from server.store.failures import Unavailable
from server.store.models import Meta

PATIENCE = 60


def keep(key: str) -> str:
    Meta.insert(key=key, value="x").execute()
    return key


def do(works: Sequence[Callable[[], object]]) -> list[object]:
    return [work() for work in works]


def kept() -> set[str]:
    with database.session():
        return {row.key for row in Meta.select().where(Meta.key.startswith("t-"))}


class Crowd:
    """Threads that want to write while somebody else does; they are let go together."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.outcomes: dict[str, object] = {}
        self._threads: list[threading.Thread] = []

    def wants(self, name: str, work: Callable[[], object]) -> None:
        def run() -> None:
            try:
                self.outcomes[name] = self._store.together(do, work)
            except BaseException as error:
                self.outcomes[name] = error
            finally:
                self._store.close() if not self._store.is_postgresql else None

        self._threads.append(threading.Thread(target=run))

    def let_go(self) -> dict[str, object]:
        """The first one waits inside its work until all others stand behind it."""
        arrived, go_on = threading.Event(), threading.Event()

        def first() -> None:
            arrived.set()
            assert go_on.wait(PATIENCE)

        self.wants("first", first)
        leader, *others = self._threads[-1:] + self._threads[:-1]
        leader.start()
        assert arrived.wait(PATIENCE)
        for thread in others:
            waiting = len(self._store._together._waiting)
            thread.start()
            until = time.monotonic() + PATIENCE
            while len(self._store._together._waiting) == waiting and time.monotonic() < until:
                time.sleep(0.002)
        go_on.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        return self.outcomes


@pytest.fixture
def begun(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the transactions that are begun to be shared."""
    count: list[int] = []
    transaction = store.transaction

    def counted():  # type: ignore[no-untyped-def]
        count.append(1)
        return transaction()

    monkeypatch.setattr(store._together, "_transaction", counted)
    return count


def test_who_comes_while_another_writes_shares_one_transaction(store: Store, begun: list[int]) -> None:
    crowd = Crowd(store)
    for number in range(5):
        crowd.wants(f"t-{number}", lambda number=number: keep(f"t-{number}"))
    outcomes = crowd.let_go()
    assert {outcomes[f"t-{number}"] for number in range(5)} == kept() == {f"t-{number}" for number in range(5)}
    assert len(begun) == 2, "the first one's, and one for all who came meanwhile"


def test_one_that_fails_gets_its_failure_and_the_others_are_written(store: Store) -> None:
    keep("t-taken")
    crowd = Crowd(store)
    crowd.wants("t-a", lambda: keep("t-a"))
    crowd.wants("bad", lambda: keep("t-taken"))
    crowd.wants("t-b", lambda: keep("t-b"))
    outcomes = crowd.let_go()
    assert isinstance(outcomes["bad"], peewee.IntegrityError)
    assert (outcomes["t-a"], outcomes["t-b"]) == ("t-a", "t-b")
    assert kept() == {"t-taken", "t-a", "t-b"}


def test_nobody_is_told_that_it_is_written_when_the_commit_fails(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = Crowd(store)
    crowd.wants("t-a", lambda: keep("t-a"))
    crowd.wants("t-b", lambda: keep("t-b"))
    real = store.db.commit

    def full() -> object:
        if threading.current_thread() is crowd._threads[-1]:  # the one that leads first has nothing to write
            return real()
        raise Unavailable("the disk is full")

    monkeypatch.setattr(store.db, "commit", full)
    outcomes = crowd.let_go()
    monkeypatch.undo()
    assert isinstance(outcomes["t-a"], Unavailable)
    assert isinstance(outcomes["t-b"], Unavailable)
    assert kept() == set()


def test_what_may_be_on_disk_though_no_answer_came_is_not_written_again(
    store: Store, begun: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = Crowd(store)
    crowd.wants("t-a", lambda: keep("t-a"))
    crowd.wants("t-b", lambda: keep("t-b"))
    real = store.db.commit

    def unheard() -> None:
        real()
        if threading.current_thread() is not crowd._threads[-1]:
            raise Unavailable("the connection was lost")

    monkeypatch.setattr(store.db, "commit", unheard)
    # That nothing is begun to undo what is on disk.
    monkeypatch.setattr(store.db, "rollback", lambda: None)
    outcomes = crowd.let_go()
    monkeypatch.undo()
    assert {type(outcomes[name]) for name in ("t-a", "t-b")} == {Unavailable}
    assert len(begun) == 2
    assert kept() == {"t-a", "t-b"}


def test_what_was_undone_for_the_sake_of_another_transaction_is_written_again(store: Store, begun: list[int]) -> None:
    failures = [Unavailable("deadlock", undone=True)]

    def unlucky() -> str:
        if failures:
            raise failures.pop()
        return keep("t-a")

    crowd = Crowd(store)
    crowd.wants("t-a", unlucky)
    crowd.wants("t-b", lambda: keep("t-b"))
    outcomes = crowd.let_go()
    assert (outcomes["t-a"], outcomes["t-b"]) == ("t-a", "t-b")
    assert len(begun) == 2 + 2


def test_a_thread_that_is_ended_while_it_leads_leaves_nobody_waiting(store: Store) -> None:
    def ended() -> object:
        raise SystemExit(1)

    crowd = Crowd(store)
    crowd.wants("ended", ended)
    crowd.wants("t-a", lambda: keep("t-a"))
    outcomes = crowd.let_go()
    assert isinstance(outcomes["ended"], SystemExit)
    assert isinstance(outcomes["t-a"], SystemExit), "it was in the same transaction, of which nothing is written"
    assert kept() == set()
    assert store.together(do, lambda: keep("t-b")) == "t-b"


def test_inside_a_transaction_it_is_a_part_of_that_one(store: Store) -> None:
    def leave() -> None:
        store.together(do, lambda: keep("t-a"))
        raise RuntimeError("not after all")

    with pytest.raises(RuntimeError, match="after all"), store.transaction():
        leave()
    assert kept() == set()
